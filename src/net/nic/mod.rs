//! Network cards: what stamps each interface offers, how it is set, and the clock it reads.
//!
//! [`survey`] only looks, without privileges. [`NicStamping`] sets a card to stamp, and restores
//! what it found.

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod linux;
mod outlook;
mod stamping;
mod words;

pub use outlook::Outlook;
pub use stamping::{NicError, NicStamping, TakeOver};
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) use words::capabilities;
pub use words::{Offer, RxFilter, Setting, TxType};

use std::io;

/// Names that an error repeats: hosts of containers have hundreds.
const NAMED: usize = 40;

/// A network interface, as far as stamps are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Name.
    pub name: String,
    /// What it is made of.
    pub kind: Kind,
    /// Who drives it, where it says.
    pub driver: Option<Driver>,
    /// Its link.
    pub link: Link,
    /// What it says it can stamp.
    pub offer: Result<Offer, AskError>,
    /// How it is set.
    pub setting: Result<Setting, AskError>,
    /// Its clock, where it has one.
    pub clock: Option<CardClock>,
    /// For an interface on top of others (VLAN, bond, bridge): the cards at the bottom, which are
    /// what stamps its packets. By name; empty for all others.
    pub beneath: Vec<String>,
}

/// What an interface is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A device: a card, or what a hypervisor shows as one.
    Physical,
    /// Software alone: a VLAN, a bond, a bridge, one end of a veth pair...
    Virtual,
    /// The loopback.
    Loopback,
}

/// Who drives an interface (ETHTOOL_GDRVINFO). Text from the driver, unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// Name of the driver.
    pub name: String,
    /// Version of the firmware.
    pub firmware: Option<String>,
    /// Where the device sits, such as a PCI address.
    pub bus: Option<String>,
}

/// The state of a link. What the kernel does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it hears the other end; absent while it is down.
    pub carrier: Option<bool>,
    /// Speed in Mbit/s.
    pub speed: Option<u32>,
    /// `full` or `half`.
    pub duplex: Option<String>,
}

/// The clock of a network card (PTP hardware clock).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardClock {
    /// N of /dev/ptpN.
    pub index: u32,
    /// What its driver calls it. Text from the driver, unescaped.
    pub name: Option<String>,
    /// Whether this process can read it.
    pub access: PhcAccess,
}

/// Whether a clock can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhcAccess {
    /// It can.
    Readable,
    /// The device exists, and this user may not open it.
    Denied,
    /// There is no such device file, as in most containers.
    NoDevice,
    /// It could not be opened for another reason.
    Failed(String),
}

/// Why an interface did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The driver does not know the question (EOPNOTSUPP).
    #[error("the driver does not say (EOPNOTSUPP)")]
    Unsupported,
    /// The kernel or a sandbox refuses to ask (EPERM, EACCES).
    #[error("not permitted to ask (EPERM)")]
    NotPermitted,
    /// There is no such interface, or no longer (ENODEV).
    #[error("the interface is gone (ENODEV)")]
    Vanished,
    /// It does not take this, and may take something else (ERANGE; EINVAL by some drivers).
    #[error("the driver refuses (ERANGE)")]
    Refused,
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl From<&io::Error> for AskError {
    fn from(error: &io::Error) -> Self {
        match rustix::io::Errno::from_io_error(error) {
            // Older drivers answer a question they do not know as they do any unknown ioctl.
            Some(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOTTY) => Self::Unsupported,
            Some(rustix::io::Errno::PERM | rustix::io::Errno::ACCESS) => Self::NotPermitted,
            Some(rustix::io::Errno::NODEV) => Self::Vanished,
            Some(rustix::io::Errno::RANGE | rustix::io::Errno::INVAL) => Self::Refused,
            _ => Self::Failed(error.to_string()),
        }
    }
}

/// Why there is nothing to tell about interfaces.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// An interface that was asked for does not exist.
    #[error("no interface {name}; there are: {}", listed(.existing))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        existing: Vec<String>,
    },
    /// The kernel's list could not be read.
    #[error("the list of interfaces could not be read (/proc/self/net/dev): {0}")]
    NoList(#[source] io::Error),
    /// Only Linux has these questions.
    #[error("interfaces can be asked about stamps on Linux only")]
    NotThisSystem,
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let named: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let named = named.join(", ");
    match more {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Looks at the interfaces of these names, or at all of this network namespace, the most
/// interesting first: devices before what is made of software, loopback last, and within these
/// whoever stamps best. Needs no privilege and changes nothing.
///
/// ```
/// use clockfit::net::nic;
/// # #[cfg(all(target_os = "linux", not(clockfit_portable)))]
/// for interface in nic::survey(&[])? {
///     println!("{}: {:?}", interface.name, interface.outlook());
/// }
/// # Ok::<(), nic::SurveyError>(())
/// ```
///
/// # Errors
///
/// [`SurveyError::Unknown`] if one of the names is no interface. What cannot be found out about an
/// interface is in its fields and no error.
pub fn survey(names: &[String]) -> Result<Vec<Interface>, SurveyError> {
    let mut found = look(names)?;
    sort(&mut found);
    Ok(found)
}

/// Whether this network namespace has an interface of that name, by the kernel's list. To ask the
/// kernel for a name that is not on it may make it load a module of that name.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn exists(name: &str) -> bool {
    linux::list(std::path::Path::new("/")).is_ok_and(|all| all.iter().any(|one| one == name))
}

fn sort(interfaces: &mut [Interface]) {
    interfaces.sort_by(|a, b| {
        let by_name = || natural(&a.name).cmp(&natural(&b.name));
        a.rank().cmp(&b.rank()).then_with(by_name)
    });
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
fn look(names: &[String]) -> Result<Vec<Interface>, SurveyError> {
    linux::look(std::path::Path::new("/"), &linux::Kernel, names)
}

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
fn look(_: &[String]) -> Result<Vec<Interface>, SurveyError> {
    Err(SurveyError::NotThisSystem)
}

/// Names as people count them: eth2 before eth10.
fn natural(name: &str) -> (&str, u64, &str) {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.strip_prefix(letters).and_then(|n| n.parse().ok());
    (letters, number.unwrap_or(0), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_interface_is_told_with_those_that_exist() {
        let error = SurveyError::Unknown {
            name: "eth9".into(),
            existing: vec!["eth0".into(), "lo".into()],
        };
        assert_eq!(error.to_string(), "no interface eth9; there are: eth0, lo");
        let many: Vec<String> = (0..100).map(|n| format!("veth{n}")).collect();
        assert!(listed(&many).ends_with("veth39 and 60 more"));
    }

    #[test]
    fn refusals_have_names() {
        let named = |errno: rustix::io::Errno| AskError::from(&io::Error::from(errno));
        assert_eq!(named(rustix::io::Errno::OPNOTSUPP), AskError::Unsupported);
        assert_eq!(named(rustix::io::Errno::PERM), AskError::NotPermitted);
        assert_eq!(named(rustix::io::Errno::NODEV), AskError::Vanished);
        let other = named(rustix::io::Errno::IO);
        assert!(matches!(other, AskError::Failed(text) if text.contains("error")));
    }
}
