//! [`Axis`]: where a value is drawn, and which values are written beside it.

use super::super::quantity::exact;
use crate::time::TimeDelta;

/// About so many values stand along an axis.
const TICKS: i128 = 5;

/// Names of values that are closer than this, as a part of their axis, would cover each other: along the lower edge
/// of half a page, and along the side of a picture on a narrow screen.
const APART_ALONG: f64 = 0.12;
const APART_ABOVE: f64 = 0.08;

/// Steps of a time axis beyond a few seconds, in seconds.
const CLOCK_STEPS: [i128; 20] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 604_800,
];

const SECOND: i128 = 1_000_000_000;

/// A value that is written beside an axis, and where: 0 at its beginning, 1 at its end.
pub(super) struct Tick {
    pub(super) at: f64,
    pub(super) label: String,
}

/// One axis of a plot.
pub(super) struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    /// What is along it.
    pub(super) title: String,
    pub(super) ticks: Vec<Tick>,
    /// How many rows it has, where it is one of rows: each needs room for its name.
    pub(super) rows: usize,
}

/// How values become lengths.
#[derive(Clone, Copy)]
enum Scale {
    /// As they are.
    Linear,
    /// By their logarithms.
    Log,
    /// Probabilities by log(q / (1 - q)): both tails are drawn out.
    Tails,
    /// By their distance from a value: as it is up to a unit, by its logarithm beyond.
    Around { centre: f64, unit: f64 },
}

impl Scale {
    fn of(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(f64::MIN_POSITIVE).log10(),
            Self::Tails => {
                let q = value.clamp(1e-9, 1.0 - 1e-9);
                (q / (1.0 - q)).log10()
            }
            Self::Around { centre, unit } => ((value - centre) / unit).asinh(),
        }
    }
}

/// Nanoseconds as seconds, to be drawn.
pub(super) fn seconds(nanos: i64) -> f64 {
    TimeDelta::from_nanos(nanos).as_secs_f64()
}

/// An offset with its sign and as many digits as it has.
pub(super) fn signed_exact(nanos: i64) -> String {
    let size = exact(nanos.saturating_abs());
    match nanos {
        0 => "0".to_owned(),
        1.. => format!("+{size}"),
        _ => format!("-{size}"),
    }
}

/// A size, with a sign only where it is negative, and as many digits as it has.
pub(super) fn size_exact(nanos: i64) -> String {
    signed_exact(nanos).trim_start_matches('+').to_owned()
}

impl Axis {
    fn new(scale: Scale, (low, high): (f64, f64), title: &str) -> Self {
        let (low, high) = (scale.of(low), scale.of(high));
        Self {
            scale,
            low,
            high: if high > low { high } else { low + 1.0 },
            title: title.to_owned(),
            ticks: Vec::new(),
            rows: 0,
        }
    }

    /// Nanoseconds as they are, with some room at both ends.
    pub(super) fn nanos(low: i64, high: i64, title: &str, label: fn(i64) -> String) -> Self {
        let (low, high) = (i128::from(low), i128::from(high.max(low)));
        let room = ((high - low) / 20).max(1);
        Self::linear((low - room, high + room), title, step_of, label)
    }

    /// Time since the start of a run.
    pub(super) fn time(low: i64, high: i64, title: &str) -> Self {
        let ends = (i128::from(low), i128::from(high).max(i128::from(low) + 1));
        Self::linear(ends, title, time_step_of, size_exact)
    }

    fn linear(
        (low, high): (i128, i128),
        title: &str,
        step: fn(i128) -> i128,
        label: fn(i64) -> String,
    ) -> Self {
        let cut = |value: i128| {
            i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
        };
        let mut axis = Self::new(
            Scale::Linear,
            (seconds(cut(low)), seconds(cut(high))),
            title,
        );
        let step = step(high - low).max(1);
        let mut at = low.div_euclid(step) * step;
        while at <= high {
            if at >= low {
                let nanos = cut(at);
                axis.tick(seconds(nanos), label(nanos));
            }
            at += step;
        }
        axis
    }

    /// Nanoseconds above zero by their logarithms, from and to whole powers of ten.
    pub(super) fn log_nanos(low: i64, high: i64, title: &str) -> Self {
        let low = 10i64.pow(low.max(1).ilog10());
        let top = high.max(low.saturating_add(1));
        let high = 10i64.checked_pow(top.ilog10() + 1).unwrap_or(i64::MAX);
        let mut axis = Self::new(Scale::Log, (seconds(low), seconds(high)), title);
        let mut at = low;
        while at <= high {
            axis.tick(seconds(at), exact(at));
            match at.checked_mul(10) {
                Some(next) => at = next,
                None => break,
            }
        }
        axis.thin();
        axis
    }

