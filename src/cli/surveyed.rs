//! Whom to ask where nobody is named: the servers that this host uses, or else those that it is offered.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::Path;

use super::output;
use super::source::{Host, Source};
use crate::fitness::Surveyed;
use crate::net::{clock, route};
use crate::survey::{Files, Selection, Standing, Survey, answer, survey};

/// So many are asked at most: what a host has of a pool, and some beside.
const MOST: usize = 16;

/// What is found on this host; nothing where it cannot be looked at.
pub(super) fn host() -> Option<Surveyed> {
    let mut files = Files::below(Path::new("/")).ok()?;
    let survey = survey(&mut files, clock::wall());
    let answer = answer(&survey);
    Some(Surveyed { survey, answer })
}

/// The sources that are named, or else those of this host.
pub(super) fn unless_named(named: &[Source]) -> Cow<'_, [Source]> {
    match named {
        [] => Cow::Owned(sources()),
        named => Cow::Borrowed(named),
    }
}

/// The servers that this host uses, or else those that it is offered, and says which; none where there are none, or
/// where nothing can be told.
fn sources() -> Vec<Source> {
    let Some(Surveyed { survey: found, .. }) = host() else {
        return Vec::new();
    };
    let (names, by) = match used(&found) {
        (names, by) if !names.is_empty() => (names, format!("those that {by} uses")),
        _ => (
            offered(&found),
            "those that this host is offered".to_owned(),
        ),
    };
    let parsed = names.iter().filter_map(|name| spelled(name).parse().ok());
    let mut sources: Vec<Source> = parsed.filter(is_other).collect();
    sources.dedup();
    sources.truncate(MOST);
    if !sources.is_empty() {
        let named: Vec<&str> = sources.iter().map(|of| of.text.as_str()).collect();
        output::complain(&format!(
            "no source was named: asking {by}: {}",
            named.join(", ")
        ));
    }
    sources
}

/// Servers of the first daemon that tells: all that answer it, since what it does not believe is worth a look, too.
fn used(found: &Survey) -> (Vec<String>, String) {
    for daemon in found.running.iter().flatten() {
        let servers = daemon.used.iter().flatten();
        let answers = servers.filter(|of| !of.is_clock && of.selection != Selection::Unusable);
        let names: Vec<String> = answers.map(|of| of.server.clone()).collect();
        if !names.is_empty() {
            return (names, daemon.name.clone());
        }
    }
    (Vec::new(), String::new())
}

fn offered(found: &Survey) -> Vec<String> {
    let offers = found.offers.iter();
    let stands = offers.filter(|of| of.by.is_network() && of.standing != Standing::Old);
    stands.map(|of| of.server.clone()).collect()
}

/// An address of IPv6 stands in brackets.
fn spelled(name: &str) -> String {
    match name.matches(':').count() {
        0 | 1 => name.to_owned(),
        _ => format!("[{name}]"),
    }
}

/// Whether a source is not this host itself, as far as its address says so.
fn is_other(source: &Source) -> bool {
    match &source.host {
        Host::Address(address, _) => {
            !route::leads_to_this_host(SocketAddr::new(*address, source.port))
        }
        Host::Name(_) => true,
        Host::Phc(_) | Host::Rtc(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_spelled_as_sources_are() {
        for (name, source) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "[2001:db8::1]"),
            ("fe80::1%eth0", "[fe80::1%eth0]"),
            ("ntp.example", "ntp.example"),
        ] {
            assert_eq!(spelled(name), source);
            assert!(spelled(name).parse::<Source>().is_ok(), "{name}");
        }
    }
}
