//! [`Exchanges`]: what pictures show of single exchanges, in bounded memory however many there are.
//!
//! A report has no single exchanges, so they come beside it, from the campaign. Thinning hides no extreme: a
//! column of a picture keeps its lowest and its highest value, a cell counts what falls into it, and what lies
//! beyond the edges is counted.

use crate::report::{ClassName, Distribution, Report, SourceReport};
use crate::sample::{Campaign, Mode, Sample, SourceRecord};
use crate::stats::SignedHistogram;
use crate::time::Monotonic;

/// Columns of a picture over time: as many as a wide screen shows apart.
pub(super) const COLUMNS: usize = 480;

/// Columns (delay) and rows (offset) of the scatter.
pub(super) const CELLS: (usize, usize) = (90, 60);

/// Bands of delay in the scatter's table.
pub(super) const BANDS: usize = 10;

/// The exchanges of each source that is told in detail; of what is read from a JSON report there are none.
#[derive(Clone, Debug, Default)]
pub struct Exchanges {
    sources: Vec<Option<Drawn>>,
}

/// Exchanges of one source's main class.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    /// How many there are.
    pub(super) n: u64,
    /// Offsets over time, ascending.
    pub(super) columns: Vec<Column>,
    pub(super) scatter: Scatter,
    /// Which part is not above a value.
    pub(super) offsets: Vec<(f64, i64)>,
    pub(super) delays: Vec<(f64, i64)>,
}

/// Offsets that are drawn as one stroke.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// The first of them, since the start of the run.
    pub(super) since_start: i64,
    pub(super) lowest: i64,
    pub(super) highest: i64,
    pub(super) n: u64,
}

/// Delay against offset.
#[derive(Clone, Debug)]
pub(super) struct Scatter {
    /// From the least delay to the largest that is drawn.
    pub(super) delay: (i64, i64),
    /// From the lowest offset to the highest that is drawn.
    pub(super) offset: (i64, i64),
    /// Counts, row by row from the lowest offset.
    pub(super) cells: Vec<u32>,
    /// Offsets by delay, and at last those of longer delays.
    pub(super) bands: [Band; BANDS + 1],
    /// How many are beyond the edges.
    pub(super) beyond: u64,
}

/// Offsets of one band of delays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub(super) n: u64,
    pub(super) lowest: i64,
    pub(super) highest: i64,
    sum: i128,
}

impl Band {
    const EMPTY: Self = Self {
        n: 0,
        lowest: i64::MAX,
        highest: i64::MIN,
        sum: 0,
    };

    fn add(&mut self, offset: i64) {
        self.n += 1;
        self.lowest = self.lowest.min(offset);
        self.highest = self.highest.max(offset);
        self.sum += i128::from(offset);
    }

    pub(super) fn mean(&self) -> Option<i64> {
        i64::try_from(self.sum.checked_div(i128::from(self.n))?).ok()
    }
}

impl Exchanges {
    /// The exchanges of a campaign that its report tells in detail.
    ///
    /// ```
    /// use clockfit::estimate::{Plan, analyse};
    /// use clockfit::report::{Report, html};
    /// use clockfit::sample::Campaign;
    /// let campaign = Campaign::default();
    /// let report = Report::new(&campaign, &analyse(&campaign, &Plan::default()));
    /// let exchanges = html::Exchanges::new(&campaign, &report);
    /// let mut page = Vec::new();
    /// html::write(&report, &exchanges, &mut page)?;
    /// assert!(page.starts_with(b"<!doctype html>"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(campaign: &Campaign, report: &Report) -> Self {
        let told = campaign.asked().zip(&report.sources);
        let started = campaign.header.started_at;
        let drawn = |(record, found)| Drawn::new(record, found, started);
        Self {
            sources: told.take(super::IN_DETAIL).map(drawn).collect(),
        }
    }

    pub(super) fn of(&self, source: usize) -> Option<&Drawn> {
        self.sources.get(source)?.as_ref()
    }

    /// Whether nothing is known of single exchanges.
    pub(super) fn are_unknown(&self) -> bool {
        self.sources.is_empty()
    }
}

