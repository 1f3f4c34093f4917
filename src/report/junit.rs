//! Verdicts as JUnit XML: a suite for each service and grade, a case for each of its limits.

use std::collections::BTreeSet;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::check::{CheckReport, CheckedReport, JudgementReport, OutcomeName, VerdictName};
use super::compare::{CompareReport, ComparedReport, ComparedSourceReport, GateName};
use super::survey::{FINDINGS, SurveyReport, SurveyState, words};
use super::text::{self, sentence};

/// Writes what was judged as JUnit XML: fit passes, unfit fails, and what is undetermined is skipped with its
/// reason, since CI servers have no third verdict. What cannot fail is one case that passes.
///
/// # Errors
/// Those of `out`.
pub fn write_check(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    let mut document = Document::new("clockfit check");
    for judged in report.services.iter().chain(&report.grades) {
        document.add_test_suite(suite(judged, report));
    }
    let text = document.to_string().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

/// Writes how runs compare as JUnit XML: a suite for each source, a case for each metric. What warns passes and says
/// so in its output; what has too few runs is skipped with the number that it takes. Without any, one case is
/// skipped: a CI server takes no case at all for success.
///
/// # Errors
/// Those of `out`.
pub fn write_compare(report: &CompareReport, out: &mut impl Write) -> io::Result<()> {
    let mut document = Document::new("clockfit compare");
    for source in &report.sources {
        document.add_test_suite(compared_suite(source, report));
    }
    let text = document.to_string().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

/// Writes what a survey found as JUnit XML: one suite, with a case for the conclusion, and one for each finding that
/// there may be. What is to be looked at ([`SurveyReport::state`]) fails, and what is not known is skipped.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    let mut document = Document::new("clockfit discover");
    let mut suite = TestSuite::new("discover");
    suite.add_property(("root", report.root.as_str()));
    suite.add_property(("system", report.system.as_deref().unwrap_or_default()));
    let headline = words::headline(report);
    let mut status = match report.state_of_conclusion() {
        SurveyState::Ok => TestCaseStatus::success(),
        SurveyState::Unknown => TestCaseStatus::skipped(),
        SurveyState::Warning | SurveyState::Critical => {
            TestCaseStatus::non_success(NonSuccessKind::Failure)
        }
    };
    if report.state_of_conclusion() != SurveyState::Ok {
        status.set_message(headline.as_str());
    }
    let mut case = TestCase::new("conclusion", status);
    case.set_classname("clockfit.discover");
    let because = report.because.iter().map(words::said);
    let said: Vec<String> = std::iter::once(headline).chain(because).collect();
    case.set_system_out(said.join("\n"));
    suite.add_test_case(case);
    // One that a newer version tells is told, too.
    let others = report.findings.iter().map(|of| of.code.as_str());
    let codes: BTreeSet<&str> = FINDINGS.into_iter().chain(others).collect();
    for code in codes {
        suite.add_test_case(finding(code, report));
    }
    document.add_test_suite(suite);
    let text = document.to_string().map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

fn finding(code: &str, report: &SurveyReport) -> TestCase {
    let of_code = report.findings.iter().filter(|of| of.code == code);
    let said: Vec<&str> = of_code.map(|of| of.text.as_str()).collect();
    let is_warned = report.warnings().any(|of| of.code == code);
    let status = match is_warned {
        true => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(said.join("; "));
            status.set_type("finding");
            status
        }
        false => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(code, status);
    case.set_classname("clockfit.discover");
    if !is_warned && !said.is_empty() {
        case.set_system_out(said.join("; "));
    }
    case
}

fn compared_suite(of: &ComparedSourceReport, report: &CompareReport) -> TestSuite {
    let name = text::name(of);
    let mut suite = TestSuite::new(name.as_str());
    suite.add_property(("comparison", text::scope(report).as_str()));
    for difference in &report.differences {
        suite.add_property((difference.code.as_str(), difference.text.as_str()));
    }
    for metric in &of.metrics {
        let mut case = TestCase::new(metric.metric.as_str(), compared_status(metric, report));
        case.set_classname(format!("clockfit.{name}"));
        case.set_system_out(compared_sentence(metric, report));
        suite.add_test_case(case);
    }
    if of.metrics.is_empty() {
        let mut status = TestCaseStatus::skipped();
        status.set_message("no run measured anything");
        let mut case = TestCase::new("runs", status);
        case.set_classname(format!("clockfit.{name}"));
        suite.add_test_case(case);
    }
    suite
}

fn compared_status(of: &ComparedReport, report: &CompareReport) -> TestCaseStatus {
    let mut status = match of.gate {
        GateName::Pass | GateName::Warn => return TestCaseStatus::success(),
        GateName::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        GateName::TooFewRuns => TestCaseStatus::skipped(),
    };
    status.set_message(compared_sentence(of, report));
    if of.gate == GateName::Fail {
        status.set_type("worse");
    }
    status
}

fn compared_sentence(of: &ComparedReport, report: &CompareReport) -> String {
    let [base, new] = text::values(of);
    let by = of
        .shift
        .as_ref()
        .map_or("an unknown amount".to_owned(), |shift| {
            let interval = text::interval(of, shift);
            let interval = interval
                .unwrap_or_else(|| format!("an interval {}", text::needs_runs(report.runs_needed)));
            format!("{} ({interval})", text::estimate(of, shift))
        });
    let sentence = format!(
        "{}: BASE {base}, NEW {new}, worse by {by}, margin {}",
        text::word_of_gate(of.gate),
        text::margin(of)
    );
    let notes = text::fewer(of, report.base.len(), report.new.len());
    [vec![sentence], notes].concat().join("; ")
}

fn suite(of: &JudgementReport, report: &CheckReport) -> TestSuite {
    let mut suite = TestSuite::new(of.id.as_str());
    let measured = &report.measurement;
    let host = measured.host.name.as_deref().unwrap_or("unknown");
    suite.add_property(("host", host));
    suite.add_property(("started", measured.run.started.utc().to_string().as_str()));
    suite.add_property(("servers", report.window.servers.join(" ").as_str()));
    suite.add_property(("source", of.source.as_str()));
    for check in &of.checks {
        let mut case = TestCase::new(check.requirement.name.as_str(), status(check, of));
        case.set_classname(format!("clockfit.{}", of.id));
        suite.add_test_case(case);
    }
    if of.checks.is_empty() {
        let mut case = TestCase::new("clock", status_without_checks(of));
        case.set_classname(format!("clockfit.{}", of.id));
        suite.add_test_case(case);
    }
    suite
}

fn status(check: &CheckedReport, of: &JudgementReport) -> TestCaseStatus {
    let mut status = match check.verdict {
        VerdictName::Fit => TestCaseStatus::success(),
        // It goes on, and says so itself.
        VerdictName::Unfit if check.advisory => TestCaseStatus::success(),
        VerdictName::Unfit => TestCaseStatus::non_success(NonSuccessKind::Failure),
        VerdictName::Undetermined => TestCaseStatus::skipped(),
    };
    if !matches!(check.verdict, VerdictName::Fit) {
        status.set_message(sentence(check));
    }
    if check.verdict == VerdictName::Unfit {
        status.set_type("unfit");
        status.set_description(format!("{}\n{}", of.consequence, of.source));
    }
    status
}

fn status_without_checks(of: &JudgementReport) -> TestCaseStatus {
    if of.outcome != OutcomeName::Undetermined {
        return TestCaseStatus::success();
    }
    let mut status = TestCaseStatus::skipped();
    let reasons: Vec<&str> = of
        .reasons
        .iter()
        .map(|reason| reason.text.as_str())
        .collect();
    status.set_message(reasons.join("; "));
    status
}
