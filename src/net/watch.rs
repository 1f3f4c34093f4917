//! What a look at the local clock reads, once a second: see [`reading`].
//!
//! Everything but the clocks themselves is optional: containers hide it, other systems do not have it.

use super::clock;
use crate::sample::{ClockReading, Discipline};

/// Reads the clocks, and what the kernel and the hypervisor do to them. It takes some 20 us,
/// on hosts of hundreds of processors more, since the kernel then writes a long text for one number.
///
/// ```
/// let first = clockfit::net::watch::reading();
/// let second = clockfit::net::watch::reading();
/// assert!(second.monotonic >= first.monotonic);
/// ```
pub fn reading() -> ClockReading {
    let clocks = clock::all();
    ClockReading {
        clocks: clocks.pair,
        monotonic: clocks.monotonic,
        boottime: clocks.boottime,
        ..host::reading()
    }
}

/// What the kernel says of its own clock, which everyone may ask; absent on systems that do not tell.
pub fn discipline() -> Option<Discipline> {
    host::kernel()
}

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
mod host {
    use crate::sample::{ClockReading, Discipline};

    pub(super) fn kernel() -> Option<Discipline> {
        None
    }

    pub(super) fn reading() -> ClockReading {
        ClockReading::default()
    }
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod host {
    use std::path::Path;

    use crate::net::host::{beginning, one_line};
    use crate::net::load::tick;
    use crate::net::sys;
    use crate::sample::{ClockReading, Discipline, Steal};
    use crate::time::{Frequency, TimeDelta};

    /// What the kernel counts frequencies in: 2^-16 ppm (adjtimex(2)).
    const PARTS_OF_PPM: i64 = 1 << 16;

    pub(super) fn kernel() -> Option<Discipline> {
        sys::kernel_clock().ok().map(discipline)
    }

    pub(super) fn reading() -> ClockReading {
        reading_at(Path::new("/"))
    }

    /// What the files below `root` say, and the kernel.
    fn reading_at(root: &Path) -> ClockReading {
        let clocksource = "sys/devices/system/clocksource/clocksource0/current_clocksource";
        let file = |path| beginning(&root.join(path));
        ClockReading {
            discipline: kernel(),
            clocksource: one_line(&root.join(clocksource)),
            steal: file("proc/stat").and_then(|text| steal(&text, tick()?)),
            // The thread that asks is the one that measures.
            run_delay: file("proc/thread-self/schedstat").and_then(|text| run_delay(&text)),
            ..ClockReading::default()
        }
    }

    fn discipline((state, kernel): (libc::c_int, libc::timex)) -> Discipline {
        let micros = |n| TimeDelta::from_micros(n);
        let ppb = i128::from(wide(kernel.freq)) * 1_000;
        // To nearest; half a part per billion either way is below what any daemon sets.
        let ppb = (ppb + i128::from(PARTS_OF_PPM / 2)).div_euclid(i128::from(PARTS_OF_PPM));
        Discipline {
            frequency: Frequency::from_ppb(i64::try_from(ppb).unwrap_or(i64::MAX)),
            tick: micros(wide(kernel.tick)),
            status: kernel.status.cast_unsigned(),
            state,
            max_error: micros(wide(kernel.maxerror)),
            estimated_error: micros(wide(kernel.esterror)),
            tai_minus_utc: TimeDelta::from_secs(wide(kernel.tai)),
        }
    }

    /// The fields have 32 or 64 bits, as the platform has it.
    fn wide(field: impl Into<i64>) -> i64 {
        field.into()
    }

    /// The stolen time of all processors, in /proc/stat: the eighth number of its first line, in the
    /// ticks of proc(5). One line follows for each processor.
    fn steal(text: &str, tick: TimeDelta) -> Option<Steal> {
        let mut lines = text.lines();
        let ticks: i64 = lines
            .next()?
            .strip_prefix("cpu ")?
            .split_ascii_whitespace()
            .nth(7)?
            .parse()
            .ok()?;
        let is_processor = |line: &&str| {
            line.strip_prefix("cpu")
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        let processors = lines.take_while(is_processor).count();
        Some(Steal {
            total: tick.times(ticks),
            processors: u32::try_from(processors).ok()?.max(1),
        })
    }

    /// The second of the three numbers of a schedstat file: nanoseconds on a run queue.
    fn run_delay(text: &str) -> Option<TimeDelta> {
        let nanos = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(TimeDelta::from_nanos(nanos))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn secs(n: i64) -> TimeDelta {
            TimeDelta::from_secs(n)
        }

        #[test]
        fn stolen_time_is_the_eighth_number() {
            let text = "cpu  1399 46652 12131 354830 747 0 109 250 0 0\n\
                        cpu0 1 2 3 4 5 6 7 100 0 0\ncpu1 1 2 3 4 5 6 7 150 0 0\n\
                        intr 5 0 0\ncpufreq 1\n";
            let tick = TimeDelta::from_millis(10);
            let found = steal(text, tick).unwrap();
            assert_eq!(
                (found.total.as_nanos(), found.processors),
                (2_500_000_000, 2)
            );
            // A text that was cut off still has its first line.
            let cut = steal("cpu  1 2 3 4 5 6 7 8", tick).unwrap();
            assert_eq!((cut.total, cut.processors), (TimeDelta::from_millis(80), 1));
        }

        #[test]
        fn what_makes_no_sense_is_absent() {
            for text in [
                "",
                "cpu",
                "cpu  1 2 3 4 5 6 7",
                "cpu  1 2 3 4 5 6 7 x",
                "cpu0 1 2 3 4 5 6 7 8",
                "cpu  1 2 3 4 5 6 7 99999999999999999999",
            ] {
                assert_eq!(steal(text, TimeDelta::from_millis(10)), None, "{text:?}");
            }
            assert_eq!(
                run_delay("1234 5678 9\n"),
                Some(TimeDelta::from_nanos(5_678))
            );
            for text in ["", "1234", "1234 x 9", "1 99999999999999999999 2"] {
                assert_eq!(run_delay(text), None, "{text:?}");
            }
        }

        #[test]
        fn the_kernel_answers_and_its_units_are_ours() {
            let (state, mut kernel) = sys::kernel_clock().unwrap();
            assert!((0..=5).contains(&state));
            kernel.freq = -20 * PARTS_OF_PPM - 33;
            kernel.tick = 10_002;
            kernel.maxerror = 16_000_000;
            kernel.tai = 37;
            let read = discipline((5, kernel));
            // 33 of 65536 parts of a ppm are a little over half a part per billion.
            assert_eq!(read.frequency, Frequency::from_ppb(-20_001));
            assert_eq!(read.rate(), Frequency::from_ppb(179_999));
            assert_eq!((read.max_error, read.tai_minus_utc), (secs(16), secs(37)));
            assert_eq!(
                (read.state, read.status),
                (5, kernel.status.cast_unsigned())
            );
        }

        #[test]
        fn a_host_that_hides_its_files_still_has_a_clock() {
            let root = tempfile::tempdir().unwrap();
            let found = reading_at(root.path());
            assert_eq!(
                (found.clocksource, found.steal, found.run_delay),
                (None, None, None)
            );
            assert!(found.discipline.is_some());
        }
    }
}
