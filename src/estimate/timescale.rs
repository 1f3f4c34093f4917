//! Whether a clock of this host keeps another time scale than it was taken to.

use super::WarningCode;
use crate::sample::{SourceInfo, SourceKind, Timescale};
use crate::time::TimeDelta;

/// TAI - UTC since 2017-01-01 (IERS Bulletin C 52); no further leap second is announced.
const TAI_MINUS_UTC: TimeDelta = TimeDelta::from_secs(37);

/// How near to it an offset suggests that nothing else is behind it: a clock that is off by half a
/// second for another reason has other troubles.
const NEAR_TAI: TimeDelta = TimeDelta::from_millis(500);

/// Time zones are whole quarter hours away from UTC (IANA time zone database).
const ZONE_STEP: TimeDelta = TimeDelta::from_secs(15 * 60);

/// How far at most: +14 hours, in Kiribati.
const FARTHEST_ZONE: TimeDelta = TimeDelta::from_secs(14 * 3600);

/// How near to one an offset suggests a time zone: what a real-time clock that is wrong by 20 ppm
/// gains or loses in some two weeks. One clock in fifteen that is wrong for another reason comes as
/// near by chance.
const NEAR_ZONE: TimeDelta = TimeDelta::from_secs(30);

/// What to say of a clock with this offset.
pub(super) fn doubt(info: &SourceInfo, offset: TimeDelta) -> Option<(WarningCode, String)> {
    if info.timescale != Timescale::Utc {
        return None;
    }
    match info.kind {
        SourceKind::Ntp | SourceKind::Burst | SourceKind::Embedded | SourceKind::Daemon => None,
        SourceKind::Phc => ((offset - TAI_MINUS_UTC).abs() < NEAR_TAI).then(|| {
            let text = "the clock is ahead by about 37 s, which is TAI - UTC: it may keep TAI, as PTP \
                        does (--phc-timescale tai)";
            (WarningCode::PerhapsTai, text.to_owned())
        }),
        SourceKind::Rtc => quarter_hours(offset).map(|quarters| {
            let sign = if quarters < 0 { '-' } else { '+' };
            let (hours, minutes) = (quarters.abs() / 4, quarters.abs() % 4 * 15);
            let text = format!(
                "the clock is off by about {sign}{hours}:{minutes:02} h, as time zones are: it may \
                 keep local time, which another system on this host may want"
            );
            (WarningCode::PerhapsLocalTime, text)
        }),
    }
}

/// How many quarter hours away the time zone is that an offset is near to; none where it is near to
/// no time zone, or to UTC itself.
fn quarter_hours(offset: TimeDelta) -> Option<i64> {
    if offset.abs() > FARTHEST_ZONE + NEAR_ZONE {
        return None;
    }
    let (nanos, step) = (offset.as_nanos(), ZONE_STEP.as_nanos());
    let quarters = (nanos + step / 2).div_euclid(step);
    let left = offset - ZONE_STEP.times(quarters);
    (quarters != 0 && left.abs() < NEAR_ZONE).then_some(quarters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(kind: SourceKind, timescale: Timescale, offset: TimeDelta) -> Option<WarningCode> {
        let info = SourceInfo {
            source: String::new(),
            address: String::new(),
            port: 0,
            kind,
            timescale,
            path: 0,
            local_clock: None,
        };
        doubt(&info, offset).map(|(code, _)| code)
    }

    #[test]
    fn a_ptp_clock_37_s_ahead_may_keep_tai() {
        let of = |kind, scale, millis| code(kind, scale, TimeDelta::from_millis(millis));
        let tai = Some(WarningCode::PerhapsTai);
        assert_eq!(of(SourceKind::Phc, Timescale::Utc, 37_400), tai);
        assert_eq!(of(SourceKind::Phc, Timescale::Utc, 36_600), tai);
        assert_eq!(of(SourceKind::Phc, Timescale::Utc, 37_600), None);
        assert_eq!(of(SourceKind::Phc, Timescale::Utc, -37_000), None);
        assert_eq!(of(SourceKind::Phc, Timescale::Tai, 37_000), None);
        assert_eq!(of(SourceKind::Rtc, Timescale::Utc, 37_000), None);
        assert_eq!(of(SourceKind::Ntp, Timescale::Utc, 37_000), None);
    }

    #[test]
    fn a_real_time_clock_off_by_a_time_zone_may_keep_local_time() {
        for (seconds, quarters) in [
            (0, None),
            (29, None),
            (-29, None),
            (899, Some(1)),
            (7_200 - 29, Some(8)),
            (7_200 + 29, Some(8)),
            (7_200 + 31, None),
            (7_200 - 31, None),
            (-12_600, Some(-14)),
            (-12_600 + 12, Some(-14)),
            (50_400, Some(56)),
            (51_300, None),
            (86_400, None),
            (i64::MAX / 1_000_000_000, None),
            (i64::MIN / 1_000_000_000, None),
        ] {
            let offset = TimeDelta::from_secs(seconds);
            assert_eq!(quarter_hours(offset), quarters, "{seconds}");
            let expected = quarters.map(|_| WarningCode::PerhapsLocalTime);
            assert_eq!(code(SourceKind::Rtc, Timescale::Utc, offset), expected);
            assert_eq!(code(SourceKind::Ntp, Timescale::Utc, offset), None);
        }
        assert_eq!(quarter_hours(TimeDelta::MAX), None);
    }

    #[test]
    fn a_time_zone_is_said_as_people_say_it() {
        let info = SourceInfo {
            source: String::new(),
            address: String::new(),
            port: 0,
            kind: SourceKind::Rtc,
            timescale: Timescale::Utc,
            path: 0,
            local_clock: None,
        };
        let (_, text) = doubt(&info, TimeDelta::from_secs(-12_600)).unwrap();
        assert!(text.contains("about -3:30 h"), "{text}");
    }
}
