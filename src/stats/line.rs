//! [`robust_line`]: a straight line through points of which some may be far off.

/// A straight line: `value` at `x = 0`, rising by `slope` for each 1 of x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its value at 0.
    pub value: f64,
    /// How much it rises for each 1 of x.
    pub slope: f64,
}

impl Line {
    /// Its value at `x`.
    pub fn at(self, x: f64) -> f64 {
        self.value + self.slope * x
    }
}

/// The Theil-Sen line through points (x, y): its slope is the median of the slopes between all pairs
/// of points, its value at 0 the median of what that slope leaves (P. K. Sen, "Estimates of the
/// regression coefficient based on Kendall's tau", 1968). Up to 29 % of the points may lie anywhere
/// without moving it far. Takes time and memory in the square of their number.
///
/// `None` without two points at different x, and where a number is not finite.
///
/// ```
/// use clockfit::stats::robust_line;
/// let line = robust_line(&[(0.0, 1.0), (1.0, 3.0), (2.0, 900.0), (3.0, 7.0), (4.0, 9.0)]);
/// assert_eq!(line.map(|l| (l.value, l.slope)), Some((1.0, 2.0)));
/// ```
pub fn robust_line(points: &[(f64, f64)]) -> Option<Line> {
    let slope = middle(slopes_between(points).collect())?;
    let value = middle(points.iter().map(|(x, y)| y - slope * x).collect())?;
    (slope.is_finite() && value.is_finite()).then_some(Line { value, slope })
}

/// The slopes between all pairs of points at different x.
pub(super) fn slopes_between(points: &[(f64, f64)]) -> impl Iterator<Item = f64> {
    points.iter().enumerate().flat_map(|(n, &(x0, y0))| {
        let later = points.get(n + 1..).unwrap_or(&[]);
        later
            .iter()
            .filter(move |(x, _)| *x != x0)
            .map(move |&(x, y)| (y - y0) / (x - x0))
    })
}

/// The middle value, or the mean of both.
pub(super) fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().checked_sub(1)? / 2)?;
    Some(lower + (upper - lower) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn too_few_points_or_no_numbers_give_no_line() {
        assert_eq!(robust_line(&[]), None);
        assert_eq!(robust_line(&[(1.0, 2.0)]), None);
        assert_eq!(robust_line(&[(1.0, 2.0), (1.0, 3.0)]), None);
        assert_eq!(robust_line(&[(0.0, f64::NAN), (1.0, 3.0)]), None);
        assert_eq!(robust_line(&[(0.0, f64::MAX), (1.0, f64::MIN)]), None);
    }

    proptest! {
        #[test]
        fn three_points_of_sixteen_may_lie_anywhere(
            value in -1e6..1e6f64,
            slope in -1e-3..1e-3f64,
            wild in proptest::collection::vec((0usize..16, -1e9..1e9f64), 0..=3),
        ) {
            let mut points: Vec<(f64, f64)> = (0..16i32)
                .map(|n| f64::from(n) * 1e7)
                .map(|x| (x, value + slope * x))
                .collect();
            for (n, y) in wild {
                points[n].1 = y;
            }
            let line = robust_line(&points).unwrap();
            prop_assert!((line.slope - slope).abs() < 1e-12);
            prop_assert!((line.at(8e7) - (value + slope * 8e7)).abs() < 1e-3);
        }
    }
}
