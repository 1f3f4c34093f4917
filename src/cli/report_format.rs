//! How reports are written: the names of formats, and what each needs.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;

use crate::report::text::{self, Style};
use crate::report::{
    CheckReport, Report, SurveyReport, csv, hlog, html, json, junit, markdown, nagios, prometheus,
};
use crate::sample::Campaign;

/// A report that is asked for: `json`, `html=report.html`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOutput {
    /// How it is written.
    pub format: ReportFormat,
    /// Where to; nothing is standard output.
    pub file: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// For a person.
    Text,
    /// For programs.
    Json,
    /// For a person with a browser: one page with pictures.
    Html,
    /// For tables: a line an exchange.
    Csv,
    /// The same: a line a quantile.
    CsvQuantiles,
    /// For HdrHistogram's tools: a log of histograms.
    Hlog,
    /// For tickets and summaries of CI jobs.
    Markdown,
    /// For CI servers.
    Junit,
    /// For Nagios, Icinga and their like: one line.
    Nagios,
    /// For the textfile collector of Prometheus' node exporter.
    Prometheus,
}

/// What a format needs beside numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// Nothing.
    Nothing,
    /// Single exchanges, which a report has not.
    Exchanges,
    /// A verdict.
    Verdict,
}

const FORMATS: [(&str, ReportFormat, Needs); 10] = [
    ("text", ReportFormat::Text, Needs::Nothing),
    ("json", ReportFormat::Json, Needs::Nothing),
    ("html", ReportFormat::Html, Needs::Nothing),
    ("csv", ReportFormat::Csv, Needs::Exchanges),
    ("csv-quantiles", ReportFormat::CsvQuantiles, Needs::Nothing),
    ("hlog", ReportFormat::Hlog, Needs::Exchanges),
    ("markdown", ReportFormat::Markdown, Needs::Verdict),
    ("junit", ReportFormat::Junit, Needs::Verdict),
    ("nagios", ReportFormat::Nagios, Needs::Verdict),
    ("prometheus", ReportFormat::Prometheus, Needs::Verdict),
];

impl ReportFormat {
    fn needs(self) -> Needs {
        let known = FORMATS.iter().find(|(_, format, _)| *format == self);
        known.map_or(Needs::Nothing, |(_, _, needs)| *needs)
    }

    /// Whether a survey is told in it: all but those of distributions.
    fn tells_surveys(self) -> bool {
        !matches!(self, Self::CsvQuantiles | Self::Hlog)
    }

    pub(super) fn name(self) -> &'static str {
        let known = FORMATS.iter().find(|(_, format, _)| *format == self);
        known.map_or("", |(name, _, _)| name)
    }
}

impl ReportOutput {
    /// Any format, as `check` has them.
    ///
    /// # Errors
    /// What is wrong, and which formats there are.
    pub fn of_verdict(text: &str) -> Result<Self, String> {
        Self::parse(text, |_| true, "")
    }

    /// A format that tells measurements.
    ///
    /// # Errors
    /// What is wrong, and which formats there are.
    pub fn of_measurement(text: &str) -> Result<Self, String> {
        let fits = |format: ReportFormat| format.needs() != Needs::Verdict;
        Self::parse(text, fits, "tells a verdict, which clockfit check gives")
    }

    /// A format in which a set of hosts is told.
    ///
    /// # Errors
    /// What is wrong, and which formats there are.
    pub fn of_set(text: &str) -> Result<Self, String> {
        use ReportFormat as F;
        let fits = |format| [F::Text, F::Json, F::Markdown].contains(&format);
        Self::parse(text, fits, "does not tell this")
    }

    /// A format in which a survey is told.
    ///
    /// # Errors
    /// What is wrong, and which formats there are.
    pub fn of_survey(text: &str) -> Result<Self, String> {
        Self::parse(text, ReportFormat::tells_surveys, "does not tell this")
    }

    /// A format in which a comparison is told.
    ///
    /// # Errors
    /// What is wrong, and which formats there are.
    pub fn of_comparison(text: &str) -> Result<Self, String> {
        use ReportFormat as F;
        let fits = |format| [F::Text, F::Json, F::Markdown, F::Junit].contains(&format);
        Self::parse(text, fits, "does not tell this")
    }

    /// A format that fits, and where it goes; `refused` is said of one that does not.
    fn parse(
        text: &str,
        fits: impl Fn(ReportFormat) -> bool,
        refused: &str,
    ) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("the name of a file is missing after =".to_owned()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let known = FORMATS.iter().find(|(of, _, _)| *of == name);
        let why = match known {
            Some((_, format, _)) if fits(*format) => {
                return Ok(Self {
                    format: *format,
                    file,
                });
            }
            Some(_) => format!("{name} {refused}"),
            None => format!("there is no format {name:?}"),
        };
        let names = FORMATS.iter().filter(|(_, format, _)| fits(*format));
        let names: Vec<&str> = names.map(|(name, _, _)| *name).collect();
        Err(format!("{why}: {} are", names.join(", ")))
    }
}

