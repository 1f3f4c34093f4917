//! What was judged: the verdict first, then each limit with what was observed.

use std::io;

use super::super::quantity::plain;
use super::super::text::{holds_for, outcome, reached, reordering, sentence, verdict_line, word};
use super::markup::Markup;
use super::plot::{Layer, short};
use crate::report::{CheckReport, CheckedReport, JudgementReport, OutcomeName, VerdictName};

/// The narrowest that a gauge shows, of its width.
const GAUGE_LEAST: f64 = 0.012;

/// The verdict, and what all of it rests on.
pub(super) fn headline(m: &mut Markup<'_>, report: &CheckReport) -> io::Result<()> {
    let (class, _) = look(report.verdict.into());
    let class = format!("verdict {class}");
    m.within("div", &[("class", &class)], |m| {
        m.say("p", &[("class", "headline")], &verdict_line(report))?;
        let window = &report.window;
        let servers = match window.servers.len() {
            0..=6 => window.servers.join(", "),
            n => format!("{n} servers"),
        };
        let text = format!(
            "By {} exchanges with {servers}, in {} that were observed.",
            window.exchanges,
            plain(window.observed_ns)
        );
        m.say("p", &[], &text)?;
        if let Some(text) = reached(report) {
            m.say("p", &[], &text)?;
        }
        if report.reasons.is_empty() {
            return Ok(());
        }
        m.within("ul", &[], |m| {
            let mut reasons = report.reasons.iter();
            reasons.try_for_each(|reason| m.say("li", &[], &reason.text))
        })
    })
}

/// Services and grades one by one.
pub(super) fn limits(m: &mut Markup<'_>, report: &CheckReport) -> io::Result<()> {
    m.say("h2", &[("id", "limits")], "Services and grades")?;
    let mut all = report.services.iter().chain(&report.grades);
    m.within("div", &[("class", "judged")], |m| {
        all.try_for_each(|of| one(m, of))
    })?;
    m.say("p", &[], &holds_for(report))
}

fn one(m: &mut Markup<'_>, of: &JudgementReport) -> io::Result<()> {
    m.within("article", &[], |m| {
        m.within("h3", &[], |m| {
            badge(m, of.outcome, outcome(of.outcome))?;
            m.text(" ")?;
            m.text(&of.id)?;
            match of.name == of.id {
                true => Ok(()),
                false => m.say("span", &[("class", "fine")], &format!(" {}", of.name)),
            }
        })?;
        for check in &of.checks {
            let is_alone = of.checks.len() == 1 && OutcomeName::from(check.verdict) == of.outcome;
            checked(m, check, is_alone)?;
        }
        for reason in &of.reasons {
            m.say("p", &[], &reason.text)?;
        }
        if let Some(text) = reordering(of) {
            m.say("p", &[], &text)?;
        }
        if of.consequence.is_empty() && of.source.is_empty() {
            return Ok(());
        }
        m.within("details", &[], |m| {
            m.say(
                "summary",
                &[],
                "What happens beyond, and where the limit is from",
            )?;
            for text in [&of.consequence, &of.source] {
                if !text.is_empty() {
                    m.say("p", &[], text)?;
                }
            }
            match of.verified {
                true => Ok(()),
                false => m.say("p", &[], "This source was not read."),
            }
        })
    })
}

/// One limit. The verdict on one that is alone stands above it already.
fn checked(m: &mut Markup<'_>, check: &CheckedReport, is_alone: bool) -> io::Result<()> {
    let told = match (check.advisory, check.verdict) {
        (true, VerdictName::Unfit) => "warns",
        (_, verdict) => word(verdict),
    };
    gauge(m, check)?;
    m.within("p", &[], |m| {
        if !is_alone {
            badge(m, check.verdict.into(), told)?;
            m.text(" ")?;
        }
        m.text(&sentence(check))
    })
}

/// What may be true, on a scale whose middle is what is allowed. The sentence below says the same.
fn gauge(m: &mut Markup<'_>, check: &CheckedReport) -> io::Result<()> {
    let allowed = f64::from(u32::try_from(check.requirement.allowed / 1_000).unwrap_or(u32::MAX));
    let (lower, upper) = match check.observed {
        // Whatever it is, nothing limits it.
        None | Some((0, None)) => return Ok(()),
        Some(ends) => ends,
    };
    let place = |value: i64| {
        let size = u32::try_from(value.saturating_abs() / 1_000).unwrap_or(u32::MAX);
        (f64::from(size) / allowed.max(1e-3) / 2.0).min(1.0)
    };
    let (from, to) = (place(lower), upper.map_or(1.0, place));
    let mut bar = Layer::new(look(check.verdict.into()).0, "");
    // A mark is seen, however narrow and wherever.
    let from = from.min(1.0 - GAUGE_LEAST);
    bar.line([(from, 0.5), (to.max(from + GAUGE_LEAST), 0.5)]);
    let mut limit = Layer::new("limit", "");
    limit.stroke(0.5, (0.0, 1.0));
    let view = format!(
        "0 0 {} {}",
        short(super::plot::WIDTH),
        short(super::plot::HEIGHT)
    );
    let attributes = [
        ("class", "gauge"),
        ("viewBox", view.as_str()),
        ("preserveAspectRatio", "none"),
        ("aria-hidden", "true"),
    ];
    m.within("svg", &attributes, |m| {
        limit.draw(m)?;
        bar.draw(m)
    })
}

fn badge(m: &mut Markup<'_>, of: OutcomeName, told: &str) -> io::Result<()> {
    let (class, mark) = look(of);
    let class = format!("badge {class}");
    m.within("span", &[("class", &class)], |m| {
        m.say("span", &[("aria-hidden", "true")], mark)?;
        m.text(&format!(" {told}"))
    })
}

/// Its name in the style, and a mark that needs no colour.
fn look(of: OutcomeName) -> (&'static str, &'static str) {
    match of {
        OutcomeName::Fit => ("fit", "\u{2713}"),
        OutcomeName::Unfit => ("unfit", "\u{2717}"),
        OutcomeName::Undetermined => ("open", "?"),
        OutcomeName::Reorders => ("open", "\u{21c4}"),
        OutcomeName::NotSensitive => ("none", "\u{2013}"),
    }
}
