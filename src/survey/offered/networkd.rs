//! systemd-networkd: what it keeps of each lease, and of each link.
//!
//! Its files say of themselves that they are private; the lines that are read here have been there since leases were
//! first kept. A lease is removed when it is lost, and holds what DHCP for IPv4 offered whether or not it is to be
//! used; a link has what is to be used: what was written down for it, then IPv4's, then IPv6's.

use std::collections::{BTreeMap, BTreeSet};

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::{Line, lines};
use super::{Interfaces, Offer, OfferBy, Offers, Standing, dhcp};

const LEASES: &str = "/run/systemd/netif/leases";
const LINKS: &str = "/run/systemd/netif/links";
/// Servers of one file that are looked at; a message has room for less than a hundred.
const MOST_SERVERS: usize = 1_000;
/// Files of settings of one link.
const MOST_SETTINGS: usize = 100;

pub(super) fn find(files: &mut Files, interfaces: &Interfaces, found: &mut Offers) {
    let links = all(files, LINKS);
    // Of each link: what it has, if it tells, which is what other programs are handed.
    let used: BTreeMap<&str, BTreeSet<String>> = links
        .iter()
        .filter(|(_, link)| lines(link).any(|line| line.text.starts_with("NTP=")))
        .map(|(index, link)| (index.as_str(), all_servers(link)))
        .collect();
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    let leases = all(files, LEASES);
    for (contents, folder, by) in [
        (&leases, LEASES, OfferBy::Dhcp4),
        (&links, LINKS, OfferBy::Network),
    ] {
        for (index, content) in contents {
            if by == OfferBy::Network {
                let written = written_down(files, content).into_iter();
                known.extend(written.map(|server| (index.clone(), server)));
            }
            let file = format!("{folder}/{index}");
            if by == OfferBy::Dhcp4 {
                let interface = interfaces.of(index);
                found.lease(&file, interface.as_deref(), Standing::InForce);
            }
            let mut looked = 0;
            for line in lines(content) {
                for server in servers(&line) {
                    looked += 1;
                    if looked > MOST_SERVERS || found.is_full(&file) {
                        break;
                    }
                    if !dhcp::is_server(server) || !known.insert((index.clone(), server.to_owned()))
                    {
                        continue;
                    }
                    let link = used.get(index.as_str());
                    found.all.push(Offer {
                        by,
                        client: "systemd-networkd",
                        interface: interfaces.of(index),
                        server: server.to_owned(),
                        standing: Standing::InForce,
                        is_kept: link.is_some_and(|servers| !servers.contains(server)),
                        evidence: Evidence::line(&file, line.number, &line.text),
                    });
                }
            }
            if looked > MOST_SERVERS {
                let why = format!("names more than {MOST_SERVERS} servers: not all were looked at");
                files.miss(&file, why);
            }
        }
    }
}

/// The files of a folder that have the number of an interface.
fn all(files: &mut Files, folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for index in files.list(folder) {
        // Others are being written.
        if !index.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let file = format!("{folder}/{index}");
        let Some(content) = files.read(&file) else {
            continue;
        };
        match content.trim_ascii_start().starts_with(b"{") {
            true => files.miss(&file, "is of a form that is not known here".to_owned()),
            false => found.push((index, content)),
        }
    }
    found
}

/// Servers that a line names.
fn servers<'a>(line: &'a Line<'_>) -> impl Iterator<Item = &'a str> {
    let servers = line.text.strip_prefix("NTP=").unwrap_or_default();
    servers.trim_matches('"').split_whitespace()
}

fn all_servers(link: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in lines(link) {
        let room = MOST_SERVERS.saturating_sub(found.len());
        found.extend(servers(&line).take(room).map(str::to_owned));
    }
    found
}

/// Servers that the files of a link's settings name: nobody offered those.
fn written_down(files: &mut Files, link: &[u8]) -> Vec<String> {
    let mut settings: Vec<String> = Vec::new();
    for line in lines(link) {
        if let Some(file) = line.text.strip_prefix("NETWORK_FILE=") {
            settings.push(file.to_owned());
        } else if let Some(more) = line.text.strip_prefix("NETWORK_FILE_DROPINS=") {
            let more = more.trim_matches('"').split(':');
            settings.extend(more.filter(|of| !of.is_empty()).map(str::to_owned));
        }
    }
    let mut found = Vec::new();
    for file in settings.iter().take(MOST_SETTINGS) {
        for line in lines(&files.read(file).unwrap_or_default()) {
            if let Some((key, servers)) = line.text.split_once('=')
                && key.trim_end() == "NTP"
            {
                let room = MOST_SERVERS.saturating_sub(found.len());
                let servers = servers.split_whitespace().take(room);
                found.extend(servers.map(str::to_owned));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, missed_in};
    use super::*;

    #[test]
    fn a_lease_and_what_a_link_has_beside_it() {
        let tree = Tree::of(&[
            (
                "run/systemd/netif/leases/2",
                "ADDRESS=192.0.2.7\nLIFETIME=1h\nNTP=192.0.2.1 192.0.2.2\nDNS=192.0.2.1\n",
            ),
            (
                "run/systemd/netif/links/2",
                "OPER_STATE=routable\nNETWORK_FILE=/etc/systemd/network/lan.network\n\
                 NETWORK_FILE_DROPINS=\"/etc/systemd/network/lan.network.d/a.conf:/x\"\n\
                 NTP=192.0.2.200 192.0.2.201 192.0.2.2 2001:db8::1 \\000\\001\n",
            ),
            (
                "etc/systemd/network/lan.network",
                "[Network]\nNTP=192.0.2.200\n",
            ),
            (
                "etc/systemd/network/lan.network.d/a.conf",
                "[Network]\nNTP = 192.0.2.201\n",
            ),
            ("run/systemd/netif/links/3", "NTP=\n"),
            ("run/systemd/netif/leases/.#5abc", "NTP=192.0.2.66\n"),
            ("run/systemd/netif/leases/7", "{\"Servers\":{}}\n"),
            ("sys/class/net/ens3/ifindex", "2\n"),
        ]);
        let mut files = tree.files();
        let mut offers = Offers::default();
        let interfaces = Interfaces::find(&mut files);
        find(&mut files, &interfaces, &mut offers);
        let found = offers.all;
        let said: Vec<_> = found
            .iter()
            .map(|of| (of.by, of.interface.as_deref(), of.server.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (OfferBy::Dhcp4, Some("ens3"), "192.0.2.1"),
                (OfferBy::Dhcp4, Some("ens3"), "192.0.2.2"),
                (OfferBy::Network, Some("ens3"), "2001:db8::1"),
            ]
        );
        // The link has no 192.0.2.1: it is offered, and not to be used.
        let kept: Vec<bool> = found.iter().map(|of| of.is_kept).collect();
        assert_eq!(kept, [true, false, false]);
        assert_eq!(found[0].evidence.file, "/run/systemd/netif/leases/2");
        assert!(missed_in(&files).contains("leases/7"));
    }
}
