//! All sources in one table, and what they agree on.

use std::io;

use super::super::quantity::{Digits, Round, percent, plain, signed};
use super::super::text::agreement::{facts, paths_facts, paths_title};
use super::super::text::source::{digits_of, endpoint};
use super::axis::{Axis, seconds, signed_exact};
use super::markup::Markup;
use super::plot::{Layer, Plot};
use super::table;
use crate::report::{AgreementReport, PathsReport, Report, SourceReport};

/// Lines of the table: what a person scrolls through. The JSON report has all.
const LINES: usize = 500;
/// Servers of which what they claim is drawn.
const DRAWN: usize = 40;

pub(super) fn write(m: &mut Markup<'_>, report: &Report) -> io::Result<()> {
    m.within("section", &[], |m| {
        m.say("h2", &[("id", "servers")], "Servers and agreement")?;
        let rows = report.sources.iter().take(LINES).map(row);
        let columns = [
            ("source", false),
            ("address", false),
            ("stratum", true),
            ("valid", true),
            ("lost", true),
            ("offset", true),
            ("proven at the end", true),
            ("median delay", true),
            ("to UTC", true),
        ];
        let caption = match report.sources.len() {
            0..=LINES => "sources; offset: estimated, else the median".to_owned(),
            all => {
                format!("the first {LINES} of {all} sources, all of which are in the JSON report")
            }
        };
        table::write(m, &caption, &columns, rows)?;
        if let Some(found) = &report.agreement {
            together(m, found)?;
        }
        report.paths.iter().try_for_each(|found| paths(m, found))
    })
}

fn row(found: &SourceReport) -> Vec<String> {
    let digits = found.bound_ns.as_ref().map_or(Digits::Four, digits_of);
    let say = |nanos| signed(nanos, Round::Nearest, digits);
    // A handful of exchanges has no median.
    let median = found.main.offset_ns.as_ref().and_then(|of| of.p50);
    let offset = found
        .estimate
        .as_ref()
        .map(|estimate| estimate.offset_ns)
        .or(median);
    let bound = found.bound_ns.as_ref().map(|bound| {
        format!(
            "{} .. {}",
            signed(bound.lower, Round::Down, digits),
            signed(bound.upper, Round::Up, digits)
        )
    });
    let delay = found.main.delay_ns.as_ref().and_then(|of| of.p50);
    let known = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let path = match found.path {
        0 => String::new(),
        n => format!(", path {n}"),
    };
    vec![
        format!("{}{path}", found.source),
        endpoint(found),
        known(
            found
                .server
                .as_ref()
                .map(|server| server.stratum.to_string()),
        ),
        found.valid.to_string(),
        match found.lost {
            0 => "0".to_owned(),
            n => format!("{n} ({})", percent(n, found.sent)),
        },
        known(offset.map(say)),
        known(bound),
        known(delay.map(plain)),
        known(found.root_distance_ns.map(plain)),
    ]
}

fn together(m: &mut Markup<'_>, found: &AgreementReport) -> io::Result<()> {
    m.say("h3", &[], "The servers together")?;
    table::facts(m, &facts(found))?;
    claims(m, found)?;
    if found.pairs.is_empty() {
        return Ok(());
    }
    matrix(m, found)
}

