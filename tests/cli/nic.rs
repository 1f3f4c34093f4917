//! `clockfit nic`, as far as every machine has the interfaces for it.

use crate::support::{Serving, clockfit, measure};

#[test]
fn the_loopback_is_told_last_and_stamped_by_the_kernel() {
    let text = clockfit(["nic"]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    let (_, last) = text
        .stdout
        .rsplit_once("\n\n")
        .unwrap_or(("", &text.stdout));
    assert!(last.starts_with("lo: loopback, "), "{}", text.stdout);
    assert!(last.contains("kernel stamps only"), "{last}");
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn json_holds_what_was_asked_for_once() {
    let report = clockfit(["nic", "-f", "json", "lo", "lo"]).json();
    assert_eq!(report["schema"], "clockfit-nic/1");
    assert_eq!(report["interfaces"].as_array().map(Vec::len), Some(1));
    let lo = &report["interfaces"][0];
    assert_eq!(lo["kind"], "loopback");
    assert_eq!(lo["outlook"]["code"], "kernel");
    let offers = lo["offer"]["capabilities"].as_array().unwrap();
    assert!(offers.iter().any(|c| c == "tx_software"), "{lo:#}");
    assert!(lo["clock"].is_null() && lo["setting"].is_null());
    assert!(lo["setting_error"].as_str().unwrap().contains("EOPNOTSUPP"));
}

#[test]
fn an_unknown_interface_is_refused_with_those_that_exist() {
    for name in [
        "no-such-nic0",
        "../lo",
        "",
        "a-name-far-longer-than-any",
        "lo:1",
    ] {
        let ended = clockfit(["nic", "lo", name]);
        assert_eq!(ended.stdout, "", "nothing is told before all is known");
        ended.refused(&["error:", "no interface", name, "there are:", "lo"]);
    }
    let ended = clockfit(["nic", "\u{1b}[2J\u{202e}x"]);
    ended.refused(&["no interface \\u{1b}[2J\\u{202e}x"]);
    assert!(!ended.stderr.contains('\u{1b}'));
}

#[test]
fn without_a_card_hardware_stamps_end_in_the_kernel_s_with_the_reason() {
    let server = Serving::new("127.0.0.1:0", &[]);
    let address = server.address.to_string();
    let run = measure(&[
        &address,
        "-n",
        "20",
        "-i",
        "5ms",
        "--timestamps",
        "hardware",
    ]);
    assert_eq!(run.ended.code, 0);
    assert_eq!(run.number("/stamps/tx/hardware"), 0);
    assert_eq!(run.source()["class"]["stamps"], "kernel");
    let report = run.ended.json();
    assert_eq!(report["run"]["stamping"][0]["interface"], "lo");
    assert_eq!(
        report["run"]["stamping"][0]["reason"],
        "its driver offers none"
    );
    let warnings = report["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|w| w["code"] == "no_hardware_stamps"));

    // Nobody asked for them: nothing is said about loopback.
    let run = measure(&[&address, "-n", "20", "-i", "5ms"]);
    let report = run.ended.json();
    assert_eq!(report["run"]["stamping"].as_array().map(Vec::len), Some(0));
}
