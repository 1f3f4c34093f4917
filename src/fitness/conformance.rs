//! [`Conformance`]: what a run says of the test cases of a conformance suite.
//!
//! The requirement is that of the Sovereign Cloud Stack's decision record scs-0129: a provider guarantees a
//! minimum precision inside of guests, by three servers at least. It leaves the numbers open; the grades of the
//! catalogue propose them.

use super::catalogue::Catalogue;
use super::find::nearest;
use super::judge::{Evidence, Judged, judge};
use super::observed;
use super::offered::{self, OfferGround, Surveyed};
use super::provider::{self, Required, Requirement};
use super::quantity::Quantity;
use super::question::Question;
use super::verdict::{Check, Verdict};
use super::{CannotJudge, deciding_limit};
use crate::estimate::Assessment;
use crate::sample::{Campaign, SourceId};
use crate::time::TimeDelta;

/// What every id begins with: the number of the standard.
const PREFIX: &str = "scs-0129-";

/// How long a guest may stand still at once: the default election time-out of etcd (etcd.io, Tuning), after which
/// its members take one for lost. A proposal: scs-0129 asks that it does not matter, and gives no number.
pub const LONGEST_STALL: TimeDelta = TimeDelta::from_secs(1);

/// As many servers as the standard asks for.
pub const LEAST_SERVERS: usize = 3;

/// The grades that test cases exist for, the least first, as the ids have them.
const GRADES: [&str; 3] = ["basic", "standard", "strict"];

/// What of a grade is tested, by the word of the id.
const OF_GRADES: [(&str, &[Quantity]); 4] = [
    ("offset", &[Quantity::OffsetMostly, Quantity::OffsetEver]),
    ("jitter", &[Quantity::JitterMostly]),
    ("drift", &[Quantity::ResidualDrift]),
    (
        "step",
        &[Quantity::GradeStepForward, Quantity::GradeStepBackward],
    ),
];

/// A test case that stands for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alone {
    ThreeServers,
    ServersAgree,
    RootDistance,
    Stall,
    LocalServers,
    NotRateLimited,
    Offered,
    UsedByDefault,
}

const ALONE: [(&str, Alone); 8] = [
    ("three-servers", Alone::ThreeServers),
    ("servers-agree", Alone::ServersAgree),
    ("root-distance", Alone::RootDistance),
    ("stall", Alone::Stall),
    ("local-servers", Alone::LocalServers),
    ("not-rate-limited", Alone::NotRateLimited),
    ("offered", Alone::Offered),
    ("used-by-default", Alone::UsedByDefault),
];

/// The test case that can be answered only after servers were asked in a burst.
pub const NEEDS_BURST: &str = "scs-0129-not-rate-limited";

/// The ids of all test cases, in their order.
///
/// ```
/// let ids = clockfit::fitness::testcases();
/// assert_eq!(ids.len(), 20);
/// assert!(ids.contains(&"scs-0129-offset-standard".to_owned()));
/// ```
pub fn testcases() -> Vec<String> {
    let graded = OF_GRADES.iter().flat_map(|(word, _)| {
        GRADES
            .iter()
            .map(move |grade| format!("{PREFIX}{word}-{grade}"))
    });
    let alone = ALONE.iter().map(|(word, _)| format!("{PREFIX}{word}"));
    graded.chain(alone).collect()
}

/// What a run says of test cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conformance {
    /// What was judged; absent where no server answered.
    pub judged: Option<Judged>,
    /// Each test case that was asked for, once, in the order it was.
    pub cases: Vec<Case>,
}

/// One test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its id, as it was asked for.
    pub id: String,
    /// What the run says of it.
    pub verdict: Verdict,
    /// Why.
    pub grounds: Grounds,
}

