//! [`Corridor`]: the room for straight lines between points they must stay above and points they must
//! stay below.
//!
//! Both boundaries are kept as convex hulls (A. M. Andrew's monotone chain, 1979), since a line that
//! clears the corners of a hull clears every point: of a million points some twenty remain. Exact in
//! integers, but for the slope of [`Corridor::widest`].

use std::cmp::Ordering;

/// Coordinates are at most this large, so that a product of two differences, and a sum of two such
/// products, fit 128 bits.
pub const COORDINATE_LIMIT: i64 = 1 << 61;

/// A point with integer coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Along the line.
    pub x: i64,
    /// Across it.
    pub y: i64,
}

/// A slope as an exact fraction.
#[derive(Clone, Copy, Debug)]
pub struct Slope {
    rise: i64,
    /// Above zero.
    run: i64,
}

/// Which slopes a line in a corridor can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slopes {
    /// No line fits.
    None,
    /// All points have one x: whatever line fits can be turned around it.
    Any,
    /// Those from the first to the second, both included.
    Between(Slope, Slope),
}

/// Lower and upper ends for a line, in the order of their x.
///
/// ```
/// use clockfit::stats::{Corridor, Slopes};
/// // A line that rises by 2 for each 10, seen with an error of at most 3.
/// let mut corridor = Corridor::default();
/// for (x, y) in [(0, 0), (10, 2), (20, 4), (30, 6)] {
///     assert!(corridor.push(x, y - 3, y + 3));
/// }
/// let Slopes::Between(least, most) = corridor.slopes() else { panic!("no line fits") };
/// assert_eq!((least.floor(10), most.ceil(10)), (0, 4)); // 3 - 3 to 9 - (-3), over 30
/// assert_eq!(corridor.at(15), Some((0, 6)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corridor {
    /// Corners of the upper hull of the lower ends.
    floor: Vec<Point>,
    /// Corners of the lower hull of the upper ends.
    ceiling: Vec<Point>,
}

impl Corridor {
    /// Takes an interval that the line must pass through at `x`, which is not below the one before.
    /// False, and nothing is taken, where a coordinate is beyond [`COORDINATE_LIMIT`] or `x` falls
    /// back.
    pub fn push(&mut self, x: i64, lower: i64, upper: i64) -> bool {
        let sane = |v: i64| v.unsigned_abs() <= COORDINATE_LIMIT.unsigned_abs();
        let rises = self.floor.last().is_none_or(|last| last.x <= x);
        if !(rises && sane(x) && sane(lower) && sane(upper)) {
            return false;
        }
        extend::<FLOOR>(&mut self.floor, Point { x, y: lower });
        extend::<CEILING>(&mut self.ceiling, Point { x, y: upper });
        true
    }

    /// Takes all that `later` was given; its first x is not below the last one here.
    pub fn append(&mut self, later: &Self) {
        for point in &later.floor {
            extend::<FLOOR>(&mut self.floor, *point);
        }
        for point in &later.ceiling {
            extend::<CEILING>(&mut self.ceiling, *point);
        }
    }

    /// Gives back what it holds beyond its corners; for one that is kept, not pushed to.
    pub fn shrink(&mut self) {
        self.floor.shrink_to_fit();
        self.ceiling.shrink_to_fit();
    }

    /// Whether nothing was taken.
    pub fn is_empty(&self) -> bool {
        self.floor.is_empty()
    }

    /// The corners of the lower boundary, by x: whatever its slope, a line that comes from above meets
    /// one of these first.
    pub fn floor(&self) -> &[Point] {
        &self.floor
    }

    /// The corners of the upper boundary, by x.
    pub fn ceiling(&self) -> &[Point] {
        &self.ceiling
    }

    /// The slopes that lines in this corridor can have: a linear programme in two unknowns. (S. B.
    /// Moon, P. Skelly and D. Towsley bound a clock's skew by such a line, from one side: "Estimation
    /// and removal of clock skew from network delay measurements", INFOCOM 1999.)
    pub fn slopes(&self) -> Slopes {
        let mirrored = self.mirrored();
        match (self.least_slope(), mirrored.least_slope()) {
            (Some(Some(least)), Some(Some(most))) => Slopes::Between(least, most.negated()),
            (Some(None), Some(None)) => Slopes::Any,
            _ => Slopes::None,
        }
    }

