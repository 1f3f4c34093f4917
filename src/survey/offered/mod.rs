//! What the network and the machine offer a host: servers that DHCP told, and clocks.

mod clocks;
mod cloud_init;
mod dhclient;
pub(super) mod dhcp;
mod dhcpcd;
mod network_manager;
mod networkd;
mod wicked;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::files::Files;
use crate::time::Timestamp;

pub(super) use clocks::also_called;

/// Who offers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OfferBy {
    /// DHCP for IPv4: option 42.
    Dhcp4,
    /// DHCP for IPv6: option 56, or the older 31.
    Dhcp6,
    /// A network manager, which does not say whether by DHCP.
    Network,
    /// The provider, by what it tells cloud-init.
    VendorData,
    /// The platform: a server at an address of the link.
    LinkLocal,
    /// Whoever runs the host, by what he told cloud-init: the host's own choice, and no offer of anybody else's.
    UserData,
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
            Self::VendorData => "the provider's vendor data",
            Self::LinkLocal => "the platform",
            Self::UserData => "the user data",
            Self::Hypervisor => "the hypervisor",
            Self::Machine => "the machine",
        }
    }

    /// Whether it offers servers, and is somebody else than whoever runs the host.
    pub const fn is_network(self) -> bool {
        !self.is_clock() && !matches!(self, Self::UserData)
    }

    /// Whether it offers a clock, and no server.
    pub const fn is_clock(self) -> bool {
        matches!(self, Self::Hypervisor | Self::Machine)
    }
}

/// Whether an offer still stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
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
    /// Whether the client was told not to hand it on (`UseNTP=no`).
    pub is_kept: bool,
    /// Where it was left.
    pub evidence: Evidence,
}

/// Offers that are told; nobody is offered more.
const MOST: usize = 10_000;

/// Interfaces of which the number is read; a file each.
const MOST_INTERFACES: usize = 1_000;

/// Looks for all of them.
pub(super) fn find(files: &mut Files, now: Option<Timestamp>) -> Offers {
    let interfaces = Interfaces::find(files);
    let mut found = Offers::default();
    networkd::find(files, &interfaces, &mut found);
    network_manager::find(files, &interfaces, now, &mut found);
    dhclient::find(files, now, &mut found);
    dhcpcd::find(files, &interfaces, now, &mut found);
    wicked::find(files, now, &mut found);
    cloud_init::find(files, &mut found);
    if let Some(file) = found.beyond.take() {
        let why = format!("offers more than {MOST} servers: the others are not told");
        files.miss(&file, why);
    }
    found.all.extend(clocks::find(files));
    found
}

/// Those that were found so far, and no more than are told: each of their files can name half a million.
#[derive(Debug, Default)]
pub(super) struct Offers {
    /// What is offered.
    pub all: Vec<Offer>,
    /// Leases that stand, whatever they offer.
    pub leases: Vec<Evidence>,
    /// The file of the first one that is not told.
    beyond: Option<String>,
}

impl Offers {
    /// Whether there is no room for one more, of this file.
    fn is_full(&mut self, file: &str) -> bool {
        let is_full = self.all.len() >= MOST;
        if is_full && self.beyond.is_none() {
            self.beyond = Some(file.to_owned());
        }
        is_full
    }

    /// A lease that stands, whatever it offers.
    fn lease(&mut self, file: &str, interface: Option<&str>, standing: Standing) {
        if standing != Standing::Old && self.leases.len() < MOST {
            let of = interface.map_or_else(String::new, |name| format!(" of {name}"));
            let lease = Evidence::file(file, &format!("a lease{of}"));
            self.leases.push(lease);
        }
    }
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
#[derive(Debug, Default)]
struct Interfaces {
    names: Vec<String>,
    by_index: BTreeMap<String, String>,
}

impl Interfaces {
    /// Looks for them once: a host with hundreds has a file of each, and a lease or a link of each.
    fn find(files: &mut Files) -> Self {
        const FOLDER: &str = "/sys/class/net";
        let names = files.list(FOLDER);
        if names.len() > MOST_INTERFACES {
            let why = format!(
                "has more than {MOST_INTERFACES} interfaces: the others were not looked at"
            );
            files.miss(FOLDER, why);
        }
        let mut by_index = BTreeMap::new();
        for name in names.iter().take(MOST_INTERFACES) {
            if let Some(number) = files.read(&format!("{FOLDER}/{name}/ifindex")) {
                let number = String::from_utf8_lossy(number.trim_ascii()).into_owned();
                by_index.entry(number).or_insert_with(|| name.clone());
            }
        }
        Self { names, by_index }
    }

    /// The name of the interface with this number.
    fn of(&self, index: &str) -> Option<String> {
        self.by_index.get(index).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Tree, missed_in};
    use super::*;

    #[test]
    fn offers_without_end_are_cut_and_told() {
        let servers = (0..20_000).map(|n| format!("NTPSERVERS='10.0.{}.{}'\n", n >> 8, n & 255));
        let servers: String = servers.collect();
        let tree = Tree::of(&[("run/wicked/leaseinfo.eth0.dhcp.ipv4", &servers)]);
        let mut files = tree.files();
        assert_eq!(find(&mut files, None).all.len(), MOST);
        assert!(missed_in(&files).contains("offers more than"));
    }
}
