//! What services ask of clocks: `docs/services.schema.json` is what the types say, real output obeys it, and
//! `docs/services.md` speaks of every field.

use clockfit::fitness::Catalogue;
use clockfit::report::text::{Style, write_explained, write_services};
use clockfit::report::{ServicesReport, json};
use serde_json::Value;

use super::schema;

fn hostile() -> Catalogue {
    let mut catalogue = Catalogue::builtin();
    let bad = "\\u001b[2J\\u202e</td><script>|*_`";
    let profile = format!(
        "schema = 2\n[[service]]\nid = \"hostile\"\nname = \"{bad}\"\nkind = \"quorum\"\nclock = \"wall\"\n\
         scope = \"unknown\"\nseverity = \"unknown\"\nconsequence = \"{bad}\"\nsource = \"{bad}\"\n\
         note = \"{bad}\"\nbetween = \"{bad}/{bad}\"\n"
    )
    // Its own slash would make three parts.
    .replace("</td>", "<td>");
    catalogue.add_profile("\u{1b}[2J.toml", &profile).unwrap();
    catalogue
}

fn report(catalogue: &Catalogue) -> ServicesReport {
    ServicesReport::new("clockfit 0.1.0", catalogue)
}

fn rendered(catalogue: &Catalogue) -> String {
    let mut out = Vec::new();
    json::write_services(&report(catalogue), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn text(report: &ServicesReport, in_full: bool) -> String {
    let mut out = Vec::new();
    let write = if in_full {
        write_explained
    } else {
        write_services
    };
    write(report, Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    schema::is_published("services.schema.json", json::write_services_schema);
}

#[test]
fn real_output_obeys_the_published_schema_and_reads_back() {
    let published = schema::published("services.schema.json");
    for catalogue in [Catalogue::builtin(), hostile()] {
        let text = rendered(&catalogue);
        let value: Value = serde_json::from_str(&text).unwrap();
        schema::check(&published, &published, &value, "$");
        let back: ServicesReport = serde_json::from_str(&text).unwrap();
        assert_eq!(back, report(&catalogue));
    }
}

#[test]
fn every_field_is_documented() {
    schema::is_documented("services.schema.json", "services.md", 30);
}

/// Words that programs compare with are on the page, each.
#[test]
fn every_word_is_documented() {
    use clockfit::fitness::{ClockRead, Kind, Scope, Severity, Side};
    let page = schema::page("services.md");
    let words = Kind::ALL
        .iter()
        .map(|of| of.word())
        .chain(ClockRead::ALL.iter().map(|of| of.word()))
        .chain(Scope::ALL.iter().map(|of| of.word()))
        .chain(Severity::ALL.iter().map(|of| of.word()))
        .chain(Side::ALL.iter().map(|of| of.word()));
    for word in words {
        assert!(
            page.contains(&format!("`{word}`")),
            "docs/services.md lacks {word}"
        );
    }
}

#[test]
fn the_example_of_the_page_is_a_profile() {
    let page = schema::page("services.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (profile, _) = rest.split_once("```").unwrap();
    let mut catalogue = Catalogue::builtin();
    catalogue.add_profile("billing.toml", profile).unwrap();
    assert!(catalogue.service("billing").unwrap().has_limit());
}

#[test]
fn the_table() {
    insta::assert_snapshot!(text(&report(&Catalogue::builtin()), false));
}

#[test]
fn some_in_full() {
    let mut catalogue = Catalogue::builtin();
    catalogue.set("ceph-mon.max_pairwise_skew_s=0.1").unwrap();
    let ids = [
        "ceph-mon",
        "ceph-mon-lease",
        "zookeeper",
        "cassandra",
        "chrony",
        "redis-sentinel",
    ];
    let services: Vec<_> = ids
        .iter()
        .map(|id| catalogue.service(id).unwrap())
        .collect();
    let grades = [catalogue.grade("standard").unwrap()];
    let some = ServicesReport::of("clockfit 0.1.0", &catalogue, &services, &grades);
    insta::assert_snapshot!(text(&some, true));
}

#[test]
fn no_line_is_longer_than_a_terminal_and_nothing_steers_it() {
    for catalogue in [Catalogue::builtin(), hostile()] {
        for in_full in [false, true] {
            let text = text(&report(&catalogue), in_full);
            for line in text.lines() {
                assert!(line.len() <= 80, "{line}");
                assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
