//! A server that contradicts the others, and what that looks like; and one whose time moves against theirs.

use super::super::verdict::Observed;
use crate::estimate::{Agreement, RateBounds, SourceAssessment};
use crate::sample::{Campaign, Leap, SourceId};
use crate::stats::{Claimed, most_agreed};
use crate::time::{Interval, NANOS_PER_SEC, TimeDelta, Timestamp};

/// The slope of a leap second that is smeared over a day, as public servers do it, in picoseconds each second:
/// 1/86 400.
const SMEAR: i64 = 11_574_074;
/// Whoever smears over 20 hours, or along a cosine, has up to twice that.
const STEEPEST_SMEAR: i64 = 2 * SMEAR;
/// And no less than a quarter for most of the time.
const FLATTEST_SMEAR: i64 = SMEAR / 4;
/// How far a server that smears is from others at most: the second itself, and something for the bounds.
const SMEARED: TimeDelta = TimeDelta::from_millis(1_100);

/// What a contradiction looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// A clock that is wrong.
    Wrong,
    /// It has a leap second that the others have not, or the reverse.
    WholeSecond,
    /// A leap second that one spreads over hours, and the others do not.
    Smeared,
}

/// How far a server is from what the majority agrees on: its time minus theirs.
pub(super) fn from_majority(agreement: Option<&Agreement>, server: SourceId) -> Option<Interval> {
    let agreement = agreement.filter(|of| of.majority)?;
    let member = agreement.members.iter().find(|of| of.source == server)?;
    Interval::new(
        member.offset.lower() - agreement.offset.upper(),
        member.offset.upper() - agreement.offset.lower(),
    )
}

/// What a contradiction looks like, by how far the server is off, how it moves, and whether a leap second is near.
pub(super) fn looks(off: Option<Interval>, moves: Option<(i64, i64)>, leap_is_near: bool) -> Looks {
    let Some(off) = off else {
        return Looks::Wrong;
    };
    let second = TimeDelta::from_secs(1);
    let is_narrow = off.width() < TimeDelta::from_millis(500);
    if is_narrow && (off.contains(second) || off.contains(-second)) {
        return Looks::WholeSecond;
    }
    let is_within = off.lower() > -SMEARED && off.upper() < SMEARED;
    let slopes = |(lower, upper): (i64, i64)| {
        let positive = lower > 0 && lower <= STEEPEST_SMEAR && upper >= FLATTEST_SMEAR;
        let negative = upper < 0 && -upper <= STEEPEST_SMEAR && -lower >= FLATTEST_SMEAR;
        positive || negative
    };
    match moves.is_some_and(slopes)
        || (leap_is_near && moves.is_none_or(|(a, b)| a <= STEEPEST_SMEAR && b >= -STEEPEST_SMEAR))
    {
        true if is_within => Looks::Smeared,
        _ => Looks::Wrong,
    }
}

/// Whether a leap second may be near: one is announced, or it is the time of the year.
pub(super) fn leap_is_near(campaign: &Campaign) -> bool {
    let announced = |leap: Leap| matches!(leap, Leap::Insert | Leap::Delete);
    let sources = campaign.sources.iter();
    let mut told = sources.flat_map(|of| &of.servers).map(|(_, of)| of.leap);
    told.any(announced) || is_end_of_half_year(campaign.header.started)
}

/// The last day of June or December, or the first of the month after.
fn is_end_of_half_year(at: Timestamp) -> bool {
    let date = at.utc().to_string();
    matches!(date.get(5..10), Some("06-30" | "07-01" | "12-31" | "01-01"))
}

/// The rates of a server's clock in each stretch that has bounds, with the instants it lasts.
fn rates(of: &SourceAssessment) -> Vec<(Timestamp, Timestamp, RateBounds)> {
    let stretches = of.timing.stretches.iter();
    stretches
        .filter_map(|of| Some((of.from, of.to, of.rate?)))
        .collect()
}

