//! [`survey`]: which time a host is offered, what it is configured with, and what follows from both.
//!
//! Floor 4. Everything is read from files below one folder, that of this host or of a mounted image, by [`Files`]:
//! what is read is data, nothing is run, and nothing leads out of that folder. Each program that leaves a trace of a
//! time server has a file here: in `offered` those that ask the network, in `configured` time daemons.

mod answer;
mod configured;
mod evidence;
mod files;
mod lines;
mod offered;
#[cfg(test)]
mod tests;

use crate::time::Timestamp;

pub use answer::{Answer, Conclusion, Finding, answer};
pub use configured::{Author, Basis, Daemon, DaemonName, Enabled, Source, SourceKind};
pub use evidence::Evidence;
pub use files::{Files, Missed, NoRoot};
pub use offered::{Offer, OfferBy, Standing};

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// What the system calls itself (os-release), and where that stands.
    pub system: Option<Evidence>,
    /// Servers and clocks that the host is offered.
    pub offers: Vec<Offer>,
    /// Time daemons that are installed, or left files.
    pub daemons: Vec<Daemon>,
    /// What could not be read, and why.
    pub missed: Vec<Missed>,
}

/// Looks at a host.
///
/// `now` is the time by which leases are told from old ones; those of a mounted image are of another time.
pub fn survey(files: &mut Files, now: Option<Timestamp>) -> Survey {
    let offers = offered::find(files, now);
    let daemons = configured::find(files);
    Survey {
        system: evidence::system(files),
        offers,
        daemons,
        missed: files.missed(),
    }
}
