//! How a server answers many requests: whether it limits their rate, or keeps them waiting.

use super::super::verdict::{Observed, Verdict};
use super::requirement::{LOST, LOST_IN_BURST};
use super::{Finding, Ground};
use crate::estimate::SourceAssessment;
use crate::sample::{FIRST_REQUESTS, LossCause, Rejection, SourceId, SourceRecord};
use crate::stats::{QuantileEstimate, larger_share_by_chance, share_interval};

/// What chance does less often than this is no chance: one time in two hundred, for each of the two rows of requests
/// that a burst is compared with.
const CHANCE: f64 = 0.005;

/// How many requests were lost, of how many; without those that nobody waited for any more, or whose socket was gone.
pub(super) fn lost(of: &SourceRecord) -> (u64, u64) {
    let causes = of.incidents().lost.iter();
    let own = causes.filter(|(of, _)| matches!(of, LossCause::Interrupted | LossCause::Socket));
    let own = own.fold(0_u64, |sum, (_, n)| sum.saturating_add(*n));
    (
        of.lost_total().saturating_sub(own),
        of.sent().saturating_sub(own),
    )
}

/// How many answers were rejected for one of these reasons.
pub(super) fn rejected(of: &SourceRecord, why: &[Rejection]) -> u64 {
    let rejected = &of.incidents().rejected;
    let each = why.iter().filter_map(|why| rejected.get(why));
    each.fold(0, |sum, n| sum.saturating_add(*n))
}

/// Kiss codes by which a server refuses service.
pub(super) const REFUSALS: [Rejection; 2] = [Rejection::KissDeny, Rejection::KissRestrict];

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
    let kisses = |of| rejected(of, &[Rejection::KissRate]);
    let told = kisses(calm).saturating_add(burst.map_or(0, kisses));
    if told > 0 {
        return of(Verdict::Unfit, None, Ground::Kissed(told));
    }
    let Some(burst) = burst.filter(|burst| burst.sent() > 0) else {
        return of(Verdict::Undetermined, None, Ground::NoBurst);
    };
    // Who is refused only once he asks often is refused for that.
    let refusals = rejected(burst, &REFUSALS);
    if refusals > 0 && rejected(calm, &REFUSALS) == 0 {
        return of(Verdict::Unfit, None, Ground::Refuses(refusals));
    }
    let (in_burst, in_calm) = (lost(burst), lost(calm));
    // A rate that is limited lets the first ones pass. Where none did, and nothing was wrong until then, the server or
    // the way to it went down.
    let is_gone = in_burst.1 > 0 && in_burst.0 == in_burst.1;
    if is_gone && share(in_calm).against(LOST) != Verdict::Unfit {
        return of(
            Verdict::Undetermined,
            Some(share(in_burst)),
            Ground::Gone(in_burst.1),
        );
    }
    let observed = share(in_burst);
    let first = FIRST_REQUESTS.min(in_calm.1);
    let at_first = (calm.incidents().lost_at_first, first);
    // What was answered after the time-out was answered, by a server or to a host that has too much to do.
    let late = rejected(burst, &[Rejection::TooLate]);
    let unanswered = (in_burst.0.saturating_sub(late), in_burst.1);
    let is_more = |before| {
        share(unanswered).against(LOST_IN_BURST) == Verdict::Unfit
            && larger_share_by_chance(before, unanswered) < CHANCE
    };
    let ground = Ground::Lost {
        in_burst,
        in_calm,
        at_first,
        late,
    };
    let verdict = match observed.against(LOST_IN_BURST) {
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