    /// Deviations by their logarithms, from and to whole powers of ten.
    pub(super) fn log(low: f64, high: f64, title: &str, unit: &str) -> Self {
        let decades = (-40i32..40).filter(|power| {
            let at = 10f64.powi(*power);
            at * 10.0 > low && at < high * 10.0
        });
        let decades: Vec<i32> = decades.collect();
        let first = decades.first().copied().unwrap_or(-9);
        let last = decades.last().copied().unwrap_or(0).max(first + 1);
        let ends = (10f64.powi(first), 10f64.powi(last));
        let mut axis = Self::new(Scale::Log, ends, title);
        for power in first..=last {
            axis.tick(10f64.powi(power), format!("1e{power}{unit}"));
        }
        axis.thin();
        axis
    }

    /// Which part of all is not above a value, both tails drawn out as far as `n` exchanges reach.
    pub(super) fn tails(n: u64, title: &str) -> Self {
        // What is drawn last is half an exchange away from all.
        let n = f64::from(u32::try_from(n).unwrap_or(u32::MAX)).max(2.0);
        let end = 0.4 / n;
        let mut axis = Self::new(Scale::Tails, (end, 1.0 - end), title);
        axis.tick(0.5, "50 %".to_owned());
        for (part, low, high) in [
            (0.1, "10 %", "90 %"),
            (0.01, "1 %", "99 %"),
            (0.001, "0.1 %", "99.9 %"),
            (1e-4, "0.01 %", "99.99 %"),
            (1e-5, "0.001 %", "99.999 %"),
            (1e-6, "1e-4 %", "99.9999 %"),
        ] {
            if part > end {
                axis.tick(part, low.to_owned());
                axis.tick(1.0 - part, high.to_owned());
            }
        }
        axis.keep_apart(APART_ALONG);
        axis
    }

    /// Distances from a value: as they are up to a unit, by their logarithms beyond.
    pub(super) fn around(centre: i64, unit: i64, (low, high): (i64, i64), title: &str) -> Self {
        let unit = 10i64.pow(unit.max(1).ilog10());
        let scale = Scale::Around {
            centre: seconds(centre),
            unit: seconds(unit),
        };
        let mut axis = Self::new(scale, (seconds(low), seconds(high)), title);
        let room = (axis.high - axis.low) / 25.0;
        (axis.low, axis.high) = (axis.low - room, axis.high + room);
        axis.tick(seconds(centre), "0".to_owned());
        let mut away = unit;
        let furthest = centre.abs_diff(low).max(centre.abs_diff(high));
        while away.unsigned_abs() <= furthest {
            for away in [-away, away] {
                let at = centre.saturating_add(away);
                if (low..=high).contains(&at) {
                    axis.tick(seconds(at), signed_exact(away));
                }
            }
            match away.checked_mul(10) {
                Some(next) => away = next,
                None => break,
            }
        }
        axis.keep_apart(APART_ABOVE);
        axis
    }

    /// Rows from top to bottom, by their numbers.
    pub(super) fn rows(count: usize, title: &str) -> Self {
        let part = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        let mut axis = Self::new(Scale::Linear, (0.0, part(count)), title);
        axis.rows = count;
        for index in 0..count {
            axis.tick(part(count - index) - 0.5, (index + 1).to_string());
        }
        axis
    }

    fn tick(&mut self, value: f64, label: String) {
        let at = self.place(value);
        self.ticks.push(Tick { at, label });
    }

    /// Many powers of ten need not all be named.
    fn thin(&mut self) {
        let every = self.ticks.len().div_ceil(7).max(1);
        let mut index = 0;
        self.ticks.retain(|_| {
            index += 1;
            (index - 1) % every == 0
        });
    }

    /// Keeps the first value that was named, and to both sides of it those that are so far from each other.
    fn keep_apart(&mut self, least: f64) {
        let mut all = std::mem::take(&mut self.ticks).into_iter();
        let Some(middle) = all.next() else { return };
        let (mut below, mut above) = (middle.at, middle.at);
        self.ticks.push(middle);
        // Each is further out than those before it on its side.
        for tick in all {
            let last = match tick.at < below {
                true => &mut below,
                false => &mut above,
            };
            if (tick.at - *last).abs() >= least {
                *last = tick.at;
                self.ticks.push(tick);
            }
        }
        self.ticks.sort_by(|a, b| a.at.total_cmp(&b.at));
    }

