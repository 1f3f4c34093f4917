//! How much of a machine this is: processors, the share of them that is allowed, memory, model.

use std::path::Path;

use super::cgroup;
use super::linux::{read_capped, read_line};
use super::printable;
use super::virtualisation::Hints;
use crate::sample::{Machine, Quota};
use crate::time::TimeDelta;

/// What the files below `root` say, beside those that were read for hints.
pub(super) fn machine_at(root: &Path, hints: &Hints) -> Machine {
    let file = |path| read_capped(&root.join(path));
    let online = read_line(&root.join("sys/devices/system/cpu/online"));
    let status = file("proc/self/status");
    let allowed = status
        .as_deref()
        .and_then(|text| field(text, "Cpus_allowed_list"));
    let memory = file("proc/meminfo");
    let model = hints
        .cpuinfo
        .as_deref()
        .and_then(|text| field(text, "model name"));
    Machine {
        vendor: hints.vendor.clone(),
        product: hints.product.clone(),
        cpu: model.and_then(printable),
        processors: online.as_deref().and_then(count),
        usable: allowed.and_then(count),
        quota: quota(root),
        memory_bytes: memory
            .as_deref()
            .and_then(|text| field(text, "MemTotal"))
            .and_then(bytes),
    }
}

/// The first value of that name in lines of `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim_end() == name).then(|| value.trim())
    })
}

/// How many processors a list as `0-3,8` names (Documentation/admin-guide/cputopology.rst).
fn count(list: &str) -> Option<u32> {
    let mut all: u32 = 0;
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let [first, last]: [u32; 2] = [first.parse().ok()?, last.parse().ok()?];
        all = all.saturating_add(last.checked_sub(first)?.saturating_add(1));
    }
    Some(all)
}

/// A size as /proc/meminfo has it: `24683656 kB`, where a kB has 1024 bytes.
fn bytes(text: &str) -> Option<u64> {
    let number: u64 = text.strip_suffix("kB")?.trim_end().parse().ok()?;
    number.checked_mul(1_024)
}

/// The tightest of the limits that control groups set this process.
fn quota(root: &Path) -> Option<Quota> {
    let groups = cgroup::folders(root);
    let limits = groups
        .iter()
        .filter_map(|of| limit(&read_line(&of.join("cpu.max"))?));
    limits.min_by(|a, b| {
        // Of shares of one processor the lower: both products of two positive numbers of 64 bits.
        let times =
            |x: TimeDelta, y: TimeDelta| i128::from(x.as_nanos()) * i128::from(y.as_nanos());
        times(a.quota, b.period).cmp(&times(b.quota, a.period))
    })
}

/// A limit as cpu.max has it (Documentation/admin-guide/cgroup-v2.rst): microseconds, or `max`, in each
/// of so many.
fn limit(text: &str) -> Option<Quota> {
    let mut words = text.split_ascii_whitespace();
    let mut time = || {
        let micros: i64 = words.next()?.parse().ok()?;
        (micros > 0).then(|| TimeDelta::from_micros(micros))
    };
    Some(Quota {
        quota: time()?,
        period: time()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;

    #[test]
    fn lists_of_processors_are_counted() {
        for (list, expected) in [
            ("0", Some(1)),
            ("0-3", Some(4)),
            ("0-1,4,6-7\n", Some(5)),
            ("0-4294967295,0-4294967295", Some(u32::MAX)),
            ("3-0", None),
            ("", None),
            ("0-", None),
            ("0,,1", None),
            ("0-3:1/2", None),
            ("4294967296", None),
        ] {
            assert_eq!(count(list), expected, "{list:?}");
        }
    }

    #[test]
    fn memory_and_models_are_fields() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC\nmodel name\t: other\n";
        assert_eq!(field(text, "model name"), Some("AMD EPYC"));
        assert_eq!(field(text, "model"), None);
        assert_eq!(bytes("24683656 kB"), Some(25_276_063_744));
        for bad in [
            "",
            "kB",
            "-1 kB",
            "24683656",
            "99999999999999999999 kB",
            "18446744073709551615 kB",
        ] {
            assert_eq!(bytes(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_limit_is_so_much_in_each_period() {
        let (quota, period) = (TimeDelta::from_millis(150), TimeDelta::from_millis(100));
        assert_eq!(limit("150000 100000"), Some(Quota { quota, period }));
        for none in [
            "max 100000",
            "max",
            "",
            "150000",
            "0 100000",
            "1 0",
            "-5 -5",
            "x y",
        ] {
            assert_eq!(limit(none), None, "{none:?}");
        }
    }

    #[test]
    fn the_tightest_limit_of_all_groups_counts() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("proc/self/cgroup", "0::/a/b/c\n");
        put("sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
        put("sys/fs/cgroup/a/b/cpu.max", "50000 20000\n");
        put("sys/fs/cgroup/a/cpu.max", "200000 100000\n");
        let told = quota(root.path()).unwrap();
        assert_eq!(told.quota, TimeDelta::from_millis(200));
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_panics(text in "(max|kB|[-,: 0-9]|\n|\\PC){0,60}") {
            count(&text);
            bytes(&text);
            limit(&text);
            field(&text, "MemTotal");
        }
    }
}
