//! What a host is offered and configured with, the conclusion first.

use std::io::{self, Write};

use super::super::survey::{
    DaemonReport, EvidenceReport, RunningReport, SurveyReport, TimeOfferReport, words,
};
use super::page::{Ink, Page, Style};

/// Sources of a daemon, offers and lines of evidence that are shown; JSON has all.
const SHOWN: usize = 12;

/// Writes a survey as text. Pure: the same report and style give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    page.paragraph(Ink::Title, "", 2, &words::headline(report))?;
    page.paragraph(Ink::Plain, "", 2, &words::by(report))?;
    for found in &report.findings {
        page.paragraph(Ink::Warning, "! ", 2, &found.text)?;
    }
    if !report.because.is_empty() {
        page.blank()?;
        page.line(Ink::Title, "because of")?;
        let because = report.because.iter();
        some(report.because.len(), because, &mut page, |of, page| {
            at(of, 2, page)
        })?;
    }
    page.blank()?;
    if report.offers.is_empty() {
        page.line(Ink::Title, "offered: nothing that is known here")?;
    } else {
        page.line(Ink::Title, "offered")?;
        some(report.offers.len(), report.offers.iter(), &mut page, offer)?;
    }
    for daemon in &report.daemons {
        page.blank()?;
        block(daemon, &mut page)?;
    }
    if let Some(running) = &report.running {
        page.blank()?;
        match running.is_empty() {
            true => page.line(Ink::Title, "no time daemon runs that can be seen")?,
            false => running.iter().try_for_each(|of| runs(of, &mut page))?,
        }
    }
    if let Some(kernel) = &report.kernel {
        page.blank()?;
        let text = format!("the kernel's clock: {}", words::kernel(kernel));
        page.paragraph(Ink::Plain, "", 2, &text)?;
    }
    if !report.missed.is_empty() {
        page.blank()?;
        page.line(Ink::Title, "could not be read")?;
        some(
            report.missed.len(),
            report.missed.iter(),
            &mut page,
            |of, page| page.paragraph(Ink::Plain, "  ", 4, &format!("{}: {}", of.path, of.why)),
        )?;
    }
    Ok(())
}

/// The first of them, and how many there are beside.
fn some<'a, T: 'a, W: Write>(
    count: usize,
    all: impl Iterator<Item = &'a T>,
    page: &mut Page<'_, W>,
    mut show: impl FnMut(&T, &mut Page<'_, W>) -> io::Result<()>,
) -> io::Result<()> {
    for of in all.take(SHOWN) {
        show(of, page)?;
    }
    match count.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => page.line(
            Ink::Plain,
            &format!("  and {more} more, which -f json tells"),
        ),
    }
}

fn at<W: Write>(of: &EvidenceReport, indent: usize, page: &mut Page<'_, W>) -> io::Result<()> {
    let lead = " ".repeat(indent);
    page.paragraph(Ink::Plain, &lead, indent + 2, &words::said(of))
}

fn offer<W: Write>(of: &TimeOfferReport, page: &mut Page<'_, W>) -> io::Result<()> {
    page.paragraph(Ink::Plain, "  ", 4, &words::offer(of))?;
    at(&of.evidence, 4, page)
}

fn block<W: Write>(of: &DaemonReport, page: &mut Page<'_, W>) -> io::Result<()> {
    page.paragraph(Ink::Title, "", 2, &words::daemon(of))?;
    if let Some(evidence) = &of.enabled_by {
        at(evidence, 2, page)?;
    }
    if of.sources.is_empty() {
        page.line(Ink::Plain, "  no source")?;
    }
    some(of.sources.len(), of.sources.iter(), page, |of, page| {
        page.paragraph(Ink::Plain, "  ", 4, &words::source(of))
    })?;
    some(
        of.takes_offers.len(),
        of.takes_offers.iter(),
        page,
        |of, page| page.paragraph(Ink::Plain, "  takes offers: ", 4, &words::said(of)),
    )
}

fn runs<W: Write>(of: &RunningReport, page: &mut Page<'_, W>) -> io::Result<()> {
    page.paragraph(Ink::Title, "", 2, &words::runs(of))?;
    some(of.servers.len(), of.servers.iter(), page, |of, page| {
        page.paragraph(Ink::Plain, "  ", 4, &words::used(of))
    })
}
