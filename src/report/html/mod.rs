//! The report as one page that opens offline: verdict or result first, then pictures, with every number as text.
//!
//! The page is HTML with a style and pictures in it. It has no script, and its own policy forbids a browser to
//! fetch or run anything. Whatever comes from outside goes through one writer, which escapes it.

mod axis;
mod distribution;
mod exchanges;
mod host;
mod markup;
mod over_time;
mod plot;
mod scatter;
mod servers;
mod source;
mod stability;
mod survey;
mod table;
mod verdict;

use std::io::{self, Write};

pub use exchanges::Exchanges;
pub use survey::write_survey;

use super::quantity::{plain, utc};
use super::text::source::title;
use super::text::{agreement, verdict_line, warned};
use super::{CheckReport, Report};
use markup::Markup;

/// Sources that are drawn; all of them are in the table.
const IN_DETAIL: usize = 6;

/// Warnings that are told; of a run with thousands of sources there may be thousands.
const WARNINGS: usize = 50;

/// What a browser may do with the page: show it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Writes what was measured. Pure: the same report and exchanges give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, exchanges: &Exchanges, out: &mut impl Write) -> io::Result<()> {
    page(report, None, exchanges, &mut Markup::new(out))
}

/// The same of what was judged: the verdict comes first.
///
/// # Errors
/// Those of `out`.
pub fn write_check(
    report: &CheckReport,
    exchanges: &Exchanges,
    out: &mut impl Write,
) -> io::Result<()> {
    page(
        &report.measurement,
        Some(report),
        exchanges,
        &mut Markup::new(out),
    )
}

fn page(
    report: &Report,
    judged: Option<&CheckReport>,
    exchanges: &Exchanges,
    m: &mut Markup<'_>,
) -> io::Result<()> {
    let host = report.host.name.as_deref().unwrap_or("unknown host");
    let started = utc(report.run.started.as_nanos());
    let heading = match judged {
        Some(judged) => verdict_line(judged),
        None => format!("The clock of {host}"),
    };
    let head = Head {
        title: &format!("{heading} - {host}, {started}"),
        heading: &format!("The clock of {host}"),
        tool: &report.tool,
    };
    let lasted = report.run.duration_ns;
    let lasted = lasted.map_or("no end recorded".to_owned(), |ns| {
        format!("for {}", plain(ns))
    });
    let below = format!("{started}, {lasted}, by {}", report.tool);
    document(
        m,
        &head,
        &below,
        |m| contents(m, report, judged),
        |m| sections(m, report, judged, exchanges),
    )
}

/// What a page is called.
struct Head<'a> {
    /// In the browser's list of pages.
    title: &'a str,
    /// At its top.
    heading: &'a str,
    /// The program that made it.
    tool: &'a str,
}

/// A page: its head, with a line below the heading, its contents, and what is on it.
fn document(
    m: &mut Markup<'_>,
    head: &Head<'_>,
    below: &str,
    contents: impl FnOnce(&mut Markup<'_>) -> io::Result<()>,
    sections: impl FnOnce(&mut Markup<'_>) -> io::Result<()>,
) -> io::Result<()> {
    m.own("<!doctype html>\n")?;
    m.within("html", &[("lang", "en")], |m| {
        m.within("head", &[], |m| {
            m.empty("meta", &[("charset", "utf-8")])?;
            m.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)])?;
            let width = "width=device-width, initial-scale=1";
            m.empty("meta", &[("name", "viewport"), ("content", width)])?;
            m.empty("meta", &[("name", "color-scheme"), ("content", "light dark")])?;
            m.empty("meta", &[("name", "generator"), ("content", head.tool)])?;
            m.say("title", &[], head.title)?;
            m.within("style", &[], |m| m.own(include_str!("style.css")))
        })?;
        m.within("body", &[], |m| {
            m.say("a", &[("class", "skip"), ("href", "#main")], "Skip to the result")?;
            m.within("header", &[], |m| {
                m.say("h1", &[], head.heading)?;
                m.say("p", &[], below)
            })?;
            contents(m)?;
            m.within("main", &[("id", "main")], sections)?;
            m.say("footer", &[], "Made by clockfit, which only observes. This page needs no network, and has no script.")
        })
    })
}

