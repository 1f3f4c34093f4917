//! The rsntp crate as a peer: one request after the other, stamped in user space.
//!
//! Usage: `rsntp ADDRESS:PORT COUNT GAP_US`, the last being the time between an answer and the next
//! request. Prints one line of JSON (`summary.rs`).

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "a small program of its own: it ends with what went wrong"
)]

use clockfit::net::clock;
use clockfit::time::TimeDelta;
use rsntp::SntpClient;

mod summary;

fn main() {
    let mut args = std::env::args().skip(1);
    let remote: String = summary::argument(&mut args, "ADDRESS:PORT");
    let count: u32 = summary::argument(&mut args, "COUNT");
    let gap = TimeDelta::from_micros(summary::argument(&mut args, "GAP_US"));

    let client = SntpClient::new();
    let start = clock::counter();
    let mut offsets = Vec::new();
    for _ in 0..count {
        if let Ok(answer) = client.synchronize(remote.as_str()) {
            offsets.push(nanos(answer.clock_offset().as_secs_f64()));
        }
        if gap > TimeDelta::ZERO {
            clock::sleep(gap);
        }
    }
    summary::print(offsets, count, clock::counter().since(start));
}

fn nanos(secs: f64) -> i64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float to integer cast saturates"
    )]
    {
        (secs * 1e9).round() as i64
    }
}
