//! [`Exchange`]: four stamps of one request and its reply; [`Sample`]: an exchange in its place.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::StampSource;
use crate::time::{Interval, Monotonic, TimeDelta, Timestamp};

/// The four stamps T1..T4 of one request and its reply, kept as T1 and three differences.
///
/// ```text
/// server   --------T2=====T3--------
///                 /         \
/// local    -----T1-----------T4-----
/// U = T2 - T1   residence = T3 - T2   L = T3 - T4
/// offset = (U + L) / 2   delay = U - L          (RFC 5905 section 8)
/// ```
///
/// U and L are kept, not their midpoint: since no packet travels backwards in time, the true
/// offset lies in `[L, U]` whatever the path did.
///
/// ```
/// use clockfit::sample::{Exchange, StampSource};
/// use clockfit::time::{TimeDelta, Timestamp};
/// let us = TimeDelta::from_micros;
/// let x = Exchange {
///     t1: Timestamp::from_nanos(1_763_832_000_000_000_000),
///     upper: us(130), // 30 us ahead plus 100 us out
///     residence: us(5),
///     lower: us(-50), // 30 us ahead minus 80 us back
///     tx: StampSource::Kernel,
///     rx: StampSource::Kernel,
///     error: TimeDelta::NANOSECOND,
/// };
/// assert_eq!(x.offset(), us(40)); // off by half the asymmetry
/// assert_eq!(x.delay(), us(180));
/// assert!(x.interval(TimeDelta::ZERO).unwrap().contains(us(30)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// When the request left, on the local clock.
    pub t1: Timestamp,
    /// U = T2 - T1, rounded up: offset plus the way out, so the offset is at most this.
    pub upper: TimeDelta,
    /// T3 - T2: how long the server kept the request.
    pub residence: TimeDelta,
    /// L = T3 - T4, rounded down: offset minus the way back, so the offset is at least this.
    pub lower: TimeDelta,
    /// Who stamped T1.
    pub tx: StampSource,
    /// Who stamped T4.
    pub rx: StampSource,
    /// What the local stamps may be off by (the larger of the two).
    pub error: TimeDelta,
}

impl Exchange {
    /// (U + L) / 2, to nearest, ties to even. Off by half the difference of the two ways.
    pub fn offset(&self) -> TimeDelta {
        self.upper.midpoint(self.lower)
    }

    /// U - L: both ways together, without the server's residence.
    pub fn delay(&self) -> TimeDelta {
        self.upper - self.lower
    }

    /// When the request reached the server, on the server's clock.
    pub fn t2(&self) -> Timestamp {
        self.t1 + self.upper
    }

    /// When the reply left the server, on the server's clock.
    pub fn t3(&self) -> Timestamp {
        self.t2() + self.residence
    }

    /// When the reply arrived, on the local clock.
    pub fn t4(&self) -> Timestamp {
        self.t3() + (-self.lower)
    }

    /// `[L - e, U + e]` with e = error of the stamps + `server_precision`: holds the true offset of
    /// the server's clock from the local one. `None` where U + e < L - e, which no pair of running
    /// clocks can produce: something stepped in between.
    pub fn interval(&self, server_precision: TimeDelta) -> Option<Interval> {
        let e = self.error + server_precision;
        Interval::new(self.lower - e, self.upper + e)
    }
}

/// How the server was asked.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// RFC 5905: the server reads T3 before its reply leaves.
    Basic,
    /// RFC 9769: T3 is told by the next reply, read as the packet left.
    Interleaved,
    /// No packets: a clock of this host, read between two readings of the local clock. T2 and T3
    /// are its reading, T1 and T4 those around it.
    Reading,
    /// No exchange: an offset that another program estimated. U and L are both that offset, so the
    /// delay is zero and means nothing, and nothing is proven by it.
    Estimate,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 4] = [
        Self::Basic,
        Self::Interleaved,
        Self::Reading,
        Self::Estimate,
    ];

    /// One letter: `B`, `I`, `R`, `E`.
    pub const fn letter(self) -> char {
        match self {
            Self::Basic => 'B',
            Self::Interleaved => 'I',
            Self::Reading => 'R',
            Self::Estimate => 'E',
        }
    }

    /// The mode that [`letter`](Self::letter) names.
    pub fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.letter() == letter)
    }

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Interleaved => "interleaved",
            Self::Reading => "reading",
            Self::Estimate => "estimate",
        }
    }

    /// Whether U and L are those of an exchange, so that they prove something.
    pub const fn proves(self) -> bool {
        !matches!(self, Self::Estimate)
    }
}