    /// The least slope of a line that fits: `None` where none does, `Some(None)` where any slope does.
    ///
    /// The room for a line of slope s, least(U - s x) - greatest(L - s x), is concave in s, and the
    /// least slope is where it first reaches zero. Newton's method comes there from below in as many
    /// steps as there are corners at most: of a concave function a tangent is never below.
    fn least_slope(&self) -> Option<Option<Slope>> {
        let (Some(mut upper), Some(mut lower)) = (self.ceiling.first(), self.floor.last()) else {
            return Some(None);
        };
        let mut slope = None;
        loop {
            // How the room changes with the slope, along the tangent.
            let run = lower.x - upper.x;
            if slope.is_some_and(|s| room_at(s, upper, lower) >= 0) {
                return Some(slope);
            }
            if run <= 0 {
                // At one x any slope will do; otherwise the room is at its largest, and negative.
                let one_x = slope.is_none() && lower.y <= upper.y;
                return one_x.then_some(None);
            }
            let next = Slope {
                rise: lower.y - upper.y,
                run,
            };
            // Among equals those from which the room grows least: the way goes on upward.
            upper = self.ceiling.iter().rev().min_by_key(|p| next.below(p))?;
            lower = self.floor.iter().min_by_key(|p| -next.below(p))?;
            slope = Some(next);
        }
    }

    /// The slope of the lines with the most room, up and down; the middle where several have as much.
    /// Of all slopes it is the one that points of either boundary speak for at both ends. `None` where
    /// all points have one x; it may be a slope for which there is no room at all.
    pub fn widest(&self) -> Option<f64> {
        let mut ceiling = self.ceiling.windows(2).map(edge).peekable();
        let mut floor = self.floor.windows(2).rev().map(edge).peekable();
        let mut upper = self.ceiling.first()?.x;
        let mut lower = self.floor.last()?.x;
        let mut slope = None;
        // The room grows with the slope as long as the corner that limits it from below is to the
        // right of the one above. Take the edges of both by their slopes until it is not.
        loop {
            let next = match (ceiling.peek(), floor.peek()) {
                (Some(c), Some(f)) if c.1 <= f.1 => ceiling.next().map(|(x, s)| (x.1, lower, s)),
                (Some(_), None) => ceiling.next().map(|(x, s)| (x.1, lower, s)),
                (_, Some(_)) => floor.next().map(|(x, s)| (upper, x.0, s)),
                (None, None) => None,
            };
            match (upper.cmp(&lower), slope, &next) {
                (Ordering::Less, _, Some(_)) => {}
                (Ordering::Equal, Some(from), Some((.., to))) => {
                    return Some(Slope::middle(from, *to));
                }
                (_, Some(peak), _) => return Some(Slope::middle(peak, peak)),
                // One x, or flat from the beginning: not between two distinct x.
                (_, None, _) => return None,
            }
            let (u, l, s) = next?;
            (upper, lower, slope) = (u, l, Some(s));
        }
    }

    /// Where lines of this corridor can be at `x`: lower and upper end, rounded outward. `None` where
    /// no line fits, or any slope does and `x` is not the one that is known.
    pub fn at(&self, x: i64) -> Option<(i128, i128)> {
        let mirrored = self.mirrored();
        match self.slopes() {
            Slopes::None => None,
            Slopes::Any => {
                let (upper, lower) = (self.ceiling.first()?, self.floor.first()?);
                (upper.x == x).then_some((lower.y.into(), upper.y.into()))
            }
            Slopes::Between(least, most) => {
                let upper = highest(&self.ceiling, x, least, most)?;
                let lower = highest(&mirrored.ceiling, x, most.negated(), least.negated())?;
                Some((-lower, upper))
            }
        }
    }

    /// Upside down.
    fn mirrored(&self) -> Self {
        let flip = |points: &[Point]| points.iter().map(|p| Point { x: p.x, y: -p.y }).collect();
        Self {
            floor: flip(&self.ceiling),
            ceiling: flip(&self.floor),
        }
    }
}

