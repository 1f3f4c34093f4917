//! wicked (SUSE): what it tells scripts of each lease.
//!
//! The leases themselves are XML that root alone may read; what it hands to scripts has the same servers, one
//! `KEY='VALUE'` a line.

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::lines;
use super::{Offer, OfferBy, Offers, dhcp};
use crate::time::{NANOS_PER_SEC, Timestamp};

pub(super) fn find(files: &mut Files, now: Option<Timestamp>, found: &mut Offers) {
    for file in files.glob("/run/wicked/leaseinfo.*") {
        let Some(content) = files.read(&file) else {
            continue;
        };
        let by = match file.ends_with(".ipv6") {
            true => OfferBy::Dhcp6,
            false => OfferBy::Dhcp4,
        };
        let value = |wanted: &str| {
            lines(&content).find_map(|line| {
                let (key, value) = line.text.split_once('=')?;
                (key == wanted).then(|| value.trim_matches('\'').to_owned())
            })
        };
        let number = |wanted: &str| value(wanted).and_then(|of| of.parse::<i64>().ok());
        let ends = number("ACQUIRED").zip(number("LEASETIME"));
        let ends =
            ends.map(|(since, lease)| since.saturating_add(lease).saturating_mul(NANOS_PER_SEC));
        let standing = super::standing(ends.map(Timestamp::from_nanos), now);
        let interface = value("INTERFACE");
        found.lease(&file, interface.as_deref(), standing);
        for line in lines(&content) {
            let Some((key, servers)) = line.text.split_once('=') else {
                continue;
            };
            if key != "NTPSERVERS" && !key.starts_with("NTPSERVERS_") {
                continue;
            }
            for server in servers
                .trim_matches('\'')
                .split_whitespace()
                .filter(|of| dhcp::is_server(of))
            {
                if found.is_full(&file) {
                    break;
                }
                found.all.push(Offer {
                    by,
                    client: "wicked",
                    interface: interface.clone(),
                    server: server.to_owned(),
                    standing,
                    is_kept: false,
                    evidence: Evidence::line(&file, line.number, &line.text),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Tree;
    use super::super::Standing;
    use super::*;

    #[test]
    fn what_scripts_are_told() {
        let tree = Tree::of(&[(
            "run/wicked/leaseinfo.eth0.dhcp.ipv4",
            "INTERFACE='eth0'\nACQUIRED='1800000000'\nLEASETIME='3600'\nNTPSERVERS='192.0.2.10 192.0.2.11'\n",
        )]);
        let at = |seconds: i64| Some(Timestamp::from_nanos(seconds * NANOS_PER_SEC));
        let found = |now| {
            let mut offers = Offers::default();
            find(&mut tree.files(), now, &mut offers);
            offers.all
        };
        let later = found(at(1_800_003_601));
        let found = found(at(1_800_003_600));
        assert_eq!((found.len(), found[1].server.as_str()), (2, "192.0.2.11"));
        assert_eq!(
            (found[0].standing, found[0].interface.as_deref()),
            (Standing::InForce, Some("eth0"))
        );
        assert_eq!(later[0].standing, Standing::Old);
    }
}
