//! What a host is offered and configured with: `docs/discover.schema.json` is what the types say, real output obeys it,
//! and `docs/discover.md` speaks of every field and word.

use std::fs;
use std::path::Path;

use clockfit::report::text::{Style, write_survey};
use clockfit::report::{
    Saved, SurveyReport, SurveyState, csv, html, json, junit, markdown, nagios, prometheus,
};
use clockfit::sample::Discipline;
use clockfit::survey::{
    DaemonName, Files, ProbeFinding, Running, Selection, Survey, Used, answer, survey_image,
};
use clockfit::time::TimeDelta;

use super::html::{tags, well_formed};
use super::schema;

type Write = fn(&SurveyReport, &mut Vec<u8>) -> std::io::Result<()>;

/// Formats for others than terminals.
const OTHERS: [(&str, Write); 6] = [
    ("html", |report, out| html::write_survey(report, out)),
    ("markdown", |report, out| {
        markdown::write_survey(report, out)
    }),
    ("csv", |report, out| csv::write_survey(report, out)),
    ("junit", |report, out| junit::write_survey(report, out)),
    ("nagios", |report, out| nagios::write_survey(report, out)),
    ("prometheus", |report, out| {
        prometheus::write_survey(report, out)
    }),
];

fn written(format: &str, report: &SurveyReport) -> String {
    let (_, write) = OTHERS.iter().find(|(name, _)| *name == format).unwrap();
    let mut out = Vec::new();
    write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

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
    let mut files = Files::below(trees[0].path()).unwrap();
    all.push(probed(survey_image(&mut files)));
    all
}

