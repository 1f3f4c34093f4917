//! How stable the clocks are over every time scale.

use std::io;

use super::super::quantity::plain;
use super::super::text::stability::{Of, STATISTICS, interval, noise, value};
use super::axis::{Axis, seconds};
use super::markup::Markup;
use super::plot::{Layer, Plot};
use super::table;
use crate::report::{DeviationReport, StabilityReport, TauReport};
use crate::stats::stability::FEW_TERMS;

/// Averaging times that are told; of more, these are spread evenly over all.
const TOLD: usize = 200;

pub(super) fn write(m: &mut Markup<'_>, found: &StabilityReport, against: &str) -> io::Result<()> {
    let step = found.taus.len().div_ceil(TOLD).max(1);
    let taus: Vec<&TauReport> = found.taus.iter().step_by(step).collect();
    m.within("div", &[("class", "pair")], |m| {
        picture(
            m,
            &taus,
            ("Overlapping Allan deviation", "", |tau| tau.oadev.as_ref()),
            found,
            against,
        )?;
        picture(
            m,
            &taus,
            ("Time deviation", " s", |tau| tau.tdev_s.as_ref()),
            found,
            against,
        )
    })?;
    let rows = taus.iter().map(|tau| {
        let mut row = vec![plain(tau.tau_ns)];
        for (_, of) in STATISTICS {
            row.push(value(of(tau), ""));
            row.push(interval(of(tau)));
        }
        row.push(noise(tau.noise).to_owned());
        row
    });
    let mut columns = vec![("tau", true)];
    for name in [
        "ADEV",
        "OADEV",
        "MDEV",
        "TDEV, s",
        "HDEV",
        "OHDEV",
        "TOTDEV",
        "TIE rms, s",
        "MTIE, s",
    ] {
        columns.extend([(name, true), ("95 %", true)]);
    }
    columns.push(("noise", false));
    let caption = match step {
        1 => "all deviations, with their 95 % intervals".to_owned(),
        _ => format!("all deviations, at every {step}th averaging time"),
    };
    table::folded(m, &caption, &columns, rows)
}

fn picture(
    m: &mut Markup<'_>,
    taus: &[&TauReport],
    (title, unit, of): (&str, &str, Of),
    found: &StabilityReport,
    against: &str,
) -> io::Result<()> {
    // What rests on a handful of terms says next to nothing.
    let told = |tau: &&TauReport| -> Option<(i64, f64, DeviationReport)> {
        let deviation = of(tau).filter(|deviation| deviation.terms >= FEW_TERMS)?;
        let value = deviation.value.filter(|value| *value > 0.0)?;
        Some((tau.tau_ns, value, *deviation))
    };
    let told: Vec<_> = taus.iter().filter_map(told).collect();
    let (Some(first), Some(last)) = (told.first(), told.last()) else {
        return Ok(());
    };
    let ends = told.iter().flat_map(|(_, value, deviation)| {
        let (lower, upper) = deviation.ci95.unwrap_or((*value, *value));
        [if lower > 0.0 { lower } else { *value }, upper]
    });
    let (low, high) = ends.fold((f64::MAX, 0.0f64), |(low, high), end| {
        (low.min(end), high.max(end))
    });
    let x = Axis::log_nanos(first.0, last.0, "averaging time");
    let y = Axis::log(low, high, "deviation", unit);
    let mut line = Layer::new("line", "");
    line.line(
        told.iter()
            .map(|(tau, value, _)| (x.place(seconds(*tau)), y.place(*value))),
    );
    let mut intervals = Layer::new("interval", "95 % interval");
    let mut dots = Layer::new("estimate", "deviation");
    for (tau, value, deviation) in &told {
        let at = x.place(seconds(*tau));
        if let Some((lower, upper)) = deviation.ci95 {
            intervals.stroke(at, (y.place(lower), y.place(upper)));
        }
        dots.dot((at, y.place(*value)));
    }
    let plot = Plot {
        title: title.to_owned(),
        description: format!(
            "{} averaging times from {} to {}; the table of deviations has all numbers.",
            told.len(),
            plain(first.0),
            plain(last.0)
        ),
        x,
        y,
        layers: vec![line, intervals, dots],
        numbers: Vec::new(),
    };
    let caption = format!(
        "Against {against}, by the exchange of each {} that proves most: path and both clocks together. Only what \
         rests on {FEW_TERMS} terms or more.",
        plain(found.tau0_ns)
    );
    plot.write(m, &caption, |_| Ok(()))
}
