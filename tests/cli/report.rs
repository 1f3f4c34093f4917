//! `clockfit report`, and pages, tables and logs of every command that measures.

use std::fs;
use std::path::Path;

use super::check::Recorded;
use super::support::{clockfit, measure, shell};

fn place(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// A short run, with its page.
const BRIEF: [&str; 4] = ["-d", "300ms", "-i", "5ms"];

#[test]
fn a_run_and_its_recording_give_the_same_page() {
    let folder = tempfile::tempdir().unwrap();
    let page = place(folder.path(), "run.html");
    let measured = measure(&[&BRIEF[..], &["-f", &format!("html={page}")]].concat());
    let shown = fs::read_to_string(&page).unwrap();
    assert!(shown.starts_with("<!doctype html>\n"));
    assert!(shown.contains("Delay against offset"));
    let recording = measured.recording.to_str().unwrap();
    for command in ["report", "analyse"] {
        let told = clockfit([command, recording, "-f", "html"]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        assert!(told.stdout == shown, "{command} gives another page");
    }
    let told = clockfit(["report", recording, "-f", "json"]);
    assert_eq!(told.stdout, measured.ended.stdout);
    assert_eq!(
        clockfit(["report", recording]).stdout,
        clockfit(["analyse", recording]).stdout
    );
}

#[test]
fn a_json_report_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let json = place(folder.path(), "run.json");
    let measured = measure(&BRIEF);
    fs::write(&json, &measured.ended.stdout).unwrap();
    let told = clockfit(["report", &json, "-f", "json"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert_eq!(told.stdout, measured.ended.stdout);
    let told = clockfit(["report", &json, "-f", "html"]);
    assert_eq!(told.code, 0);
    assert!(
        told.stdout
            .contains("are not drawn: this page was made from a JSON report")
    );
    // The same from a pipe, where nothing can be read twice, in whatever order its fields are.
    let piped = shell(&format!("\"$CLOCKFIT\" report - -f html < {json}"));
    assert_eq!(piped.stdout, told.stdout);
    let text = clockfit(["report", &json]);
    assert_eq!(
        text.stdout,
        clockfit(["analyse", measured.recording.to_str().unwrap()]).stdout
    );
    let quantiles = clockfit(["report", &json, "-f", "csv-quantiles"]);
    assert_eq!(quantiles.code, 0);
    assert!(quantiles.stdout.starts_with("source,address,"));
    for format in ["csv", "hlog"] {
        clockfit(["report", &json, "-f", format]).refused(&[
            format,
            "single exchanges",
            "recording",
        ]);
        let told = clockfit(["report", measured.recording.to_str().unwrap(), "-f", format]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""));
        assert!(told.stdout.lines().count() > 3);
    }
    for format in ["junit", "nagios"] {
        clockfit(["report", &json, "-f", format]).refused(&[format, "verdict", "check --replay"]);
    }
}

#[test]
fn a_verdict_is_told_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (json, page) = (
        place(folder.path(), "a.json"),
        place(folder.path(), "a.html"),
    );
    let run = Recorded::minute(0);
    let formats = [format!("json={json}"), format!("html={page}")];
    let asked = run.check(&["--for", "ceph-mon", "-f", &formats[0], "-f", &formats[1]]);
    assert_eq!((asked.code, asked.stderr.as_str()), (0, ""));
    let page = fs::read_to_string(&page).unwrap();
    assert!(page.contains("FIT for ceph-mon"));
    let told = clockfit(["report", &json, "-f", "html"]);
    assert!(told.stdout.contains("FIT for ceph-mon"));
    // Each other format is what check itself writes; the exit code is no verdict.
    for format in ["text", "json", "markdown", "junit", "nagios", "prometheus"] {
        let asked = run.check(&["--for", "ceph-mon", "-f", format]);
        let told = clockfit(["report", &json, "-f", format]);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{format}");
        assert_eq!(told.stdout, asked.stdout, "{format}");
    }
}

#[test]
fn what_is_no_result_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &str| {
        let file = place(folder.path(), name);
        fs::write(&file, text).unwrap();
        file
    };
    let refused = |text: &str, words: &[&str]| {
        let file = written("some", text);
        let words: Vec<&str> = words.iter().copied().chain([file.as_str()]).collect();
        clockfit(["report", &file, "-f", "html"]).refused(&words);
    };
    refused("", &["empty"]);
    refused(
        "{\"schema\": \"clockfit-report/2\"}",
        &["clockfit-report/2", "clockfit-report/1", "version"],
    );
    refused("{\"schema\": \"clockfit-nic/1\"}", &["clockfit-nic/1"]);
    refused(
        "{\"schema\": \"clockfit-report/1\"}",
        &["broken", "missing field", "line 1"],
    );
    refused(
        "{\"schema\": \"clockfit-report/1\",\n \"tool\": ",
        &["broken", "line 2"],
    );
    refused(
        "{\"schema\": \"clockfit-report/1\", \"tool\": 5}",
        &["broken", "column"],
    );
    refused("{}", &[]);
    refused("[]", &[]);
    refused("hello\n", &[]);
    refused(&"[".repeat(100_000), &[]);
    refused(&format!("{{\"schema\": {}", "[".repeat(100_000)), &[]);
    clockfit(["report", "/nowhere/run.json"]).refused(&["/nowhere/run.json"]);
    let folder = folder.path().to_str().unwrap();
    clockfit(["report", folder]).refused(&[folder]);
    clockfit(["report"]).refused(&["required"]);
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_measured() {
    for command in ["measure", "floor"] {
        let ask = |args: &[&str], words: &[&str]| {
            let ended = clockfit([command].iter().chain(args));
            assert!(ended.took.as_secs_f64() < 5.0, "{args:?}");
            ended.refused(words);
        };
        ask(
            &["-f", "html=/nowhere/a.html"],
            &["/nowhere/a.html cannot be written"],
        );
        ask(
            &["-f", "text", "-f", "html"],
            &["only one report goes to standard output"],
        );
        ask(
            &["-f", "html=/tmp/x", "-f", "json=/tmp/x"],
            &["two reports cannot go to one file"],
        );
        ask(&["-f", "junit"], &["tells a verdict", "clockfit check"]);
        ask(&["-f", "yaml"], &["no format", "html"]);
    }
    clockfit(["analyse", "a", "b", "-f", "html=/tmp/x"]).refused(&["name one recording"]);
    clockfit(["analyse", "--phase", "a", "--tau0", "1s", "-f", "html"])
        .refused(&["plain column", "text or json"]);
}
