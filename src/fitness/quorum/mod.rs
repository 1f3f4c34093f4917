//! [`quorum`]: do these hosts' clocks agree well enough for services that run on all of them?
//!
//! Each host measured on its own. What two of them prove together of their clocks is put side by side at common
//! instants ([`skew`]); a limit then holds for a pair for certain, or not, or the evidence does not decide. Of a set
//! is told whether all pairs keep a limit, and else which of its members do.

mod clocks;
mod closure;
mod groups;
mod identity;
mod judge;
mod member;
mod sets;
mod skew;
mod witness;

use clocks::Clocks;
use identity::Identities;
use skew::Skews;

use super::quantity::Quantity;
use super::question::Question;
use super::verdict::{Need, Observed, Outcome, Verdict};
use crate::time::{Interval, TimeDelta, Timestamp};

pub use member::{Bound, HostTold, Member, Move, NoMember, SourceTold, claims_utc, refuse_own};
pub use skew::pair_place;

/// A server that is known to be one and the same for all who asked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    /// What it is called: a source as it was asked for, or an address. Several names are all that one server.
    pub names: Vec<String>,
}

/// A server that is the clock of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The member's name.
    pub member: String,
    /// How the others asked it.
    pub source: String,
}

/// Why hosts cannot be held against each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One host has no pair.
    #[error("a quorum has members: name the reports of two hosts at least")]
    TooFew,
    /// The same run twice.
    #[error("{0} and {1} are the same run ({2}): name the report of each host once")]
    SameRun(String, String, String),
    /// Two runs of one name.
    #[error(
        "two reports are of a host called {0:?}: name one of each host, or tell hosts apart by NAME=REPORT, or by \
         --host when they are measured"
    )]
    SameName(String),
    /// A run without a name.
    #[error("a report does not name its host (run {0}): name it by NAME=REPORT")]
    NoName(String),
    /// What is named as a server in common is nobody's.
    #[error("no report has a server {0:?}: name it as it was asked for, or by its address")]
    NotAsked(String),
    /// Only one saw it.
    #[error("{0:?} joins nothing: {1} alone asked it")]
    AskedByOne(String, String),
    /// A name that stands for several servers.
    #[error(
        "{0:?} stands for an address of its own with each host, and those may be different servers: if they are \
         one, set its addresses equal (--common A=B)"
    )]
    DifferentAddresses(String),
    /// A peer that is no member.
    #[error("no report is of a host called {name:?}; there are {}", listed(.members))]
    NoSuchMember {
        /// What was named.
        name: String,
        /// Who there is.
        members: Vec<String>,
    },
    /// A peer that asked itself.
    #[error(
        "{0} asked {1} itself, which is said to be its own clock: against itself a clock is always right"
    )]
    AskedItself(String, String),
    /// Nothing joins one to the others.
    #[error(
        "nothing joins {0} to the others: it has no server in common with them that is known to be the same \
         (by its answers, or --common), nobody measured it (--peer), and its servers do not claim to know UTC"
    )]
    NothingInCommon(String),
    /// They were measured at different times.
    #[error(
        "{early} and {late} were not measured at the same time: the one until {}, the other from {}, {gap} s later",
        .ended.utc(), .began.utc(), gap = seconds(*.gap)
    )]
    Apart {
        /// Who ended first.
        early: String,
        /// When.
        ended: Timestamp,
        /// Who began last.
        late: String,
        /// When.
        began: Timestamp,
        /// How long that is apart.
        gap: TimeDelta,
    },
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 10;
    let first: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    match names.len().saturating_sub(MOST) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn seconds(of: TimeDelta) -> i64 {
    of.as_nanos() / 1_000_000_000
}

/// What a pair of clocks is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// By servers that both are known to have in common, or by each other: proven, whatever those servers are off.
    Measured,
    /// By the word of their servers, each of which claims to be so near to UTC.
    Claimed,
}

/// How far apart two clocks were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// By what they are compared; absent where nothing joins them.
    pub basis: Option<Basis>,
    /// What holds the first clock minus the second at all instants of which something is known.
    pub ahead: Option<Interval>,
    /// The largest of the lower ends of all instants, and the smallest of the upper ends.
    pub(super) least: (i64, i64),
    /// At how many instants nothing is known.
    pub unknown: usize,
    /// How far apart they were in 99.9 % of the time, either way.
    pub mostly: Option<Observed>,
}

impl Skew {
    /// How far apart they were at most, either way.
    pub fn size(&self) -> Option<Observed> {
        let hull = self.ahead?;
        let (low, high) = self.least;
        let most = hull.lower().abs().max(hull.upper().abs());
        Some(Observed {
            lower: low.max(high.saturating_neg()).max(0),
            upper: (self.unknown == 0).then_some(most.as_nanos()),
        })
    }

    /// How far the first was ahead of the second at most.
    pub(super) fn first_ahead(&self) -> Option<Observed> {
        Some(Observed {
            lower: self.least.0,
            upper: (self.unknown == 0).then_some(self.ahead?.upper().as_nanos()),
        })
    }

    /// The same the other way.
    pub(super) fn second_ahead(&self) -> Option<Observed> {
        Some(Observed {
            lower: self.least.1.saturating_neg(),
            upper: (self.unknown == 0).then_some((-self.ahead?.lower()).as_nanos()),
        })
    }
}

/// A server that nobody named, and that is one and the same for several members by its answers: it told them of the
/// same corrections of its clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// As they asked for it.
    pub name: String,
    /// Who.
    pub members: Vec<usize>,
}

