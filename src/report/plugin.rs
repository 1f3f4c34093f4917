//! Verdicts for monitoring: the one line of a plugin (Nagios, Icinga), and metrics of Prometheus.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::check::{CheckReport, CheckedReport, JudgementReport, OutcomeName, VerdictName};
use super::text::{sentence, verdict_line};

/// Writes one line with performance data, as the guidelines of monitoring plugins have it.
///
/// # Errors
/// Those of `out`.
pub fn write_nagios(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
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

/// `label=value[unit];warning;critical;least`: the upper end of what was observed against what is allowed.
fn datum(of: &JudgementReport, check: &CheckedReport) -> Option<String> {
    let (_, upper) = check.observed?;
    let required = &check.requirement;
    let unit = if required.unit == "ns" { "s" } else { "" };
    Some(format!(
        "'{}.{}'={}{unit};;{};0",
        of.id,
        required
            .name
            .trim_end_matches("_s")
            .trim_end_matches("_ppm"),
        billionths(upper?),
        billionths(required.allowed)
    ))
}

/// A number of nanoseconds in seconds, or of parts per billion in 1, with all of its digits.
fn billionths(value: i64) -> String {
    const WHOLE: u64 = 1_000_000_000;
    let sign = if value < 0 { "-" } else { "" };
    let size = value.unsigned_abs();
    format!("{sign}{}.{:09}", size / WHOLE, size % WHOLE)
}

/// Writes metrics in the text format of Prometheus, as its node exporter's textfile collector reads them. Times
/// are in seconds, rates without dimension.
///
/// # Errors
/// Those of `out`.
pub fn write_prometheus(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    let judged: Vec<(&str, &JudgementReport)> = report
        .services
        .iter()
        .map(|of| ("service", of))
        .chain(report.grades.iter().map(|of| ("grade", of)))
        .collect();
    let mut page = Metrics(out);
    page.head(
        "clockfit_fit",
        "Verdict on all that decides: 1 fit, 0 undetermined, -1 unfit.",
    )?;
    page.line("clockfit_fit", &[], &fitness(report.verdict).to_string())?;
    page.head(
        "clockfit_subject_fit",
        "Verdict on a service or a grade: 1 fit or not sensitive, 0 undetermined, -1 unfit.",
    )?;
    for (kind, of) in &judged {
        let value = match of.outcome {
            OutcomeName::Fit | OutcomeName::NotSensitive => 1,
            OutcomeName::Undetermined | OutcomeName::Reorders => 0,
            OutcomeName::Unfit => -1,
        };
        let labels = [("kind", *kind), ("subject", of.id.as_str())];
        page.line("clockfit_subject_fit", &labels, &value.to_string())?;
    }
    let series: [(&str, &str, Number); 4] = [
        (
            "observed_lower",
            "What is at least true of a requirement.",
            |of| of.observed.map(|(lower, _)| lower),
        ),
        (
            "observed_upper",
            "What is at most true of a requirement.",
            |of| of.observed.and_then(|(_, upper)| upper),
        ),
        (
            "allowed",
            "What one host is allowed of a requirement.",
            |of| Some(of.requirement.allowed),
        ),
        (
            "reserve",
            "What is left to what is allowed; negative: how much it is beyond.",
            |of| of.reserve,
        ),
    ];
    for (unit, suffix) in [("ns", "seconds"), ("ppb", "ratio")] {
        for (name, help, number) in series {
            let name = format!("clockfit_{name}_{suffix}");
            let mut has_head = false;
            for (kind, of) in &judged {
                for check in of.checks.iter().filter(|of| of.requirement.unit == unit) {
                    let Some(value) = number(check) else {
                        continue;
                    };
                    if !std::mem::replace(&mut has_head, true) {
                        page.head(&name, help)?;
                    }
                    let labels = [
                        ("kind", *kind),
                        ("subject", of.id.as_str()),
                        ("requirement", check.requirement.name.as_str()),
                    ];
                    page.line(&name, &labels, &billionths(value))?;
                }
            }
        }
    }
    let window = &report.window;
    page.head("clockfit_observed_seconds", "How much of the run is known.")?;
    page.line(
        "clockfit_observed_seconds",
        &[],
        &billionths(window.observed_ns),
    )?;
    page.head(
        "clockfit_exchanges",
        "Exchanges with servers that had a word.",
    )?;
    page.line("clockfit_exchanges", &[], &window.exchanges.to_string())?;
    page.head("clockfit_servers", "Servers that had a word.")?;
    page.line("clockfit_servers", &[], &window.servers.len().to_string())?;
    let started = report.measurement.run.started.as_nanos();
    page.head(
        "clockfit_started_timestamp_seconds",
        "When the run began, since 1970-01-01.",
    )?;
    page.line(
        "clockfit_started_timestamp_seconds",
        &[],
        &billionths(started),
    )
}

/// A number of a check.
type Number = fn(&CheckedReport) -> Option<i64>;

fn fitness(verdict: VerdictName) -> i8 {
    match verdict {
        VerdictName::Fit => 1,
        VerdictName::Undetermined => 0,
        VerdictName::Unfit => -1,
    }
}

struct Metrics<'a, W>(&'a mut W);

impl<W: Write> Metrics<'_, W> {
    fn head(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge")
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &str) -> io::Result<()> {
        let escaped = |text: &str| {
            text.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n")
        };
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        match labels.is_empty() {
            true => writeln!(self.0, "{name} {value}"),
            false => writeln!(self.0, "{name}{{{}}} {value}", labels.join(",")),
        }
    }
}
