//! A survey as metrics.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::super::quantity::billionths;
use super::super::survey::{FINDINGS, KernelClockReport, SurveyReport, SurveyState};
use super::Metrics;

/// Writes metrics in the text format of Prometheus, as its node exporter's textfile collector reads them. Times
/// are in seconds. A finding that there may be has a line whether there is one or not.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    let mut page = Metrics(out);
    let name = "clockfit_discover_conclusion";
    page.head(name, "What follows for the host: 1, and in which words.")?;
    let conclusion = word(&report.conclusion)?;
    let system = report.system.as_deref().unwrap_or_default();
    let labels = [
        ("conclusion", conclusion.as_str()),
        ("root", report.root.as_str()),
        ("system", system),
    ];
    page.line(name, &labels, "1")?;
    let name = "clockfit_discover_state";
    page.head(
        name,
        "What that is to a monitoring plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.",
    )?;
    page.line(name, &[], &state(report.state()).to_string())?;
    offers(report, &mut page)?;
    daemons(report, &mut page)?;
    running(report, &mut page)?;
    if let Some(of) = &report.kernel {
        kernel(of, &mut page)?;
    }
    let name = "clockfit_discover_findings";
    page.head(
        name,
        "How often something was found that is to be looked at.",
    )?;
    let mut counts: BTreeMap<&str, u64> = FINDINGS.iter().map(|code| (*code, 0)).collect();
    for of in &report.findings {
        *counts.entry(&of.code).or_default() += 1;
    }
    for (code, count) in counts {
        page.line(name, &[("code", code)], &count.to_string())?;
    }
    let name = "clockfit_discover_missed";
    page.head(name, "Files that are there and could not be read.")?;
    page.line(name, &[], &report.missed.len().to_string())
}

fn offers<W: Write>(report: &SurveyReport, page: &mut Metrics<'_, W>) -> io::Result<()> {
    let name = "clockfit_discover_offers";
    page.head(name, "Servers and clocks that the host is offered.")?;
    let mut counts: BTreeMap<[String; 2], u64> = BTreeMap::new();
    for of in &report.offers {
        let labels = [word(&of.by)?, word(&of.standing)?];
        *counts.entry(labels).or_default() += 1;
    }
    for ([by, standing], count) in &counts {
        let labels = [("by", by.as_str()), ("standing", standing.as_str())];
        page.line(name, &labels, &count.to_string())?;
    }
    let numbers: [(&str, &str, usize); 2] = [
        (
            "clockfit_discover_offers_configured",
            "Offers that a daemon which starts or runs has.",
            report
                .offers
                .iter()
                .filter(|of| of.configured_by.is_some())
                .count(),
        ),
        (
            "clockfit_discover_offers_used",
            "Offers that a daemon uses at this moment.",
            report
                .offers
                .iter()
                .filter(|of| of.used == Some(true))
                .count(),
        ),
    ];
    for (name, help, number) in numbers {
        page.head(name, help)?;
        page.line(name, &[], &number.to_string())?;
    }
    Ok(())
}

fn daemons<W: Write>(report: &SurveyReport, page: &mut Metrics<'_, W>) -> io::Result<()> {
    let name = "clockfit_discover_daemon_enabled";
    if !report.daemons.is_empty() {
        page.head(name, "Whether a time daemon starts with the system.")?;
    }
    for of in &report.daemons {
        let value = if of.enabled { "1" } else { "0" };
        page.line(name, &[("daemon", of.name.as_str())], value)?;
    }
    let name = "clockfit_discover_sources";
    let mut counts: BTreeMap<[String; 3], u64> = BTreeMap::new();
    for daemon in &report.daemons {
        for of in &daemon.sources {
            let labels = [daemon.name.clone(), word(&of.kind)?, word(&of.author)?];
            *counts.entry(labels).or_default() += 1;
        }
    }
    if !counts.is_empty() {
        page.head(name, "Sources that a daemon is configured with.")?;
    }
    for ([daemon, kind, author], count) in &counts {
        let labels = [
            ("daemon", daemon.as_str()),
            ("kind", kind.as_str()),
            ("author", author.as_str()),
        ];
        page.line(name, &labels, &count.to_string())?;
    }
    Ok(())
}

fn running<W: Write>(report: &SurveyReport, page: &mut Metrics<'_, W>) -> io::Result<()> {
    let Some(running) = &report.running else {
        return Ok(());
    };
    let name = "clockfit_discover_daemons_running";
    page.head(name, "Time daemons that run.")?;
    page.line(name, &[], &running.len().to_string())?;
    let name = "clockfit_discover_daemon_told";
    if !running.is_empty() {
        page.head(name, "Whether a daemon that runs tells what it uses.")?;
    }
    for of in running {
        let value = if of.untold.is_none() { "1" } else { "0" };
        page.line(name, &[("daemon", of.name.as_str())], value)?;
    }
    let name = "clockfit_discover_servers";
    let mut counts: BTreeMap<[String; 2], u64> = BTreeMap::new();
    for daemon in running {
        for of in &daemon.servers {
            let labels = [daemon.name.clone(), word(&of.selection)?];
            *counts.entry(labels).or_default() += 1;
        }
    }
    if !counts.is_empty() {
        page.head(
            name,
            "Servers of a daemon that runs, by what it thinks of them.",
        )?;
    }
    for ([daemon, selection], count) in &counts {
        let labels = [
            ("daemon", daemon.as_str()),
            ("selection", selection.as_str()),
        ];
        page.line(name, &labels, &count.to_string())?;
    }
    Ok(())
}

fn kernel<W: Write>(of: &KernelClockReport, page: &mut Metrics<'_, W>) -> io::Result<()> {
    let name = "clockfit_discover_kernel_synchronised";
    page.head(name, "Whether the kernel's clock counts as synchronised.")?;
    page.line(name, &[], if of.synchronised { "1" } else { "0" })?;
    for (name, help, value) in [
        (
            "clockfit_discover_kernel_max_error_seconds",
            "The most that the kernel's clock may be off by, by the word of whoever keeps it.",
            of.max_error_ns,
        ),
        (
            "clockfit_discover_kernel_estimated_error_seconds",
            "What it is estimated to be off by, by the same.",
            of.estimated_error_ns,
        ),
    ] {
        page.head(name, help)?;
        page.line(name, &[], &billionths(value))?;
    }
    Ok(())
}

/// As plugins number them.
fn state(of: SurveyState) -> u8 {
    match of {
        SurveyState::Ok => 0,
        SurveyState::Warning => 1,
        SurveyState::Critical => 2,
        SurveyState::Unknown => 3,
    }
}

/// As the JSON report spells it.
fn word(of: &impl serde::Serialize) -> io::Result<String> {
    let value = serde_json::to_value(of)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}
