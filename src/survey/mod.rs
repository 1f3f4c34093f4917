//! [`survey`]: which time a host is offered, what it is configured with, what it uses, and what follows.
//!
//! Floor 4. Files are read below one folder, that of this host or of a mounted image, by [`Files`]: what is read is
//! data, and nothing leads out of that folder. Each program that leaves a trace of a time server has a file here: in
//! `offered` those that ask the network, in `configured` time daemons, and in `used` those of them that can be asked
//! while they run. What is asked of the network, on demand alone, has its files in `probed`.

mod answer;
mod cloud_config;
mod configured;
mod evidence;
mod files;
mod findings;
mod lines;
mod offered;
mod probed;
#[cfg(test)]
mod tests;
mod used;

use crate::net::watch;
use crate::sample::Discipline;
use crate::time::Timestamp;

pub use answer::{Answer, Conclusion, Taken, answer};
pub use cloud_config::{CloudConfig, Named, cloud_config};
pub use configured::{Author, Basis, Daemon, DaemonName, Enabled, Source, SourceKind};
pub use evidence::Evidence;
pub use files::{Files, Missed, NoRoot};
pub use findings::Finding;
pub use offered::{Offer, OfferBy, Standing};
pub use probed::{NoInterface, ProbeFinding, Question, Reply};
pub use used::{Running, Selection, Used};

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// What the system calls itself (os-release), and where that stands.
    pub system: Option<Evidence>,
    /// Servers and clocks that the host is offered.
    pub offers: Vec<Offer>,
    /// Leases of DHCP clients, whatever they offer: what shows that there are some.
    pub leases: Vec<Evidence>,
    /// Time daemons that are installed, or left files.
    pub daemons: Vec<Daemon>,
    /// Time daemons that run, with what they use; absent where a mounted image was looked at, or processes are hidden.
    pub running: Option<Vec<Running>>,
    /// What the kernel says of its clock; absent where a mounted image was looked at.
    pub kernel: Option<Discipline>,
    /// What could not be read, and why.
    pub missed: Vec<Missed>,
    /// What came of asking the network, beside offers.
    pub probed: Vec<ProbeFinding>,
}

impl Survey {
    /// Asks DHCP servers over these interfaces, or over each that has a link and an address, and adds what they offer.
    /// It takes three seconds at most, and no lease.
    ///
    /// # Errors
    ///
    /// One of the interfaces is none of this host.
    pub fn ask_dhcp(&mut self, interfaces: &[String]) -> Result<(), NoInterface> {
        probed::ask_dhcp(interfaces, self)
    }

    /// Asks the platform that this guest may run on, by its metadata service and at addresses of the link where
    /// platforms have time servers, and adds what it offers. It takes two seconds at most.
    pub fn ask_metadata(&mut self) {
        probed::ask_metadata(self);
    }
}

/// Looks at this host: at its files, and asks the time daemons that run.
///
/// `now` is the time by which leases are told from old ones.
pub fn survey(files: &mut Files, now: Timestamp) -> Survey {
    let found = look(files, Some(now));
    Survey {
        running: used::ask(files, &found.daemons),
        kernel: watch::discipline(),
        missed: files.missed(),
        ..found
    }
}

/// Looks at the files of a mounted image, whose leases are of another time.
pub fn survey_image(files: &mut Files) -> Survey {
    look(files, None)
}

fn look(files: &mut Files, now: Option<Timestamp>) -> Survey {
    let offered = offered::find(files, now);
    let daemons = configured::find(files);
    Survey {
        system: evidence::system(files),
        offers: offered.all,
        leases: offered.leases,
        daemons,
        running: None,
        kernel: None,
        missed: files.missed(),
        probed: Vec::new(),
    }
}
