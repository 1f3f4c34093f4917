//! What this host has to do, by its own count: see [`load`].

use crate::sample::Load;

/// What the kernel counted of this host's work since boot; absent where it does not tell. It takes some
/// 50 us, since control groups are added up for it.
///
/// ```
/// if let (Some(first), Some(second)) = (clockfit::net::load::load(), clockfit::net::load::load()) {
///     assert!(second.busy >= first.busy);
/// }
/// ```
pub fn load() -> Option<Load> {
    host::load()
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) use host::tick;

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
mod host {
    use crate::sample::Load;

    pub(super) fn load() -> Option<Load> {
        None
    }
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod host {
    use std::path::Path;

    use crate::net::host::{beginning, control_groups};
    use crate::sample::{Load, Throttled};
    use crate::time::{NANOS_PER_SEC, TimeDelta};

    pub(super) fn load() -> Option<Load> {
        load_at(Path::new("/"), tick()?)
    }

    /// What /proc/stat counts in.
    pub(in crate::net) fn tick() -> Option<TimeDelta> {
        let ticks = i64::try_from(rustix::param::clock_ticks_per_second()).ok();
        let nanos = NANOS_PER_SEC.checked_div(ticks.filter(|n| *n > 0)?)?;
        Some(TimeDelta::from_nanos(nanos))
    }

    /// What the files below `root` say.
    fn load_at(root: &Path, tick: TimeDelta) -> Option<Load> {
        let file = |path| beginning(&root.join(path));
        Some(Load {
            waited: file("proc/pressure/cpu").and_then(|text| pressure(&text)),
            throttled: throttled(root),
            average_hundredths: file("proc/loadavg").and_then(|text| average(&text)),
            ..work(&file("proc/stat")?, tick)?
        })
    }

    /// The first line of /proc/stat (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal,
    /// guest and guest_nice, of all processors together. Guests are part of user and nice.
    fn work(text: &str, tick: TimeDelta) -> Option<Load> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let mut numbers = line.split_ascii_whitespace().map(str::parse::<i64>);
        let mut next = || numbers.next()?.ok().map(|ticks| tick.times(ticks));
        let (user, nice, system) = (next()?, next()?, next()?);
        let idle = next()? + next()?;
        let interrupts = next()? + next()?;
        let _stolen = next()?;
        Some(Load {
            busy: user + nice + system + interrupts,
            idle,
            guest: next().unwrap_or_default() + next().unwrap_or_default(),
            ..Load::default()
        })
    }

    /// In /proc/pressure/cpu (Documentation/accounting/psi.rst) the microseconds in which some task
    /// waited: `some avg10=0.00 avg60=2.74 avg300=15.57 total=19893784391`.
    fn pressure(text: &str) -> Option<TimeDelta> {
        let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
        let mut words = line.split_ascii_whitespace();
        let total = words.find_map(|word| word.strip_prefix("total="))?;
        total.parse().ok().map(TimeDelta::from_micros)
    }

    /// The first number of /proc/loadavg, in hundredths.
    fn average(text: &str) -> Option<u32> {
        let (whole, rest) = text.split_ascii_whitespace().next()?.split_once('.')?;
        let hundredths = |two: &str| (two.len() == 2).then(|| two.parse::<u32>().ok());
        let whole: u32 = whole.parse().ok()?;
        whole.checked_mul(100)?.checked_add(hundredths(rest)??)
    }

    /// What limits of all control groups of this process did; absent where none of them can have one.
    fn throttled(root: &Path) -> Option<Throttled> {
        let groups = control_groups(root);
        let told = groups
            .iter()
            .filter_map(|of| of_group(&beginning(&of.join("cpu.stat"))?));
        told.reduce(|all, one| Throttled {
            periods: all.periods.saturating_add(one.periods),
            total: all.total + one.total,
        })
    }

