//! What a host is offered and configured with, the conclusion first.

use std::io::{self, Write};

use super::super::survey::{
    DaemonReport, EvidenceReport, RunningReport, SurveyReport, TimeOfferReport, TimeSourceReport,
};
use super::page::{Ink, Page, Style};
use crate::survey::{Basis, Selection, Standing};

/// Sources of a daemon, offers and lines of evidence that are shown; JSON has all.
const SHOWN: usize = 12;

/// Writes a survey as text. Pure: the same report and style give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let subject = match report.root.as_str() {
        "/" => "this host".to_owned(),
        root => format!("the system below {root}"),
    };
    page.paragraph(Ink::Title, "", 2, &format!("{subject} {}", report.text))?;
    let system = report.system.as_ref().map(|of| format!(", {of}"));
    page.paragraph(
        Ink::Plain,
        "",
        2,
        &format!("{}{}", report.tool, system.unwrap_or_default()),
    )?;
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

fn place(of: &EvidenceReport) -> String {
    match of.line {
        Some(line) => format!("{}:{line}", of.file),
        None => of.file.clone(),
    }
}

fn at<W: Write>(of: &EvidenceReport, indent: usize, page: &mut Page<'_, W>) -> io::Result<()> {
    let lead = " ".repeat(indent);
    page.paragraph(
        Ink::Plain,
        &lead,
        indent + 2,
        &format!("{}: {}", place(of), of.text),
    )
}

fn offer<W: Write>(of: &TimeOfferReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let by = of.by.name();
    let over = of.interface.as_ref().map(|name| format!(" over {name}"));
    let standing = match of.standing {
        Standing::InForce => "",
        Standing::Old => "; its lease has run out",
        Standing::Unknown => "; until when is not known",
    };
    let has = match of.configured_by {
        Some(author) => format!("configured by {}", author.name()),
        None => "no daemon that starts has it".to_owned(),
    };
    let used = match of.used {
        Some(true) => ", and used",
        Some(false) => ", and not used",
        None => "",
    };
    let text = format!(
        "{} by {by}{} ({}): {has}{used}{standing}",
        of.server,
        over.unwrap_or_default(),
        of.client
    );
    page.paragraph(Ink::Plain, "  ", 4, &text)?;
    at(&of.evidence, 4, page)
}

fn block<W: Write>(of: &DaemonReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let starts = match (of.enabled, of.masked) {
        (true, _) => "starts with the system",
        (false, true) => "is masked",
        (false, false) => "does not start",
    };
    let basis = match of.basis {
        Basis::InForce => "",
        Basis::Template => "; its sources by the template of its package",
        Basis::BuiltIn => "; its sources are those built in",
    };
    page.paragraph(Ink::Title, "", 2, &format!("{} {starts}{basis}", of.name))?;
    if let Some(evidence) = &of.enabled_by {
        at(evidence, 2, page)?;
    }
    if of.sources.is_empty() {
        page.line(Ink::Plain, "  no source")?;
    }
    some(of.sources.len(), of.sources.iter(), page, source)?;
    some(
        of.takes_offers.len(),
        of.takes_offers.iter(),
        page,
        |of, page| {
            page.paragraph(
                Ink::Plain,
                "  takes offers: ",
                4,
                &format!("{}: {}", place(of), of.text),
            )
        },
    )
}

fn runs<W: Write>(of: &RunningReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let what = match &of.untold {
        Some(why) => format!("{} runs; what it uses is not known: {why}", of.name),
        None if of.servers.is_empty() => format!("{} runs, and has no server", of.name),
        None => format!("{} runs", of.name),
    };
    page.paragraph(Ink::Title, "", 2, &what)?;
    some(of.servers.len(), of.servers.iter(), page, |of, page| {
        let what = match of.selection {
            Selection::Used => "used",
            Selection::Candidate => "could be used",
            Selection::Rejected => "answers, and is not believed",
            Selection::Unusable => "does not answer, or not well enough",
        };
        let name = of.name.as_ref().map(|name| format!(" ({name})"));
        let text = format!("{}{}: {what}", of.server, name.unwrap_or_default());
        page.paragraph(Ink::Plain, "  ", 4, &text)
    })
}

fn source<W: Write>(of: &TimeSourceReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let kind = of.kind.name();
    let nts = if of.nts { ", NTS" } else { "" };
    let fallback = if of.fallback {
        ", if there is nothing else"
    } else {
        ""
    };
    let text = format!(
        "{kind} {}{nts}{fallback}, by {} ({})",
        of.name,
        of.author.name(),
        place(&of.evidence)
    );
    page.paragraph(Ink::Plain, "  ", 4, &text)
}