/// The same, where the network was asked, with an answer of each kind.
fn probed(mut found: Survey) -> SurveyReport {
    let text = |text: &str| text.to_owned();
    let url = text("http://169.254.169.254/openstack/latest/meta_data.json");
    found.probed = vec![
        ProbeFinding::NotAllowed,
        ProbeFinding::NobodyToAsk,
        ProbeFinding::Failed(text("eth0"), text("it is \u{1b}[2Jswitched off")),
        ProbeFinding::NoAnswer(vec![text("eth1"), text("eth2")]),
        ProbeFinding::NamesNone(text("192.0.2.1"), text("eth0")),
        ProbeFinding::NoMetadata(text("169.254.169.254"), text("Network is unreachable")),
        ProbeFinding::Platform(text("OpenStack"), url.clone()),
        ProbeFinding::Metadata(url, text("it is no JSON")),
    ];
    SurveyReport::new("clockfit 0.1.0", "/", &found, &answer(&found))
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
    found.kernel = Some(Discipline {
        status: 0x2001,
        max_error: TimeDelta::from_micros(12_345),
        estimated_error: TimeDelta::from_micros(67),
        tick: TimeDelta::from_millis(10),
        tai_minus_utc: TimeDelta::from_secs(37),
        ..Discipline::default()
    });
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
fn what_came_of_asking_is_told_first() {
    let report = &all()[5];
    insta::assert_snapshot!("survey_probed", text(report));
    // Each has a word for programs, and the page on it.
    let page = schema::page("discover.md");
    assert!(report.findings.len() >= 8);
    for finding in &report.findings {
        assert!(page.contains(&format!("`{}`", finding.code)), "{finding:?}");
    }
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
    let others = OTHERS.map(|(name, _)| written(name, &report));
    for shown in [text(&report), rendered(&report)].into_iter().chain(others) {
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
    }
    assert_eq!(report.offers.len(), 1);
}

#[test]
fn each_format_as_it_is() {
    for (name, _) in OTHERS.into_iter().skip(1) {
        insta::assert_snapshot!(format!("survey_{name}"), written(name, &all()[4]));
    }
    let page = written("html", &all()[4]);
    // The style is a file of its own.
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    insta::assert_snapshot!("survey_html", format!("{head}<style></style>{body}"));
}

#[test]
fn every_page_is_well_formed_and_fetches_nothing() {
    for report in all() {
        let page = written("html", &report);
        let elements = well_formed(&page);
        for element in ["script", "link", "img", "iframe", "object", "form", "base"] {
            assert!(!elements.contains(&element), "{element}");
        }
        // An address may be told, and is not followed.
        for fetched in ["=\"http", "='http", "url(", "@import"] {
            assert!(!page.contains(fetched), "{fetched}");
        }
        assert!(page.contains(&report.text.replace('\'', "&#39;")));
    }
}

/// Names of servers, files and reasons that are markup somewhere.
#[test]
fn nothing_from_outside_is_markup() {
    let mut plain = all().swap_remove(4);
    plain.findings.push(clockfit::report::FindingReport {
        code: "nothing_used".to_owned(),
        text: "x".to_owned(),
    });
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</title></style></testsuite><h1>",
        "a|b`*_[x](y)&\\",
        "=HYPERLINK(\"x\"),\n'\";",
        "a\"} 1\nevil 2",
    ] {
        let mut evil = plain.clone();
        let text = || name.to_owned();
        evil.tool = text();
        evil.root = text();
        evil.system = Some(text());
        evil.offers[0].server = text();
        evil.offers[0].interface = Some(text());
        evil.offers[0].client = text();
        evil.offers[0].evidence.text = text();
        evil.because[0].file = text();
        evil.daemons[0].name = text();
        evil.daemons[0].sources[0].name = text();
        evil.findings[0].text = text();
        evil.findings[0].code = text();
        let running = evil.running.as_mut().unwrap();
        running[0].servers[0].server = text();
        running[0].servers[0].name = Some(text());
        running[0].name = text();
        running[1].untold = Some(text());
        // As a file that a hand changed is read.
        let Ok(Saved::Surveyed(evil)) = Saved::read(rendered(&evil).as_bytes()) else {
            panic!("not read: {name}");
        };
        let page = written("html", &evil);
        well_formed(&page);
        let usual = written("html", &plain);
        assert_eq!(tags(&page).len(), tags(&usual).len(), "{name}");
        for format in ["html", "markdown", "junit"] {
            let told = written(format, &evil);
            assert!(
                !told.contains("<script") && !told.contains("<img"),
                "{format}: {told}"
            );
        }
        assert_eq!(
            written("junit", &evil).matches("</testsuite>").count(),
            1,
            "{name}"
        );
        let markdown = written("markdown", &evil);
        let wide = |row: &str| {
            row.replace("\\\\", "")
                .replace("\\|", "")
                .matches('|')
                .count()
        };
        for row in markdown.lines().filter(|line| line.starts_with('|')) {
            assert!([5, 8].contains(&wide(row)), "{row}");
        }
        assert!(!markdown.contains("[x]"), "{markdown}");
        let nagios = written("nagios", &evil);
        assert_eq!(
            (nagios.lines().count(), nagios.matches('|').count()),
            (1, 1),
            "{nagios}"
        );
        metrics_are_metrics(&written("prometheus", &evil));
        let table = written("csv", &evil);
        for row in table.split_terminator("\r\n") {
            assert_eq!(cells(row).len(), 16, "{row}");
            let begins = |cell: &String| cell.starts_with(['=', '+', '-', '@']);
            assert!(!cells(row).iter().any(begins), "{row}");
        }
    }
}

/// A line of a table, by RFC 4180.
fn cells(row: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    for c in row.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            c => cells.last_mut().unwrap().push(c),
        }
    }
    cells
}

/// Every line is a comment or `name{labels} number`, and a name has one head, before its first line.
fn metrics_are_metrics(text: &str) {
    let mut heads = Vec::new();
    let mut series = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let name = head.strip_suffix(" gauge").unwrap().to_owned();
            assert!(!heads.contains(&name), "{name} twice");
            heads.push(name);
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (named, value) = line.rsplit_once(' ').unwrap();
        assert!(!series.contains(&named), "{named} twice");
        series.push(named);
        let name = named.split('{').next().unwrap();
        assert_eq!(heads.last().map(String::as_str), Some(name), "{line}");
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
    }
    assert!(heads.len() > 5);
}

