//! PTP clocks of Linux: `/dev/ptpN` and `/sys/class/ptp`.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use libc::{ptp_clock_time, ptp_sys_offset, ptp_sys_offset_extended, ptp_sys_offset_precise};

use super::super::{nic, sys};
use super::{Method, PhcError, Reading};
use crate::sample::PtpClock;
use crate::time::{Monotonic, NANOS_PER_SEC, Timestamp};

/// Readings asked for at a time, of which the one in the smallest window is taken: the first of a
/// series often has to wait for a bus that slept. linux/ptp_clock.h allows 25.
const READINGS: u32 = 8;
/// More clocks than any host has.
const MAX_CLOCKS: usize = 64;

/// Names that systemd's udev rules give to clocks of hypervisors, and the clocks' own.
const ALIASES: [(&str, &str); 2] = [("ptp_kvm", "KVM virtual PTP"), ("ptp_hyperv", "hyperv")];

const NO_TIME: ptp_clock_time = ptp_clock_time {
    sec: 0,
    nsec: 0,
    reserved: 0,
};

/// An open PHC. See the [module](super).
#[derive(Debug)]
pub struct Phc {
    device: File,
    method: Method,
}

impl Phc {
    /// Opens the device at `path` for reading, and finds out how it is read best.
    pub fn open(path: &Path) -> Result<Self, PhcError> {
        let device = File::open(path).map_err(|error| PhcError::Open {
            path: path.to_owned(),
            error,
        })?;
        let mut last = None;
        for method in [Method::Precise, Method::Extended, Method::Basic] {
            match read(&device, method) {
                Ok(_) => return Ok(Self { device, method }),
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(error) if error.raw_os_error() != Some(libc::ENOTTY) => PhcError::Open {
                path: path.to_owned(),
                error,
            },
            _ => PhcError::NotAClock(path.to_owned()),
        })
    }

    /// Reads it: the tightest of a few readings.
    pub fn read(&self) -> io::Result<Reading> {
        read(&self.device, self.method)
    }
}

fn read(device: &File, method: Method) -> io::Result<Reading> {
    match method {
        Method::Precise => precise(device),
        Method::Extended => extended(device),
        Method::Basic => basic(device),
    }
}

fn precise(device: &File) -> io::Result<Reading> {
    let mut found = ptp_sys_offset_precise {
        device: NO_TIME,
        sys_realtime: NO_TIME,
        sys_monoraw: NO_TIME,
        rsv: [0; 4],
    };
    sys::read_ptp_clock(device.as_fd(), &mut found)?;
    let system = timestamp(found.sys_realtime);
    Ok(Reading {
        before: system,
        device: timestamp(found.device),
        after: system,
        counter: Some(Monotonic::from_nanos(
            timestamp(found.sys_monoraw).as_nanos(),
        )),
        method: Method::Precise,
    })
}

fn extended(device: &File) -> io::Result<Reading> {
    let mut found = ptp_sys_offset_extended {
        n_samples: READINGS,
        clockid: libc::CLOCK_REALTIME,
        rsv: [0; 2],
        ts: [[NO_TIME; 3]; 25],
    };
    sys::read_ptp_clock(device.as_fd(), &mut found)?;
    let made = usize::try_from(found.n_samples).unwrap_or(0);
    let each = found.ts.iter().take(made).map(|&ts| ts.map(timestamp));
    tightest(each, Method::Extended)
}

fn basic(device: &File) -> io::Result<Reading> {
    let mut found = ptp_sys_offset {
        n_samples: READINGS,
        rsv: [0; 3],
        ts: [NO_TIME; 51],
    };
    sys::read_ptp_clock(device.as_fd(), &mut found)?;
    let made = usize::try_from(found.n_samples).unwrap_or(0);
    // System, PHC, system, PHC, system...: each system reading ends one window and begins the next.
    let each = found.ts.windows(3).step_by(2).take(made);
    let each = each.filter_map(|ts| ts.first_chunk::<3>());
    tightest(each.map(|ts| ts.map(timestamp)), Method::Basic)
}

fn tightest(readings: impl Iterator<Item = [Timestamp; 3]>, method: Method) -> io::Result<Reading> {
    readings
        .map(|[before, device, after]| Reading {
            before,
            device,
            after,
            counter: None,
            method,
        })
        // The system's clock may have been stepped back in between.
        .filter(|reading| reading.after >= reading.before)
        .min_by_key(Reading::window)
        .ok_or_else(|| io::Error::other("the driver gave no usable reading"))
}

fn timestamp(time: ptp_clock_time) -> Timestamp {
    let nanos = time
        .sec
        .wrapping_mul(NANOS_PER_SEC)
        .wrapping_add(time.nsec.into());
    Timestamp::from_nanos(nanos)
}

