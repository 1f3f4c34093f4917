//! One source in detail.

use std::io::{self, Write};

use super::super::model::{
    BoundReport, ClassReport, CrossCheckReport, Distribution, Report, SourceReport,
};
use super::page::{Ink, Page};
use super::quantity::{Digits, Round, offset, percent, plain, signed};
use super::{distribution, floor, over_time, stability};
use crate::sample::{Axis, SourceKind, Timescale};

/// Where the text after a label begins.
const INDENT: usize = 14;

pub(super) fn write<W: Write>(
    found: &SourceReport,
    report: &Report,
    page: &mut Page<'_, W>,
) -> io::Result<()> {
    page.paragraph(Ink::Title, "", 2, &title(found))?;
    for (label, text) in facts(found, report) {
        let lead = format!("  {label:<width$}", width = INDENT - 2);
        page.paragraph(Ink::Plain, &lead, INDENT, &text)?;
    }
    over_time::table(found, page)?;
    if let Some(found) = &found.stability {
        let against = against(report);
        stability::write(found, against, page)?;
    }
    distribution::write(&found.main, page)?;
    for class in &found.other_classes {
        page.paragraph(Ink::Plain, "  ", 4, &other(class))?;
    }
    Ok(())
}

/// What instants count on, and stability is told against.
pub(in super::super) fn against(report: &Report) -> &'static str {
    match report.run.axis {
        Axis::Counter => "this host's counter",
        Axis::LocalClock => "this host's clock",
    }
}

/// What a source says in sentences, each under a label.
pub(in super::super) fn facts(
    found: &SourceReport,
    report: &Report,
) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    let mut say = |label: &'static str, text: String| told.push((label, text));
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
        );
    }
    match found.kind {
        SourceKind::Ntp | SourceKind::Burst | SourceKind::Embedded => {
            say("exchanges", exchanges(found, "sent"));
        }
        SourceKind::Phc => {
            say("clock", clock(found, report));
            say("readings", exchanges(found, "made"));
        }
        SourceKind::Rtc => {
            let kept = "real-time clock, read where one second ends and the next begins; taken to \
                        keep UTC";
            say("clock", kept.to_owned());
            say("readings", exchanges(found, "made"));
        }
        SourceKind::Daemon => {
            let told = "a time daemon's own estimates of this clock's error; they prove nothing";
            say("told by", told.to_owned());
            say("estimates", exchanges(found, "recorded"));
        }
    }
    if !found.rejected.is_empty() {
        say(
            "rejected",
            counts(found.rejected.iter().map(|(r, n)| (r.name(), *n))),
        );
    }
    if found.valid > 0 {
        say("stamps", stamps(found));
    }
    if let Some(bound) = &found.bound_ns {
        say("proven", proven(found, bound));
    }
    match (&found.estimate, &found.main.offset_ns) {
        (Some(estimate), _) => {
            let whose = whose(found.kind);
            say("estimated", over_time::estimated(found, estimate, whose));
            say("asymmetry", over_time::hidden(estimate));
            say("rate", over_time::rate_of(found, estimate, whose));
        }
        (None, Some(offset)) => {
            let text = estimated(offset, found.bound_ns.as_ref(), found.kind);
            say("estimated", text);
        }
        (None, None) => {}
    }
    if let Some(text) = over_time::others(found) {
        say("others say", text);
    }
    if let Some(text) = floor::beside(found, report) {
        say("noise floor", text);
    }
    if let Some(psi) = found.main.jitter_ns {
        say(
            "jitter",
            format!("{} between exchanges (psi of RFC 5905)", plain(psi)),
        );
    }
    if let Some(distance) = found.root_distance_ns {
        say(
            "to UTC",
            format!(
                "the server may be off by {}, by the server's own word (root distance)",
                plain(distance)
            ),
        );
    }
    if let Some(check) = &found.cross_check {
        say("cross-check", cross_check(check));
    }
    told
}

/// What a source is called.
pub(in super::super) fn title(found: &SourceReport) -> String {
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
pub(in super::super) fn endpoint(found: &SourceReport) -> String {
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
        (1.., _) => format!("this clock was behind by at least {}", least(bound.lower)),
        (_, ..=-1) => format!("this clock was ahead by at least {}", least(bound.upper)),
        _ => "no error of this clock is proven".to_owned(),
    };
    let digits = digits_of(bound);
    format!(
        "at {} {whose} minus this one lay between {} and {} ({}): {meaning}",
        over_time::when(found, bound.at),
        signed(bound.lower, Round::Down, digits),
        signed(bound.upper, Round::Up, digits),
        over_time::drift(&found.drift)
    )
}

/// The clock that is measured.
fn whose(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Ntp | SourceKind::Burst | SourceKind::Embedded => "the server's clock",
        SourceKind::Phc => "the PTP clock",
        SourceKind::Rtc => "the real-time clock",
        SourceKind::Daemon => "the daemon's time",
    }
}

/// What tells both ends of a bound apart.
pub(in super::super) fn digits_of(bound: &BoundReport) -> Digits {
    let size = bound.lower.unsigned_abs().max(bound.upper.unsigned_abs());
    Digits::for_spread(bound.upper.abs_diff(bound.lower), size)
}

/// A size that is not overstated.
fn least(nanos: i64) -> String {
    let digits = Digits::Four;
    let text = signed(nanos.saturating_abs(), Round::Down, digits);
    text.trim_start_matches('+').to_owned()
}

/// What there is without an estimate: the middle of all offsets, if it can be where the clock is.
fn estimated(of: &Distribution, bound: Option<&BoundReport>, kind: SourceKind) -> String {
    let digits = distribution::digits_in(of);
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
    if bound.is_some_and(|bound| value < bound.lower || bound.upper < value) {
        return format!(
            "nothing of now: {} over the run ({source}) is not within what is proven, so that the offset moved \
             or one way was the slower one",
            say(value)
        );
    }
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

/// A class beside the main one.
pub(in super::super) fn other(class: &ClassReport) -> String {
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
