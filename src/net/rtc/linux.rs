//! Real-time clocks of Linux: `/dev/rtcN`. See rtc(4), and drivers/rtc/dev.c of the kernel.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;

use super::super::{clock, sys};
use super::edge::{self, Face};
use super::{ADJTIME, Edge, RtcError};
use crate::sample::Reading;
use crate::time::{NANOS_PER_SEC, TimeDelta, Timestamp};

/// Years that leave room for every date in them: [`Timestamp`] ends in 2262, and RTCs do not go back
/// to 1677.
const YEARS: std::ops::Range<i64> = 1900..2262;

/// An open RTC. See the [module](super).
#[derive(Debug)]
pub struct Rtc {
    device: File,
    /// Whether the kernel tells of updates.
    interrupts: bool,
}

/// More than hwclock(8) writes into its file.
const LONGEST_ADJTIME: u64 = 4096;

/// The device at `path`, under its own name: `/dev/rtc` is a link as a rule.
///
/// # Errors
///
/// Where there is none, and where this host's real-time clocks keep local time.
pub fn find(path: &Path) -> Result<PathBuf, RtcError> {
    let path = std::fs::canonicalize(path).map_err(|error| RtcError::Open {
        path: path.to_owned(),
        error,
    })?;
    if keeps_local_time(Path::new(ADJTIME)) {
        return Err(RtcError::LocalTime(path));
    }
    Ok(path)
}

/// What hwclock's file says. Where there is none, or it cannot be read, a clock keeps UTC.
fn keeps_local_time(notes: &Path) -> bool {
    let mut text = String::new();
    let read =
        File::open(notes).and_then(|file| file.take(LONGEST_ADJTIME).read_to_string(&mut text));
    read.is_ok()
        && text
            .lines()
            .nth(2)
            .is_some_and(|line| line.trim() == "LOCAL")
}

impl Rtc {
    /// Opens the device at `path` for reading, and reads it once.
    pub fn open(path: &Path) -> Result<Self, RtcError> {
        let failed = |error| RtcError::Open {
            path: path.to_owned(),
            error,
        };
        // Waiting is for poll; and a pipe of that name must not be waited for, nor a terminal taken.
        let device = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)
            .map_err(failed)?;
        match look(&device) {
            Ok(_) => Ok(Self {
                device,
                interrupts: false,
            }),
            Err(error) => Err(match error.raw_os_error() {
                Some(libc::ENOTTY) => RtcError::NotAClock(path.to_owned()),
                // The driver's word for fields that are no date.
                Some(libc::EINVAL) => RtcError::NoTime(path.to_owned()),
                _ => failed(error),
            }),
        }
    }

    /// Waits for the next second to begin, about a second at most. `last` is an earlier edge, which
    /// makes this one finer. `None` if `stop` is set before, which is heeded within an eighth of a
    /// second.
    ///
    /// # Errors
    ///
    /// Those of the device, and where its seconds do not follow one another.
    pub fn edge(&mut self, last: Option<&Edge>, stop: &AtomicBool) -> io::Result<Option<Edge>> {
        // Only for the time being: behind the update interrupt stands the clock's alarm, which would
        // wake a suspended host each second. Many a driver has none; then waits take their time.
        self.interrupts = sys::tell_rtc_updates(self.device.as_fd(), true).is_ok();
        let found = edge::find(self, last, stop);
        self.tell_no_more();
        found
    }

    fn tell_no_more(&mut self) {
        if std::mem::take(&mut self.interrupts) {
            // An RTC that has gone tells nothing anyway; and the kernel does the same when the file
            // is closed, however the program ends.
            let _ = sys::tell_rtc_updates(self.device.as_fd(), false);
        }
    }

    /// Waits for an interrupt. Those that were not waited for end the next wait early.
    fn wait_for_update(&mut self, at_most: TimeDelta) {
        let nanos = at_most.as_nanos();
        let at_most = Timespec {
            tv_sec: nanos / NANOS_PER_SEC,
            tv_nsec: nanos % NANOS_PER_SEC,
        };
        let mut files = [PollFd::new(&self.device, PollFlags::IN)];
        match poll(&mut files, Some(&at_most)) {
            // Time is up, or a signal came.
            Ok(0) | Err(rustix::io::Errno::INTR) => return,
            Ok(_) | Err(_) => {}
        }
        // Number and kind of the interrupts, as an unsigned long.
        let mut interrupts = [0; size_of::<libc::c_ulong>()];
        if self.device.read(&mut interrupts).is_err() {
            // What is ready and cannot be read would end every wait at once.
            self.tell_no_more();
        }
    }
}

