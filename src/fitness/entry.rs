//! [`Service`] and [`Grade`]: the entries of the catalogue.

use std::collections::BTreeMap;

use super::quantity::{self, Quantity};
use crate::time::{Frequency, TimeDelta};

/// What a service asks of clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its short name; what comes before a dash may group several.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Which clock it reads.
    pub clock: ClockRead,
    /// Which property of that clock matters.
    pub scope: Scope,
    /// What happens beyond its limit; without one, what any such error causes.
    pub severity: Severity,
    /// Whose clocks are compared.
    pub between: Option<Between>,
    /// In which direction alone the limit acts, of the first clock against the second.
    pub one_sided: Option<Side>,
    /// Its numbers.
    pub limits: Limits,
    /// Whether the later of two writes wins by their stamps: the data are wrong by the skew.
    pub last_write_wins: bool,
    /// What happens, in a sentence.
    pub consequence: String,
    /// The setting that holds the limit.
    pub config_key: String,
    /// Its default.
    pub default: String,
    /// Where that was read.
    pub source: String,
    /// In which version.
    pub version: String,
    /// Whether the source itself, or its official page, was read.
    pub verified: bool,
    /// Whether a number follows from settings, and is none itself.
    pub derived: bool,
    /// What one must know to judge by it.
    pub note: String,
    /// Who says so.
    pub origin: Origin,
}

/// What a provider may promise of clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grade {
    /// Its name.
    pub id: String,
    /// Its numbers.
    pub limits: Limits,
    /// Which services it is enough for.
    pub covers: String,
    /// Why its numbers are what they are.
    pub reason: String,
    /// Who says so.
    pub origin: Origin,
}

/// The numbers of an entry, in billionths of their unit, and which of them a site set itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub(super) values: BTreeMap<Quantity, i64>,
    pub(super) set: Vec<Quantity>,
}

impl Limits {
    /// A number that is a time.
    pub fn time(&self, of: Quantity) -> Option<TimeDelta> {
        self.values.get(&of).map(|value| quantity::time(*value))
    }

    /// A number that is a rate.
    pub fn rate(&self, of: Quantity) -> Option<Frequency> {
        self.values.get(&of).map(|value| quantity::rate(*value))
    }

    /// All numbers, in billionths of their unit, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Quantity, i64)> {
        self.values.iter().map(|(of, value)| (*of, *value))
    }

    /// Whether the site set it itself.
    pub fn is_set(&self, of: Quantity) -> bool {
        self.set.contains(&of)
    }
}

impl Service {
    /// Whether there is a number that a clock can be held against.
    pub fn has_limit(&self) -> bool {
        self.limits.iter().any(|(of, _)| of.is_limit())
    }
}

/// What services and grades have in common.
pub(super) trait Entry {
    /// What one is called in messages.
    const WHAT: &'static str;
    /// The numbers one may have.
    const NUMBERS: &'static [Quantity];

    fn id(&self) -> &str;
    fn origin(&self) -> &Origin;
    fn limits_mut(&mut self) -> &mut Limits;
    /// What of it cannot be true together: the field that says so, and why.
    fn contradiction(&self) -> Option<(&'static str, &'static str)>;
}

impl Entry for Service {
    const WHAT: &'static str = "service";
    const NUMBERS: &'static [Quantity] = Quantity::OF_SERVICES;

    fn id(&self) -> &str {
        &self.id
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let has = |of: Quantity| self.limits.values.contains_key(&of);
        let value = |of: Quantity| self.limits.values.get(&of).copied();
        let skew = Quantity::PairwiseSkew.name();
        if self.scope == Scope::None && self.has_limit() {
            return Some((
                "scope",
                "none means that no clock matters, and there is a limit",
            ));
        }
        if has(Quantity::PairwiseSkew) && self.between.is_none() {
            return Some((skew, "between must say whose clocks that is about"));
        }
        if self.one_sided.is_some() && !has(Quantity::PairwiseSkew) {
            return Some((
                "one_sided",
                "it is about max_pairwise_skew_s, which is missing",
            ));
        }
        match (value(Quantity::WarnedSkew), value(Quantity::PairwiseSkew)) {
            (Some(_), None) => Some((
                Quantity::WarnedSkew.name(),
                "it is the lower end of max_pairwise_skew_s, which is missing",
            )),
            (Some(warned), Some(most)) if warned > most => Some((
                Quantity::WarnedSkew.name(),
                "it is above max_pairwise_skew_s, which it should warn of",
            )),
            _ => None,
        }
    }
}

impl Entry for Grade {
    const WHAT: &'static str = "grade";
    const NUMBERS: &'static [Quantity] = Quantity::OF_GRADES;

    fn id(&self) -> &str {
        &self.id
    }

    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn limits_mut(&mut self) -> &mut Limits {
        &mut self.limits
    }

    fn contradiction(&self) -> Option<(&'static str, &'static str)> {
        let pairs = [
            (Quantity::OffsetMostly, Quantity::OffsetEver),
            (Quantity::SkewMostly, Quantity::SkewEver),
        ];
        let value = |of: Quantity| self.limits.values.get(&of).copied();
        let reversed = pairs
            .iter()
            .find(|(mostly, ever)| value(*mostly) > value(*ever));
        reversed.map(|(mostly, _)| (mostly.name(), "most of the time allows more than ever does"))
    }
}

/// Two clocks: the first is judged by the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between {
    /// Whose clock is judged.
    pub judged: String,
    /// By whose.
    pub by: String,
}

/// Who an entry is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It comes with the program.
    Builtin,
    /// A site's profile, by its name.
    Profile(String),
}

/// Words of the catalogue, one for each value of a field.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$of])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As the catalogue has it.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What a service is.
    Kind {
        /// Members that agree by vote.
        Quorum = "quorum",
        /// A database.
        Database = "database",
        /// Queues and logs.
        Messaging = "messaging",
        /// Files and objects.
        Storage = "storage",
        /// What a cloud is run by.
        ControlPlane = "control-plane",
        /// Metrics and alarms.
        Monitoring = "monitoring",
        /// Tokens, tickets and certificates.
        Auth = "auth",
        /// What tells programs the time and its error.
        TimeApi = "time-api",
        /// What keeps clocks.
        TimeDaemon = "time-daemon",
        /// A law or a standard.
        Regulation = "regulation",
    }
}

words! {
    /// Which clock a service reads.
    ClockRead {
        /// The time of day.
        Wall = "wall",
        /// One that no step moves.
        Monotonic = "monotonic",
        /// Each for something else.
        Both = "both",
    }
}

words! {
    /// Which property of a clock matters to a service.
    Scope {
        /// None.
        None = "none",
        /// What two clocks differ by.
        Pairwise = "pairwise",
        /// How far a clock is from UTC.
        Utc = "utc",
        /// That it is stepped.
        Step = "step",
        /// How fast it runs.
        Rate = "rate",
        /// Not established.
        Unknown = "unknown",
    }
}

words! {
    /// What happens beyond a limit.
    Severity {
        /// Nothing.
        None = "none",
        /// An alarm.
        Warn = "warn",
        /// Work is refused until clocks agree.
        Refuse = "refuse",
        /// The service ends itself.
        Terminate = "terminate",
        /// Data or answers are wrong, and nothing says so.
        Incorrect = "incorrect",
        /// A rule is broken.
        Regulatory = "regulatory",
        /// Not established.
        Unknown = "unknown",
    }
}

words! {
    /// A direction.
    Side {
        /// The judged clock is ahead.
        Ahead = "ahead",
        /// It is behind.
        Behind = "behind",
    }
}
