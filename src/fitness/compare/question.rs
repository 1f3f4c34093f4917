//! [`Question`]: what is asked about two sides, and [`CannotCompare`]: why there is no answer.

use super::metric::{Margins, Metric};
use crate::stats::Probability;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What runs are compared by.
    pub metrics: Vec<Metric>,
    /// Whether these were asked for by name: then no answer for one is no answer at all. Otherwise one that
    /// too few old runs have is left out.
    pub named: bool,
    /// How much worse is not held against a new run.
    pub margins: Margins,
    /// With which probability all intervals hold the truth at once.
    pub confidence: Probability,
    /// Which sources are compared with each other; none for all that both sides have.
    pub pairs: Vec<Pair>,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            metrics: Metric::DEFAULT.to_vec(),
            named: false,
            margins: Margins::default(),
            confidence: Probability::P95,
            pairs: Vec::new(),
        }
    }
}

/// A source of old runs and the one of new runs that is held against it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    /// Its name in BASE.
    pub base: String,
    /// Its name in NEW.
    pub new: String,
}

/// Why there is nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotCompare {
    /// One run counts once.
    #[error(
        "{first} and {second} are one run ({id}), and a run counts once: leave one of them out"
    )]
    Twice {
        /// The run.
        id: String,
        /// Where it was first.
        first: String,
        /// Where it was again.
        second: String,
    },
    /// One that has no name is known by what it measured, and when.
    #[error(
        "{first} and {second} are one run: both began at the same instant and measured exactly the same, and a run \
         counts once: leave one of them out"
    )]
    Alike {
        /// Where it was first.
        first: String,
        /// Where it was again.
        second: String,
    },
    /// The sides asked different sources.
    #[error(
        "BASE and NEW have no source in common: BASE asked {}, NEW asked {}; --source A=B compares A of BASE with \
         B of NEW", some(.base), some(.new)
    )]
    NothingInCommon {
        /// What BASE asked.
        base: Vec<String>,
        /// What NEW asked.
        new: Vec<String>,
    },
    /// A source that was asked for is not there.
    #[error("--source: no run of {side} asked {name}; they asked {}", some(.has))]
    NoSuchSource {
        /// BASE or NEW.
        side: &'static str,
        /// What was asked for.
        name: String,
        /// What there is.
        has: Vec<String>,
    },
    /// No interval has that confidence.
    #[error("--confidence: an interval has more than 0 % and less than 100 %; 95 % is usual")]
    Confidence,
}

/// The first of some, and how many more.
pub fn some(of: &[String]) -> String {
    const MOST: usize = 3;
    let shown = |text: &String| match text.is_empty() {
        true => "none".to_owned(),
        false => text.clone(),
    };
    let first: Vec<String> = of.iter().take(MOST).map(shown).collect();
    match (first.is_empty(), of.len().saturating_sub(MOST)) {
        (true, _) => "none".to_owned(),
        (_, 0) => first.join("; "),
        (_, more) => format!("{} and {more} more", first.join("; ")),
    }
}
