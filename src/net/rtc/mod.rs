//! Real-time clocks (RTC), which show whole seconds: read at the edge from one second to the next.
//!
//! An RTC is only ever read. Its second began between two looks at it: one that still showed the
//! second before, and one that showed the new one. The system's clock is read before the first and
//! after the second, so the RTC's offset lies between `second - after` and `second - before`, as
//! that of an NTP server lies between its two one-way intervals.
//!
//! Update interrupts (`RTC_UIE_ON`) end a wait at the edge, and prove nothing: on PCs whose HPET has
//! taken the RTC's interrupt line they come up to 16 ms late (arch/x86/kernel/hpet.c looks 64 times a
//! second), elsewhere by way of a kernel thread. Both ends of the interval are looks.
//!
//! What a look takes is the hardware's: tens of microseconds for a PC's clock, half a millisecond
//! behind an I2C bus. A PC's clock cannot be looked at while it counts on, from 244 us before the
//! edge for up to 2 ms (MC146818); the driver waits until that is over, so that the whole of it lies
//! inside the interval.

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod edge;
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
mod portable;

use std::io;
use std::path::PathBuf;

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub use linux::{Rtc, find};
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
pub use portable::{Rtc, find};

use crate::sample::Reading;
use crate::time::Timestamp;

/// What hwclock(8) notes about this host's real-time clocks; in its third line, whether they keep UTC
/// or local time.
const ADJTIME: &str = "/etc/adjtime";

/// The beginning of a second of an RTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// This host's clocks before the last look that showed the second before.
    pub before: Reading,
    /// The second that begins.
    pub second: Timestamp,
    /// This host's clocks after the first look that showed it.
    pub after: Reading,
}

/// Why there is no RTC to read.
#[derive(Debug, thiserror::Error)]
pub enum RtcError {
    /// The device cannot be opened or read.
    #[error("{} cannot be read: {error}{}", .path.display(), advice(.error))]
    Open {
        /// The device.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The clock knows of itself that its time is wrong.
    #[error("{} holds no valid time: it was never set, or its battery is flat", .0.display())]
    NoTime(PathBuf),
    /// The clock does not keep UTC.
    #[error(
        "{} keeps local time, as {} says, and would be read as UTC: let it keep UTC (timedatectl \
         set-local-rtc 0), or correct the file if it is wrong",
        .0.display(), ADJTIME
    )]
    LocalTime(PathBuf),
    /// The file is something else.
    #[error("{} is not a real-time clock", .0.display())]
    NotAClock(PathBuf),
    /// Not on this system.
    #[error("real-time clocks can be read on Linux only")]
    Unsupported,
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            " (real-time clocks are root's by default: run as root, or let a udev rule give the \
             device to a group)"
        }
        io::ErrorKind::ResourceBusy => {
            " (one program at a time can open it: end the other, such as hwclock or chronyd with \
             rtcfile)"
        }
        _ => "",
    }
}