#[test]
fn metrics_are_those_of_the_text_format() {
    for report in all() {
        metrics_are_metrics(&written("prometheus", &report));
    }
}

#[test]
fn a_saved_survey_is_read_back() {
    for report in all() {
        let text = rendered(&report);
        let saved = Saved::read(text.as_bytes()).unwrap();
        assert_eq!(saved.measurement(), None);
        assert_eq!(saved, Saved::Surveyed(Box::new(report)));
        let cut = Saved::read(&text.as_bytes()[..text.len() / 2]).unwrap_err();
        assert!(cut.to_string().contains("broken"), "{cut}");
    }
}

/// What each conclusion is to a monitoring system, beside findings.
#[test]
fn states_are_those_that_are_documented() {
    use clockfit::survey::Conclusion as C;
    let said = schema::page("discover.md");
    let mut report = all().swap_remove(4);
    report.findings.clear();
    let all = [
        (C::ByDefault, SurveyState::Ok),
        (C::ByHand, SurveyState::Ok),
        (C::Beside, SurveyState::Ok),
        (C::Overridden, SurveyState::Ok),
        (C::ImageInstead, SurveyState::Warning),
        (C::WouldTake, SurveyState::Ok),
        (C::Chosen, SurveyState::Ok),
        (C::Image, SurveyState::Ok),
        (C::NotKnown, SurveyState::Unknown),
        (C::NoSource, SurveyState::Critical),
        (C::NoDaemon, SurveyState::Warning),
    ];
    for (conclusion, state) in all {
        report.conclusion = conclusion;
        assert_eq!(report.state(), state, "{conclusion:?}");
        let word = serde_json::to_value(conclusion).unwrap();
        let row = format!("| `{}` |", word.as_str().unwrap());
        let row = said.lines().find(|line| line.starts_with(&row)).unwrap();
        assert!(row.contains(state.name()), "{row}");
    }
    // Nobody keeps the clock.
    let kernel = report.kernel.take();
    assert_eq!(report.state(), SurveyState::Critical);
    // Nothing is there to ask until DHCP offers it; an image is as it should be.
    report.conclusion = C::WouldTake;
    report.daemons.clear();
    report.running = Some(Vec::new());
    assert_eq!(report.state(), SurveyState::Warning);
    report.root = "/mnt/image".to_owned();
    assert_eq!(report.state(), SurveyState::Ok);
    // A finding is looked at, where it is not harmless.
    let finding = |code: &str| clockfit::report::FindingReport {
        code: code.to_owned(),
        text: "x".to_owned(),
    };
    report.findings = vec![finding("different_offers"), finding("kept_by_others")];
    assert_eq!(report.state(), SurveyState::Ok);
    report.findings.push(finding("nothing_used"));
    assert_eq!(report.state(), SurveyState::Warning);
    report.conclusion = C::NotKnown;
    assert_eq!(report.state(), SurveyState::Unknown);
    // It is seen that nobody keeps the clock, or that somebody does.
    report.kernel = kernel;
    assert_eq!(report.state(), SurveyState::Unknown);
    report.kernel.as_mut().unwrap().synchronised = false;
    assert_eq!(report.state(), SurveyState::Critical);
    report.running = None;
    assert_eq!(report.state(), SurveyState::Unknown);
}

#[test]
fn every_finding_is_documented() {
    let said = schema::page("discover.md");
    let metrics = written("prometheus", &all()[0]);
    let codes = metrics.split("clockfit_discover_findings{code=\"").skip(1);
    let codes: Vec<&str> = codes.filter_map(|rest| rest.split('"').next()).collect();
    assert!(codes.len() > 8, "{codes:?}");
    for code in codes {
        assert!(said.contains(&format!("`{code}`")), "{code}");
    }
}