/// How a server's rate stands to that on which most of the others agree, in picoseconds each second, and how long that
/// was looked at: of all stretches the one in which most is proven.
pub(super) fn moves(
    of: &SourceAssessment,
    others: &[&SourceAssessment],
) -> Option<((i64, i64), TimeDelta)> {
    let parts = |of: RateBounds| (of.lower.as_parts(), of.upper.as_parts());
    let mut most: Option<((i64, i64), TimeDelta)> = None;
    for (from, to, rate) in rates(of) {
        let at_the_time = others.iter().filter_map(|other| {
            let all = rates(other);
            let found = all.into_iter().find(|(a, b, _)| *a < to && from < *b);
            found.map(|(_, _, rate)| {
                let (lower, upper) = parts(rate);
                Claimed { lower, upper }
            })
        });
        let claims: Vec<Claimed> = at_the_time.collect();
        let Some(agreed) = most_agreed(&claims).filter(|agreed| agreed.votes * 2 > claims.len())
        else {
            continue;
        };
        let (lower, upper) = parts(rate);
        let against = (
            lower.saturating_sub(agreed.upper),
            upper.saturating_sub(agreed.lower),
        );
        let proven = |(lower, upper): (i64, i64)| lower.max(upper.saturating_neg());
        if most.is_none_or(|(before, _)| proven(before) < proven(against)) {
            most = Some((against, to.since(from)));
        }
    }
    most
}

/// By how much a clock moves in a time, either way, at a rate between these.
pub(super) fn moved((lower, upper): (i64, i64), time: TimeDelta) -> Observed {
    let by = |parts: i64| {
        let seconds = i128::from(time.as_nanos());
        let nanos = i128::from(parts) * seconds / (i128::from(NANOS_PER_SEC) * 1_000);
        i64::try_from(nanos).unwrap_or(i64::MAX)
    };
    let most = by(lower.saturating_abs().max(upper.saturating_abs()));
    Observed {
        lower: by(lower.max(upper.saturating_neg()).max(0)),
        upper: Some(most.saturating_add(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off(lower_ms: i64, upper_ms: i64) -> Option<Interval> {
        Interval::new(
            TimeDelta::from_millis(lower_ms),
            TimeDelta::from_millis(upper_ms),
        )
    }

    #[test]
    fn a_leap_second_is_told_from_a_clock_that_is_wrong() {
        let ppm = |n: i64| n * 1_000_000;
        assert_eq!(
            looks(off(49, 51), Some((ppm(-3), ppm(3))), false),
            Looks::Wrong
        );
        assert_eq!(looks(off(990, 1_010), None, false), Looks::WholeSecond);
        assert_eq!(looks(off(-1_010, -990), None, false), Looks::WholeSecond);
        assert_eq!(
            looks(off(300, 301), Some((ppm(10), ppm(13))), false),
            Looks::Smeared
        );
        assert_eq!(
            looks(off(-301, -300), Some((ppm(-13), ppm(-10))), false),
            Looks::Smeared
        );
        // A crystal that runs away is none, nor is a clock that is off by minutes.
        assert_eq!(
            looks(off(300, 301), Some((ppm(90), ppm(95))), true),
            Looks::Wrong
        );
        assert_eq!(
            looks(off(60_000, 60_001), Some((ppm(10), ppm(13))), true),
            Looks::Wrong
        );
        // Where a leap second is near, less will do.
        assert_eq!(
            looks(off(300, 301), Some((ppm(-3), ppm(20))), true),
            Looks::Smeared
        );
        assert_eq!(
            looks(off(300, 301), Some((ppm(-3), ppm(20))), false),
            Looks::Wrong
        );
    }

    #[test]
    fn leap_seconds_come_at_the_end_of_june_and_december() {
        // 2016-12-31 18:00, 2017-01-01 12:00, and days of no leap second.
        for (seconds, near) in [
            (1_483_207_200, true),
            (1_483_272_000, true),
            (1_467_331_200, true),
            (1_483_120_000, false),
            (1_483_380_000, false),
            (1_479_038_400, false),
        ] {
            let at = Timestamp::from_nanos(seconds * NANOS_PER_SEC);
            assert_eq!(is_end_of_half_year(at), near, "{}", at.utc());
        }
    }

    #[test]
    fn a_rate_moves_a_clock_by_its_time() {
        let minute = TimeDelta::from_secs(60);
        let told = moved((10_000_000, 13_000_000), minute);
        assert_eq!(
            told,
            Observed {
                lower: 600_000,
                upper: Some(780_001)
            }
        );
        assert_eq!(moved((-1_000_000, 2_000_000), minute).lower, 0);
    }
}
