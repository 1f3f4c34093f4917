//! The files of /proc and /sys that tell where a run takes place.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::virtualisation::{self, Hints};
use super::{cgroup, machine, printable};
use crate::net::nic::capabilities;
use crate::net::sys::TsInfo;
use crate::sample::{Environment, Nic};

/// The most that is read of a file; /proc/cpuinfo repeats itself after the first processor.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// Processes that are looked at: the kernel's own limit on 64-bit machines is 2^22, and a host that
/// runs more than this has its daemons, started at boot, among the first.
const MAX_PROCESSES: usize = 32_768;
/// Interfaces that are looked at, and kept.
const MAX_INTERFACES: usize = 4_096;
const MAX_NICS: usize = 64;
/// IFF_UP of linux/if.h.
const IFF_UP: u32 = 1;

/// Programs that steer or step a clock: what /proc/PID/comm says (at most 15 bytes), and the name.
/// OpenNTPD and busybox call themselves ntpd as well.
const TIME_DAEMONS: [(&str, &str); 14] = [
    ("chronyd", "chronyd"),
    ("ntpd", "ntpd"),
    ("openntpd", "openntpd"),
    ("ntp-daemon", "ntpd-rs"),
    ("systemd-timesyn", "systemd-timesyncd"),
    ("ptp4l", "ptp4l"),
    ("phc2sys", "phc2sys"),
    ("ts2phc", "ts2phc"),
    ("timemaster", "timemaster"),
    ("ptpd", "ptpd"),
    ("ptpd2", "ptpd"),
    ("sfptpd", "sfptpd"),
    ("sptp", "sptp"),
    ("statime", "statime"),
];

/// What the files below `root` say, with `ts_info` to ask an interface by name.
pub(super) fn environment_at(
    root: &Path,
    ts_info: impl Fn(&str) -> io::Result<TsInfo>,
) -> Environment {
    let clocksource = root.join("sys/devices/system/clocksource/clocksource0");
    let hints = Hints {
        hypervisor_type: read_line(&root.join(virtualisation::XEN)),
        device_tree: read_capped(&root.join(virtualisation::DEVICE_TREE)),
        vendor: read_line(&root.join(virtualisation::VENDOR)),
        product: read_line(&root.join(virtualisation::PRODUCT)),
        cpuinfo: read_capped(&root.join(virtualisation::CPUINFO)),
        clocksources: read_line(&root.join(virtualisation::CLOCKSOURCES)),
        container: container(root),
    };
    let clocksources = hints.clocksources.as_deref();
    Environment {
        boot_id: read_line(&root.join("proc/sys/kernel/random/boot_id")),
        clocksource: read_line(&clocksource.join("current_clocksource")),
        clocksources: clocksources
            .map(|all| all.split_ascii_whitespace().map(str::to_owned).collect()),
        virtualisation: virtualisation::name(&hints),
        virtualisation_from: virtualisation::read_from(&hints).map(|file| format!("/{file}")),
        machine: machine::machine_at(root, &hints),
        time_daemons: time_daemons(&root.join("proc")),
        nics: nics(&root.join("sys/class/net"), ts_info),
        ..Environment::default()
    }
}

/// At most [`MAX_FILE_BYTES`] of a file, or nothing where it cannot be read.
pub(super) fn read_capped(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The first line of a file.
pub(super) fn read_line(path: &Path) -> Option<String> {
    printable(read_capped(path)?.lines().next()?)
}

/// The kind of container `root` belongs to, by the marks that container engines leave.
fn container(root: &Path) -> Option<String> {
    let mark = |path: &str, name: &str| root.join(path).exists().then(|| name.to_owned());
    read_line(&root.join("run/systemd/container"))
        .or_else(|| mark("run/.containerenv", "podman"))
        .or_else(|| mark(".dockerenv", "docker"))
        .or_else(|| cgroup::container(&read_capped(&root.join("proc/1/cgroup"))?))
}

pub(super) fn time_daemons(proc: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(proc) else {
        return Vec::new();
    };
    let is_process = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    let seen: BTreeSet<&str> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_process))
        .take(MAX_PROCESSES)
        // A process may be gone by now.
        .filter_map(|entry| read_line(&entry.path().join("comm")))
        .filter_map(|comm| daemon(&comm))
        .collect();
    seen.into_iter().map(str::to_owned).collect()
}

