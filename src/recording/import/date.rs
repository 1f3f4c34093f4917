//! Dates of logs as instants, and stamps that count seconds since 1900.
//!
//! All of them are UTC without leap seconds, as POSIX counts and as the clocks behind the logs do.

use super::number::{Decimal, PARTS_PER_NANO, PARTS_PER_SEC, nanos_down, nanos_up};
use crate::time::{NANOS_PER_SEC, TimeDelta, Timestamp};

const SECS_PER_DAY: i64 = 86_400;
/// The Modified Julian Day of 1970-01-01.
const MJD_1970: i64 = 40_587;
/// Seconds from 1900-01-01 to 1970-01-01 (RFC 5905 figure 4).
const NTP_1970: i128 = 2_208_988_800;
/// Seconds after which the 32 bits of an NTP stamp begin anew.
const ERA_SECS: i64 = 1 << 32;
const ERA_PARTS: i128 = (1 << 32) * PARTS_PER_SEC;

/// `2026-11-25` and `20:20:37`, of years with four digits, as far as 64-bit nanoseconds reach (1677 to
/// 2262).
pub(super) fn civil(date: &[u8], time: &[u8]) -> Option<Timestamp> {
    let [year, month, day] = numbers(date, b'-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, b':', [2, 2, 2])?;
    let in_range = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let days = days_before(year, month) + day - 1 - days_before(1970, 1);
    let seconds = days * SECS_PER_DAY + hour * 3600 + minute * 60 + second;
    let nanos = seconds.checked_mul(NANOS_PER_SEC).filter(|_| in_range)?;
    Some(Timestamp::from_nanos(nanos))
}

/// Three numbers of so many digits each.
fn numbers(text: &[u8], between: u8, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(|b| *b == between);
    let mut next = |width| {
        let part = parts.next()?;
        let digits = part.len() == width && part.iter().all(u8::is_ascii_digit);
        let append = |n, b: &u8| n * 10 + i64::from(b - b'0');
        digits.then(|| part.iter().fold(0, append))
    };
    let [a, b, c] = widths;
    let found = [next(a)?, next(b)?, next(c)?];
    parts.next().is_none().then_some(found)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar before the first of a month, from the start of year 1.
fn days_before(year: i64, month: i64) -> i64 {
    let past = year - 1;
    let years = 365 * past + past / 4 - past / 100 + past / 400;
    years + (1..month).map(|m| days_of(year, m)).sum::<i64>()
}

/// A Modified Julian Day of five digits (until 2132) and the seconds since its midnight, with decimals, as
/// ntpd writes both: the instant, and what it may be off by.
///
/// ntpd counts days from 32 bits of seconds that begin anew in 2036, so days before 1970 are taken to
/// be 2^32 s later.
pub(super) fn julian(day: &[u8], seconds: Decimal) -> Option<(Timestamp, TimeDelta)> {
    let digits = day.len() == 5 && day.iter().all(u8::is_ascii_digit) && seconds.decimals() > 0;
    let append = |n, b: &u8| n * 10 + i64::from(b - b'0');
    let day = digits.then(|| day.iter().fold(0, append))?;
    let (down, _) = seconds.parts()?;
    // A second more than a day has: the last of a day with a leap second.
    let in_day = (0..=i128::from(SECS_PER_DAY) * PARTS_PER_SEC + PARTS_PER_SEC).contains(&down);
    let midnight = (day - MJD_1970) * SECS_PER_DAY;
    let midnight = if midnight < 0 {
        midnight + ERA_SECS
    } else {
        midnight
    };
    let since = nanos_down(down).filter(|_| in_day)?.as_nanos();
    let nanos = midnight.checked_mul(NANOS_PER_SEC)?.checked_add(since)?;
    Some((Timestamp::from_nanos(nanos), nanos_up(seconds.quantum()?)?))
}

/// A stamp as seconds since 1900 in decimals: of whichever era, so only differences and an instant
/// nearby tell when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NtpSeconds {
    /// In parts of 10^-18 s, rounded down and up.
    down: i128,
    up: i128,
}

impl NtpSeconds {
    /// None for what no era holds: a negative number, or one of more than 32 bits.
    pub(super) fn of(text: Decimal) -> Option<Self> {
        let (down, up) = text.parts()?;
        (0..ERA_PARTS).contains(&down).then_some(Self { down, up })
    }

    pub(super) fn is_zero(self) -> bool {
        self.up == 0
    }

    /// `self - other`, rounded up. As in the protocol, the shorter way around is meant: true up to 68
    /// years.
    pub(super) fn since_up(self, other: Self) -> Option<TimeDelta> {
        nanos_up(around(self.up - other.down))
    }

    /// `self - other`, rounded down.
    pub(super) fn since_down(self, other: Self) -> Option<TimeDelta> {
        nanos_down(around(self.down - other.up))
    }

    /// The instant of this stamp that is nearest to another, rounded down.
    pub(super) fn near(self, other: Timestamp) -> Option<Timestamp> {
        let ntp = i128::from(other.as_nanos()) * PARTS_PER_NANO + NTP_1970 * PARTS_PER_SEC;
        let near = ntp + around(self.down - ntp) - NTP_1970 * PARTS_PER_SEC;
        nanos_down(near).map(|delta| Timestamp::from_nanos(delta.as_nanos()))
    }
}

/// The same difference, by whole eras, within half an era of zero.
fn around(parts: i128) -> i128 {
    let half = ERA_PARTS / 2;
    // Nearly always, and a division of 128 bits takes long.
    if (-half..half).contains(&parts) {
        return parts;
    }
    (parts + half).rem_euclid(ERA_PARTS) - half
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secs(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * NANOS_PER_SEC)
    }

    fn civil_text(date: &str, time: &str) -> Option<Timestamp> {
        civil(date.as_bytes(), time.as_bytes())
    }

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text.as_bytes()).expect(text)
    }

    fn ntp(text: &str) -> NtpSeconds {
        NtpSeconds::of(decimal(text)).expect(text)
    }

    #[test]
    fn known_dates() {
        // As `date -u -d ... +%s` prints them.
        for (date, time, seconds) in [
            ("1970-01-01", "00:00:00", 0),
            ("1969-12-31", "23:59:59", -1),
            ("1900-01-01", "00:00:00", -2_208_988_800),
            ("2000-02-29", "12:00:00", 951_825_600),
            ("2016-12-31", "23:59:59", 1_483_228_799),
            ("2017-01-01", "00:00:00", 1_483_228_800),
            ("2026-11-25", "20:20:37", 1_795_638_037),
            ("2038-01-19", "03:14:08", 2_147_483_648),
            ("2100-02-28", "23:59:59", 4_107_542_399),
            ("2262-04-11", "23:47:16", 9_223_372_036),
        ] {
            assert_eq!(civil_text(date, time), Some(secs(seconds)), "{date} {time}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for (date, time) in [
            ("2026-13-01", "00:00:00"),
            ("2026-00-01", "00:00:00"),
            ("2026-02-29", "00:00:00"),
            ("2100-02-29", "00:00:00"),
            ("2026-11-31", "00:00:00"),
            ("2026-11-00", "00:00:00"),
            ("2026-11-25", "24:00:00"),
            ("2026-11-25", "23:60:00"),
            ("2016-12-31", "23:59:60"),
            ("2262-04-11", "23:47:17"),
            ("1677-09-21", "00:12:43"),
            ("0000-01-01", "00:00:00"),
            ("26-11-25", "00:00:00"),
            ("2026-11-25", "0:00:00"),
            ("2026-11-25-", "00:00:00"),
            ("2026-11-+5", "00:00:00"),
            ("2026/11/25", "00:00:00"),
            ("", ""),
            ("2026-11-\u{661}", "00:00:00"),
        ] {
            assert_eq!(civil_text(date, time), None, "{date} {time}");
        }
    }

    #[test]
    fn julian_days_and_the_turn_of_the_era() {
        let read = |day: &str, seconds: &str| julian(day.as_bytes(), decimal(seconds));
        let ms = TimeDelta::from_millis(1);
        // The same line that ntpd wrote at 2026-11-25T20:20:38.345.
        let expected = secs(1_795_638_038) + TimeDelta::from_millis(345);
        assert_eq!(read("61369", "73238.345"), Some((expected, ms)));
        assert_eq!(read("40587", "0.000"), Some((secs(0), ms)));
        // What ntpd writes in the first second of the next era, 2036-02-07T06:28:16.
        assert_eq!(read("15020", "0.000"), Some((secs(2_085_978_496), ms)));
        // Within a leap second.
        assert_eq!(
            read("57753", "86400.500").map(|r| r.0.as_nanos() / NANOS_PER_SEC),
            Some(1_483_228_800)
        );
        for (day, seconds) in [
            ("", "0.0"),
            ("-1", "0.0"),
            ("61369.5", "0.0"),
            ("1", "0.0"),
            ("100000", "0.0"),
            ("61369", "0"),
            ("61369", "-0.001"),
            ("61369", "86401.001"),
            ("61369", "1e30"),
        ] {
            assert_eq!(read(day, seconds), None, "{day} {seconds}");
        }
    }

    #[test]
    fn stamps_are_placed_in_the_era_that_is_near() {
        let near = secs(1_795_638_038);
        let expected = Timestamp::from_nanos(1_795_638_038_344_904_815);
        assert_eq!(ntp("4004626838.344904815").near(near), Some(expected));
        // One second after the turn, seen from before and from after it.
        for other in [2_085_978_400, 2_085_978_600] {
            assert_eq!(ntp("1.0").near(secs(other)), Some(secs(2_085_978_497)));
        }
        // Before 1970, where someone says that it is then.
        assert_eq!(ntp("2208988799").near(secs(0)), Some(secs(-1)));
        assert_eq!(ntp("0").near(Timestamp::from_nanos(i64::MAX)), None);
        assert!(ntp("0.000000000").is_zero() && !ntp("0.000000001").is_zero());
        for bad in ["-0.1", "4294967296", "1e30"] {
            assert_eq!(NtpSeconds::of(decimal(bad)), None, "{bad}");
        }
    }

    #[test]
    fn differences_are_rounded_outward_and_cross_the_turn() {
        let ns = |nanos| Some(TimeDelta::from_nanos(nanos));
        let (before, after) = (ntp("4294967295.9999999995"), ntp("0.000000001"));
        assert_eq!(after.since_up(before), ns(2));
        assert_eq!(after.since_down(before), ns(1));
        assert_eq!(before.since_up(after), ns(-1));
        assert_eq!(before.since_down(after), ns(-2));
    }

    proptest! {
        #[test]
        fn every_day_follows_the_one_before(day in -100_000i64..100_000) {
            let (mut year, mut month, mut rest) = (1970 + day / 366 - 2, 1, 0);
            while days_before(year, month) - days_before(1970, 1) + days_of(year, month) <= day {
                month += 1;
                if month > 12 { (year, month) = (year + 1, 1); }
            }
            rest += day - (days_before(year, month) - days_before(1970, 1)) + 1;
            let date = format!("{year:04}-{month:02}-{rest:02}");
            prop_assert_eq!(civil_text(&date, "00:00:00"), Some(secs(day * SECS_PER_DAY)));
        }

        #[test]
        fn stamps_come_back_whatever_the_era(nanos in 0i64.., by in -1_000_000_000_000_000_000i64..1_000_000_000_000_000_000) {
            let ntp_nanos = (i128::from(nanos) + NTP_1970 * 1_000_000_000) % (1_i128 << 32).checked_mul(1_000_000_000).unwrap();
            let text = format!("{}.{:09}", ntp_nanos / 1_000_000_000, ntp_nanos % 1_000_000_000);
            let other = Timestamp::from_nanos(nanos.saturating_add(by));
            prop_assert_eq!(ntp(&text).near(other), Some(Timestamp::from_nanos(nanos)));
        }
    }
}
