//! [`Stretch`]: a part of a run over which one rate explains all exchanges, and the best estimate
//! there.
//!
//! Where nothing steers, phi is a straight line for minutes. All lines that no exchange of a stretch
//! contradicts make a corridor: it bounds rate and offset (as long as the rate is constant), and where
//! there is no such line, the rate changed.

use super::claims::{Claim, Origin, rounded};
use super::opinions::{self, Opinions};
use super::slots::Slot;
use crate::stats::{Corridor, Ends, MIDLINE_NEEDS, Midline, Slopes, random_walk_bend};
use crate::time::{Frequency, Interval, Rate, TimeDelta, Timestamp};

/// Changes of the rate that are looked for in one window: a clock that changes more often has no rate.
const MOST_CHANGES: usize = 16;

/// A part of a run over which one rate explains all exchanges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// T2 of its first exchange.
    pub from: Timestamp,
    /// T2 of its last exchange.
    pub to: Timestamp,
    /// How many exchanges it has.
    pub exchanges: u64,
    /// The rates of the server's clock against this host's counter that explain all of them; absent
    /// where any rate does, or none.
    pub rate: Option<RateBounds>,
    /// What holds the true offset at the exchange in the middle, if the rate was constant all the
    /// time: the place of all lines that explain the exchanges. Absent where there is none.
    pub bound: Option<Interval>,
    /// The best estimate, in the middle; absent with fewer than [`MIDLINE_NEEDS`] exchanges.
    pub estimate: Option<Estimate>,
    /// What others would say, of the same exchanges.
    pub opinions: Opinions,
}

/// Between which rates one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateBounds {
    /// The lower end, rounded down.
    pub lower: Rate,
    /// The upper end, rounded up.
    pub upper: Rate,
}

/// An estimate of the offset, as good as the exchanges allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The server's clock minus the local one, halfway between the floors of both ways.
    pub offset: TimeDelta,
    /// Its 95 % interval, widened by what stamps may be off by, and by what a crystal wanders in a stretch that
    /// is longer than was wanted because exchanges are far apart. It holds the offset plus half of what the
    /// floors of the two ways differ by, which no exchange can tell.
    pub interval: Interval,
    /// The rate of the server's clock against this host's counter.
    pub rate: Rate,
    /// Half of the floors of both ways together: the most by which an asymmetric path can hide. No less than
    /// half of the least delay, since a line that is a little bent leaves less room than there is.
    pub hidden: TimeDelta,
    /// When, on the server's clock: at the exchange in the middle of the stretch.
    pub at: Timestamp,
    /// The true offset at that exchange lies in here, by all exchanges of the source.
    pub bound: Option<Interval>,
    /// Whether the estimate, or an end of its interval, was moved to keep it inside of that bound.
    pub clipped: bool,
    /// What the exchanges of the stretch alone have it as.
    pub(super) alone: Alone,
}

/// An estimate on the counter's axis, on which those of other instants can be compared with it, and as it is
/// before it is kept inside of what is proven. Nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alone {
    /// The server's clock minus this host's counter.
    pub phi: i128,
    /// How far the interval reaches down...
    pub below: i64,
    /// ...and up.
    pub above: i64,
}

/// The rate changed, or phi itself: no one line explains the exchanges on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateChange {
    /// T2 of the last exchange that the line before it explains.
    pub after: Timestamp,
    /// T2 of the first exchange that it does not explain.
    pub before: Timestamp,
    /// The same on the counter, from the origin.
    pub(super) x: (i64, i64),
}

/// A stretch on the way to its place in an assessment: what is to be done when all bounds are known.
#[derive(Debug)]
pub(super) struct Draft {
    pub stretch: Stretch,
    /// The exchange in the middle.
    pub middle: Claim,
    pub slopes: Slopes,
    /// Whether a line was found that parts of it do not come near to.
    is_bent: bool,
    /// The last change of the rate before it, in this window.
    pub change: Option<RateChange>,
}

/// So many exchanges an estimate takes.
pub const ESTIMATE_NEEDS: u64 = MIDLINE_NEEDS as u64;

/// What a crystal wanders by, as Allan deviation at ten minutes: what those of ordinary hosts do.
const CRYSTAL_ADEV: Frequency = Frequency::from_ppb(10);
/// The averaging time that is said for.
const CRYSTAL_TAU: TimeDelta = TimeDelta::from_secs(600);

