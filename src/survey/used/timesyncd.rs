//! systemd-timesyncd, asked over D-Bus by busctl, so that asking does not start it.

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use super::super::evidence::Evidence;
use super::{Selection, Used};
use crate::net::program;
use crate::time::TimeDelta;

const PROGRAM: &str = "/usr/bin/busctl";
const ARGUMENTS: [&str; 11] = [
    "--system",
    "--json=short",
    // A plain call would start what is enabled and does not run, and that would steer the clock.
    "--auto-start=no",
    "--timeout=2",
    "call",
    "org.freedesktop.timesync1",
    "/org/freedesktop/timesync1",
    "org.freedesktop.DBus.Properties",
    "GetAll",
    "s",
    "org.freedesktop.timesync1.Manager",
];
const PATIENCE: TimeDelta = TimeDelta::from_secs(5);
/// Lists of servers, in the order in which they are asked.
const LISTS: [&str; 4] = [
    "RuntimeNTPServers",
    "SystemNTPServers",
    "LinkNTPServers",
    "FallbackNTPServers",
];
/// Servers of all lists that are told.
const MOST: usize = 1_000;
/// Where the packets that count stand in `NTPMessage`, and the leap indicator.
const PACKETS: usize = 13;
const LEAP: usize = 0;
/// AF_INET and AF_INET6 of Linux.
const IPV4: u64 = 2;
const IPV6: u64 = 10;

pub(super) fn ask() -> Result<Vec<Used>, String> {
    if !Path::new(PROGRAM).exists() {
        return Err("there is no busctl to ask it by".to_owned());
    }
    let printed = program::ask(PROGRAM.as_ref(), &ARGUMENTS, PATIENCE);
    let printed = printed.map_err(|error| format!("busctl: {error}"))?;
    match printed.code {
        Some(0) => servers(&printed.text)
            .ok_or_else(|| "its answer is of no form that is known here".to_owned()),
        Some(_) => Err("it does not answer over D-Bus".to_owned()),
        None => Err("it did not answer in time".to_owned()),
    }
}

/// Its servers: the one that it asks, and the others of the first list that has any.
fn servers(text: &[u8]) -> Option<Vec<Used>> {
    let answer: Value = serde_json::from_slice(text).ok()?;
    let properties = answer.pointer("/data/0")?.as_object()?;
    let value = |name: &str| properties.get(name)?.get("data");
    let name = value("ServerName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let address = value("ServerAddress").and_then(address);
    let message = |place: usize| value("NTPMessage")?.get(place)?.as_u64();
    // It is named as soon as it is asked.
    let has_answered = message(PACKETS).is_some_and(|count| count > 0) && message(LEAP) != Some(3);
    let mut found = Vec::new();
    let evidence = |list: &str, server: &str| {
        Evidence::file(
            "busctl call org.freedesktop.timesync1",
            &format!("{list}: {server}"),
        )
    };
    if !name.is_empty() {
        let server = address.map_or_else(|| name.to_owned(), |address| address.to_string());
        found.push(Used {
            name: (server != name).then(|| name.to_owned()),
            is_clock: false,
            selection: match has_answered {
                true => Selection::Used,
                false => Selection::Unusable,
            },
            evidence: evidence("ServerName", name),
            server,
        });
    }
    let servers = |list: &&str| -> Vec<String> {
        let all = value(list).and_then(Value::as_array);
        let named = all.into_iter().flatten().filter_map(Value::as_str);
        named.map(str::to_owned).take(MOST).collect()
    };
    let list = LISTS.iter().find(|list| !servers(list).is_empty());
    for server in list.iter().flat_map(|list| servers(list)) {
        if server != name {
            found.push(Used {
                evidence: evidence(list.copied().unwrap_or_default(), &server),
                server,
                name: None,
                is_clock: false,
                // It keeps to one, and asks the others when that one fails.
                selection: Selection::Candidate,
            });
        }
    }
    Some(found)
}

/// `[family, [octets]]`.
fn address(value: &Value) -> Option<IpAddr> {
    let family = value.get(0)?.as_u64()?;
    let octets = value.get(1)?.as_array()?.iter();
    let octets: Option<Vec<u8>> = octets
        .map(|of| of.as_u64().and_then(|of| u8::try_from(of).ok()))
        .collect();
    let octets = octets?;
    match family {
        IPV4 => Some(IpAddr::from(<[u8; 4]>::try_from(octets).ok()?)),
        IPV6 => Some(IpAddr::from(<[u8; 16]>::try_from(octets).ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(name: &str, address: &str, packets: u32) -> String {
        format!(
            r#"{{"type":"a{{sv}}","data":[{{"LinkNTPServers":{{"type":"as","data":[]}},
            "SystemNTPServers":{{"type":"as","data":["ntp1.example.net","ntp2.example.net"]}},
            "FallbackNTPServers":{{"type":"as","data":["0.pool.example.org"]}},
            "ServerName":{{"type":"s","data":"{name}"}},"ServerAddress":{{"type":"(iay)","data":{address}}},
            "NTPMessage":{{"type":"(uuuuittayttttbtt)","data":[0,4,4,2,-24,1144,915,[198,51,100,1],17,17,17,17,false,{packets},250]}}}}]}}"#
        )
    }

    fn said(text: &str) -> Vec<(String, Selection)> {
        let found = servers(text.as_bytes()).unwrap().into_iter();
        found.map(|of| (of.server, of.selection)).collect()
    }

    #[test]
    fn the_one_it_asks_and_the_others() {
        let is = |server: &str, selection| (server.to_owned(), selection);
        let other = is("ntp2.example.net", Selection::Candidate);
        let found = said(&answer("ntp1.example.net", "[2,[192,0,2,10]]", 7));
        assert_eq!(found, [is("192.0.2.10", Selection::Used), other.clone()]);
        let v6 = "[10,[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1]]";
        assert_eq!(said(&answer("ntp1.example.net", v6, 7))[0].0, "2001:db8::1");
        // Named, and no answer yet.
        let waits = said(&answer("ntp1.example.net", "[2,[192,0,2,10]]", 0));
        assert_eq!(waits[0], is("192.0.2.10", Selection::Unusable));
        let none = said(&answer("", "[0,[]]", 0));
        assert_eq!(none, [is("ntp1.example.net", Selection::Candidate), other]);
        for broken in ["[10,[1,2,3]]", "[2,[300,0,2,1]]", "7", "[2]"] {
            assert_eq!(
                said(&answer("ntp1.example.net", broken, 7))[0].0,
                "ntp1.example.net"
            );
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for text in ["", "{}", "[]", r#"{"data":[]}"#, r#"{"data":[7]}"#] {
            assert_eq!(servers(text.as_bytes()), None, "{text}");
        }
        assert_eq!(servers(br#"{"data":[{}]}"#), Some(Vec::new()));
    }
}
