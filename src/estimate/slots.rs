//! [`Slot`]: a short time of a run, with all that its exchanges prove about any other time.
//!
//! Of the exchanges in a slot only the corners of two hulls are kept, each time split where the best
//! exchange is. That suffices to bound phi at that exchange exactly, for whatever rate phi may change at,
//! and the rate is only known when the run is over.

use super::claims::Claim;
use crate::stats::{Corridor, Point, Slopes};
use crate::time::Frequency;

/// Parts of a nanosecond in which ends are kept: a rate in parts per billion times nanoseconds comes
/// out whole.
const FINE: i128 = 1_000_000_000;

/// How fast phi may change: at least the first, at most the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// The least rate of the server's clock against the counter.
    pub lower: Frequency,
    /// The largest one.
    pub upper: Frequency,
}

impl Drift {
    /// From minus to plus `rate`.
    pub fn within(rate: Frequency) -> Self {
        let size = rate.as_ppb().saturating_abs();
        Self {
            lower: Frequency::from_ppb(-size),
            upper: Frequency::from_ppb(size),
        }
    }

    /// What a bound widens by with time at most, at either end.
    pub fn widest(&self) -> Frequency {
        let size = |rate: Frequency| rate.as_ppb().saturating_abs();
        Frequency::from_ppb(size(self.lower).max(size(self.upper)))
    }
}

/// What the exchanges of a short time say.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// The exchange that proves most by itself; the first of equals.
    pub best: Claim,
    /// Where the latest exchange is.
    pub end: i64,
    /// Its exchanges up to the best one; none where that one is the first.
    before: Corridor,
    /// Its exchanges from the best one on.
    after: Corridor,
    /// The first exchange that contradicts one before it in this slot, at the drift that was assumed. It is
    /// rare, and a long run has many slots.
    torn: Option<Box<Claim>>,
}

impl Slot {
    /// The slot of these exchanges, in the counter's order; `None` of none. `drift` is what is assumed
    /// before a rate is measured.
    pub(super) fn of(claims: &[Claim], drift: Drift) -> Option<Self> {
        let (place, best) = claims
            .iter()
            .enumerate()
            .min_by_key(|(_, claim)| claim.upper - claim.lower)?;
        let (early, late) = claims.split_at(place);
        let corridor = |claims: &mut dyn Iterator<Item = &Claim>| {
            let mut corridor = Corridor::default();
            for claim in claims {
                let taken = corridor.push(claim.x, claim.lower, claim.upper);
                debug_assert!(taken, "claims are ordered and near");
            }
            corridor.shrink();
            corridor
        };
        // What the best one says is known from `after`.
        let closing = (!early.is_empty()).then_some(best);
        Some(Self {
            best: *best,
            end: claims.last()?.x,
            before: corridor(&mut early.iter().chain(closing)),
            after: corridor(&mut late.iter()),
            torn: first_contradiction(claims, drift).map(|claim| Box::new(*claim)),
        })
    }

    /// Its exchanges in one.
    pub(super) fn add_to(&self, corridor: &mut Corridor) {
        corridor.append(&self.before);
        corridor.append(&self.after);
    }

    /// What it proves about other times.
    pub(super) fn reach(&self, drift: Drift) -> Reach {
        let all = |_: &Point| true;
        let late = Reach::of(&self.after, drift, all);
        Reach::of(&self.before, drift, all).and(&late)
    }

    /// What it proves about phi at `x`: all it can at its best exchange and beyond its ends, and else
    /// what those of its exchanges say that are corners.
    pub(super) fn at(&self, x: i64, drift: Drift) -> Ends {
        let corridors = [&self.before, &self.after];
        let earlier = corridors.map(|corridor| Reach::of(corridor, drift, |p| p.x <= x));
        let later = corridors.map(|corridor| Reach::of(corridor, drift, |p| p.x >= x));
        let both = |[a, b]: [Reach; 2]| a.and(&b);
        let ends = both(earlier).forward(x, drift);
        ends.and(both(later).backward(x, drift))
    }

    /// Where its own exchanges contradict each other. At a drift beyond `prior`, what was assumed when
    /// they were looked at, they do where no straight line fits.
    pub(super) fn torn(&self, drift: Drift, prior: Drift) -> Option<&Claim> {
        let torn = self.torn.as_deref()?;
        if prior.lower <= drift.lower && drift.upper <= prior.upper {
            return Some(torn);
        }
        let mut both = Corridor::default();
        self.add_to(&mut both);
        (both.slopes() == Slopes::None).then_some(torn)
    }

    /// The first of its exchanges, among those that reach furthest, that contradicts what is known from
    /// before.
    pub(super) fn contradicts(&self, known: &Reach, drift: Drift) -> Option<i64> {
        let ceilings = self.before.ceiling().iter().chain(self.after.ceiling());
        let floors = self.before.floor().iter().chain(self.after.floor());
        let (low, high) = rates(drift);
        let fine = |y: i64| i128::from(y) * FINE;
        let too_low = ceilings
            .filter(|p| fine(p.y) - low * i128::from(p.x) < known.floor_forward)
            .map(|p| p.x);
        let too_high = floors
            .filter(|p| fine(p.y) - high * i128::from(p.x) > known.ceiling_forward)
            .map(|p| p.x);
        too_low.chain(too_high).min()
    }
}