/// What each says of UTC, and what most have in common.
fn claims(m: &mut Markup<'_>, found: &AgreementReport) -> io::Result<()> {
    let members: Vec<_> = found.members.iter().take(DRAWN).collect();
    let own = members
        .iter()
        .flat_map(|member| [member.claim_ns.0, member.claim_ns.1]);
    let (low, high) = own.fold(found.offset_ns, |(low, high), end| {
        (low.min(end), high.max(end))
    });
    let x = Axis::nanos(low, high, "UTC minus this clock", signed_exact);
    let y = Axis::rows(members.len(), "server, by its number in the table");
    let mut common = Layer::new("band", "what most agree on");
    let (from, to) = (
        x.place(seconds(found.offset_ns.0)),
        x.place(seconds(found.offset_ns.1)),
    );
    common.area(&[(from, 1.0), (to, 1.0)], &[(from, 0.0), (to, 0.0)]);
    let mut claim = Layer::new("claim", "within its root distance");
    let mut dissent = Layer::new("claim dissent", "disagrees");
    let mut offset = Layer::new("interval", "its clock, as it is proven");
    for (tick, member) in y.ticks.iter().zip(&members) {
        let line = |(lower, upper): (i64, i64)| {
            [
                (x.place(seconds(lower)), tick.at),
                (x.place(seconds(upper)), tick.at),
            ]
        };
        match member.agrees {
            true => claim.line(line(member.claim_ns)),
            false => dissent.line(line(member.claim_ns)),
        }
        offset.line(line(member.offset_ns));
    }
    let plot = Plot {
        title: "What each server says of UTC".to_owned(),
        description: "One line a server; the table below has their ends.".to_owned(),
        x,
        y,
        layers: vec![common, claim, dissent, offset],
        numbers: Vec::new(),
    };
    let caption = match found.members.len() {
        0..=DRAWN => "Each server's clock, widened by what it says it may be off by.".to_owned(),
        all => format!(
            "The first {DRAWN} of {all} servers, each widened by what it says it may be off by."
        ),
    };
    plot.write(m, &caption, |m| {
        let rows = found
            .members
            .iter()
            .take(LINES)
            .enumerate()
            .map(|(index, member)| {
                let range = |(lower, upper): (i64, i64)| {
                    let size = lower.unsigned_abs().max(upper.unsigned_abs());
                    let digits = Digits::for_spread(upper.abs_diff(lower), size);
                    format!(
                        "{} .. {}",
                        signed(lower, Round::Down, digits),
                        signed(upper, Round::Up, digits)
                    )
                };
                let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
                vec![
                    (index + 1).to_string(),
                    member.address.clone(),
                    range(member.offset_ns),
                    range(member.claim_ns),
                    yes(member.agrees),
                    yes(member.truechimer),
                ]
            });
        let columns = [
            ("number", true),
            ("server", false),
            ("its clock minus this one", true),
            ("UTC minus this clock, by its word", true),
            ("agrees with most", false),
            ("truechimer (RFC 5905)", false),
        ];
        table::folded(m, "what each server says", &columns, rows)
    })
}

/// Every two servers.
fn matrix(m: &mut Markup<'_>, found: &AgreementReport) -> io::Result<()> {
    let names: Vec<&str> = found
        .members
        .iter()
        .map(|member| member.address.as_str())
        .collect();
    let cell = |a: &str, b: &str| {
        let pair = found.pairs.iter().find_map(|pair| {
            match (pair.a == a && pair.b == b, pair.a == b && pair.b == a) {
                (true, _) => Some(pair.skew_ns),
                (_, true) => Some((
                    pair.skew_ns.1.saturating_neg(),
                    pair.skew_ns.0.saturating_neg(),
                )),
                _ => None,
            }
        });
        match pair {
            None => String::new(),
            Some((lower, upper)) => {
                let range = format!(
                    "{} .. {}",
                    signed(lower, Round::Down, Digits::Four),
                    signed(upper, Round::Up, Digits::Four)
                );
                match lower > 0 || upper < 0 {
                    true => format!("apart: {range}"),
                    false => range,
                }
            }
        }
    };
    let mut columns = vec![("row minus column", false)];
    columns.extend(names.iter().map(|name| (*name, true)));
    let rows = names.iter().map(|a| {
        let mut row = vec![(*a).to_owned()];
        row.extend(names.iter().map(|b| cell(a, b)));
        row
    });
    let caption = "differences of every two servers, in which this clock has no part; apart: proven to differ";
    table::write(m, caption, &columns, rows)
}

fn paths(m: &mut Markup<'_>, found: &PathsReport) -> io::Result<()> {
    m.say("h3", &[], &paths_title(found))?;
    table::facts(m, &paths_facts(found))
}
