//! ntpd-rs, by the socket on which it tells its state as JSON to whoever connects, where its settings name one.
//!
//! It tells which servers it has and hears, and of none whether it steers the clock by it.

use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::super::configured::observation_path;
use super::super::evidence::Evidence;
use super::super::files::Files;
use super::{Selection, Used};
use crate::net::local;
use crate::time::TimeDelta;

const PATIENCE: TimeDelta = TimeDelta::from_secs(2);
/// Polls in a row without an answer after which a server is not reached: those that a reach register remembers.
const UNREACHED: u64 = 8;
/// Servers that are told.
const MOST: usize = 1_000;
/// Before the state stands its length, in eight octets.
const LENGTH: usize = 8;

pub(super) fn ask(files: &mut Files) -> Result<Vec<Used>, String> {
    let path = observation_path(files)
        .ok_or("its settings name no socket to ask it by ([observability] observation-path)")?;
    let told = local::told(path.as_ref(), PATIENCE).map_err(|error| format!("{path}: {error}"))?;
    servers(&told, &path)
        .ok_or_else(|| format!("{path}: what it tells is of no form that is known here"))
}

fn servers(told: &[u8], path: &str) -> Option<Vec<Used>> {
    // Its first versions told no length.
    let state = match told.first() {
        Some(b'{') => told,
        _ => told.get(LENGTH..)?,
    };
    let state: Value = serde_json::from_slice(state).ok()?;
    let sources = state
        .get("sources")
        .or_else(|| state.get("peers"))?
        .as_array()?;
    let servers = sources.iter().filter_map(|source| {
        let source = source.get("Observable").unwrap_or(source);
        let name = source.get("name").and_then(Value::as_str);
        let address = source.get("address").and_then(Value::as_str)?;
        let server = ip(address)?.to_string();
        let unanswered = source.get("unanswered_polls").and_then(Value::as_u64);
        let name = name.map(|name| name.rsplit_once(':').map_or(name, |(host, _)| host));
        Some(Used {
            name: name.filter(|name| *name != server).map(str::to_owned),
            is_clock: false,
            selection: match unanswered {
                Some(count) if count < UNREACHED => Selection::Candidate,
                _ => Selection::Unusable,
            },
            evidence: Evidence::file(path, &format!("{address}, unanswered polls {unanswered:?}")),
            server,
        })
    });
    Some(servers.take(MOST).collect())
}

/// The address of `192.0.2.1:123` and `[2001:db8::1]:123`.
fn ip(address: &str) -> Option<IpAddr> {
    let socket = address.parse::<SocketAddr>().map(|of| of.ip());
    socket.or_else(|_| address.parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(sources: &str, length: bool) -> Option<Vec<(String, Option<String>, Selection)>> {
        let state = format!(
            r#"{{"program":{{}},"system":{{"stratum":3}},"sources":{sources},"servers":[]}}"#
        );
        let mut told = match length {
            true => u64::try_from(state.len()).unwrap().to_be_bytes().to_vec(),
            false => Vec::new(),
        };
        told.extend(state.bytes());
        let found = servers(&told, "/run/ntpd-rs/observe")?.into_iter();
        Some(found.map(|of| (of.server, of.name, of.selection)).collect())
    }

    #[test]
    fn servers_that_it_hears_and_does_not() {
        let sources = r#"[{"name":"ntp1.example.net:123","address":"192.0.2.10:123","unanswered_polls":0},
            {"Observable":{"name":"x","address":"[2001:db8::1]:123","unanswered_polls":9}},
            "Nothing",42,{"address":"no"},{"name":"192.0.2.11:123","address":"192.0.2.11:123"}]"#;
        let expected = vec![
            (
                "192.0.2.10".to_owned(),
                Some("ntp1.example.net".to_owned()),
                Selection::Candidate,
            ),
            (
                "2001:db8::1".to_owned(),
                Some("x".to_owned()),
                Selection::Unusable,
            ),
            ("192.0.2.11".to_owned(), None, Selection::Unusable),
        ];
        assert_eq!(said(sources, true), Some(expected.clone()));
        assert_eq!(said(sources, false), Some(expected));
        assert_eq!(said("7", true), None);
        for told in [&b""[..], b"\0\0\0", b"12345678", b"{", b"{}"] {
            assert_eq!(servers(told, "x"), None);
        }
    }
}
