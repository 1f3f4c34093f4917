//! Under which conditions a clock was judged: a few lines beside the verdict.

use std::io::{self, Write};

use super::super::conditions::{ConditionsReport, NotTold, StolenReport, part, words};
use super::page::{Ink, Page};
use super::quantity::plain;

/// Where the text after a label begins.
const INDENT: usize = 16;

pub(super) fn write<W: Write>(found: &ConditionsReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let facts = facts(found);
    if facts.is_empty() {
        return Ok(());
    }
    page.blank()?;
    page.line(Ink::Title, "conditions")?;
    for (label, text) in facts {
        let lead = format!("  {label:<width$}", width = INDENT - 2);
        page.paragraph(Ink::Plain, &lead, INDENT, &text)?;
    }
    Ok(())
}

/// What is told of them, each under a label; nothing where nothing at all is known.
pub(in super::super) fn facts(found: &ConditionsReport) -> Vec<(&'static str, String)> {
    let machine = machine(found);
    let clocksource = clocksource(found);
    let waiting = waiting(found);
    let unknown = [&machine, &clocksource, &waiting]
        .iter()
        .all(|of| of.is_none());
    if unknown && found.stolen.is_none() {
        return Vec::new();
    }
    let hints = found
        .hints
        .iter()
        .map(|hint| format!("hint: {}", hint.text));
    [
        ("machine", machine),
        ("clocksource", clocksource),
        ("stolen", Some(stolen(found))),
        ("waiting", waiting),
    ]
    .into_iter()
    .filter_map(|(label, text)| Some((label, text?)))
    .chain(hints.map(|text| ("overcommit", text)))
    .collect()
}

fn machine(found: &ConditionsReport) -> Option<String> {
    let of = &found.machine;
    let kind = found.virtualisation.as_deref().map(|name| {
        let (hypervisor, container) = match name.split_once('/') {
            Some((hypervisor, container)) => (hypervisor, format!(" in a container ({container})")),
            None => (name, String::new()),
        };
        let by = found.virtualisation_from.as_deref();
        let by = by.map(|file| file.rsplit_once('/').map_or(file, |(_, name)| name));
        let by = by.map_or(String::new(), |name| format!(" (by {name})"));
        match hypervisor {
            "none" => format!("bare metal{by}{container}"),
            "unknown" => format!("hypervisor not told{container}"),
            "vm" => format!("guest of a hypervisor that hides its name{by}{container}"),
            name => format!("guest of {name}{by}{container}"),
        }
    });
    let limit = words::limit(of).map(|limit| format!("limited to {limit} by a control group"));
    let parts = [
        kind,
        words::model(of),
        words::processors(of),
        limit,
        words::memory(of),
    ];
    let told: Vec<String> = parts.into_iter().flatten().collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn clocksource(found: &ConditionsReport) -> Option<String> {
    let current = found.clocksource.as_deref()?;
    let all = found.clocksources.as_deref();
    let others = all.map(|all| -> Vec<&str> {
        let others = all.iter().map(String::as_str);
        others.filter(|one| *one != current).collect()
    });
    Some(match others.as_deref() {
        None => current.to_owned(),
        Some([]) => format!("{current}, and there is no other"),
        Some(others) => format!("{current}; may be changed to {}", others.join(", ")),
    })
}

fn stolen(found: &ConditionsReport) -> String {
    let why = match (&found.stolen, found.stolen_not_told) {
        (Some(of), _) => return share(of),
        (None, Some(NotTold::Metal)) => "this is no guest",
        (None, Some(NotTold::NeverAny)) => {
            "none was counted since boot, and a hypervisor that counts none says the same"
        }
        (None, Some(NotTold::Inconsistent)) => "its count went back, or processors came or went",
        (None, Some(NotTold::NoCount) | None) => "no count was read twice",
    };
    format!("not told: {why}")
}

fn share(of: &StolenReport) -> String {
    let all = u128::from(of.within_ns.unsigned_abs()) * u128::from(of.processors);
    let total = u128::from(of.stolen_ns.unsigned_abs());
    // In hundredths of a percent, to nearest.
    let nearest = (total * 20_000 + all).checked_div(2 * all).unwrap_or(0);
    let upper = part(of.upper_ppm.saturating_add(99));
    format!(
        "{}.{:02} % of CPU time ({} to {upper}, by the kernel's ticks)",
        nearest / 100,
        nearest % 100,
        part(of.lower_ppm)
    )
}

fn waiting(found: &ConditionsReport) -> Option<String> {
    let run_delay = found
        .run_delay_ns
        .zip(found.run_delay_within_ns)
        .map(|(waited, within)| {
            format!(
                "the measuring thread waited {} of {} for a processor",
                plain(waited),
                plain(within)
            )
        });
    let task = found
        .waiting_ppm
        .map(|of| format!("some task waited {} of the time", part(of)));
    let busy = found
        .busy_ppm
        .map(|of| format!("processors worked {} of it", part(of)));
    let average = found.load_average_hundredths;
    let average = average.map(|of| format!("load average {}.{:02}", of / 100, of % 100));
    let throttled = found.throttled_periods.zip(found.throttled_ns);
    let throttled = throttled.and_then(|(periods, total)| {
        let total = plain(total);
        (periods > 0).then(|| format!("a limit held it back in {periods} periods, {total} in all"))
    });
    let told: Vec<String> = [run_delay, task, busy, average, throttled]
        .into_iter()
        .flatten()
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}
