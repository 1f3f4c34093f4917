//! What one packet costs on the wire floor: parse, write, request, times.

#![expect(
    clippy::expect_used,
    reason = "a bench of the wrong packet is worse than none"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use clockfit::responder::Responder;
use clockfit::time::{TimeDelta, Timestamp};
use clockfit::wire::{Extension, Header, NtpTimestamp, Packet, Rounding};

const NOON: Timestamp = Timestamp::from_nanos(1_763_832_000_123_456_789);

fn packets(c: &mut Criterion) {
    let mut group = c.benchmark_group("packet");
    group.throughput(Throughput::Elements(1));
    let request = Header::client_request(0x0123_4567_89ab_cdef).to_bytes();
    let reply = Responder::default()
        .respond(&request, NOON, NOON + TimeDelta::from_micros(15))
        .expect("a plain request is answered")
        .bytes;
    let header = Packet::parse(&reply).expect("a reply parses").header;

    // As long as an NTS reply with one cookie: unique id, authenticator.
    let mut extended = reply.to_vec();
    for (kind, value) in [(0x0104, &[7; 32][..]), (0x0404, &[7; 136][..])] {
        let field = Extension::new(kind, value).expect("a field of whole words");
        field.write(&mut extended);
    }

    group.bench_function("request", |b| {
        b.iter(|| Header::client_request(black_box(0x0123_4567_89ab_cdef)).to_bytes());
    });
    group.bench_function("parse", |b| b.iter(|| Packet::parse(black_box(&reply))));
    group.bench_function("parse_extensions", |b| {
        b.iter(|| Packet::parse(black_box(&extended)).map(|p| p.extensions().count()));
    });
    group.bench_function("write", |b| b.iter(|| black_box(&header).to_bytes()));
    group.bench_function("respond", |b| {
        let mut responder = Responder::default();
        b.iter(|| responder.respond(black_box(&request), NOON, NOON));
    });
    group.finish();
}

fn times(c: &mut Criterion) {
    let mut group = c.benchmark_group("timestamp");
    group.throughput(Throughput::Elements(1));
    let wire = NtpTimestamp::from_timestamp(NOON, Rounding::Down);
    group.bench_function("from_wire", |b| {
        b.iter(|| black_box(wire).to_timestamp(black_box(NOON), Rounding::Up));
    });
    group.bench_function("to_wire", |b| {
        b.iter(|| NtpTimestamp::from_timestamp(black_box(NOON), Rounding::Down));
    });
    let mut header = Header::client_request(1);
    (header.receive, header.transmit) = (wire, wire);
    group.bench_function("server_stamps", |b| {
        b.iter(|| black_box(&header).server_stamps(black_box(NOON)));
    });
    group.finish();
}

criterion_group!(benches, packets, times);
criterion_main!(benches);
