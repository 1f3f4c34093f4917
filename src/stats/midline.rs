//! [`Midline`]: the straight line halfway between two boundaries that noise only ever moves points away
//! from.

use super::line::{middle, slopes_between};

/// Points of each boundary that are used: those which noise moved least. More of them are further
/// away, fewer make the noise itself harder to tell; between 8 and 32 little changes.
const NEAREST: usize = 16;

/// How many points it takes: half as many again as are used, so that those used are the near ones.
pub const MIDLINE_NEEDS: usize = 24;

/// How far the truth is from the estimate, at the ends of a 95 % interval, in units of what noise
/// moves both nearest points by together (as estimated): for a boundary that is so much noisier than the
/// other, as binary logarithm of the ratio, the end towards the quieter one and the end towards the
/// noisier one.
///
/// Near a floor below which nothing can be, points come like those of a Poisson process, whatever the
/// distribution of the noise is further away; the error of the estimate then has one distribution but
/// for its scale and that ratio. It was found by simulation: exponential noise, 300 points, 12 000
/// runs for each of eleven ratios, fitted so that each tail holds 2.5 % (within 0.3 %) for all of them;
/// `the_interval_holds_the_truth_as_often_as_it_says` holds it to that.
const ENDS: [(f64, f64, f64); 8] = [
    (0.0, 1.284, 1.284),
    (1.0, 0.962, 1.668),
    (2.0, 0.682, 1.734),
    (3.0, 0.530, 1.923),
    (4.0, 0.471, 1.873),
    (5.0, 0.470, 1.619),
    (6.0, 0.472, 1.812),
    (9.0, 0.485, 1.669),
];

/// Parts of equal numbers of points, in each of which as many of the nearest ones are expected.
const PARTS: usize = 4;

/// How unevenly the nearest points of both boundaries may be spread over these parts: chi-square of six
/// degrees of freedom exceeds this in one of a thousand cases.
const UNEVEN: f64 = 22.46;

/// What the middle of a clock's phase is off the line of least squares through a time of `length`, one
/// standard deviation, if its frequency walks at random with the Allan deviation `adev` at `tau`. All times in
/// one unit, which the result has, too.
///
/// With variance q of the frequency for each unit of time, the Allan variance is q tau / 3 (NIST SP 1065 section
/// 3.2). The phase is the integral of a Wiener process; its middle less its mean over T, which is where
/// that line passes, has the variance q T^3 / 320.
///
/// ```
/// // 10 ppb at 600 s: a quarter of a microsecond in five minutes, a quarter of a millisecond in nine hours.
/// let of = |length: f64| clockfit::stats::random_walk_bend(1e-8, 600.0, length);
/// assert!((of(300.0) - 0.205e-6).abs() < 1e-9);
/// assert!((of(32_768.0) - 0.234e-3).abs() < 1e-6);
/// ```
pub fn random_walk_bend(adev: f64, tau: f64, length: f64) -> f64 {
    let q = 3.0 * adev * adev / tau;
    (q * length.powi(3) / 320.0).sqrt()
}

/// The line halfway between an upper boundary that points are never below and a lower one that points
/// are never above, at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Midline {
    /// Halfway between both boundaries.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub lower: f64,
    /// Upper end of its 95 % interval.
    pub upper: f64,
    /// How the line rises for each 1 of x.
    pub slope: f64,
    /// From one boundary to the other; below zero where they cross, so that no straight line fits.
    pub width: f64,
    /// Whether both boundaries are near to it everywhere alike: otherwise no straight line fits, and
    /// the interval is none.
    pub is_straight: bool,
    /// How far from the boundaries the points lie that it was made of: what is smaller is not seen.
    pub depth: f64,
}

/// Points of both boundaries, by x.
#[derive(Clone, Copy, Debug)]
pub struct Ends<'a> {
    /// Where each point of the upper boundary was seen...
    pub upper_x: &'a [i64],
    /// ...and what: the true line is below, by the boundary's distance and noise.
    pub upper: &'a [i64],
    /// Where each point of the lower boundary was seen...
    pub lower_x: &'a [i64],
    /// ...and what: the true line is above.
    pub lower: &'a [i64],
}

