//! systemd-networkd: what it keeps of each lease, and of each link.
//!
//! Its files say of themselves that they are private; the lines that are read here have been there since leases were
//! first kept. A lease is removed when it is lost, and holds what DHCP for IPv4 offered whether or not it is to be
//! used; a link has what is to be used: what was written down for it, then IPv4's, then IPv6's.

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::lines;
use super::{Found, Offer, OfferBy, Standing, dhcp, interface_of};

const LEASES: &str = "/run/systemd/netif/leases";
const LINKS: &str = "/run/systemd/netif/links";

pub(super) fn find(files: &mut Files, found: &mut Found) {
    for (folder, by) in [(LEASES, OfferBy::Dhcp4), (LINKS, OfferBy::Network)] {
        for index in files.list(folder) {
            // Others are being written.
            if !index.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let file = format!("{folder}/{index}");
            let Some(content) = files.read(&file) else {
                continue;
            };
            if content.trim_ascii_start().starts_with(b"{") {
                files.miss(&file, "is of a form that is not known here".to_owned());
                continue;
            }
            let interface = interface_of(files, &index);
            if by == OfferBy::Dhcp4 {
                found.lease(&file, interface.as_deref());
            }
            let written = match by {
                OfferBy::Network => written_down(files, &content),
                _ => Vec::new(),
            };
            for line in lines(&content) {
                let Some(servers) = line.text.strip_prefix("NTP=") else {
                    continue;
                };
                for server in servers.trim_matches('"').split_whitespace() {
                    let is_known = |of: &Offer| of.server == server && of.interface == interface;
                    let is_own = written.iter().any(|of| of == server);
                    if is_own || !dhcp::is_server(server) || found.offers.iter().any(is_known) {
                        continue;
                    }
                    found.offers.push(Offer {
                        by,
                        client: "systemd-networkd",
                        interface: interface.clone(),
                        server: server.to_owned(),
                        standing: Standing::InForce,
                        evidence: Evidence::line(&file, line.number, &line.text),
                    });
                }
            }
        }
    }
}

/// Servers that the file of a link's settings names: nobody offered those.
fn written_down(files: &mut Files, link: &[u8]) -> Vec<String> {
    let named =
        lines(link).find_map(|line| Some(line.text.strip_prefix("NETWORK_FILE=")?.to_owned()));
    let settings = named.and_then(|file| files.read(&file)).unwrap_or_default();
    let servers =
        lines(&settings).filter_map(|line| Some(line.text.strip_prefix("NTP=")?.to_owned()));
    let servers: Vec<String> = servers.collect();
    servers
        .iter()
        .flat_map(|of| of.split_whitespace())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, missed_in};
    use super::*;

    fn offers(files: &mut Files) -> Vec<Offer> {
        let mut found = Found::default();
        find(files, &mut found);
        found.offers
    }

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
                 NTP=192.0.2.200 192.0.2.2 2001:db8::1 \\000\\001\n",
            ),
            (
                "etc/systemd/network/lan.network",
                "[Network]\nNTP=192.0.2.200\n",
            ),
            ("run/systemd/netif/links/3", "NTP=\n"),
            ("run/systemd/netif/leases/.#5abc", "NTP=192.0.2.66\n"),
            ("run/systemd/netif/leases/7", "{\"Servers\":{}}\n"),
            ("sys/class/net/ens3/ifindex", "2\n"),
        ]);
        let mut files = tree.files();
        let found = offers(&mut files);
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
        assert_eq!(found[0].evidence.file, "/run/systemd/netif/leases/2");
        assert!(missed_in(&files).contains("leases/7"));
    }
}