/// What a test case was decided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grounds {
    /// Numbers of a grade.
    Checks(Vec<Check>),
    /// How many servers there are, of how many that were asked; and those that are silent.
    Servers {
        /// How many answered, two addresses of one name in two families being one.
        answered: usize,
        /// Those that did not.
        silent: Vec<SourceId>,
    },
    /// Which servers contradicted a majority, or each other.
    Agreement {
        /// How many had a word.
        servers: usize,
        /// These.
        dissenters: Vec<SourceId>,
    },
    /// How far servers may be off by their own word, against a limit.
    RootDistance {
        /// The most that is allowed.
        limit: TimeDelta,
        /// The most that each server ever said.
        distances: Vec<(SourceId, TimeDelta)>,
    },
    /// How long the host stood still at once.
    Stall {
        /// The longest; absent where nobody watched.
        longest: Option<TimeDelta>,
        /// How often.
        stalls: u64,
    },
    /// What is asked of a provider's servers.
    Required(Required),
    /// Which servers the host is offered, and takes.
    Offers {
        /// What that says.
        ground: OfferGround,
        /// Where it stands.
        evidence: Vec<crate::survey::Evidence>,
    },
    /// Nothing is known of the clock: no server answered.
    NoAnswer,
    /// There is no such test case; these are near.
    Unknown(Vec<String>),
}

/// Why a list of test cases is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTestcase {
    /// It is no id at all: written back it could be read as something else.
    #[error(
        "{0:?} is no id of a test case: a-z, 0-9 and dashes are expected, as in scs-0129-stall"
    )]
    NoId(String),
}

/// Takes a list of ids, separated by blanks or commas; each once. An empty one means all.
///
/// # Errors
///
/// One of them is no id.
pub fn read_testcases(list: &str) -> Result<Vec<String>, BadTestcase> {
    let mut ids: Vec<String> = Vec::new();
    let separator = |c: char| c.is_whitespace() || c == ',';
    for id in list.split(separator).filter(|id| !id.is_empty()) {
        let sane = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        // Ids begin with the number of their standard; a bare word might be one that a reader counts.
        if id.len() > 100 || !id.starts_with("scs-") || !id.chars().all(sane) {
            return Err(BadTestcase::NoId(id.to_owned()));
        }
        if !ids.iter().any(|of| of == id) {
            ids.push(id.to_owned());
        }
    }
    Ok(if ids.is_empty() { testcases() } else { ids })
}

/// Answers test cases. `assessment` was made of `campaign`, with a plan that compares servers over time; `surveyed` is
/// what was found on the host that made it, which a recording does not tell.
///
/// # Errors
///
/// A server shares the host's clock, or the catalogue has lost a grade.
pub fn conform(
    campaign: &Campaign,
    assessment: &Assessment,
    catalogue: &Catalogue,
    surveyed: Option<&Surveyed>,
    ids: &[String],
) -> Result<Conformance, CannotJudge> {
    let judged = match judge(campaign, assessment, &Question::grades(catalogue)) {
        Ok(judged) => Some(judged),
        Err(CannotJudge::NothingKnown | CannotJudge::Unusable) => None,
        Err(error) => return Err(error),
    };
    let run = Run {
        campaign,
        assessment,
        catalogue,
        judged: judged.as_ref(),
        surveyed,
    };
    let cases = ids.iter().map(|id| run.case(id)).collect();
    Ok(Conformance { judged, cases })
}

struct Run<'a> {
    campaign: &'a Campaign,
    assessment: &'a Assessment,
    catalogue: &'a Catalogue,
    judged: Option<&'a Judged>,
    surveyed: Option<&'a Surveyed>,
}

