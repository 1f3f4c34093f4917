//! Estimates, rates and what is hidden: what a source says over time.

use std::io::{self, Write};

use super::super::model::{DriftReport, EstimateReport, SourceReport, StretchReport};
use super::page::{Ink, Page};
use super::quantity::{Digits, Round, plain, ppm, rate, signed, signed_ppm, time_of_day, utc};
use crate::estimate::{Basis, ESTIMATE_NEEDS};
use crate::sample::DisturbanceKind;
use crate::time::{TimeDelta, Timestamp};

/// Stretches that are told one by one; the JSON report has all.
const MOST: usize = 24;

/// Beyond this a time of day may be that of several days.
const A_DAY: TimeDelta = TimeDelta::from_secs(86_400);

/// Changes of the rate that are told one by one.
const CHANGES: usize = 3;

/// How fast a clock may drift, and how that is known.
pub(super) fn drift(drift: &DriftReport) -> String {
    let basis = match drift.basis {
        Basis::Assumed => "assumed",
        Basis::Given => "as given",
        Basis::Measured => "measured",
    };
    if drift.lower_ppb == drift.upper_ppb.saturating_neg() {
        return format!("drift +-{}, {basis}", ppm(drift.upper_ppb));
    }
    format!(
        "drift {} to {}, {basis}",
        signed_ppm(drift.lower_ppb),
        signed_ppm(drift.upper_ppb)
    )
}

/// The best estimate, in words.
pub(super) fn estimated(found: &SourceReport, estimate: &EstimateReport, whose: &str) -> String {
    let (lower, upper) = estimate.ci95_ns;
    let digits = digits_of(estimate);
    let say = |nanos| signed(nanos, Round::Nearest, digits);
    let amount = say(estimate.offset_ns.saturating_abs());
    let amount = amount.trim_start_matches('+');
    let so = match estimate.offset_ns {
        0 => format!("this clock agrees with {whose}"),
        1.. => format!("this clock is behind by {amount}"),
        _ => format!("this clock is ahead by {amount}"),
    };
    let moved = match estimate.clipped {
        true => "; moved to lie within what is proven",
        false => "",
    };
    let last = last_estimated(found).map(|stretch| stretch.to.since(stretch.from).as_nanos());
    let within = last.map_or(String::new(), |length| format!(" in {}", plain(length)));
    format!(
        "{so} at {} (by the least delayed of {} exchanges{within}, 95 % interval {} to {}{moved})",
        when(found, estimate.at),
        estimate.exchanges,
        say(lower),
        say(upper)
    )
}

/// Digits that tell an estimate from the ends of its interval.
fn digits_of(estimate: &EstimateReport) -> Digits {
    let (lower, upper) = estimate.ci95_ns;
    let spread = lower.abs_diff(upper).saturating_mul(10);
    Digits::for_spread(spread, estimate.offset_ns.unsigned_abs())
}

/// What no client can see.
pub(super) fn hidden(estimate: &EstimateReport) -> String {
    format!(
        "up to +-{} of path asymmetry cannot be excluded",
        plain(estimate.asymmetry_ns)
    )
}

/// The rate of a clock against the counter.
pub(super) fn rate_of(found: &SourceReport, estimate: &EstimateReport, whose: &str) -> String {
    let bounds = last_estimated(found)
        .and_then(|s| s.rate_ps_per_s)
        .map(|(lower, upper)| format!("; if constant, within {} to {}", rate(lower), rate(upper)));
    let mut text = format!(
        "{whose} runs at {} against this host's counter{}",
        rate(estimate.rate_ps_per_s),
        bounds.unwrap_or_default()
    );
    if let [first, ..] = found.rate_changes.as_slice() {
        let each = found.rate_changes.iter().take(CHANGES).map(|change| {
            let cause = match change.explained_by {
                Some(DisturbanceKind::Suspend) => " (this host was suspended)",
                Some(DisturbanceKind::Clocksource) => " (this host changed its clocksource)",
                _ => "",
            };
            format!("{}{cause}", when(found, change.before))
        });
        let each: Vec<String> = each.collect();
        let all = found.rate_changes.iter().all(|c| c.explained_by.is_some());
        let by = match (all, first.explained_by) {
            (true, _) => "",
            _ => ": the server was stepped or steered, or the route changed",
        };
        text = format!(
            "{text}. It changed {} near {}{by}",
            match found.rate_changes.len() {
                1 => "once,".to_owned(),
                n => format!("{n} times, first"),
            },
            each.join(", ")
        );
    }
    text
}

