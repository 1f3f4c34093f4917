//! Any request at any time under any configuration: it is refused by name, or gets a reply that is
//! no longer than the request, parses, is a server's, and returns the request's nonce.

#![no_main]

use clockfit::responder::{Config, Responder};
use clockfit::time::{Frequency, TimeDelta, Timestamp};
use clockfit::wire::{Packet, PacketMode};
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
}

fuzz_target!(|input: Input<'_>| {
    let responder = Responder::new(Config {
        offset: TimeDelta::from_nanos(input.offset),
        drift: Frequency::from_ppb(input.drift),
        drift_start: Timestamp::from_nanos(input.start),
        ..Config::default()
    });
    let receive = Timestamp::from_nanos(input.receive);
    let transmit = Timestamp::from_nanos(input.transmit);
    match responder.respond(input.request, receive, transmit) {
        Ok(reply) => {
            assert!(reply.len() <= input.request.len());
            let request = Packet::parse(input.request).unwrap().header;
            let reply = Packet::parse(&reply).unwrap().header;
            assert_eq!(reply.mode, PacketMode::Server);
            assert_eq!(reply.version, request.version);
            assert_eq!(reply.origin, request.transmit);
            assert!(!reply.receive.is_zero() && !reply.transmit.is_zero());
        }
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});
