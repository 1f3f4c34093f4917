//! What the network and the machine offer a host: servers that DHCP told, and clocks.

mod clocks;
mod dhclient;
mod dhcp;
mod dhcpcd;
mod network_manager;
mod networkd;
mod wicked;

use super::evidence::Evidence;
use super::files::Files;
use crate::time::Timestamp;

/// Who offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OfferBy {
    /// DHCP for IPv4: option 42.
    Dhcp4,
    /// DHCP for IPv6: option 56, or the older 31.
    Dhcp6,
    /// A network manager, which does not say whether by DHCP.
    Network,
    /// A hypervisor: a clock without a network.
    Hypervisor,
    /// The machine: its real-time clock.
    Machine,
}

impl OfferBy {
    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dhcp4 => "DHCP",
            Self::Dhcp6 => "DHCPv6",
            Self::Network => "the network's settings",
            Self::Hypervisor => "the hypervisor",
            Self::Machine => "the machine",
        }
    }

    /// Whether it offers servers, and not a clock.
    pub const fn is_network(self) -> bool {
        !matches!(self, Self::Hypervisor | Self::Machine)
    }
}

/// Whether an offer still stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It does.
    InForce,
    /// The lease that told it has run out, or another one took its place.
    Old,
    /// It does not say until when.
    Unknown,
}

/// A server that a host is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who offers it.
    pub by: OfferBy,
    /// The program that was told.
    pub client: &'static str,
    /// Over which interface.
    pub interface: Option<String>,
    /// A name or an address.
    pub server: String,
    /// Whether that still stands.
    pub standing: Standing,
    /// Where it was left.
    pub evidence: Evidence,
}

/// Offers that are told; nobody is offered more.
const MOST: usize = 10_000;

/// What was found of them.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What is offered.
    pub offers: Vec<Offer>,
    /// Leases, whatever they offer.
    pub leases: Vec<Evidence>,
}

impl Found {
    /// A lease, whatever it offers.
    fn lease(&mut self, file: &str, interface: Option<&str>) {
        if self.leases.len() < MOST {
            let of = interface.map_or_else(String::new, |name| format!(" of {name}"));
            self.leases
                .push(Evidence::file(file, &format!("a lease{of}")));
        }
    }
}

/// Looks for all of them.
pub(super) fn find(files: &mut Files, now: Option<Timestamp>) -> Found {
    let mut found = Found::default();
    networkd::find(files, &mut found);
    network_manager::find(files, now, &mut found);
    dhclient::find(files, now, &mut found);
    dhcpcd::find(files, now, &mut found);
    wicked::find(files, now, &mut found);
    found.offers.truncate(MOST);
    found.offers.extend(clocks::find(files));
    found
}

/// Whether an offer that ends then still stands.
fn standing(ends: Option<Timestamp>, now: Option<Timestamp>) -> Standing {
    match ends.zip(now) {
        Some((ends, now)) if ends < now => Standing::Old,
        Some(_) => Standing::InForce,
        None => Standing::Unknown,
    }
}

/// Interfaces that there are.
fn interfaces(files: &mut Files) -> Vec<String> {
    files.list("/sys/class/net")
}

/// The name of the interface with this number.
fn interface_of(files: &mut Files, index: &str) -> Option<String> {
    interfaces(files).into_iter().find(|name| {
        let number = files.read(&format!("/sys/class/net/{name}/ifindex"));
        number.is_some_and(|number| number.trim_ascii() == index.as_bytes())
    })
}
