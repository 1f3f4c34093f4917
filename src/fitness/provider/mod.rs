//! [`provide`]: are these servers good enough for those who depend on them?
//!
//! They are measured, then asked in a burst, then asked what no client asks. Each requirement is held against what was
//! seen of each server, and each verdict is one of three: what was not asked is undetermined, and says so.

mod burst;
mod dissent;
mod parties;
mod requirement;
mod servers;

pub use dissent::Looks;
pub(super) use parties::servers as parties;
pub use requirement::{Counted, LEAST_UPSTREAMS, LOCAL, LOST, LOST_IN_BURST, Requirement};
pub use servers::ServerFacts;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::catalogue::Catalogue;
use super::conformance::LEAST_SERVERS;
use super::verdict::{Observed, Verdict};
use super::{CannotJudge, deciding_limit};
use crate::estimate::{Assessment, MOST_APART};
use crate::sample::{
    CHUNK, Campaign, Note, OddAnswer, Rejection, SourceId, SourceInfo, SourceKind,
};
use crate::stats::{Claimed, most_agreed};
use crate::time::{Interval, Monotonic, TimeDelta};
use servers::Server;

/// What is said of a provider's servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provision {
    /// All in one: the worst of all requirements.
    pub verdict: Verdict,
    /// Each requirement, in the order of [`Requirement::ALL`].
    pub requirements: Vec<Required>,
    /// Each address that was asked.
    pub servers: Vec<ServerFacts>,
}

/// A requirement, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// Which.
    pub requirement: Requirement,
    /// The worst of what was found.
    pub verdict: Verdict,
    /// Its limit, in what [`Requirement::counts`] says; absent where it is not about a number.
    pub limit: Option<i64>,
    /// What was found: of each server, or of all.
    pub findings: Vec<Finding>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of which server; of all of them where it is absent.
    pub server: Option<SourceId>,
    /// What that says.
    pub verdict: Verdict,
    /// What may be true, in what the requirement counts.
    pub observed: Option<Observed>,
    /// Why.
    pub ground: Ground,
}

/// Why something was found so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// So many servers, and which addresses are one of them.
    Servers {
        /// How many answered.
        answered: usize,
        /// Addresses that are one server: a name in both families, or one clock by its corrections.
        together: Vec<Vec<SourceId>>,
    },
    /// It never answered, of so many times that it was asked.
    Silent(u64),
    /// No server's answer tells.
    NoAnswer,
    /// This name has no address, by the resolver's word.
    Unresolved {
        /// As it was asked for.
        source: String,
        /// Why.
        error: String,
    },
    /// It refused service so often (kiss codes DENY and RSTR).
    Refuses(u64),
    /// None of its answers can be used: why most of them cannot, and how many.
    Unusable(Rejection, u64),
    /// Another program recorded it, and no losses: there may have been some.
    LossesNotKept,
    /// This host has no way to it, by the network's own word.
    Unreachable(String),
    /// Of so many requests some were lost: lost, sent.
    Requests(u64, u64),
    /// The quickest way there and back, over so many routers if its packets begin with a usual time to live.
    Way {
        /// How many.
        hops: Option<u8>,
    },
    /// It said so often that it is not synchronised, or was not to be used for it.
    Unsynchronised(u64),
    /// By its own word.
    Says,
    /// It agrees with the others, or has nobody to disagree with.
    Agrees,
    /// It contradicts a majority.
    Against {
        /// Its time minus theirs, as far as that is proven at the end of the run.
        off: Option<Interval>,
        /// What that looks like.
        looks: Looks,
    },
    /// It contradicts another, and there is no majority.
    Torn,
    /// There are too few servers to tell.
    TooFew,
    /// There are more than are compared one by one.
    TooMany,
    /// Nothing that it said can be held against others.
    NotCompared,
    /// No majority agrees that it could be held against.
    NoMajority,
    /// These cannot be lost.
    CannotLose(Vec<SourceId>),
    /// What they follow, by reference ids.
    Follow(Vec<String>),
    /// Its time moved, at so many places.
    Moved(usize),
    /// How far it moved against the others.
    Moves {
        /// In this time.
        over: TimeDelta,
    },
    /// There was no burst, or nobody is allowed to send one there.
    NoBurst,
    /// It asked so often for fewer requests.
    Kissed(u64),
    /// So many of so many requests were lost.
    Lost {
        /// In the burst: lost, sent.
        in_burst: (u64, u64),
        /// Before it, in all.
        in_calm: (u64, u64),
        /// Of those with which it began.
        at_first: (u64, u64),
        /// How many answers of the burst came after the time-out.
        late: u64,
    },
    /// None of so many requests of the burst was answered, though it answered before.
    Gone(u64),
    /// The median of the delay, beyond what it was before.
    Longer,
    /// Nobody asked.
    NotAsked,
    /// It had answered, and by then did not answer an ordinary request either.
    SilentThen,
    /// These were answered with more than they had, or at all; none is well.
    Odd(Vec<OddAnswer>),
}

