//! `clockfit scs`, read as the conformance suite reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::check::Recorded;
use crate::support::{Ended, Serving, clockfit};

const SEC: i64 = 1_000_000_000;

/// What `scs-compliance-check.py` makes of an output: results by what follows the last colon of a line of standard
/// output, and lines of either output counted by how they begin.
#[derive(Debug, Default, PartialEq, Eq)]
struct Reading {
    results: BTreeMap<String, Vec<String>>,
    counted: BTreeMap<&'static str, usize>,
}

fn read(ended: &Ended) -> Reading {
    let mut reading = Reading::default();
    for line in ended.stdout.lines() {
        let Some((id, result)) = line.rsplit_once(':') else {
            continue;
        };
        let result = result.trim().to_uppercase();
        if ["PASS", "FAIL", "ABORT"].contains(&result.as_str()) {
            let results = reading.results.entry(id.trim().to_owned()).or_default();
            results.push(result);
        }
    }
    for line in ended.stdout.lines().chain(ended.stderr.lines()) {
        for word in ["info", "warning", "error", "critical"] {
            if line.to_lowercase().starts_with(word) {
                *reading.counted.entry(word).or_default() += 1;
            }
        }
    }
    reading
}

fn answers(run: &Recorded, args: &[&str]) -> (Reading, Ended) {
    let path = run.path.to_str().unwrap();
    let ended = clockfit(["scs", "--replay", path].iter().chain(args));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    (read(&ended), ended)
}

fn ids() -> Vec<String> {
    let listed = clockfit(["scs", "--list"]);
    listed.stdout.lines().map(str::to_owned).collect()
}

fn three(ahead: i64) -> Recorded {
    let servers = [
        ("192.0.2.1", ahead),
        ("192.0.2.2", ahead),
        ("192.0.2.3", ahead),
    ];
    Recorded::new(60, SEC, &servers)
}

#[test]
fn every_id_is_answered_once_and_nothing_else_is_counted() {
    let (reading, ended) = answers(&three(0), &[]);
    assert_eq!(reading.counted, BTreeMap::new(), "{}", ended.stdout);
    assert_eq!(reading.results.len(), 20);
    for id in ids() {
        // What the bound of a minute at 50 us leaves open, and what a recording does not tell of its host.
        let open = [
            "scs-0129-jitter-strict",
            "scs-0129-drift-strict",
            "scs-0129-not-rate-limited",
            "scs-0129-offered",
            "scs-0129-used-by-default",
        ];
        let is_open = open.contains(&id.as_str());
        let expected = if is_open { "ABORT" } else { "PASS" };
        assert_eq!(reading.results[&id], [expected], "{id}\n{}", ended.stdout);
    }
    // The lines of evidence are there, and none begins at the margin.
    let at_margin = ended
        .stdout
        .lines()
        .filter(|line| !line.starts_with("  "))
        .count();
    assert_eq!(at_margin, 20);
    assert!(ended.stdout.lines().count() > 30);
}

#[test]
fn fail_is_for_what_is_proven_and_abort_for_what_is_not() {
    let result = |run: &Recorded, id: &str| {
        let (reading, ended) = answers(run, &["--testcases", id]);
        assert_eq!(reading.results.len(), 1, "{}", ended.stdout);
        reading.results[id].join(",")
    };
    let off = three(50_000_000);
    assert_eq!(result(&off, "scs-0129-offset-standard"), "FAIL");
    assert_eq!(result(&off, "scs-0129-offset-basic"), "PASS");
    assert_eq!(result(&off, "scs-0129-jitter-standard"), "PASS");
    let brief = Recorded::new(20, SEC / 200, &[("192.0.2.1", 0)]);
    for id in [
        "offset-basic",
        "jitter-basic",
        "drift-basic",
        "step-basic",
        "servers-agree",
        "stall",
    ] {
        assert_eq!(result(&brief, &format!("scs-0129-{id}")), "ABORT", "{id}");
    }
    assert_eq!(result(&brief, "scs-0129-three-servers"), "FAIL");
    let torn = Recorded::new(60, SEC, &[("192.0.2.1", 0), ("192.0.2.2", 50_000_000)]);
    assert_eq!(result(&torn, "scs-0129-servers-agree"), "FAIL");
    assert_eq!(result(&torn, "scs-0129-offset-standard"), "ABORT");
    assert_eq!(result(&torn, "scs-0129-root-distance"), "PASS");
    let silent = Recorded::new(
        0,
        SEC,
        &[("192.0.2.1", 0), ("192.0.2.2", 0), ("192.0.2.3", 0)],
    );
    assert_eq!(result(&silent, "scs-0129-three-servers"), "FAIL");
    assert_eq!(result(&silent, "scs-0129-offset-basic"), "ABORT");
}