impl Face for Rtc {
    fn now(&mut self) -> Reading {
        clock::paired()
    }

    fn look(&mut self) -> io::Result<Timestamp> {
        look(&self.device)
    }

    fn wait(&mut self, at_most: TimeDelta) {
        if self.interrupts {
            self.wait_for_update(at_most);
        } else {
            clock::sleep(at_most);
        }
    }
}

fn look(device: &File) -> io::Result<Timestamp> {
    let time = sys::read_rtc(device.as_fd())?;
    timestamp(&time).ok_or_else(|| io::Error::other("it shows a date that is none"))
}

/// The date as UTC; `None` where it is none.
fn timestamp(time: &sys::RtcTime) -> Option<Timestamp> {
    let field = |value: libc::c_int, allowed: std::ops::Range<i64>| {
        Some(i64::from(value)).filter(|value| allowed.contains(value))
    };
    let year = Some(i64::from(time.year) + 1900).filter(|year| YEARS.contains(year))?;
    let month = field(time.month, 0..12)? + 1;
    let days = days_since_1970(year, month) + field(time.day, 1..32)? - 1;
    // The day before the next month's first.
    let (next_year, next_month) = (year + month / 12, month % 12 + 1);
    if days >= days_since_1970(next_year, next_month) {
        return None;
    }
    let hours = days * 24 + field(time.hour, 0..24)?;
    let minutes = hours * 60 + field(time.minute, 0..60)?;
    let seconds = minutes * 60 + field(time.second, 0..60)?;
    Some(Timestamp::from_nanos(seconds * NANOS_PER_SEC))
}

