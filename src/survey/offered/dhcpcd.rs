//! dhcpcd: the message that gave each lease, as it came (dhcpcd(8), `.lease` and `.lease6`).

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::{Interfaces, Offer, OfferBy, Offers, dhcp};
use crate::time::{NANOS_PER_SEC, Timestamp};

const FOLDERS: [&str; 3] = ["/var/lib/dhcpcd", "/var/lib/dhcpcd5", "/var/db/dhcpcd"];

pub(super) fn find(
    files: &mut Files,
    interfaces: &Interfaces,
    now: Option<Timestamp>,
    found: &mut Offers,
) {
    for folder in FOLDERS {
        for name in files.list(folder) {
            let (stem, by) = match (name.strip_suffix(".lease"), name.strip_suffix(".lease6")) {
                (Some(stem), _) => (stem, OfferBy::Dhcp4),
                (_, Some(stem)) => (stem, OfferBy::Dhcp6),
                _ => continue,
            };
            let file = format!("{folder}/{name}");
            let Some(message) = files.read(&file) else {
                continue;
            };
            let told = match by {
                OfferBy::Dhcp6 => dhcp::v6(&message),
                _ => dhcp::v4(&message),
            };
            // It is written when the lease is given.
            let lease = told.lease.map(|lease| i64::from(lease) * NANOS_PER_SEC);
            let ends = files.changed(&file).zip(lease);
            let ends = ends.map(|(since, lease)| {
                Timestamp::from_nanos(since.as_nanos().saturating_add(lease))
            });
            let interface = interface(stem, &interfaces.names);
            let standing = super::standing(ends, now);
            found.lease(&file, Some(&interface), standing);
            for server in told.servers {
                if found.is_full(&file) {
                    break;
                }
                found.all.push(Offer {
                    by,
                    client: "dhcpcd",
                    interface: Some(interface.clone()),
                    standing,
                    is_kept: false,
                    evidence: Evidence::file(
                        &file,
                        &format!("the reply that gave this lease names {server}"),
                    ),
                    server,
                });
            }
        }
    }
}

/// The interface in a file's name, before that of its wireless network; both may have dashes in them.
fn interface(stem: &str, known: &[String]) -> String {
    let stem = stem.strip_prefix("dhcpcd-").unwrap_or(stem);
    let is_it = |name: &&String| {
        let rest = stem.strip_prefix(name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let longest = known.iter().filter(is_it).max_by_key(|name| name.len());
    match longest {
        Some(name) => name.clone(),
        None => stem.split('-').next().unwrap_or(stem).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Tree;
    use super::super::Standing;
    use super::super::dhcp::tests::{REPLY_V6, bytes, message};
    use super::*;

    #[test]
    fn leases_of_both_kinds() {
        let tree = Tree::of(&[
            ("sys/class/net/wl-0/ifindex", "3\n"),
            ("var/lib/dhcpcd/duid", "00:01\n"),
        ]);
        tree.add(
            "var/lib/dhcpcd/eth0.lease",
            &message("330400000e10 2a04c0000201 ff"),
        );
        tree.add("var/lib/dhcpcd/wl-0-my-net.lease6", &bytes(REPLY_V6));
        tree.add("var/lib/dhcpcd5/dhcpcd-eth1.lease", b"\0\0");
        let said = |now: Option<Timestamp>| -> Vec<(String, String, Standing)> {
            let mut files = tree.files();
            let mut offers = Offers::default();
            let interfaces = Interfaces::find(&mut files);
            find(&mut files, &interfaces, now, &mut offers);
            let found = offers.all.into_iter();
            found
                .map(|of| (of.interface.unwrap(), of.server, of.standing))
                .collect()
        };
        let found = said(None);
        assert_eq!(found.len(), 5);
        assert_eq!(
            found[0],
            ("eth0".to_owned(), "192.0.2.1".to_owned(), Standing::Unknown)
        );
        assert_eq!(found[1].0, "wl-0");
        let since = tree.files().changed("/var/lib/dhcpcd/eth0.lease").unwrap();
        let after = |seconds: i64| {
            Some(Timestamp::from_nanos(
                since.as_nanos() + seconds * NANOS_PER_SEC,
            ))
        };
        assert_eq!(said(after(3_599))[0].2, Standing::InForce);
        assert_eq!(said(after(3_601))[0].2, Standing::Old);
    }
}