    /// Whether a value lies on it.
    pub(super) fn has(&self, value: f64) -> bool {
        let value = self.scale.of(value);
        self.low <= value && value <= self.high
    }

    /// Where a value is drawn: 0 at the beginning, 1 at the end, and at an end what is beyond it.
    pub(super) fn place(&self, value: f64) -> f64 {
        let part = (self.scale.of(value) - self.low) / (self.high - self.low);
        match part.is_nan() {
            true => 0.0,
            false => part.clamp(0.0, 1.0),
        }
    }
}

/// 1, 2 or 5 times a power of ten.
fn step_of(range: i128) -> i128 {
    let least = (range / TICKS).max(1);
    let power = 10i128.pow(least.ilog10());
    [1, 2, 5, 10]
        .into_iter()
        .map(|times| times * power)
        .find(|step| *step >= least)
        .unwrap_or(power * 10)
}

/// The same in units of clocks.
fn time_step_of(range: i128) -> i128 {
    if range < TICKS * SECOND {
        return step_of(range);
    }
    let steps = CLOCK_STEPS.into_iter().map(|step| step * SECOND);
    let fits = |step: &i128| range / step <= TICKS + 1;
    steps
        .into_iter()
        .find(fits)
        .unwrap_or_else(|| step_of(range))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn round_values_stand_beside_an_axis() {
        let axis = Axis::nanos(49_999_800, 50_001_000, "", signed_exact);
        assert_eq!(labels(&axis), ["+50 ms", "+50.0005 ms", "+50.001 ms"]);
        let axis = Axis::time(0, 3_600_000_000_000, "");
        assert_eq!(
            labels(&axis),
            [
                "0", "10 min", "20 min", "30 min", "40 min", "50 min", "60 min"
            ]
        );
        let axis = Axis::log_nanos(1_500, 400_000, "");
        assert_eq!(labels(&axis), ["1 us", "10 us", "100 us", "1 ms"]);
        let axis = Axis::log(2e-9, 3e-7, "", " s");
        assert_eq!(labels(&axis), ["1e-9 s", "1e-8 s", "1e-7 s", "1e-6 s"]);
        let axis = Axis::around(0, 700, (-2_000, 150_000), "");
        assert_eq!(labels(&axis), ["-1 us", "0", "+1 us", "+10 us", "+100 us"]);
        let axis = Axis::tails(500, "");
        assert_eq!(
            labels(&axis),
            ["0.1 %", "1 %", "10 %", "50 %", "90 %", "99 %", "99.9 %"]
        );
        // No more of them than half a page has room for.
        let axis = Axis::tails(300_000, "");
        assert_eq!(labels(&axis), ["0.01 %", "1 %", "50 %", "99 %", "99.99 %"]);
        let axis = Axis::around(0, 100, (-1_000_000_000, 1_000_000_000), "");
        for (one, next) in axis.ticks.iter().zip(axis.ticks.iter().skip(1)) {
            assert!(next.at - one.at >= APART_ABOVE, "{:?}", labels(&axis));
        }
    }

    /// Numbers may come from a file, which can hold any.
    #[test]
    fn no_value_is_too_large() {
        for (low, high) in [
            (i64::MIN, i64::MAX),
            (0, 0),
            (i64::MAX, i64::MAX),
            (i64::MIN, i64::MIN),
            (5, -5),
        ] {
            for axis in [
                Axis::nanos(low, high, "", signed_exact),
                Axis::time(low, high, ""),
                Axis::log_nanos(low, high, ""),
                Axis::around(low, high, (low, high), ""),
            ] {
                assert!(axis.ticks.len() < 60, "{low} {high}: {}", axis.ticks.len());
                for value in [low, high, 0] {
                    assert!((0.0..=1.0).contains(&axis.place(seconds(value))));
                }
            }
        }
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300] {
            let axis = Axis::log(bad, bad, "", "");
            assert!((0.0..=1.0).contains(&axis.place(bad)));
            assert!(axis.ticks.len() < 60);
        }
        assert!(Axis::tails(u64::MAX, "").ticks.len() < 20);
        assert!(!Axis::tails(0, "").ticks.is_empty());
    }
}
