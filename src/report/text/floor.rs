//! The noise floor: by itself, beside one source, and above a table of many.

use std::io::{self, Write};

use super::super::floor::{FloorReport, SourceFloorReport};
use super::super::model::{Distribution, Report, SourceReport};
use super::page::{Ink, Page};
use super::quantity::{Digits, Round, offset, plain, signed};
use crate::estimate::Resolution;
use crate::sample::{Mode, SourceKind, Timescale};

/// Whether a run measured the noise floor by mode, and nothing else but how clocks of this host are
/// read. A run without a source measures the same server in one mode, and shows what a report looks
/// like.
pub(super) fn is_all(report: &Report) -> bool {
    let sources = &report.sources;
    let own = sources.iter().all(|s| s.kind == SourceKind::Embedded);
    let clocks = sources.iter().all(is_card);
    !report.floors.is_empty() && (own && sources.len() > 1 || clocks)
}

/// The floor as the whole of a report.
pub(super) fn write<W: Write>(report: &Report, page: &mut Page<'_, W>) -> io::Result<()> {
    for floor in &report.floors {
        page.blank()?;
        one(floor, page)?;
    }
    for clock in report.sources.iter().filter(|s| is_card(s)) {
        page.blank()?;
        card(clock, page)?;
    }
    page.blank()?;
    page.paragraph(Ink::Title, "", 2, &conclusion(report))
}

/// Whether a clock was read for how well it is read, and not for its time: then nobody said which time
/// scale it keeps.
fn is_card(found: &SourceReport) -> bool {
    found.kind == SourceKind::Phc && found.timescale == Timescale::Unknown
}

/// How well the clock of a network card is read. The card's stamps are placed by such readings, so
/// half of the time one takes is what a stamp may be off by, whatever lies on the path.
fn card<W: Write>(clock: &SourceReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let Some(window) = &clock.main.delay_ns else {
        let title = format!("{} ({}): not read", clock.source, clock.address);
        return page.paragraph(Ink::Title, "", 2, &title);
    };
    let at_once = clock
        .main
        .class
        .as_ref()
        .is_some_and(|c| c.stamps == "hardware");
    let title = format!("{} ({}): n {}", clock.source, clock.address, window.n);
    page.paragraph(Ink::Title, "", 2, &title)?;
    if at_once {
        let says = "  Both clocks are latched at once: its stamps are placed to 100 ns.";
        return page.line(Ink::Plain, says);
    }
    let says = "  Its stamps are placed to half the time a reading takes:";
    page.line(Ink::Plain, says)?;
    line(page, "", "", "95 % interval")?;
    let half = |nanos: i64| plain(nanos.saturating_add(1) / 2);
    let rows = [
        (("p50", "p50"), window.p50),
        (("p95", "p95"), window.p95),
        (("p99", "p99"), window.p99),
        (("p99.9", "p99_9"), window.p99_9),
    ];
    for (names, value) in rows {
        quantile(page, names, window, value, half)?;
    }
    line(page, "max", &half(window.max), "")
}

fn one<W: Write>(floor: &FloorReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let (of, size) = (&floor.offset_ns, &floor.abs_offset_ns);
    let pace = match floor.spacing_ns {
        Some(spacing) => format!(", one each {}", plain(spacing)),
        None => String::new(),
    };
    let title = format!("{}: n {}{pace}", class(&floor.class), of.n);
    page.paragraph(Ink::Title, "", 2, &title)?;
    line(page, "", "", "95 % interval")?;
    quantile(page, ("bias", "p50"), of, of.p50, offset)?;
    let rows = [
        (("p50", "p50"), size.p50),
        (("p95", "p95"), size.p95),
        (("p99", "p99"), size.p99),
        (("p99.9", "p99_9"), size.p99_9),
    ];
    for (names, value) in rows {
        quantile(page, names, size, value, plain)?;
    }
    line(page, "max", &plain(size.max), "")
}