impl Run<'_> {
    fn case(&self, id: &str) -> Case {
        let (verdict, grounds) = self.decide(id);
        Case {
            id: id.to_owned(),
            verdict,
            grounds,
        }
    }

    fn decide(&self, id: &str) -> (Verdict, Grounds) {
        let rest = id.strip_prefix(PREFIX).unwrap_or_default();
        let alone = ALONE.iter().find(|(word, _)| *word == rest);
        let graded = rest.split_once('-').and_then(|(word, grade)| {
            let (_, quantities) = OF_GRADES.iter().find(|(of, _)| *of == word)?;
            GRADES.contains(&grade).then_some((*quantities, grade))
        });
        match (alone, graded, self.judged) {
            (Some((_, alone)), _, _) => self.alone(*alone),
            (_, Some(_), None) => (Verdict::Undetermined, Grounds::NoAnswer),
            (_, Some((quantities, grade)), Some(judged)) => of_grade(judged, grade, quantities),
            _ => {
                let all = testcases();
                let near = nearest(id, all.iter().map(String::as_str));
                let near = near.into_iter().map(str::to_owned).collect();
                (Verdict::Undetermined, Grounds::Unknown(near))
            }
        }
    }

    fn alone(&self, case: Alone) -> (Verdict, Grounds) {
        match case {
            Alone::ThreeServers => self.three_servers(),
            Alone::ServersAgree => self.servers_agree(),
            Alone::RootDistance => self.root_distance(),
            Alone::Stall => self.stall(),
            Alone::LocalServers => self.required(Requirement::Local),
            Alone::NotRateLimited => self.required(Requirement::NotRateLimited),
            Alone::Offered => offered::offered(self.surveyed),
            Alone::UsedByDefault => offered::used_by_default(self.surveyed),
        }
    }

    /// What a short look may not decide.
    fn unless_short(&self, verdict: Verdict) -> Verdict {
        match Evidence::of(self.campaign, self.assessment).is_too_little() {
            true => Verdict::Undetermined,
            false => verdict,
        }
    }

    fn three_servers(&self) -> (Verdict, Grounds) {
        let spoke = |id: SourceId| {
            self.assessment
                .course
                .servers
                .iter()
                .any(|of| of.source == id)
        };
        let answered = provider::parties(self.campaign, spoke).len();
        let asked = (0..).map(SourceId).zip(&self.campaign.sources);
        let asked = asked.filter(|(_, of)| provider::is_asked(&of.info));
        let silent = asked.map(|(id, _)| id).filter(|id| !spoke(*id)).collect();
        let verdict = match answered >= LEAST_SERVERS {
            true => Verdict::Fit,
            false => Verdict::Unfit,
        };
        (verdict, Grounds::Servers { answered, silent })
    }

    fn required(&self, requirement: Requirement) -> (Verdict, Grounds) {
        let found = provider::require(self.campaign, self.assessment, requirement);
        (found.verdict, Grounds::Required(found))
    }

    fn servers_agree(&self) -> (Verdict, Grounds) {
        let servers = &self.assessment.course.servers;
        let dissenters: Vec<SourceId> = servers
            .iter()
            .filter(|of| of.dissented + of.torn > 0)
            .map(|of| of.source)
            .collect();
        let verdict = match (servers.len(), dissenters.is_empty()) {
            (0 | 1, _) => Verdict::Undetermined,
            (_, true) => Verdict::Fit,
            (_, false) => Verdict::Unfit,
        };
        let grounds = Grounds::Agreement {
            servers: servers.len(),
            dissenters,
        };
        (self.unless_short(verdict), grounds)
    }

    /// Whoever is further from UTC by its own word than a grade lets a clock be can show nobody that it is
    /// reached.
    fn root_distance(&self) -> (Verdict, Grounds) {
        let limit = deciding_limit(self.catalogue);
        let servers = self.assessment.course.servers.iter();
        let distances: Vec<(SourceId, TimeDelta)> = servers
            .filter_map(|of| {
                let record = self.campaign.sources.get(of.source.index())?;
                Some((of.source, record.largest_root_distance()?))
            })
            .collect();
        let verdict = match distances.as_slice() {
            [] => Verdict::Undetermined,
            all if all.iter().all(|(_, distance)| *distance <= limit) => Verdict::Fit,
            _ => Verdict::Unfit,
        };
        (verdict, Grounds::RootDistance { limit, distances })
    }

    fn stall(&self) -> (Verdict, Grounds) {
        let observed = observed::stall(&self.assessment.course, self.campaign);
        let verdict = observed.map_or(Verdict::Undetermined, |(observed, _)| {
            observed.against(LONGEST_STALL.as_nanos())
        });
        // That it stood still is known, however short the look was.
        let verdict = match verdict {
            Verdict::Unfit => Verdict::Unfit,
            verdict => self.unless_short(verdict),
        };
        let grounds = Grounds::Stall {
            longest: observed.map(|(observed, _)| TimeDelta::from_nanos(observed.lower)),
            stalls: observed.map_or(0, |(_, stalls)| stalls),
        };
        (verdict, grounds)
    }
}

fn of_grade(judged: &Judged, grade: &str, quantities: &[Quantity]) -> (Verdict, Grounds) {
    let grade = judged.grades.iter().find(|of| of.id == grade);
    let checks: Vec<Check> = grade
        .into_iter()
        .flat_map(|grade| &grade.checks)
        .filter(|check| quantities.contains(&check.quantity))
        .cloned()
        .collect();
    let worst = checks.iter().map(|check| check.verdict).max();
    (
        worst.unwrap_or(Verdict::Undetermined),
        Grounds::Checks(checks),
    )
}
