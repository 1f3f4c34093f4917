//! Any requests, in any order, at any time, under any configuration: each is refused by name, or
//! gets a reply that is no longer than the request, parses, is a server's, and returns one of its
//! numbers. An interleaved reply carries the transmit stamp of the one reply that told the receive
//! stamp it was asked by, and each such stamp is told once.

#![no_main]

use clockfit::responder::{Config, Reply, Responder};
use clockfit::sample::Mode;
use clockfit::time::{Frequency, TimeDelta, Timestamp};
use clockfit::wire::{Header, NtpTimestamp, Packet, PacketMode, Rounding};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    offset: i64,
    drift: i64,
    start: i64,
    receive: i64,
    transmit: i64,
    request: &'a [u8],
    /// What the sequence lies by: so little that no stamp repeats in another era of NTP.
    lie: (i32, i32),
    steps: Vec<Step>,
}

/// What happens to a server that keeps state.
#[derive(Arbitrary, Debug)]
enum Step {
    /// The clock moves.
    Pass(i32),
    /// A request of this origin, receive and transmit field.
    Ask(Origin, u64, u64),
    /// The kernel reports when one of the replies so far left.
    Report(u8),
}

#[derive(Arbitrary, Debug)]
enum Origin {
    Any(u64),
    /// The receive stamp of an earlier reply.
    Receive(u8),
    /// The transmit stamp of an earlier reply.
    Transmit(u8),
}

fuzz_target!(|input: Input<'_>| {
    let mut responder = Responder::new(Config {
        offset: TimeDelta::from_nanos(input.offset),
        drift: Frequency::from_ppb(input.drift),
        drift_start: Timestamp::from_nanos(input.start),
        ..Config::default()
    });
    let receive = Timestamp::from_nanos(input.receive);
    let transmit = Timestamp::from_nanos(input.transmit);
    check(
        input.request,
        responder.respond(input.request, receive, transmit),
    );
    play(&input.steps, input.lie);
});

fn check(request: &[u8], answer: Result<Reply, clockfit::responder::Refusal>) {
    match answer {
        Ok(reply) => {
            assert!(reply.bytes.len() <= request.len());
            let request = Packet::parse(request).unwrap().header;
            let header = Packet::parse(&reply.bytes).unwrap().header;
            assert_eq!(header.mode, PacketMode::Server);
            assert_eq!(header.version, request.version);
            let returned = match reply.mode {
                Mode::Basic => request.transmit,
                Mode::Interleaved => request.receive,
                Mode::Reading | Mode::Estimate => unreachable!("a server has no such mode"),
            };
            assert_eq!(header.origin, returned);
            assert!(!header.receive.is_zero() && !header.transmit.is_zero());
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

/// A reply that was handed out, as the fuzzer remembers it.
struct Told {
    reply: Reply,
    header: Header,
    left: Option<Timestamp>,
    used: bool,
}

fn play(steps: &[Step], lie: (i32, i32)) {
    let mut now = Timestamp::from_nanos(1_763_832_000_000_000_000);
    let config = Config {
        offset: TimeDelta::from_nanos(lie.0.into()),
        drift: Frequency::from_ppb(lie.1.into()),
        drift_start: now,
        ..Config::default()
    };
    let mut responder = Responder::new(config);
    let mut told: Vec<Told> = Vec::new();
    for step in steps {
        match step {
            Step::Pass(nanos) => now = now + TimeDelta::from_nanos((*nanos).into()),
            Step::Report(number) => {
                let Some(earlier) = told.get_mut(usize::from(*number)) else {
                    continue;
                };
                responder.handle_transmit_stamp(&earlier.reply.bytes, now);
                earlier.left.get_or_insert(now + config.ahead_at(now));
            }
            Step::Ask(origin, receive, transmit) => {
                let mut request = Header::client_request(*transmit);
                request.receive = NtpTimestamp(*receive);
                request.origin = match origin {
                    Origin::Any(origin) => NtpTimestamp(*origin),
                    Origin::Receive(n) => named(&told, *n, |header| header.receive),
                    Origin::Transmit(n) => named(&told, *n, |header| header.transmit),
                };
                let bytes = request.to_bytes();
                let answer = responder.respond(&bytes, now, now);
                check(&bytes, answer);
                let reply = answer.unwrap();
                let header = Packet::parse(&reply.bytes).unwrap().header;
                if reply.mode == Mode::Interleaved {
                    assert_ne!(request.receive, request.transmit);
                    let mut named = told
                        .iter_mut()
                        .filter(|earlier| earlier.header.receive == request.origin);
                    let earlier = named.next().expect("a stamp that was told");
                    assert!(named.next().is_none(), "told to more than one");
                    assert!(!earlier.used && earlier.reply.stamp_wanted);
                    let carried = header.transmit.to_timestamp(now, Rounding::Down);
                    assert_eq!(carried, earlier.left);
                    earlier.used = true;
                }
                if reply.stamp_wanted {
                    assert!(told.iter().all(|e| e.header.receive != header.receive));
                }
                told.push(Told {
                    reply,
                    header,
                    left: None,
                    used: false,
                });
            }
        }
    }
}

fn named(told: &[Told], number: u8, field: fn(&Header) -> NtpTimestamp) -> NtpTimestamp {
    told.get(usize::from(number))
        .map_or(NtpTimestamp::ZERO, |earlier| field(&earlier.header))
}
