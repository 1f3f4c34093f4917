//! Verdicts as Markdown, for tickets and the summaries of CI jobs.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::check::{CheckReport, JudgementReport, OutcomeName};
use super::quantity::plain;
use super::quorum::{QuorumReport, few};
use super::text::{
    apart, joined_by, limit, quorum_line, quorum_reordering, quorum_sentences, remarks,
};
use super::text::{outcome, reordering, requirement, sentence, verdict_line};

/// Writes what was judged as Markdown (GitHub's, for its tables). Pure: the same report gives the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_check(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## {}\n", escaped(&verdict_line(report)))?;
    let measured = &report.measurement;
    let host = measured.host.name.as_deref().unwrap_or("unknown host");
    writeln!(
        out,
        "{} on {}, {}, {} exchanges with {}\n",
        escaped(&report.tool),
        escaped(host),
        measured.run.started.utc(),
        report.window.exchanges,
        escaped(&report.window.servers.join(", "))
    )?;
    for reason in &report.reasons {
        writeln!(out, "- {}", escaped(&reason.text))?;
    }
    if !report.reasons.is_empty() {
        writeln!(out)?;
    }
    writeln!(out, "| | for | required | observed |\n|---|---|---|---|")?;
    for judged in report.services.iter().chain(&report.grades) {
        rows(judged, out)?;
    }
    writeln!(
        out,
        "\nThis holds for this window of {}.",
        plain(report.window.observed_ns)
    )
}

/// Writes what was judged of a set of hosts as Markdown. Pure: the same report gives the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_quorum(report: &QuorumReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## {}\n", escaped(&quorum_line(report)))?;
    let names: Vec<String> = report.members.iter().map(|of| of.name.clone()).collect();
    writeln!(
        out,
        "{}, {}, from {}; a majority is {}; {}\n",
        escaped(&report.tool),
        escaped(&few(&names)),
        report.window.from.utc(),
        report.majority,
        escaped(&joined_by(report))
    )?;
    let worst = report
        .worst
        .iter()
        .map(|of| format!("worst pair: {}", apart(of)));
    for text in worst.chain(remarks(report)) {
        writeln!(out, "- {}", escaped(&text))?;
    }
    writeln!(out, "\n| | for | required | members |\n|---|---|---|---|")?;
    for judged in report.services.iter().chain(&report.grades) {
        let id = escaped(&judged.id);
        if judged.checks.is_empty() {
            let reasons = judged.reasons.iter().map(|of| of.text.clone());
            let told: Vec<String> = reasons.chain(quorum_reordering(judged)).collect();
            let word = outcome(judged.outcome);
            let mark = mark(judged.outcome);
            writeln!(
                out,
                "| {mark} {word} | {id} | | {} |",
                escaped(&told.join("; "))
            )?;
        }
        for check in &judged.checks {
            let verdict = OutcomeName::from(check.verdict);
            writeln!(
                out,
                "| {} {} | {id} | {} | {} |",
                mark(verdict),
                outcome(verdict),
                escaped(&limit(check)),
                escaped(&quorum_sentences(check, report).join("; "))
            )?;
        }
    }
    writeln!(
        out,
        "\nThis holds for this window of {}.",
        plain(report.window.observed_ns)
    )
}

fn rows(of: &JudgementReport, out: &mut impl Write) -> io::Result<()> {
    let id = escaped(&of.id);
    if of.checks.is_empty() {
        let reasons: Vec<&str> = of
            .reasons
            .iter()
            .map(|reason| reason.text.as_str())
            .collect();
        let why = match of.outcome {
            OutcomeName::NotSensitive => "no clock's offset matters".to_owned(),
            OutcomeName::Reorders => "the last write wins".to_owned(),
            _ => reasons.join("; "),
        };
        return writeln!(
            out,
            "| {} {} | {id} | {} | {} |",
            mark(of.outcome),
            outcome(of.outcome),
            escaped(&why),
            reordering(of).unwrap_or_default()
        );
    }
    for check in &of.checks {
        let verdict = OutcomeName::from(check.verdict);
        let required = requirement(check);
        let told = sentence(check);
        let observed = told.strip_prefix(&required).unwrap_or(&told);
        let observed = observed.trim_start_matches(": ");
        writeln!(
            out,
            "| {} {} | {id} | {} | {} |",
            mark(verdict),
            outcome(verdict),
            escaped(&required),
            escaped(observed)
        )?;
    }
    Ok(())
}

/// Seen from afar; the word stands beside it.
fn mark(outcome: OutcomeName) -> &'static str {
    match outcome {
        OutcomeName::Fit | OutcomeName::NotSensitive => ":white_check_mark:",
        OutcomeName::Unfit => ":x:",
        OutcomeName::Undetermined | OutcomeName::Reorders => ":grey_question:",
    }
}

/// Text from outside, in which nothing is markup any more.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            // Pictures, links, mentions, references and emphasis.
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '@' | '~' | '!' => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\{c}");
            }
            c => shown.push(c),
        }
    }
    shown
}