impl Midline {
    /// The midline at `at`. `widest` is the slope of the lines that have the most room between both
    /// boundaries ([`Corridor::widest`](super::Corridor::widest)). `None` with fewer than [`MIDLINE_NEEDS`] points at either,
    /// and where all have one x.
    ///
    /// Of each boundary the points are taken that are nearest to lines of that slope. The
    /// slope is that of Theil and Sen, the median of the slopes between any two of one boundary. Each
    /// boundary is where the nearest point is, less what noise moves the nearest of so many points by on
    /// average; that is estimated from the spacings of the nearest ones, which are those of an
    /// exponential distribution (A. Renyi, "On the theory of order statistics", 1953). The error falls with
    /// the number of points, not with its square root as that of a mean does.
    ///
    /// Noise that depends on the noise before (queues that stay) makes the interval too narrow.
    ///
    /// ```
    /// use clockfit::stats::{Corridor, Ends, Midline};
    /// // Rising by 1 in 100, with noise of 0 to 40 on either side, now more, now less.
    /// let x: Vec<i64> = (0..200).map(|n| n * 100).collect();
    /// let lower: Vec<i64> = (0..200).map(|n| n - 50 - n * 23 % 41).collect();
    /// let upper: Vec<i64> = (0..200).map(|n| n + 70 + n * 17 % 41).collect();
    /// let mut corridor = Corridor::default();
    /// for n in 0..200 {
    ///     corridor.push(x[n], lower[n], upper[n]);
    /// }
    /// let ends = Ends { upper_x: &x, upper: &upper, lower_x: &x, lower: &lower };
    /// let line = Midline::find(ends, corridor.widest().unwrap(), 10_000).unwrap();
    /// assert!((line.value - 110.0).abs() < 1.0 && line.lower < 110.0 && 110.0 < line.upper);
    /// assert!((line.slope - 0.01).abs() < 1e-4 && (line.width - 120.0).abs() < 1.0);
    /// ```
    pub fn find(ends: Ends<'_>, widest: f64, at: i64) -> Option<Self> {
        if ends.upper.len().min(ends.lower.len()) < MIDLINE_NEEDS {
            return None;
        }
        // Near zero, doubles resolve best.
        let zero = ends.upper.first()?;
        let mut above = Boundary::new(ends.upper_x, ends.upper, at, *zero, 1.0);
        let mut below = Boundary::new(ends.lower_x, ends.lower, at, *zero, -1.0);
        let near_above = above.nearest(widest)?;
        let near_below = below.nearest(-widest)?;
        let uneven = above.unevenness(&near_above) + below.unevenness(&near_below);
        let slope = middle(
            slopes_between(&places(&near_above))
                .chain(slopes_between(&places(&near_below)).map(|slope| -slope))
                .collect(),
        )?;
        let (above, below) = (above.floor(slope)?, below.floor(-slope)?);
        let value = f64::midpoint(above.height, -below.height);
        let scale = above.excess + below.excess;
        let (to_lower, to_upper) = interval(above.excess, below.excess);
        let back = precise(*zero);
        let found = Self {
            value: value + back,
            lower: value - to_lower * scale + back,
            upper: value + to_upper * scale + back,
            slope,
            width: above.height + below.height,
            is_straight: uneven <= UNEVEN,
            depth: above.depth.max(below.depth),
        };
        let finite = found.lower.is_finite() && found.upper.is_finite() && slope.is_finite();
        finite.then_some(found)
    }
}

/// How far the interval reaches down and up, in units of both excesses together.
fn interval(above: f64, below: f64) -> (f64, f64) {
    if above <= 0.0 && below <= 0.0 {
        return (0.0, 0.0);
    }
    // The truth may be far from the noisier boundary's side: noise above pulls the estimate up, so
    // that the truth is further below.
    let ratio = (above / below).log2();
    let (quiet, noisy) = ends_at(ratio.abs());
    if ratio >= 0.0 {
        (noisy, quiet)
    } else {
        (quiet, noisy)
    }
}

