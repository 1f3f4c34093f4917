//! `clockfit report`, and pages, tables and logs of every command that measures.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
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

/// Whatever ways there are to name it.
#[test]
fn no_report_takes_the_place_of_what_is_read_or_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| place(folder.path(), name);
    let (json, other, recording) = (at("run.json"), at("other.json"), at("run.jsonl"));
    let run = measure(&BRIEF);
    fs::write(&json, &run.ended.stdout).unwrap();
    fs::write(&other, &run.ended.stdout).unwrap();
    fs::copy(&run.recording, &recording).unwrap();
    fs::write(at("own.toml"), "schema = 2\n").unwrap();
    symlink("run.json", at("link")).unwrap();
    symlink(&recording, at("linked.jsonl")).unwrap();
    fs::hard_link(&json, at("hard")).unwrap();
    let words = ["is what this command reads or records", "another name"];
    for name in ["run.json", "./run.json", "link", "hard"] {
        let own = format!("json={}/{name}", folder.path().display());
        for args in [
            vec!["report", &json],
            vec!["compare", &json, "--", &other],
            vec!["compare", &other, "--", &json],
            vec!["quorum", &other, &json],
            vec!["quorum", &other, &format!("a={json}")],
        ] {
            let mut args = args;
            args.splice(1..1, ["-f", &own]);
            clockfit(&args).refused(&words);
        }
        shell(&format!("\"$CLOCKFIT\" report - -f {own} < {json}")).refused(&words);
    }
    for args in [
        vec!["report", &recording],
        vec!["analyse", &recording],
        vec!["check", "--replay", &recording],
        vec!["analyse", "--tau0", "1s", "--phase", &recording],
    ] {
        for name in ["run.jsonl", "linked.jsonl"] {
            let own = format!("json={}", at(name));
            clockfit(args.iter().copied().chain(["-f", &own])).refused(&words);
        }
    }
    let own = format!("json={}", at("own.toml"));
    clockfit([
        "check",
        "--replay",
        &recording,
        "--profile",
        &at("own.toml"),
        "-f",
        &own,
    ])
    .refused(&words);
    for command in ["measure", "floor"] {
        // One that does not exist yet, and one that does.
        for name in ["new.jsonl", "run.jsonl"] {
            let file = at(name);
            let own = format!("json={}/./{name}", folder.path().display());
            let args = [command, "-d", "100ms", "-o", &file, "--force", "-f", &own];
            clockfit(args).refused(&words);
        }
    }
    clockfit([
        "check",
        "127.0.0.1",
        "-o",
        &at("new.jsonl"),
        "-f",
        &format!("html={}", at("new.jsonl")),
    ])
    .refused(&words);
    assert!(!Path::new(&at("new.jsonl")).exists());
    assert_eq!(fs::read_to_string(&json).unwrap(), run.ended.stdout);
    assert_eq!(
        fs::read(&recording).unwrap(),
        fs::read(&run.recording).unwrap()
    );
}

#[test]
fn two_reports_do_not_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display();
    let run = measure(&BRIEF);
    let recording = run.recording.to_str().unwrap();
    let words = ["two reports cannot go to one file"];
    let (one, same) = (format!("html={folder}/y"), format!("json={folder}/./y"));
    clockfit(["report", recording, "-f", &one, "-f", &same]).refused(&words);
    // Standard output is a file, too.
    let told = shell(&format!(
        "\"$CLOCKFIT\" report {recording} -f text -f json={folder}/z > {folder}/z"
    ));
    told.refused(&words);
    let told = clockfit([
        "report",
        recording,
        "-f",
        "html=/dev/null",
        "-f",
        "json=/dev/null",
    ]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
}

#[test]
fn links_are_followed_and_modes_kept() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let run = measure(&BRIEF);
    let recording = run.recording.to_str().unwrap();
    let write = |name: &str| {
        let told = clockfit([
            "report",
            recording,
            "-f",
            &format!("json={}", at(name).display()),
        ]);
        assert_eq!(
            (told.code, told.stdout.as_str(), told.stderr.as_str()),
            (0, "", "")
        );
    };
    // To a file, to one that does not exist yet, and from link to link.
    fs::create_dir(at("far")).unwrap();
    fs::write(at("far/old"), "old").unwrap();
    fs::set_permissions(at("far/old"), fs::Permissions::from_mode(0o600)).unwrap();
    symlink("far/old", at("link")).unwrap();
    symlink("far/new", at("dangling")).unwrap();
    symlink("dangling", at("twice")).unwrap();
    for (name, real) in [("link", "far/old"), ("twice", "far/new")] {
        write(name);
        assert!(at(name).is_symlink() && !at(real).is_symlink(), "{name}");
        assert_eq!(fs::read_to_string(at(real)).unwrap(), run.ended.stdout);
    }
    let mode = fs::metadata(at("far/old")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    symlink("round", at("round")).unwrap();
    let round = format!("json={}", at("round").display());
    clockfit(["report", recording, "-f", &round]).refused(&["cannot be written", "links"]);
    // What is open already is written into: a pipe or a file, and what is in it stays.
    symlink("/dev/fd/1", at("out")).unwrap();
    for name in ["/dev/stdout", at("out").to_str().unwrap()] {
        let piped = clockfit(["report", recording, "-f", &format!("json={name}")]);
        assert_eq!(piped.stdout, run.ended.stdout, "{name}");
        let file = at("file");
        shell(&format!(
            "{{ echo first; \"$CLOCKFIT\" report {recording} -f json={name}; }} > {}",
            file.display()
        ));
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            format!("first\n{}", run.ended.stdout)
        );
    }
    assert!(at("out").is_symlink());
}

#[test]
fn a_pipe_that_nobody_reads_is_no_place_for_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().display();
    let told = shell(&format!(
        "mkfifo {folder}/p && exec \"$CLOCKFIT\" measure -d 100ms -f json={folder}/p"
    ));
    told.refused(&["/p cannot be written", "nobody reads it"]);
    let told = shell(&format!(
        "cat {folder}/p & sleep 0.2; \"$CLOCKFIT\" measure -d 100ms -i 10ms -f json={folder}/p; wait"
    ));
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert!(told.stdout.starts_with("{\n"), "{}", told.stdout);
}

#[test]
fn what_is_refused_names_no_file_of_its_own() {
    let told = clockfit(["measure", "-f", "html=/nowhere/a.html"]);
    told.refused(&["/nowhere/a.html cannot be written: No such file"]);
    assert!(!told.stderr.contains(".clockfit-"), "{}", told.stderr);
    let told = clockfit(["measure", "-f", "html=/proc/a.html"]);
    told.refused(&["/proc/a.html cannot be written"]);
    let folder = tempfile::tempdir().unwrap();
    let named = format!("html={}/a/", folder.path().display());
    clockfit(["measure", "-f", &named]).refused(&["named as a folder"]);
}

#[test]
fn what_a_report_cannot_be_asked_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let json = place(folder.path(), "run.json");
    let run = measure(&BRIEF);
    fs::write(&json, &run.ended.stdout).unwrap();
    for (option, value) in [("--window", "1s"), ("--drift", "5"), ("--taus", "decade")] {
        clockfit(["report", &json, option, value]).refused(&[option, "JSON report"]);
        let recording = run.recording.to_str().unwrap();
        assert_eq!(clockfit(["report", recording, option, value]).code, 0);
    }
    for format in ["html", "csv", "csv-quantiles", "hlog"] {
        clockfit(["analyse", "a", "b", "-f", format]).refused(&[format, "name one recording"]);
    }
}