/// What the estimates of a window rest on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Premise<'a> {
    pub origin: &'a Origin,
    /// For so long the rate is taken to be constant.
    pub constant: TimeDelta,
}

impl Premise<'_> {
    /// What the middle of a stretch this long may be off a straight line by, 95 % of the time, where it is
    /// longer than the rate is taken to be constant for. Nanoseconds.
    fn wander(&self, length: TimeDelta) -> f64 {
        // The last window takes a rest along.
        if length <= self.constant + self.constant.midpoint(TimeDelta::ZERO) {
            return 0.0;
        }
        let adev = CRYSTAL_ADEV
            .gained_over(TimeDelta::from_secs(1))
            .as_secs_f64();
        let bend = random_walk_bend(adev, CRYSTAL_TAU.as_secs_f64(), length.as_secs_f64());
        1.96 * bend * 1e9
    }
}

/// Cuts the claims of one window, which are those of its slots, into stretches.
pub(super) fn cut(on: Premise<'_>, claims: &[Claim], slots: &[(usize, Slot)]) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut rest = claims;
    let mut change = None;
    while !rest.is_empty() {
        let settled = drafts.len() < MOST_CHANGES;
        let begun = claims.len() - rest.len();
        let (corridor, len) = match settled {
            true => longest(rest, begun, slots),
            false => (Corridor::default(), rest.len()),
        };
        let (here, after) = rest.split_at(len.max(1));
        drafts.extend(Draft::of(on, here, &corridor, change));
        straighten(on, here, &mut drafts);
        change = here
            .last()
            .zip(after.first())
            .map(|(last, first)| RateChange {
                after: last.t2,
                before: first.t2,
                x: (last.x, first.x),
            });
        rest = after;
    }
    drafts
}

/// Where the last draft, of these claims, has an estimate to which not all of its parts come near, its
/// halves are better: the rate wanders, or changed by less than delays hide.
fn straighten(on: Premise<'_>, claims: &[Claim], drafts: &mut Vec<Draft>) {
    let is_bent = drafts.last().is_some_and(|draft| draft.is_bent);
    if claims.len() < 2 * MIDLINE_NEEDS || !is_bent {
        return;
    }
    let change = drafts.pop().and_then(|draft| draft.change);
    let (early, late) = claims.split_at(claims.len() / 2);
    for (half, change) in [(early, change), (late, None)] {
        let mut corridor = Corridor::default();
        push(&mut corridor, half);
        drafts.extend(Draft::of(on, half, &corridor, change));
        straighten(on, half, drafts);
    }
}

/// The longest beginning of `claims` that one line explains, and its corridor. `begun` of the window's
/// claims came before; slots are known by the number of claims of the window up to their end.
fn longest(claims: &[Claim], begun: usize, slots: &[(usize, Slot)]) -> (Corridor, usize) {
    let mut corridor = Corridor::default();
    let mut len = 0;
    let mut from = 0;
    for (end, slot) in slots {
        let slot_from = std::mem::replace(&mut from, *end);
        let Some(until) = end.checked_sub(begun).filter(|until| *until > 0) else {
            continue;
        };
        let before = corridor.clone();
        if slot_from >= begun {
            slot.add_to(&mut corridor);
        } else {
            push(&mut corridor, claims.get(..until).unwrap_or(claims));
        }
        if corridor.slopes() == Slopes::None {
            let inside = claims.get(len..until).unwrap_or_default();
            return bisect(&before, inside, len);
        }
        len = until;
    }
    (corridor, len)
}

/// The corridor of `before` and as many of `claims` as one line explains, and the number of all.
fn bisect(before: &Corridor, claims: &[Claim], len: usize) -> (Corridor, usize) {
    let with = |n: usize| {
        let mut corridor = before.clone();
        push(&mut corridor, claims.get(..n).unwrap_or(claims));
        corridor
    };
    let (mut good, mut bad) = (0, claims.len());
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        match with(middle).slopes() {
            Slopes::None => bad = middle,
            _ => good = middle,
        }
    }
    (with(good), len + good)
}

fn push(corridor: &mut Corridor, claims: &[Claim]) {
    for claim in claims {
        corridor.push(claim.x, claim.lower, claim.upper);
    }
}

