//! The interval that must hold the true offset, from all exchanges of a source.
//!
//! One exchange proves `L - e <= offset <= U + e`. On the counter's axis (see `claims.rs`) phi changes by
//! at most `drift` times the time between two exchanges, so that every exchange bounds every other:
//! what is proven at one of them is the intersection of what all prove there. It is found for the best
//! exchange of each slot by two sweeps over the slots, one forward and one backward, in linear time.
//!
//! An empty intersection contradicts the drift: the server's time moved, and nothing is carried over
//! that break. A break is found where it must have happened already; exchanges shortly before it may
//! belong to either side, while queues hide the contradiction. So a slot that what follows the break
//! allows as well as what precedes it speaks for itself alone.

use super::claims::{Claim, Origin};
use super::course::Known;
use super::slots::{Drift, Ends, Reach, Slot};
use super::steering::saturate;
use crate::time::{Frequency, Interval, Monotonic, TimeDelta, Timestamp};

/// An interval that holds the true offset, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundAt {
    /// The server's clock minus the local one, rounded outward.
    pub interval: Interval,
    /// T2 of the exchange it was computed for, on the server's clock. It holds for the moment the
    /// request left, at most one delay earlier.
    pub at: Timestamp,
    /// When the request left, on the counter.
    pub counter: Monotonic,
    /// What it grows by at both ends as it ages, at most, on the counter's axis.
    pub drift: Frequency,
    /// Which exchange, as an index of [`SourceRecord::samples`](crate::sample::SourceRecord::samples).
    pub sample: usize,
}

/// A contradiction: from this exchange on, the server's time is not where the ones before allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// T2 of the first exchange after it, on the server's clock.
    pub at: Timestamp,
    /// Which exchange, as an index of [`SourceRecord::samples`](crate::sample::SourceRecord::samples).
    pub sample: usize,
}

/// Slots in the counter's order, and which of them may speak of each other.
pub(super) struct Timeline<'a> {
    origin: &'a Origin,
    slots: &'a [Slot],
    drift: Drift,
    /// For each slot, which others it shares a segment with; none where it speaks for itself alone.
    segment: Vec<Option<usize>>,
    /// What the slots of its segment before it prove together, and those after it.
    around: Vec<(Reach, Reach)>,
    breaks: Vec<Break>,
}

/// What one slot says at a certain drift.
struct Seen<'a> {
    reach: Reach,
    /// Where its own exchanges contradict each other.
    torn: Option<&'a Claim>,
}

impl<'a> Timeline<'a> {
    /// `prior` is the drift that was assumed when the slots were made.
    pub(super) fn of(origin: &'a Origin, slots: &'a [Slot], drift: Drift, prior: Drift) -> Self {
        let mut line = Self {
            origin,
            slots,
            drift,
            segment: Vec::with_capacity(slots.len()),
            around: Vec::new(),
            breaks: Vec::new(),
        };
        let seen: Vec<Seen<'_>> = slots
            .iter()
            .map(|slot| Seen {
                reach: slot.reach(drift),
                torn: slot.torn(drift, prior),
            })
            .collect();
        line.cut(&seen);
        line.doubt(&seen);
        line.around = vec![(Reach::NOTHING, Reach::NOTHING); slots.len()];
        let each = || line.segment.iter().zip(&seen);
        let mut before = Sweep::default();
        for ((known, _), slot) in line.around.iter_mut().zip(each()) {
            *known = before.pass(slot);
        }
        let mut after = Sweep::default();
        for ((_, known), slot) in line.around.iter_mut().zip(each()).rev() {
            *known = after.pass(slot);
        }
        line
    }

    pub(super) fn breaks(&self) -> &[Break] {
        &self.breaks
    }