/// A value and its interval, or what it would take to have them.
fn quantile<W: Write>(
    page: &mut Page<'_, W>,
    (label, key): (&str, &str),
    of: &Distribution,
    value: Option<i64>,
    say: impl Fn(i64) -> String,
) -> io::Result<()> {
    match (value, of.ci95.get(key), of.needed.get(key)) {
        (Some(value), Some((lower, upper)), _) => {
            let interval = format!("{} .. {}", say(*lower), say(*upper));
            line(page, label, &say(value), &interval)
        }
        (_, _, Some(needed)) => line(page, label, "-", &format!("needs n {needed}")),
        _ => line(page, label, "-", ""),
    }
}

fn line<W: Write>(
    page: &mut Page<'_, W>,
    label: &str,
    value: &str,
    interval: &str,
) -> io::Result<()> {
    page.line(Ink::Plain, &format!("  {label:<6}{value:>11}  {interval}"))
}

/// One sentence that can be quoted.
fn conclusion(report: &Report) -> String {
    let known: Vec<String> = report
        .floors
        .iter()
        .filter_map(|floor| {
            let mode = floor.class.mode.name();
            Some(format!("{} in {mode} mode", limit(floor.limit_ns?)))
        })
        .collect();
    if known.is_empty() {
        return "There are too few exchanges to say which offsets cannot be told from zero on this \
                host."
            .to_owned();
    }
    format!(
        "Offsets smaller than {} cannot be told from zero on this host: the upper end of the interval \
         of p95.",
        known.join(" and ")
    )
}

fn class(name: &super::super::model::ClassName) -> String {
    format!("{} mode, stamped {}", name.mode.name(), name.stamps)
}

/// A floor is not understated.
fn limit(nanos: i64) -> String {
    let text = signed(nanos, Round::Up, Digits::Four);
    text.trim_start_matches('+').to_owned()
}

/// What the floor says about one source; nothing where no floor was measured at all.
pub(super) fn beside(found: &SourceReport, report: &Report) -> Option<String> {
    if report.floors.is_empty() || found.kind == SourceKind::Embedded {
        return None;
    }
    let main = found.main.class.as_ref()?;
    let Some(floor) = &found.floor else {
        return Some(match main.mode {
            Mode::Reading => "none: it is measured with packets, and this clock is read".to_owned(),
            Mode::Estimate => return None,
            mode => format!("none was measured in {} mode", mode.name()),
        });
    };
    Some(match (floor.limit_ns, floor.needed) {
        (Some(nanos), _) => format!("{}: {}", limit(nanos), verdict(floor, &main.stamps)),
        (None, Some(needed)) => format!(
            "not known: it takes {needed} exchanges with this host's own server in {} mode, and there \
             are {}",
            floor.class.mode.name(),
            floor.n
        ),
        (None, None) => return None,
    })
}

fn verdict(floor: &SourceFloorReport, stamps: &str) -> String {
    let measured = format!(
        "p95 of {} exchanges by loopback, {}",
        floor.n,
        class(&floor.class)
    );
    let so = match (floor.applies, floor.resolution) {
        (false, _) => format!("it does not apply to stamps by {stamps}"),
        (true, Resolution::Below) => "the estimate is below what this host can resolve".to_owned(),
        (true, Resolution::Above) => "the estimate is above it".to_owned(),
        (true, Resolution::Undetermined) => "there are too few exchanges for a median".to_owned(),
    };
    format!("{so} ({measured})")
}

/// The mark of a table's line whose offset is below the floor.
pub(super) const BELOW: char = '*';

pub(super) fn mark(found: &SourceReport) -> char {
    match &found.floor {
        Some(floor) if floor.resolution == Resolution::Below => BELOW,
        _ => ' ',
    }
}

/// What goes above a table of sources.
pub(super) fn above_table(report: &Report) -> Option<String> {
    let known: Vec<String> = report
        .floors
        .iter()
        .filter_map(|floor| {
            Some(format!(
                "{} ({})",
                limit(floor.limit_ns?),
                class(&floor.class)
            ))
        })
        .collect();
    (!known.is_empty()).then(|| {
        format!(
            "noise floor {}; {BELOW} marks an offset below what this host can resolve",
            known.join(", ")
        )
    })
}
