//! What was judged: `docs/check.schema.json` is what the types say, real output obeys it, and `docs/check.md`
//! speaks of every field and word.

use clockfit::estimate::{Plan, analyse};
use clockfit::fitness::{Catalogue, Question, judge};
use clockfit::report::text::{Style, write_check};
use clockfit::report::{CheckReport, json};
use clockfit::sample::{Campaign, SourceInfo, SourceRecord};
use clockfit::time::TimeDelta;
use serde_json::Value;

use super::{campaign, schema};

pub(super) fn checked(
    campaign: &Campaign,
    names: &[&str],
    grade: Option<&str>,
    sets: &[&str],
) -> CheckReport {
    let mut catalogue = Catalogue::builtin();
    for set in sets {
        catalogue.set(set).unwrap();
    }
    let plan = Plan {
        course: true,
        series_step: TimeDelta::from_secs(1),
        ..Plan::default()
    };
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let question = Question::new(&catalogue, &names, grade).unwrap();
    let assessment = analyse(campaign, &plan);
    let judged = judge(campaign, &assessment, &question).unwrap();
    CheckReport::new(campaign, &assessment, &catalogue, &judged)
}

fn text(report: &CheckReport) -> String {
    let mut out = Vec::new();
    write_check(report, Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn rendered(report: &CheckReport) -> String {
    let mut out = Vec::new();
    json::write_check(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The same campaign with servers that are called otherwise.
pub(super) fn renamed(mut campaign: Campaign, address: &str) -> Campaign {
    let rename = |record: &mut SourceRecord| {
        let mut info = SourceInfo::clone(&record.info);
        info.address = address.to_owned();
        info.source = address.to_owned();
        record.info = info.into();
    };
    campaign.sources.iter_mut().for_each(rename);
    campaign
}

/// All that can be told, in some report.
fn reports() -> Vec<CheckReport> {
    let minute = campaign::minute();
    vec![
        checked(&minute, &[], None, &[]),
        checked(
            &minute,
            &["ceph-mon", "zookeeper", "cassandra"],
            Some("strict"),
            &[],
        ),
        checked(
            &minute,
            &["cockroachdb", "kudu"],
            None,
            &["ceph-mon.max_pairwise_skew_s=0.1"],
        ),
        checked(
            &minute,
            &["ceph", "keystone-jws"],
            None,
            &["ceph-mon.max_pairwise_skew_s=0.02"],
        ),
        checked(&campaign::two(), &["etcd"], None, &[]),
        checked(&campaign::many(12), &["etcd"], Some("basic"), &[]),
        checked(&campaign::minute(), &["redis"], Some("standard"), &[]),
    ]
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    schema::is_published("check.schema.json", json::write_check_schema);
}

#[test]
fn real_output_obeys_the_published_schema_and_reads_back() {
    for report in reports() {
        schema::obeys("check.schema.json", &report, &rendered(&report));
    }
}

#[test]
fn every_field_and_code_is_documented() {
    let published = schema::published("check.schema.json");
    let page = schema::page("check.md");
    // What is measured has a page of its own.
    let report = schema::published("report.schema.json");
    let mut names = Vec::new();
    let definitions = published["$defs"].as_object().unwrap();
    let own = definitions
        .iter()
        .filter(|(name, _)| *name != "Report" && report["$defs"].get(name.as_str()).is_none());
    for (_, schema) in own.chain([(&String::new(), &published)]) {
        let fields = schema.get("properties").and_then(Value::as_object);
        names.extend(fields.into_iter().flat_map(|fields| fields.keys().cloned()));
        for word in schema
            .get("oneOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            names.extend(word.get("const").and_then(Value::as_str).map(str::to_owned));
        }
    }
    assert!(names.len() > 50, "{names:?}");
    for name in names {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/check.md lacks {name}"
        );
    }
    for report in reports() {
        let value: Value = serde_json::from_str(&rendered(&report)).unwrap();
        let mut codes = Vec::new();
        collect(&value, &mut codes);
        for code in codes {
            assert!(
                page.contains(&format!("`{code}`")),
                "docs/check.md lacks {code}"
            );
        }
    }
}

/// The codes of all reasons and needs.
fn collect(value: &Value, codes: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                if key == "reasons" || key == "needs" {
                    let all = inner.as_array().unwrap().iter();
                    codes.extend(all.map(|of| of["code"].as_str().unwrap().to_owned()));
                }
                collect(inner, codes);
            }
        }
        Value::Array(many) => many.iter().for_each(|inner| collect(inner, codes)),
        _ => {}
    }
}

#[test]
fn some_services_in_full() {
    insta::assert_snapshot!(text(&checked(
        &campaign::minute(),
        &[
            "ceph-mon",
            "keystone-jws",
            "zookeeper",
            "cassandra",
            "tls-x509"
        ],
        Some("strict"),
        &["ceph-mon.max_pairwise_skew_s=0.1"],
    )));
}

#[test]
fn all_of_it() {
    insta::assert_snapshot!(text(&checked(&campaign::minute(), &[], None, &[])));
}

#[test]
fn servers_that_contradict_each_other() {
    insta::assert_snapshot!(text(&checked(&campaign::two(), &["ceph-mon"], None, &[])));
}

#[test]
fn no_line_is_longer_than_a_terminal_and_nothing_steers_it() {
    let hostile = renamed(campaign::minute(), "\u{1b}[2J\u{202e}<b>*|`x");
    let mut all = reports();
    all.push(checked(&hostile, &["ceph-mon"], Some("standard"), &[]));
    for report in all {
        for line in text(&report).lines() {
            assert!(line.len() <= 80, "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
        assert!(!rendered(&report).contains("\\u001b"));
    }
}

#[test]
fn one_two_and_sixteen_threads_write_the_same_bytes() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| rendered(&checked(&campaign::many(12), &[], None, &[])))
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(16));
}