/// The PTP clocks of this host, by number.
pub fn all() -> Vec<PtpClock> {
    all_at(Path::new("/sys/class/ptp"))
}

fn all_at(class: &Path) -> Vec<PtpClock> {
    let Ok(entries) = std::fs::read_dir(class) else {
        return Vec::new();
    };
    let mut numbers: Vec<u32> = entries
        .flatten()
        .take(MAX_CLOCKS)
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_prefix("ptp")?
                .parse()
                .ok()
        })
        .collect();
    numbers.sort_unstable();
    let clocks = numbers.into_iter().map(|number| {
        let path = class.join(format!("ptp{number}/clock_name"));
        PtpClock {
            device: format!("/dev/ptp{number}"),
            name: super::super::host::one_line(&path),
        }
    });
    clocks.collect()
}

/// The clock that `name` names: a device (`/dev/ptp0`), an interface (`eth0`), or a clock by its own
/// name (`ptp_kvm`). That it can be read is for [`Phc::open`] to find out.
pub fn find(name: &str) -> Result<PtpClock, PhcError> {
    let clocks = all();
    if name.starts_with('/') {
        let known = clocks.into_iter().find(|clock| clock.device == name);
        return Ok(known.unwrap_or_else(|| PtpClock {
            device: name.to_owned(),
            name: None,
        }));
    }
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let own_name = alias.map_or(name, |(_, own)| own);
    let named: Vec<PtpClock> = clocks
        .iter()
        .filter(|clock| clock.name.as_deref() == Some(own_name))
        .cloned()
        .collect();
    match &named[..] {
        [clock] => return Ok(clock.clone()),
        [] => {}
        _ => {
            return Err(PhcError::Ambiguous {
                name: name.to_owned(),
                clocks: named,
            });
        }
    }
    let unknown = || PhcError::Unknown {
        name: name.to_owned(),
        clocks: clocks.clone(),
    };
    // The kernel may take a name that it does not know for that of a module to load.
    if !nic::exists(name) {
        return Err(unknown());
    }
    let info = sys::ethtool_ts_info(name).map_err(|_| unknown())?;
    let Ok(number) = u32::try_from(info.phc_index) else {
        return Err(PhcError::NoClock(name.to_owned()));
    };
    let device = PathBuf::from(format!("/dev/ptp{number}"));
    let known = clocks
        .into_iter()
        .find(|clock| Path::new(&clock.device) == device);
    Ok(known.unwrap_or_else(|| PtpClock {
        device: device.display().to_string(),
        name: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn the_tightest_window_that_runs_forward_is_taken() {
        let readings = [
            [at(0), at(500), at(90)],
            [at(100), at(600), at(130)],
            // The clock was stepped back.
            [at(200), at(700), at(150)],
            [at(300), at(800), at(360)],
        ];
        let reading = tightest(readings.into_iter(), Method::Extended).unwrap();
        assert_eq!(
            (reading.before, reading.device, reading.after),
            (at(100), at(600), at(130))
        );
        assert!(tightest([].into_iter(), Method::Basic).is_err());
    }

    #[test]
    fn clocks_are_listed_by_number_with_their_names() {
        let class = tempfile::tempdir().unwrap();
        for (clock, name) in [
            ("ptp10", "igb\n"),
            ("ptp2", "KVM virtual PTP\n"),
            ("pps0", ""),
        ] {
            std::fs::create_dir(class.path().join(clock)).unwrap();
            std::fs::write(class.path().join(clock).join("clock_name"), name).unwrap();
        }
        let found = all_at(class.path());
        let found: Vec<_> = found
            .iter()
            .map(|c| (c.device.as_str(), c.name.as_deref().unwrap_or("")))
            .collect();
        assert_eq!(
            found,
            [("/dev/ptp2", "KVM virtual PTP"), ("/dev/ptp10", "igb")]
        );
    }

    #[test]
    fn what_is_no_clock_is_named() {
        let error = find("no-such-clock").unwrap_err().to_string();
        assert!(
            error.starts_with("no PTP clock, interface or device is called no-such-clock; "),
            "{error}"
        );
        let error = find("lo").unwrap_err().to_string();
        assert_eq!(
            error,
            "interface lo has no PTP clock (its driver names none)"
        );
        let error = Phc::open(Path::new("/dev/null")).unwrap_err().to_string();
        assert_eq!(error, "/dev/null is not a PTP clock");
        let error = Phc::open(Path::new("/dev/no-such-ptp")).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("/dev/no-such-ptp cannot be read")
        );
    }
}