/// The first claim that contradicts one before it.
fn first_contradiction(claims: &[Claim], drift: Drift) -> Option<&Claim> {
    let mut known = Reach::NOTHING;
    claims.iter().find(|claim| {
        let here = Reach::of_claim(claim, drift);
        let contradicts = !known.allows(&here);
        known = known.and(&here);
        contradicts
    })
}

/// Two ends in [`FINE`] parts; empty where they are reversed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    lower: i128,
    upper: i128,
}

impl Ends {
    /// What both allow.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            lower: self.lower.max(other.lower),
            upper: self.upper.min(other.upper),
        }
    }

    /// What one claim says at its own place.
    pub(super) fn of(claim: &Claim) -> Self {
        Self {
            lower: i128::from(claim.lower) * FINE,
            upper: i128::from(claim.upper) * FINE,
        }
    }

    /// In nanoseconds, rounded outward; `None` if empty.
    pub(super) fn nanos(self) -> Option<(i128, i128)> {
        let outward = (self.lower.div_euclid(FINE), -(-self.upper).div_euclid(FINE));
        (self.lower <= self.upper).then_some(outward)
    }
}

/// All that some exchanges prove about times after all of them, and about times before all of them:
///
/// ```text
/// later:   phi(x) >= L - low x_L + low x       phi(x) <= U - high x_U + high x
/// earlier: phi(x) >= L - high x_L + high x     phi(x) <= U - low x_U + low x
/// ```
///
/// for rates between low and high, so the strictest of each is all there is to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    floor_forward: i128,
    ceiling_forward: i128,
    floor_backward: i128,
    ceiling_backward: i128,
}

impl Reach {
    /// What no exchange at all proves: a quarter of the range, so that nothing added to it overflows.
    pub(super) const NOTHING: Self = Self {
        floor_forward: i128::MIN / 4,
        ceiling_forward: i128::MAX / 4,
        floor_backward: i128::MIN / 4,
        ceiling_backward: i128::MAX / 4,
    };

    fn of_claim(claim: &Claim, drift: Drift) -> Self {
        let Ends { lower, upper } = Ends::of(claim);
        let (low, high) = rates(drift);
        let x = i128::from(claim.x);
        Self {
            floor_forward: lower - low * x,
            ceiling_forward: upper - high * x,
            floor_backward: lower - high * x,
            ceiling_backward: upper - low * x,
        }
    }

    /// What those corners of a corridor prove that are `wanted`.
    fn of(corridor: &Corridor, drift: Drift, wanted: impl Fn(&Point) -> bool) -> Self {
        let (low, high) = rates(drift);
        let mut reach = Self::NOTHING;
        for p in corridor.floor().iter().filter(|p| wanted(p)) {
            let (x, y) = (i128::from(p.x), i128::from(p.y) * FINE);
            reach.floor_forward = reach.floor_forward.max(y - low * x);
            reach.floor_backward = reach.floor_backward.max(y - high * x);
        }
        for p in corridor.ceiling().iter().filter(|p| wanted(p)) {
            let (x, y) = (i128::from(p.x), i128::from(p.y) * FINE);
            reach.ceiling_forward = reach.ceiling_forward.min(y - high * x);
            reach.ceiling_backward = reach.ceiling_backward.min(y - low * x);
        }
        reach
    }

    /// What both prove.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            floor_forward: self.floor_forward.max(other.floor_forward),
            ceiling_forward: self.ceiling_forward.min(other.ceiling_forward),
            floor_backward: self.floor_backward.max(other.floor_backward),
            ceiling_backward: self.ceiling_backward.min(other.ceiling_backward),
        }
    }

    /// Whether `later` exchanges can be true if these are.
    pub(super) fn allows(&self, later: &Self) -> bool {
        self.floor_forward <= later.ceiling_backward && later.floor_backward <= self.ceiling_forward
    }

    /// About phi at `x`, which is not before any of the exchanges.
    pub(super) fn forward(&self, x: i64, drift: Drift) -> Ends {
        let (low, high) = rates(drift);
        Ends {
            lower: self.floor_forward + low * i128::from(x),
            upper: self.ceiling_forward + high * i128::from(x),
        }
    }

    /// About phi at `x`, which is not after any of the exchanges.
    pub(super) fn backward(&self, x: i64, drift: Drift) -> Ends {
        let (low, high) = rates(drift);
        Ends {
            lower: self.floor_backward + high * i128::from(x),
            upper: self.ceiling_backward + low * i128::from(x),
        }
    }
}

/// Rates beyond this (a clock at twice its speed) say no more, and products of them stay in range.
const FASTEST: i64 = 1_000_000_000;

fn rates(drift: Drift) -> (i128, i128) {
    let limited = |rate: Frequency| i128::from(rate.as_ppb().clamp(-FASTEST, FASTEST));
    (limited(drift.lower), limited(drift.upper))
}