const FLOOR: bool = false;
const CEILING: bool = true;

/// Adds a point to one boundary, and drops the corners that are none any more.
fn extend<const SIDE: bool>(hull: &mut Vec<Point>, point: Point) {
    while let Some((last, rest)) = hull.split_last() {
        if last.x == point.x {
            let inside = if SIDE == CEILING {
                point.y >= last.y
            } else {
                point.y <= last.y
            };
            if inside {
                return;
            }
        } else {
            let Some(before) = rest.last() else { break };
            let turn = turn(before, last, &point);
            if if SIDE == CEILING { turn > 0 } else { turn < 0 } {
                break;
            }
        }
        hull.pop();
    }
    hull.push(point);
}

/// Above zero where the way from `a` over `b` to `c` turns left.
fn turn(a: &Point, b: &Point, c: &Point) -> i128 {
    let product = |p: i64, q: i64| i128::from(p) * i128::from(q);
    product(b.x - a.x, c.y - a.y) - product(b.y - a.y, c.x - a.x)
}

/// `run` times the room that two points leave for a line of this slope.
fn room_at(slope: Slope, upper: &Point, lower: &Point) -> i128 {
    slope.below(upper) - slope.below(lower)
}

/// An edge of a boundary: its ends, and its slope.
fn edge(ends: &[Point]) -> ((i64, i64), Slope) {
    let (from, to) = match ends {
        [from, to] => (*from, *to),
        _ => (Point { x: 0, y: 0 }, Point { x: 1, y: 0 }),
    };
    let slope = Slope {
        rise: to.y - from.y,
        run: to.x - from.x,
    };
    ((from.x, to.x), slope)
}

/// How high a line below all corners of `ceiling` can be at `x`, with a slope from `least` to `most`;
/// rounded up.
fn highest(ceiling: &[Point], x: i64, least: Slope, most: Slope) -> Option<i128> {
    // Without a limit to its slope, the line is the edge above x, or turns on the corner there.
    let next = ceiling.partition_point(|p| p.x <= x);
    let left = match next.checked_sub(1) {
        None => return at_slope(ceiling, x, least),
        Some(index) => ceiling.get(index)?,
    };
    let slope_to = |index: usize| Some(edge(&[*left, *ceiling.get(index)?]).1);
    if left.x == x {
        let before = next.checked_sub(2).and_then(|i| ceiling.get(i));
        let steepest = slope_to(next);
        let flattest = before.map(|p| edge(&[*p, *left]).1);
        return if steepest.is_some_and(|s| s < least) {
            at_slope(ceiling, x, least)
        } else if flattest.is_some_and(|s| s > most) {
            at_slope(ceiling, x, most)
        } else {
            Some(left.y.into())
        };
    }
    match slope_to(next) {
        // Beyond the last corner: as steep as may be.
        None => at_slope(ceiling, x, most),
        Some(slope) => at_slope(ceiling, x, slope.clamp(least, most)),
    }
}

/// How high a line of this slope can be at `x`, rounded up.
fn at_slope(ceiling: &[Point], x: i64, slope: Slope) -> Option<i128> {
    let run = i128::from(slope.run);
    let least = ceiling.iter().map(|p| slope.below(p)).min()?;
    let height = least + i128::from(slope.rise) * i128::from(x);
    Some(-(-height).div_euclid(run))
}

impl Slope {
    /// The slope times `scale`, rounded down.
    pub fn floor(self, scale: i64) -> i128 {
        (i128::from(self.rise) * i128::from(scale)).div_euclid(self.run.into())
    }

    /// The slope times `scale`, rounded up.
    pub fn ceil(self, scale: i64) -> i128 {
        -self.negated().floor(scale)
    }

    fn negated(self) -> Self {
        Self {
            rise: -self.rise,
            run: self.run,
        }
    }

