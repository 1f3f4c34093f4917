//! How a server answers many requests: whether it limits their rate, or keeps them waiting.

use super::super::verdict::{Observed, Verdict};
use super::requirement::LOST;
use super::{Finding, Ground};
use crate::estimate::SourceAssessment;
use crate::sample::{FIRST_REQUESTS, Rejection, SourceId, SourceRecord};
use crate::stats::{QuantileEstimate, larger_share_by_chance, share_interval};

/// What chance does less often than this is no chance: one time in two hundred, for each of the two rows of requests
/// that a burst is compared with.
const CHANCE: f64 = 0.005;

/// Requests, and how many of them were lost.
fn lost(of: &SourceRecord) -> (u64, u64) {
    (of.lost_total(), of.sent())
}

/// How often a server said that it is asked too often.
fn kisses(of: &SourceRecord) -> u64 {
    let rejected = &of.incidents().rejected;
    rejected.get(&Rejection::KissRate).copied().unwrap_or(0)
}

/// Between which shares one is.
pub(super) fn share((lost, sent): (u64, u64)) -> Observed {
    let (lower, upper) = share_interval(lost, sent);
    Observed {
        lower: lower.into(),
        upper: Some(upper.into()),
    }
}

/// Whether requests go unanswered because there are many. A path that loses requests at all times is told apart by what
/// it lost before.
pub(super) fn rate_limit(
    id: SourceId,
    calm: &SourceRecord,
    burst: Option<&SourceRecord>,
) -> Finding {
    let of = |verdict, observed, ground| Finding {
        server: Some(id),
        verdict,
        observed,
        ground,
    };
    let told = kisses(calm) + burst.map_or(0, kisses);
    if told > 0 {
        return of(Verdict::Unfit, None, Ground::Kissed(told));
    }
    let Some(burst) = burst.filter(|burst| burst.sent() > 0) else {
        return of(Verdict::Undetermined, None, Ground::NoBurst);
    };
    let (in_burst, in_calm) = (lost(burst), lost(calm));
    let observed = share(in_burst);
    let first = FIRST_REQUESTS.min(in_calm.1);
    let at_first = (calm.incidents().lost_at_first, first);
    let is_more = |before| larger_share_by_chance(before, in_burst) < CHANCE;
    let ground = Ground::Lost {
        in_burst,
        in_calm,
        at_first,
    };
    let verdict = match observed.against(LOST) {
        // The path may lose as many at all times.
        Verdict::Unfit if is_more(at_first) || is_more(in_calm) => Verdict::Unfit,
        Verdict::Fit => Verdict::Fit,
        _ => Verdict::Undetermined,
    };
    of(verdict, Some(observed), ground)
}

/// By how much longer requests take when there are many.
pub(super) fn delay_growth(
    calm: &SourceAssessment,
    burst: Option<&SourceAssessment>,
) -> Option<Observed> {
    let burst = burst?;
    // By who stamped, and how it was asked: others are not to be compared.
    let pairs = burst.classes.iter().filter_map(|busy| {
        let quiet = calm.classes.iter().find(|of| of.class == busy.class)?;
        match (quiet.delay.p50, busy.delay.p50) {
            (
                QuantileEstimate::Known {
                    lower: a, upper: b, ..
                },
                QuantileEstimate::Known {
                    lower: c, upper: d, ..
                },
            ) => Some(Observed {
                lower: c.saturating_sub(b).max(0),
                upper: Some(d.saturating_sub(a).max(0)),
            }),
            _ => None,
        }
    });
    let mut pairs = pairs;
    pairs.next()
}
