//! Many sources, one line each, the worst first.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use super::super::model::{Report, SourceReport};
use super::floor;
use super::page::{Ink, Page};
use super::quantity::{Digits, Round, plain, ppm, signed};
use super::source::{digits_of, endpoint};

/// Lines of the table: what a person scrolls through. The JSON report has all.
const LINES: usize = 60;
/// Columns of the name.
const NAME: usize = 22;

pub(super) fn write<W: Write>(report: &Report, page: &mut Page<'_, W>) -> io::Result<()> {
    let answered = report.sources.iter().filter(|s| s.valid > 0).count();
    let counts = || {
        report
            .sources
            .iter()
            .filter(|s| s.valid > 0)
            .map(|s| s.valid)
    };
    let n = match (counts().min(), counts().max()) {
        (Some(least), Some(most)) if least == most => format!(" by {least} exchanges each"),
        (Some(least), Some(most)) => format!(" by {least} to {most} exchanges each"),
        _ => String::new(),
    };
    let title = format!(
        "{} sources, {answered} measured{n}, worst first; offset = server - local (+: this clock is \
         behind), the median of all; proven: between these it was at last (drift as measured, else {})",
        report.sources.len(),
        ppm(report.run.drift_ppb)
    );
    page.paragraph(Ink::Plain, "", 0, &title)?;
    if let Some(text) = floor::above_table(report) {
        page.paragraph(Ink::Plain, "", 0, &text)?;
    }
    page.blank()?;
    page.line(
        Ink::Title,
        &line("source", ' ', ["offset", "proven", "delay", "lost"]),
    )?;
    let mut addresses: BTreeMap<&str, usize> = BTreeMap::new();
    for found in &report.sources {
        *addresses.entry(&found.source).or_default() += 1;
    }
    let mut sorted: Vec<&SourceReport> = report.sources.iter().collect();
    sorted.sort_by_key(|found| Reverse(badness(found)));
    for found in sorted.iter().take(LINES) {
        // A name that has several addresses does not tell them apart.
        let name = match addresses.get(found.source.as_str()) {
            Some(1) => found.source.clone(),
            _ => endpoint(found),
        };
        let name = match found.path {
            0 => name,
            n => format!("path {n}"),
        };
        row(found, &name, page)?;
    }
    if sorted.len() > LINES {
        let text = format!(
            "and {} more, all in the JSON report (-f json)",
            sorted.len() - LINES
        );
        page.line(Ink::Plain, &text)?;
    }
    Ok(())
}

/// How bad a source looks: silence first, then what is proven to be wrong, then what may be.
fn badness(found: &SourceReport) -> (bool, u64, u64) {
    let (proven, possible) = found.bound_ns.map_or((0, 0), |b| {
        let (lower, upper) = (b.lower.unsigned_abs(), b.upper.unsigned_abs());
        let outside = b.lower > 0 || b.upper < 0;
        let proven = if outside { lower.min(upper) } else { 0 };
        (proven, lower.max(upper))
    });
    (found.valid == 0, proven, possible)
}

fn row<W: Write>(found: &SourceReport, name: &str, page: &mut Page<'_, W>) -> io::Result<()> {
    let offset = found.main.offset_ns.as_ref();
    let digits = found.bound_ns.as_ref().map_or(Digits::Four, digits_of);
    let offset = offset.map_or("-".to_owned(), |o| {
        signed(o.p50.unwrap_or(o.mean), Round::Nearest, digits)
    });
    let proven = match &found.bound_ns {
        Some(b) => {
            let digits = digits_of(b);
            let lower = signed(b.lower, Round::Down, digits);
            let upper = signed(b.upper, Round::Up, digits);
            format!("{lower} .. {upper}")
        }
        None => "no valid exchange".to_owned(),
    };
    let delay = found.main.delay_ns.as_ref();
    let delay = delay.map_or("-".to_owned(), |d| plain(d.p50.unwrap_or(d.mean)));
    let lost = format!(
        "{}%",
        found.lost.saturating_mul(100).div_ceil(found.sent.max(1))
    );
    let mark = floor::mark(found);
    let columns = [offset.as_str(), &proven, &delay, &lost];
    if name.chars().count() > NAME {
        page.paragraph(Ink::Plain, "", 2, name)?;
        return page.line(Ink::Plain, &line("", mark, columns));
    }
    page.line(Ink::Plain, &line(name, mark, columns))
}

fn line(name: &str, mark: char, [offset, proven, delay, lost]: [&str; 4]) -> String {
    format!("{name:<NAME$} {offset:>11}{mark} {proven:<26}{delay:>10} {lost:>5}")
}