impl Drawn {
    fn new(record: &SourceRecord, found: &SourceReport, started: Monotonic) -> Option<Self> {
        let name = found.main.class.as_ref()?;
        let (offset, delay) = (
            found.main.offset_ns.as_ref()?,
            found.main.delay_ns.as_ref()?,
        );
        let class = record
            .samples
            .classes()
            .iter()
            .find(|of| ClassName::new(of.class) == *name)?;
        let all = || {
            record
                .samples
                .iter()
                .filter(|sample| sample.class() == class.class)
        };
        let since = |sample: &Sample| sample.at.since(started).as_nanos();
        let first = all().map(|sample| since(&sample)).min()?;
        let last = all().map(|sample| since(&sample)).max()?;
        let mut columns = Columns::new(first, last, class.n);
        let mut scatter = Scatter::new(offset, delay);
        let (middle, usual) = (
            offset.p50.unwrap_or(offset.mean),
            delay.p50.unwrap_or(delay.mean),
        );
        let (mut offsets, mut delays) = (SignedHistogram::new(), SignedHistogram::new());
        for sample in all() {
            let offset = sample.exchange.offset().as_nanos();
            let delay = sample.exchange.delay().as_nanos();
            columns.add(since(&sample), offset);
            scatter.add(offset, delay);
            offsets.record(offset.saturating_sub(middle));
            delays.record(delay.saturating_sub(usual));
        }
        Some(Self {
            n: offsets.count(),
            columns: columns.filled(),
            scatter,
            offsets: curve(&offsets, middle),
            // An estimate of another program has no delay.
            delays: match name.mode {
                Mode::Estimate => Vec::new(),
                _ => curve(&delays, usual),
            },
        })
    }
}

/// Columns on their way.
struct Columns {
    first: i64,
    width: i64,
    all: Vec<Option<Column>>,
    /// Few exchanges have a place each.
    few: bool,
}

impl Columns {
    fn new(first: i64, last: i64, n: usize) -> Self {
        let count = i64::try_from(COLUMNS).unwrap_or(i64::MAX);
        Self {
            first,
            width: (last.saturating_sub(first) / count).saturating_add(1),
            all: vec![None; if n <= COLUMNS { 0 } else { COLUMNS }],
            few: n <= COLUMNS,
        }
    }

    fn add(&mut self, since_start: i64, offset: i64) {
        let one = Column {
            since_start,
            lowest: offset,
            highest: offset,
            n: 1,
        };
        if self.few {
            self.all.push(Some(one));
            return;
        }
        let place = since_start.saturating_sub(self.first) / self.width;
        let place = usize::try_from(place).ok();
        let Some(column) = place.and_then(|place| self.all.get_mut(place)) else {
            return;
        };
        *column = Some(match *column {
            None => one,
            Some(so_far) => Column {
                since_start: so_far.since_start.min(since_start),
                lowest: so_far.lowest.min(offset),
                highest: so_far.highest.max(offset),
                n: so_far.n + 1,
            },
        });
    }

    fn filled(self) -> Vec<Column> {
        let mut all: Vec<Column> = self.all.into_iter().flatten().collect();
        all.sort_by_key(|column| column.since_start);
        all
    }
}

impl Scatter {
    fn new(offset: &Distribution, delay: &Distribution) -> Self {
        // Half of the usual range beyond it on both sides, if there is anything.
        let (low, high) = (
            offset.p1.unwrap_or(offset.min),
            offset.p99.unwrap_or(offset.max),
        );
        let room = high.saturating_sub(low) / 2;
        let longest = delay.p99.unwrap_or(delay.max);
        let more = longest.saturating_sub(delay.min) / 4;
        Self {
            delay: (delay.min, longest.saturating_add(more).min(delay.max)),
            offset: (
                low.saturating_sub(room).max(offset.min),
                high.saturating_add(room).min(offset.max),
            ),
            cells: vec![0; CELLS.0 * CELLS.1],
            bands: [Band::EMPTY; BANDS + 1],
            beyond: 0,
        }
    }

