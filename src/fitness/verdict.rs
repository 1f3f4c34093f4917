//! [`Verdict`] and what stands behind it: requirement, limit, what was observed, and why.

use super::quantity::Quantity;
use crate::sample::SourceId;
use crate::time::TimeDelta;

/// What evidence says of a limit. The worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All that may be true is within the limit.
    Fit,
    /// Some of it is within, some beyond.
    Undetermined,
    /// All of it is beyond.
    Unfit,
}

/// What may be true of a quantity: in billionths of its unit, from the first to the second, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// It is at least this...
    pub lower: i64,
    /// ...and at most this; absent where nothing limits it.
    pub upper: Option<i64>,
}

impl Observed {
    /// Exactly that.
    pub(super) fn exactly(value: i64) -> Self {
        Self {
            lower: value,
            upper: Some(value),
        }
    }

    /// How it stands to a limit; at the limit is within it.
    pub(super) fn against(self, limit: i64) -> Verdict {
        match self.upper {
            Some(upper) if upper <= limit => Verdict::Fit,
            _ if self.lower > limit => Verdict::Unfit,
            _ => Verdict::Undetermined,
        }
    }
}

/// What is claimed of a host by a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The distance from UTC, by the word of the servers: what they say they may be off by is in it.
    Utc,
    /// That the host keeps to its half of what two may differ by. The other half is another's; two that err
    /// alike may differ by less than either does from the reference.
    Share,
    /// Something of this host alone: its steps, its rate, what its kernel says.
    Host,
}

/// Why a verdict is what it is, or what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// All of it is the word of one server.
    OneServer(SourceId),
    /// At some instants no majority of the servers agreed: these contradicted another then.
    NoMajority(Vec<SourceId>),
    /// These contradicted the majority, and were outvoted.
    Dissent(Vec<SourceId>),
    /// It was not observed for long enough.
    Short {
        /// How long it was.
        observed: TimeDelta,
    },
    /// There were not enough exchanges.
    Few {
        /// How many there were.
        exchanges: u64,
    },
    /// The limit lies inside of what may be true.
    WithinBound,
    /// The service is sensitive, and no limit is known.
    NoLimit,
    /// Of two parts that hosts have this one does not keep the limit in one.
    Parts {
        /// The part in which it does not.
        fails: String,
        /// The other.
        other: String,
        /// Whether it keeps it in the other; else that is not decided.
        keeps: bool,
    },
    /// The local clock was not watched from beginning to end.
    NotWatched,
    /// The kernel does not say what its clock may be off by.
    KernelSilent,
    /// One that does not keep its share may still be near another that errs alike.
    MayShareError,
}

/// What would decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A bound at most so wide either way: servers so near, root distance and half of the round trip together.
    Bound(TimeDelta),
    /// So much time of observation.
    Observe(TimeDelta),
    /// So many exchanges.
    Exchanges(u64),
    /// Servers of which a majority agrees: at least three.
    Servers,
    /// What the other hosts observed.
    Peers,
    /// The part that this host has.
    Part,
}

/// One number held against what was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub quantity: Quantity,
    /// The limit as the entry has it, in billionths of its unit.
    pub limit: i64,
    /// What this host may use of it: all, or its share.
    pub allowed: i64,
    /// What is claimed.
    pub claim: Claim,
    /// What may be true; absent where nothing is known.
    pub observed: Option<Observed>,
    /// What that says.
    pub verdict: Verdict,
    /// Whether it only warns, and decides nothing.
    pub advisory: bool,
    /// Whether the site set the limit itself.
    pub set: bool,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What would decide, of one that is undetermined.
    pub needs: Vec<Need>,
}

impl Check {
    /// How much is left to what is allowed, of one that is fit; how much it is beyond, negative, of one that is
    /// not.
    pub fn reserve(&self) -> Option<i64> {
        let observed = self.observed?;
        match self.verdict {
            Verdict::Fit => Some(self.allowed.saturating_sub(observed.upper?)),
            Verdict::Unfit => Some(self.allowed.saturating_sub(observed.lower)),
            Verdict::Undetermined => None,
        }
    }
}

/// What is said of a service or a grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was judged.
    Judged(Verdict),
    /// No clock's offset matters to it.
    NotSensitive,
    /// It orders by clocks, and no limit would say whether that is good enough: the window is told.
    Reorders,
}

impl Outcome {
    /// Of a service that is sensitive: by its worst limit, or without any, where the last write wins, by whether
    /// the window is known. `None` without either.
    pub(super) fn of(worst: Option<Verdict>, window_is_known: Option<bool>) -> Option<Self> {
        match (worst, window_is_known) {
            (Some(verdict), _) => Some(Self::Judged(verdict)),
            (None, Some(true)) => Some(Self::Reorders),
            (None, Some(false)) => Some(Self::Judged(Verdict::Undetermined)),
            (None, None) => None,
        }
    }

    /// What it counts as where several are put together: what cannot fail is fit.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Judged(verdict) => verdict,
            Self::NotSensitive | Self::Reorders => Verdict::Fit,
        }
    }

    /// Whether there was anything to judge.
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Judged(_))
    }
}

/// A service or a grade, judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Its name.
    pub id: String,
    /// What is said of it.
    pub outcome: Outcome,
    /// Each of its numbers.
    pub checks: Vec<Check>,
    /// How far the writes of two hosts like this one may be swapped, where the last one wins: nanoseconds.
    pub reorder: Option<Observed>,
    /// Why there is no number to judge by.
    pub reasons: Vec<Reason>,
}
