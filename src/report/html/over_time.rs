//! The offset over time: what is proven, what is estimated, single exchanges, and what disturbed them.

use std::io;

use super::super::quantity::{Digits, Round, plain, rate, signed, utc};
use super::axis::{Axis, Tick, seconds, signed_exact};
use super::exchanges::{COLUMNS, Drawn};
use super::markup::Markup;
use super::plot::{Layer, Plot};
use super::table;
use crate::report::{BoundReport, LocalClockReport, Report, SourceReport};
use crate::sample::DisturbanceKind;
use crate::time::Timestamp;

/// Bounds that are drawn, and told in the table; where there are more, each stands for several.
const PIECES: usize = 240;

/// Numbers of disturbances closer than this would cover each other.
const NUMBERS_APART: f64 = 0.05;

/// Bounds next to each other: what all of them lie in.
struct Piece {
    /// The first and the last of them, since the start of the run.
    from: i64,
    to: i64,
    at: Timestamp,
    lower: i64,
    upper: i64,
    bounds: usize,
}

/// Instants of the server's clock as times since the start of the run.
struct Times<'a> {
    started: Timestamp,
    clock: &'a LocalClockReport,
}

impl Times<'_> {
    /// An instant of a clock that is ahead of the local one by `offset`. What the local clock was stepped by
    /// since the start is no time that passed.
    fn since_start(&self, at: Timestamp, offset: i64) -> i64 {
        let read = at.since(self.started).as_nanos().saturating_sub(offset);
        let steps = self.clock.disturbances.iter();
        let steps = steps.filter(|one| one.what == DisturbanceKind::Step);
        steps.fold(read, |passed, step| match passed > step.since_start_ns {
            true => passed.saturating_sub(step.size_ns.unwrap_or(0)),
            false => passed,
        })
    }

    fn of(&self, bound: &BoundReport) -> i64 {
        self.since_start(bound.at, bound.lower / 2 + bound.upper / 2)
    }
}

/// The bounds of all steps, and at last that of the last exchange.
fn series(found: &SourceReport) -> Vec<BoundReport> {
    let steps = &found.bound_series;
    let is_later = |end: &BoundReport| steps.last().is_none_or(|last| last.at < end.at);
    let end = found.bound_ns.filter(is_later);
    steps.iter().copied().chain(end).collect()
}

/// Runs of bounds that do not contradict each other, each run in pieces.
fn runs(found: &SourceReport, times: &Times<'_>) -> Vec<Vec<Piece>> {
    let series = series(found);
    let each = series.len().div_ceil(PIECES).max(1);
    let breaks_between = |a: &BoundReport, b: &BoundReport| {
        found
            .breaks
            .iter()
            .any(|broken| a.at < broken.at && broken.at <= b.at)
    };
    let runs = series.chunk_by(|a, b| !breaks_between(a, b));
    runs.map(|run| {
        run.chunks(each)
            .filter_map(|some| {
                let (first, last) = (some.first()?, some.last()?);
                Some(Piece {
                    from: times.of(first),
                    to: times.of(last),
                    at: first.at,
                    lower: some.iter().map(|bound| bound.lower).min()?,
                    upper: some.iter().map(|bound| bound.upper).max()?,
                    bounds: some.len(),
                })
            })
            .collect()
    })
    .collect()
}

pub(super) fn write(
    m: &mut Markup<'_>,
    found: &SourceReport,
    drawn: Option<&Drawn>,
    report: &Report,
) -> io::Result<()> {
    let times = Times {
        started: report.run.started,
        clock: &report.local_clock,
    };
    let runs = runs(found, &times);
    let (Some(x), Some(y)) = (across(&runs, drawn, report), up(&runs, found, drawn)) else {
        return Ok(());
    };
    let mut exchanges = Layer::new("envelope", "exchanges");
    let columns = drawn.map_or(&[][..], |drawn| &drawn.columns);
    for column in columns {
        let ends = (
            y.place(seconds(column.lowest)),
            y.place(seconds(column.highest)),
        );
        exchanges.stroke(x.place(seconds(column.since_start)), ends);
    }
    let [band, edge] = proven(&runs, &x, &y);
    let mut layers = vec![band, exchanges, edge];
    layers.extend(estimates(found, &times, &x, &y));
    let (marks, numbers) = disturbances(found, report, &times, &x);
    layers.extend(marks);
    let plot = Plot {
        title: "Offset over time".to_owned(),
        description: "At each step the band holds the true offset, whatever the network did. All of its numbers \
                      are in the table below."
            .to_owned(),
        x,
        y,
        layers,
        numbers,
    };
    let caption = caption(found, drawn, &runs);
    plot.write(m, &caption, |m| {
        bounds(m, &runs)?;
        stretches(m, found)
    })
}

