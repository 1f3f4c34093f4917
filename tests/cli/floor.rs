//! The noise floor: by itself, and beside sources.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{
    Fake, Measured, Running, Serving, analyse, clockfit, measure, number, wait_until,
};

/// Exchanges that a floor takes: the 95 % interval of p95 has both ends from there on.
const NEEDED: u64 = 72;

/// A floor with exchanges enough on a machine that sends two thirds of what it should.
const ENOUGH: &str = "--floor=10s";

fn lines(run: &Measured) -> Vec<Value> {
    let text = fs::read_to_string(&run.recording).unwrap();
    let lines = text.lines();
    lines.map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Mode and stamps of each floor.
fn floors(report: &Value) -> Vec<(String, String)> {
    let floors = report["floors"].as_array().unwrap().iter();
    let text = |value: &'static str, f: &Value| f["class"][value].as_str().unwrap().to_owned();
    floors
        .map(|f| (text("mode", f), text("stamps", f)))
        .collect()
}

#[test]
fn alone_it_is_told_for_each_mode_and_replays_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["text", "json"] {
        let path = folder.path().join(format);
        let file = path.to_str().unwrap();
        let run = clockfit(["floor", "-d", "3s", "-i", "5ms", "-f", format, "-o", file]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        let replay = analyse(&path, format);
        assert_eq!(run.stdout, replay.stdout);
        assert_eq!((replay.code, replay.stderr.as_str()), (0, ""));
        if format == "text" {
            assert!(run.stdout.lines().all(|l| l.chars().count() <= 80));
            for word in ["bias", "p99.9", "cannot be told from zero"] {
                assert!(run.stdout.contains(word), "{word}\n{}", run.stdout);
            }
            // Of independent exchanges p99.9 takes 3688; neighbours that are alike, as a busy machine makes them, take
            // more, and never fewer.
            let needs = run.stdout.split("needs n ").skip(1);
            let needs =
                needs.filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            assert!(needs.max() >= Some(3_688), "{}", run.stdout);
            continue;
        }
        let report = run.json();
        // Elsewhere than on Linux the server answers in basic mode alone.
        let modes: Vec<_> = floors(&report)
            .iter()
            .map(|(mode, _)| mode.clone())
            .collect();
        if cfg!(all(target_os = "linux", not(clockfit_portable))) {
            assert_eq!(modes, ["basic", "interleaved"]);
        }
        for floor in report["floors"].as_array().unwrap() {
            let sizes = &floor["abs_offset_ns"];
            match floor["limit_ns"].as_i64() {
                Some(limit) => assert!(limit > 0 && sizes["ci95"]["p95"][1] == limit),
                // On a busy machine exchanges depend on each other, and that takes more of them.
                None => assert!(number(sizes, "/needed/p95") > number(sizes, "/n")),
            }
            assert!(number(floor, "/spacing_ns") >= 2_500_000, "{floor:#}");
        }
        let kinds: Vec<_> = report["sources"].as_array().unwrap().iter().collect();
        assert!(kinds.len() == 2 && kinds.iter().all(|s| s["kind"] == "embedded"));
    }
}

#[test]
fn the_stamps_are_those_that_were_asked_for() {
    let run = clockfit([
        "floor",
        "-d",
        "200ms",
        "-i",
        "5ms",
        "--timestamps",
        "user",
        "-f",
        "json",
    ]);
    let report = run.json();
    assert!(floors(&report).iter().all(|(_, stamps)| stamps == "user"));
}

#[test]
fn a_floor_of_too_few_exchanges_gives_no_number() {
    let run = clockfit(["floor", "-d", "300ms"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(
        run.stdout.contains("too few exchanges to say"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("needs n 72"), "{}", run.stdout);
}

/// 50 ms are above the floor of any host, and a server on this host is below it: the estimates of
/// both are made of what the floor is made of. On a busy machine a median may be off nonetheless, so
/// that what is asserted of it is what follows from its number.
#[test]
fn an_offset_is_held_against_the_floor_of_its_mode_and_stamps() {
    let far = Serving::new("127.0.0.1:0", &["--offset", "50ms"]);
    let near = Serving::new("127.0.0.1:0", &[]);
    let names = [far.address.to_string(), near.address.to_string()];
    let run = measure(&[&names[0], &names[1], "-n", "30", "-i", "30ms", ENOUGH]);
    assert_eq!(run.ended.code, 0);
    let sources = run.report["sources"].as_array().unwrap();
    // The floor is no source, and `-n` does not speak of it.
    assert_eq!(sources.len(), 2);
    for source in sources {
        assert_eq!(
            (&source["kind"], &source["sent"]),
            (&"ntp".into(), &30.into())
        );
        let floor = &source["floor"];
        assert_eq!(floor["class"], source["class"]);
        assert_eq!(floor["applies"], true);
        let limit = floor["limit_ns"].as_i64();
        let median = source.pointer("/offset_ns/p50").and_then(Value::as_i64);
        let expected = match (limit, median) {
            (Some(limit), Some(median)) if median.abs() < limit => "below",
            (Some(_), Some(_)) => "above",
            // A machine that did not get round to it, or whose exchanges hang together so that 30
            // are too few for a median.
            _ => "undetermined",
        };
        assert_eq!(floor["resolution"], expected);
        assert_eq!(
            floor["n"].as_u64().unwrap() < NEEDED,
            floor["needed"] == NEEDED
        );
    }
    assert_ne!(sources[0]["floor"]["resolution"], "below");

    // It was measured before: no request of a source is older than one of the floor.
    let lines = lines(&run);
    let kinds: Vec<_> = lines.iter().filter(|l| l["k"] == "src").collect();
    let kinds: Vec<_> = kinds.iter().map(|l| l["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["embedded", "embedded", "ntp", "ntp"]);
    let exchanges = || lines.iter().filter(|l| l["k"] == "x");
    let (floor, asked): (Vec<_>, Vec<_>) = exchanges().partition(|l| l["s"].as_u64() < Some(2));
    let instant = |l: &&Value| number(l, "/m");
    assert!(floor.iter().map(instant).max() < asked.iter().map(instant).min());
    // One mode after the other.
    let of = |s: u64| floor.iter().filter(move |l| l["s"] == s);
    assert!(of(0).map(instant).max() < of(1).map(instant).min());

    let text = analyse(&run.recording, "text");
    assert!(text.stdout.lines().all(|l| l.chars().count() <= 80));
    let told = text.stdout.matches("\n  noise floor ").count();
    assert_eq!(told, 2, "{}", text.stdout);
    // Unless it could not be measured, which is a warning.
    let basic = &run.report["floors"][0];
    assert_eq!(
        text.stdout.contains("noise floor in basic mode"),
        basic["limit_ns"].is_null(),
        "{}",
        text.stdout
    );
}

#[test]
fn a_brief_floor_decides_nothing_and_costs_no_source_anything() {
    let server = Serving::new("127.0.0.1:0", &[]);
    let name = server.address.to_string();
    let run = measure(&[
        &name,
        "-d",
        "300ms",
        "-i",
        "10ms",
        "--floor=100ms",
        "--mode",
        "basic",
    ]);
    assert_eq!(run.ended.code, 0);
    assert!(run.count("/valid") > 0);
    assert_eq!(run.source()["floor"]["resolution"], "undetermined");
    assert_eq!(run.source()["floor"]["needed"], NEEDED);
    assert!(run.warns("no_floor"));
    // The time of the floor comes on top.
    assert!(number(&run.report, "/run/duration_ns") >= 400_000_000);
}

#[test]
fn a_run_whose_sources_are_silent_has_measured_nothing_whatever_its_floor() {
    let silent = Fake::new(|_| {});
    let run = measure(&[&silent.name(), "-n", "2", "-t", "100ms", "--floor=300ms"]);
    run.ended
        .refused(&["nothing was measured", "no source answered"]);
    assert_eq!(silent.asked(), 2);
    assert!(!floors(&run.report).is_empty());
}

#[test]
fn a_signal_during_the_floor_ends_the_run_and_says_that_nothing_was_asked() {
    let server = Fake::honest();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.jsonl");
    let file = path.to_str().unwrap();
    let mut run = Running::new(["measure", &server.name(), "--floor=50s", "-o", file]);
    wait_until("the floor is being measured", || {
        fs::read_to_string(&path).is_ok_and(|text| text.contains(r#""k":"x""#))
    });
    run.signal(Signal::INT);
    let ended = run.end();
    ended.refused(&["ended before the first answer"]);
    assert_eq!(server.asked(), 0);
    let replay = analyse(&path, "text");
    assert_eq!((ended.stdout, ended.code), (replay.stdout, replay.code));
}

#[test]
fn many_sources_are_asked_after_the_floor_too() {
    // More than are watched for arrivals.
    let server = Serving::new("0.0.0.0:0", &[]);
    let port = server.address.port();
    let names: Vec<_> = (1..=80).map(|k| format!("127.0.1.{k}:{port}")).collect();
    let mut args: Vec<&str> = names.iter().map(String::as_str).collect();
    args.extend(["-n", "2", "-i", "50ms", "--floor=2s"]);
    let run = measure(&args);
    assert_eq!(run.ended.code, 0);
    let sources = run.report["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 80);
    assert!(sources.iter().all(|s| s["sent"] == 2));
    // Unwatched sources are served in batches, which holds back none of the floor's requests.
    for floor in run.report["floors"].as_array().unwrap() {
        assert!(number(floor, "/offset_ns/n") > 5, "{floor:#}");
    }
}

#[test]
fn it_is_not_cross_checked() {
    let server = Serving::new("127.0.0.1:0", &[]);
    let name = server.address.to_string();
    let run = measure(&[
        &name,
        "-n",
        "30",
        "-i",
        "20ms",
        "--floor=300ms",
        "--cross-check",
    ]);
    let checks: Vec<_> = lines(&run)
        .into_iter()
        .filter(|l| l["k"] == "check")
        .collect();
    assert!(!checks.is_empty());
    assert!(checks.iter().all(|l| l["s"] == 2), "{checks:?}");
}

#[test]
fn a_recording_that_stops_in_the_floor_is_told_as_far_as_it_goes() {
    let server = Serving::new("127.0.0.1:0", &[]);
    let name = server.address.to_string();
    let run = measure(&[&name, "-n", "3", "-i", "10ms", "--floor=300ms"]);
    let text = fs::read_to_string(&run.recording).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.jsonl");
    for cut in (0..text.len()).step_by(97) {
        fs::write(&path, &text[..cut]).unwrap();
        for format in ["text", "json"] {
            let ended = analyse(&path, format);
            // All of the header, or nothing.
            let is_empty = ended.stdout.is_empty();
            assert_eq!(is_empty, cut <= text.find('\n').unwrap(), "cut at {cut}");
        }
    }
}

#[test]
fn a_floor_beside_nothing_is_refused_with_what_measures_it_alone() {
    let ended = clockfit(["measure", "--floor"]);
    ended.refused(&["--floor", "clockfit floor"]);
    assert_eq!(ended.stdout, "");
    clockfit(["measure", "--floor", "no-such-host.invalid"])
        .refused(&["nothing to measure", "no-such-host.invalid"]);
    clockfit(["floor", "-i", "99us"]).refused(&["--interval", "100us"]);
    clockfit(["floor", "-d", "0s"]).refused(&["longer than nothing"]);
    clockfit(["floor", "-I", "lo"]).refused(&["interface lo has no PTP clock"]);
    clockfit(["floor", "-I", "no-such-nic0"]).refused(&["no interface no-such-nic0"]);
    clockfit(["floor", "--timestamps", "hardware"])
        .refused(&["meets a network card", "--interface"]);
    clockfit(["floor", "127.0.0.1"]).refused(&["127.0.0.1"]);
    clockfit(["measure", "--floor=", "127.0.0.1"]).refused(&["--floor"]);
}
