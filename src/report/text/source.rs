//! One source in detail.

use std::io::{self, Write};

use super::super::model::{
    BinsReport, BoundReport, ClassReport, CrossCheckReport, Distribution, Report, SourceReport,
};
use super::page::{Ink, Page};
use super::quantity::{Digits, Round, offset, percent, plain, signed};
use super::{floor, over_time};
use crate::sample::{Mode, SourceKind, Timescale};

/// Where the text after a label begins.
const INDENT: usize = 14;

/// Heights of a bar, lowest first.
const BLOCKS: [char; 8] = [
    '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}', '\u{2588}',
];
/// The same for terminals that show ASCII only.
const ASCII_BLOCKS: [char; 8] = ['.', ':', '-', '=', '+', '*', '#', '@'];

pub(super) fn write<W: Write>(
    found: &SourceReport,
    report: &Report,
    page: &mut Page<'_, W>,
) -> io::Result<()> {
    page.paragraph(Ink::Title, "", 2, &title(found))?;
    let mut say = |label: &str, text: String| {
        let lead = format!("  {label:<width$}", width = INDENT - 2);
        page.paragraph(Ink::Plain, &lead, INDENT, &text)
    };
    if let Some(server) = &found.server {
        let leap = match server.leap {
            crate::sample::Leap::None => String::new(),
            leap => format!(", leap {}", leap.name()),
        };
        let reference = match server.refid.as_str() {
            "" => "nothing named",
            named => named,
        };
        say(
            "server",
            format!("stratum {}, follows {reference}{leap}", server.stratum),
        )?;
    }
    match found.kind {
        SourceKind::Ntp | SourceKind::Embedded => say("exchanges", exchanges(found, "sent"))?,
        SourceKind::Phc => {
            say("clock", clock(found, report))?;
            say("readings", exchanges(found, "made"))?;
        }
        SourceKind::Rtc => {
            let kept = "real-time clock, read where one second ends and the next begins; taken to \
                        keep UTC";
            say("clock", kept.to_owned())?;
            say("readings", exchanges(found, "made"))?;
        }
        SourceKind::Daemon => {
            let told = "a time daemon's own estimates of this clock's error; they prove nothing";
            say("told by", told.to_owned())?;
            say("estimates", exchanges(found, "recorded"))?;
        }
    }
    if !found.rejected.is_empty() {
        say(
            "rejected",
            counts(found.rejected.iter().map(|(r, n)| (r.name(), *n))),
        )?;
    }
    if found.valid > 0 {
        say("stamps", stamps(found))?;
    }
    if let Some(bound) = &found.bound_ns {
        say("proven", proven(found, bound))?;
    }
    match (&found.estimate, &found.main.offset_ns) {
        (Some(estimate), _) => {
            let whose = whose(found.kind);
            say("estimated", over_time::estimated(estimate, whose))?;
            say("asymmetry", over_time::hidden(estimate))?;
            say("rate", over_time::rate_of(found, estimate, whose))?;
        }
        (None, Some(offset)) => say("estimated", estimated(offset, found.kind))?,
        (None, None) => {}
    }
    let last = found.stretches.iter().rev().find(|s| s.estimate.is_some());
    if let Some(text) = last.and_then(|stretch| over_time::others(&stretch.others)) {
        say("others say", text)?;
    }
    if let Some(text) = floor::beside(found, report) {
        say("noise floor", text)?;
    }
    if let Some(psi) = found.main.jitter_ns {
        say(
            "jitter",
            format!("{} between exchanges (psi of RFC 5905)", plain(psi)),
        )?;
    }
    if let Some(distance) = found.root_distance_ns {
        say(
            "to UTC",
            format!(
                "the server may be off by {}, by the server's own word (root distance)",
                plain(distance)
            ),
        )?;
    }
    if let Some(check) = &found.cross_check {
        say("cross-check", cross_check(check))?;
    }
    over_time::table(found, page)?;
    distributions(&found.main, page)?;
    for class in &found.other_classes {
        page.paragraph(Ink::Plain, "  ", 4, &other(class))?;
    }
    Ok(())
}

fn title(found: &SourceReport) -> String {
    let address = endpoint(found);
    let path = match found.path {
        0 => String::new(),
        n => format!(", path {n}"),
    };
    if found.source == found.address || found.source == address {
        format!("{address}{path}")
    } else {
        format!("{} at {address}{path}", found.source)
    }
}

