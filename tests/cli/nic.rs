//! `clockfit nic`, as far as every machine has the interfaces for it.

use crate::support::clockfit;

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
