//! Recordings that are cut, newer, packed, or none at all; and replays that tell what the run told.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use clockfit::sample::ReferenceId;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::support::{
    CLOCKFIT, Ended, Fake, adds_up, analyse, clockfit, measure, run, shell, warns,
};

/// Loses the third request, rejects the answer to the fifth, and notes the kiss of the last.
fn eventful() -> Fake {
    Fake::new(|asked| match asked.number {
        3 => {}
        5 => asked.answer(|h| h.stratum = 16),
        19 => asked.answer(|h| {
            h.stratum = 0;
            h.reference_id = ReferenceId(*b"RSTR");
        }),
        _ => asked.answer(|_| {}),
    })
}

/// The lines of a recording of an eventful run.
fn eventful_lines() -> Vec<String> {
    let fake = eventful();
    let run = measure(&[
        &fake.name(),
        "no-such-host.invalid",
        "-n",
        "20",
        "-i",
        "10ms",
        "-t",
        "300ms",
        "--cross-check",
    ]);
    let text = fs::read_to_string(&run.recording).unwrap();
    text.lines().map(|line| format!("{line}\n")).collect()
}

struct File {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn file(bytes: impl AsRef<[u8]>) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("given");
    fs::write(&path, bytes).unwrap();
    File {
        path,
        _folder: folder,
    }
}

#[test]
fn a_replay_tells_what_the_run_told_in_both_formats() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        let good = Fake::honest();
        let bad = eventful();
        let names = [good.name(), bad.name(), good.name()];
        let args = [
            "measure", "-n", "20", "-i", "10ms", "-t", "300ms", "-f", format,
        ];
        let live = clockfit(
            args.iter()
                .map(OsStr::new)
                .chain(names.iter().map(OsStr::new))
                .chain(["no-such-host.invalid", "--cross-check", "-o"].map(OsStr::new))
                .chain([path.as_os_str()]),
        );
        assert_eq!(live.code, 0, "{}", live.stderr);
        let replay = analyse(&path, format);
        assert_eq!(live.stdout, replay.stdout);
        assert_eq!((replay.code, replay.stderr.as_str()), (0, ""));
    }
}

#[test]
fn a_recording_cut_anywhere_tells_what_is_left() {
    let text = eventful_lines().concat();
    let header = text.find('\n').unwrap();
    for cut in (0..text.len()).step_by(41).chain([header, header + 1]) {
        let cut_off = file(&text[..cut]);
        let ended = analyse(&cut_off.path, "json");
        if cut <= header {
            assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "cut at {cut}");
            assert!(ended.stderr.starts_with("error:"), "{}", ended.stderr);
            continue;
        }
        let report = ended.json();
        let whole = &text[..=text[..cut].rfind('\n').unwrap()];
        let exchanges = whole.matches(r#""k":"x""#).count();
        let valid = report.pointer("/sources/0/valid");
        assert_eq!(
            valid.map_or(0, |v| v.as_u64().unwrap()),
            u64::try_from(exchanges).unwrap(),
            "cut at {cut}"
        );
        assert_eq!(ended.code == 0, exchanges > 0, "cut at {cut}");
        assert!(warns(&report, "truncated"), "cut at {cut}");
        // A torn line is reported.
        if !text[..cut].ends_with('\n') {
            assert!(ended.stderr.contains("warning:"), "cut at {cut}");
        }
        adds_up(&report);
    }
}

