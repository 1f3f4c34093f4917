//! `clockfit quorum`: exit codes of recordings and reports with known truth, and what is refused.
//! `scripts/tests/quorum.sh` does the same with real servers.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::check::Recorded;
use crate::support::{Ended, clockfit};

/// Files of several hosts.
struct Hosts {
    folder: TempDir,
}

impl Hosts {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A recording of a host that is behind its server by so many milliseconds, begun so many seconds late.
    fn record(&self, host: &str, behind: i64, late: i64) -> PathBuf {
        let run = Recorded::new(62, 1_000_000_000, &[("192.0.2.1", behind * 1_000_000)]);
        let text = fs::read_to_string(&run.path).unwrap();
        let mut lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        lines[0]["run_id"] = format!("run of {host}").into();
        lines[0]["environment"]["host"] = host.into();
        for line in &mut lines {
            for key in ["started", "t1", "t"] {
                if let Some(text) = line.get(key).and_then(Value::as_str) {
                    let (seconds, rest) = text.split_once('.').unwrap();
                    let seconds: i64 = seconds.parse().unwrap();
                    line[key] = format!("{}.{rest}", seconds + late).into();
                }
            }
        }
        let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
        let path = self.path(&format!("{host}.jsonl"));
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        path
    }

    /// The report of a recording.
    fn report(&self, recording: &Path) -> PathBuf {
        let told = clockfit(["analyse", "-f", "json", recording.to_str().unwrap()]);
        let path = recording.with_extension("json");
        fs::write(&path, &told.stdout).unwrap();
        path
    }
}

fn quorum(files: &[&PathBuf], args: &[&str]) -> Ended {
    let files = files.iter().map(|file| file.to_str().unwrap());
    clockfit(
        ["quorum"]
            .into_iter()
            .chain(files)
            .chain(args.iter().copied()),
    )
}

const COMMON: &[&str] = &["--common", "192.0.2.1", "--for"];

fn with(services: &str) -> Vec<&str> {
    COMMON.iter().copied().chain([services]).collect()
}

#[test]
fn exit_codes_say_the_verdict() {
    let hosts = Hosts::new();
    let (a, b, c) = (
        hosts.record("a", 0, 0),
        hosts.record("b", 10, 1),
        hosts.record("c", 60, 0),
    );
    let three = [&a, &b, &c];
    for (files, args, code) in [
        (&three[..], with("etcd"), 0),
        (&three, with("ceph-mon"), 1),
        (&three[..2], with("ceph-mon"), 0),
        // 50 ms apart, and 50 ms is the limit.
        (&three[1..], with("ceph-mon"), 3),
        (&three, with("zookeeper"), 0),
        (&three, COMMON[..2].to_vec(), 1),
        (&three, vec!["--grade", "basic"], 0),
    ] {
        let told = quorum(files, &args);
        assert_eq!(told.code, code, "{args:?}\n{}{}", told.stdout, told.stderr);
        assert_eq!(told.stderr, "");
    }
    let mut args = with("ceph-mon");
    args.extend(["--undetermined-is", "fit"]);
    assert_eq!(quorum(&three[1..], &args).code, 0);
    args[5] = "unfit";
    assert_eq!(quorum(&three[1..], &args).code, 1);
}

#[test]
fn reports_are_read_as_recordings_are() {
    let hosts = Hosts::new();
    let (a, b) = (hosts.record("a", 0, 0), hosts.record("b", 20, 0));
    let reports = [&hosts.report(&a), &hosts.report(&b)];
    let args = ["--common", "192.0.2.1", "--for", "ceph-mon", "-f", "json"];
    for files in [[&a, &b], reports, [&a, reports[1]]] {
        let told = quorum(&files, &args);
        assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
        let ahead = &told.json()["pairs"][0]["ahead_ns"];
        let (lower, upper) = (ahead[0].as_i64().unwrap(), ahead[1].as_i64().unwrap());
        assert!(lower <= 20_000_000 && 20_000_000 <= upper, "{ahead}");
        assert!(upper - lower < 15_000_000, "{ahead}");
    }
    // A report of check holds that of the run.
    let told = clockfit(["check", "-f", "json", "--replay", a.to_str().unwrap()]);
    let checked = hosts.path("checked.json");
    fs::write(&checked, &told.stdout).unwrap();
    assert_eq!(quorum(&[&checked, &b], &args).code, 0);
}

