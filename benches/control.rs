//! What reading the control messages of one packet costs: of a transmit report, of a reply.

use std::hint::black_box;

use clockfit::net::control::{CONTROL_BUFFER, Control};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

// The numbers of include/uapi that the messages of IPv4 carry.
const SOL_SOCKET: i32 = 1;
const SCM_TIMESTAMPING: i32 = 37;
const SOL_IP: i32 = 0;
const IP_RECVERR: i32 = 11;

/// One control message, padded as the kernel pads it.
fn message(level: i32, kind: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = (size_of::<usize>() + 8 + body.len()).to_ne_bytes().to_vec();
    bytes.extend(level.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(size_of::<usize>()), 0);
    bytes
}

/// `struct scm_timestamping` with a software stamp.
fn stamp() -> Vec<u8> {
    let words: [isize; 6] = [1_763_832_000, 123_456_789, 0, 0, 0, 0];
    let body: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    message(SOL_SOCKET, SCM_TIMESTAMPING, &body)
}

/// The stamp, then a `struct sock_extended_err` that names packet 7, with the sender's address.
fn transmit_report() -> Vec<u8> {
    let mut body = 42u32.to_ne_bytes().to_vec();
    body.extend([4, 0, 0, 0]);
    body.extend(0u32.to_ne_bytes());
    body.extend(7u32.to_ne_bytes());
    body.extend([0; 16]);
    let mut bytes = stamp();
    bytes.extend(message(SOL_IP, IP_RECVERR, &body));
    bytes
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("control");
    group.throughput(Throughput::Elements(1));
    let (report, receive) = (transmit_report(), stamp());
    // A bench of refusals would look good and mean nothing.
    assert!(Control::parse(&report, CONTROL_BUFFER).is_ok_and(|c| c.report.is_some()));
    assert!(Control::parse(&receive, CONTROL_BUFFER).is_ok_and(|c| c.software.is_some()));
    group.bench_function("transmit_report", |b| {
        b.iter(|| Control::parse(black_box(&report), CONTROL_BUFFER));
    });
    group.bench_function("receive_stamp", |b| {
        b.iter(|| Control::parse(black_box(&receive), CONTROL_BUFFER));
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