/// What may share one distribution: the mode and the sources of both local stamps.
///
/// As text three letters, mode, T1, T4: `BKK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class {
    /// How the server was asked.
    pub mode: Mode,
    /// Who stamped T1.
    pub tx: StampSource,
    /// Who stamped T4.
    pub rx: StampSource,
}

impl Class {
    /// Whether one source stamped both ends. A mixed pair is biased by half the mismatch of its two
    /// sources and is never pooled with pure ones.
    pub fn is_pure(self) -> bool {
        self.tx == self.rx
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}{}",
            self.mode.letter(),
            self.tx.letter(),
            self.rx.letter()
        )
    }
}

/// A text that is not three letters of a [`Class`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected three letters: mode B, I, R or E, then the stamps of T1 and T4, each H, K, U or F"
)]
pub struct ParseClassError;

impl FromStr for Class {
    type Err = ParseClassError;

    fn from_str(text: &str) -> Result<Self, ParseClassError> {
        let mut letters = text.chars();
        let class = (|| {
            Some(Self {
                mode: Mode::from_letter(letters.next()?)?,
                tx: StampSource::from_letter(letters.next()?)?,
                rx: StampSource::from_letter(letters.next()?)?,
            })
        })();
        match (class, letters.next()) {
            (Some(class), None) => Ok(class),
            _ => Err(ParseClassError),
        }
    }
}

/// The least that [`Sample::at_error`] may say. Two clocks cannot be read together much faster than
/// that, and it lets a recording leave the usual value out: a sampler raises what is below.
pub const AT_ERROR_FLOOR: TimeDelta = TimeDelta::from_nanos(100);

/// One valid exchange, where it stands in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The four stamps.
    pub exchange: Exchange,
    /// How the server was asked.
    pub mode: Mode,
    /// The unsteered counter at T1.
    pub at: Monotonic,
    /// What `at` may be off by: half the time the two clocks took to be read together, and never
    /// less than [`AT_ERROR_FLOOR`].
    pub at_error: TimeDelta,
}

impl Sample {
    /// The class whose distribution this sample belongs to.
    pub fn class(&self) -> Class {
        Class {
            mode: self.mode,
            tx: self.exchange.tx,
            rx: self.exchange.rx,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_class_is_three_letters_and_nothing_else() {
        let class = Class {
            mode: Mode::Basic,
            tx: StampSource::Kernel,
            rx: StampSource::User,
        };
        assert_eq!(class.to_string(), "BKU");
        assert_eq!("BKU".parse(), Ok(class));
        for bad in ["", "B", "BK", "BKUU", "KKB", "bkk", "B\u{e9}K"] {
            assert_eq!(bad.parse::<Class>(), Err(ParseClassError), "{bad:?}");
        }
    }

    proptest! {
        /// House rule 5: whatever the two ways take, the true offset is inside.
        #[test]
        fn the_truth_is_inside_whatever_the_path_does(
            offset in -1_000_000_000_000i64..1_000_000_000_000,
            out in 0i64..1_000_000_000,
            back in 0i64..1_000_000_000,
            kept in 0i64..1_000_000_000,
            t1 in 0i64..2_000_000_000_000_000_000,
        ) {
            let ns = TimeDelta::from_nanos;
            let exchange = Exchange {
                t1: Timestamp::from_nanos(t1),
                upper: ns(offset + out),
                residence: ns(kept),
                lower: ns(offset - back),
                tx: StampSource::Kernel,
                rx: StampSource::Kernel,
                error: TimeDelta::ZERO,
            };
            prop_assert_eq!(exchange.delay(), ns(out + back));
            prop_assert_eq!(exchange.t4().since(exchange.t1), ns(out + kept + back));
            prop_assert!(exchange.interval(TimeDelta::ZERO).is_some_and(|i| i.contains(ns(offset))));
        }
    }
}
