//! What a host is offered and configured with: `docs/discover.schema.json` is what the types say, real output obeys it,
//! and `docs/discover.md` speaks of every field and word.

use std::fs;
use std::path::Path;

use clockfit::report::text::{Style, write_survey};
use clockfit::report::{SurveyReport, json};
use clockfit::survey::{DaemonName, Files, Running, Selection, Survey, Used, answer, survey_image};

use super::schema;

const DEBIAN: [(&str, &str); 7] = [
    (
        "etc/os-release",
        "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n",
    ),
    ("usr/lib/systemd/system/chrony.service", ""),
    ("usr/lib/systemd/system/openntpd.service", ""),
    (
        "etc/chrony/chrony.conf",
        "pool 2.debian.pool.ntp.org iburst\nsourcedir /run/chrony-dhcp\nrefclock PHC /dev/ptp0 poll 2\n",
    ),
    (
        "run/chrony-dhcp/enp1s0.sources",
        "server 192.0.2.10 iburst nts\n",
    ),
    (
        "run/NetworkManager/devices/2",
        "[dhcp4]\ndhcp4.ntp_servers=192.0.2.10\ndhcp4.expiry=7\n",
    ),
    ("sys/class/ptp/ptp0/clock_name", "KVM virtual PTP\n"),
];

/// A system of these files, of which the named units start.
fn tree(files: &[(&str, &str)], units: &[&str]) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    let at = |path: &str| {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    for (path, content) in files {
        fs::write(at(path), content).unwrap();
    }
    for unit in units {
        let link = format!("etc/systemd/system/multi-user.target.wants/{unit}.service");
        std::os::unix::fs::symlink("/x", at(&link)).unwrap();
    }
    tree
}

fn report_of(tree: &Path) -> SurveyReport {
    let mut files = Files::below(tree).unwrap();
    let found = survey_image(&mut files);
    SurveyReport::new("clockfit 0.1.0", "/mnt/image", &found, &answer(&found))
}

fn text(report: &SurveyReport) -> String {
    let mut out = Vec::new();
    write_survey(report, Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn rendered(report: &SurveyReport) -> String {
    let mut out = Vec::new();
    json::write_survey(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn all() -> Vec<SurveyReport> {
    let mut many = String::new();
    for n in 0..40 {
        many += &format!("server ntp{n}.example.org\n");
    }
    let trees = [
        tree(&DEBIAN, &["chrony"]),
        tree(&DEBIAN, &["chrony", "openntpd"]),
        tree(&[], &[]),
        tree(
            &[("etc/openntpd/ntpd.conf", &many), DEBIAN[2]],
            &["openntpd"],
        ),
    ];
    std::os::unix::fs::symlink("round", trees[2].path().join("etc")).ok();
    let mut all: Vec<SurveyReport> = trees.iter().map(|tree| report_of(tree.path())).collect();
    let mut files = Files::below(trees[0].path()).unwrap();
    all.push(live(survey_image(&mut files)));
    all
}

/// The same, where chronyd and another daemon run.
fn live(mut found: Survey) -> SurveyReport {
    let server = |server: &str, name: Option<&str>, selection| Used {
        server: server.to_owned(),
        name: name.map(str::to_owned),
        is_clock: server == "PHC0",
        selection,
        evidence: found.offers[0].evidence.clone(),
    };
    let used = vec![
        server("192.0.2.10", None, Selection::Used),
        server(
            "198.51.100.7",
            Some("2.debian.pool.ntp.org"),
            Selection::Rejected,
        ),
        server(
            "198.51.100.8",
            Some("2.debian.pool.ntp.org"),
            Selection::Unusable,
        ),
        server("PHC0", None, Selection::Candidate),
    ];
    let running = |name: &str, daemon, used| Running {
        name: name.to_owned(),
        daemon,
        used,
    };
    let why = "how to ask it is not known here".to_owned();
    found.running = Some(vec![
        running("chronyd", Some(DaemonName::Chrony), Ok(used)),
        running("ptp4l", None, Err(why)),
    ]);
    SurveyReport::new("clockfit 0.1.0", "/", &found, &answer(&found))
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    schema::is_published("discover.schema.json", json::write_survey_schema);
}

#[test]
fn real_output_obeys_the_published_schema() {
    for report in all() {
        schema::obeys("discover.schema.json", &report, &rendered(&report));
    }
}

#[test]
fn every_field_and_word_is_documented() {
    schema::is_documented("discover.schema.json", "discover.md", 30);
    let said = schema::page("discover.md");
    let schema = schema::published("discover.schema.json").to_string();
    let words = schema.split("\"const\":\"").skip(1);
    let words: Vec<&str> = words.filter_map(|rest| rest.split('"').next()).collect();
    assert!(words.len() > 20, "{words:?}");
    for word in words {
        assert!(said.contains(&format!("`{word}`")), "{word}");
    }
}

#[test]
fn a_host_that_takes_what_it_is_offered() {
    insta::assert_snapshot!("survey_default", text(&all()[0]));
}

#[test]
fn what_is_used_is_told_last() {
    insta::assert_snapshot!("survey_used", text(&all()[4]));
}

#[test]
fn many_sources_are_cut_short() {
    insta::assert_snapshot!("survey_many", text(&all()[3]));
}

#[test]
fn pages_fit_a_terminal() {
    for report in all() {
        for line in text(&report).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn hostile_files_are_text_everywhere() {
    let evil = "server \u{1b}[2J\u{202e}evil iburst\n";
    let tree = tree(
        &[
            ("etc/chrony/chrony.conf", evil),
            ("etc/os-release", "PRETTY_NAME=\"\u{1b}]0;x\u{7}\"\n"),
            ("run/systemd/netif/leases/2", "NTP=\u{1b}[2J 192.0.2.1\n"),
            ("etc/\u{1b}[31m/x", ""),
        ],
        &[],
    );
    let report = report_of(tree.path());
    for shown in [text(&report), rendered(&report)] {
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
    }
    assert_eq!(report.offers.len(), 1);
}