fn ends_at(ratio: f64) -> (f64, f64) {
    let between = ENDS.windows(2).find_map(|pair| match pair {
        [(from, q0, n0), (to, q1, n1)] if ratio <= *to => {
            let share = (ratio - from) / (to - from);
            Some((q0 + (q1 - q0) * share, n0 + (n1 - n0) * share))
        }
        _ => None,
    });
    let [.., (_, quiet, noisy)] = ENDS;
    between.unwrap_or((quiet, noisy))
}

/// The points of one boundary, turned so that noise moves them up.
struct Boundary {
    points: Vec<(f64, f64)>,
    heights: Vec<f64>,
}

/// A point of a boundary, and its number among all.
type Near = (usize, (f64, f64));

fn places(near: &[Near]) -> Vec<(f64, f64)> {
    near.iter().map(|(_, point)| *point).collect()
}

/// Where a boundary is.
struct Floor {
    height: f64,
    /// What noise moves the nearest point by, on average.
    excess: f64,
    /// How far the last of the nearest points is from the first.
    depth: f64,
}

impl Boundary {
    fn new(x: &[i64], y: &[i64], at: i64, zero: i64, sign: f64) -> Self {
        let point = |(x, y): (&i64, &i64)| {
            let y = precise(y.saturating_sub(zero)) * sign;
            (precise(x.saturating_sub(at)), y)
        };
        Self {
            points: x.iter().zip(y).map(point).collect(),
            heights: Vec::new(),
        }
    }

    /// The points nearest to a line of this slope that all are above, each with its place.
    fn nearest(&mut self, slope: f64) -> Option<Vec<Near>> {
        self.take_heights(slope);
        let (_, limit, _) = self
            .heights
            .select_nth_unstable_by(NEAREST - 1, f64::total_cmp);
        let limit = *limit;
        let height = |(_, (x, y)): &Near| y - slope * x;
        let each = || self.points.iter().copied().enumerate();
        let mut near: Vec<Near> = each().filter(|p| height(p) < limit).collect();
        // Of those at the limit as many as there is room for, the earlier first.
        let at_limit = each().filter(|p| height(p) == limit);
        near.extend(at_limit.take(NEAREST.checked_sub(near.len())?));
        Some(near)
    }

    /// Where the boundary of this slope is.
    fn floor(&mut self, slope: f64) -> Option<Floor> {
        self.take_heights(slope);
        let n = precise(i64::try_from(self.heights.len()).ok()?);
        self.heights.select_nth_unstable_by(NEAREST, f64::total_cmp);
        let near = self.heights.get_mut(..=NEAREST)?;
        near.sort_unstable_by(f64::total_cmp);
        let (first, last) = (*near.first()?, *near.last()?);
        let used = precise(i64::try_from(NEAREST).ok()?);
        // The sum of the spacings of the nearest points, each as often as there are points beyond it.
        let above_first: f64 = near.iter().map(|height| height - first).sum();
        let spacings = above_first + (n - used - 1.0) * (last - first);
        let excess = spacings / used / n;
        Some(Floor {
            height: first - excess,
            excess,
            depth: last - first,
        })
    }

    /// Chi-square of how the nearest points are spread over the parts.
    fn unevenness(&self, near: &[Near]) -> f64 {
        let mut counts = [0i64; PARTS];
        for (place, _) in near {
            let part = place * PARTS / self.points.len().max(1);
            if let Some(count) = counts.get_mut(part) {
                *count += 1;
            }
        }
        let expected = precise(i64::try_from(NEAREST / PARTS).unwrap_or(1));
        let off = |count: i64| precise(count) - expected;
        counts.into_iter().map(|n| off(n) * off(n) / expected).sum()
    }

