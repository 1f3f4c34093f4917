//! Captures of known truth, made up by chance: every exchange holds it.

use proptest::prelude::*;

use super::super::order::ByteOrder::Little;
use super::kit::*;
use crate::sample::Mode;
use crate::time::{TimeDelta, Timestamp};
use crate::wire::{Header, NtpTimestamp};

/// Where the capture is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    Client,
    Between,
    Server,
}

/// One exchange: when it starts, and how long things take, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    gap: i64,
    /// From the client to the capture, and from there to the server.
    out: [i64; 2],
    /// From the server's card to the user, and from the user to the card.
    server: [i64; 3],
    /// From the server to the capture, and on.
    back: [i64; 2],
    lost: [bool; 2],
    /// A second look at the same packet, later.
    copied: [bool; 2],
}

fn times() -> impl Strategy<Value = Times> {
    let way = || 0i64..3_000_000;
    (
        6_000_000i64..200_000_000,
        [way(), way()],
        [0i64..40_000, 0i64..100_000, 0i64..40_000],
        [way(), way()],
        [prop::bool::weighted(0.1), prop::bool::weighted(0.1)],
        [prop::bool::weighted(0.2), prop::bool::weighted(0.2)],
    )
        .prop_map(|(gap, out, server, back, lost, copied)| Times {
            gap,
            out,
            server,
            back,
            lost,
            copied,
        })
}

/// Offset of the server's clock, stamps of its card instead of its kernel, and a client that asks for
/// interleaved replies.
#[derive(Clone, Copy, Debug)]
struct World {
    point: Point,
    offset: i64,
    card: bool,
    interleaved: bool,
    /// Nanoseconds that a stamp of the capture counts.
    unit: i64,
    /// Whether the capture says which way packets went.
    cooked: bool,
    /// Whether routers are on the path, and so on each part of it.
    routed: bool,
}

fn world() -> impl Strategy<Value = World> {
    (
        prop::sample::select(vec![Point::Client, Point::Between, Point::Server]),
        -3_000_000_000i64..3_000_000_000,
        any::<[bool; 5]>(),
    )
        .prop_map(
            |(point, offset, [card, interleaved, coarse, cooked, routed])| World {
                point,
                offset,
                card,
                interleaved,
                unit: if coarse { 1000 } else { 1 },
                cooked,
                routed,
            },
        )
}

/// The capture, and how many replies reached it.
fn capture(world: World, all: &[Times]) -> (Vec<u8>, usize) {
    let World {
        point,
        offset,
        card,
        ..
    } = world;
    let ends = usual_ends();
    let server = |t: Timestamp| t + ns(offset);
    let mut now = START;
    let mut shots = Vec::new();
    let mut replies = 0;
    // What the client knows of the last exchange, and the server of when its reply left.
    let mut last: Option<NtpTimestamp> = None;
    let mut saved: Option<(NtpTimestamp, NtpTimestamp)> = None;
    for (n, times) in all.iter().enumerate() {
        now = now + ns(times.gap);
        let nonce = 1 + u64::try_from(n).unwrap();
        let request = match last.filter(|_| world.interleaved) {
            Some(origin) => Header::interleaved_request(nonce, origin),
            None => Header::client_request(nonce),
        };
        let [out, on] = times.out;
        // The card, the kernel above it, the user, the kernel, the card.
        let wire_in = now + ns(out + on);
        let kernel_in = wire_in + ns(times.server[0]);
        let read = kernel_in + ns(times.server[1]);
        // A capture on the server is made above the card on the way in and before it on the way out.
        let kernel_out = read;
        let wire_out = kernel_out + ns(times.server[2]);
        let (seen_in, seen_out) = match point {
            Point::Client => (now, wire_out + ns(times.back[0] + times.back[1])),
            Point::Between => (now + ns(out), wire_out + ns(times.back[0])),
            Point::Server => (kernel_in, kernel_out),
        };
        let dress = |left_at: Point| Dress {
            hops: if world.routed && left_at != point {
                61
            } else {
                64
            },
            unfinished: false,
        };
        let mut see = |seen: Timestamp, from, to, dress, header: &Header, out_kind, copied| {
            let packet = ip(from, to, dress, &header.to_bytes());
            let frame = if world.cooked {
                cooked2(out_kind, &packet)
            } else {
                ethernet(&packet)
            };
            shots.push(Shot::new(seen, frame.clone()));
            if copied {
                shots.push(Shot::new(seen + us(400), frame));
            }
        };
        let kinds = match point {
            Point::Client => (OUT, IN),
            Point::Between => (IN, IN),
            Point::Server => (IN, OUT),
        };
        let (client, at_server) = (ends.client, ends.server);
        let (asked, answered) = (dress(Point::Client), dress(Point::Server));
        see(
            seen_in,
            client,
            at_server,
            asked,
            &request,
            kinds.0,
            times.copied[0],
        );
        if times.lost[0] {
            continue;
        }
        let t2 = server(if card { wire_in } else { kernel_in });
        let own = reply(NtpTimestamp(nonce), t2, server(read));
        let header = match saved {
            Some((receive, transmit)) if request.origin == receive => Header {
                origin: request.receive,
                transmit,
                ..own
            },
            _ => own,
        };
        // The stamp of a reply as it left is always that of the card, or of the driver beneath the tap.
        let left = reply(NtpTimestamp(nonce), t2, server(wire_out));
        saved = Some((left.receive, left.transmit));
        see(
            seen_out,
            at_server,
            client,
            answered,
            &header,
            kinds.1,
            times.copied[1],
        );
        replies += 1;
        // Requests may be out for longer than the gap to the next one.
        now = now.max(wire_out + ns(times.back[0] + times.back[1]));
        if times.lost[1] && point != Point::Client {
            continue;
        }
        last = Some(own.receive);
    }
    shots.sort_by_key(|shot| shot.at);
    let link = if world.cooked { COOKED2 } else { 1 };
    (pcap(Little, world.unit, link, &shots), replies)
}

proptest! {
    #[test]
    fn every_exchange_holds_the_truth(
        world in world(),
        all in prop::collection::vec(times(), 1..30),
    ) {
        let (file, replies) = capture(world, &all);
        let Ok((campaign, report)) = import(&file) else {
            prop_assert!(false);
            return Ok(());
        };
        let source = &campaign.sources[0];
        let mut interleaved = 0;
        for (sample, server) in source.samples_with_server() {
            let held = sample.exchange.interval(server.precision_error()).unwrap();
            prop_assert!(held.contains(ns(world.offset)), "{held:?} {sample:?}");
            interleaved += usize::from(sample.mode == Mode::Interleaved);
        }
        // Nothing is refused, and every reply is a sample, but one that completes nothing.
        prop_assert_eq!(&source.incidents().rejected, &[].into());
        let not_held = report.unused.get(&super::super::Unused::NotHeld).copied().unwrap_or(0);
        prop_assert_eq!(source.samples.len() + usize::try_from(not_held).unwrap(), replies);
        prop_assert!(world.interleaved || interleaved == 0);
        let unknown = TimeDelta::from_nanos(world.unit);
        prop_assert!(source.samples.iter().all(|s| s.exchange.error >= unknown));
    }
}