fn contents(m: &mut Markup<'_>, report: &Report, judged: Option<&CheckReport>) -> io::Result<()> {
    let mut all = vec![("#result".to_owned(), "Result".to_owned())];
    let mut add = |name: &str, text: &str| all.push((format!("#{name}"), text.to_owned()));
    if judged.is_some() {
        add("limits", "Limits");
    }
    for (index, found) in report.sources.iter().take(IN_DETAIL).enumerate() {
        add(&source::anchor(index), &title(found));
    }
    add("servers", "Servers");
    add("clock", "Disturbances");
    if !report.floors.is_empty() {
        add("floor", "Noise floor");
    }
    add("environment", "Environment");
    links(m, &all)
}

/// The page's contents: where each leads, and what it is called.
fn links(m: &mut Markup<'_>, all: &[(String, String)]) -> io::Result<()> {
    m.within("nav", &[("aria-label", "Contents")], |m| {
        m.within("ul", &[], |m| {
            for (target, text) in all {
                m.within("li", &[], |m| m.say("a", &[("href", target)], text))?;
            }
            Ok(())
        })
    })
}

fn sections(
    m: &mut Markup<'_>,
    report: &Report,
    judged: Option<&CheckReport>,
    exchanges: &Exchanges,
) -> io::Result<()> {
    m.within("section", &[], |m| {
        m.say(
            "h2",
            &[("id", "result")],
            if judged.is_some() {
                "Verdict"
            } else {
                "Result"
            },
        )?;
        if let Some(judged) = judged {
            verdict::headline(m, judged)?;
        }
        result(m, report)?;
        warnings(m, report)
    })?;
    if let Some(judged) = judged {
        m.within("section", &[], |m| verdict::limits(m, judged))?;
    }
    for index in 0..report.sources.len().min(IN_DETAIL) {
        source::write(m, index, report, exchanges)?;
    }
    if report.sources.len() > IN_DETAIL {
        let text = format!(
            "The first {IN_DETAIL} of {} sources are drawn; the table has the others, and the JSON report all.",
            report.sources.len()
        );
        m.say("p", &[], &text)?;
    }
    servers::write(m, report)?;
    host::disturbances(m, &report.local_clock)?;
    host::floors(m, &report.floors)?;
    host::environment(m, report)
}

fn result(m: &mut Markup<'_>, report: &Report) -> io::Result<()> {
    if let Some(found) = &report.agreement {
        let facts = agreement::facts(found);
        table::facts(m, facts.iter().take(1))?;
    }
    m.within("div", &[("class", "results")], |m| {
        for found in report.sources.iter().take(IN_DETAIL) {
            source::headline(m, found)?;
        }
        Ok(())
    })?;
    if report.sources.is_empty() {
        m.say("p", &[], "No source was measured.")?;
    }
    let sign = "Behind or ahead is this host's clock. An offset is server - local: positive means that this host's \
                clock is behind.";
    m.say("p", &[("class", "fine")], sign)
}

fn warnings(m: &mut Markup<'_>, report: &Report) -> io::Result<()> {
    if report.warnings.is_empty() {
        return Ok(());
    }
    m.within("div", &[("class", "warnings")], |m| {
        m.say("h3", &[], "To know before trusting the numbers")?;
        m.within("ul", &[], |m| {
            let mut told = report.warnings.iter().take(WARNINGS);
            told.try_for_each(|warning| m.say("li", &[], &warned(warning)))
        })?;
        match report.warnings.len().saturating_sub(WARNINGS) {
            0 => Ok(()),
            more => m.say(
                "p",
                &[],
                &format!("And {more} more, all in the JSON report."),
            ),
        }
    })
}