    fn take_heights(&mut self, slope: f64) {
        self.heights.clear();
        let heights = self.points.iter().map(|(x, y)| y - slope * x);
        self.heights.extend(heights);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "differences of a window; an estimate is good to the precision of a double"
)]
fn precise(value: i64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::super::Corridor;
    use super::*;
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    struct Noisy {
        x: Vec<i64>,
        lower: Vec<i64>,
        upper: Vec<i64>,
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "small numbers; what they became is what is fitted"
    )]
    /// A line of this slope through 0 at x = 0, the boundaries 500 000 from it, exponential noise of
    /// these means; picoseconds over milliseconds, so to say.
    fn noisy(n: i64, above: f64, below: f64, slope: f64, seed: u64) -> Noisy {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut made = Noisy {
            x: vec![],
            lower: vec![],
            upper: vec![],
        };
        for i in 0..n {
            let x = (2 * i - n) * 500 + dice.random_range(0..1_000);
            let mut noise = |mean: f64| -(1.0 - dice.random::<f64>()).ln() * mean;
            let y = slope * x as f64;
            made.x.push(x);
            made.upper
                .push((y + 500_000.0 + noise(above)).round() as i64);
            made.lower
                .push((y - 500_000.0 - noise(below)).round() as i64);
        }
        made
    }

    fn find(made: &Noisy, at: i64) -> Option<Midline> {
        let Noisy { x, lower, upper } = made;
        let mut corridor = Corridor::default();
        for n in 0..x.len() {
            assert!(corridor.push(x[n], lower[n], upper[n]));
        }
        let ends = Ends {
            upper_x: x,
            upper,
            lower_x: x,
            lower,
        };
        Midline::find(ends, corridor.widest()?, at)
    }

    #[test]
    fn the_interval_holds_the_truth_as_often_as_it_says() {
        for (above, below) in [(2e5, 2e5), (2e5, 1e5), (2e4, 2e5), (1e5, 1e3)] {
            let runs = 2_000u64;
            let (mut low, mut high) = (0u64, 0u64);
            for seed in 0..runs {
                let line = find(&noisy(120, above, below, 8.0, seed), 0).unwrap();
                low += u64::from(line.upper < 0.0);
                high += u64::from(line.lower > 0.0);
            }
            // 2.5 % each; four standard errors of 2000 runs are 28.
            assert!(
                (22..78).contains(&low) && (22..78).contains(&high),
                "{low} {high}"
            );
        }
    }

    #[test]
    fn the_error_falls_with_the_number_of_points() {
        let typical = |n| {
            let errors =
                (0..200).map(|seed| find(&noisy(n, 2e5, 2e5, 8.0, seed), 0).unwrap().value.abs());
            middle(errors.collect()).unwrap()
        };
        let (few, many) = (typical(100), typical(800));
        // Eight times as many points: a mean would be 2.8 times as good.
        assert!(few / many > 5.5, "{few} {many}");
    }

    #[test]
    fn a_bend_is_told_from_noise() {
        let straight = (0..1_000).filter(|seed| {
            find(&noisy(200, 2e5, 2e5, 8.0, *seed), 0)
                .unwrap()
                .is_straight
        });
        let straight = straight.count();
        assert!(straight >= 990, "{straight}");
        // A step, of half of what lies between both boundaries, after half of the points.
        let stepped = (0..100).filter(|seed| {
            let mut made = noisy(200, 2e5, 2e5, 8.0, *seed);
            for n in 100..200 {
                made.lower[n] += 500_000;
                made.upper[n] += 500_000;
            }
            find(&made, 0).unwrap().is_straight
        });
        assert_eq!(stepped.count(), 0);
    }

    #[test]
    fn too_few_points_or_one_place_give_no_line() {
        assert!(find(&noisy(23, 1e5, 1e5, 0.0, 1), 0).is_none());
        assert!(find(&noisy(24, 1e5, 1e5, 0.0, 1), 0).is_some());
        let mut one_place = noisy(30, 1e5, 1e5, 0.0, 1);
        one_place.x.fill(7);
        assert!(find(&one_place, 7).is_none());
    }

    #[test]
    fn without_noise_the_line_is_exact_and_sure() {
        let still = noisy(60, 0.0, 0.0, 0.0, 1);
        let line = find(&still, 0).unwrap();
        assert_eq!((line.value, line.lower, line.upper), (0.0, 0.0, 0.0));
        assert_eq!((line.slope, line.width), (0.0, 1_000_000.0));
    }
}
