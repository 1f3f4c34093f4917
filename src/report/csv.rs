//! Tables as CSV (RFC 4180): exchange by exchange, or quantile by quantile.

mod survey;

use std::io::{self, Write};

use super::build::stamps_name;
use super::quantity::billionths;
use super::{ClassReport, Distribution, Report, SourceReport};
use crate::sample::{Campaign, Sample, SourceInfo, SourceRecord};
use crate::time::Monotonic;

pub use survey::write_survey;

/// Columns of exchanges.
const EXCHANGE: [&str; 15] = [
    "source",
    "address",
    "port",
    "path",
    "mode",
    "stamps",
    "since_start_s",
    "t1_s",
    "t4_s",
    "offset_ns",
    "delay_ns",
    "offset_at_most_ns",
    "offset_at_least_ns",
    "residence_ns",
    "stamp_error_ns",
];

/// Columns of quantiles.
const QUANTILE: [&str; 12] = [
    "source",
    "address",
    "port",
    "path",
    "mode",
    "stamps",
    "quantity",
    "statistic",
    "n",
    "value_ns",
    "ci95_lower_ns",
    "ci95_upper_ns",
];

/// Writes every exchange that counts, source by source, in the order they were completed.
///
/// ```
/// use clockfit::report::csv;
/// use clockfit::sample::Campaign;
/// let mut out = Vec::new();
/// csv::write_exchanges(&Campaign::default(), &mut out)?;
/// assert!(out.starts_with(b"source,address,port,path,mode,stamps,since_start_s,"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of `out`.
pub fn write_exchanges(campaign: &Campaign, out: &mut impl Write) -> io::Result<()> {
    row(out, &EXCHANGE.map(str::to_owned))?;
    for record in campaign.asked() {
        source(record, campaign.header.started_at, out)?;
    }
    Ok(())
}

fn source(record: &SourceRecord, started: Monotonic, out: &mut impl Write) -> io::Result<()> {
    let info: &SourceInfo = &record.info;
    let named = named(&info.source, &info.address, info.port, info.path);
    for sample in &record.samples {
        let mut cells = Vec::with_capacity(EXCHANGE.len());
        cells.extend(named.iter().cloned());
        cells.extend(exchange(&sample, started));
        row(out, &cells)?;
    }
    Ok(())
}

fn exchange(sample: &Sample, started: Monotonic) -> [String; 11] {
    let x = &sample.exchange;
    [
        sample.mode.name().to_owned(),
        stamps_name(sample.class()),
        billionths(sample.at.since(started).as_nanos()),
        billionths(x.t1.as_nanos()),
        billionths(x.t4().as_nanos()),
        x.offset().as_nanos().to_string(),
        x.delay().as_nanos().to_string(),
        x.upper.as_nanos().to_string(),
        x.lower.as_nanos().to_string(),
        x.residence.as_nanos().to_string(),
        x.error.as_nanos().to_string(),
    ]
}

/// Writes every quantile of every distribution, and its 95 % interval; a cell is empty where there is nothing to
/// say.
///
/// # Errors
/// Those of `out`.
pub fn write_quantiles(report: &Report, out: &mut impl Write) -> io::Result<()> {
    row(out, &QUANTILE.map(str::to_owned))?;
    for found in &report.sources {
        for class in std::iter::once(&found.main).chain(&found.other_classes) {
            of_class(found, class, out)?;
        }
    }
    Ok(())
}

fn of_class(found: &SourceReport, class: &ClassReport, out: &mut impl Write) -> io::Result<()> {
    let Some(name) = &class.class else {
        return Ok(());
    };
    let quantities = [
        ("offset", &class.offset_ns),
        ("abs_offset", &class.abs_offset_ns),
        ("delay", &class.delay_ns),
        ("delay_variation", &class.delay_variation_ns),
        ("out", &class.out_ns),
        ("back", &class.back_ns),
        ("residence", &class.residence_ns),
        ("jitter_1h", &class.jitter_1h_ns),
    ];
    for (quantity, of) in quantities {
        let Some(of) = of else { continue };
        for (statistic, value) in statistics(of) {
            let interval = of.ci95.get(statistic);
            let end = |end: Option<i64>| end.map_or_else(String::new, |end| end.to_string());
            let mut cells = Vec::with_capacity(QUANTILE.len());
            cells.extend(named(&found.source, &found.address, found.port, found.path));
            cells.extend([
                name.mode.name().to_owned(),
                text(&name.stamps),
                quantity.to_owned(),
                statistic.to_owned(),
                of.n.to_string(),
                value.unwrap_or_default(),
                end(interval.map(|(lower, _)| *lower)),
                end(interval.map(|(_, upper)| *upper)),
            ]);
            row(out, &cells)?;
        }
    }
    Ok(())
}

fn statistics(of: &Distribution) -> [(&'static str, Option<String>); 10] {
    let known = |value: Option<i64>| value.map(|value| value.to_string());
    [
        ("min", known(Some(of.min))),
        ("p1", known(of.p1)),
        ("p5", known(of.p5)),
        ("p50", known(of.p50)),
        ("p95", known(of.p95)),
        ("p99", known(of.p99)),
        ("p99_9", known(of.p99_9)),
        ("max", known(Some(of.max))),
        ("mean", known(Some(of.mean))),
        ("rms", Some(of.rms.to_string())),
    ]
}

/// What begins a formula, in both widths.
const FORMULA: [char; 8] = [
    '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

fn named(source: &str, address: &str, port: u16, path: u16) -> [String; 4] {
    [
        text(source),
        text(address),
        port.to_string(),
        path.to_string(),
    ]
}

/// A text from outside, as a cell. What a spreadsheet would take for a formula is marked as text.
fn text(text: &str) -> String {
    let text = super::clean::clean(text);
    let begun = text.trim_start();
    let marked = match begun.starts_with(FORMULA) {
        true => format!("'{text}"),
        false => text,
    };
    match marked.contains([',', '"', '\r', '\n', ';', '\'']) {
        true => format!("\"{}\"", marked.replace('"', "\"\"")),
        false => marked,
    }
}

fn row(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(out, "{comma}{cell}")?;
    }
    out.write_all(b"\r\n")
}
