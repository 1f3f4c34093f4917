//! What time daemons that run say they use, asked with no more rights than whoever runs this has.
//!
//! Only this host can be asked. Nobody is started by being asked, and all that is answered is text from outside.

mod chronyd;
mod ntpd;
mod ntpd_rs;
mod openntpd;
mod timesyncd;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::configured::{Daemon, DaemonName};
use super::evidence::Evidence;
use super::files::Files;
use crate::net::host;

/// What a daemon thinks of a server.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// It steers the clock by it, alone or with others.
    Used,
    /// It could.
    Candidate,
    /// It answers, and is not believed.
    Rejected,
    /// It does not answer, or not well enough.
    Unusable,
}

/// A server that a daemon has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// An address; what a clock is called.
    pub server: String,
    /// As it stands in the settings, where that is known.
    pub name: Option<String>,
    /// Whether it is one of those clocks.
    pub is_clock: bool,
    /// What the daemon thinks of it.
    pub selection: Selection,
    /// Where it says so.
    pub evidence: Evidence,
}

/// A daemon that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Which; several programs call themselves ntpd.
    pub name: String,
    /// Which of those that were found that is.
    pub daemon: Option<DaemonName>,
    /// Its servers, or why it does not tell.
    pub used: Result<Vec<Used>, String>,
}

/// Looks which daemons run, and asks them; nothing where processes are hidden.
pub(super) fn ask(files: &mut Files, daemons: &[Daemon]) -> Option<Vec<Running>> {
    let Some(running) = host::time_daemons() else {
        files.miss("/proc", "does not show which time daemons run".to_owned());
        return None;
    };
    let asked = running
        .into_iter()
        .map(|name| {
            let (daemon, used) = match name.as_str() {
                "chronyd" => (Some(DaemonName::Chrony), chronyd::ask()),
                "systemd-timesyncd" => (Some(DaemonName::Timesyncd), timesyncd::ask()),
                "ntpd" => an_ntpd(daemons),
                "openntpd" => (Some(DaemonName::Openntpd), openntpd::ask()),
                "ntpd-rs" => (Some(DaemonName::NtpdRs), ntpd_rs::ask(files)),
                "phc2sys" => (Some(DaemonName::Phc2sys), Err(NOT_ASKED.to_owned())),
                "timemaster" => (Some(DaemonName::Timemaster), Err(NOT_ASKED.to_owned())),
                _ => (None, Err(NOT_ASKED.to_owned())),
            };
            Running { name, daemon, used }
        })
        .collect();
    Some(asked)
}

/// Those that are not asked yet.
const NOT_ASKED: &str = "how to ask it is not known here";

/// One of those that call themselves ntpd: who answers control messages says which it is, and openntpd is asked by its
/// own program.
fn an_ntpd(daemons: &[Daemon]) -> (Option<DaemonName>, Result<Vec<Used>, String>) {
    let found = the_ntpd(daemons);
    if found == Some(DaemonName::Openntpd) {
        return (found, openntpd::ask());
    }
    match ntpd::ask() {
        Ok(told) => (told.daemon.or(found), Ok(told.servers)),
        Err(ntpd::Silence::Broken(why)) => (found, Err(why)),
        Err(ntpd::Silence::NoAnswer) => match (found, openntpd::is_there()) {
            (None, true) => match openntpd::ask() {
                Ok(servers) => (Some(DaemonName::Openntpd), Ok(servers)),
                Err(why) => (None, Err(why)),
            },
            (Some(DaemonName::Busybox), _) => (found, Err(NO_WAY.to_owned())),
            _ => (found, Err(NO_QUERY.to_owned())),
        },
    }
}

/// Of ntpd and ntpsec.
const NO_QUERY: &str = "it does not answer queries (mode 6), as where its settings restrict this host (noquery, limited)";
/// Of that of busybox.
const NO_WAY: &str = "it has no way to be asked";

/// Which of those that call themselves ntpd it is: the one that is found, where that is one.
fn the_ntpd(daemons: &[Daemon]) -> Option<DaemonName> {
    use DaemonName as D;
    let of_them = [D::Ntpd, D::Ntpsec, D::Openntpd, D::Busybox];
    let mut found = daemons
        .iter()
        .map(|of| of.name)
        .filter(|of| of_them.contains(of));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}