/// Judges a provider's servers. `assessment` was made of `campaign`, with a plan that compares servers over time.
///
/// # Errors
///
/// No server was asked.
pub fn provide(
    campaign: &Campaign,
    assessment: &Assessment,
    catalogue: &Catalogue,
) -> Result<Provision, CannotJudge> {
    let all = Provider::new(campaign, assessment, deciding_limit(catalogue));
    if all.servers.is_empty() {
        return Err(CannotJudge::NothingKnown);
    }
    let requirements: Vec<Required> = Requirement::ALL
        .into_iter()
        .map(|requirement| all.judge(requirement))
        .collect();
    let worst = requirements.iter().map(|of| of.verdict).max();
    Ok(Provision {
        verdict: worst.unwrap_or(Verdict::Undetermined),
        servers: all.servers.iter().map(|of| of.facts(assessment)).collect(),
        requirements,
    })
}

/// One requirement alone, as [`provide`] judges it.
pub(super) fn require(
    campaign: &Campaign,
    assessment: &Assessment,
    requirement: Requirement,
) -> Required {
    Provider::new(campaign, assessment, TimeDelta::ZERO).judge(requirement)
}

struct Provider<'a> {
    campaign: &'a Campaign,
    assessment: &'a Assessment,
    /// How far a clock may be off, by the grade that decides.
    limit: TimeDelta,
    servers: Vec<Server<'a>>,
    /// Which addresses that answered are one server.
    parties: Vec<Vec<SourceId>>,
}

impl<'a> Provider<'a> {
    fn new(campaign: &'a Campaign, assessment: &'a Assessment, limit: TimeDelta) -> Self {
        let servers = Server::all(campaign, assessment);
        let answered = servers.iter().filter(|of| of.has_answered());
        let answered: BTreeSet<SourceId> = answered.map(|of| of.id).collect();
        Self {
            campaign,
            assessment,
            limit,
            parties: parties(campaign, |id| answered.contains(&id)),
            servers,
        }
    }

    fn judge(&self, requirement: Requirement) -> Required {
        let time = Some(self.limit.as_nanos());
        let number = |n: usize| i64::try_from(n).ok();
        let (limit, findings) = match requirement {
            Requirement::Servers => (number(LEAST_SERVERS), vec![self.count()]),
            Requirement::Answers => (Some(LOST), self.answers()),
            Requirement::Local => (Some(LOCAL.as_nanos()), self.answering(Server::way)),
            Requirement::Synchronised => (None, self.each(Server::synchronised)),
            Requirement::RootDistance => (time, self.answering(|of| of.root_distance(self.limit))),
            Requirement::Agreement => (None, self.agreement()),
            Requirement::LosesAny => (None, vec![self.loses_any()]),
            Requirement::Upstreams => (number(LEAST_UPSTREAMS), vec![self.upstreams()]),
            Requirement::Steady => (time, self.answering(|of| self.steady(of))),
            Requirement::NotRateLimited => (
                Some(LOST_IN_BURST),
                self.answering(|of| Some(burst::rate_limit(of.id, of.record, of.burst))),
            ),
            Requirement::BurstDelay => (time, self.answering(|of| self.delay(of))),
            Requirement::NoAmplification => (Some(0), self.answering(Server::odd)),
        };
        // What was found of nobody is not known.
        let findings = match findings.is_empty() {
            true => vec![of_all(Verdict::Undetermined, None, Ground::NoAnswer)],
            false => findings,
        };
        let worst = findings.iter().map(|of| of.verdict).max();
        Required {
            requirement,
            verdict: worst.unwrap_or(Verdict::Undetermined),
            limit,
            findings,
        }
    }

