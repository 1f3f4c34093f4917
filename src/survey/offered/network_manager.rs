//! NetworkManager: what it keeps of each device since version 1.40, with the options of its leases.

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::lines;
use super::{Interfaces, Offer, OfferBy, Offers, Standing, dhcp};
use crate::time::{NANOS_PER_SEC, Timestamp};

const DEVICES: &str = "/run/NetworkManager/devices";

pub(super) fn find(
    files: &mut Files,
    interfaces: &Interfaces,
    now: Option<Timestamp>,
    found: &mut Offers,
) {
    for index in files.list(DEVICES) {
        let file = format!("{DEVICES}/{index}");
        let Some(content) = files.read(&file) else {
            continue;
        };
        let interface = interfaces.of(&index);
        if lines(&content).any(|line| line.text == "[dhcp4]" || line.text == "[dhcp6]") {
            found.lease(&file, interface.as_deref(), Standing::Unknown);
        }
        let ends = value(&content, "expiry").and_then(|of| of.parse::<i64>().ok());
        let ends = ends.map(|of| Timestamp::from_nanos(of.saturating_mul(NANOS_PER_SEC)));
        for line in lines(&content) {
            let Some((key, servers)) = line.text.split_once('=') else {
                continue;
            };
            let (by, ends) = match bare(key) {
                "ntp_servers" => (OfferBy::Dhcp4, ends),
                "dhcp6_ntp_servers" | "dhcp6_sntp_servers" => (OfferBy::Dhcp6, None),
                _ => continue,
            };
            // A space is written \s.
            let servers = servers.replace("\\s", " ");
            for server in servers.split([' ', ',']).filter(|of| dhcp::is_server(of)) {
                if found.is_full(&file) {
                    break;
                }
                found.all.push(Offer {
                    by,
                    client: "NetworkManager",
                    interface: interface.clone(),
                    server: server.to_owned(),
                    standing: super::standing(ends, now),
                    is_kept: false,
                    evidence: Evidence::line(&file, line.number, &line.text),
                });
            }
        }
    }
}

/// A key without the group that it repeats.
fn bare(key: &str) -> &str {
    let key = key.trim();
    key.strip_prefix("dhcp4.")
        .or_else(|| key.strip_prefix("dhcp6."))
        .unwrap_or(key)
}

fn value(content: &[u8], wanted: &str) -> Option<String> {
    lines(content).find_map(|line| {
        let (key, value) = line.text.split_once('=')?;
        (key.starts_with("dhcp4.") && bare(key) == wanted).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Tree;
    use super::*;

    #[test]
    fn options_of_a_device() {
        let tree = Tree::of(&[
            ("sys/class/net/enp1s0/ifindex", "2\n"),
            (
                "run/NetworkManager/devices/2",
                "[device]\nmanaged=true\n\n[dhcp4]\ndhcp4.expiry=1800003600\n\
                 dhcp4.ntp_servers=192.0.2.10 192.0.2.11\ndhcp4.requested_ntp_servers=1\n\n\
                 [dhcp6]\ndhcp6.dhcp6_ntp_servers=2001:db8::123 ntp.example\n",
            ),
            ("run/NetworkManager/devices/3", "[device]\nmanaged=true\n"),
        ]);
        let at = |seconds: i64| Some(Timestamp::from_nanos(seconds * NANOS_PER_SEC));
        let found = |now| {
            let mut files = tree.files();
            let mut offers = Offers::default();
            let interfaces = Interfaces::find(&mut files);
            find(&mut files, &interfaces, now, &mut offers);
            offers.all
        };
        let later = found(at(1_800_003_601));
        let found = found(at(1_800_000_000));
        let said: Vec<_> = found
            .iter()
            .map(|of| (of.by, of.server.as_str(), of.standing))
            .collect();
        assert_eq!(
            said,
            [
                (OfferBy::Dhcp4, "192.0.2.10", Standing::InForce),
                (OfferBy::Dhcp4, "192.0.2.11", Standing::InForce),
                (OfferBy::Dhcp6, "2001:db8::123", Standing::Unknown),
                (OfferBy::Dhcp6, "ntp.example", Standing::Unknown),
            ]
        );
        assert_eq!(found[0].interface.as_deref(), Some("enp1s0"));
        assert_eq!(later[0].standing, Standing::Old);
    }
}