/// Address and port as one text.
pub(super) fn endpoint(found: &SourceReport) -> String {
    if !found.kind.is_server() {
        found.address.clone()
    } else if found.address.contains(':') {
        format!("[{}]:{}", found.address, found.port)
    } else {
        format!("{}:{}", found.address, found.port)
    }
}

/// What a clock calls itself, and which time it keeps.
fn clock(found: &SourceReport, report: &Report) -> String {
    let known = report
        .host
        .ptp_clocks
        .iter()
        .find(|clock| clock.device == found.address);
    let name = known
        .and_then(|clock| clock.name.as_deref())
        .unwrap_or("PTP clock without a name");
    match found.timescale {
        Timescale::Tai => format!("{name}; it keeps TAI, and TAI - UTC is taken off"),
        _ => format!("{name}; taken to keep UTC (--phc-timescale)"),
    }
}

fn exchanges(found: &SourceReport, sent: &str) -> String {
    let lost = match found.lost {
        0 => "none lost".to_owned(),
        n => format!(
            "{n} lost ({}; {})",
            percent(n, found.sent),
            counts(found.lost_by.iter().map(|(cause, n)| (loss(*cause), *n)))
        ),
    };
    format!("{} {sent}, {} valid, {lost}", found.sent, found.valid)
}

fn loss(cause: crate::sample::LossCause) -> &'static str {
    use crate::sample::LossCause;
    match cause {
        LossCause::Timeout => "no answer in time",
        LossCause::Refused => "refused",
        LossCause::Socket => "socket replaced",
        LossCause::Interrupted => "run ended",
    }
}

fn stamps(found: &SourceReport) -> String {
    let classes = std::iter::once(&found.main).chain(&found.other_classes);
    let mut named: Vec<String> = classes
        .filter_map(|c| Some((c.class.as_ref()?, c.offset_ns.as_ref()?)))
        .map(|(class, offset)| {
            let share = percent(offset.n, found.valid);
            format!("{} ({}) {share}", class.stamps, class.mode.name())
        })
        .collect();
    if !found.stamp_faults.is_empty() {
        let faults = counts(found.stamp_faults.iter().map(|(f, n)| (f.name(), *n)));
        named.push(format!("not used: {faults}"));
    }
    named.join(", ")
}

fn proven(found: &SourceReport, bound: &BoundReport) -> String {
    let whose = whose(found.kind);
    let meaning = match (bound.lower, bound.upper) {
        (1.., _) => format!("this clock is behind by at least {}", least(bound.lower)),
        (_, ..=-1) => format!("this clock is ahead by at least {}", least(bound.upper)),
        _ => "no error of this clock is proven".to_owned(),
    };
    let digits = digits_of(bound);
    format!(
        "{whose} minus this one lies between {} and {} ({}): {meaning}",
        signed(bound.lower, Round::Down, digits),
        signed(bound.upper, Round::Up, digits),
        over_time::drift(&found.drift)
    )
}

/// The clock that is measured.
fn whose(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Ntp | SourceKind::Embedded => "the server's clock",
        SourceKind::Phc => "the PTP clock",
        SourceKind::Rtc => "the real-time clock",
        SourceKind::Daemon => "the daemon's time",
    }
}

/// What tells both ends of a bound apart.
pub(super) fn digits_of(bound: &BoundReport) -> Digits {
    let size = bound.lower.unsigned_abs().max(bound.upper.unsigned_abs());
    Digits::for_spread(bound.upper.abs_diff(bound.lower), size)
}

/// What tells most values of a distribution apart.
fn digits_in(of: &Distribution) -> Digits {
    let (low, high) = (of.p5.unwrap_or(of.min), of.p95.unwrap_or(of.max));
    Digits::for_spread(high.abs_diff(low), of.mean.unsigned_abs())
}

/// A size that is not overstated.
fn least(nanos: i64) -> String {
    let digits = Digits::Four;
    let text = signed(nanos.saturating_abs(), Round::Down, digits);
    text.trim_start_matches('+').to_owned()
}

fn estimated(of: &Distribution, kind: SourceKind) -> String {
    let digits = digits_in(of);
    let say = |nanos| signed(nanos, Round::Nearest, digits);
    let (value, source) = match (of.p50, of.ci95.get("p50")) {
        (Some(median), Some((lower, upper))) => (
            median,
            format!(
                "median of {}, 95 % interval {} to {}",
                of.n,
                say(*lower),
                say(*upper)
            ),
        ),
        _ => (
            of.mean,
            format!(
                "mean of {}, without an interval: too few for a median",
                of.n
            ),
        ),
    };
    let size = say(value.saturating_abs());
    let size = size.trim_start_matches('+');
    match value {
        0 => format!("this clock agrees with {} ({source})", whose(kind)),
        1.. => format!("this clock is behind by {size} ({source})"),
        _ => format!("this clock is ahead by {size} ({source})"),
    }
}

