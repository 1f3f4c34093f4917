//! Octaves of stability statistics over one fixed series: the times that `stability.py` gives for
//! allantools, and beside them those of the plainest loops, interleaved.
//!
//! Usage: `stability POINTS [ROUNDS]`. The pool has as many threads as RAYON_NUM_THREADS says. Prints
//! one line of JSON: medians of the rounds in milliseconds, and the sum of the series, by which its
//! twin in Python is known to have measured the same.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "a small program of its own: it ends with what went wrong"
)]

use std::hint::black_box;

use clockfit::net::clock;
use clockfit::stats::stability::{Phases, Statistic, Taus, sweep};

#[path = "../stability/plain.rs"]
mod plain;
#[allow(dead_code, reason = "the others print exchanges")]
mod summary;

const ROUNDS: usize = 5;

fn main() {
    let mut args = std::env::args().skip(1);
    let points: usize = summary::argument(&mut args, "POINTS");
    let rounds = if args.len() > 0 {
        summary::argument(&mut args, "ROUNDS")
    } else {
        ROUNDS
    };
    let series = plain::series(points);
    let phases = Phases::from(&series[..]);

    let mut work: Vec<(String, Box<dyn Fn()>)> = vec![
        (
            "plain_oadev".to_owned(),
            Box::new(|| drop(black_box(plain::oadev(&series)))),
        ),
        (
            "plain_mtie".to_owned(),
            Box::new(|| drop(black_box(plain::mtie(&series)))),
        ),
    ];
    for statistic in Statistic::ALL {
        let name = format!("{statistic:?}").to_lowercase();
        let phases = &phases;
        let take = move || drop(black_box(sweep(phases, statistic, &Taus::Octave)));
        work.push((name, Box::new(take)));
    }
    let mut times = vec![Vec::new(); work.len()];
    // One round to warm up.
    for round in 0..=rounds {
        for ((_, work), times) in work.iter().zip(&mut times) {
            let start = clock::counter();
            work();
            if round > 0 {
                times.push(clock::counter().since(start));
            }
        }
    }
    let milliseconds = |mut times: Vec<clockfit::time::TimeDelta>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e3
    };
    let fields = work
        .iter()
        .zip(times)
        .map(|((name, _), times)| format!(",\"{name}_ms\":{:.3}", milliseconds(times)));
    let sum: i64 = series.iter().sum();
    let threads = std::env::var("RAYON_NUM_THREADS").unwrap_or_else(|_| "all".to_owned());
    println!(
        "{{\"points\":{points},\"sum\":{sum},\"threads\":\"{threads}\"{}}}",
        fields.collect::<String>()
    );
}
