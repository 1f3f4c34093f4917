//! Recordings that cannot be written, or no longer.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::support::{Fake, adds_up, analyse, clockfit, shell, warns};

fn measure_into(file: &Path, fake: &Fake, more: &[&str]) -> crate::support::Ended {
    let name = fake.name();
    let args = [
        "measure", &name, "-n", "5", "-i", "10ms", "-f", "json", "-o",
    ];
    clockfit(
        args.iter()
            .map(OsStr::new)
            .chain([file.as_os_str()])
            .chain(more.iter().map(OsStr::new)),
    )
}

#[test]
fn what_exists_is_replaced_only_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("precious");
    fs::write(&file, "years of work").unwrap();
    let fake = Fake::honest();
    measure_into(&file, &fake, &[]).refused(&["error:", "exists already", "--force"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "years of work");
    assert_eq!(fake.asked(), 0);

    let forced = measure_into(&file, &fake, &["--force"]);
    assert_eq!((forced.code, fake.asked()), (0, 5));
    assert_eq!(analyse(&file, "json").stdout, forced.stdout);
}

#[test]
fn a_run_that_cannot_begin_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("precious");
    fs::write(&file, "years of work").unwrap();
    for args in [
        &["no-such-host.invalid"][..],
        &["127.0.0.1:9", "-I", "nosuchif0"],
        &["::1%nosuchif0"],
    ] {
        let file = file.to_str().unwrap();
        let common = ["measure", "-n", "1", "--force", "-o", file];
        clockfit(common.iter().chain(args)).refused(&["error:"]);
        assert_eq!(fs::read_to_string(file).unwrap(), "years of work");
    }
    let ended = shell(&format!(
        "ulimit -n 40; exec \"$CLOCKFIT\" measure $(seq -f 127.1.0.%g 1 100) -n 1 --force -o {}",
        file.display()
    ));
    ended.refused(&["132 file descriptors"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "years of work");
}

#[test]
fn where_no_file_can_be_nothing_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "").unwrap();
    fs::create_dir(path("folder")).unwrap();
    symlink(path("file"), path("link")).unwrap();
    let fake = Fake::honest();
    for (place, words) in [
        (path("missing/run.jsonl"), "No such file"),
        (path("file/run.jsonl"), "Not a directory"),
        (path("folder"), "folder"),
        (path("link"), "symbolic link"),
        ("/proc/run.jsonl".into(), "cannot create"),
    ] {
        measure_into(&place, &fake, &["--force"]).refused(&["error:", words]);
    }
    assert_eq!(fake.asked(), 0);
    assert_eq!(fs::read_to_string(path("file")).unwrap(), "");
}

#[test]
fn a_full_disk_costs_the_recording_and_nothing_else() {
    let fake = Fake::honest();
    let ended = measure_into(Path::new("/dev/full"), &fake, &["--force"]);
    ended.refused(&["the recording is incomplete", "/dev/full", "No space left"]);
    let report = ended.json();
    adds_up(&report);
    assert_eq!(report["sources"][0]["valid"], 5);
}

/// A limit of the file's size stands for a disk that fills up: the same failure to write, without
/// privileges. `scripts/tests` fills a real one.
#[test]
fn a_disk_that_fills_in_mid_run_keeps_what_was_measured_before() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.jsonl");
    let fake = Fake::honest();
    // 16 blocks of 512 or 1024 bytes: a part of what 300 exchanges take.
    let ended = shell(&format!(
        "trap '' XFSZ; ulimit -f 16; exec \"$CLOCKFIT\" measure {} -n 300 -i 5ms -f json -o {}",
        fake.name(),
        file.display()
    ));
    ended.refused(&["the recording is incomplete", "File too large"]);
    assert_eq!(ended.json()["sources"][0]["valid"], 300);

    let text = fs::read_to_string(&file).unwrap();
    assert!(text.ends_with('\n'), "a torn last line");
    let kept = text.lines().filter(|l| l.contains(r#""k":"x""#)).count();
    assert!(0 < kept && kept < 300, "{kept}");
    let replay = analyse(&file, "json");
    assert_eq!(replay.code, 0);
    assert!(warns(&replay.json(), "truncated"));
    assert_eq!(replay.json()["sources"][0]["valid"], kept);
}