fn cross_check(check: &CrossCheckReport) -> String {
    let mut text = format!(
        "{} finds {} (median of {})",
        check.by,
        offset(check.median_offset_ns),
        check.offset_ns.n
    );
    if let (Some(apart), Some(longer), Some(consistent)) = (
        check.offset_difference_ns,
        check.delay_difference_ns,
        check.consistent,
    ) {
        let verdict = match consistent {
            true => "consistent: both delays together allow for that",
            false => "NOT explained by both delays together",
        };
        text = format!(
            "{text}, {} from ours; its delay differs by {}, since it stamps in the program; {verdict}",
            offset(apart),
            offset(longer)
        );
    }
    text
}

fn other(class: &ClassReport) -> String {
    let (Some(name), Some(of)) = (&class.class, &class.offset_ns) else {
        return String::new();
    };
    let values = match (of.n, of.p50) {
        (1, _) => offset(of.mean),
        (_, Some(median)) => format!(
            "median {}, from {} to {}",
            offset(median),
            offset(of.min),
            offset(of.max)
        ),
        (_, None) => format!(
            "mean {}, from {} to {}",
            offset(of.mean),
            offset(of.min),
            offset(of.max)
        ),
    };
    format!(
        "apart, stamped {} ({} mode): n {}, offset {values}",
        name.stamps,
        name.mode.name(),
        of.n
    )
}

fn counts<'a>(named: impl Iterator<Item = (&'a str, u64)>) -> String {
    let each: Vec<String> = named.map(|(name, n)| format!("{n} {name}")).collect();
    each.join(", ")
}

fn distributions<W: Write>(class: &ClassReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let (Some(offsets), Some(delay)) = (&class.offset_ns, &class.delay_ns) else {
        return Ok(());
    };
    page.blank()?;
    if let Some(name) = &class.class {
        let text = format!(
            "n {}, stamped {} ({} mode); offset = {} - local",
            offsets.n,
            name.stamps,
            name.mode.name(),
            if name.mode == Mode::Reading {
                "clock"
            } else {
                "server"
            }
        );
        page.paragraph(Ink::Plain, "  ", 4, &text)?;
    }
    row(
        page,
        "",
        ["offset", "95 % interval", "delay", "95 % interval"],
    )?;
    let digits = digits_in(offsets);
    let of_offset = |nanos| signed(nanos, Round::Nearest, digits);
    let quantiles = [
        ("p1", "p1", offsets.p1, delay.p1),
        ("p5", "p5", offsets.p5, delay.p5),
        ("p50", "p50", offsets.p50, delay.p50),
        ("p95", "p95", offsets.p95, delay.p95),
        ("p99", "p99", offsets.p99, delay.p99),
        ("p99_9", "p99.9", offsets.p99_9, delay.p99_9),
    ];
    row(
        page,
        "min",
        [&of_offset(offsets.min), "", &plain(delay.min), ""],
    )?;
    for (key, label, this, that) in quantiles {
        let (left, left_interval) = quantile(offsets, key, this, of_offset);
        let (right, right_interval) = quantile(delay, key, that, plain);
        row(
            page,
            label,
            [&left, &left_interval, &right, &right_interval],
        )?;
    }
    row(
        page,
        "max",
        [&of_offset(offsets.max), "", &plain(delay.max), ""],
    )?;
    row(
        page,
        "mean",
        [&of_offset(offsets.mean), "", &plain(delay.mean), ""],
    )?;
    let rms = |d: &Distribution| i64::try_from(d.rms).unwrap_or(i64::MAX);
    row(
        page,
        "rms",
        [
            of_offset(rms(offsets)).trim_start_matches('+'),
            "",
            &plain(rms(delay)),
            "",
        ],
    )?;
    match &class.bins {
        Some(bins) => histogram(bins, page),
        None => Ok(()),
    }
}

fn row<W: Write>(
    page: &mut Page<'_, W>,
    label: &str,
    [offset, interval, delay, of_delay]: [&str; 4],
) -> io::Result<()> {
    let text = format!("  {label:<6}{offset:>11}  {interval:<26}{delay:>10}  {of_delay}");
    page.line(Ink::Plain, &text)
}

/// A value and its interval, or what it would take to have them.
fn quantile(
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