fn across(runs: &[Vec<Piece>], drawn: Option<&Drawn>, report: &Report) -> Option<Axis> {
    let pieces = runs
        .iter()
        .flatten()
        .flat_map(|piece| [piece.from, piece.to]);
    let columns = drawn.map_or(&[][..], |drawn| &drawn.columns);
    let columns = columns.iter().map(|column| column.since_start);
    let all = pieces.chain(columns);
    let (low, high) = all.fold((i64::MAX, i64::MIN), |(low, high), at| {
        (low.min(at), high.max(at))
    });
    if low > high {
        return None;
    }
    let end = report.run.duration_ns.unwrap_or(high);
    let from = if low >= 0 && low <= end { 0 } else { low };
    Some(Axis::time(
        from,
        high.max(end),
        "time since the start of the run",
    ))
}

/// From the lowest to the highest that is proven or usual; a few that are far off do not flatten the rest.
fn up(runs: &[Vec<Piece>], found: &SourceReport, drawn: Option<&Drawn>) -> Option<Axis> {
    let mut lower: Vec<i64> = runs.iter().flatten().map(|piece| piece.lower).collect();
    let mut upper: Vec<i64> = runs.iter().flatten().map(|piece| piece.upper).collect();
    lower.sort_unstable();
    upper.sort_unstable_by(|a, b| b.cmp(a));
    let skipped = lower.len() / 40;
    let mut ends: Vec<i64> = [lower.get(skipped), upper.get(skipped)]
        .into_iter()
        .flatten()
        .copied()
        .collect();
    if let (Some(of), true) = (&found.main.offset_ns, drawn.is_some()) {
        ends.extend([of.p1.unwrap_or(of.min), of.p99.unwrap_or(of.max)]);
    }
    let estimates = found
        .stretches
        .iter()
        .filter_map(|stretch| stretch.estimate);
    ends.extend(estimates.map(|estimate| estimate.offset_ns));
    let (low, high) = (ends.iter().min()?, ends.iter().max()?);
    Some(Axis::nanos(*low, *high, "offset", signed_exact))
}

fn proven(runs: &[Vec<Piece>], x: &Axis, y: &Axis) -> [Layer; 2] {
    let mut band = Layer::new("band", "proven");
    let mut edge = Layer::new("edge", "");
    for run in runs {
        let line = |value: fn(&Piece) -> i64| -> Vec<(f64, f64)> {
            let ends = run.iter().flat_map(|piece| {
                let up = y.place(seconds(value(piece)));
                [
                    (x.place(seconds(piece.from)), up),
                    (x.place(seconds(piece.to)), up),
                ]
            });
            let mut line: Vec<_> = ends.collect();
            line.dedup();
            line
        };
        let (upper, lower) = (line(|piece| piece.upper), line(|piece| piece.lower));
        band.area(&upper, &lower);
        if run.len() < 2 {
            // One bound alone has no width.
            for piece in run {
                let ends = (y.place(seconds(piece.lower)), y.place(seconds(piece.upper)));
                edge.stroke(x.place(seconds(piece.from)), ends);
            }
        } else {
            edge.line(upper);
            edge.line(lower);
        }
    }
    [band, edge]
}

fn estimates(found: &SourceReport, times: &Times<'_>, x: &Axis, y: &Axis) -> [Layer; 2] {
    let mut intervals = Layer::new("interval", "");
    let mut dots = Layer::new("estimate", "estimated, with its 95 % interval");
    for estimate in found
        .stretches
        .iter()
        .filter_map(|stretch| stretch.estimate)
    {
        let at = x.place(seconds(times.since_start(estimate.at, estimate.offset_ns)));
        let (lower, upper) = estimate.ci95_ns;
        intervals.stroke(at, (y.place(seconds(lower)), y.place(seconds(upper))));
        dots.dot((at, y.place(seconds(estimate.offset_ns))));
    }
    [intervals, dots]
}

fn disturbances(
    found: &SourceReport,
    report: &Report,
    times: &Times<'_>,
    x: &Axis,
) -> ([Layer; 3], Vec<Tick>) {
    let mut settings = Layer::new("setting", "kernel told another rate");
    let mut marks = Layer::new("mark", "disturbance of this host's clock");
    let mut breaks = Layer::new("break", "the server's time moved");
    let mut numbers: Vec<Tick> = Vec::new();
    let all = report.local_clock.disturbances.iter().enumerate();
    for (index, one) in all.filter(|(_, one)| x.has(seconds(one.since_start_ns))) {
        let at = x.place(seconds(one.since_start_ns));
        if one.what == DisturbanceKind::Frequency {
            settings.stroke(at, (0.0, 1.0));
            continue;
        }
        marks.stroke(at, (0.0, 1.0));
        if numbers
            .last()
            .is_none_or(|last| at - last.at > NUMBERS_APART)
        {
            let label = (index + 1).to_string();
            numbers.push(Tick { at, label });
        }
    }
    let after = |at: Timestamp| found.bound_series.iter().find(|bound| bound.at >= at);
    for broken in &found.breaks {
        if let Some(bound) = after(broken.at) {
            breaks.stroke(x.place(seconds(times.of(bound))), (0.0, 1.0));
        }
    }
    ([settings, marks, breaks], numbers)
}

