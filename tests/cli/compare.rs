//! `clockfit compare`: exit codes of runs with known truth, and every file and option that is refused.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::check::Recorded;
use crate::support::{Ended, clockfit, shell};

const SEC: i64 = 1_000_000_000;

/// A folder of runs: of a recording with a name of its own each.
struct Runs {
    folder: TempDir,
}

impl Runs {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Recordings, whose one-way delays are made longer by so many nanoseconds, and differ by a few.
    fn recordings(&self, side: &str, n: i64, longer: i64) -> Vec<PathBuf> {
        (0..n)
            .map(|run| {
                let plain = Recorded::new(80, SEC / 100, &[("192.0.2.1", 0)]);
                let text = fs::read_to_string(&plain.path).unwrap();
                let way = 50_000 + longer + (run * 37) % 11 * 10;
                let text = text
                    .replace("\"run_id\":\"0\"", &format!("\"run_id\":\"{side}{run}\""))
                    .replace("\"u\":50000", &format!("\"u\":{way}"))
                    .replace("\"l\":-50000", &format!("\"l\":{}", -way));
                let path = self.path(&format!("{side}{run}.jsonl"));
                fs::write(&path, text).unwrap();
                path
            })
            .collect()
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn compare(options: &[&str], base: &[PathBuf], new: &[PathBuf]) -> Ended {
    let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let options = options.iter().map(ToString::to_string);
    let words = ["compare".to_owned()].into_iter().chain(options);
    let words = words.chain(base.iter().map(text));
    clockfit(words.chain(["--".to_owned()]).chain(new.iter().map(text)))
}

const DELAY: [&str; 2] = ["--metric", "delay_p50"];

/// A report of a recording, as JSON.
fn reported(recording: &Path) -> Value {
    let path = recording.to_str().unwrap();
    clockfit(["analyse", path, "-f", "json"]).json()
}

#[test]
fn exit_codes_say_what_is_worse() {
    let runs = Runs::new();
    let base = runs.recordings("base", 6, 0);
    let same = runs.recordings("same", 6, 0);
    let worse = runs.recordings("worse", 6, 10_000);
    let near = runs.recordings("near", 6, 2_500);
    for (new, options, code, word) in [
        (&same, &DELAY[..], 0, "PASS: "),
        (&near, &DELAY, 0, "WARN: "),
        (&worse, &DELAY, 1, "FAIL: "),
        (&same, &[], 0, "PASS: "),
        (&worse, &["-m", "delay_p50", "--margin", "30%"], 0, "PASS: "),
        (
            &worse,
            &["-m", "delay_p50", "--margin", "30us"],
            0,
            "PASS: ",
        ),
        (
            &worse,
            &[
                "-m",
                "delay_p50,loss",
                "--margin",
                "30%",
                "--margin",
                "delay_p50=1us",
            ],
            1,
            "FAIL: ",
        ),
        (&worse, &["-m", "loss"], 0, "PASS: "),
        (&same, &["-m", "delay_p99"], 3, "TOO FEW RUNS: "),
        (
            &same,
            &["-m", "loss", "--confidence", "99.9"],
            3,
            "TOO FEW RUNS: ",
        ),
    ] {
        let told = compare(options, &base, new);
        let said = format!("{options:?}\n{}{}", told.stdout, told.stderr);
        assert_eq!((told.code, told.stderr.as_str()), (code, ""), "{said}");
        assert!(told.stdout.starts_with(word), "{said}");
    }
    let few = compare(&[], &base[..3], &same[..3]);
    assert_eq!(few.code, 3, "{}", few.stdout);
    assert!(few.stdout.contains("each side needs"), "{}", few.stdout);
}

#[test]
fn a_report_stands_for_its_run() {
    let runs = Runs::new();
    let base = runs.recordings("base", 5, 0);
    let new = runs.recordings("new", 5, 2_000);
    let told = compare(&["-f", "json"], &base, &new).json();
    let reports = |of: &[PathBuf]| -> Vec<PathBuf> {
        of.iter()
            .map(|path| {
                let name = path.file_stem().unwrap().to_str().unwrap();
                runs.file(&format!("{name}.json"), &reported(path).to_string())
            })
            .collect()
    };
    let again = compare(&["-f", "json"], &reports(&base), &reports(&new)).json();
    assert_eq!(told["sources"], again["sources"]);
    assert_eq!(told["schema"], "clockfit-compare/1");
    // So does the one inside of what check says, and each side may have both.
    let checked: Vec<PathBuf> = base
        .iter()
        .map(|path| {
            let args = ["check", "-f", "json", "--replay", path.to_str().unwrap()];
            let name = path.file_stem().unwrap().to_str().unwrap();
            runs.file(&format!("{name}.check.json"), &clockfit(args).stdout)
        })
        .collect();
    let mut mixed = checked[..3].to_vec();
    mixed.extend_from_slice(&base[3..]);
    let again = compare(&["-f", "json"], &mixed, &new).json();
    assert_eq!(told["sources"], again["sources"]);
}

#[test]
fn several_formats_at_once() {
    let runs = Runs::new();
    let (base, new) = (runs.recordings("base", 5, 0), runs.recordings("new", 5, 0));
    let [summary, junit] = ["summary.md", "compare.xml"].map(|name| runs.path(name));
    let markdown = format!("markdown={}", summary.display());
    let xml = format!("junit={}", junit.display());
    let told = compare(&["-f", "text", "-f", &markdown, "-f", &xml], &base, &new);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(told.stdout.starts_with("PASS"), "{}", told.stdout);
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.starts_with("## PASS"), "{summary}");
    assert!(fs::read_to_string(junit).unwrap().contains("<testsuite "));
}

#[test]
fn files_that_hold_no_run_are_refused_by_name() {
    let runs = Runs::new();
    let good = runs.recordings("good", 1, 0);
    let report = reported(&good[0]);
    let mut newer = report.clone();
    newer["schema"] = json!("clockfit-report/2");
    let mut damaged = report.clone();
    damaged["sources"] = json!(7);
    let whole = clockfit(["analyse", "-f", "json", good[0].to_str().unwrap()]).stdout;
    for (name, text, words) in [
        (
            "newer.json",
            newer.to_string(),
            &["clockfit-report/2", "clockfit-report/1"][..],
        ),
        (
            "nic.json",
            json!({"schema": "clockfit-nic/1"}).to_string(),
            &["clockfit-nic/1"],
        ),
        (
            "damaged.json",
            damaged.to_string(),
            &["is broken", "-f json"],
        ),
        (
            "cut.json",
            whole[..whole.len() / 2].to_owned(),
            &["is broken", "-f json"],
        ),
        (
            "other.json",
            json!({"schema": "other/1"}).to_string(),
            &["not a clockfit recording"],
        ),
        (
            "number.json",
            json!({"schema": 5}).to_string(),
            &["not a clockfit recording"],
        ),
        (
            "list.json",
            "[1, 2]".to_owned(),
            &["not a clockfit recording"],
        ),
        (
            "text.txt",
            "hello\n".to_owned(),
            &["not a clockfit recording"],
        ),
        ("empty", String::new(), &["is empty"]),
        (
            "deep.json",
            "{\"a\":".repeat(100_000),
            &["not a clockfit recording"],
        ),
    ] {
        let bad = vec![runs.file(name, &text)];
        let refused = compare(&[], &good, &bad);
        let mut all = vec![name];
        all.extend_from_slice(words);
        // Of the deep one it is enough that it is refused.
        if name == "deep.json" {
            all.truncate(1);
        }
        refused.refused(&all);
        assert_eq!(refused.stdout, "");
    }
    compare(&[], &good, &[runs.path("nowhere.json")]).refused(&["nowhere.json", "cannot open"]);
    let folder = runs.folder.path().to_owned();
    compare(&[], &good, &[folder]).refused(&["is a directory", "*.json"]);
    compare(&[], &good, &[PathBuf::from("-")]).refused(&["- is no run", "standard input"]);
    compare(&[], &good, &[PathBuf::from("-f")]).refused(&["-f", "options are written before BASE"]);
}

#[test]
fn a_run_counts_once() {
    let runs = Runs::new();
    let good = runs.recordings("good", 2, 0);
    let told = compare(&[], &good, &good[1..]);
    told.refused(&["are one file", "good1.jsonl"]);
    let copy = runs.path("copy.jsonl");
    fs::copy(&good[0], &copy).unwrap();
    let told = compare(&[], &good, &[copy]);
    told.refused(&[
        "good0.jsonl",
        "copy.jsonl",
        "are one run",
        "leave one of them out",
    ]);
}

/// Logs of other programs name no run, and their copies are one run nevertheless.
#[test]
fn copies_of_an_imported_log_are_one_run() {
    let runs = Runs::new();
    let good = runs.recordings("good", 1, 0);
    let log = fs::read("tests/data/import/chrony/measurements-2.4.log");
    let log = log.unwrap_or_else(|error| panic!("{error}"));
    let copies = ["first.log", "second.log"].map(|name| runs.path(name));
    for copy in &copies {
        fs::write(copy, &log).unwrap();
    }
    compare(&[], &good, &copies).refused(&["first.log", "second.log", "measured exactly the same"]);
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let runs = Runs::new();
    let (base, new) = (runs.recordings("base", 1, 0), runs.recordings("new", 1, 0));
    for (options, words) in [
        (&["-m", "p99"][..], &["no metric", "delay_p99"][..]),
        (&["-m", "delay_p50,"], &["no metric"]),
        (&["--margin", "5"], &["--margin", "5s"]),
        (&["--margin", "p99=5%"], &["no metric"]),
        (&["--margin", "loss=5ms"], &["loss", "loss=1%"]),
        (
            &["--margin", "-5%"],
            &["--margin", "expected a share such as 5%"],
        ),
        (
            &["--confidence", "100"],
            &["--confidence", "less than 100 %"],
        ),
        (&["--confidence", "0"], &["more than 0 %"]),
        (&["-s", "a=b"], &["no run of BASE asked a", "192.0.2.1"]),
        (&["-s", "192.0.2.1=b"], &["no run of NEW asked b"]),
        (&["-s", "=b"], &["a name is missing"]),
        (&["-f", "nagios"], &["does not tell this", "junit"]),
        (&["-f", "text", "-f", "json"], &["only one report"]),
        (
            &["-f", "junit=/nowhere/a.xml"],
            &["/nowhere/a.xml", "cannot be written"],
        ),
    ] {
        let refused = compare(options, &base, &new);
        assert_eq!(refused.stdout, "", "{options:?}");
        assert_eq!(refused.code, 2, "{options:?}\n{}", refused.stderr);
        for word in words {
            assert!(
                refused.stderr.contains(word),
                "{options:?}\n{}",
                refused.stderr
            );
        }
    }
    let [base, new] = [&base, &new].map(|side| side[0].to_str().unwrap());
    for args in [
        &["compare"][..],
        &["compare", base],
        &["compare", base, new],
        &["compare", base, "--"],
        &["compare", "--", new],
    ] {
        let refused = clockfit(args);
        assert_eq!(refused.code, 2, "{args:?}");
        assert!(
            refused.stderr.contains("BASE... -- NEW..."),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn sides_with_nothing_in_common_can_be_told_what_belongs_together() {
    let runs = Runs::new();
    let base = runs.recordings("base", 4, 0);
    let new = runs.recordings("new", 4, 0);
    for path in &new {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text.replace("192.0.2.1", "192.0.2.9")).unwrap();
    }
    compare(&DELAY, &base, &new).refused(&[
        "no source in common",
        "192.0.2.1",
        "192.0.2.9",
        "--source",
    ]);
    let told = compare(
        &["-m", "delay_p50", "-s", "192.0.2.1=192.0.2.9"],
        &base,
        &new,
    );
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.stdout.contains("192.0.2.1 (NEW: 192.0.2.9)"),
        "{}",
        told.stdout
    );
}

/// A pipe can be read once: a recording through one is a run as any other.
#[test]
fn a_recording_may_come_through_a_pipe() {
    let runs = Runs::new();
    let (base, new) = (runs.recordings("base", 1, 0), runs.recordings("new", 1, 0));
    let told = shell(&format!(
        "cat {} | \"$CLOCKFIT\" compare /dev/stdin -- {}",
        base[0].display(),
        new[0].display()
    ));
    assert_eq!(told.code, 3, "{}{}", told.stdout, told.stderr);
}
