//! Verdicts as the one line of a monitoring plugin (Nagios, Icinga).

use std::fmt::Write as _;
use std::io::{self, Write};

use super::check::{CheckReport, CheckedReport, JudgementReport, VerdictName};
use super::quantity::billionths;
use super::survey::{SurveyReport, words};
use super::text::{sentence, verdict_line};

/// Findings that fit one line.
const FINDINGS_TOLD: usize = 3;

/// Writes one line with performance data, as the guidelines of monitoring plugins have it.
///
/// # Errors
/// Those of `out`.
pub fn write_check(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    let judged = || report.services.iter().chain(&report.grades);
    let checks = || judged().flat_map(|of| of.checks.iter().map(move |check| (of, check)));
    let warns = |(_, check): &(&JudgementReport, &CheckedReport)| {
        check.advisory && check.verdict == VerdictName::Unfit
    };
    let state = match report.verdict {
        VerdictName::Fit if report.decided_by.is_none() && checks().any(|of| warns(&of)) => {
            "WARNING"
        }
        VerdictName::Fit => "OK",
        VerdictName::Unfit => "CRITICAL",
        VerdictName::Undetermined => "UNKNOWN",
    };
    let mut line = format!("CLOCKFIT {state} - {}", verdict_line(report));
    // The first that is not fit says why.
    let decides = |of: &JudgementReport| report.decided_by.as_ref().is_none_or(|id| *id == of.id);
    let worst = checks()
        .filter(|(of, check)| decides(of) && !check.advisory)
        .find(|(_, check)| check.verdict == report.verdict && check.verdict != VerdictName::Fit);
    if let Some((of, check)) = worst {
        let _ = write!(line, "; {}: {}", of.id, sentence(check));
    }
    // What stands behind the bar is data.
    let line = line.replace('|', "/");
    let data: Vec<String> = checks()
        .filter(|(of, _)| decides(of))
        .filter_map(|(of, check)| datum(of, check))
        .collect();
    match data.is_empty() {
        true => writeln!(out, "{line}"),
        false => writeln!(out, "{line} | {}", data.join(" ")),
    }
}

/// Writes what a survey found as one line, its state first: what follows, the findings that are to be looked at, and
/// counts.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    let mut line = format!(
        "CLOCKFIT {} - {}",
        report.state().name(),
        words::headline(report)
    );
    for of in report.warnings().take(FINDINGS_TOLD) {
        let _ = write!(line, "; {}", of.text);
    }
    let line = line.replace('|', "/");
    let mut data = vec![
        format!("offers={};;;0", report.offers.len()),
        format!("findings={};;;0", report.warnings().count()),
        format!("missed={};;;0", report.missed.len()),
    ];
    if let Some(running) = &report.running {
        data.push(format!("running={};;;0", running.len()));
        data.push(format!("used={};;;0", report.used()));
    }
    if let Some(of) = report.kernel.as_ref().filter(|of| of.synchronised) {
        data.push(format!(
            "kernel_max_error={}s;;;0",
            billionths(of.max_error_ns)
        ));
    }
    writeln!(out, "{line} | {}", data.join(" "))
}

/// `label=value[unit];warning;critical;least`: the upper end of what was observed against what is allowed.
fn datum(of: &JudgementReport, check: &CheckedReport) -> Option<String> {
    let (_, upper) = check.observed?;
    let required = &check.requirement;
    let unit = if required.unit == "ns" { "s" } else { "" };
    Some(format!(
        "'{}.{}'={}{unit};;{};0",
        label(&of.id),
        label(
            required
                .name
                .trim_end_matches("_s")
                .trim_end_matches("_ppm")
        ),
        billionths(upper?),
        billionths(required.allowed)
    ))
}

/// A part of a label: a quote in it is doubled, and it has no = or |, by which readers part the line.
fn label(text: &str) -> String {
    text.replace('\'', "''").replace(['=', '|'], "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_its_label() {
        assert_eq!(label("a'=1 'b|c"), "a''/1 ''b/c");
    }
}
