//! PTP hardware clocks (PHC): found by name, and read beside the system's clock.
//!
//! A PHC is the clock of a network card, or in a guest the clock of its host (`ptp_kvm`, Hyper-V).
//! It is only ever read. A reading is three instants: the system's clock before, the PHC, and the
//! system's clock after; so the PHC's offset lies between `device - after` and `device - before`,
//! as that of an NTP server lies between its two one-way intervals.

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
mod portable;

use std::io;
use std::path::PathBuf;

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub use linux::{Phc, all, find};
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
pub use portable::{Phc, all, find};

use crate::sample::PtpClock;
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// What a cross time stamp may be off by. Both clocks are latched in one moment, but the system's by
/// way of a counter that ticks at the rate of its crystal, 19.2 to 38.4 MHz (Intel's Always Running
/// Timer): one tick at each end, rounded up.
const CROSS_STAMP_ERROR: TimeDelta = TimeDelta::from_nanos(100);

/// How a PHC is read, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `PTP_SYS_OFFSET_PRECISE`: the device latches both clocks in one moment.
    Precise,
    /// `PTP_SYS_OFFSET_EXTENDED`: the driver reads the system's clock around the one access that
    /// latches the PHC.
    Extended,
    /// `PTP_SYS_OFFSET`: the kernel reads the system's clock around the whole reading.
    Basic,
}

/// One reading of a PHC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The system's clock (CLOCK_REALTIME) before.
    pub before: Timestamp,
    /// The PHC.
    pub device: Timestamp,
    /// The system's clock after; equal to `before` where one moment was latched.
    pub after: Timestamp,
    /// The unsteered counter at that moment, where it was latched with the others.
    pub counter: Option<Monotonic>,
    /// How it was read.
    pub method: Method,
}

impl Reading {
    /// The time in which the PHC was read.
    pub fn window(&self) -> TimeDelta {
        self.after.since(self.before)
    }

    /// What the system's two instants may be off by.
    pub fn error(&self) -> TimeDelta {
        match self.method {
            Method::Precise => CROSS_STAMP_ERROR,
            Method::Extended | Method::Basic => TimeDelta::ZERO,
        }
    }
}

/// Why there is no PHC to read.
#[derive(Debug, thiserror::Error)]
pub enum PhcError {
    /// Nothing is called so.
    #[error("no PTP clock, interface or device is called {name}; {}", known(.clocks))]
    Unknown {
        /// The name.
        name: String,
        /// What there is.
        clocks: Vec<PtpClock>,
    },
    /// Several clocks are called so.
    #[error("more than one PTP clock is called {name}: {}", known(.clocks))]
    Ambiguous {
        /// The name.
        name: String,
        /// Those that are called so.
        clocks: Vec<PtpClock>,
    },
    /// The interface has no clock.
    #[error("interface {0} has no PTP clock (its driver names none)")]
    NoClock(String),
    /// The device cannot be opened.
    #[error("{} cannot be read: {error}{}", .path.display(), advice(.error))]
    Open {
        /// The device.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is something else.
    #[error("{} is not a PTP clock", .0.display())]
    NotAClock(PathBuf),
    /// Not on this system.
    #[error("PTP clocks can be read on Linux only")]
    Unsupported,
}

fn known(clocks: &[PtpClock]) -> String {
    let named: Vec<String> = clocks
        .iter()
        .map(|clock| match &clock.name {
            Some(name) => format!("{} ({name})", clock.device),
            None => clock.device.clone(),
        })
        .collect();
    if named.is_empty() {
        "this host has none".to_owned()
    } else {
        format!("there is {}", named.join(", "))
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            " (PTP clocks are root's by default: run as root, or let a udev rule give the device to \
             a group)"
        }
        _ => "",
    }
}