#[test]
fn a_newer_major_is_refused_and_a_newer_minor_is_not() {
    let lines = eventful_lines();
    let before = analyse(&file(lines.concat()).path, "json");

    let newer = lines.concat().replacen(r#""major":1"#, r#""major":2"#, 1);
    assert_ne!(newer, lines.concat());
    analyse(&file(newer).path, "json").refused(&["error:", "version 2", "update"]);

    let mut minor = lines.clone();
    minor[0] = minor[0]
        .replacen(r#""minor":0"#, r#""minor":99"#, 1)
        .replacen('{', r#"{"colour":"blue","#, 1);
    for n in 0..3 {
        minor.insert(3, format!("{{\"k\":\"tide\",\"s\":0,\"n\":{n}}}\n"));
    }
    minor.insert(
        4,
        "{\"k\":\"lost\",\"s\":0,\"m\":1,\"why\":\"eaten\"}\n".into(),
    );
    let after = analyse(&file(minor.concat()).path, "json");
    assert_eq!((after.code, &after.stdout), (before.code, &before.stdout));
    let told = after
        .stderr
        .lines()
        .find(|l| l.contains("4 lines of kinds"));
    let told = told.unwrap_or_else(|| panic!("{}", after.stderr));
    assert!(told.contains("warning:") && told.contains("tide") && told.contains("eaten"));
}

#[test]
fn what_is_no_recording_is_refused_with_what_it_is() {
    for (bytes, words) in [
        (&b""[..], &["empty"][..]),
        (b"\n", &["error:"]),
        (b"{}\n", &["not a clockfit recording", "JSON"]),
        (b"{\"a\":[1,2,3]}\n{\"b\":1}\n", &["JSON"]),
        (b"hello\n", &["not a clockfit recording"]),
        (b"\x7fELF\x00\x01\xff\xfe", &["binary"]),
        (b"\xef\xbb\xbf{}\n", &["not a clockfit recording"]),
        (b"{\"clockfit_recording\":", &["first line"]),
        (b"{\"clockfit_recording\":{}}\n", &["error:"]),
        (b"{\"clockfit_recording\":{\"major\":-1}}\n", &["error:"]),
        (
            b"{\"clockfit_recording\":{\"major\":1,\"minor\":0}}\n",
            &["error:"],
        ),
        (
            b"{\"clockfit_recording\":{\"major\":99999999999999999999}}\n",
            &["error:"],
        ),
    ] {
        let ended = analyse(&file(bytes).path, "text");
        assert_eq!(ended.stdout, "", "{bytes:?}");
        ended.refused(words);
    }
    let folder = tempfile::tempdir().unwrap();
    analyse(folder.path(), "text").refused(&["cannot read", "directory"]);
    analyse(&folder.path().join("missing"), "text").refused(&["cannot open", "No such file"]);
    analyse(CLOCKFIT.as_ref(), "text").refused(&["binary data"]);
    analyse("/dev/zero".as_ref(), "text").refused(&["error:"]);
}

#[test]
fn depth_and_length_are_bounded() {
    let header = &eventful_lines()[0];
    let deep = "[".repeat(1_000_000);
    let long = format!("{header}{{\"k\":\"{}\"}}\n", "x".repeat(3 << 20));
    for bytes in [
        deep.clone(),
        format!("{{\"clockfit_recording\":{deep}"),
        format!("{header}{{\"k\":{deep}\n"),
        long,
        format!("{header}{}", "\n".repeat(100_000)),
    ] {
        let ended = analyse(&file(bytes).path, "json");
        assert_eq!(ended.code, 2);
    }
}

#[test]
fn absurd_numbers_are_findings_not_panics() {
    let lines = eventful_lines();
    let head: String = lines[..3].concat();
    for (u, r, l, m, t1) in [
        (i64::MAX, 0, i64::MIN, i64::MAX, "9223372036.854775807"),
        (
            i64::MIN,
            i64::MAX,
            i64::MAX,
            i64::MIN,
            "-9223372036.854775808",
        ),
        (i64::MAX, i64::MAX, i64::MAX, 0, "0.000000000"),
        (i64::MIN, i64::MIN, i64::MIN, -1, "1763832000.000000000"),
        (0, 0, 0, 0, "1763832000.000000000"),
    ] {
        let mut text = head.clone();
        for n in 0..10 {
            let m = m.saturating_sub(n);
            writeln!(
                text,
                r#"{{"k":"x","s":0,"c":"BKK","t1":"{t1}","u":{u},"r":{r},"l":{l},"m":{m},"e":{},"g":{}}}"#,
                i64::MAX,
                i64::MAX
            )
            .unwrap();
            writeln!(
                text,
                r#"{{"k":"x","s":0,"c":"BUU","t1":"{t1}","u":{l},"r":{r},"l":{u},"m":{n}}}"#
            )
            .unwrap();
            let most = u64::MAX;
            writeln!(
                text,
                r#"{{"k":"rej","s":0,"m":1,"why":"kiss_rate","n":{most}}}"#
            )
            .unwrap();
            writeln!(
                text,
                r#"{{"k":"stamp","s":0,"m":1,"why":"no_id","n":{most}}}"#
            )
            .unwrap();
            writeln!(
                text,
                r#"{{"k":"check","s":0,"offset_ns":{u},"delay_ns":{l}}}"#
            )
            .unwrap();
        }
        writeln!(text, r#"{{"k":"end","m":{m},"interrupted":false}}"#).unwrap();
        for format in ["json", "text"] {
            // Ended::new fails on a panic.
            analyse(&file(&text).path, format);
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// `clockfit analyse -` with these bytes on standard input.
fn analyse_stdin(bytes: impl Into<Vec<u8>>) -> Ended {
    run(assert_cmd::Command::new(CLOCKFIT)
        .args(["analyse", "-", "-f", "json"])
        .write_stdin(bytes))
}

#[test]
fn a_packed_recording_gives_the_same_report_from_a_file_and_from_standard_input() {
    let text = eventful_lines().concat();
    let plain = analyse(&file(&text).path, "json");
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    let bytes = text.as_bytes();
    let (head, tail) = bytes.split_at(bytes.len() / 3);
    for packed in [
        bytes.to_vec(),
        gzip(bytes),
        zstd(bytes),
        [gzip(head), gzip(tail)].concat(),
        [zstd(head), zstd(tail)].concat(),
    ] {
        for ended in [analyse(&file(&packed).path, "json"), analyse_stdin(packed)] {
            assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
            assert_eq!(ended.stdout, plain.stdout);
        }
    }
}

#[test]
fn a_packed_recording_that_is_cut_tells_what_is_left() {
    let text = eventful_lines().concat();
    for (name, packed) in [
        ("gzip", gzip(text.as_bytes())),
        ("zstd", zstd(text.as_bytes())),
    ] {
        // All but the checksum, so that all of it can be told.
        let ended = analyse_stdin(&packed[..packed.len() - 1]);
        let whole = analyse(&file(&text).path, "json");
        assert_eq!((ended.code, ended.stdout), (whole.code, whole.stdout));
        assert_eq!(
            ended.stderr,
            format!(
                "warning: standard input: the {name} data is cut short; what was unpacked before is used\n"
            )
        );
        analyse(&file(&packed[..20]).path, "json").refused(&[
            "error: no measurement can be unpacked from",
            "given",
            &format!("the {name} data is cut short"),
        ]);
    }
    // Of gzip every byte counts.
    let packed = gzip(text.as_bytes());
    let ended = analyse(&file(&packed[..packed.len() * 2 / 3]).path, "json");
    assert!(ended.json()["sources"][0]["valid"].as_u64().unwrap() > 0);
    assert!(ended.stderr.contains("cut short") && ended.stderr.lines().count() == 1);
}

#[test]
fn standard_input_is_named_in_errors() {
    analyse_stdin("").refused(&["error: standard input is empty"]);
    analyse_stdin("hello\n").refused(&["standard input is not a clockfit recording", "plain text"]);
    shell("\"$CLOCKFIT\" analyse - <&-").refused(&["error:"]);
    shell("cd /; \"$CLOCKFIT\" analyse - < .")
        .refused(&["cannot read standard input", "directory"]);
}
