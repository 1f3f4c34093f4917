//! Verdicts as Markdown, for tickets and the summaries of CI jobs.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::check::{CheckReport, JudgementReport, OutcomeName, VerdictName};
use super::quantity::plain;
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
        let verdict = match check.verdict {
            VerdictName::Fit => OutcomeName::Fit,
            VerdictName::Undetermined => OutcomeName::Undetermined,
            VerdictName::Unfit => OutcomeName::Unfit,
        };
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
