//! Time daemons: which are installed and enabled, and which sources their files name.

mod author;
mod busybox;
mod chrony;
mod gathered;
mod linuxptp;
mod ntpd;
mod ntpd_rs;
mod openntpd;
mod timesyncd;
mod units;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::files::Files;
use units::Units;

pub use author::Author;
pub(super) use ntpd_rs::observation_path;
pub use units::Enabled;

/// A program that can steer a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DaemonName {
    /// chronyd.
    Chrony,
    /// systemd-timesyncd.
    Timesyncd,
    /// ntpd of the reference implementation, or of ntpsec where it takes its file.
    Ntpd,
    /// ntpd of ntpsec.
    Ntpsec,
    /// ntpd of OpenNTPD.
    Openntpd,
    /// ntpd-rs.
    NtpdRs,
    /// ntpd of busybox.
    Busybox,
    /// phc2sys of linuxptp.
    Phc2sys,
    /// timemaster of linuxptp.
    Timemaster,
}

impl DaemonName {
    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Chrony => "chrony",
            Self::Timesyncd => "systemd-timesyncd",
            Self::Ntpd => "ntpd",
            Self::Ntpsec => "ntpsec",
            Self::Openntpd => "openntpd",
            Self::NtpdRs => "ntpd-rs",
            Self::Busybox => "busybox ntpd",
            Self::Phc2sys => "phc2sys",
            Self::Timemaster => "timemaster",
        }
    }
}

/// By what a daemon's sources are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The files that it reads.
    InForce,
    /// A template that its package puts in their place when it is installed.
    Template,
    /// What is built into it, or into what starts it, for want of anything else.
    BuiltIn,
}

/// What kind of source a line names.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// One server.
    Server,
    /// A name that stands for several.
    Pool,
    /// One that asks back.
    Peer,
    /// A clock of this host.
    Clock,
}

impl SourceKind {
    /// As reports call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Pool => "pool",
            Self::Peer => "peer",
            Self::Clock => "clock",
        }
    }
}

/// A source of time that a daemon is configured with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What kind.
    pub kind: SourceKind,
    /// A name or an address, or what a clock is called, as it stands there.
    pub name: String,
    /// Whether its answers are authenticated by NTS.
    pub nts: bool,
    /// Whether it is asked only where there is nothing else.
    pub fallback: bool,
    /// Who wrote that, as far as it shows.
    pub author: Author,
    /// Where.
    pub evidence: Evidence,
}

impl Source {
    /// One that is asked like any other, and not authenticated.
    fn new(kind: SourceKind, name: &str, author: Author, evidence: Evidence) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            nts: false,
            fallback: false,
            author,
            evidence,
        }
    }
}

/// A time daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Which.
    pub name: DaemonName,
    /// Whether it starts with the system.
    pub enabled: Enabled,
    /// By what its sources are known.
    pub basis: Basis,
    /// Its sources, in the order of its files.
    pub sources: Vec<Source>,
    /// What hands it the servers that DHCP offers.
    pub takes_offers: Vec<Evidence>,
}

/// Sources of a daemon that are told, and lines that let it take offers; nobody has more.
const MOST_SOURCES: usize = 10_000;

/// Looks for all of them.
pub(super) fn find(files: &mut Files) -> Vec<Daemon> {
    let units = Units::find(files);
    let found = [
        chrony::find(files, &units),
        timesyncd::find(files, &units),
        ntpd::find_ntpsec(files, &units),
        ntpd::find_classic(files, &units),
        openntpd::find(files, &units),
        ntpd_rs::find(files, &units),
        busybox::find(files, &units),
        linuxptp::find_phc2sys(files, &units),
        linuxptp::find_timemaster(files, &units),
    ];
    let found: Vec<Daemon> = found.into_iter().flatten().collect();
    for of in &found {
        if of.sources.len() >= MOST_SOURCES
            && let Some(last) = of.sources.last()
        {
            let why = format!("names {MOST_SOURCES} sources or more: the others are not told");
            files.miss(&last.evidence.file, why);
        }
    }
    found
}
