//! The report as text for a terminal, 80 columns wide, that still reads well in a ticket.
//!
//! Few sources are told in detail; many get a table with one line each, the worst first.

pub(super) mod agreement;
mod check;
mod compare;
pub(super) mod conditions;
pub(super) mod distribution;
mod floor;
pub(super) mod local;
mod nic;
pub(super) mod over_time;
mod page;
mod provider;
mod quorum;
mod services;
pub(super) mod source;
pub(super) mod stability;
mod survey;
mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};

pub use check::write_check;
pub(super) use check::{
    holds_for, outcome, reached, reordering, requirement, sentence, verdict_line, word,
};
pub use compare::write_compare;
pub(super) use compare::{
    estimate, fails_from, fewer, gate_line, interval, left_out, margin, name, needs as needs_runs,
    quantile_shift, scope, values, word as word_of_gate,
};
pub use nic::write_nics;
pub use page::Style;
pub use provider::write_provider;
pub(super) use provider::{
    provider_about, provider_cells, provider_finding, provider_holds, provider_line, provider_told,
};
pub use quorum::write_quorum;
pub(super) use quorum::{
    apart, joined_by, limit, quorum_line, remarks, reordering as quorum_reordering,
    sentences as quorum_sentences,
};
pub use services::{write_explained, write_services};
pub use stability::write_column;
pub use survey::write_survey;

use super::{Report, WarningReport, quantity};
use crate::estimate::WarningCode;
use crate::sample::SourceKind;
use page::{Ink, Page};
use quantity::{plain, utc};

/// Up to this many sources are told in detail: more do not fit a screen or two.
const IN_DETAIL: usize = 5;

/// A warning of one kind for more sources than this is told once, with their number.
const SAME_WARNINGS: usize = 3;

/// Writes the report as text. Pure: the same report and style give the same bytes.
///
/// ```
/// use clockfit::estimate::{Plan, analyse};
/// use clockfit::report::{Report, text};
/// use clockfit::sample::Campaign;
/// let campaign = Campaign::default();
/// let report = Report::new(&campaign, &analyse(&campaign, &Plan::default()));
/// let mut out = Vec::new();
/// text::write(&report, text::Style::default(), &mut out)?;
/// assert!(String::from_utf8_lossy(&out).contains("no source"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    header(report, &mut page)?;
    warnings(report, &mut page)?;
    local::write(&report.local_clock, &mut page)?;
    if floor::is_all(report) {
        floor::write(report, &mut page)?;
    } else if report.sources.len() <= IN_DETAIL {
        for found in &report.sources {
            page.blank()?;
            source::write(found, report, &mut page)?;
        }
    } else {
        page.blank()?;
        table::write(report, &mut page)?;
    }
    for paths in &report.paths {
        agreement::paths(paths, &mut page)?;
    }
    match &report.agreement {
        Some(found) => agreement::write(found, &mut page),
        None => Ok(()),
    }
}

/// Writes whose report follows, where there are several; after another one with a blank line between.
///
/// # Errors
/// Those of `out`.
pub fn write_heading(
    name: &str,
    follows: bool,
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page::new(out, style);
    if follows {
        page.blank()?;
    }
    page.paragraph(
        Ink::Title,
        "",
        0,
        &format!("==> {} <==", super::escaped(name)),
    )
}

