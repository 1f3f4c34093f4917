//! What several servers agree on.

use std::io::{self, Write};

use super::super::agreement::{AgreementReport, PairReport, PathsReport};
use super::page::{Ink, Page};
use super::quantity::{Digits, Round, plain, signed};
use crate::estimate::ESTIMATE_NEEDS;

/// Where the text after a label begins.
const INDENT: usize = 14;

pub(super) fn write<W: Write>(found: &AgreementReport, page: &mut Page<'_, W>) -> io::Result<()> {
    page.blank()?;
    page.line(Ink::Title, "The servers together")?;
    labelled(facts(found), page)
}

fn labelled<W: Write>(facts: Vec<Fact>, page: &mut Page<'_, W>) -> io::Result<()> {
    for (label, text) in facts {
        let lead = format!("  {label:<width$}", width = INDENT - 2);
        page.paragraph(Ink::Plain, &lead, INDENT, &text)?;
    }
    Ok(())
}

/// A sentence under its label.
type Fact = (&'static str, String);

/// What several servers agree on, in sentences.
pub(in super::super) fn facts(found: &AgreementReport) -> Vec<Fact> {
    let mut told = Vec::new();
    let mut say = |label: &'static str, text: String| told.push((label, text));
    say("agreement", agreement(found));
    let outside: Vec<&str> = found
        .members
        .iter()
        .filter(|member| !member.agrees)
        .map(|member| member.address.as_str())
        .collect();
    if found.majority && !outside.is_empty() {
        say("falseticker", names(&outside));
    }
    if let Some(pair) = &found.widest {
        say("skew", skew(pair));
    }
    if found.contradicting_pairs > 0 {
        let pairs: Vec<String> = found
            .contradictions
            .iter()
            .take(4)
            .map(|(a, b)| format!("{a} and {b}"))
            .collect();
        let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
        let text = format!(
            "cannot both be right, by what they say of themselves: {}{}",
            pairs.join("; "),
            match found.contradicting_pairs {
                0..=4 => String::new(),
                n => format!("; and {} more pairs", n - 4),
            }
        );
        say("conflicts", text);
    }
    let khronos = &found.khronos;
    let verdict = match khronos.accepts {
        true => "would accept them",
        false => "would NOT accept them",
    };
    say(
        "khronos",
        format!(
            "(RFC 9523) {verdict} for this clock: the middle {} are within {}",
            khronos.kept,
            plain(khronos.spread_ns)
        ),
    );
    told
}

/// What several paths to one server say.
pub(super) fn paths<W: Write>(found: &PathsReport, page: &mut Page<'_, W>) -> io::Result<()> {
    page.blank()?;
    page.line(Ink::Title, &paths_title(found))?;
    labelled(paths_facts(found), page)
}

/// Which server, over how many paths.
pub(in super::super) fn paths_title(found: &PathsReport) -> String {
    format!("{} over {} paths", found.address, found.paths)
}

/// The same in sentences.
pub(in super::super) fn paths_facts(found: &PathsReport) -> Vec<Fact> {
    let together = match found.bound_ns {
        Some((lower, upper)) => {
            let size = lower.unsigned_abs().max(upper.unsigned_abs());
            let digits = Digits::for_spread(upper.abs_diff(lower), size);
            format!(
                "by all of them the server's clock minus this one lies between {} and {}",
                signed(lower, Round::Down, digits),
                signed(upper, Round::Up, digits)
            )
        }
        None => "they contradict each other: they do not all lead to one clock".to_owned(),
    };
    let mut told = vec![("together", together)];
    let (Some(spread), Some((low, high))) = (found.spread_ns, found.extremes) else {
        let text = format!("needs {ESTIMATE_NEEDS} exchanges over each, in the same minutes");
        told.push(("asymmetry", text));
        return told;
    };
    let some = match found.paths.saturating_sub(found.compared) {
        0 => String::new(),
        _ => format!(
            " ({} of {} paths were compared; the others have no estimate then)",
            found.compared, found.paths
        ),
    };
    let text = match found.least_spread_ns {
        0 => format!(
            "their estimates are within {}, which chance explains: no sign of asymmetry, but what all \
             paths share stays hidden{some}",
            plain(spread)
        ),
        least => format!(
            "their estimates are up to {} apart (paths {low} and {high}), at least {} beyond chance: the floors of \
             one of the two mislead by half of that or more{some}",
            plain(spread),
            plain(least)
        ),
    };
    told.push(("asymmetry", text));
    told
}

fn agreement(found: &AgreementReport) -> String {
    if !found.majority {
        return format!(
            "no majority: at most {} of {} can be right",
            found.agreeing, found.servers
        );
    }
    let (lower, upper) = found.offset_ns;
    let size = lower.unsigned_abs().max(upper.unsigned_abs());
    let digits = Digits::for_spread(upper.abs_diff(lower), size);
    let range = format!(
        "UTC minus this clock lies between {} and {}",
        signed(lower, Round::Down, digits),
        signed(upper, Round::Up, digits)
    );
    let spare = match found.spare {
        0 => "if one of them is wrong as well, they are no majority".to_owned(),
        1 => "one of them may be wrong as well".to_owned(),
        n => format!("{n} of them may be wrong as well"),
    };
    format!(
        "{} of {} agree, by what they say of themselves: {range}; {spare}",
        found.agreeing, found.servers
    )
}

fn skew(pair: &PairReport) -> String {
    let (lower, upper) = pair.skew_ns;
    let size = lower.unsigned_abs().max(upper.unsigned_abs());
    let digits = Digits::for_spread(upper.abs_diff(lower), size);
    let range = format!(
        "{} to {}",
        signed(lower, Round::Down, digits),
        signed(upper, Round::Up, digits)
    );
    if lower > 0 {
        return format!(
            "{} is ahead of {} by {range}, whatever this clock shows: no two are proven to be further \
             apart",
            pair.a, pair.b
        );
    }
    format!(
        "no two are proven to be apart, whatever this clock shows ({} minus {}: {range})",
        pair.a, pair.b
    )
}

fn names(addresses: &[&str]) -> String {
    const MOST: usize = 8;
    let told: Vec<&str> = addresses.iter().take(MOST).copied().collect();
    match addresses.len().checked_sub(MOST).filter(|n| *n > 0) {
        None => told.join(", "),
        Some(more) => format!("{} and {more} more", told.join(", ")),
    }
}
