//! cloud-init: what the provider (vendor data) and the user (user data) told it of time servers, as it keeps both for
//! the instance, and as a drive with its configuration has them.
//!
//! It keeps them where root alone may read. What both come to together (`cloud-config.txt`) is not looked at: it does
//! not say whose a line is.

use super::super::cloud_config::{self, CloudConfig, cloud_config};
use super::super::evidence::Evidence;
use super::super::files::Files;
use super::{Offer, OfferBy, Offers, Standing};

/// Texts of this instance, and whose they are.
const TEXTS: [(&str, OfferBy); 3] = [
    (
        "/var/lib/cloud/instance/vendor-data.txt",
        OfferBy::VendorData,
    ),
    (
        "/var/lib/cloud/instance/vendor-data2.txt",
        OfferBy::VendorData,
    ),
    ("/var/lib/cloud/instance/user-data.txt", OfferBy::UserData),
];

/// Where drives with a configuration are mounted.
const DRIVES: [&str; 4] = ["/mnt/config", "/media/configdrive", "/config-drive", "/mnt"];
/// What stands there: JSON of the provider, and the user's text.
const VENDOR_DATA: [&str; 2] = [
    "openstack/latest/vendor_data.json",
    "openstack/latest/vendor_data2.json",
];
const USER_DATA: &str = "openstack/latest/user_data";

pub(super) fn find(files: &mut Files, found: &mut Offers) {
    for (file, by) in TEXTS {
        if let Some(text) = files.read(file) {
            add(files, file, by, cloud_config(&text), found);
        }
    }
    for drive in DRIVES {
        for name in VENDOR_DATA {
            let file = format!("{drive}/{name}");
            let Some(json) = files.read(&file) else {
                continue;
            };
            match cloud_config::of_vendor_data(&json) {
                Ok(told) => add(files, &file, OfferBy::VendorData, told, found),
                Err(why) => files.miss(&file, why.to_owned()),
            }
        }
        let file = format!("{drive}/{USER_DATA}");
        if let Some(text) = files.read(&file) {
            add(files, &file, OfferBy::UserData, cloud_config(&text), found);
        }
    }
}

fn add(files: &mut Files, file: &str, by: OfferBy, told: CloudConfig, found: &mut Offers) {
    if let Some(why) = told.unread {
        files.miss(file, why.to_owned());
    }
    for named in told.servers {
        if found.is_full(file) {
            break;
        }
        let text = format!("ntp: {}", named.server);
        let evidence = match named.line {
            Some(line) => Evidence::line(file, line, &text),
            None => Evidence::file(file, &text),
        };
        found.all.push(Offer {
            by,
            client: "cloud-init",
            interface: None,
            server: named.server,
            // It is told once, as the instance starts.
            standing: Standing::Unknown,
            is_kept: false,
            evidence,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, missed_in};
    use super::*;

    #[test]
    fn of_the_provider_and_of_the_user() {
        let tree = Tree::of(&[
            (
                "var/lib/cloud/instances/i-1/vendor-data.txt",
                "#cloud-config\nntp:\n  servers: [a.example]\n",
            ),
            (
                "var/lib/cloud/instances/i-1/user-data.txt",
                "#cloud-config\nntp:\n  pools:\n    - b.example\n",
            ),
            (
                "var/lib/cloud/instances/i-1/vendor-data2.txt",
                "Content-Type: multipart/mixed\n",
            ),
            (
                "mnt/config/openstack/latest/vendor_data.json",
                "{\"cloud-init\": \"#cloud-config\\nntp:\\n  servers: [c.example]\"}",
            ),
            ("mnt/config/openstack/latest/vendor_data2.json", "<html>"),
        ]);
        tree.link("var/lib/cloud/instance", "/var/lib/cloud/instances/i-1");
        let mut files = tree.files();
        let mut offers = Offers::default();
        find(&mut files, &mut offers);
        let said: Vec<_> = offers
            .all
            .iter()
            .map(|of| (of.by, of.server.as_str(), of.evidence.line))
            .collect();
        assert_eq!(
            said,
            [
                (OfferBy::VendorData, "a.example", Some(3)),
                (OfferBy::UserData, "b.example", Some(4)),
                (OfferBy::VendorData, "c.example", None),
            ]
        );
        let missed = missed_in(&files);
        assert!(
            missed.contains("vendor-data2.txt: it has several parts"),
            "{missed}"
        );
        assert!(
            missed.contains("vendor_data2.json: it is no JSON"),
            "{missed}"
        );
    }
}