fn caption(found: &SourceReport, drawn: Option<&Drawn>, runs: &[Vec<Piece>]) -> String {
    let bounds: usize = runs.iter().flatten().map(|piece| piece.bounds).sum();
    let mut text = match bounds {
        0 => "Nothing is proven.",
        1 => "The true offset is proven to lie within the band at one exchange.",
        _ => {
            "The true offset is proven to lie within the band at each step: at its best exchange, and at the last of \
             all. Straight lines join the steps, and prove nothing in between."
        }
    }
    .to_owned();
    let each = bounds.div_ceil(PIECES);
    if each > 1 {
        text += &format!(
            " Of {bounds} such bounds, up to {each} next to each other are drawn as one that holds all of them."
        );
    }
    let pieces: usize = runs.iter().map(Vec::len).sum();
    if pieces > 40 {
        text += " One in forty may reach beyond the edge.";
    }
    let Some(drawn) = drawn else {
        return text;
    };
    let some = match drawn.n < found.valid {
        true => format!(
            "{} of {} exchanges, those of the main class,",
            drawn.n, found.valid
        ),
        false => format!("All {} exchanges", drawn.n),
    };
    let most = drawn.columns.iter().map(|column| column.n).max();
    text += &match most {
        Some(2..) => format!(
            " {some} are drawn in {COLUMNS} columns, each from its lowest offset to its highest."
        ),
        _ => format!(" {some} are drawn, each as a dot."),
    };
    let usual = found.main.offset_ns.as_ref();
    let is_cut = usual.is_some_and(|of| of.p99.is_some());
    if is_cut {
        text += " Those far off stand at the edge; their sizes are among the quantiles.";
    }
    text
}

fn bounds(m: &mut Markup<'_>, runs: &[Vec<Piece>]) -> io::Result<()> {
    let rows = runs.iter().enumerate().flat_map(|(run, pieces)| {
        pieces.iter().enumerate().map(move |(index, piece)| {
            let size = piece.lower.unsigned_abs().max(piece.upper.unsigned_abs());
            let digits = Digits::for_spread(piece.upper.abs_diff(piece.lower), size);
            vec![
                plain(piece.from),
                utc(piece.at.as_nanos()),
                signed(piece.lower, Round::Down, digits),
                signed(piece.upper, Round::Up, digits),
                piece.bounds.to_string(),
                match (run, index) {
                    (1.., 0) => "the server's time moved before this".to_owned(),
                    _ => String::new(),
                },
            ]
        })
    });
    let columns = [
        ("since start", true),
        ("UTC", false),
        ("at least", true),
        ("at most", true),
        ("bounds", true),
        ("", false),
    ];
    if runs.is_empty() {
        return Ok(());
    }
    table::folded(m, "proven offset over time", &columns, rows)
}

fn stretches(m: &mut Markup<'_>, found: &SourceReport) -> io::Result<()> {
    let last = found.stretches.iter().rev().take(PIECES).rev();
    let rows = last.map(|stretch| {
        let mut row = vec![
            utc(stretch.from.as_nanos()),
            utc(stretch.to.as_nanos()),
            stretch.exchanges.to_string(),
        ];
        row.extend(match &stretch.estimate {
            None => ["-", "-", "-", "-"].map(str::to_owned),
            Some(estimate) => {
                let (lower, upper) = estimate.ci95_ns;
                let spread = lower.abs_diff(upper).saturating_mul(10);
                let digits = Digits::for_spread(spread, estimate.offset_ns.unsigned_abs());
                let say = |nanos| signed(nanos, Round::Nearest, digits);
                [
                    say(estimate.offset_ns),
                    format!("{} .. {}", say(lower), say(upper)),
                    plain(estimate.asymmetry_ns),
                    rate(estimate.rate_ps_per_s),
                ]
            }
        });
        row
    });
    let columns = [
        ("from", false),
        ("to", false),
        ("exchanges", true),
        ("estimate", true),
        ("95 % interval", true),
        ("asymmetry hides, either way", true),
        ("rate", true),
    ];
    if found.stretches.is_empty() {
        return Ok(());
    }
    let caption = match found.stretches.len() {
        0..=PIECES => "estimates, by stretches of one rate".to_owned(),
        all => format!("estimates, the last {PIECES} of {all} stretches of one rate"),
    };
    table::folded(m, &caption, &columns, rows)
}