fn header<W: Write>(report: &Report, page: &mut Page<'_, W>) -> io::Result<()> {
    let embedded = |s: &super::SourceReport| s.kind == SourceKind::Embedded;
    if floor::is_all(report) || !report.sources.is_empty() && report.sources.iter().all(embedded) {
        let what = if floor::is_all(report) {
            "The noise floor: this host against clockfit's own server on loopback. Both ends read one \
             clock, so the true offset is zero and what is measured is error. Network cards and their \
             drivers come on top."
        } else {
            "No source was given: this measures clockfit's own server on loopback. It is this host's \
             own noise floor (clockfit floor tells it by mode); it says nothing about whether the \
             clock is right."
        };
        page.paragraph(Ink::Title, "", 0, what)?;
        page.blank()?;
    }
    let (host, run) = (&report.host, &report.run);
    let name = host.name.as_deref().unwrap_or("unknown host");
    let lasted = run.duration_ns.map_or("no end recorded".to_owned(), |ns| {
        format!("for {}", plain(ns))
    });
    let started = utc(run.started.as_nanos());
    let title = format!("{} on {name}, {started}, {lasted}", report.tool);
    page.paragraph(Ink::Title, "", 2, &title)?;
    if let Some(imported) = &run.imported {
        let text = format!("from {}: {}", imported.format, imported.meaning);
        return page.paragraph(Ink::Plain, "", 2, &text);
    }
    let mut facts: Vec<String> = host.kernel.iter().cloned().collect();
    facts.extend(host.clocksource.iter().map(|c| format!("clocksource {c}")));
    facts.extend(host.virtualisation.iter().map(|v| match v.as_str() {
        "none" => "bare metal".to_owned(),
        kind => format!("virtual ({kind})"),
    }));
    facts.push(match host.time_daemons.as_slice() {
        [] => "no time daemon seen".to_owned(),
        seen => format!("time daemon {}", seen.join(", ")),
    });
    page.paragraph(Ink::Plain, "", 2, &facts.join(", "))?;
    // Where hardware stamps were asked for, a warning says why there are none.
    let why = |w: &WarningReport| w.code == WarningCode::NoHardwareStamps;
    let is_told = report.warnings.iter().any(why);
    let told = run.stamping.iter().filter(|s| s.card.is_some() || !is_told);
    for stamping in told {
        page.paragraph(Ink::Plain, "", 2, &stamped_by(stamping))?;
    }
    Ok(())
}

/// Who stamped the packets of one interface.
pub(super) fn stamped_by(stamping: &super::StampingReport) -> String {
    let interface = &stamping.interface;
    let Some(card) = &stamping.card else {
        let reason = stamping.reason.as_deref().unwrap_or("no reason recorded");
        return format!("{interface}: no hardware stamps: {reason}");
    };
    let of = match &card.name {
        name if name == interface => String::new(),
        name => format!(" of {name}"),
    };
    let set = if card.was_set { ", for this run" } else { "" };
    format!(
        "{interface}: hardware stamps{of} by {} ({}{set})",
        card.clock, card.setting
    )
}

fn warnings<W: Write>(report: &Report, page: &mut Page<'_, W>) -> io::Result<()> {
    if report.warnings.is_empty() {
        return Ok(());
    }
    page.blank()?;
    let mut by_code: BTreeMap<WarningCode, usize> = BTreeMap::new();
    for warning in report.warnings.iter().filter(|w| repeats(w)) {
        *by_code.entry(warning.code).or_default() += 1;
    }
    for warning in &report.warnings {
        let mut text = warned(warning);
        if repeats(warning) {
            // The first of a kind speaks for the others; they are taken out of the count.
            match by_code.get_mut(&warning.code).map(std::mem::take) {
                Some(n) if n > SAME_WARNINGS => {
                    text = format!("{text} (and {} like it, all in the JSON report)", n - 1);
                    by_code.remove(&warning.code);
                }
                Some(n) => {
                    by_code.insert(warning.code, n);
                }
                None => continue,
            }
        }
        page.paragraph(Ink::Warning, "! ", 2, &text)?;
    }
    Ok(())
}

/// A warning, and what it is about.
pub(super) fn warned(warning: &WarningReport) -> String {
    let text = &warning.text;
    match (&warning.source, &warning.address) {
        (Some(source), Some(address)) if source != address => {
            format!("{source} ({address}): {text}")
        }
        (Some(source), _) => format!("{source}: {text}"),
        _ => text.clone(),
    }
}

/// Whether a warning can come once for each of thousands of sources or names.
fn repeats(warning: &WarningReport) -> bool {
    warning.source.is_some()
        || matches!(
            warning.code,
            WarningCode::Unresolved | WarningCode::SameAddress
        )
}
