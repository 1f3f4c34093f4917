//! What the peers share: their arguments, and the one line they print.

use std::fmt::Display;
use std::str::FromStr;

use clockfit::stats::{Probability, quantile};
use clockfit::time::TimeDelta;

/// The next argument, as what it has to be.
pub(crate) fn argument<T: FromStr<Err: Display>>(
    args: &mut impl Iterator<Item = String>,
    name: &str,
) -> T {
    let text = args.next().unwrap_or_else(|| panic!("{name} is missing"));
    text.parse()
        .unwrap_or_else(|error| panic!("{name} cannot be {text:?}: {error}"))
}

/// Prints how many exchanges took how long, and the quantiles of their offsets in nanoseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "rates are printed, not computed with"
)]
pub(crate) fn print(mut offsets: Vec<i64>, sent: u32, elapsed: TimeDelta) {
    let n = offsets.len();
    let rate = n as f64 / elapsed.as_secs_f64();
    let mut sizes: Vec<_> = offsets
        .iter()
        .map(|offset| offset.saturating_abs())
        .collect();
    offsets.sort_unstable();
    sizes.sort_unstable();
    let number = |value: Option<i64>| value.map_or_else(|| "null".to_owned(), |v| v.to_string());
    println!(
        "{{\"sent\":{sent},\"valid\":{n},\"per_s\":{rate:.0},\"offset_p50_ns\":{},\
         \"abs_offset_p50_ns\":{},\"abs_offset_p99_ns\":{}}}",
        number(quantile(&offsets, Probability::P50)),
        number(quantile(&sizes, Probability::P50)),
        number(quantile(&sizes, Probability::P99)),
    );
}
