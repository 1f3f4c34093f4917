//! Plain columns of phases and frequencies, and several files at once.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Deserializer, Value};

use crate::support::{CLOCKFIT, Ended, clockfit, run};

const FOREIGN: &str = "tests/data/import";

fn given(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(FOREIGN)
        .join(name)
}

fn column(text: &str, args: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("column.txt");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let args = args
        .iter()
        .map(|arg| if *arg == "FILE" { path } else { arg });
    clockfit(["analyse"].into_iter().chain(args))
}

fn phase(text: &str) -> Ended {
    column(text, &["--phase", "FILE", "--tau0", "1s", "-f", "json"])
}

#[test]
fn a_column_tells_its_stability() {
    // Phases 0, 60, 20, 80, 40, 100 ns: all second differences are +-100 ns.
    let ended = phase("0\n60e-9\n20e-9\n80e-9\n40e-9\n100e-9\n");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let report = ended.json();
    assert_eq!(report["points"], 6);
    let first = &report["taus"][0];
    let close = |found: &Value, expected: f64| {
        (found["value"].as_f64().unwrap() / expected - 1.0).abs() < 1e-12
    };
    assert!(close(&first["oadev"], 1e-7 / 2f64.sqrt()), "{first}");
    assert!(close(&first["tdev_s"], 1e-7 / 6f64.sqrt()), "{first}");
    assert!(close(&first["mtie_s"], 60e-9), "{first}");
    // The same of its frequencies, at other averaging times.
    let text = "60e-9\n-40e-9\n60e-9\n-40e-9\n60e-9\n";
    let args = [
        "--frequency",
        "FILE",
        "--tau0",
        "1s",
        "-f",
        "json",
        "--taus",
        "all",
    ];
    let other = column(text, &args).json();
    assert_eq!(other["taus"][0], *first);
    let taus = other["taus"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["tau_ns"]);
    assert!(taus.eq(&[1, 2, 3, 4, 5].map(|n| Value::from(n * 1_000_000_000_i64))));
}

#[test]
fn a_packed_column_on_standard_input_is_read() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"1\n2\n4\n8\n").unwrap();
    let whole = packed.finish().unwrap();
    let read = |bytes: &[u8]| {
        run(assert_cmd::Command::new(CLOCKFIT)
            .args(["analyse", "--phase", "-", "--tau0", "1s", "-f", "json"])
            .write_stdin(bytes))
    };
    let report = read(&whole).json();
    assert_eq!(
        (&report["points"], &report["file"]),
        (&4.into(), &"standard input".into())
    );
    // What is missing at its end is said.
    let cut = read(&whole[..whole.len() - 4]);
    assert!(cut.stderr.contains("it ends early"), "{}", cut.stderr);
    read(&whole[..11]).refused(&["error:", "standard input"]);
}

/// Doubles printed in full have more digits than 64 bits hold in one unit.
#[test]
fn too_many_digits_are_rounded_and_that_is_said() {
    let text = "0.5748904731939036\n0.000018416182969394884\n12.5\n1\n";
    let ended = phase(text);
    assert_eq!(ended.code, 0);
    assert!(
        ended.stderr.contains("rounded to 16 decimals"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.json()["exponent"], -16);
    // So are frequencies whose sum does not fit.
    let text = "0.123456789012345678\n".repeat(1_000);
    let args = ["--frequency", "FILE", "--tau0", "1s", "-f", "json"];
    let ended = column(&text, &args);
    assert_eq!(ended.json()["exponent"], -16);
    assert!(
        ended.stderr.contains("rounded to 16 decimals"),
        "{}",
        ended.stderr
    );
    // Asked for, it is not said, and not overruled.
    let args = ["--decimals", "3"].iter().chain(&args).copied();
    let ended = column(&text, &args.clone().collect::<Vec<_>>());
    assert_eq!(
        (&ended.json()["exponent"], ended.stderr.as_str()),
        (&(-3).into(), "")
    );
    let text = "1e9\n".repeat(20_000);
    let args: Vec<_> = ["--decimals", "9"]
        .into_iter()
        .chain(args.skip(2))
        .collect();
    column(&text, &args).refused(&["error:", "64 bits", "--decimals"]);
}

#[test]
fn what_is_no_column_is_refused() {
    phase("").refused(&["error:", "no number"]);
    phase("1\ntwo\n").refused(&["error:", "line 2", "`nan`"]);
    phase("1\n2 3x\n").refused(&["error:", "line 2"]);
    column("1\n", &["--phase", "FILE"]).refused(&["--tau0"]);
    column("1\n", &["--phase", "no-such-file", "--tau0", "1s"]).refused(&["no-such-file"]);
    // A column that nobody called one is recognised, and how to call it one is said.
    column("1.5\n2.5\n", &["FILE"]).refused(&["a column of numbers", "--phase", "--tau0"]);
}

#[test]
fn several_files_are_reported_one_after_the_other() {
    let one = given("chrony/measurements-4.3.log");
    let other = given("ntpd/rawstats-4.2.8");
    let both = [one.as_os_str(), other.as_os_str()];
    let analyse = |format: &str, files: &[&std::ffi::OsStr]| {
        let fixed = ["analyse", "-f", format].map(std::ffi::OsStr::new);
        clockfit(fixed.iter().chain(files))
    };
    let json = analyse("json", &both);
    let reports: Vec<Value> = Deserializer::from_str(&json.stdout)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(reports.len(), 2);
    for (report, file) in reports.iter().zip(both) {
        assert_eq!(*report, analyse("json", &[file]).json());
    }
    let text = analyse("text", &both).stdout;
    let headings: Vec<&str> = text.lines().filter(|l| l.starts_with("==>")).collect();
    assert_eq!(headings.len(), 2, "{text}");
    assert!(text.contains(analyse("text", &[both[1]]).stdout.as_str()));
    // One that cannot be read does not take the others with it.
    let missing = std::ffi::OsStr::new("no-such-file");
    let ended = analyse("json", &[missing, both[0]]);
    ended.refused(&["error:", "no-such-file"]);
    assert_eq!(ended.json(), reports[0]);
    let stdin = std::ffi::OsStr::new("-");
    analyse("json", &[stdin, stdin]).refused(&["standard input", "once"]);
}

/// An estimate of another program has no way and no delay, and nothing is made up.
#[test]
fn estimates_of_a_daemon_have_no_delay() {
    let file = given("chrony/tracking-4.3-x.log");
    let json = clockfit(["analyse", "-f", "json", file.to_str().unwrap()]).json();
    let source = &json["sources"][0];
    assert!(source["offset_ns"].is_object());
    for field in [
        "delay_ns",
        "delay_variation_ns",
        "out_ns",
        "back_ns",
        "residence_ns",
        "bound_ns",
    ] {
        assert!(source[field].is_null(), "{field}");
    }
    let text = clockfit(["analyse", file.to_str().unwrap()]).stdout;
    assert!(text.contains("prove"), "{text}");
    assert!(!text.contains("delay"), "{text}");
}
