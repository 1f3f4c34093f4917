//! Distributions of one class of exchanges: a table, a second one of what else was measured, and a
//! histogram.

use std::io::{self, Write};

use super::super::model::{BinsReport, ClassReport, Distribution};
use super::page::{Ink, Page};
use super::quantity::{Digits, Round, plain, signed};
use crate::sample::Mode;

/// Heights of a bar, lowest first.
const BLOCKS: [char; 8] = [
    '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}',
];
/// The same for terminals that show ASCII only.
const ASCII_BLOCKS: [char; 8] = ['.', ':', '-', '=', '+', '*', '#', '@'];

pub(super) fn write<W: Write>(class: &ClassReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let Some(offsets) = &class.offset_ns else {
        return Ok(());
    };
    let delay = class.delay_ns.as_ref();
    let of_delay = |of: fn(&Distribution) -> i64| delay.map_or(String::new(), |d| plain(of(d)));
    page.blank()?;
    if let Some(name) = &class.class {
        let text = format!(
            "n {}{}, stamped {} ({} mode); offset = {} - local",
            offsets.n,
            worth(offsets),
            name.stamps,
            name.mode.name(),
            match name.mode {
                Mode::Reading => "clock",
                Mode::Basic | Mode::Interleaved => "server",
                Mode::Estimate => "true time by its estimate",
            }
        );
        page.paragraph(Ink::Plain, "  ", 4, &text)?;
    }
    let title = match delay {
        Some(_) => ["offset", "95 % interval", "delay", "95 % interval"],
        None => ["offset", "95 % interval", "", ""],
    };
    row(page, "", title)?;
    let digits = digits_in(offsets);
    let of_offset = |nanos| signed(nanos, Round::Nearest, digits);
    let quantiles = [
        ("p1", "p1", offsets.p1, delay.and_then(|d| d.p1)),
        ("p5", "p5", offsets.p5, delay.and_then(|d| d.p5)),
        ("p50", "p50", offsets.p50, delay.and_then(|d| d.p50)),
        ("p95", "p95", offsets.p95, delay.and_then(|d| d.p95)),
        ("p99", "p99", offsets.p99, delay.and_then(|d| d.p99)),
        ("p99_9", "p99.9", offsets.p99_9, delay.and_then(|d| d.p99_9)),
    ];
    row(
        page,
        "min",
        [&of_offset(offsets.min), "", &of_delay(|d| d.min), ""],
    )?;
    for (key, label, this, that) in quantiles {
        let (left, left_interval) = quantile(offsets, key, this, of_offset);
        let (right, right_interval) =
            delay.map_or_else(Default::default, |d| quantile(d, key, that, plain));
        row(
            page,
            label,
            [&left, &left_interval, &right, &right_interval],
        )?;
    }
    row(
        page,
        "max",
        [&of_offset(offsets.max), "", &of_delay(|d| d.max), ""],
    )?;
    row(
        page,
        "mean",
        [&of_offset(offsets.mean), "", &of_delay(|d| d.mean), ""],
    )?;
    fn rms(of: &Distribution) -> i64 {
        i64::try_from(of.rms).unwrap_or(i64::MAX)
    }
    row(
        page,
        "rms",
        [
            of_offset(rms(offsets)).trim_start_matches('+'),
            "",
            &of_delay(rms),
            "",
        ],
    )?;
    if let Some(bins) = &class.bins {
        histogram(bins, page)?;
    }
    others(class, page)
}

/// How many independent exchanges all are worth, for the median, where that is fewer.
fn worth(offsets: &Distribution) -> String {
    match offsets.effective.get("p50") {
        Some(worth) if *worth < offsets.n => format!(" (worth {worth} independent ones)"),
        _ => String::new(),
    }
}

