//! The stability of plain columns: `docs/stability.schema.json` is what the types say, real output obeys
//! it, `docs/report.md` speaks of every field, and the published values come out as published.

use clockfit::recording::read_column;
use clockfit::report::text::{Style, write_column};
use clockfit::report::{ColumnKind, ColumnReport, DeviationReport, json};
use clockfit::stats::stability::Taus;
use clockfit::time::TimeDelta;
use serde_json::Value;

use super::schema;

const TAU0: TimeDelta = TimeDelta::from_secs(1);

fn report(kind: ColumnKind, text: &str, taus: &Taus) -> ColumnReport {
    let read = read_column(text.as_bytes(), "column.txt", Some(10)).unwrap();
    ColumnReport::new(
        "clockfit 0.1.0",
        "column.txt",
        (kind, &read.column),
        TAU0,
        taus,
    )
    .unwrap()
}

/// The 1000 frequencies of NIST SP 1065, section 12.4: a generator of Park and Miller.
fn published() -> String {
    let mut n = 1_234_567_890_u128;
    let mut text = String::new();
    for _ in 0..1_000 {
        let value = n * 10_000_000_000 / 2_147_483_647;
        text.push_str(&format!("0.{value:010}\n"));
        n = 16_807 * n % 2_147_483_647;
    }
    text
}

fn rendered(report: &ColumnReport) -> String {
    let mut out = Vec::new();
    json::write_column(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn text(report: &ColumnReport) -> String {
    let mut out = Vec::new();
    write_column(report, Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A row of NIST SP 1065, table 31: each statistic is in the field of its name. The tables themselves are
/// compared where they are computed.
#[test]
fn published_values_come_out() {
    let report = report(ColumnKind::Frequency, &published(), &Taus::These(vec![10]));
    let [row] = report.stability.taus.as_slice() else {
        panic!("one tau: {:?}", report.stability.taus)
    };
    let expected = [
        (row.adev, "9.965736e-2"),
        (row.oadev, "9.159953e-2"),
        (row.mdev, "6.172376e-2"),
        (row.tdev_s, "3.563623e-1"),
        (row.hdev, "1.052754e-1"),
        (row.ohdev, "9.581083e-2"),
        (row.totdev, "9.134743e-2"),
    ];
    for (found, value) in expected {
        let found = found.and_then(|d: DeviationReport| d.value).unwrap();
        assert_eq!(format!("{found:.6e}"), value);
    }
}

/// Phases and the frequencies between them are the same series, in whatever unit.
#[test]
fn phases_and_their_frequencies_agree() {
    let phases: Vec<i64> = (0..300).map(|i| i * i * 7_919 % 1_013).collect();
    let phase: String = phases.iter().map(|x| format!("{x}e-9\n")).collect();
    let frequency: String = phases
        .windows(2)
        .map(|pair| format!("{}e-9\n", pair[1] - pair[0]))
        .collect();
    let of = |kind, text: &str| report(kind, text, &Taus::Octave).stability;
    let (one, other) = (
        of(ColumnKind::Phase, &phase),
        of(ColumnKind::Frequency, &frequency),
    );
    assert_eq!(one, other);
    assert_eq!(
        (one.points, one.missing, one.tau0_ns),
        (300, 0, 1_000_000_000)
    );
    let peak = one.taus[0].mtie_s.unwrap().value.unwrap();
    let widest = phases
        .windows(2)
        .map(|p| p[1].abs_diff(p[0]))
        .max()
        .unwrap();
    assert_eq!(format!("{peak:.9}"), format!("0.{widest:09}"));
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    schema::is_published("stability.schema.json", json::write_column_schema);
    schema::is_documented("stability.schema.json", "report.md", 20);
}

#[test]
fn real_output_obeys_it_and_reads_back() {
    let published = schema::published("stability.schema.json");
    for (kind, column) in [
        (ColumnKind::Frequency, self::published()),
        (ColumnKind::Phase, "1e-9\nnan\n3e-9\n-2e-9\n0\n".to_owned()),
        (ColumnKind::Phase, "7\n".to_owned()),
        (ColumnKind::Frequency, "7\nnan\n2\n1\n".to_owned()),
    ] {
        let report = report(kind, &column, &Taus::Decade);
        let said = rendered(&report);
        let value: Value = serde_json::from_str(&said).unwrap();
        schema::check(&published, &published, &value, "$");
        assert_eq!(value["schema"], "clockfit-stability/1");
        assert_eq!(serde_json::from_str::<ColumnReport>(&said).unwrap(), report);
        for line in text(&report).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn a_column_with_gaps() {
    let column: String = (0..120_i64)
        .map(|i| match i % 37 {
            5 => "nan\n".to_owned(),
            _ => format!("{}e-9\n", i * i * 7_919 % 1_013),
        })
        .collect();
    insta::assert_snapshot!(text(&report(ColumnKind::Phase, &column, &Taus::Octave)));
}

#[test]
fn a_name_from_outside_steers_no_terminal() {
    let read = read_column("1\n2\n3\n".as_bytes(), "x", None).unwrap();
    let column = (ColumnKind::Phase, &read.column);
    let report = ColumnReport::new("t", "a\u{1b}[2J", column, TAU0, &Taus::Octave).unwrap();
    assert!(!text(&report).contains('\u{1b}') && !rendered(&report).contains("\\u001b"));
}