    /// A text as cpu.stat has it (Documentation/admin-guide/cgroup-v2.rst).
    fn of_group(text: &str) -> Option<Throttled> {
        let value = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        };
        Some(Throttled {
            periods: value("nr_throttled")?.parse().ok()?,
            total: TimeDelta::from_micros(value("throttled_usec")?.parse().ok()?),
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use proptest::prelude::*;
        use std::fs;

        const TICK: TimeDelta = TimeDelta::from_millis(10);

        #[test]
        fn work_is_all_but_idling_and_what_others_took() {
            let text = "cpu  8686354 699843 953092 6542919 59537 5 11053 70476 100 20\ncpu0 1\n";
            let found = work(text, TICK).unwrap();
            let ticks = |n: i64| TICK.times(n);
            assert_eq!(
                found.busy,
                ticks(8_686_354 + 699_843 + 953_092 + 5 + 11_053)
            );
            assert_eq!(found.idle, ticks(6_542_919 + 59_537));
            assert_eq!(found.guest, ticks(120));
            // Kernels before 2.6.24 knew of no guests.
            let old = work("cpu  1 2 3 4 5 6 7 8\n", TICK).unwrap();
            assert_eq!((old.busy, old.guest), (ticks(19), TimeDelta::ZERO));
            for bad in [
                "",
                "cpu",
                "cpu  1 2 3 4 5 6 7",
                "cpu0 1 2 3 4 5 6 7 8",
                "cpu  1 2 x 4 5 6 7 8",
            ] {
                assert_eq!(work(bad, TICK), None, "{bad:?}");
            }
        }

        #[test]
        fn pressure_load_and_limits_are_read() {
            let text = "some avg10=0.00 avg60=2.74 avg300=15.57 total=19893784391\n\
                        full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n";
            assert_eq!(pressure(text), Some(TimeDelta::from_micros(19_893_784_391)));
            for bad in [
                "",
                "some",
                "some total=",
                "some total=x\n",
                "full total=7\n",
            ] {
                assert_eq!(pressure(bad), None, "{bad:?}");
            }
            assert_eq!(average("0.49 1.32 1.56 2/96 23195\n"), Some(49));
            assert_eq!(average("12.05 1 1"), Some(1_205));
            for bad in [
                "",
                "1",
                "1.5 2",
                "1.555 2",
                "-1.00 2",
                "42949673.00 1",
                "x.yz",
            ] {
                assert_eq!(average(bad), None, "{bad:?}");
            }
            let text = "usage_usec 5\nnr_periods 9\nnr_throttled 3\nthrottled_usec 1500\n";
            let told = of_group(text).unwrap();
            assert_eq!(
                (told.periods, told.total),
                (3, TimeDelta::from_micros(1_500))
            );
            // The group at the top has no limit, and counts none.
            assert_eq!(of_group("usage_usec 5\nuser_usec 3\nsystem_usec 2\n"), None);
        }

        #[test]
        fn groups_above_are_added() {
            let root = tempfile::tempdir().unwrap();
            let put = |path: &str, text: &str| {
                let path = root.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            };
            assert_eq!(load_at(root.path(), TICK), None);
            put("proc/stat", "cpu  1 2 3 4 5 6 7 8 0 0\n");
            let bare = load_at(root.path(), TICK).unwrap();
            assert_eq!(
                (bare.waited, bare.throttled, bare.average_hundredths),
                (None, None, None)
            );
            put("proc/self/cgroup", "0::/a/b\n");
            put(
                "sys/fs/cgroup/a/b/cpu.stat",
                "nr_throttled 3\nthrottled_usec 1500\n",
            );
            put(
                "sys/fs/cgroup/a/cpu.stat",
                "nr_throttled 1\nthrottled_usec 500\n",
            );
            put("sys/fs/cgroup/cpu.stat", "usage_usec 1\n");
            let told = load_at(root.path(), TICK).unwrap().throttled.unwrap();
            assert_eq!((told.periods, told.total), (4, TimeDelta::from_millis(2)));
        }

        proptest! {
            #[test]
            fn nothing_that_is_read_panics(
                text in "(cpu |some |total=|nr_throttled |throttled_usec |-?[0-9]{1,20}[. \n]|\\PC){0,40}",
            ) {
                work(&text, TICK);
                pressure(&text);
                average(&text);
                of_group(&text);
            }
        }
    }
}