/// What can be told.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub(super) what: What<'a>,
    /// Where single exchanges are: a report has none.
    pub(super) campaign: Option<&'a Campaign>,
}

/// What a report is of.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    Measured(&'a Report),
    Judged(&'a CheckReport),
    Surveyed(&'a SurveyReport),
}

impl Told<'_> {
    /// Whether a format finds what it needs.
    pub(super) fn has_for(&self, format: ReportFormat) -> anyhow::Result<()> {
        let name = format.name();
        match (format.needs(), self.what) {
            (_, What::Surveyed(_)) if !format.tells_surveys() => {
                bail!("{name} tells measurements, and discover made none")
            }
            (_, What::Surveyed(_)) => Ok(()),
            (Needs::Verdict, What::Measured(_)) => bail!(
                "{name} tells a verdict, and there is none: clockfit check --replay judges a recording"
            ),
            (Needs::Exchanges, _) if self.campaign.is_none() => bail!(
                "{name} tells single exchanges, which are in the recording alone (-o FILE of the run), not in a JSON \
                 report; csv-quantiles tells what the report has"
            ),
            _ => Ok(()),
        }
    }

    pub(super) fn write(
        &self,
        format: ReportFormat,
        style: Style,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match self.what {
            What::Measured(report) => self.measured(report, format, style, out),
            What::Judged(report) => self.judged(report, format, style, out),
            What::Surveyed(report) => surveyed(report, format, style, out),
        }
    }

    fn measured(
        &self,
        report: &Report,
        format: ReportFormat,
        style: Style,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match format {
            ReportFormat::Text => text::write(report, style, out),
            ReportFormat::Json => json::write(report, out),
            ReportFormat::Html => html::write(report, &self.drawn(report), out),
            ReportFormat::Csv => csv::write_exchanges(self.exchanges()?, out),
            ReportFormat::CsvQuantiles => csv::write_quantiles(report, out),
            ReportFormat::Hlog => hlog::write(self.exchanges()?, out),
            ReportFormat::Markdown
            | ReportFormat::Junit
            | ReportFormat::Nagios
            | ReportFormat::Prometheus => Err(io::Error::other("there is no verdict to tell")),
        }
    }

    fn judged(
        &self,
        report: &CheckReport,
        format: ReportFormat,
        style: Style,
        out: &mut impl Write,
    ) -> io::Result<()> {
        match format {
            ReportFormat::Text => text::write_check(report, style, out),
            ReportFormat::Json => json::write_check(report, out),
            ReportFormat::Html => html::write_check(report, &self.drawn(&report.measurement), out),
            ReportFormat::Csv | ReportFormat::CsvQuantiles | ReportFormat::Hlog => {
                self.measured(&report.measurement, format, style, out)
            }
            ReportFormat::Markdown => markdown::write_check(report, out),
            ReportFormat::Junit => junit::write_check(report, out),
            ReportFormat::Nagios => nagios::write_check(report, out),
            ReportFormat::Prometheus => prometheus::write_check(report, out),
        }
    }

    fn exchanges(&self) -> io::Result<&Campaign> {
        let missing = || io::Error::other("there are no single exchanges to tell");
        self.campaign.ok_or_else(missing)
    }

    fn drawn(&self, report: &Report) -> html::Exchanges {
        self.campaign
            .map_or_else(html::Exchanges::default, |campaign| {
                html::Exchanges::new(campaign, report)
            })
    }
}

fn surveyed(
    report: &SurveyReport,
    format: ReportFormat,
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    match format {
        ReportFormat::Text => text::write_survey(report, style, out),
        ReportFormat::Json => json::write_survey(report, out),
        ReportFormat::Html => html::write_survey(report, out),
        ReportFormat::Csv => csv::write_survey(report, out),
        ReportFormat::Markdown => markdown::write_survey(report, out),
        ReportFormat::Junit => junit::write_survey(report, out),
        ReportFormat::Nagios => nagios::write_survey(report, out),
        ReportFormat::Prometheus => prometheus::write_survey(report, out),
        ReportFormat::CsvQuantiles | ReportFormat::Hlog => {
            Err(io::Error::other("there are no measurements to tell"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_those_of_the_command() {
        let html = ReportOutput::of_measurement("html=a=b.html").unwrap();
        assert_eq!(html.format, ReportFormat::Html);
        assert_eq!(html.file, Some(PathBuf::from("a=b.html")));
        let refused = ReportOutput::of_measurement("junit").unwrap_err();
        assert!(
            refused.contains("clockfit check gives: text, json, html"),
            "{refused}"
        );
        assert!(!refused.contains("nagios"), "{refused}");
        assert!(
            ReportOutput::of_verdict("yaml")
                .unwrap_err()
                .contains("nagios")
        );
        assert!(ReportOutput::of_verdict("html=").is_err());
    }
}
