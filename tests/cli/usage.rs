//! What the command line accepts, and what it says about the rest.

use crate::support::clockfit;

#[test]
fn help_and_version_are_answers() {
    for args in [
        &["--help"][..],
        &["measure", "--help"],
        &["help", "serve"],
        &["nic", "--help"],
        &["floor", "--help"],
    ] {
        let ended = clockfit(args);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        assert!(ended.stdout.contains("Usage: clockfit"), "{args:?}");
    }
    let version = clockfit(["--version"]);
    assert_eq!(version.code, 0);
    let expected = concat!("clockfit ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(version.stdout, expected);
}

#[test]
fn nothing_at_all_shows_the_help() {
    let ended = clockfit([""; 0]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("Usage: clockfit <COMMAND>"));
}

#[test]
fn bad_usage_says_what_is_wrong_and_what_would_be_right() {
    for (args, words) in [
        (&["measure", "--bogus"][..], &["--bogus"][..]),
        (&["maesure"], &["maesure"]),
        (&["measure", "-d", "5"], &["5s", "5ms"]),
        (&["measure", "-i", "5 fortnights"], &["5ms, 3s or 1h"]),
        (&["measure", "-i", "400y"], &["292 years"]),
        (&["measure", "-d", "0s"], &["longer than nothing"]),
        (&["measure", "-t", "0"], &["longer than nothing"]),
        (&["measure", "-n", "0"], &["'0'", "--count"]),
        (&["measure", "-n", "99999999999999999999"], &["--count"]),
        (&["measure", "-4", "-6"], &["--ipv4", "--ipv6"]),
        (&["measure", "-6"], &["embedded server", "-6"]),
        (&["measure", "--force"], &["error:", "required"]),
        (&["measure", "-f", "xml"], &["xml"]),
        (&["measure", ""], &["no host"]),
        (&["measure", "a:b:c"], &["[2001:db8::1]:123"]),
        (&["measure", "http://x"], &["only ntp://"]),
        (&["measure", "[::1"], &["[2001:db8::1]:123"]),
        (&["measure", "[127.0.0.1]:1"], &["no IPv6 address"]),
        (&["measure", "127.0.0.1:0"], &["1 to 65535"]),
        (&["measure", "127.0.0.1:65536"], &["1 to 65535"]),
        (&["measure", "ntp://h/path"], &["no path"]),
        (&["measure", "::1%nosuchif0"], &["nosuchif0"]),
        (
            &["measure", "phc:"],
            &["names no PTP clock", "phc:/dev/ptp0"],
        ),
        (
            &["measure", "phc:no-clock"],
            &["phc:no-clock", "no PTP clock"],
        ),
        (
            &["measure", "127.0.0.1", "--take-over-nic"],
            &["--take-over-nic", "--timestamps hardware"],
        ),
        (
            &["measure", "127.0.0.1", "--tx-correction", "eth0=5"],
            &["5ns", "--tx-correction"],
        ),
        (
            &["measure", "127.0.0.1", "--tx-correction", "no-nic0=5ns"],
            &["--tx-correction", "no interface no-nic0"],
        ),
        (
            &[
                "measure",
                "127.0.0.1",
                "--timestamps",
                "kernel",
                "--rx-correction",
                "5ns",
            ],
            &["--rx-correction", "--timestamps auto or hardware"],
        ),
        (
            &["measure", "127.0.0.1", "--rx-correction", "=5ns"],
            &["name of an interface"],
        ),
        (
            &["measure", "127.0.0.1", "--rx-correction", "-2s"],
            &["shorter than a second"],
        ),
        (&["measure", "phc:lo"], &["interface lo has no PTP clock"]),
        (
            &["measure", "phc:/dev/null"],
            &["/dev/null is not a PTP clock"],
        ),
        (
            &["measure", "rtc:rtc0"],
            &["names no real-time clock", "rtc:/dev/rtc0"],
        ),
        (
            &["measure", "rtc:/dev/null"],
            &["/dev/null is not a real-time clock"],
        ),
        (
            &["measure", "rtc:/dev/no-such-rtc"],
            &["/dev/no-such-rtc cannot be read", "No such file"],
        ),
        (
            &["measure", "rtc:/dev/null", "-i", "999ms"],
            &["rtc:/dev/null can be read once a second", "-i takes 1s"],
        ),
        (&["serve", "--drift", "1e9"], &["parts per million"]),
        (&["serve", "--stratum", "16"], &["16"]),
        (&["serve", "--listen", "nowhere"], &["nowhere"]),
        (
            &["serve", "--listen", "192.0.2.1:0"],
            &["cannot listen", "192.0.2.1"],
        ),
    ] {
        let ended = clockfit(args);
        assert_eq!(ended.stdout, "", "{args:?}");
        ended.refused(words);
    }
}

#[test]
fn arguments_that_are_no_text_are_refused_or_kept_as_they_look() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let raw = OsStr::from_bytes(b"\xff\xfe");
    clockfit([OsStr::new("measure"), raw]).refused(&["error:", "UTF-8"]);
    clockfit([OsStr::new("analyse"), raw]).refused(&["cannot open"]);
}
