//! Verdicts as metrics, in the text format of Prometheus.

mod survey;

use std::io::{self, Write};

use super::check::{CheckReport, CheckedReport, JudgementReport, OutcomeName, VerdictName};
use super::quantity::billionths;

pub use survey::write_survey;

/// Writes metrics in the text format of Prometheus, as its node exporter's textfile collector reads them. Times
/// are in seconds, rates without dimension.
///
/// # Errors
/// Those of `out`.
pub fn write_check(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
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

/// Writes lines, below heads.
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