/// The time daemon that calls itself `comm`.
fn daemon(comm: &str) -> Option<&'static str> {
    let found = TIME_DAEMONS.iter().find(|(known, _)| *known == comm);
    found.map(|(_, name)| *name)
}

fn nics(net: &Path, ts_info: impl Fn(&str) -> io::Result<TsInfo>) -> Vec<Nic> {
    let Ok(entries) = fs::read_dir(net) else {
        return Vec::new();
    };
    let mut up: Vec<(bool, String)> = entries
        .flatten()
        .take(MAX_INTERFACES)
        // A name that is not UTF-8 cannot be told to anybody.
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| read_line(&net.join(name).join("flags")).is_some_and(|f| is_up(&f)))
        .map(|name| (is_virtual(net, &name), name))
        .collect();
    // Hardware and loopback first: hosts of containers have hundreds of virtual interfaces.
    up.sort();
    up.into_iter()
        .take(MAX_NICS)
        .filter_map(|(_, name)| {
            let info = ts_info(&name).ok();
            let driver = fs::read_link(net.join(&name).join("device/driver")).ok();
            Some(Nic {
                driver: driver.and_then(|d| printable(&d.file_name()?.to_string_lossy())),
                stamps: info.map(|i| capabilities(i.so_timestamping)),
                phc: info.and_then(|i| u32::try_from(i.phc_index).ok()),
                name: printable(&name)?,
            })
        })
        .collect()
}

fn is_virtual(net: &Path, name: &str) -> bool {
    name != "lo" && !net.join(name).join("device").exists()
}