/// Days from 1970-01-01 to the first of a month of the Gregorian calendar. A year begins in March
/// here, so that the leap day is its last.
fn days_since_1970(year: i64, month: i64) -> i64 {
    /// Days from 0000-03-01 to 1970-01-01.
    const EPOCH: i64 = 719_468;
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // From March on, months take 31, 30, 31, 30, 31 days over and over: 153 in five.
    let before_month = (153 * month + 2) / 5;
    year * 365 + leap_days + before_month - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(date: [libc::c_int; 6]) -> Option<i64> {
        timestamp(&sys::RtcTime::of(date)).map(|t| t.as_nanos() / NANOS_PER_SEC)
    }

    #[test]
    fn dates_are_counted_as_date_counts_them() {
        // date -u -d "2000-02-29 23:59:59" +%s
        for (date, expected) in [
            ([1970, 1, 1, 0, 0, 0], 0),
            ([1969, 12, 31, 23, 59, 59], -1),
            ([1900, 1, 1, 0, 0, 0], -2_208_988_800),
            ([2000, 2, 29, 23, 59, 59], 951_868_799),
            ([2000, 3, 1, 0, 0, 0], 951_868_800),
            ([2025, 11, 22, 17, 20, 0], 1_763_832_000),
            ([2100, 2, 28, 23, 59, 59], 4_107_542_399),
            ([2100, 3, 1, 0, 0, 0], 4_107_542_400),
            ([2261, 12, 31, 23, 59, 59], 9_214_646_399),
        ] {
            assert_eq!(seconds(date), Some(expected), "{date:?}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for date in [
            [1899, 12, 31, 23, 59, 59],
            [2262, 1, 1, 0, 0, 0],
            [libc::c_int::MAX, 1, 1, 0, 0, 0],
            [2025, 0, 1, 0, 0, 0],
            [2025, 13, 1, 0, 0, 0],
            [2025, 11, 0, 0, 0, 0],
            [2025, 11, 31, 0, 0, 0],
            [2025, 2, 29, 0, 0, 0],
            [2100, 2, 29, 0, 0, 0],
            [2025, 12, 32, 0, 0, 0],
            [2025, 11, 22, 24, 0, 0],
            [2025, 11, 22, 0, 60, 0],
            [2025, 11, 22, 0, 0, 60],
            [2025, 11, 22, 0, 0, -1],
        ] {
            assert_eq!(seconds(date), None, "{date:?}");
        }
    }

    #[test]
    fn what_is_no_clock_is_named() {
        let scratch = tempfile::tempdir().unwrap();
        let (pipe, file) = (scratch.path().join("pipe"), scratch.path().join("file"));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        std::fs::write(&file, "0").unwrap();
        // A pipe that nobody writes to would be waited for.
        for path in [Path::new("/dev/null"), scratch.path(), &pipe, &file] {
            let error = Rtc::open(path).unwrap_err().to_string();
            let expected = format!("{} is not a real-time clock", path.display());
            assert_eq!(error, expected);
        }
        let missing = Path::new("/dev/no-such-rtc");
        for error in [Rtc::open(missing).unwrap_err(), find(missing).unwrap_err()] {
            let error = error.to_string();
            assert!(
                error.starts_with("/dev/no-such-rtc cannot be read: No such file"),
                "{error}"
            );
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let said = |errno| {
            let error = io::Error::from_raw_os_error(errno);
            let path = PathBuf::from("/dev/rtc0");
            RtcError::Open { path, error }.to_string()
        };
        assert!(said(libc::EACCES).contains("run as root"));
        assert!(said(libc::EBUSY).contains("one program at a time"));
        assert!(said(libc::EIO).ends_with("(os error 5)"));
    }

    #[test]
    fn clocks_in_local_time_are_known_by_the_third_line() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("notes");
        assert!(!keeps_local_time(&file), "no file");
        for (text, local) in [
            ("0.0 1763832000 0.0\n1763832000\nLOCAL\n", true),
            ("0.0 0 0.0\n0\nLOCAL", true),
            ("0.0 0 0.0\r\n0\r\nLOCAL\r\n", true),
            ("0.0 0 0.0\n0\nUTC\n", false),
            ("0.0 0 0.0\n0\n", false),
            ("LOCAL\n", false),
            ("", false),
            ("\n\nLOCALE\n", false),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(keeps_local_time(&file), local, "{text:?}");
        }
        std::fs::write(&file, b"\n\n\xff").unwrap();
        assert!(!keeps_local_time(&file), "no text");
        let said = RtcError::LocalTime("/dev/rtc0".into()).to_string();
        assert!(
            said.starts_with("/dev/rtc0 keeps local time, as /etc/"),
            "{said}"
        );
    }

    #[test]
    fn a_device_is_called_by_its_own_name() {
        let scratch = tempfile::tempdir().unwrap();
        let link = scratch.path().join("rtc");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert_eq!(find(&link).unwrap(), Path::new("/dev/null"));
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let mut expected = seconds([1900, 1, 1, 0, 0, 0]).unwrap();
        for year in 1900..2262 {
            for (month, day) in (1..=12).flat_map(|month| (1..=31).map(move |day| (month, day))) {
                if let Some(found) = seconds([year, month, day, 0, 0, 0]) {
                    assert_eq!(found, expected, "{year}-{month}-{day}");
                    expected += 86_400;
                }
            }
        }
        assert_eq!(expected, 9_214_646_400);
    }

    proptest! {
        #[test]
        fn no_date_makes_it_panic(fields: [i32; 6], near in prop::array::uniform6(-1i32..3000)) {
            for [second, minute, hour, day, month, year] in [fields, near] {
                let mut time = sys::RtcTime::default();
                (time.second, time.minute, time.hour) = (second, minute, hour);
                (time.day, time.month, time.year) = (day, month, year);
                let _ = timestamp(&time);
            }
        }
    }
}
