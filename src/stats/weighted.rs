//! [`settled_line`]: a weighted straight line through the newest points that a straight line fits.

use super::line::Line;

/// A point of a weighted regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightedPoint {
    /// Along the line.
    pub x: f64,
    /// Across it.
    pub y: f64,
    /// How often it counts.
    pub weight: f64,
}

/// The fewest points that a line is put through: two always fit.
const FEWEST: usize = 3;

/// Of runs of equal signs among random ones, fewer than this share of cases have so few.
const RARE: f64 = 0.05;

/// The weighted least-squares line through the newest of `points` (by x, the newest last), as many as
/// lie around it without pattern: older ones are left out until the signs of the residuals change as
/// often as those of random numbers do in 95 % of cases. Returns the line and how many points it goes
/// through; `None` with fewer than three points or where a number is not finite.
///
/// The number of changes among n random signs is binomial, Bin(n - 1, 1/2).
///
/// ```
/// use clockfit::stats::{WeightedPoint, settled_line};
/// // Level, and rising since.
/// let y = |n: i32| f64::from((n - 20).max(0)) + if n % 2 == 0 { 0.1 } else { -0.1 };
/// let points: Vec<_> = (0..40)
///     .map(|n| WeightedPoint { x: n.into(), y: y(n), weight: 1.0 })
///     .collect();
/// let (line, used) = settled_line(&points).unwrap();
/// assert!((line.slope - 1.0).abs() < 0.1 && used < 25);
/// ```
pub fn settled_line(points: &[WeightedPoint]) -> Option<(Line, usize)> {
    let mut used = points;
    loop {
        let line = weighted_line(used)?;
        if used.len() <= FEWEST || !is_patterned(line, used) {
            return Some((line, used.len()));
        }
        (_, used) = used.split_first()?;
    }
}

/// The weighted least-squares line.
fn weighted_line(points: &[WeightedPoint]) -> Option<Line> {
    if points.len() < FEWEST {
        return None;
    }
    let total: f64 = points.iter().map(|p| p.weight).sum();
    let mean = |of: fn(&WeightedPoint) -> f64| {
        let sum: f64 = points.iter().map(|p| p.weight * of(p)).sum();
        sum / total
    };
    // About the mean, so that nothing large is taken off something large.
    let (x, y) = (mean(|p| p.x), mean(|p| p.y));
    let (mut across, mut along) = (0.0, 0.0);
    for p in points {
        across += p.weight * (p.x - x) * (p.y - y);
        along += p.weight * (p.x - x) * (p.x - x);
    }
    let slope = across / along;
    let value = y - slope * x;
    (slope.is_finite() && value.is_finite()).then_some(Line { value, slope })
}

/// Whether the signs of the residuals change too rarely.
fn is_patterned(line: Line, points: &[WeightedPoint]) -> bool {
    let signs: Vec<bool> = points.iter().map(|p| p.y > line.at(p.x)).collect();
    let changes = signs
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a != b))
        .count();
    at_most(changes, points.len() - 1) < RARE
}

/// P(Bin(n, 1/2) <= k).
fn at_most(k: usize, n: usize) -> f64 {
    // The largest n is far below what a double's exponent holds.
    let mut term = 0.5f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let mut sum = 0.0;
    for i in 0..=k.min(n) {
        sum += term;
        let (i, n) = (small(i), small(n));
        term *= (n - i) / (i + 1.0);
    }
    sum
}

fn small(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(y: impl Fn(i32) -> f64, weight: impl Fn(i32) -> f64, n: i32) -> Vec<WeightedPoint> {
        (0..n)
            .map(|n| WeightedPoint {
                x: n.into(),
                y: y(n),
                weight: weight(n),
            })
            .collect()
    }

    #[test]
    fn changes_of_sign_are_binomial() {
        assert!((at_most(0, 9) - 1.0 / 512.0).abs() < 1e-15);
        assert!((at_most(2, 9) - 46.0 / 512.0).abs() < 1e-15);
        assert!((at_most(9, 9) - 1.0).abs() < 1e-12);
        assert!((at_most(31, 63) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_counts_little_moves_little() {
        let far = |n: i32| if n == 3 { 100.0 } else { 0.0 };
        let (line, used) =
            settled_line(&points(far, |n| if n == 3 { 1e-9 } else { 1.0 }, 8)).unwrap();
        assert!(line.at(3.0).abs() < 1e-6 && used == 8);
    }

    #[test]
    fn an_old_step_is_left_behind() {
        let noise = |n: i32| f64::from(n * 7 % 5) / 10.0;
        let step = |n: i32| noise(n) + if n < 30 { 0.0 } else { 50.0 };
        let (line, used) = settled_line(&points(step, |_| 1.0, 60)).unwrap();
        assert!((line.at(59.0) - 50.2).abs() < 0.5, "{line:?} {used}");
        assert!((20..=33).contains(&used));
    }

    #[test]
    fn too_few_points_or_no_numbers_give_no_line() {
        assert_eq!(settled_line(&points(|_| 0.0, |_| 1.0, 2)), None);
        assert_eq!(settled_line(&points(|_| f64::NAN, |_| 1.0, 9)), None);
        assert_eq!(settled_line(&points(|_| 1.0, |_| 0.0, 9)), None);
        let one_x = points(|_| 1.0, |_| 1.0, 9)
            .into_iter()
            .map(|p| WeightedPoint { x: 4.0, ..p });
        assert_eq!(settled_line(&one_x.collect::<Vec<_>>()), None);
    }
}
