//! Answers to the test cases of the Sovereign Cloud Stack's conformance suite, as its reader wants them.
//!
//! The reader (`scs-compliance-check.py`) takes each line `ID: PASS`, `ID: FAIL` or `ID: ABORT` for a result, by
//! what follows the last colon, and counts lines that begin with info, warning, error or critical. So all that
//! explains an answer is indented, and ends in a full stop.

use std::io::{self, Write};

use super::check::{CheckedReport, Names, checked, reason};
use super::clean::clean;
use super::provider::required;
use super::quantity::{exact, plain};
use super::quorum::few;
use super::survey::sentence as concluded;
use super::text::{sentence, word};
use crate::fitness::{
    Case, Check, Conformance, Grounds, Judged, LEAST_SERVERS, LONGEST_STALL, OfferGround, Verdict,
};
use crate::sample::Campaign;
use crate::survey::Evidence;

/// The answers of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScsReport {
    /// What all of them rest on, a line each.
    pub about: Vec<String>,
    /// What the reader is to count as warnings.
    pub warnings: Vec<String>,
    /// Each test case.
    pub cases: Vec<ScsCase>,
}

/// The answer to one test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScsCase {
    /// Its id.
    pub id: String,
    /// `PASS`, `FAIL` or `ABORT`.
    pub result: &'static str,
    /// Why, a line each.
    pub evidence: Vec<String>,
}

impl ScsReport {
    /// What a campaign says of test cases.
    pub fn new(campaign: &Campaign, conformance: &Conformance) -> Self {
        let names = Names(campaign);
        let judged = conformance.judged.as_ref();
        let unknown = conformance
            .cases
            .iter()
            .filter_map(|case| match &case.grounds {
                Grounds::Unknown(near) if near.is_empty() => {
                    Some(format!("there is no test case {}", case.id))
                }
                Grounds::Unknown(near) => Some(format!(
                    "there is no test case {}; near are {}",
                    case.id,
                    near.join(", ")
                )),
                _ => None,
            });
        let rests_on = judged.into_iter().flat_map(|judged| &judged.reasons);
        let warnings = rests_on.map(|of| reason(of, names).text);
        Self {
            about: vec![about(campaign, judged)],
            warnings: warnings.chain(unknown).collect(),
            cases: conformance
                .cases
                .iter()
                .map(|case| answer(case, names))
                .collect(),
        }
    }
}

fn about(campaign: &Campaign, judged: Option<&Judged>) -> String {
    let header = &campaign.header;
    let host = header.environment.host.as_deref().unwrap_or("unknown host");
    let tool = format!(
        "{} on {}, {}",
        clean(&header.tool),
        clean(host),
        header.started.utc()
    );
    match judged {
        Some(judged) => format!(
            "{tool}, {} exchanges with {} in {}",
            judged.exchanges,
            counted(judged.servers.len(), "server"),
            plain(judged.observed.as_nanos())
        ),
        None => format!("{tool}, no server answered"),
    }
}

fn answer(case: &Case, names: Names<'_>) -> ScsCase {
    ScsCase {
        id: clean(&case.id),
        result: match case.verdict {
            Verdict::Fit => "PASS",
            Verdict::Unfit => "FAIL",
            Verdict::Undetermined => "ABORT",
        },
        evidence: evidence(case, names),
    }
}