impl Draft {
    fn of(
        on: Premise<'_>,
        claims: &[Claim],
        corridor: &Corridor,
        change: Option<RateChange>,
    ) -> Option<Self> {
        let (first, last) = (claims.first()?, claims.last()?);
        let middle = claims.get(claims.len() / 2)?;
        let slopes = match corridor.is_empty() {
            true => Slopes::None,
            false => corridor.slopes(),
        };
        let (estimate, is_bent) = match slopes {
            Slopes::Between(..) => estimate(on, claims, corridor, middle).unwrap_or_default(),
            Slopes::None | Slopes::Any => (None, false),
        };
        let stretch = Stretch {
            from: first.t2,
            to: last.t2,
            exchanges: u64::try_from(claims.len()).unwrap_or(u64::MAX),
            rate: RateBounds::of(slopes),
            bound: corridor
                .at(middle.x)
                .and_then(|(lower, upper)| on.origin.offset(middle, lower, upper)),
            estimate,
            opinions: opinions::of(claims),
        };
        Some(Self {
            stretch,
            middle: *middle,
            slopes,
            is_bent,
            change,
        })
    }
}

impl RateBounds {
    fn of(slopes: Slopes) -> Option<Self> {
        match slopes {
            Slopes::Between(least, most) => Some(Self {
                lower: Rate::from_parts(least.floor(Rate::WHOLE)),
                upper: Rate::from_parts(most.ceil(Rate::WHOLE)),
            }),
            Slopes::None | Slopes::Any => None,
        }
    }
}

/// The estimate of a stretch, if there is one, and whether a line was found that is bent.
fn estimate(
    on: Premise<'_>,
    claims: &[Claim],
    corridor: &Corridor,
    middle: &Claim,
) -> Option<(Option<Estimate>, bool)> {
    if claims.len() < MIDLINE_NEEDS {
        return None;
    }
    let each = |of: fn(&Claim) -> i64| -> Vec<i64> { claims.iter().map(of).collect() };
    let (upper_x, upper) = (each(|c| c.x), each(|c| c.seen.upper));
    let (lower_x, lower) = (each(|c| c.seen.lower_x), each(|c| c.seen.lower));
    let ends = Ends {
        upper_x: &upper_x,
        upper: &upper,
        lower_x: &lower_x,
        lower: &lower,
    };
    let line = Midline::find(ends, corridor.widest()?, middle.x)?;
    if line.width < 0.0 {
        return Some((None, true));
    }
    let offset = |phi| middle.offset(rounded(phi));
    let least_delay = claims.iter().map(|c| c.seen.upper - c.seen.lower).min();
    let least_delay = TimeDelta::from_nanos(least_delay?);
    let length = TimeDelta::from_nanos(claims.last()?.x - claims.first()?.x);
    let wander = on.wander(length);
    let value = offset(line.value);
    let lower = offset(line.value - (line.value - line.lower).hypot(wander));
    let upper = offset(line.value + (line.upper - line.value).hypot(wander));
    let interval = Interval::new(lower, upper)?.widen(middle.stamps);
    let found = Estimate {
        offset: value,
        interval,
        rate: Rate::from_parts(rounded(line.slope * 1e12).as_nanos().into()),
        hidden: rounded(line.width.max(least_delay.as_secs_f64() * 1e9) / 2.0),
        at: middle.t2,
        bound: None,
        clipped: false,
        alone: Alone {
            phi: on.origin.absolute(rounded(line.value).as_nanos().into()),
            below: (value - interval.lower()).as_nanos(),
            above: (interval.upper() - value).as_nanos(),
        },
    };
    // A bend that is smaller than what stamps may be off by is none.
    let is_bent = !line.is_straight && rounded(line.depth) > middle.stamps;
    Some((Some(found), is_bent))
}

impl Estimate {
    /// The same, kept inside of what is proven; `None` where nothing of its interval is, so that the line it
    /// rests on cannot have been straight.
    pub(super) fn within(self, bound: Option<Interval>) -> Option<Self> {
        let Some(proven) = bound else {
            return Some(self);
        };
        self.interval.intersect(proven)?;
        let kept = |delta: TimeDelta| delta.clamp(proven.lower(), proven.upper());
        let (lower, upper) = (self.interval.lower(), self.interval.upper());
        let offset = kept(self.offset);
        let interval = Interval::new(kept(lower), kept(upper)).unwrap_or(self.interval);
        Some(Self {
            offset,
            interval,
            bound,
            clipped: (offset, interval) != (self.offset, self.interval),
            ..self
        })
    }
}
