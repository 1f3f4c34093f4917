//! Signals: an early end that still reports, an end at once, one that nobody can catch, and one that
//! only stops.

use std::ffi::OsStr;
use std::fs;
use std::net::UdpSocket;

use clockfit::net::clock;
use clockfit::time::{Monotonic, TimeDelta};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Fake, Running, adds_up, analyse, number, wait_until, warns};

#[test]
fn sigint_and_sigterm_end_early_and_report() {
    for signal in [Signal::INT, Signal::TERM] {
        for format in ["json", "text"] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("run.jsonl");
            let fake = Fake::honest();
            let name = fake.name();
            let args = [
                "measure", &name, "-d", "1h", "-i", "10ms", "-f", format, "-o",
            ];
            let args = args.iter().map(OsStr::new);
            let mut run = Running::new(args.chain([file.as_os_str()]));
            wait_until("20 requests came", || fake.asked() >= 20);
            run.signal(signal);
            let ended = run.end();
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            assert_eq!(analyse(&file, format).stdout, ended.stdout);
            if format == "json" {
                let report = ended.json();
                adds_up(&report);
                assert_eq!(report["run"]["interrupted"], true);
                assert!(warns(&report, "interrupted"));
                assert!(report["sources"][0]["valid"].as_u64() >= Some(19));
            } else {
                assert!(ended.stdout.contains("ended early by a signal"));
            }
        }
    }
}

#[test]
fn the_second_signal_waits_for_nothing() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let name = silent.local_addr().unwrap().to_string();
    let mut buffer = [0; 100];
    let mut run = Running::new(["measure", &name, "-d", "1h", "-t", "1h", "-f", "json"]);
    silent.recv_from(&mut buffer).unwrap();
    run.signal(Signal::INT);
    clock::sleep(TimeDelta::from_millis(500));
    assert!(run.runs(), "it waits for its answer");
    run.signal(Signal::INT);
    let ended = run.end();
    ended.refused(&["error: nothing was measured"]);
    let report = ended.json();
    adds_up(&report);
    assert_eq!(report["run"]["interrupted"], true);
    let lost = &report["sources"][0]["lost_by"]["interrupted"];
    assert!(lost.as_u64() >= Some(1), "{report:#}");
}

#[test]
fn an_early_end_does_not_wait_out_a_long_time_out() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let name = silent.local_addr().unwrap().to_string();
    let mut buffer = [0; 100];
    let mut run = Running::new(["measure", &name, "-d", "1h", "-t", "1h", "-f", "json"]);
    silent.recv_from(&mut buffer).unwrap();
    run.signal(Signal::INT);
    let ended = run.end(); // which fails if it takes too long
    ended.refused(&["error: nothing was measured"]);
    assert_eq!(ended.json()["run"]["interrupted"], true);
}

#[test]
fn sigkill_loses_at_most_the_last_second() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    let fake = Fake::honest();
    let name = fake.name();
    let args = ["measure", &name, "-d", "1h", "-i", "10ms", "-o"].map(OsStr::new);
    let run = Running::new(args.into_iter().chain([file.as_os_str()]));
    wait_until("the first request came", || fake.asked() > 0);
    clock::sleep(TimeDelta::from_secs(3));
    let killed = clock::counter();
    run.kill();

    let replay = analyse(&file, "json");
    assert_eq!(replay.code, 0, "{}", replay.stderr);
    let report = replay.json();
    assert!(warns(&report, "truncated"));
    assert_eq!(report["run"]["truncated"], true);
    adds_up(&report);
    let text = fs::read_to_string(&file).unwrap();
    let lines = text
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok());
    let last = lines
        .filter(|l| l["k"] == "x")
        .filter_map(|l| l["m"].as_i64())
        .max();
    let lost = killed.since(Monotonic::from_nanos(last.unwrap()));
    // Half a second between two flushes, and as much for a machine that is busy otherwise.
    assert!(lost < TimeDelta::from_secs(1), "{lost:?}");
}

#[test]
fn a_stopped_program_is_a_stall_and_no_wrong_clock() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    let fake = Fake::honest();
    let name = fake.name();
    let args = [
        "measure", &name, "-d", "1h", "-i", "5ms", "-f", "json", "-o",
    ];
    let args = args.iter().map(OsStr::new);
    let mut run = Running::new(args.chain([file.as_os_str()]));
    wait_until("20 requests came", || fake.asked() >= 20);
    run.signal(Signal::STOP);
    clock::sleep(TimeDelta::from_secs(2));
    run.signal(Signal::CONT);
    let asked = fake.asked();
    wait_until("20 more came", || fake.asked() >= asked + 20);
    run.signal(Signal::INT);
    let ended = run.end();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(analyse(&file, "json").stdout, ended.stdout);

    let report = ended.json();
    adds_up(&report);
    let found = report["local_clock"]["disturbances"].as_array().unwrap();
    let stalls = found.iter().filter(|d| d["what"] == "stall");
    let longest = stalls.map(|d| number(d, "/size_ns")).max();
    // It wakes some hundred times a second, and a busy machine may stop it late.
    assert!(longest >= Some(1_500_000_000), "{found:?}");
    assert!(warns(&report, "stalled") && !warns(&report, "local_clock_stepped"));
    let wrong = ["step", "suspend"];
    let wrong = found.iter().find(|d| wrong.iter().any(|w| d["what"] == *w));
    assert_eq!(wrong, None);
    let source = &report["sources"][0];
    assert_eq!(source["rejected"], serde_json::json!({}));
    assert!(number(source, "/bound_ns/lower") <= 0 && number(source, "/bound_ns/upper") >= 0);
    if number(source, "/stamps/rx/user") == 0 {
        // Whatever came in meanwhile was stamped when it came.
        let slowest = number(source, "/delay_ns/max");
        assert!(slowest < 1_000_000_000, "{slowest}");
    }
}