    /// Goes forward and ends a segment at each contradiction. The slot where it is found may hold
    /// exchanges of both sides.
    fn cut(&mut self, seen: &[Seen<'_>]) {
        let mut known = Reach::NOTHING;
        let mut segment = 0;
        for (slot, here) in self.slots.iter().zip(seen) {
            if here.torn.is_none() && known.allows(&here.reach) {
                known = known.and(&here.reach);
                self.segment.push(Some(segment));
                continue;
            }
            self.breaks.push(self.break_at(slot, &known, here.torn));
            known = Reach::NOTHING;
            segment += 1;
            self.segment.push(None);
        }
    }

    /// Where a slot shows that the server's time has moved: by its own exchanges, or by the first that
    /// contradicts what is known from before.
    fn break_at(&self, slot: &Slot, known: &Reach, torn: Option<&Claim>) -> Break {
        let first = slot.contradicts(known, self.drift);
        let early = first.filter(|x| torn.is_none_or(|torn| *x < torn.x));
        let found = *torn.unwrap_or(&slot.best);
        let at = early.map_or(found.t2, |x| {
            // Corners are known by their place; between two exchanges both clocks run alike to far less
            // than the time between them.
            found.t2 + TimeDelta::from_nanos(x - found.x)
        });
        Break {
            at,
            sample: found.sample,
        }
    }

    /// Goes back from each break: slots before it that what follows allows may be of either side.
    fn doubt(&mut self, seen: &[Seen<'_>]) {
        let is_break =
            |(segment, here): (&Option<usize>, &Seen<'_>)| segment.is_none() && here.torn.is_none();
        let breaks: Vec<usize> = (0..)
            .zip(self.segment.iter().zip(seen))
            .filter(|(_, slot)| is_break(*slot))
            .map(|(index, _)| index)
            .collect();
        for index in breaks.into_iter().rev() {
            let later = self.segment.get(index + 1).copied().flatten();
            let same = self.segment.iter().zip(seen).skip(index + 1);
            let after = same
                .take_while(|(of, _)| of.is_some() && **of == later)
                .chain(self.segment.iter().zip(seen).skip(index).take(1))
                .fold(Reach::NOTHING, |known, (_, here)| known.and(&here.reach));
            // Slices, since an iterator that is cut at its end would walk there from its own.
            let earlier = self.segment.get_mut(..index).unwrap_or_default();
            let seen_earlier = seen.get(..index).unwrap_or_default();
            let before = earlier.last().copied().flatten();
            for (of, here) in earlier.iter_mut().zip(seen_earlier).rev() {
                if of.is_none() || *of != before || !here.reach.allows(&after) {
                    break;
                }
                *of = None;
            }
        }
    }

    /// Bounds at the best exchange of each slot.
    pub(super) fn series(&self) -> Vec<BoundAt> {
        let each = (0..).zip(self.slots);
        each.filter_map(|(index, slot)| self.at(index, &slot.best))
            .collect()
    }

    /// The bound at the last exchange, which is of the last slot.
    pub(super) fn last(&self, claim: &Claim) -> Option<BoundAt> {
        self.at(self.slots.len().checked_sub(1)?, claim)
    }

    /// Bounds of phi at any instant, in nanoseconds from the origin.
    pub(super) fn phi_at(&self, x: i64) -> Option<(i128, i128)> {
        let next = self.slots.partition_point(|slot| slot.end < x);
        let index = next.min(self.slots.len().checked_sub(1)?);
        let slot = self.slots.get(index)?;
        let mut ends = slot.at(x, self.drift);
        if self.segment.get(index)?.is_some() {
            let (before, after) = self.around.get(index)?;
            ends = ends
                .and(before.forward(x, self.drift))
                .and(after.backward(x, self.drift));
        }
        ends.nanos()
    }

    /// The bound at an exchange of a slot.
    pub(super) fn at(&self, index: usize, claim: &Claim) -> Option<BoundAt> {
        let (lower, upper) = self.phi(index, claim)?;
        Some(BoundAt {
            interval: self.origin.offset(claim, lower, upper)?,
            at: claim.t2,
            counter: Monotonic::from_nanos(saturate(self.origin.reading(claim).at)),
            drift: self.drift.widest(),
            sample: claim.sample,
        })
    }

    /// Bounds of phi at an exchange of a slot, in nanoseconds from the origin.
    fn phi(&self, index: usize, claim: &Claim) -> Option<(i128, i128)> {
        let mut ends = Ends::of(claim);
        if self.segment.get(index)?.is_some() {
            let (before, after) = self.around.get(index)?;
            ends = ends
                .and(before.forward(claim.x, self.drift))
                .and(after.backward(claim.x, self.drift))
                .and(self.slots.get(index)?.at(claim.x, self.drift));
        }
        ends.nanos()
    }

    /// All that is known at the best exchange of each slot.
    pub(super) fn known(&self) -> Vec<Known> {
        let each = (0..).zip(self.slots);
        each.filter_map(|(index, slot)| {
            let (lower, upper) = self.phi(index, &slot.best)?;
            let reading = self.origin.reading(&slot.best);
            Some(Known {
                at: reading.at,
                wall: reading.wall,
                error: reading.error,
                phi: (self.origin.absolute(lower), self.origin.absolute(upper)),
                offset: self.origin.offset(&slot.best, lower, upper)?,
                segment: self.segment.get(index).copied().flatten(),
                sample: slot.best.sample,
            })
        })
        .collect()
    }
}

/// What the slots passed so far prove together, of the segment that the last one is in.
struct Sweep {
    segment: Option<usize>,
    known: Reach,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            segment: None,
            known: Reach::NOTHING,
        }
    }
}

impl Sweep {
    /// Passes a slot; returns what those of its segment before it proved.
    fn pass(&mut self, (segment, here): (&Option<usize>, &Seen<'_>)) -> Reach {
        if segment.is_none() {
            return Reach::NOTHING;
        }
        if *segment != self.segment {
            (self.segment, self.known) = (*segment, Reach::NOTHING);
        }
        let before = self.known;
        self.known = before.and(&here.reach);
        before
    }
}