/// Whether an interface is up, by its flags in hexadecimal.
fn is_up(flags: &str) -> bool {
    let digits = flags.strip_prefix("0x").unwrap_or(flags);
    u32::from_str_radix(digits, 16).is_ok_and(|bits| bits & IFF_UP != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn no_stamps(_: &str) -> io::Result<TsInfo> {
        Err(io::ErrorKind::Unsupported.into())
    }

    #[test]
    fn a_host_without_files_says_nothing() {
        let root = tempfile::tempdir().unwrap();
        let environment = environment_at(root.path(), no_stamps);
        assert_eq!(environment, Environment::default());
    }

    #[test]
    fn a_host_is_told_by_its_files() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let clocks = "sys/devices/system/clocksource/clocksource0";
        put(root, "proc/sys/kernel/random/boot_id", "5b0e6a3c\n");
        put(root, &format!("{clocks}/current_clocksource"), "tsc\n");
        put(
            root,
            &format!("{clocks}/available_clocksource"),
            "tsc kvm-clock hpet \n",
        );
        put(root, "proc/cpuinfo", "flags\t\t: fpu tsc hypervisor lahf\n");
        put(root, "run/systemd/container", "lxc\n");
        put(root, "sys/devices/system/cpu/online", "0-3\n");
        put(
            root,
            "proc/self/status",
            "Name:\tx\nCpus_allowed_list:\t1-2\n",
        );
        put(root, "proc/meminfo", "MemTotal:       24683656 kB\n");
        for (pid, comm) in [
            ("1", "systemd"),
            ("17", "systemd-timesyn"),
            ("20", "chronyd"),
            ("21", "chronyd"),
            ("22", "chronyd-helper"),
        ] {
            put(root, &format!("proc/{pid}/comm"), &format!("{comm}\n"));
        }
        put(root, "proc/self/comm", "ptp4l\n");
        for (nic, flags) in [("cali0", "0x1003"), ("eth0", "0x1003"), ("lo", "0x9")] {
            put(root, &format!("sys/class/net/{nic}/flags"), flags);
        }
        put(root, "sys/class/net/eth1/flags", "0x1002\n");
        put(root, "sys/class/net/bonding_masters", "");
        fs::create_dir_all(root.join("sys/class/net/eth0/device")).unwrap();
        symlink(
            "../../../bus/pci/drivers/igb",
            root.join("sys/class/net/eth0/device/driver"),
        )
        .unwrap();

        let found = environment_at(root, |name| match name {
            "eth0" => Ok(TsInfo::of(0x8000_005f, 2)),
            "lo" => Ok(TsInfo::of(0x1a, -1)),
            _ => Err(io::ErrorKind::Unsupported.into()),
        });
        assert_eq!(found.boot_id.as_deref(), Some("5b0e6a3c"));
        assert_eq!(found.clocksource.as_deref(), Some("tsc"));
        assert_eq!(found.virtualisation.as_deref(), Some("kvm/lxc"));
        let file = format!("/{clocks}/available_clocksource");
        assert_eq!(found.virtualisation_from, Some(file));
        assert_eq!(
            found.clocksources.as_deref().unwrap(),
            ["tsc", "kvm-clock", "hpet"]
        );
        let machine = &found.machine;
        assert_eq!((machine.processors, machine.usable), (Some(4), Some(2)));
        assert_eq!(machine.memory_bytes, Some(24_683_656 * 1_024));
        assert_eq!(found.time_daemons, ["chronyd", "systemd-timesyncd"]);
        let [eth0, lo, cali0] = &found.nics[..] else {
            panic!("{:?}", found.nics);
        };
        assert_eq!((eth0.name.as_str(), eth0.phc), ("eth0", Some(2)));
        assert_eq!(eth0.driver.as_deref(), Some("igb"));
        assert_eq!(
            eth0.stamps.as_ref().unwrap()[..],
            [
                "tx_hardware",
                "tx_software",
                "rx_hardware",
                "rx_software",
                "software",
                "raw_hardware",
                "bit_31"
            ]
        );
        assert_eq!((lo.name.as_str(), lo.phc), ("lo", None));
        let software = ["tx_software", "rx_software", "software"];
        assert_eq!(lo.stamps.as_ref().unwrap()[..], software);
        assert_eq!((cali0.name.as_str(), &cali0.stamps), ("cali0", &None));
    }

    #[test]
    fn many_interfaces_and_long_files_stay_within_bounds() {
        let root = tempfile::tempdir().unwrap();
        for n in 0..100 {
            put(
                root.path(),
                &format!("sys/class/net/veth{n}/flags"),
                "0x1003",
            );
        }
        put(root.path(), "sys/class/net/wlan0/flags", "0x1003");
        fs::create_dir(root.path().join("sys/class/net/wlan0/device")).unwrap();
        put(
            root.path(),
            "proc/sys/kernel/random/boot_id",
            &"b".repeat(1_000_000),
        );
        let found = environment_at(root.path(), no_stamps);
        assert_eq!(found.nics.len(), 64);
        assert_eq!(found.nics[0].name, "wlan0");
        assert_eq!(found.boot_id.unwrap().len(), 65_536);
    }

    #[test]
    fn loopback_says_what_it_can_stamp() {
        let info = crate::net::sys::ethtool_ts_info("lo").unwrap();
        let stamps = capabilities(info.so_timestamping);
        assert!(stamps.iter().any(|s| s == "rx_software"), "{stamps:?}");
        assert!(info.phc_index < 0);
        let missing = crate::net::sys::ethtool_ts_info("no-such-nic0");
        assert_eq!(missing.unwrap_err().raw_os_error(), Some(libc::ENODEV));
        for bad in ["sixteen-letters-", "a\0b"] {
            let refused = crate::net::sys::ethtool_ts_info(bad).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn flags_are_hexadecimal() {
        assert!(is_up("0x1003") && is_up("0x9") && is_up("1"));
        assert!(!is_up("0x1002") && !is_up("") && !is_up("up"));
    }
}
