//! What one exchange costs without sockets: request, send, transmit stamp, reply, event. The
//! answers are the responder's, made before the clock runs.

#![expect(
    clippy::expect_used,
    reason = "a bench of failed exchanges is worse than none"
)]

use std::hint::black_box;

use clockfit::association::{Association, MAX_OUTSTANDING, ModePolicy, Sent};
use clockfit::responder::Responder;
use clockfit::sample::{Event, Reading, SourceId, Stamp, StampSource};
use clockfit::time::{Monotonic, TimeDelta, Timestamp};
use clockfit::wire::{HEADER_LEN, Header, NtpTimestamp};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const NOON: Timestamp = Timestamp::from_nanos(1_763_832_000_123_456_789);
/// From the reading before the send call to the kernel's stamp, on the way, and back.
const LEG: TimeDelta = TimeDelta::from_micros(10);
/// Exchanges a measured run.
const EXCHANGES: u32 = 1024;

/// One exchange as it will be played: what leaves, what comes back, and when.
struct Play {
    sent: Sent,
    transmitted: Stamp,
    reply: [u8; HEADER_LEN],
    received: Stamp,
}

fn stamp(at: Timestamp) -> Stamp {
    Stamp {
        at,
        source: StampSource::Kernel,
        error: TimeDelta::NANOSECOND,
    }
}

fn play(n: u32) -> Play {
    // No two alike, and spread over all 64 bits as random ones are.
    let nonce = u64::from(n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let wall = NOON + LEG.times(8 * i64::from(n));
    let reply = Responder::default()
        .respond(
            &Header::client_request(nonce).to_bytes(),
            wall + LEG.times(2),
            wall + LEG.times(3),
        )
        .expect("a plain request is answered")
        .bytes;
    Play {
        sent: Sent {
            nonce,
            origin: NtpTimestamp::ZERO,
            before: Reading {
                wall,
                counter: Monotonic::from_nanos(LEG.times(8 * i64::from(n)).as_nanos()),
                error: TimeDelta::NANOSECOND,
            },
            precision: TimeDelta::NANOSECOND,
            stamp_id: Some(n),
            hardware: false,
        },
        transmitted: stamp(wall + LEG),
        reply,
        received: stamp(wall + LEG.times(4)),
    }
}

/// Plays all exchanges with `window` of them outstanding at a time, as the sampler does: the
/// requests, then the transmit stamps, then the replies. Returns the samples told.
fn exchange(association: &mut Association, plays: &[Play], window: usize) -> u32 {
    let mut samples = 0;
    for burst in plays.chunks(window) {
        for play in burst {
            black_box(association.request(play.sent.nonce).to_bytes());
            association.handle_sent(play.sent);
        }
        for (id, play) in burst.iter().filter_map(|p| Some((p.sent.stamp_id?, p))) {
            association.handle_transmit_stamp(id, play.transmitted);
        }
        for play in burst {
            let before = play.sent.before;
            let read = Reading {
                wall: before.wall + LEG.times(4),
                counter: before.counter + LEG.times(4),
                ..before
            };
            association.handle_datagram(read, &play.reply, false, play.received);
            while let Some(event) = association.poll_event() {
                samples += u32::from(matches!(black_box(event), Event::Sample(..)));
            }
        }
    }
    samples
}

fn exchanges(c: &mut Criterion) {
    let plays: Vec<_> = (0..EXCHANGES).map(play).collect();
    let mut group = c.benchmark_group("exchange");
    group.throughput(Throughput::Elements(EXCHANGES.into()));
    for window in [1, MAX_OUTSTANDING] {
        group.bench_function(format!("{window}_outstanding"), |b| {
            b.iter_batched_ref(
                || Association::new(SourceId(0), ModePolicy::Basic, TimeDelta::from_secs(1)),
                |association| {
                    let samples = exchange(association, black_box(&plays), window);
                    assert_eq!(samples, EXCHANGES);
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, exchanges);
criterion_main!(benches);