    fn each(&self, find: impl Fn(&Server<'a>) -> Option<Finding>) -> Vec<Finding> {
        self.servers.iter().filter_map(find).collect()
    }

    /// Of those that answer: that others are silent is told once.
    fn answering(&self, find: impl Fn(&Server<'a>) -> Option<Finding>) -> Vec<Finding> {
        self.each(|of| find(of).filter(|_| of.has_answered()))
    }

    fn answers(&self) -> Vec<Finding> {
        let mut found = self.each(|of| Some(of.answers(self.campaign)));
        found.extend(self.unresolved().map(|(source, error)| {
            let (source, error) = (source.clone(), error.clone());
            let ground = Ground::Unresolved { source, error };
            of_all(Verdict::Undetermined, None, ground)
        }));
        found
    }

    /// Names that have no address, as far as this host's resolver knows.
    fn unresolved(&self) -> impl Iterator<Item = (&String, &String)> {
        self.campaign
            .notes
            .iter()
            .filter_map(|(_, _, note)| match note {
                Note::Unresolved { source, error } => Some((source, error)),
                _ => None,
            })
    }

    /// How many servers there may be beside those that answered, as far as this host can tell.
    fn perhaps(&self) -> usize {
        let servers = self.servers.iter();
        let silent = servers.filter(|of| of.may_answer(self.campaign)).count();
        silent + self.unresolved().count()
    }

    fn count(&self) -> Finding {
        let mut parties = self.parties.clone();
        let answered = parties.len();
        parties.retain(|of| of.len() > 1);
        of_all(
            match (
                answered >= LEAST_SERVERS,
                answered + self.perhaps() >= LEAST_SERVERS,
            ) {
                (true, _) => Verdict::Fit,
                (_, true) => Verdict::Undetermined,
                _ => Verdict::Unfit,
            },
            Some(Observed::exactly(
                i64::try_from(answered).unwrap_or(i64::MAX),
            )),
            Ground::Servers {
                answered,
                together: parties,
            },
        )
    }

    fn agreement(&self) -> Vec<Finding> {
        let course = &self.assessment.course;
        if course.servers.len() < 2 {
            return vec![of_all(Verdict::Undetermined, None, Ground::TooFew)];
        }
        let leap_is_near = dissent::leap_is_near(self.campaign);
        let found = course.servers.iter().map(|server| {
            let off = dissent::from_majority(self.assessment.agreement.as_ref(), server.source);
            let ground = match (server.dissented, server.torn) {
                (0, 0) => Ground::Agrees,
                (0, _) => Ground::Torn,
                _ => Ground::Against {
                    off,
                    looks: dissent::looks(
                        off,
                        server.apart.as_ref().and_then(dissent::rate),
                        leap_is_near,
                    ),
                },
            };
            let verdict = match ground {
                Ground::Agrees => Verdict::Fit,
                _ => Verdict::Unfit,
            };
            let observed = off.map(size);
            Finding {
                server: Some(server.source),
                verdict,
                observed,
                ground,
            }
        });
        let mut found: Vec<Finding> = found.collect();
        let is_compared = |id| course.servers.iter().any(|of| of.source == id);
        let samples = |of: &&Server<'_>| !of.record.samples.is_empty() && !is_compared(of.id);
        let others = self.servers.iter().filter(samples);
        found.extend(others.map(|of| of.is(Verdict::Undetermined, None, Ground::NotCompared)));
        found.sort_by_key(|of| of.server);
        found
    }

    fn loses_any(&self) -> Finding {
        let agreement = self.assessment.agreement.as_ref();
        let members = agreement.map_or(&[][..], |of| &of.members);
        // One word a server, whichever of its addresses has it.
        let word = |party: &Vec<SourceId>| {
            let mut words = party.iter();
            words.find_map(|id| members.iter().find(|of| of.source == *id))
        };
        let members: Vec<_> = self.parties.iter().filter_map(word).collect();
        if members.is_empty() {
            return of_all(Verdict::Undetermined, None, Ground::TooFew);
        }
        let agree_without = |lost: SourceId| {
            let rest = members.iter().filter(|of| of.source != lost);
            let claims: Vec<Claimed> = rest
                .map(|of| Claimed {
                    lower: of.claim.lower().as_nanos(),
                    upper: of.claim.upper().as_nanos(),
                })
                .collect();
            let agreed = most_agreed(&claims);
            agreed.is_some_and(|of| of.votes > 1 && of.votes * 2 > claims.len())
        };
        let needed: Vec<SourceId> = members
            .iter()
            .map(|of| of.source)
            .filter(|id| !agree_without(*id))
            .collect();
        let verdict = match (needed.is_empty(), self.perhaps()) {
            (true, _) => Verdict::Fit,
            (false, 0) => Verdict::Unfit,
            // With those that this host does not reach it may be otherwise.
            _ => Verdict::Undetermined,
        };
        of_all(verdict, None, Ground::CannotLose(needed))
    }

    fn upstreams(&self) -> Finding {
        let addresses = self.servers.iter().map(|of| &of.record.info.address);
        let asked: BTreeSet<Ipv4Addr> = addresses.filter_map(|of| of.parse().ok()).collect();
        let first = self.parties.iter().filter_map(|of| of.first().copied());
        let mut clocks: Vec<String> = Vec::new();
        for id in first {
            let server = self.servers.iter().find(|of| of.id == id);
            clocks.extend(server.into_iter().flat_map(|of| of.follows(&asked)));
        }
        clocks.sort();
        clocks.dedup();
        let verdict = match clocks.len() >= LEAST_UPSTREAMS {
            true => Verdict::Fit,
            // Each may have others, and follow this one at the moment.
            false => Verdict::Undetermined,
        };
        let count = i64::try_from(clocks.len()).unwrap_or(i64::MAX);
        of_all(
            verdict,
            Some(Observed {
                lower: count,
                upper: None,
            }),
            Ground::Follow(clocks),
        )
    }

    fn steady(&self, of: &Server<'_>) -> Option<Finding> {
        let others = || {
            let all = self.servers.iter();
            all.filter(|other| other.id != of.id && other.has_answered())
        };
        let breaks = &of.found.timing.breaks;
        // What breaks with all of them is this host's counter; who was not heard after it says nothing of that.
        let is_alone = |at: Monotonic| {
            let mut others = others();
            others.any(|other| {
                let latest = other.record.samples.latest();
                other.found.timing.breaks.is_empty() && latest.is_some_and(|last| last.at > at)
            })
        };
        let first = breaks.first().and_then(|first| {
            let mut chunk = of.record.samples.chunk(first.sample / CHUNK);
            chunk.nth(first.sample % CHUNK)
        });
        if first.is_some_and(|first| is_alone(first.at)) {
            return Some(of.is(Verdict::Unfit, None, Ground::Moved(breaks.len())));
        }
        let servers = &self.assessment.course.servers;
        let compared = servers.iter().find(|server| server.source == of.id);
        let ground = match (compared, servers.len()) {
            (_, 0 | 1) => Ground::TooFew,
            (None, _) => Ground::NotCompared,
            (_, n) if n > MOST_APART => Ground::TooMany,
            _ => Ground::NoMajority,
        };
        let Some(apart) = compared
            .and_then(|server| server.apart)
            .filter(|_| servers.len() > 1)
        else {
            return Some(of.is(Verdict::Undetermined, None, ground));
        };
        let observed = Observed {
            lower: apart.moved_at_least.as_nanos(),
            upper: Some(apart.moved_at_most.as_nanos()),
        };
        let verdict = match observed.against(self.limit.as_nanos()) {
            // Of two that move against each other nobody knows which one does.
            Verdict::Unfit if others().count() < 2 => Verdict::Undetermined,
            verdict => verdict,
        };
        Some(of.is(verdict, Some(observed), Ground::Moves { over: apart.over }))
    }

    fn delay(&self, of: &Server<'_>) -> Option<Finding> {
        if of.burst.is_none_or(|burst| burst.sent() == 0) {
            return Some(of.is(Verdict::Undetermined, None, Ground::NoBurst));
        }
        let growth = burst::delay_growth(of.found, of.found_in_burst);
        let verdict = growth.map_or(Verdict::Undetermined, |of| {
            of.against(self.limit.as_nanos())
        });
        Some(of.is(verdict, growth, Ground::Longer))
    }
}

fn of_all(verdict: Verdict, observed: Option<Observed>, ground: Ground) -> Finding {
    Finding {
        server: None,
        verdict,
        observed,
        ground,
    }
}

/// How far from zero something is.
fn size(of: Interval) -> Observed {
    let (lower, upper) = (of.lower().as_nanos(), of.upper().as_nanos());
    Observed {
        lower: lower.max(upper.saturating_neg()).max(0),
        upper: Some(lower.saturating_abs().max(upper.saturating_abs())),
    }
}

/// Whether it was asked as a server of the provider: of several paths to one, the first.
pub(super) fn is_asked(source: &SourceInfo) -> bool {
    source.kind == SourceKind::Ntp && source.path <= 1
}
