//! Verdicts as Markdown, for tickets and the summaries of CI jobs.

mod survey;

use std::fmt::Write as _;
use std::io::{self, Write};

use super::check::{CheckReport, JudgementReport, OutcomeName};
use super::compare::{CompareReport, ComparedReport, GateName};
use super::provider::ProviderReport;
use super::quantity::plain;
use super::quorum::{QuorumReport, few};
use super::text::{self, outcome, reordering, requirement, sentence, verdict_line};
use super::text::{
    apart, joined_by, limit, provider_about, provider_cells, provider_finding, provider_holds,
    provider_line, provider_told, quorum_line, quorum_reordering, quorum_sentences, remarks,
};

pub use survey::write_survey;

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
    let facts = report
        .conditions
        .as_ref()
        .map(text::conditions::facts)
        .unwrap_or_default();
    if !facts.is_empty() {
        writeln!(out, "Conditions:\n")?;
        for (label, text) in &facts {
            writeln!(out, "- {label}: {}", escaped(text))?;
        }
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

/// Writes what was judged of a provider's servers as Markdown. Pure: the same report gives the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_provider(report: &ProviderReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## {}\n", escaped(&provider_line(report)))?;
    writeln!(out, "{}\n", escaped(&provider_about(report)))?;
    writeln!(
        out,
        "| server | way | hops | stratum | root distance | lost | lost in burst |\n|---|---|---|---|---|---|---|"
    )?;
    for server in &report.servers {
        let cells = provider_cells(server).map(|of| escaped(&of)).join(" | ");
        writeln!(out, "| {} | {cells} |", escaped(&server.address))?;
    }
    writeln!(out, "\n| | required | found |\n|---|---|---|")?;
    for of in &report.requirements {
        let told = provider_told(of);
        let told: Vec<String> = told
            .into_iter()
            .map(|of| escaped(&provider_finding(of)))
            .collect();
        writeln!(
            out,
            "| {} {} | `{}`: {} | {} |",
            mark(of.verdict.into()),
            outcome(of.verdict.into()),
            of.id,
            escaped(&of.text),
            told.join("<br>")
        )?;
    }
    writeln!(out, "\n{}", escaped(&provider_holds()))
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

/// Writes how runs compare as Markdown. Pure: the same report gives the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_compare(report: &CompareReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "## {}\n", escaped(&text::gate_line(report)))?;
    writeln!(out, "{}\n", escaped(&text::scope(report)))?;
    for difference in &report.differences {
        writeln!(out, "- {}", escaped(&difference.text))?;
    }
    if !report.differences.is_empty() {
        writeln!(out)?;
    }
    writeln!(
        out,
        "| | source | metric | BASE | NEW | worse by | interval | margin | would fail from | median run | p90 of runs |\n\
         |---|---|---|--:|--:|--:|---|---|--:|---|---|"
    )?;
    for source in &report.sources {
        let name = escaped(&text::name(source));
        for metric in &source.metrics {
            compared(metric, &name, report, out)?;
        }
    }
    let notes = report.sources.iter().flat_map(|source| {
        let runs = (report.base.len(), report.new.len());
        let of_metrics = source.metrics.iter().flat_map(move |metric| {
            let fewer = text::fewer(metric, runs.0, runs.1).into_iter();
            fewer.map(|note| format!("{}: {note}", metric.metric))
        });
        let notes = of_metrics.chain(text::left_out(source));
        notes.map(|note| format!("{}: {note}", text::name(source)))
    });
    for (place, note) in notes.enumerate() {
        if place == 0 {
            writeln!(out)?;
        }
        writeln!(out, "- {}", escaped(&note))?;
    }
    Ok(())
}

fn compared(
    of: &ComparedReport,
    source: &str,
    report: &CompareReport,
    out: &mut impl Write,
) -> io::Result<()> {
    let mark = match of.gate {
        GateName::Pass => ":white_check_mark: pass",
        GateName::Warn => ":warning: warn",
        GateName::Fail => ":x: fail",
        GateName::TooFewRuns => ":grey_question: too few",
    };
    let [base, new] = text::values(of);
    let none = || "-".to_owned();
    let shift = of.shift.as_ref();
    let by = shift.map_or_else(none, |shift| text::estimate(of, shift));
    let interval = shift
        .and_then(|shift| text::interval(of, shift))
        .unwrap_or_else(|| text::needs_runs(report.runs_needed));
    let quantiles = of.quantiles.iter();
    let quantiles: Vec<String> = quantiles
        .map(|quantile| text::quantile_shift(of, quantile))
        .collect();
    writeln!(
        out,
        "| {mark} | {source} | {} | {base} | {new} | {by} | {interval} | {} | {} | {} |",
        escaped(&of.metric),
        text::margin(of),
        text::fails_from(of).unwrap_or_else(none),
        quantiles.join(" | ")
    )
}

/// Text from outside, in which nothing is markup any more.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let next = rest.as_str().chars().next();
        match c {
            // Addresses that become links by themselves, and names of pictures (:x:).
            ':' if next.is_some_and(|next| joins(&shown, next)) => shown.push_str("&#58;"),
            '.' if is_www(&shown) => shown.push_str("&#46;"),
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

/// Whether a colon stands within a word, and not within a time of day.
fn joins(before: &str, next: char) -> bool {
    let is_time = next.is_ascii_digit() && before.ends_with(|c: char| c.is_ascii_digit());
    !next.is_whitespace() && !is_time
}

fn is_www(before: &str) -> bool {
    let mut last = before.chars().rev();
    (0..3).all(|_| last.next().is_some_and(|c| c.eq_ignore_ascii_case(&'w')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_is_a_link_or_a_picture() {
        assert_eq!(escaped("http://a.example"), "http&#58;//a.example");
        assert_eq!(escaped("WwW.a.example"), "WwW&#46;a.example");
        assert_eq!(escaped(":x:y"), "&#58;x&#58;y");
        assert_eq!(escaped("w. ww. 12:30: a."), "w. ww. 12:30: a.");
    }
}
