//! What disturbed the local clock, one line each.

use std::io::{self, Write};

use super::super::{DisturbanceReport, LocalClockReport};
use super::page::{Ink, Page};
use super::quantity::{offset, plain, signed_ppm};
use crate::sample::{DisturbanceKind, Leap};

/// Where the text after the instant begins.
const INDENT: usize = 14;

/// The most lines; beyond, a clock is in such a state that a list no longer helps.
const MOST: usize = 12;

pub(super) fn write<W: Write>(clock: &LocalClockReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let settings = |d: &&DisturbanceReport| d.what == DisturbanceKind::Frequency;
    let told: Vec<_> = clock.disturbances.iter().filter(|d| !settings(d)).collect();
    let set: Vec<_> = clock.disturbances.iter().filter(settings).collect();
    if told.is_empty() && set.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.line(Ink::Title, "Local clock, by time since the start")?;
    for one in told.iter().take(MOST) {
        let lead = format!("  {:>10}  ", plain(one.since_start_ns));
        page.paragraph(Ink::Plain, &lead, INDENT, &say(one))?;
    }
    let mut rest: Vec<String> = Vec::new();
    if let Some(more) = told.len().checked_sub(MOST).filter(|n| *n > 0) {
        rest.push(format!("{more} more in the JSON report"));
    }
    if clock.more_disturbances > 0 {
        rest.push(format!("{} more not kept", clock.more_disturbances));
    }
    if let (Some(first), Some(last)) = (set.first(), set.last()) {
        rest.push(format!(
            "the kernel was told another rate {}, at first from {}, at last to {}",
            match set.len() {
                1 => "once".to_owned(),
                n => format!("{n} times"),
            },
            signed_ppm(first.from_ppb.unwrap_or(0)),
            signed_ppm(last.to_ppb.unwrap_or(0))
        ));
    }
    if rest.is_empty() {
        return Ok(());
    }
    let lead = " ".repeat(INDENT - 1);
    page.paragraph(Ink::Plain, &lead, INDENT, &rest.join("; "))
}

/// What happened, in words.
pub(in super::super) fn say(one: &DisturbanceReport) -> String {
    let size = one.size_ns.unwrap_or(0);
    let about = format!("(instant +- {})", plain(one.at_error_ns));
    match one.what {
        DisturbanceKind::Step => format!(
            "stepped by {} +- {} {about}",
            offset(size),
            plain(one.size_error_ns.unwrap_or(0))
        ),
        DisturbanceKind::Slew => {
            let (from, to) = (one.from_ppb.unwrap_or(0), one.to_ppb.unwrap_or(0));
            format!(
                "runs {} from here on, at {} +- {} against the counter {about}",
                faster(to.saturating_sub(from)),
                signed_ppm(to),
                unsigned_ppm(one.rate_error_ppb.unwrap_or(0))
            )
        }
        DisturbanceKind::Frequency => format!(
            "the kernel was told to run at {}, was {}",
            signed_ppm(one.to_ppb.unwrap_or(0)),
            signed_ppm(one.from_ppb.unwrap_or(0))
        ),
        DisturbanceKind::Suspend => format!("the host was suspended for {} {about}", plain(size)),
        DisturbanceKind::Stall => {
            let waited = one.run_delay_ns.map_or(String::new(), |delay| {
                format!(", {} of it for want of a processor", plain(delay))
            });
            format!("this program was held up for {}{waited}", plain(size))
        }
        DisturbanceKind::Steal => format!(
            "the hypervisor took {} of {} processors within {}",
            plain(size),
            one.processors.unwrap_or(1),
            plain(one.within_ns.unwrap_or(0))
        ),
        DisturbanceKind::Clocksource => format!("the clocksource changed{} {about}", change(one)),
        DisturbanceKind::LeapAnnounced => format!("a leap second is announced: {}", leap(one)),
        DisturbanceKind::LeapSecond => format!("a leap second: {} {about}", leap(one)),
        DisturbanceKind::TaiOffset => {
            format!(
                "the kernel was told another TAI - UTC{} s {about}",
                change(one)
            )
        }
    }
}

fn change(one: &DisturbanceReport) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_default();
    format!(" from {} to {}", name(&one.from), name(&one.to))
}

fn leap(one: &DisturbanceReport) -> &'static str {
    match one.leap {
        Some(Leap::Delete) => "one second less",
        _ => "one second more",
    }
}

fn faster(by_ppb: i64) -> String {
    let word = if by_ppb < 0 { "slower" } else { "faster" };
    format!("{word} by {}", unsigned_ppm(by_ppb))
}

fn unsigned_ppm(ppb: i64) -> String {
    signed_ppm(ppb.saturating_abs())
        .trim_start_matches('+')
        .to_owned()
}
