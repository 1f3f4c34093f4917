//! What was judged in the formats of others, with hostile names in all of them.

use clockfit::report::{CheckReport, junit, markdown, nagios, prometheus};

use super::campaign;
use super::check::{checked, renamed};

type Write = fn(&CheckReport, &mut Vec<u8>) -> std::io::Result<()>;

const ALL: [(&str, Write); 4] = [
    ("junit", |report, out| junit::write_check(report, out)),
    ("markdown", |report, out| markdown::write_check(report, out)),
    ("nagios", |report, out| nagios::write_check(report, out)),
    ("prometheus", |report, out| {
        prometheus::write_check(report, out)
    }),
];

fn written(write: Write, report: &CheckReport) -> String {
    let mut out = Vec::new();
    write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn some() -> CheckReport {
    let names = [
        "ceph-mon",
        "keystone-jws",
        "zookeeper",
        "cassandra",
        "tls-x509",
    ];
    checked(&campaign::minute(), &names, Some("strict"), &[])
}

#[test]
fn each_as_it_is() {
    for (name, write) in ALL {
        insta::assert_snapshot!(name, written(write, &some()));
    }
}

/// Two that contradict each other: nothing is known, and nothing is made up.
#[test]
fn what_is_not_known_is_not_told() {
    let torn = checked(&campaign::two(), &["ceph-mon"], None, &[]);
    let nagios = written(ALL[2].1, &torn);
    assert!(nagios.starts_with("CLOCKFIT UNKNOWN - "), "{nagios}");
    assert!(!nagios.contains('|'), "{nagios}");
    let metrics = written(ALL[3].1, &torn);
    assert!(metrics.contains("clockfit_fit 0\n"), "{metrics}");
    assert!(!metrics.contains("observed_upper_seconds"), "{metrics}");
    assert!(written(ALL[0].1, &torn).contains("<skipped"));
}

#[test]
fn nothing_from_outside_is_markup() {
    let name = "\u{1b}[2J</testsuite>\"'|`*_[x](y)<script>&\u{202e}";
    let mut hostile = renamed(campaign::two(), name);
    hostile.header.environment.host = Some(name.to_owned());
    let report = checked(&hostile, &["ceph-mon"], Some("standard"), &[]);
    for (format, write) in ALL {
        let text = written(write, &report);
        for bad in ["\u{1b}", "\u{202e}", "<script>"] {
            assert!(!text.contains(bad), "{format}: {text}");
        }
    }
    let junit = written(ALL[0].1, &report);
    assert_eq!(junit.matches("</testsuite>").count(), 2, "{junit}");
    let markdown = written(ALL[1].1, &report);
    let rows = markdown.lines().filter(|line| line.starts_with('|'));
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }
    assert!(!markdown.contains("[x]"), "{markdown}");
    let nagios = written(ALL[2].1, &report);
    assert_eq!(nagios.lines().count(), 1);
    assert!(nagios.matches('|').count() <= 1, "{nagios}");
}

/// Every line is a comment or `name{labels} number`, and a name has one head, before its first line.
#[test]
fn metrics_are_those_of_the_text_format() {
    for report in [some(), checked(&campaign::minute(), &[], None, &[])] {
        let mut heads = Vec::new();
        for line in written(ALL[3].1, &report).lines() {
            if let Some(head) = line.strip_prefix("# TYPE ") {
                let name = head.strip_suffix(" gauge").unwrap().to_owned();
                assert!(!heads.contains(&name), "{name} twice");
                heads.push(name);
                continue;
            }
            if line.starts_with("# HELP ") {
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            let name = name.split('{').next().unwrap();
            assert_eq!(heads.last().map(String::as_str), Some(name), "{line}");
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        }
        assert!(heads.len() > 8);
    }
}
