//! `clockfit provider`: what is refused before a packet is sent, and short runs against servers on loopback.
//! `scripts/tests/provider.sh` does the same with real servers, and in bursts.

use std::fs;

use serde_json::Value;

use crate::check::Recorded;
use crate::support::{Ended, Fake, Serving, clockfit};

#[test]
fn bad_usage_says_what_is_wrong_and_what_would_be_right() {
    for (args, words) in [
        (&["provider"][..], &["SERVER"][..]),
        (
            &["provider", "phc:ptp0"],
            &["servers that are judged", "phc:ptp0"],
        ),
        (&["provider", "rtc:/dev/rtc0"], &["servers that are judged"]),
        (&["provider", "127.0.0.1", "-n", "5"], &["-n", "-d 60s"]),
        (
            &["provider", "127.0.0.1", "-f", "html"],
            &["html", "markdown"],
        ),
        (
            &["provider", "127.0.0.1", "-f", "nagios"],
            &["nagios", "markdown"],
        ),
        (
            &["provider", "127.0.0.1", "--burst-rate", "65"],
            &["65", "0..=64"],
        ),
        (&["provider", "127.0.0.1", "--burst-rate", "-1"], &["-1"]),
        (&["provider", "--replay", "x", "127.0.0.1"], &["--replay"]),
        (&["provider", "--replay", "x", "-d", "5s"], &["--replay"]),
        (
            &["provider", "--replay", "x", "--burst-rate", "8"],
            &["--burst-rate"],
        ),
        (&["provider", "--replay", "no such file"], &["no such file"]),
        (
            &["provider", "192.0.2.1", "--ports", "2"],
            &["--own-servers"],
        ),
    ] {
        let ended = clockfit(args);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (2, ""),
            "{args:?}: {}",
            ended.stderr
        );
        for word in words {
            assert!(ended.stderr.contains(word), "{args:?}: {}", ended.stderr);
        }
    }
}

#[test]
fn help_names_what_is_asked_and_how_it_ends() {
    let ended = clockfit(["provider", "--help"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for word in [
        "--burst-rate",
        "--own-servers",
        "Exit codes",
        "--undetermined-is",
        "--replay",
    ] {
        assert!(ended.stdout.contains(word), "{word}: {}", ended.stdout);
    }
}

fn verdict<'a>(report: &'a Value, id: &str) -> &'a Value {
    let all = report["requirements"].as_array().unwrap();
    let found = all.iter().find(|of| of["id"] == id);
    &found.unwrap_or_else(|| panic!("no {id}"))["verdict"]
}

/// A run, and the same from its recording.
fn judge(args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("run.jsonl");
    let kept = kept.to_str().unwrap();
    let command = ["provider", "-f", "json", "-o", kept];
    let ended = clockfit(command.iter().chain(args));
    for format in ["json", "text", "markdown"] {
        let again = clockfit(["provider", "--replay", kept, "-f", format]);
        assert_eq!(again.code, ended.code, "{}", again.stderr);
        if format == "json" {
            assert_eq!(ended.stdout, again.stdout, "the replay differs");
        }
    }
    ended
}

#[test]
fn three_servers_on_loopback_are_asked_and_their_recording_says_the_same() {
    let servers = ["127.0.0.1:0", "127.0.0.2:0", "127.0.0.3:0"].map(|at| Serving::new(at, &[]));
    let names = [0, 1, 2].map(|n: usize| servers[n].address.to_string());
    let args = ["-d", "3s", "--burst-rate", "0", "-i", "50ms"];
    let ended = judge(&[&args[..], &names.each_ref().map(String::as_str)].concat());
    assert_eq!(ended.code, 3, "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.json();
    assert_eq!(report["schema"], "clockfit-provider/1");
    for id in [
        "three-servers",
        "answers",
        "local-servers",
        "synchronised",
        "servers-agree",
        "loses-any",
        "no-amplification",
    ] {
        assert_eq!(verdict(&report, id), "fit", "{id}: {report:#}");
    }
    for id in ["not-rate-limited", "burst-delay"] {
        assert_eq!(verdict(&report, id), "undetermined", "{id}");
    }
    assert_eq!(report["servers"].as_array().unwrap().len(), 3);
    assert_eq!(report["servers"][1]["burst_sent"], Value::Null);
}

#[test]
fn a_server_that_is_off_one_that_amplifies_and_a_silent_one_are_named() {
    let good = Serving::new("127.0.0.1:0", &[]);
    let off = Serving::new("127.0.0.2:0", &["--offset", "50ms"]);
    // More than the longest of odd packets has.
    let loud = Fake::at("127.0.0.3:0", |asked| {
        for _ in 0..16 {
            asked.answer(|_| {});
        }
    });
    let silent = Fake::at("127.0.0.4:0", |_| {});
    let names = [good.address, off.address, loud.address, silent.address].map(|of| of.to_string());
    let args = ["-n", "20", "--burst-rate", "0", "-i", "50ms", "-t", "200ms"];
    let ended = judge(&[&args[..], &names.each_ref().map(String::as_str)].concat());
    assert_eq!(ended.code, 1, "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.json();
    let named = |id: &str, code: &str| {
        let all = report["requirements"].as_array().unwrap();
        let findings = &all.iter().find(|of| of["id"] == id).unwrap()["findings"];
        let findings = findings.as_array().unwrap().iter();
        let found: Vec<&str> = findings
            .filter(|of| of["verdict"] == "unfit" && of["code"] == code)
            .map(|of| of["server"].as_str().unwrap())
            .collect();
        found.join(" ")
    };
    assert_eq!(
        named("servers-agree", "falseticker"),
        names[1],
        "{report:#}"
    );
    assert_eq!(named("no-amplification", "odd"), names[2], "{report:#}");
    assert_eq!(named("answers", "silent"), names[3], "{report:#}");
}

#[test]
fn a_name_that_is_not_found_is_not_passed_over() {
    let server = Fake::honest();
    let args = ["-n", "3", "--burst-rate", "0", "-i", "20ms"];
    let ended = judge(&[&args[..], &[&server.name(), "no-such-host.invalid"]].concat());
    assert!(
        ended.stdout.contains("no-such-host.invalid"),
        "{}",
        ended.stdout
    );
    assert_eq!(verdict(&ended.json(), "answers"), "undetermined");
}

#[test]
fn recordings_of_other_commands_say_what_they_can() {
    let servers = [("10.0.0.1", 0), ("10.0.0.2", 0), ("10.0.0.3", 0)];
    let run = Recorded::new(60, 1_000_000_000, &servers);
    let path = run.path.to_str().unwrap();
    let ended = clockfit(["provider", "--replay", path, "-f", "json"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let report = ended.json();
    for (id, expected) in [
        ("three-servers", "fit"),
        ("servers-agree", "fit"),
        ("not-rate-limited", "undetermined"),
        ("no-amplification", "undetermined"),
    ] {
        assert_eq!(verdict(&report, id), expected, "{id}");
    }
    for (taken, code) in [("fit", 0), ("unfit", 1)] {
        let args = ["provider", "--replay", path, "--undetermined-is", taken];
        assert_eq!(clockfit(args).code, code);
    }
    // A report does not take the place of what it was made of.
    let before = fs::read(path).unwrap();
    let format = format!("json={path}");
    clockfit(["provider", "--replay", path, "-f", &format]).refused(&["error"]);
    assert_eq!(fs::read(path).unwrap(), before);
}
