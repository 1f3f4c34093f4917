//! Where a capture was made, by what its packets show, and what that does to its errors.

use super::kit::*;
use crate::sample::{Campaign, Note};
use crate::time::{TimeDelta, Timestamp};
use crate::wire::{Header, NtpTimestamp};

/// Four exchanges in these clothes; on all interfaces with directions, else on Ethernet.
fn captured(request: Dress, reply_: Dress, kinds: Option<(u8, u8)>) -> Campaign {
    let mut shots = Vec::new();
    for n in 0..4i64 {
        let nonce = 9 + n.unsigned_abs();
        let start = n * 1_000_000;
        let ends = usual_ends();
        let asked = Header::client_request(nonce).to_bytes();
        let answer = reply(NtpTimestamp(nonce), at(start + 1100), at(start + 1120)).to_bytes();
        let asked = ip(ends.client, ends.server, request, &asked);
        let answer = ip(ends.server, ends.client, reply_, &answer);
        let mut shot = |at: Timestamp, packet: &[u8], kind: Option<u8>| {
            let frame = kind.map_or_else(|| ethernet(packet), |kind| cooked2(kind, packet));
            shots.push(Shot::new(at, frame));
        };
        shot(at(start), &asked, kinds.map(|k| k.0));
        shot(at(start + 220), &answer, kinds.map(|k| k.1));
    }
    let link = if kinds.is_some() { COOKED2 } else { 1 };
    let file = pcap(super::super::order::ByteOrder::Big, 1, link, &shots);
    import(&file).unwrap().0
}

/// The place in words, and the error of each exchange.
fn told(request: Dress, reply: Dress, kinds: Option<(u8, u8)>) -> (String, TimeDelta) {
    let campaign = captured(request, reply, kinds);
    let Some((None, _, Note::Imported { meaning, .. })) = campaign.notes.first() else {
        panic!("{:?}", campaign.notes);
    };
    let errors = samples(&campaign, 0);
    assert!(
        errors
            .iter()
            .all(|s| s.exchange.error == errors[0].exchange.error)
    );
    (meaning.clone(), errors[0].exchange.error)
}

const fn hops(hops: u8) -> Dress {
    Dress {
        hops,
        unfinished: false,
    }
}

const UNFINISHED: Dress = Dress {
    hops: 64,
    unfinished: true,
};

#[test]
fn the_place_is_told_and_what_may_be_the_server_costs_its_residence() {
    // Residence is 20 us, and the stamps resolve 1 ns.
    let (bare, wide) = (ns(1), us(20) + ns(1));
    let both = Some((OUT, IN));
    for (request, reply, kinds, place, error) in [
        (
            hops(64),
            hops(64),
            both,
            "on the client's host, since",
            bare,
        ),
        (
            hops(64),
            hops(64),
            Some((IN, OUT)),
            "on the server's host, since",
            wide,
        ),
        (hops(64), hops(64), Some((IN, IN)), "unknown place", wide),
        (
            hops(64),
            hops(57),
            Some((IN, IN)),
            "at the client or near it",
            bare,
        ),
        (hops(64), hops(57), None, "at the client or near it", bare),
        (hops(57), hops(255), None, "at the server or near it", wide),
        (hops(57), hops(250), None, "between client and server", bare),
        (hops(128), hops(64), None, "unknown place", wide),
        (
            UNFINISHED,
            hops(64),
            None,
            "probably on the client's host",
            wide,
        ),
        (
            hops(64),
            UNFINISHED,
            None,
            "probably on the server's host",
            wide,
        ),
        (UNFINISHED, UNFINISHED, None, "unknown place", wide),
    ] {
        let (meaning, got) = told(request, reply, kinds);
        assert!(meaning.contains(place), "{place}: {meaning}");
        assert_eq!(got, error, "{place}");
        let says_so = meaning.contains("how long the server kept");
        assert_eq!(says_so, error == wide, "{meaning}");
        assert!(meaning.contains("by stamps of 1 ns"), "{meaning}");
    }
}
