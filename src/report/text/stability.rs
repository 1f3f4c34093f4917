//! Stability over averaging times: a few lines of a source, all there is of a column.

use std::io::{self, Write};

use super::super::stability::{
    ColumnKind, ColumnReport, DeviationReport, NoiseKind, StabilityReport, TauReport,
};
use super::page::{Ink, Page, Style};
use super::quantity::plain;

/// Averaging times of a source that are told; the JSON report has all.
const OF_SOURCE: usize = 6;

/// Terms below which a deviation says next to nothing.
const FEW: u64 = crate::stats::stability::FEW_TERMS;

/// Writes what a column says as text. Pure: the same report and style give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_column(report: &ColumnReport, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let stability = &report.stability;
    let (what, series) = match report.data {
        ColumnKind::Phase => ("phases", stability.points),
        ColumnKind::Frequency => ("frequencies", stability.points.saturating_sub(1)),
    };
    let title = format!(
        "{}, stability of {}: {series} {what}, {}, tau0 {}",
        report.tool,
        report.file,
        missing(stability.missing),
        plain(stability.tau0_ns)
    );
    page.paragraph(Ink::Title, "", 2, &title)?;
    if stability.taus.is_empty() {
        page.blank()?;
        return page.line(Ink::Plain, "It takes two phases to say anything.");
    }
    for (name, of) in STATISTICS {
        let all: Vec<(&TauReport, &DeviationReport)> = stability
            .taus
            .iter()
            .filter_map(|tau| Some((tau, of(tau)?)))
            .collect();
        if all.is_empty() {
            continue;
        }
        page.blank()?;
        page.line(Ink::Plain, name)?;
        let head = ["tau", "value", "95 % interval", "terms", "noise"];
        page.line(Ink::Plain, &row(head.map(str::to_owned)))?;
        for (tau, deviation) in all {
            page.line(Ink::Plain, &row(full(tau, deviation)))?;
        }
    }
    page.blank()?;
    let note = format!(
        "Intervals hold if the noise is of the kind that was found; terms are those used of those possible, \
         and fewer than {FEW} say next to nothing (?). Nothing is interpolated."
    );
    page.paragraph(Ink::Plain, "", 0, &note)
}

/// Writes what a source says, if it says anything.
pub(super) fn write<W: Write>(
    stability: &StabilityReport,
    against: &str,
    page: &mut Page<'_, W>,
) -> io::Result<()> {
    let told = |tau: &&TauReport| tau.oadev.is_some_and(|d| d.terms >= FEW);
    let taus: Vec<&TauReport> = stability.taus.iter().filter(told).collect();
    if taus.is_empty() {
        return Ok(());
    }
    page.blank()?;
    let title = format!(
        "stability against {against}, by the exchange of each {} that proves most: path and both clocks \
         together",
        plain(stability.tau0_ns)
    );
    page.paragraph(Ink::Plain, "  ", 4, &title)?;
    let head = ["tau", "OADEV", "95 % interval", "TDEV", "MTIE", "noise"];
    page.line(Ink::Plain, &of_source(head.map(str::to_owned)))?;
    for tau in taus.iter().step_by(taus.len().div_ceil(OF_SOURCE)) {
        let columns = [
            plain(tau.tau_ns),
            value(tau.oadev.as_ref(), ""),
            interval(tau.oadev.as_ref()),
            value(tau.tdev_s.as_ref(), " s"),
            value(tau.mtie_s.as_ref(), " s"),
            noise(tau.noise).to_owned(),
        ];
        page.line(Ink::Plain, &of_source(columns))?;
    }
    Ok(())
}

pub(in super::super) type Of = fn(&TauReport) -> Option<&DeviationReport>;

pub(in super::super) const STATISTICS: [(&str, Of); 9] = [
    ("Allan deviation (ADEV)", |tau| tau.adev.as_ref()),
    ("Overlapping Allan deviation (OADEV)", |tau| {
        tau.oadev.as_ref()
    }),
    ("Modified Allan deviation (MDEV)", |tau| tau.mdev.as_ref()),
    ("Time deviation (TDEV), s", |tau| tau.tdev_s.as_ref()),
    ("Hadamard deviation (HDEV)", |tau| tau.hdev.as_ref()),
    ("Overlapping Hadamard deviation (OHDEV)", |tau| {
        tau.ohdev.as_ref()
    }),
    ("Total deviation (TOTDEV)", |tau| tau.totdev.as_ref()),
    ("Root mean square time interval error (TIE rms), s", |tau| {
        tau.tie_rms_s.as_ref()
    }),
    ("Maximum time interval error (MTIE), s", |tau| {
        tau.mtie_s.as_ref()
    }),
];

fn full(tau: &TauReport, deviation: &DeviationReport) -> [String; 5] {
    let doubt = if deviation.terms < FEW { " ?" } else { "" };
    [
        plain(tau.tau_ns),
        value(Some(deviation), ""),
        interval(Some(deviation)),
        format!("{}/{}{doubt}", deviation.terms, deviation.possible),
        noise(tau.noise).to_owned(),
    ]
}

fn row([tau, value, interval, terms, noise]: [String; 5]) -> String {
    format!("  {tau:>9} {value:>10}  {interval:<22} {terms:<17} {noise}")
}

fn of_source([tau, oadev, interval, tdev, mtie, noise]: [String; 6]) -> String {
    format!("  {tau:>8} {oadev:>9}  {interval:<20} {tdev:>10} {mtie:>10}  {noise}")
}

/// Three digits and an exponent: deviations spread over many powers of ten.
fn scientific(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value => format!("{value:.2e}"),
    }
}

pub(in super::super) fn value(deviation: Option<&DeviationReport>, unit: &str) -> String {
    let value = deviation.and_then(|deviation| deviation.value);
    value.map_or("-".to_owned(), |value| {
        format!("{}{unit}", scientific(value))
    })
}

pub(in super::super) fn interval(deviation: Option<&DeviationReport>) -> String {
    let interval = deviation.and_then(|deviation| deviation.ci95);
    interval.map_or("-".to_owned(), |(lower, upper)| {
        format!("{} to {}", scientific(lower), scientific(upper))
    })
}

pub(in super::super) fn noise(noise: Option<NoiseKind>) -> &'static str {
    match noise {
        None => "-",
        Some(NoiseKind::WhitePm) => "white PM",
        Some(NoiseKind::FlickerPm) => "flicker PM",
        Some(NoiseKind::WhiteFm) => "white FM",
        Some(NoiseKind::FlickerFm) => "flicker FM",
        Some(NoiseKind::RandomWalkFm) => "walk FM",
    }
}

fn missing(number: u64) -> String {
    match number {
        0 => "none missing".to_owned(),
        n => format!("{n} missing"),
    }
}