/// A server that was named as one, and is not by its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// As it was named.
    pub server: String,
    /// Two members that it told of different corrections of its clock at the same time.
    pub members: (usize, usize),
}

/// Evidence that cannot all be true: one of the servers is not the same for all, or moved unseen, or one of the
/// hosts is not what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The clocks on the way around.
    pub clocks: Vec<String>,
    /// Members that saw two of them.
    pub members: Vec<usize>,
    /// At how many instants.
    pub instants: usize,
}

/// What all verdicts of a set rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetReason {
    /// It was not observed for long enough.
    Short(TimeDelta),
    /// A member has too few exchanges.
    Few(usize, u64),
    /// At so many instants no majority of a member's servers agreed.
    NoMajority(usize, usize),
    /// So many pairs are compared by what servers claim.
    Claimed(usize),
    /// The limit lies inside of what may be true of so many pairs.
    WithinBound(usize),
    /// Of so many pairs nothing is known at some instants.
    Unknown(usize),
    /// So many pairs would keep it if each host had only the other of two parts.
    Parts(usize),
    /// As many keep it with one of these, so that nobody can say who is off.
    Tied(Vec<usize>),
    /// What it asks for is a matter of each host alone.
    EachHost,
    /// It is sensitive to clocks, and no limit is known.
    NoLimit,
}

/// A limit held against all pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCheck {
    /// Of what.
    pub quantity: Quantity,
    /// The limit, in nanoseconds.
    pub limit: i64,
    /// Whether the site set it itself.
    pub set: bool,
    /// Whether it only warns, and decides nothing.
    pub advisory: bool,
    /// What holds of all pairs: how far apart the worst are.
    pub observed: Option<Observed>,
    /// What that says.
    pub verdict: Verdict,
    /// How many pairs keep it, are undetermined, and do not.
    pub pairs: [usize; 3],
    /// The largest set of members of which all pairs are proven to keep it; nobody where no pair is.
    pub keep: Vec<usize>,
    /// No set of so many or more can keep it: a pair of each is proven not to, or the search found none.
    pub keep_at_most: usize,
    /// Members that are proven to be beyond the limit from one that keeps it, where those are a majority.
    pub outliers: Vec<usize>,
    /// The others outside of that set.
    pub doubtful: Vec<usize>,
    /// Why.
    pub reasons: Vec<SetReason>,
    /// What would decide.
    pub needs: Vec<Need>,
}

/// A service or a grade, judged for a set of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetJudgement {
    /// Its name.
    pub id: String,
    /// What is said of it.
    pub outcome: Outcome,
    /// Each of its limits that is about two clocks.
    pub checks: Vec<SetCheck>,
    /// How far writes of two hosts may be swapped, where the last one wins: nanoseconds.
    pub reorder: Option<Observed>,
    /// Why there is nothing to judge by, or what is not judged here.
    pub reasons: Vec<SetReason>,
}

/// What is said of a set of hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// All of it in one.
    pub verdict: Verdict,
    /// The grade that alone decided it; absent where all did.
    pub decided_by: Option<String>,
    /// How many members a majority has.
    pub majority: usize,
    /// From when, on the clock that all are put beside.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// How much of that was measured: a server that steps its time forward adds none.
    pub observed: TimeDelta,
    /// At how many instants.
    pub instants: usize,
    /// The pairs, in the order 0-1, 0-2, 1-2, 0-3...
    pub pairs: Vec<Skew>,
    /// The pair that is farthest apart for certain, or may be.
    pub worst: Option<(usize, usize)>,
    /// Servers in common that nobody named.
    pub shown: Vec<Shown>,
    /// Named ones that are several.
    pub doubts: Vec<Doubt>,
    /// Evidence that cannot all be true.
    pub contradictions: Vec<Contradiction>,
    /// Members that share a kernel's clock.
    pub same_kernel: Vec<Vec<usize>>,
    /// What all verdicts rest on.
    pub reasons: Vec<SetReason>,
    /// Each service that was asked for.
    pub services: Vec<SetJudgement>,
    /// Each grade that was asked for.
    pub grades: Vec<SetJudgement>,
}

/// Judges a set of hosts, of which these servers are one and the same for all who asked them, and those are
/// members' own clocks.
///
/// # Errors
///
/// They cannot be held against each other.
pub fn quorum(
    members: &[Member],
    commons: &[Common],
    peers: &[Peer],
    question: &Question<'_>,
) -> Result<Quorum, Refused> {
    refuse_doubles(members)?;
    let identities = Identities::find(members, commons, peers)?;
    let skews = Skews::find(members, &Clocks::find(members, &identities))?;
    Ok(judge::judge(members, identities, skews, question))
}

fn refuse_doubles(members: &[Member]) -> Result<(), Refused> {
    use std::collections::BTreeMap;
    if members.len() < 2 {
        return Err(Refused::TooFew);
    }
    let mut runs: BTreeMap<&str, &str> = BTreeMap::new();
    for member in members {
        let run = member.run_id.as_str();
        if let Some(other) = runs.insert(run, &member.name)
            && !run.is_empty()
        {
            let names = (other.to_owned(), member.name.clone());
            return Err(Refused::SameRun(names.0, names.1, run.to_owned()));
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for member in members {
        if member.name.is_empty() {
            return Err(Refused::NoName(member.run_id.clone()));
        }
        names.push(&member.name);
    }
    names.sort_unstable();
    let twice = names.windows(2).find(|two| two.first() == two.last());
    match twice.and_then(|two| two.first()) {
        Some(name) => Err(Refused::SameName((*name).to_owned())),
        None => Ok(()),
    }
}
