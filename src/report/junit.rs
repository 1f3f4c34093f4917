//! Verdicts as JUnit XML: a suite for each service and grade, a case for each of its limits.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Document, TestCase, TestCaseStatus, TestSuite};

use super::check::{CheckReport, CheckedReport, JudgementReport, OutcomeName, VerdictName};
use super::text::sentence;

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