    /// `run` times the value at x = 0 of the line of this slope through `point`.
    fn below(self, point: &Point) -> i128 {
        let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
        product(point.y, self.run) - product(self.rise, point.x)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "to the precision of a double; where proof is wanted, slopes stay fractions"
    )]
    fn middle(from: Self, to: Self) -> f64 {
        let value = |s: Self| s.rise as f64 / s.run as f64;
        f64::midpoint(value(from), value(to))
    }
}

impl Ord for Slope {
    fn cmp(&self, other: &Self) -> Ordering {
        let product = |a: i64, b: i64| i128::from(a) * i128::from(b);
        product(self.rise, other.run).cmp(&product(other.rise, self.run))
    }
}

impl PartialOrd for Slope {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Slope {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Slope {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Claim = (i64, i64, i64);

    fn corridor(claims: &[Claim]) -> Corridor {
        let mut corridor = Corridor::default();
        for (x, lower, upper) in claims {
            assert!(corridor.push(*x, *lower, *upper));
        }
        corridor
    }

    /// Claims around a line, ordered by x; some of them wrong.
    fn claims(wrong: bool) -> impl Strategy<Value = Vec<Claim>> {
        let each = (-200i64..200, 0i64..60, 0i64..60, -80i64..80, 0u8..8);
        (prop::collection::vec(each, 1..20), -40i64..40, -500i64..500).prop_map(
            move |(mut each, rise, at_zero)| {
                each.sort_unstable();
                let of = |(x, below, above, off, dice): (i64, i64, i64, i64, u8)| {
                    let off = if wrong && dice == 0 { off } else { 0 };
                    let y = at_zero + (rise * x).div_euclid(10) + off;
                    (x, y - 1 - below, y + 1 + above)
                };
                each.into_iter().map(of).collect()
            },
        )
    }

    /// The slopes by all pairs, as a fraction compared by cross products.
    fn slopes_by_pairs(claims: &[Claim]) -> Slopes {
        let mut least: Option<Slope> = None;
        let mut most: Option<Slope> = None;
        for (x, lower, upper) in claims {
            for (x2, lower2, upper2) in claims {
                let run = x2 - x;
                if run == 0 && lower > upper2 {
                    return Slopes::None;
                } else if run > 0 {
                    let from = Slope {
                        rise: lower2 - upper,
                        run,
                    };
                    let to = Slope {
                        rise: upper2 - lower,
                        run,
                    };
                    least = Some(least.map_or(from, |s| s.max(from)));
                    most = Some(most.map_or(to, |s| s.min(to)));
                }
            }
        }
        match (least, most) {
            (Some(least), Some(most)) if least <= most => Slopes::Between(least, most),
            (Some(_), _) => Slopes::None,
            _ => Slopes::Any,
        }
    }

    /// How high a line of this slope can be at x, by all claims; rounded up.
    fn height(claims: &[Claim], x: i64, slope: Slope) -> i128 {
        let points = claims
            .iter()
            .map(|(x, _, upper)| Point { x: *x, y: *upper });
        at_slope(&points.collect::<Vec<_>>(), x, slope).unwrap()
    }

    #[test]
    fn one_point_leaves_every_slope() {
        let one = corridor(&[(7, -2, 3)]);
        assert_eq!((one.slopes(), one.widest()), (Slopes::Any, None));
        assert_eq!((one.at(7), one.at(8)), (Some((-2, 3)), None));
        assert_eq!(Corridor::default().slopes(), Slopes::Any);
        assert_eq!(Corridor::default().at(0), None);
        assert_eq!(corridor(&[(7, 3, -2)]).slopes(), Slopes::None);
        assert_eq!(corridor(&[(7, 0, 1), (7, 2, 3)]).slopes(), Slopes::None);
    }

    #[test]
    fn a_step_leaves_no_line() {
        let flat = |n: i64, y: i64| (n, y - 1, y + 1);
        let before: Vec<_> = (0..10).map(|n| flat(n, 0)).collect();
        let all: Vec<_> = (0..20)
            .map(|n| flat(n, if n < 10 { 0 } else { 50 }))
            .collect();
        assert!(matches!(corridor(&before).slopes(), Slopes::Between(..)));
        assert_eq!(corridor(&all).slopes(), Slopes::None);
        assert_eq!(corridor(&all).at(5), None);
    }

