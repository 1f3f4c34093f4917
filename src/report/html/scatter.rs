//! Delay against offset: the less an exchange was delayed, the less it can be off.

use std::io;

use super::super::quantity::{offset, plain};
use super::axis::{Axis, seconds, signed_exact, size_exact};
use super::exchanges::{BANDS, CELLS, Drawn, Scatter};
use super::markup::Markup;
use super::plot::{Layer, Plot};
use super::table;
use crate::report::SourceReport;

/// Looks of cells, by how many exchanges they hold: one, up to 4, up to 16, more.
const LOOKS: [(&str, &str, u32); 4] = [
    ("cell one", "1 exchange", 1),
    ("cell few", "2 to 4", 4),
    ("cell some", "5 to 16", 16),
    ("cell many", "more", u32::MAX),
];

pub(super) fn write(m: &mut Markup<'_>, found: &SourceReport, drawn: &Drawn) -> io::Result<()> {
    let scatter = &drawn.scatter;
    if drawn.delays.is_empty() || scatter.delay.0 >= scatter.delay.1 {
        return Ok(());
    }
    let x = Axis::nanos(scatter.delay.0, scatter.delay.1, "delay", size_exact);
    let y = Axis::nanos(scatter.offset.0, scatter.offset.1, "offset", signed_exact);
    let mut layers = cells(scatter, &x, &y);
    layers.extend(wedge(found, scatter, &x, &y));
    let plot = Plot {
        title: "Delay against offset".to_owned(),
        description: "Exchanges of longer delay spread further in offset. The table below has offsets by delay."
            .to_owned(),
        x,
        y,
        layers,
        numbers: Vec::new(),
    };
    let mut caption = format!("{} exchanges in {} by {} cells.", drawn.n, CELLS.0, CELLS.1);
    if found.estimate.is_some() {
        caption += " The lines show how far the delay beyond the least one can push an exchange from the \
                    estimate: by half of it, either way.";
    }
    if scatter.beyond > 0 {
        caption += &format!(" {} are beyond the edges.", scatter.beyond);
    }
    plot.write(m, &caption, |m| bands(m, scatter))
}

fn cells(scatter: &Scatter, x: &Axis, y: &Axis) -> Vec<Layer> {
    let mut layers = LOOKS.map(|(look, word, _)| Layer::new(look, word));
    // The middle of a cell.
    let middle = |(low, high): (i64, i64), index: usize, parts: usize| {
        let part = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let place = (part(index) + 0.5) / part(parts);
        seconds(low) + (seconds(high) - seconds(low)) * place
    };
    for (row, counts) in scatter.cells.chunks(CELLS.0).enumerate() {
        let up = y.place(middle(scatter.offset, row, CELLS.1));
        for (column, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let across = x.place(middle(scatter.delay, column, CELLS.0));
            let look = LOOKS.iter().position(|(_, _, most)| count <= most);
            if let Some(layer) = look.and_then(|look| layers.get_mut(look)) {
                layer.dot((across, up));
            }
        }
    }
    layers.into()
}

/// The last estimate, and what delay can hide beside it.
fn wedge(found: &SourceReport, scatter: &Scatter, x: &Axis, y: &Axis) -> Option<Layer> {
    let estimate = found.estimate.as_ref()?.offset_ns;
    let least = found.main.delay_ns.as_ref()?.min;
    let mut lines = Layer::new("wedge", "half of the delay beyond the least");
    // It ends where it leaves the picture.
    let reach = estimate
        .abs_diff(scatter.offset.0)
        .max(estimate.abs_diff(scatter.offset.1));
    let reach = i64::try_from(reach).unwrap_or(i64::MAX);
    for sign in [-1, 1] {
        let room = match sign {
            1 => scatter.offset.1.saturating_sub(estimate),
            _ => estimate.saturating_sub(scatter.offset.0),
        };
        let far = scatter.delay.1.saturating_sub(least) / 2;
        let far = far.min(room).min(reach).max(0);
        let end = estimate.saturating_add(far * sign);
        let delay = least.saturating_add(far.saturating_mul(2));
        lines.line([
            (x.place(seconds(least)), y.place(seconds(estimate))),
            (x.place(seconds(delay)), y.place(seconds(end))),
        ]);
    }
    Some(lines)
}

fn bands(m: &mut Markup<'_>, scatter: &Scatter) -> io::Result<()> {
    let rows = scatter
        .bands
        .iter()
        .enumerate()
        .filter(|(_, band)| band.n > 0);
    let rows = rows.map(|(index, band)| {
        let (from, to) = scatter.band(index);
        vec![
            plain(from),
            if index < BANDS {
                plain(to)
            } else {
                "-".to_owned()
            },
            band.n.to_string(),
            offset(band.lowest),
            band.mean().map_or("-".to_owned(), offset),
            offset(band.highest),
        ]
    });
    let columns = [
        ("delay from", true),
        ("to", true),
        ("exchanges", true),
        ("least offset", true),
        ("mean offset", true),
        ("largest offset", true),
    ];
    table::folded(m, "offsets by delay", &columns, rows)
}