#[test]
fn hosts_can_be_named_by_hand() {
    let hosts = Hosts::new();
    let (a, b) = (hosts.record("same", 0, 0), hosts.record("other", 0, 0));
    let mut text = fs::read_to_string(&b).unwrap();
    text = text.replace("\"host\":\"other\"", "\"host\":\"same\"");
    fs::write(&b, text).unwrap();
    let args = with("etcd");
    let refused = quorum(&[&a, &b], &args);
    refused.refused(&["two reports are of a host called \"same\"", "NAME=REPORT"]);
    let named = PathBuf::from(format!("left={}", a.display()));
    let told = quorum(&[&named, &b], &args);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.contains("left and same"), "{}", told.stdout);
    // A file that is called so is that file.
    let odd = hosts.path("x=y.jsonl");
    fs::copy(&a, &odd).unwrap();
    let told = quorum(&[&odd, &hosts.record("third", 0, 0)], &args);
    assert_eq!(told.code, 0, "{}", told.stderr);
}

#[test]
fn what_cannot_be_held_against_each_other_is_refused() {
    let hosts = Hosts::new();
    let (a, b) = (hosts.record("a", 0, 0), hosts.record("b", 0, 0));
    let args = with("etcd");
    let late = hosts.record("late", 0, 400);
    quorum(&[&a, &late], &args)
        .refused(&["a and late were not measured at the same time", "s later"]);
    quorum(&[&a], &args).refused(&["two hosts at least"]);
    quorum(&[&a, &a], &args).refused(&["the same run"]);
    quorum(&[&a, &hosts.report(&a)], &args).refused(&["the same run"]);
    quorum(&[&a, &b], &["--common", "192.0.2.9"])
        .refused(&["no report has a server \"192.0.2.9\""]);
    quorum(&[&a, &b], &["--common", "192.0.2.1="]).refused(&["a name is empty"]);
    quorum(&[&a, &b], &["--peer", "z=192.0.2.1"]).refused(&["no report is of a host called \"z\""]);
    quorum(&[&a, &b], &["--peer", "a"]).refused(&["node-1=10.0.0.1"]);
    quorum(&[&a, &b], &["--for", "cef-mon"]).refused(&["ceph-mon"]);
    quorum(&[&a, &b], &["-f", "html"]).refused(&["text, json, markdown are"]);
    let empty = hosts.path("empty.json");
    fs::write(&empty, "").unwrap();
    quorum(&[&a, &empty], &args).refused(&["empty.json"]);
    let newer = hosts.path("newer.json");
    fs::write(&newer, "{\n  \"schema\": \"clockfit-report/2\"\n}\n").unwrap();
    quorum(&[&a, &newer], &args).refused(&["newer.json", "clockfit-report/2"]);
    let report = fs::read_to_string(hosts.report(&b)).unwrap();
    let cut = hosts.path("cut.json");
    fs::write(&cut, &report[..report.len() / 2]).unwrap();
    quorum(&[&a, &cut], &args).refused(&["cut.json", "broken"]);
    let silent = hosts.path("silent.jsonl");
    let text = fs::read_to_string(&b).unwrap();
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("\"k\":\"x\""))
        .collect();
    fs::write(&silent, kept.join("\n")).unwrap();
    quorum(&[&a, &silent], &args).refused(&["silent.jsonl", "no NTP server answered"]);
    let own = Recorded::new(62, 1_000_000_000, &[("127.0.0.1", 0)]);
    quorum(&[&a, &own.path], &args)
        .refused(&["127.0.0.1", "against itself a clock is always right"]);
    quorum(&[&a, &PathBuf::from("/nonexistent.json")], &args).refused(&["/nonexistent.json"]);
}

#[test]
fn a_host_is_called_as_it_is_told_to() {
    let hosts = Hosts::new();
    let file = hosts.path("named.jsonl");
    let told = clockfit([
        "measure",
        "-n",
        "2",
        "-i",
        "10ms",
        "--host",
        "node-7",
        "-o",
        file.to_str().unwrap(),
        "-f",
        "json",
    ]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert_eq!(told.json()["host"]["name"], "node-7");
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .contains("\"host\":\"node-7\"")
    );
    clockfit(["measure", "--host", " "]).refused(&["a name of a host"]);
}
