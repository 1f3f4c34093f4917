//! Reading this host's clocks. Nothing here, or anywhere else, can set one.

use rustix::time::{ClockId, clock_getres, clock_gettime};
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
use rustix::time::{DynamicClockId, clock_gettime_dynamic};

use crate::sample::Reading;
use crate::time::{Monotonic, NANOS_PER_SEC, TimeDelta, Timestamp};

/// The unsteered counter: no daemon slews CLOCK_MONOTONIC_RAW.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
const COUNTER: ClockId = ClockId::MonotonicRaw;
/// Elsewhere the next best thing: never stepped, though it may be slewed.
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
const COUNTER: ClockId = ClockId::Monotonic;

/// A pairing that took longer than this is tried again: the task was preempted in between.
const QUICK_PAIRING: TimeDelta = TimeDelta::from_nanos(200);
/// How often a pairing is tried. On a host so busy that it always fails, the best one is used with
/// the error it really has.
const PAIRING_TRIES: u32 = 3;

fn nanos(clock: ClockId) -> i64 {
    let t = clock_gettime(clock);
    t.tv_sec.wrapping_mul(NANOS_PER_SEC).wrapping_add(t.tv_nsec)
}

/// The wall clock (CLOCK_REALTIME): the clock under test.
pub fn wall() -> Timestamp {
    Timestamp::from_nanos(nanos(ClockId::Realtime))
}

/// The unsteered counter.
pub fn counter() -> Monotonic {
    Monotonic::from_nanos(nanos(COUNTER))
}

/// Both clocks together: counter, wall clock, counter; the tightest of a few tries.
pub fn paired() -> Reading {
    let read = || {
        let before = counter();
        enclosed(before, wall(), counter())
    };
    tightest(read, |reading| reading.error)
}

/// All clocks, one after the other between two readings of the counter; the tightest of a few tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllClocks {
    /// The wall clock, which is read first, and the counter.
    pub pair: Reading,
    /// CLOCK_MONOTONIC, since some start.
    pub monotonic: TimeDelta,
    /// CLOCK_BOOTTIME, which is read last, since boot. Linux alone has it.
    pub boottime: Option<TimeDelta>,
}

/// Reads all clocks.
pub fn all() -> AllClocks {
    let read = || {
        let before = counter();
        let wall = wall();
        let monotonic = TimeDelta::from_nanos(nanos(ClockId::Monotonic));
        let boottime = boottime();
        AllClocks {
            pair: enclosed(before, wall, counter()),
            monotonic,
            boottime,
        }
    };
    tightest(read, |clocks| clocks.pair.error)
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
fn boottime() -> Option<TimeDelta> {
    Some(TimeDelta::from_nanos(nanos(ClockId::Boottime)))
}

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
fn boottime() -> Option<TimeDelta> {
    None
}

/// The best of a few readings, or the first that is quick.
fn tightest<T>(read: impl Fn() -> T, error: impl Fn(&T) -> TimeDelta) -> T {
    let mut best = read();
    for _ in 1..PAIRING_TRIES {
        if error(&best) <= QUICK_PAIRING {
            break;
        }
        let again = read();
        if error(&again) < error(&best) {
            best = again;
        }
    }
    best
}

/// The wall clock as it was read between two readings of the counter.
fn enclosed(before: Monotonic, wall: Timestamp, after: Monotonic) -> Reading {
    let elapsed = after.since(before).as_nanos();
    let half = TimeDelta::from_nanos(elapsed.div_euclid(2));
    let error = TimeDelta::from_nanos(elapsed.saturating_add(1).div_euclid(2));
    Reading {
        wall,
        counter: before + half,
        error,
    }
}

/// TAI - UTC as this host's kernel knows it: whole seconds, told to it by a time daemon; `None`
/// where nobody told it yet.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub fn tai_minus_utc() -> Option<TimeDelta> {
    // The two clocks differ by exactly that; half a second is ample for the two readings.
    let tai = clock_gettime_dynamic(DynamicClockId::Tai).ok()?;
    let tai = tai
        .tv_sec
        .wrapping_mul(NANOS_PER_SEC)
        .wrapping_add(tai.tv_nsec);
    let ahead = tai.wrapping_sub(nanos(ClockId::Realtime));
    let seconds = ahead
        .wrapping_add(NANOS_PER_SEC / 2)
        .div_euclid(NANOS_PER_SEC);
    (seconds != 0).then(|| TimeDelta::from_secs(seconds))
}

/// TAI - UTC, which cannot be asked for on this system.
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
pub fn tai_minus_utc() -> Option<TimeDelta> {
    None
}

/// Lets `time` pass.
#[expect(clippy::disallowed_methods, reason = "the one door to sleeping")]
pub fn sleep(time: TimeDelta) {
    std::thread::sleep(time.to_duration());
}

/// The precision of the wall clock as RFC 5905 section 7.3 defines it: the larger of its nominal
/// resolution and the smallest step seen in a series of readings (which on a fine clock is the time
/// one reading takes). Measured once per run; some 10 us.
pub fn precision() -> TimeDelta {
    const READINGS: usize = 200;
    let nominal = clock_getres(ClockId::Realtime);
    let nominal = nominal
        .tv_sec
        .saturating_mul(NANOS_PER_SEC)
        .saturating_add(nominal.tv_nsec);
    let mut smallest: Option<TimeDelta> = None;
    let mut last = wall();
    for _ in 0..READINGS {
        let now = wall();
        let step = now.since(last);
        last = now;
        if step > TimeDelta::ZERO && smallest.is_none_or(|s| step < s) {
            smallest = Some(step);
        }
    }
    smallest
        .unwrap_or(TimeDelta::NANOSECOND)
        .max(TimeDelta::from_nanos(nominal.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pairing_lies_between_the_counters_around_it() {
        for _ in 0..1000 {
            let before = counter();
            let reading = paired();
            let after = counter();
            assert!(reading.error >= TimeDelta::ZERO);
            assert!(before <= reading.counter && reading.counter <= after);
        }
    }

    #[test]
    fn all_clocks_go_on_together() {
        let first = all();
        sleep(TimeDelta::from_millis(20));
        let second = all();
        let counted = second.pair.counter.since(first.pair.counter);
        assert!(counted >= TimeDelta::from_millis(20));
        let error = first.pair.error + second.pair.error;
        // They may be slewed, by what no kernel exceeds.
        let slack = TimeDelta::from_millis(2) + error;
        let monotonic = second.monotonic - first.monotonic;
        assert!(
            (monotonic - counted).abs() <= slack,
            "{monotonic:?} {counted:?}"
        );
        if let (Some(before), Some(after)) = (first.boottime, second.boottime) {
            assert!((after - before - monotonic).abs() <= error.times(2));
        }
    }

    #[test]
    fn precision_is_positive_and_below_a_jiffy() {
        let precision = precision();
        assert!(precision >= TimeDelta::NANOSECOND, "{precision:?}");
        assert!(precision < TimeDelta::from_millis(20), "{precision:?}");
    }
}
