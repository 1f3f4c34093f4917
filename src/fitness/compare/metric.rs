//! [`Metric`]: what runs are compared by, and [`Margin`]: how much worse is not held against one.

use std::collections::BTreeMap;

use crate::time::TimeDelta;

/// How much worse new runs may be where nothing else is said: 5 %, in parts per million. The 99th percentiles of
/// runs on one quiet host scatter by some 5 %; ten runs a side then tell a shift to within 5 %. A gate with a
/// smaller margin would need more runs than CI jobs have, or only ever warn.
pub const DEFAULT_MARGIN: Margin = Margin::Share(50_000);

/// The same for lost requests, of which one in a hundred more is no news on a network that drops any. Other than
/// of times no share is taken of them: twice as many as none are none.
pub const LOSS_MARGIN: Margin = Margin::Share(10_000);

/// One number of a run; less is better in each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Half of the offsets are no further than this from the median of the hour around them.
    JitterP50,
    /// 95 % are not.
    JitterP95,
    /// 99 % are not.
    JitterP99,
    /// The median delay.
    DelayP50,
    /// The 95th percentile of the delay.
    DelayP95,
    /// The 99th percentile of the delay.
    DelayP99,
    /// How wide the interval is that must hold the true offset at the end of the run.
    BoundWidth,
    /// Requests without an answer, as a share of those sent.
    Loss,
}

impl Metric {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::JitterP50,
        Self::JitterP95,
        Self::JitterP99,
        Self::DelayP50,
        Self::DelayP95,
        Self::DelayP99,
        Self::BoundWidth,
        Self::Loss,
    ];

    /// What is compared where nothing else is asked for: what is usual and what is rare of both kinds, what is
    /// proven, and what is lost. Six, because all intervals are to hold at once: five runs a side are enough
    /// for six intervals, and for no seventh.
    pub const DEFAULT: [Self; 6] = [
        Self::JitterP50,
        Self::JitterP99,
        Self::DelayP50,
        Self::DelayP99,
        Self::BoundWidth,
        Self::Loss,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::JitterP50 => "jitter_p50",
            Self::JitterP95 => "jitter_p95",
            Self::JitterP99 => "jitter_p99",
            Self::DelayP50 => "delay_p50",
            Self::DelayP95 => "delay_p95",
            Self::DelayP99 => "delay_p99",
            Self::BoundWidth => "bound_width",
            Self::Loss => "loss",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Whether it is a share, in parts per million; else it is a time, in nanoseconds.
    pub fn is_share(self) -> bool {
        self == Self::Loss
    }
}

/// How much worse is not held against a new run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Margin {
    /// In parts per million: of a time, of what it was; of a share, that much more of the whole.
    Share(i64),
    /// So much longer.
    Time(TimeDelta),
}

/// A margin that is none for this metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is a share of the requests: its margin is one, too, as in {}=1%", .0.name(), .0.name())]
pub struct UnfitMargin(Metric);

/// The margins of all metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Margins {
    times: Option<Margin>,
    own: BTreeMap<Metric, Margin>,
}

impl Margins {
    /// Sets it for one metric, or for all that are times.
    ///
    /// # Errors
    /// A time is no margin of a share.
    pub fn set(&mut self, metric: Option<Metric>, margin: Margin) -> Result<(), UnfitMargin> {
        match (metric, margin) {
            (Some(metric), Margin::Time(_)) if metric.is_share() => {
                return Err(UnfitMargin(metric));
            }
            (Some(metric), _) => {
                self.own.insert(metric, margin);
            }
            (None, _) => self.times = Some(margin),
        }
        Ok(())
    }

    /// That of a metric.
    pub fn of(&self, metric: Metric) -> Margin {
        let other = match metric.is_share() {
            true => LOSS_MARGIN,
            false => self.times.unwrap_or(DEFAULT_MARGIN),
        };
        self.own.get(&metric).copied().unwrap_or(other)
    }
}