#[test]
fn what_is_meant_to_be_counted_is() {
    let (reading, _) = answers(&Recorded::minute(0), &["--testcases", "scs-0129-stall"]);
    // One server's word.
    assert_eq!(reading.counted, BTreeMap::from([("warning", 1)]));
    let (reading, ended) = answers(
        &three(0),
        &[
            "--testcases",
            "scs-0129-stal,scs-0129-stall, scs-0129-stall",
        ],
    );
    assert_eq!(reading.counted, BTreeMap::from([("warning", 1)]));
    assert_eq!(reading.results["scs-0129-stal"], ["ABORT"]);
    assert_eq!(reading.results["scs-0129-stall"], ["PASS"]);
    assert!(ended.stdout.contains("near are scs-0129-stall"));
}

/// Names from outside may look like results.
#[test]
fn no_name_passes_for_a_result() {
    for name in ["x: PASS", "scs-0129-stall: FAIL", "\nCRITICAL: x", "error"] {
        let servers = [(name, 0), ("192.0.2.2", 50_000_000)];
        let (reading, ended) = answers(&Recorded::new(60, SEC, &servers), &[]);
        assert_eq!(reading.results.len(), 20, "{}", ended.stdout);
        assert!(
            reading.results.values().all(|of| of.len() == 1),
            "{}",
            ended.stdout
        );
        assert_eq!(
            reading.counted.keys().copied().collect::<Vec<_>>(),
            ["warning"]
        );
    }
}

#[test]
fn what_cannot_run_says_so_by_its_exit_code() {
    for (bad, words) in [
        ("critical", "is no id of a test case"),
        ("scs-0129-stall\u{1b}[2J", "is no id"),
        ("SCS-0129-STALL", "is no id"),
    ] {
        let ended = clockfit(["scs", "192.0.2.1", "--testcases", bad]);
        ended.refused(&[words]);
        assert_eq!(ended.stdout, "");
    }
    clockfit(["scs"]).refused(&["required"]);
    let server = Serving::new("127.0.0.1:0", &[]);
    clockfit(["scs", &server.address.to_string()]).refused(&["is this host itself"]);
    let own = Recorded::new(60, SEC, &[("127.0.0.1", 0)]);
    clockfit(["scs", "--replay", own.path.to_str().unwrap()])
        .refused(&["shares this host's clock"]);
}

/// The spec file names every test case where it has to, and its script is there.
#[test]
fn the_spec_file_knows_every_test_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/scs");
    let spec = fs::read_to_string(folder.join("clockfit.yaml")).unwrap();
    let (scripts, rest) = spec.split_once("\nmodules:\n").unwrap();
    let (modules, _) = rest.split_once("\nversions:\n").unwrap();
    let page = fs::read_to_string(folder.join("../../docs/scs.md")).unwrap();
    for id in ids() {
        let entry = format!("- id: {id}\n");
        assert_eq!(scripts.matches(&entry).count(), 1, "{id}");
        assert!(modules.contains(&format!("        - {id}\n")), "{id}");
        let generic = ["basic", "standard", "strict"]
            .iter()
            .fold(id.clone(), |id, grade| id.replace(grade, "GRADE"));
        assert!(
            page.contains(&format!("`{generic}`")),
            "docs/scs.md lacks {generic}"
        );
    }
    assert_eq!(scripts.matches("      - id: ").count(), 20);
    for variable in [
        "servers",
        "duration",
        "interval",
        "own_servers",
        "testcases",
    ] {
        assert!(
            scripts.contains(&format!("\"{{{variable}}}\"")),
            "{variable}"
        );
    }
    assert!(folder.join("clockfit-scs").exists());
}
