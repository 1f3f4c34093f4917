//! ISC dhclient: its lease files (dhclient.leases(5)), which `NetworkManager` keeps, too, where it uses that client.
//!
//! A file grows by a lease each time one is given or renewed; the last one of an interface counts.

use std::collections::BTreeMap;

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::lines;
use super::{Offer, OfferBy, Offers, Standing, dhcp};
use crate::time::{NANOS_PER_SEC, Timestamp};

/// Where distributions and network managers keep them.
const PATTERNS: [&str; 10] = [
    "/var/lib/dhcp/dhclient*.leases",
    "/var/lib/dhcp/dhclient*.lease",
    "/var/lib/dhclient/*.leases",
    "/var/lib/dhclient/*.lease",
    "/var/lib/dhcp3/dhclient*.leases",
    "/var/lib/NetworkManager/dhclient*.lease",
    "/run/dhclient*.leases",
    "/run/dhclient*.lease",
    "/run/NetworkManager/dhclient*.lease",
    "/var/lib/xcp/dhclient*.leases",
];

/// Servers of one lease; there is no room for more in a message.
const MOST_OF_A_LEASE: usize = 256;

pub(super) fn find(files: &mut Files, now: Option<Timestamp>, found: &mut Offers) {
    for pattern in PATTERNS {
        for file in files.glob(pattern) {
            let Some(content) = files.read(&file) else {
                continue;
            };
            of_file(&file, &content, now, found);
        }
    }
}

/// Option 56 of DHCPv6, for which dhclient has no name.
const UNNAMED: &str = "dhcp6.unknown-56";