/// What others would say, in as many digits as the estimate has.
pub(super) fn others(found: &SourceReport) -> Option<String> {
    let stretch = last_estimated(found)?;
    let digits = stretch.estimate.as_ref().map_or(Digits::Four, digits_of);
    let say = |name: &str, value: Option<i64>| {
        let said = signed(value?, Round::Nearest, digits);
        Some(format!("{name} {said}"))
    };
    let others = &stretch.others;
    let at_the_end: Vec<String> = [
        say("clock filter (RFC 5905)", others.clock_filter_ns),
        say("regression (as chrony's)", others.regression_ns),
    ]
    .into_iter()
    .flatten()
    .collect();
    let median = say("median of these exchanges", others.median_ns);
    match (at_the_end.as_slice(), median) {
        ([], median) => median,
        (_, None) => Some(format!("{} at their end", at_the_end.join(", "))),
        (_, Some(median)) => Some(format!("{median}; at their end {}", at_the_end.join(", "))),
    }
}

/// The latest stretch that has an estimate.
fn last_estimated(found: &SourceReport) -> Option<&StretchReport> {
    found.stretches.iter().rev().find(|s| s.estimate.is_some())
}

/// The time of day, with the date where a source was heard for longer than a day.
pub(super) fn when(found: &SourceReport, at: Timestamp) -> String {
    match is_long(found) {
        true => utc(at.as_nanos()),
        false => time_of_day(at.as_nanos()),
    }
}

fn is_long(found: &SourceReport) -> bool {
    match (found.stretches.first(), found.stretches.last()) {
        (Some(first), Some(last)) => last.to.since(first.from) > A_DAY,
        _ => false,
    }
}

/// Whether there is nothing to be told: no estimate at all, or one offset lies in the intervals of all
/// stretches.
fn says_nothing(found: &SourceReport) -> bool {
    if found.stretches.iter().all(|s| s.estimate.is_none()) {
        return true;
    }
    let mut estimates = found.stretches.iter().map(|s| s.estimate.as_ref());
    let within = estimates.try_fold((i64::MIN, i64::MAX), |(lower, upper), estimate| {
        let (from, to) = estimate?.ci95_ns;
        Some((lower.max(from), upper.min(to)))
    });
    let moved = !found.breaks.is_empty() || !found.rate_changes.is_empty();
    within.is_some_and(|(lower, upper)| lower <= upper) && !moved
}

/// Stretches one by one, where there are several that differ.
pub(super) fn table<W: Write>(found: &SourceReport, page: &mut Page<'_, W>) -> io::Result<()> {
    if found.stretches.len() < 2 || says_nothing(found) {
        return Ok(());
    }
    page.blank()?;
    let lines = found.stretches.iter().rev().take(MOST);
    let title = match found.stretches.len().checked_sub(MOST).filter(|n| *n > 0) {
        None => "  over time, each in the middle of a stretch of one rate".to_owned(),
        Some(more) => format!("  over time, the last {MOST} stretches of one rate ({more} before)"),
    };
    page.line(Ink::Plain, &title)?;
    page.line(
        Ink::Plain,
        &row(["UTC", "n", "offset", "95 % interval", "rate"]),
    )?;
    let lines: Vec<_> = lines.collect();
    let long = is_long(found);
    for stretch in lines.into_iter().rev() {
        let n = stretch.exchanges.to_string();
        let Some(estimate) = &stretch.estimate else {
            let at = clock(stretch.from.as_nanos(), long);
            let why = match stretch.exchanges < ESTIMATE_NEEDS {
                true => format!("needs n {ESTIMATE_NEEDS}"),
                false => "no one rate explains these".to_owned(),
            };
            page.line(Ink::Plain, &row([&at, &n, "-", &why, ""]))?;
            continue;
        };
        let (lower, upper) = estimate.ci95_ns;
        let digits = digits_of(estimate);
        let say = |nanos| signed(nanos, Round::Nearest, digits);
        let interval = format!("{} .. {}", say(lower), say(upper));
        let columns = [
            &clock(estimate.at.as_nanos(), long),
            &n,
            &say(estimate.offset_ns),
            &interval,
            &rate(estimate.rate_ps_per_s),
        ];
        page.line(Ink::Plain, &row(columns.map(String::as_str)))?;
    }
    Ok(())
}

/// The time of day, and before it the day where that is not clear.
fn clock(nanos: i64, with_day: bool) -> String {
    let whole = utc(nanos);
    match (whole.get(5..16), with_day) {
        (Some(day_and_minute), true) => day_and_minute.to_owned(),
        _ => time_of_day(nanos).trim_end_matches(" UTC").to_owned(),
    }
}

fn row([at, n, offset, interval, rate]: [&str; 5]) -> String {
    format!("  {at:<11}{n:>7} {offset:>12}  {interval:<27} {rate:>12}")
}
