//! How offset and delay are distributed: by size, with both tails drawn out.

use std::io;

use super::super::quantity::{Round, plain, signed};
use super::super::text::distribution::{digits_in, quantile};
use super::axis::{Axis, seconds, signed_exact, size_exact};
use super::exchanges::Drawn;
use super::markup::Markup;
use super::plot::{Layer, Plot};
use super::table;
use crate::report::{BinsReport, ClassReport, Distribution};
use crate::sample::Mode;

/// A range that is so many times as wide as its middle nine tenths is drawn by logarithms.
const WIDE: i64 = 8;

/// Draws the main class of a source, and tells all of its distributions.
pub(super) fn write(
    m: &mut Markup<'_>,
    class: &ClassReport,
    drawn: Option<&Drawn>,
) -> io::Result<()> {
    let Some(offset) = &class.offset_ns else {
        return Ok(());
    };
    m.within("div", &[("class", "pair")], |m| {
        let curve = drawn.map_or(&[][..], |drawn| &drawn.offsets);
        tails(m, ("offset", true), offset, curve)?;
        let has_delay = class
            .class
            .as_ref()
            .is_none_or(|name| name.mode != Mode::Estimate);
        if let (Some(delay), true) = (&class.delay_ns, has_delay) {
            let curve = drawn.map_or(&[][..], |drawn| &drawn.delays);
            tails(m, ("delay", false), delay, curve)?;
        }
        Ok(())
    })?;
    if let Some(bins) = &class.bins {
        histogram(m, bins)?;
    }
    all(m, class)
}

type Quantile = (
    &'static str,
    &'static str,
    f64,
    fn(&Distribution) -> Option<i64>,
);

const QUANTILES: [Quantile; 6] = [
    ("p1", "1 %", 0.01, |of| of.p1),
    ("p5", "5 %", 0.05, |of| of.p5),
    ("p50", "50 %", 0.5, |of| of.p50),
    ("p95", "95 %", 0.95, |of| of.p95),
    ("p99", "99 %", 0.99, |of| of.p99),
    ("p99_9", "99.9 %", 0.999, |of| of.p99_9),
];

fn tails(
    m: &mut Markup<'_>,
    (name, has_sign): (&str, bool),
    of: &Distribution,
    curve: &[(f64, i64)],
) -> io::Result<()> {
    let label = if has_sign { signed_exact } else { size_exact };
    let middle = of.p50.unwrap_or(of.mean);
    let usual = of
        .p95
        .unwrap_or(of.max)
        .saturating_sub(of.p5.unwrap_or(of.min));
    let is_wide = of.max.saturating_sub(of.min) / WIDE > usual;
    let y = match (is_wide, of.min) {
        (false, _) => Axis::nanos(of.min, of.max, name, label),
        (true, 1..) if !has_sign => Axis::log_nanos(of.min, of.max, name),
        (true, _) => {
            let title = format!("{name}, as distance from {}", label(middle));
            Axis::around(middle, usual / 2, (of.min, of.max), &title)
        }
    };
    let x = Axis::tails(of.n, "part of all exchanges that is not above it");
    let n = f64::from(u32::try_from(of.n).unwrap_or(u32::MAX)).max(1.0);
    let at = |part: f64, value: i64| (x.place(part), y.place(seconds(value)));
    let mut line = Layer::new("line", "exchanges");
    line.line(curve.iter().map(|(part, value)| at(*part, *value)));
    let mut intervals = Layer::new("interval", "");
    let mut dots = Layer::new("estimate", "quantile, with its 95 % interval");
    for (key, _, part, value) in QUANTILES {
        if let (Some(value), Some((lower, upper))) = (value(of), of.ci95.get(key)) {
            let ends = (y.place(seconds(*lower)), y.place(seconds(*upper)));
            intervals.stroke(x.place(part), ends);
            dots.dot(at(part, value));
        }
    }
    let mut extremes = Layer::new("extreme", "least and most");
    extremes.dot(at(0.5 / n, of.min));
    extremes.dot(at(1.0 - 0.5 / n, of.max));
    let drawn = match is_wide {
        true => " What is far off is drawn by its logarithm.",
        false => "",
    };
    let caption = format!(
        "{} exchanges. Both tails are drawn out, each step by a factor of ten.{drawn}",
        of.n
    );
    let plot = Plot {
        title: format!("Distribution of the {name}"),
        description:
            "Quantiles from the least to the largest value. All of its numbers are in the table of \
                      distributions."
                .to_owned(),
        x,
        y,
        layers: vec![line, intervals, dots, extremes],
        numbers: Vec::new(),
    };
    plot.write(m, &caption, |_| Ok(()))
}

fn histogram(m: &mut Markup<'_>, bins: &BinsReport) -> io::Result<()> {
    let count = i64::try_from(bins.counts.len()).unwrap_or(i64::MAX);
    let edge = |index: i64| bins.from.saturating_add(bins.width.saturating_mul(index));
    let rows = (0i64..).zip(&bins.counts).map(|(index, count)| {
        vec![
            signed_exact(edge(index)),
            signed_exact(edge(index + 1)),
            count.to_string(),
        ]
    });
    let caption = format!(
        "offsets in {count} bins of {}; {} below them, {} above",
        plain(bins.width),
        bins.below,
        bins.above
    );
    let columns = [("from", true), ("to below", true), ("exchanges", true)];
    table::folded(m, &caption, &columns, rows)
}

type Of = fn(&ClassReport) -> Option<&Distribution>;

const QUANTITIES: [(&str, bool, Of); 8] = [
    ("offset", true, |class| class.offset_ns.as_ref()),
    ("offset without its sign", false, |class| {
        class.abs_offset_ns.as_ref()
    }),
    ("delay", false, |class| class.delay_ns.as_ref()),
    ("delay over least", false, |class| {
        class.delay_variation_ns.as_ref()
    }),
    ("out, T2 - T1", true, |class| class.out_ns.as_ref()),
    ("back, T4 - T3", true, |class| class.back_ns.as_ref()),
    ("kept, T3 - T2", false, |class| class.residence_ns.as_ref()),
    ("jitter in an hour", false, |class| {
        class.jitter_1h_ns.as_ref()
    }),
];

/// Every number of every distribution.
fn all(m: &mut Markup<'_>, class: &ClassReport) -> io::Result<()> {
    let mut rows = Vec::new();
    for (name, has_sign, of) in QUANTITIES {
        let Some(of) = of(class) else { continue };
        let digits = digits_in(of);
        let say = |nanos: i64| match has_sign {
            true => signed(nanos, Round::Nearest, digits),
            false => plain(nanos),
        };
        let mut row = |quantile: &str, value: String, interval: String, exact: Option<i64>| {
            let exact = exact.map_or("-".to_owned(), |exact| exact.to_string());
            rows.push(vec![
                name.to_owned(),
                quantile.to_owned(),
                value,
                interval,
                exact,
            ]);
        };
        row("least", say(of.min), String::new(), Some(of.min));
        for (key, label, _, value) in QUANTILES {
            let (told, interval) = quantile(of, key, value(of), say);
            row(label, told, interval, value(of));
        }
        row("most", say(of.max), String::new(), Some(of.max));
        row("mean", say(of.mean), String::new(), Some(of.mean));
        let rms = i64::try_from(of.rms).unwrap_or(i64::MAX);
        row("root mean square", plain(rms), String::new(), Some(rms));
    }
    let columns = [
        ("of", false),
        ("quantile", false),
        ("value", true),
        ("95 % interval", true),
        ("in ns", true),
    ];
    table::folded(m, "all distributions", &columns, rows)
}
