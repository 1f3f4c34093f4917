//! A survey as Markdown, for tickets.

use std::io::{self, Write};

use super::super::survey::{EvidenceReport, SurveyReport, words};
use super::escaped;

/// Rows of a table and points of a list that are shown; JSON has all.
const SHOWN: usize = 100;

/// Writes which time a host is offered, configured with and using as Markdown (GitHub's, for its tables). Pure: the
/// same report gives the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## {}\n", escaped(&words::headline(report)))?;
    writeln!(out, "{}", escaped(&words::by(report)))?;
    let findings = report.findings.iter();
    points(
        "",
        findings.map(|of| format!(":warning: {}", escaped(&of.text))),
        out,
    )?;
    let because = report.because.iter();
    points(
        "Because of",
        because.map(|of| escaped(&words::said(of))),
        out,
    )?;
    offers(report, out)?;
    configured(report, out)?;
    used(report, out)?;
    if let Some(kernel) = &report.kernel {
        let said = escaped(&words::kernel(kernel));
        writeln!(out, "\nThe kernel's clock: {said}")?;
    }
    let missed = report.missed.iter();
    points(
        "Could not be read",
        missed.map(|of| escaped(&format!("{}: {}", of.path, of.why))),
        out,
    )
}

/// A list below its head; nothing where it is empty.
fn points(
    head: &str,
    all: impl ExactSizeIterator<Item = String>,
    out: &mut impl Write,
) -> io::Result<()> {
    let count = all.len();
    if count == 0 {
        return Ok(());
    }
    writeln!(out)?;
    if !head.is_empty() {
        writeln!(out, "### {head}\n")?;
    }
    for point in all.take(SHOWN) {
        writeln!(out, "- {point}")?;
    }
    match more(count) {
        Some(more) => writeln!(out, "- {more}"),
        None => Ok(()),
    }
}

fn offers(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    let rows = report.offers.iter().map(|of| {
        [
            of.server.clone(),
            of.by.name().to_owned(),
            of.client.clone(),
            of.interface.clone().unwrap_or_default(),
            words::taken(of),
            words::standing(of.standing).to_owned(),
            found_at(&of.evidence),
        ]
    });
    let columns = [
        "server",
        "offered by",
        "client",
        "interface",
        "taken",
        "stands",
        "where",
    ];
    table("Offered", columns, rows, out)
}

fn configured(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    let daemons = report.daemons.iter().map(words::daemon);
    points(
        "Configured",
        daemons
            .map(|of| escaped(&of))
            .collect::<Vec<_>>()
            .into_iter(),
        out,
    )?;
    let rows = report.daemons.iter().flat_map(|daemon| {
        daemon.sources.iter().map(|of| {
            [
                daemon.name.clone(),
                format!("{} {}{}", of.kind.name(), of.name, words::terms(of)),
                of.author.name().to_owned(),
                words::place(&of.evidence),
            ]
        })
    });
    let rows: Vec<[String; 4]> = rows.collect();
    let columns = ["daemon", "source", "by", "where"];
    table("", columns, rows.into_iter(), out)?;
    let takes = report.daemons.iter().flat_map(|daemon| {
        let takes = daemon.takes_offers.iter();
        takes.map(|of| {
            let text = format!("{} takes offers: {}", daemon.name, words::said(of));
            escaped(&text)
        })
    });
    points("", takes.collect::<Vec<_>>().into_iter(), out)
}

fn used(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    let Some(running) = &report.running else {
        return Ok(());
    };
    let none = || "no time daemon runs that can be seen".to_owned();
    let runs = running.iter().map(|of| escaped(&words::runs(of)));
    let runs: Vec<String> = match running.is_empty() {
        true => vec![none()],
        false => runs.collect(),
    };
    points("Used", runs.into_iter(), out)?;
    let rows = running.iter().flat_map(|daemon| {
        daemon.servers.iter().map(|of| {
            [
                daemon.name.clone(),
                of.server.clone(),
                of.name.clone().unwrap_or_default(),
                words::selection(of.selection).to_owned(),
            ]
        })
    });
    let rows: Vec<[String; 4]> = rows.collect();
    let columns = [
        "daemon",
        "server",
        "in its settings",
        "what it thinks of it",
    ];
    table("", columns, rows.into_iter(), out)
}

/// A table below its head; nothing where it is empty.
fn table<const N: usize>(
    head: &str,
    columns: [&str; N],
    rows: impl ExactSizeIterator<Item = [String; N]>,
    out: &mut impl Write,
) -> io::Result<()> {
    let count = rows.len();
    if count == 0 {
        return Ok(());
    }
    writeln!(out)?;
    if !head.is_empty() {
        writeln!(out, "### {head}\n")?;
    }
    writeln!(out, "| {} |", columns.join(" | "))?;
    writeln!(out, "|{}", "---|".repeat(N))?;
    for row in rows.take(SHOWN) {
        let cells = row.map(|cell| escaped(&cell));
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    match more(count) {
        Some(more) => writeln!(out, "\n{more}"),
        None => Ok(()),
    }
}

fn more(count: usize) -> Option<String> {
    let more = count.saturating_sub(SHOWN);
    (more > 0).then(|| format!("and {more} more, which -f json tells"))
}

fn found_at(of: &EvidenceReport) -> String {
    words::said(of)
}