/// What else was measured, in a few numbers each.
fn others<W: Write>(class: &ClassReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let named = [
        ("out, T2 - T1", &class.out_ns, true),
        ("back, T4 - T3", &class.back_ns, true),
        ("kept, T3 - T2", &class.residence_ns, false),
        ("delay over least", &class.delay_variation_ns, false),
        ("jitter in an hour", &class.jitter_1h_ns, false),
    ];
    let named = named
        .into_iter()
        .filter_map(|(name, of, sign)| Some((name, of.as_ref()?, sign)));
    let mut named: Vec<_> = named.collect();
    // A clock that is read keeps nothing, and a way back is a way out.
    named.retain(|(name, of, _)| !name.starts_with("kept") || of.max > 0);
    if named.is_empty() {
        return Ok(());
    }
    page.blank()?;
    let line = |name: &str, [p50, p95, p99, max]: [&str; 4]| {
        format!("  {name:<18}{p50:>13}{p95:>13}{p99:>13}{max:>13}")
    };
    page.line(Ink::Plain, &line("", ["p50", "p95", "p99", "max"]))?;
    for (name, of, sign) in named {
        let digits = digits_in(of);
        let say = |nanos: i64| match sign {
            true => signed(nanos, Round::Nearest, digits),
            false => plain(nanos),
        };
        let known = |value: Option<i64>| value.map_or("-".to_owned(), say);
        let columns = [known(of.p50), known(of.p95), known(of.p99), say(of.max)];
        let [p50, p95, p99, max] = &columns;
        page.line(Ink::Plain, &line(name, [p50, p95, p99, max]))?;
    }
    Ok(())
}

/// What tells most values of a distribution apart.
pub(in super::super) fn digits_in(of: &Distribution) -> Digits {
    let (low, high) = (of.p5.unwrap_or(of.min), of.p95.unwrap_or(of.max));
    Digits::for_spread(high.abs_diff(low), of.mean.unsigned_abs())
}

fn row<W: Write>(
    page: &mut Page<'_, W>,
    label: &str,
    [offset, interval, delay, of_delay]: [&str; 4],
) -> io::Result<()> {
    // Negative delays, which only errors of stamps make, need a column more.
    let gap = if of_delay.chars().count() > 21 {
        " "
    } else {
        "  "
    };
    let text = format!("  {label:<6}{offset:>11}  {interval:<26}{delay:>10}{gap}{of_delay}");
    page.line(Ink::Plain, &text)
}

/// A value and its interval, or what it would take to have them.
pub(in super::super) fn quantile(
    of: &Distribution,
    key: &str,
    value: Option<i64>,
    say: impl Fn(i64) -> String,
) -> (String, String) {
    match (value, of.ci95.get(key), of.needed.get(key)) {
        (Some(value), Some((lower, upper)), _) => {
            (say(value), format!("{} .. {}", say(*lower), say(*upper)))
        }
        (_, _, Some(needed)) => ("-".to_owned(), format!("needs n {needed}")),
        _ => ("-".to_owned(), String::new()),
    }
}

fn histogram<W: Write>(bins: &BinsReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let most = bins.counts.iter().copied().max().unwrap_or(0).max(1);
    let blocks = if page.unicode() { BLOCKS } else { ASCII_BLOCKS };
    // A bin that holds anything shows at least the lowest block.
    let block = |count: u64| {
        let level = (u128::from(count) * 8).div_ceil(u128::from(most));
        let index = usize::try_from(level)
            .ok()
            .and_then(|level| level.checked_sub(1));
        index.and_then(|i| blocks.get(i)).copied().unwrap_or(' ')
    };
    let bars: String = bins.counts.iter().map(|count| block(*count)).collect();
    let width = i64::try_from(bins.counts.len()).unwrap_or(i64::MAX);
    let end = bins.from.saturating_add(bins.width.saturating_mul(width));
    page.blank()?;
    let size = bins.from.unsigned_abs().max(end.unsigned_abs());
    let digits = Digits::for_spread(end.abs_diff(bins.from), size);
    let from = signed(bins.from, Round::Nearest, digits);
    let text = format!(
        "  offsets {from:>11} |{bars}| {}",
        signed(end, Round::Nearest, digits)
    );
    page.line(Ink::Plain, &text)?;
    let columns = format!(
        "each column {}; {} below, {} above",
        plain(bins.width),
        bins.below,
        bins.above
    );
    page.line(Ink::Plain, &format!("{:22}{columns}", ""))
}