fn evidence(case: &Case, names: Names<'_>) -> Vec<String> {
    match &case.grounds {
        Grounds::Checks(checks) => {
            let told = |check: &Check| -> CheckedReport { checked(check, names) };
            checks
                .iter()
                .map(|check| format!("{}, {}", word(check.verdict.into()), sentence(&told(check))))
                .collect()
        }
        Grounds::Servers { answered, silent } => {
            let mut lines = vec![format!(
                "{} answered, and {LEAST_SERVERS} are asked for",
                counted(*answered, "server")
            )];
            if !silent.is_empty() {
                lines.push(format!("silent were {}", names.list(silent)));
            }
            lines
        }
        Grounds::Agreement { servers: 0 | 1, .. } => {
            vec!["it takes two servers to agree".to_owned()]
        }
        Grounds::Agreement {
            servers,
            dissenters,
        } if dissenters.is_empty() => {
            vec![format!(
                "{servers} servers agree within what they say they may be off by"
            )]
        }
        Grounds::Agreement {
            servers,
            dissenters,
        } => vec![format!(
            "of {servers} servers these contradict the majority, or each other, {}",
            names.list(dissenters)
        )],
        Grounds::RootDistance { distances, .. } if distances.is_empty() => vec![no_answer()],
        Grounds::RootDistance { limit, distances } => {
            let each = distances.iter().map(|(id, distance)| {
                format!(
                    "{} may be off by {}, by its own word, and {} are allowed",
                    names.of(*id),
                    plain(distance.as_nanos()),
                    exact(limit.as_nanos())
                )
            });
            each.collect()
        }
        Grounds::Stall { longest: None, .. } => {
            vec!["nobody watched whether the host stood still".to_owned()]
        }
        Grounds::Stall {
            longest: Some(longest),
            stalls,
        } => vec![format!(
            "{stalls} stalls, the longest {}, and {} are allowed",
            plain(longest.as_nanos()),
            exact(LONGEST_STALL.as_nanos())
        )],
        Grounds::Required(found) => {
            let told = required(found, names).findings.into_iter();
            let told = told.map(|of| match of.server {
                Some(server) => format!("{server}, {}, {}", word(of.verdict), of.text),
                None => format!("{}, {}", word(of.verdict), of.text),
            });
            let mut told: Vec<String> = told.collect();
            if told.is_empty() {
                told.push(no_answer());
            }
            told
        }
        Grounds::Offers { ground, evidence } => offers(ground, evidence),
        Grounds::NoAnswer => vec![no_answer()],
        Grounds::Unknown(_) => vec!["nobody knows this test case".to_owned()],
    }
}

/// Lines of evidence that are told of one answer.
const MOST_EVIDENCE: usize = 20;

fn offers(ground: &OfferGround, evidence: &[Evidence]) -> Vec<String> {
    let first = match ground {
        OfferGround::Replayed => "what the host was offered is not known, a recording does not tell it, and before Linux 5.6 nobody can look".to_owned(),
        OfferGround::Offered(servers) => {
            let servers: Vec<String> = servers.iter().map(|of| clean(of)).collect();
            format!("offered are {}", few(&servers))
        }
        OfferGround::NoneOffered => "no lease names a time server, and whether one was asked for is not known".to_owned(),
        OfferGround::NoLease => "there is no lease of a DHCP client that is known here".to_owned(),
        OfferGround::Concluded(conclusion) => format!("the host {}", concluded(*conclusion)),
        OfferGround::NotUsed => {
            "the host is set to take what it is offered, and uses none of it at this moment".to_owned()
        }
    };
    let told = evidence.iter().take(MOST_EVIDENCE).map(|of| {
        let line = of.line.map(|line| format!(" line {line}"));
        clean(&format!(
            "{}{}, {}",
            of.file,
            line.unwrap_or_default(),
            of.text
        ))
    });
    std::iter::once(first).chain(told).collect()
}

fn counted(n: usize, what: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {what}{plural}")
}

fn no_answer() -> String {
    "no server answered".to_owned()
}

/// Writes the answers. Pure: the same report gives the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_scs(report: &ScsReport, out: &mut impl Write) -> io::Result<()> {
    for line in &report.about {
        explain(line, out)?;
    }
    for warning in &report.warnings {
        writeln!(out, "WARNING: {}.", ascii(warning))?;
    }
    for case in &report.cases {
        writeln!(out, "{}: {}", case.id, case.result)?;
        for line in &case.evidence {
            explain(line, out)?;
        }
    }
    Ok(())
}

fn explain(line: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "  {}.", ascii(line))
}

/// The reader takes UTF-8, and whatever terminal shows its report perhaps not.
fn ascii(text: &str) -> String {
    let show = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.escape_unicode().to_string(),
    };
    text.chars().map(show).collect()
}
