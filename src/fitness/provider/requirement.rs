//! [`Requirement`]: what is asked of a provider's servers, and where that is from.

use crate::time::TimeDelta;

/// What is asked of a provider's servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// So many servers at least.
    Servers,
    /// Each address answers.
    Answers,
    /// Each is near.
    Local,
    /// None says that its clock is not synchronised.
    Synchronised,
    /// By its own word none is far from UTC.
    RootDistance,
    /// None contradicts the others.
    Agreement,
    /// Whichever is lost, the others agree without it.
    LosesAny,
    /// Not all of them hang on one clock.
    Upstreams,
    /// None of them moves against the others.
    Steady,
    /// None lets requests go unanswered because there are many.
    NotRateLimited,
    /// None keeps requests waiting because there are many.
    BurstDelay,
    /// None says more than it is asked.
    NoAmplification,
}

/// What a requirement's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Nanoseconds.
    Time,
    /// Millionths of what was asked.
    Share,
    /// Whole things.
    Number,
}

/// How long the way to a local server and back may take: light needs 1 ms for 100 km of fibre and back, so this is
/// a region of 200 km. A proposal: scs-0129 says "local", and gives no number.
pub const LOCAL: TimeDelta = TimeDelta::from_millis(2);

/// How many requests may be lost at all times, in millionths: a fifth. A client that gives a server up after eight
/// losses in a row (RFC 5905 section 9.2: reach) then does so once in 390 000 times that it asks.
pub const LOST: i64 = 200_000;

/// How many requests of a burst may be lost, in millionths: a tenth, so that two of eighty decide nothing against it.
pub const LOST_IN_BURST: i64 = 100_000;

/// At least so many clocks stand behind the servers: with one, all of them are wrong together when it is.
pub const LEAST_UPSTREAMS: usize = 2;

impl Requirement {
    /// All of them, in the order they are told.
    pub const ALL: [Self; 12] = [
        Self::Servers,
        Self::Answers,
        Self::Local,
        Self::Synchronised,
        Self::RootDistance,
        Self::Agreement,
        Self::LosesAny,
        Self::Upstreams,
        Self::Steady,
        Self::NotRateLimited,
        Self::BurstDelay,
        Self::NoAmplification,
    ];

    /// Its name for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Servers => "three-servers",
            Self::Answers => "answers",
            Self::Local => "local-servers",
            Self::Synchronised => "synchronised",
            Self::RootDistance => "root-distance",
            Self::Agreement => "servers-agree",
            Self::LosesAny => "loses-any",
            Self::Upstreams => "upstreams",
            Self::Steady => "steady",
            Self::NotRateLimited => "not-rate-limited",
            Self::BurstDelay => "burst-delay",
            Self::NoAmplification => "no-amplification",
        }
    }

    /// What it asks, as the end of "are there", "do all"...
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Servers => "at least three servers answer",
            Self::Answers => "every address answers, and loses few requests",
            Self::Local => "every server is near: the way there and back",
            Self::Synchronised => "every server says that its clock is synchronised",
            Self::RootDistance => "every server is near UTC by its own word",
            Self::Agreement => "the servers agree",
            Self::LosesAny => "whichever server is lost, a majority of the others agrees",
            Self::Upstreams => "the servers hang on more than one clock",
            Self::Steady => "no server's time moves against the others'",
            Self::NotRateLimited => "many requests are answered as well as few",
            Self::BurstDelay => "many requests are answered as soon as few",
            Self::NoAmplification => "no packet is answered with more than it has",
        }
    }

    /// Where it is from.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Servers => "scs-0129: a provider runs at least three local NTP servers",
            Self::Answers => {
                "a server that does not answer is none; one request in five is a proposal (chronyd gives a server up \
                 after eight losses in a row)"
            }
            Self::Local => {
                "scs-0129: local servers; the number is a proposal, 200 km of fibre and back, and half of the way is in \
                 every bound"
            }
            Self::Synchronised => "RFC 5905 section 7.3: leap indicator and stratum",
            Self::RootDistance => {
                "the grade standard: no guest can be shown to be nearer to UTC than its servers say they are"
            }
            Self::Agreement => {
                "RFC 5905 section 11.2.1: a server that contradicts a majority is a falseticker"
            }
            Self::LosesAny => {
                "RFC 8633 section 3.2: with two left that disagree nobody knows which of them is right"
            }
            Self::Upstreams => {
                "scs-0129: each server has five upstream servers or good local sources; of these only what it follows \
                 is seen"
            }
            Self::Steady => {
                "RFC 8633 section 3.7.1: servers that smear leap seconds and others do not go together; what a time may \
                 move by in a run is what the grade standard allows a clock to be off"
            }
            Self::NotRateLimited => {
                "scs-0129: not rate limited, since all guests behind one address translation are one client"
            }
            Self::BurstDelay => {
                "half of what an answer is late by may be error; the limit is that of the grade standard"
            }
            Self::NoAmplification => {
                "RFC 8633 section 3.4 and CVE-2013-5211: such servers serve to flood others"
            }
        }
    }

    /// What its numbers count.
    pub const fn counts(self) -> Counted {
        match self {
            Self::Local
            | Self::RootDistance
            | Self::Agreement
            | Self::Steady
            | Self::BurstDelay => Counted::Time,
            Self::Answers | Self::NotRateLimited => Counted::Share,
            Self::Servers
            | Self::Synchronised
            | Self::LosesAny
            | Self::Upstreams
            | Self::NoAmplification => Counted::Number,
        }
    }
}