/// One lease.
#[derive(Default)]
struct Lease {
    interface: Option<String>,
    servers: Vec<(OfferBy, String, Evidence)>,
    /// Since when the address that was named last holds.
    starts: Option<i64>,
    expires: Option<Expires>,
    is_released: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Expires {
    At(i64),
    Never,
}

/// A lifetime that does not end (RFC 8415 section 7.7).
const FOR_EVER: i64 = 0xffff_ffff;

impl Lease {
    /// Takes what stands between two semicolons.
    fn statement(&mut self, text: &str, evidence: &dyn Fn() -> Evidence) {
        let mut words = text.split_whitespace();
        match (words.next(), words.next()) {
            (Some("interface"), Some(name)) => self.interface = Some(unquoted(name).to_owned()),
            (Some("released"), None) => self.is_released = true,
            // Of IPv6: a lease ends with the last of its addresses.
            (Some("starts"), Some(at)) => self.starts = at.parse().ok(),
            (Some("max-life"), Some(life)) => {
                let ends = self.starts.zip(life.parse::<i64>().ok());
                let ends = match ends {
                    Some((_, FOR_EVER)) => Some(Expires::Never),
                    Some((since, life)) => Some(Expires::At(since.saturating_add(life))),
                    None => None,
                };
                self.expires = self.expires.max(ends);
            }
            (Some("expire"), Some("never")) => self.expires = Some(Expires::Never),
            (Some("expire"), Some("epoch")) => {
                let at = words.next().map(|at| at.trim_end_matches(';'));
                self.expires = at.and_then(|at| at.parse().ok()).map(Expires::At);
            }
            (Some("expire"), Some(_)) => {
                let date = words.next().zip(words.next());
                let at = date.and_then(|(day, time)| seconds(day, time));
                self.expires = at.map(Expires::At);
            }
            (Some("option"), Some(_)) if self.servers.len() >= MOST_OF_A_LEASE => {}
            (Some("option"), Some(option)) => {
                let value = words.collect::<Vec<&str>>().join(" ");
                let (by, servers) = match option {
                    "ntp-servers" => (OfferBy::Dhcp4, listed(&value)),
                    "dhcp6.sntp-servers" | "dhcp6.ntp-servers" => (OfferBy::Dhcp6, listed(&value)),
                    UNNAMED => (OfferBy::Dhcp6, dhcp::ntp_servers(&octets(&value))),
                    _ => return,
                };
                for server in servers.into_iter().filter(|of| dhcp::is_server(of)) {
                    if self.servers.len() < MOST_OF_A_LEASE {
                        self.servers.push((by, server, evidence()));
                    }
                }
            }
            _ => {}
        }
    }
}

fn listed(value: &str) -> Vec<String> {
    let servers = value.split([',', ' ']).map(unquoted);
    servers.map(str::to_owned).collect()
}

fn of_file(file: &str, content: &[u8], now: Option<Timestamp>, found: &mut Offers) {
    let mut last: BTreeMap<(bool, Option<String>), Lease> = BTreeMap::new();
    let mut lease: Option<(bool, Lease)> = None;
    let mut depth = 0_u32;
    for line in lines(content) {
        let text = line.text.trim_end_matches(';').trim_end();
        if text.ends_with('{') {
            depth = depth.saturating_add(1);
            let is_v6 = text.starts_with("lease6");
            if depth == 1 && (is_v6 || text.starts_with("lease")) {
                lease = Some((is_v6, Lease::default()));
            }
            continue;
        }
        if text == "}" {
            depth = depth.saturating_sub(1);
            if depth == 0
                && let Some((is_v6, lease)) = lease.take()
            {
                last.insert((is_v6, lease.interface.clone()), lease);
            }
            continue;
        }
        let Some((_, lease)) = &mut lease else {
            continue;
        };
        lease.statement(text, &|| Evidence::line(file, line.number, &line.text));
    }
    for lease in last.into_values() {
        let standing = match lease.expires {
            _ if lease.is_released => Standing::Old,
            Some(Expires::Never) => Standing::InForce,
            Some(Expires::At(at)) => super::standing(
                Some(Timestamp::from_nanos(at.saturating_mul(NANOS_PER_SEC))),
                now,
            ),
            None => Standing::Unknown,
        };
        let interface = lease.interface;
        found.lease(file, interface.as_deref(), standing);
        for (by, server, evidence) in lease.servers {
            if found.is_full(file) {
                break;
            }
            found.all.push(Offer {
                by,
                client: "dhclient",
                interface: interface.clone(),
                server,
                standing,
                is_kept: false,
                evidence,
            });
        }
    }
}

/// Octets as hexadecimal digits with colons between, without leading zeros.
fn octets(text: &str) -> Vec<u8> {
    let octets = text
        .split(':')
        .map(|octet| u8::from_str_radix(octet, 16).ok());
    octets.collect::<Option<Vec<u8>>>().unwrap_or_default()
}

fn unquoted(text: &str) -> &str {
    text.trim_matches('"')
}

/// Seconds since 1970 of a date in UTC, as `2026/11/26 17:20:00`.
fn seconds(day: &str, time: &str) -> Option<i64> {
    let numbers = |text: &str, between: char| -> Option<[i64; 3]> {
        let mut parts = text.split(between).map(|part| part.parse::<i64>().ok());
        let three = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(three)
    };
    let [year, month, day] = numbers(day, '/')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let is_date =
        (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_time =
        (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    if !is_date || !is_time {
        return None;
    }
    // Days since 1970-03-01 of a year that begins in March, so that leap days are its last ones.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    const OF_1970: i64 = 719_468;
    Some(((days - OF_1970) * 24 + hour) * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers(content: &str, now: Option<Timestamp>) -> Vec<Offer> {
        let mut found = Offers::default();
        of_file(FILE, content.as_bytes(), now, &mut found);
        found.all
    }

    const FILE: &str = "/var/lib/dhcp/dhclient.ens3.leases";

    fn said(content: &str, now: Option<i64>) -> Vec<(String, Standing, Option<u32>)> {
        let now = now.map(|now| Timestamp::from_nanos(now * NANOS_PER_SEC));
        let found = offers(content, now).into_iter();
        found
            .map(|of| (of.server, of.standing, of.evidence.line))
            .collect()
    }

    #[test]
    fn the_last_lease_of_an_interface_counts() {
        let content = "lease {\n  interface \"ens3\";\n  fixed-address 192.0.2.7;\n  option ntp-servers 192.0.2.9;\n  \
                       expire 4 2026/11/26 12:00:00;\n}\nlease {\n  interface \"ens3\";\n  \
                       option ntp-servers 192.0.2.1,192.0.2.2;\n  expire 5 2026/11/27 12:00:00;\n}\n";
        let noon = seconds("2026/11/27", "12:00:00").unwrap();
        assert_eq!(noon, 1_795_780_800);
        let of = |standing| {
            [
                ("192.0.2.1", standing, Some(9)),
                ("192.0.2.2", standing, Some(9)),
            ]
            .map(|(server, standing, line)| (server.to_owned(), standing, line))
        };
        assert_eq!(said(content, Some(noon)), of(Standing::InForce));
        assert_eq!(said(content, Some(noon + 1)), of(Standing::Old));
        assert_eq!(said(content, None), of(Standing::Unknown));
    }

    #[test]
    fn ends_of_all_forms_and_leases_of_ipv6() {
        let lease = |expire: &str| {
            format!("lease {{\n option ntp-servers 192.0.2.1;\n expire {expire}\n}}")
        };
        assert_eq!(said(&lease("never;"), Some(0))[0].1, Standing::InForce);
        assert_eq!(
            said(&lease("epoch 100; # Thu Jan  1"), Some(101))[0].1,
            Standing::Old
        );
        assert_eq!(said(&lease("soon;"), Some(0))[0].1, Standing::Unknown);
        let v6 = "lease6 {\n  interface \"ens3\";\n  ia-na 00:00 {\n    iaaddr 2001:db8::7 {\n      starts 1;\n    }\n  }\n  \
                  option dhcp6.sntp-servers 2001:db8::1,2001:db8::2;\n  \
                  option dhcp6.unknown-56 0:1:0:10:20:1:d:b8:0:0:0:0:0:0:0:0:0:0:1:23;\n}\n";
        let found = offers(v6, None);
        let servers: Vec<&str> = found.iter().map(|of| of.server.as_str()).collect();
        assert_eq!(servers, ["2001:db8::1", "2001:db8::2", "2001:db8::123"]);
        assert_eq!(found[1].by, OfferBy::Dhcp6);
        let v6 = |life: u32| {
            format!(
                "lease6 {{\n ia-na 0:0 {{\n starts 5;\n iaaddr 2001:db8::7 {{\n starts 100;\n preferred-life 5;\n \
                 max-life {life};\n }}\n iaaddr 2001:db8::8 {{\n starts 1;\n max-life 1;\n }}\n }}\n \
                 option dhcp6.sntp-servers 2001:db8::1;\n}}\n"
            )
        };
        for (life, now, standing) in [
            (50, 150, Standing::InForce),
            (50, 151, Standing::Old),
            (u32::MAX, i64::MAX / NANOS_PER_SEC, Standing::InForce),
        ] {
            assert_eq!(said(&v6(life), Some(now))[0].1, standing, "{life} {now}");
        }
        let released = said(&lease("never;\n released;"), Some(0));
        assert_eq!(released[0].1, Standing::Old);
    }

    #[test]
    fn what_is_cut_off_or_no_lease_offers_nothing() {
        for content in [
            "",
            "lease {\n option ntp-servers 192.0.2.1;\n",
            "}\n}\n",
            "option ntp-servers 192.0.2.1;\n",
            "\u{0}{\n{\n",
        ] {
            assert_eq!(said(content, None), [], "{content:?}");
        }
        for (day, time) in [
            ("2026/13/01", "00:00:00"),
            ("2026/1", "0:0:0"),
            ("1/1/1", "0:0:0"),
            ("2026/01/01", "99:0:0"),
        ] {
            assert_eq!(seconds(day, time), None);
        }
        assert_eq!(seconds("1970/01/01", "00:00:00"), Some(0));
        assert_eq!(seconds("2000/02/29", "23:59:59"), Some(951_868_799));
    }
}
