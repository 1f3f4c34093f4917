//! A server that contradicts the others, and what that looks like.

use crate::estimate::{Agreement, Apart};
use crate::sample::{Campaign, Leap, SourceId};
use crate::time::{Interval, TimeDelta, Timestamp};

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
    // What is proven to stand still is no smear on any day.
    let may_slope = |(lower, upper): (i64, i64)| {
        let positive = lower <= STEEPEST_SMEAR && upper >= FLATTEST_SMEAR;
        let negative = -upper <= STEEPEST_SMEAR && -lower >= FLATTEST_SMEAR;
        positive || negative
    };
    let is_smear = leap_is_near && moves.is_none_or(may_slope);
    match is_smear && is_within {
        true => Looks::Smeared,
        false => Looks::Wrong,
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

/// Between which rates a server's time moves against the others', in picoseconds each second; nothing of an instant.
pub(super) fn rate(apart: &Apart) -> Option<(i64, i64)> {
    let over = i128::from(apart.over.as_nanos());
    let parts = |by: TimeDelta, up: bool| {
        let scaled = i128::from(by.as_nanos()) * 1_000_000_000_000;
        let down = scaled.div_euclid(over);
        i64::try_from(if up { down + 1 } else { down }).ok()
    };
    if over <= 0 {
        return None;
    }
    let lower = parts(apart.last.lower() - apart.first.upper(), false)?;
    Some((
        lower,
        parts(apart.last.upper() - apart.first.lower(), true)?,
    ))
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
            looks(off(300, 301), Some((ppm(10), ppm(13))), true),
            Looks::Smeared
        );
        assert_eq!(
            looks(off(-301, -300), Some((ppm(-13), ppm(-10))), true),
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
        assert_eq!(
            looks(off(49, 51), Some((ppm(-2), ppm(2))), true),
            Looks::Wrong
        );
        // Where none is near, it is no smear, whatever it looks like.
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
            let at = Timestamp::from_nanos(seconds * 1_000_000_000);
            assert_eq!(is_end_of_half_year(at), near, "{}", at.utc());
        }
    }

    #[test]
    fn a_rate_is_what_lies_between_the_first_and_the_last_instant() {
        let (first, last) = (off(0, 1), off(12, 13));
        let apart = first.zip(last).map(|(first, last)| Apart {
            first,
            last,
            over: TimeDelta::from_secs(1_000),
            moved_at_least: TimeDelta::ZERO,
            moved_at_most: TimeDelta::ZERO,
        });
        let apart = apart.unwrap();
        assert_eq!(rate(&apart), Some((11_000_000, 13_000_001)));
        let at_once = Apart {
            over: TimeDelta::ZERO,
            ..apart
        };
        assert_eq!(rate(&at_once), None);
    }
}
