//! What was judged of a provider's servers: the verdict, the servers, then each requirement.

use std::io::{self, Write};

use super::super::check::VerdictName;
use super::super::provider::{
    ProviderFindingReport, ProviderReport, ProviderRequirementReport, ProviderServerReport,
};
use super::check::{INDENT, below, lead, word};
use super::page::{Ink, Page, Style};
use super::quantity::plain;

/// Columns of the name of a server.
const NAME: usize = 26;
/// Findings that are told of one requirement; the JSON report has all.
const FINDINGS: usize = 20;

/// Writes what was judged of a provider's servers as text. Pure: the same report and style give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_provider(
    report: &ProviderReport,
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let ink = match report.verdict {
        VerdictName::Fit => Ink::Title,
        _ => Ink::Warning,
    };
    page.paragraph(ink, "", 2, &provider_line(report))?;
    page.paragraph(Ink::Plain, "", 2, &provider_about(report))?;
    page.blank()?;
    page.line(
        Ink::Title,
        &row(
            "server",
            &["way", "hops", "stratum", "root", "lost", "burst"],
        ),
    )?;
    for server in &report.servers {
        page.line(Ink::Plain, &row(&server.address, &provider_cells(server)))?;
    }
    for server in &report.servers {
        if let Some(text) = offers(server) {
            page.paragraph(Ink::Plain, "", 2, &format!("{}: {text}", server.address))?;
        }
    }
    page.blank()?;
    for required in &report.requirements {
        let text = format!("{}: {}", required.id, required.text);
        let ink = match required.verdict {
            VerdictName::Fit => Ink::Plain,
            _ => Ink::Warning,
        };
        page.paragraph(ink, &lead(false, required.verdict), INDENT, &text)?;
        let told = provider_told(required);
        for finding in told.iter().take(FINDINGS) {
            below(&provider_finding(finding), &mut page)?;
        }
        if told.len() > FINDINGS {
            let more = format!(
                "and {} more, which the JSON report has",
                told.len() - FINDINGS
            );
            below(&more, &mut page)?;
        }
        if required.verdict == VerdictName::Unfit {
            below(&format!("source: {}", required.source), &mut page)?;
        }
    }
    page.blank()?;
    page.paragraph(Ink::Plain, "", 0, &provider_holds())
}

/// What a verdict is about, and what it is not.
pub(in super::super) fn provider_holds() -> String {
    "This holds for this run, as seen from this host. docs/provider.md says what each requirement is, and what a burst \
     can show."
        .to_owned()
}

/// All in one line.
pub(in super::super) fn provider_line(report: &ProviderReport) -> String {
    let of = |verdict| -> Vec<&str> {
        let all = report.requirements.iter();
        all.filter(|of| of.verdict == verdict)
            .map(|of| of.id.as_str())
            .collect()
    };
    let verdict = word(report.verdict).to_uppercase();
    let (unfit, open) = (of(VerdictName::Unfit), of(VerdictName::Undetermined));
    let because = match (unfit.is_empty(), open.is_empty()) {
        (true, true) => "all requirements are kept".to_owned(),
        (false, true) => format!("not kept: {}", unfit.join(", ")),
        (true, false) => format!("not decided: {}", open.join(", ")),
        (false, false) => format!(
            "not kept: {}; not decided: {}",
            unfit.join(", "),
            open.join(", ")
        ),
    };
    format!("{verdict} as a provider's time servers; {because}")
}

/// What was asked, when, and by whom.
pub(in super::super) fn provider_about(report: &ProviderReport) -> String {
    let sent = report.servers.iter();
    let sent = sent.fold(0_u64, |sum, of| sum.saturating_add(of.sent));
    // With its port one of IPv4 has a single colon.
    let is_v6 = |of: &&ProviderServerReport| of.address.matches(':').count() > 1;
    let v6 = report.servers.iter().filter(is_v6).count();
    format!(
        "{} on {}, {}, {sent} requests to {} addresses of IPv4 and {v6} of IPv6",
        report.tool,
        report.host.as_deref().unwrap_or("unknown host"),
        report.started.utc(),
        report.servers.len() - v6
    )
}

/// A row of the table of servers: way, hops, stratum, root distance, loss before the burst and in it.
pub(in super::super) fn provider_cells(of: &ProviderServerReport) -> [String; 6] {
    let nothing = || "-".to_owned();
    let lost = |lost: u64, sent: u64| format!("{lost}/{sent}");
    [
        of.least_delay_ns.map_or_else(nothing, plain),
        of.hops.map_or_else(nothing, |hops| hops.to_string()),
        of.stratum.map_or_else(nothing, |of| of.to_string()),
        of.root_distance_ns.map_or_else(nothing, plain),
        lost(of.lost, of.sent),
        of.burst_sent
            .map_or_else(nothing, |sent| lost(of.burst_lost.unwrap_or(0), sent)),
    ]
}

fn row(name: &str, cells: &[impl AsRef<str>; 6]) -> String {
    let [way, hops, stratum, root, lost, burst] = cells;
    // A name that is too long stands as it is: it is what a reader looks for.
    format!(
        "{name:<NAME$} {:>10} {:>4} {:>7} {:>10} {:>7} {:>7}",
        way.as_ref(),
        hops.as_ref(),
        stratum.as_ref(),
        root.as_ref(),
        lost.as_ref(),
        burst.as_ref()
    )
}

/// What a server has to offer beside the time.
fn offers(of: &ProviderServerReport) -> Option<String> {
    let mut told = Vec::new();
    if of.address != of.source && !of.source.starts_with(&of.address) {
        told.push(format!("of {}", of.source));
    }
    if !of.followed.is_empty() {
        told.push(format!("follows {}", of.followed.join(", ")));
    }
    if let Some(leap) = of.leap.as_deref().filter(|of| *of != "none") {
        told.push(format!("announces a leap second: {leap}"));
    }
    match of.interleaved {
        Some(true) => told.push("interleaved".to_owned()),
        Some(false) => told.push("not interleaved".to_owned()),
        None => {}
    }
    match (of.nts, &of.nts_why_not) {
        (Some(true), _) => told.push("NTS (its certificate was not judged)".to_owned()),
        (Some(false), Some(why)) => told.push(format!("no NTS ({why})")),
        _ => {}
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// Of a requirement that is kept the finding that comes nearest to its limit; of another all that are not well.
pub(in super::super) fn provider_told(
    of: &ProviderRequirementReport,
) -> Vec<&ProviderFindingReport> {
    if of.verdict == VerdictName::Fit {
        let upper = |of: &&ProviderFindingReport| of.observed.and_then(|(_, upper)| upper);
        let worst = of.findings.iter().filter(|of| upper(of).is_some());
        let worst = worst.max_by_key(upper);
        return worst.or(of.findings.first()).into_iter().collect();
    }
    let findings = of.findings.iter();
    findings
        .filter(|of| of.verdict != VerdictName::Fit)
        .collect()
}

/// What was found, and of whom.
pub(in super::super) fn provider_finding(of: &ProviderFindingReport) -> String {
    match &of.server {
        Some(server) => format!("{server}: {}", of.text),
        None => of.text.clone(),
    }
}