    #[test]
    fn what_is_too_large_or_falls_back_is_not_taken() {
        let mut c = corridor(&[(5, 0, 0)]);
        assert!(!c.push(4, 0, 0));
        for beyond in [COORDINATE_LIMIT + 1, i64::MAX, i64::MIN] {
            assert!(!c.push(5, 0, beyond) && !c.push(5, beyond, 0));
        }
        assert!(!c.push(i64::MAX, 0, 0));
        assert_eq!(c, corridor(&[(5, 0, 0)]));
        // The largest there are do not overflow.
        let far = COORDINATE_LIMIT;
        let wide = corridor(&[(-far, -far, -far), (0, 0, far), (far, far, far)]);
        assert!(matches!(wide.slopes(), Slopes::Between(..)));
        assert_eq!(wide.widest(), Some(1.0));
        assert_eq!(wide.at(far), Some((far.into(), far.into())));
    }

    #[test]
    fn the_widest_line_is_in_the_middle_of_what_fits() {
        // Both boundaries rise by 1: any other slope has less room.
        let tilted = corridor(&[(0, 0, 10), (10, 10, 20), (20, 20, 30)]);
        assert_eq!(tilted.widest(), Some(1.0));
        // One point is the lowest of all ceilings and the highest of all floors: slopes from -1 to 1
        // have the same room.
        let narrow = corridor(&[(0, -10, 10), (10, -1, 1), (20, -10, 10)]);
        let edges = |c: &Corridor| (c.floor().len(), c.ceiling().len());
        assert_eq!(edges(&narrow), (3, 3));
        assert_eq!(narrow.widest(), Some(0.0));
    }

    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn height_at(slope: f64, x: i64, y: i64) -> f64 {
        y as f64 - slope * x as f64
    }

    proptest! {
        #[test]
        fn slopes_are_those_of_all_pairs(claims in claims(true)) {
            prop_assert_eq!(corridor(&claims).slopes(), slopes_by_pairs(&claims));
        }

        #[test]
        fn appending_is_pushing(claims in claims(true), cut in 0usize..20) {
            let (early, late) = claims.split_at(cut.min(claims.len()));
            let mut both = corridor(early);
            both.append(&corridor(late));
            prop_assert_eq!(both, corridor(&claims));
        }

        #[test]
        fn no_line_that_fits_is_beyond_the_ends(claims in claims(false), x in -300i64..300) {
            let c = corridor(&claims);
            let Slopes::Between(least, most) = c.slopes() else { return Ok(()) };
            let (_, upper) = c.at(x).unwrap();
            // Slopes in between, and the best of them: the end is reached, to rounding.
            let run = 1 << 20;
            let (from, to) = (least.floor(run), most.ceil(run));
            let between = (0..=64).map(|n| from + (to - from) * n / 64);
            let tries = between
                .map(|rise| Slope { rise: i64::try_from(rise).unwrap(), run })
                .chain([least, most])
                .chain(c.ceiling().windows(2).map(|ends| edge(ends).1))
                .filter(|slope| (least..=most).contains(slope));
            let highest = tries.map(|slope| height(&claims, x, slope)).max().unwrap();
            prop_assert_eq!(highest, upper);
        }

        #[test]
        fn the_widest_slope_has_the_most_room(claims in claims(true)) {
            let c = corridor(&claims);
            let room = |slope: f64| {
                let value = |x: i64, y: i64| height_at(slope, x, y);
                let upper = claims.iter().map(|(x, _, y)| value(*x, *y)).fold(f64::MAX, f64::min);
                let lower = claims.iter().map(|(x, y, _)| value(*x, *y)).fold(f64::MIN, f64::max);
                upper - lower
            };
            let one_x = claims.first().unwrap().0 == claims.last().unwrap().0;
            prop_assert_eq!(c.widest().is_none(), one_x);
            if let Some(widest) = c.widest() {
                for n in -600..600 {
                    prop_assert!(room(widest) >= room(f64::from(n) / 40.0) - 1e-9);
                }
            }
        }
    }
}