    fn add(&mut self, offset: i64, delay: i64) {
        let band = place(delay, self.delay, BANDS).unwrap_or(BANDS);
        if let Some(band) = self.bands.get_mut(band) {
            band.add(offset);
        }
        let column = place(delay, self.delay, CELLS.0);
        let row = place(offset, self.offset, CELLS.1);
        let cell = column.zip(row).map(|(column, row)| row * CELLS.0 + column);
        match cell.and_then(|cell| self.cells.get_mut(cell)) {
            Some(count) => *count = count.saturating_add(1),
            None => self.beyond += 1,
        }
    }

    /// The delays of a band.
    pub(super) fn band(&self, index: usize) -> (i64, i64) {
        let (low, high) = (i128::from(self.delay.0), i128::from(self.delay.1));
        let edge = |index: usize| {
            let index = i128::try_from(index).unwrap_or(0);
            let count = i128::try_from(BANDS).unwrap_or(1);
            i64::try_from(low + (high - low) * index / count).unwrap_or(i64::MAX)
        };
        (edge(index), edge(index + 1))
    }
}

/// In which of so many equal parts of a range a value lies; nothing for one beyond it.
fn place(value: i64, (low, high): (i64, i64), parts: usize) -> Option<usize> {
    if !(low..=high).contains(&value) {
        return None;
    }
    let parts = i128::try_from(parts).ok()?;
    let range = i128::from(high) - i128::from(low) + 1;
    let index = (i128::from(value) - i128::from(low)) * parts / range;
    usize::try_from(index).ok()
}

/// Points of a picture that a person can tell apart.
const APART: f64 = 1.0 / 250.0;

/// Which part is not above a value, drawn out towards both ends; values are `middle` and more.
fn curve(of: &SignedHistogram, middle: i64) -> Vec<(f64, i64)> {
    let count = |n: u64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let all = count(of.count()).max(1.0);
    let axis = super::axis::Axis::tails(of.count(), "");
    let mut points: Vec<(f64, i64)> = Vec::new();
    let mut seen = 0u64;
    let mut last = f64::NEG_INFINITY;
    let buckets: Vec<_> = of.buckets().collect();
    for (index, bucket) in buckets.iter().enumerate() {
        let before = seen;
        seen = seen.saturating_add(bucket.count);
        // Half an exchange from the edges: the first and the last have a place too.
        for part in [count(before) + 0.5, count(seen) - 0.5] {
            let part = part / all;
            let place = axis.place(part);
            let is_end = index + 1 == buckets.len() || index == 0;
            if is_end || place - last >= APART {
                let value = bucket.lowest + (bucket.highest - bucket.lowest) / 2;
                points.push((part, middle.saturating_add(value)));
                last = place;
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_columns_keep_every_extreme() {
        let n = 10 * COLUMNS;
        let mut columns = Columns::new(0, i64::try_from(n).unwrap() - 1, n);
        for k in 0..i64::try_from(n).unwrap() {
            columns.add(k, if k == 777 { -5_000 } else { k % 10 });
        }
        let all = columns.filled();
        assert!(all.len() <= COLUMNS);
        assert_eq!(all.iter().map(|c| c.n).sum::<u64>(), 10 * 480);
        assert_eq!(all.iter().map(|c| c.lowest).min(), Some(-5_000));
        assert_eq!(all.iter().filter(|c| c.lowest < 0).count(), 1);
    }

    #[test]
    fn every_value_of_a_range_has_a_place() {
        assert_eq!(place(0, (0, 9), 10), Some(0));
        assert_eq!(place(9, (0, 9), 10), Some(9));
        assert_eq!(place(10, (0, 9), 10), None);
        assert_eq!(place(5, (5, 5), 10), Some(0));
        assert_eq!(place(i64::MAX, (i64::MIN, i64::MAX), 10), Some(9));
        assert_eq!(place(0, (9, 0), 10), None);
    }

    #[test]
    fn a_curve_ends_at_the_extremes() {
        let mut histogram = SignedHistogram::new();
        for k in -1_000..1_000 {
            histogram.record(k);
        }
        let points = curve(&histogram, 50_000_000);
        assert_eq!(points.first().map(|p| p.1), Some(49_999_000));
        assert_eq!(points.last().map(|p| p.1), Some(50_000_999));
        assert!(points.len() < 700, "{}", points.len());
        assert!(
            points
                .windows(2)
                .all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1)
        );
        assert!(curve(&SignedHistogram::new(), 0).is_empty());
    }
}
