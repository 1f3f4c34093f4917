//! [`Closure`]: all that bounds between clocks prove together (difference constraints: R. Bellman, 1958).
//!
//! `a - b <= most` is an edge from a to b of that length. The least that limits a pair is the shortest path, over
//! whatever clocks; and a way around that is shorter than nothing cannot be true.

use crate::time::Interval;

/// Nothing limits it.
pub(super) const OPEN: i64 = i64::MAX;

/// The sum of two upper bounds.
pub(super) fn sum(a: i64, b: i64) -> i64 {
    match a == OPEN || b == OPEN {
        true => OPEN,
        false => a.saturating_add(b),
    }
}

/// How far each hub can be above each other, by all that was seen.
pub(super) struct Closure {
    count: usize,
    /// The first minus the second is at most this.
    most: Vec<i64>,
    /// Where a shortest path goes next.
    next: Vec<usize>,
}

impl Closure {
    pub(super) fn new(count: usize) -> Self {
        let mut most = vec![OPEN; count * count];
        for own in most.iter_mut().step_by(count + 1) {
            *own = 0;
        }
        Self {
            count,
            most,
            next: (0..count * count)
                .map(|place| place % count.max(1))
                .collect(),
        }
    }

    fn get(&self, a: usize, b: usize) -> i64 {
        self.most.get(a * self.count + b).copied().unwrap_or(OPEN)
    }

    fn limit(&mut self, a: usize, b: usize, most: i64, next: usize) {
        let place = a * self.count + b;
        if let (Some(old), Some(way)) = (self.most.get_mut(place), self.next.get_mut(place))
            && most < *old
        {
            (*old, *way) = (most, next);
        }
    }

    /// Adds what one member saw; `own` is its own clock where that is a hub.
    pub(super) fn add(&mut self, own: Option<usize>, seen: &[(usize, Interval)]) {
        for (hub, offset) in seen {
            let (lower, upper) = (offset.lower().as_nanos(), offset.upper().as_nanos());
            if let Some(own) = own {
                self.limit(*hub, own, upper, own);
                self.limit(own, *hub, lower.saturating_neg(), *hub);
                continue;
            }
            // Two clocks that one member saw are known against each other.
            for (other, also) in seen {
                let most = upper.saturating_sub(also.lower().as_nanos());
                self.limit(*hub, *other, most, *other);
            }
        }
    }

    /// Finds all shortest paths (R. W. Floyd, 1962), or the hubs of a way around that is shorter than nothing.
    pub(super) fn close(&mut self) -> Vec<usize> {
        for through in 0..self.count {
            for a in 0..self.count {
                let to = self.get(a, through);
                if to == OPEN {
                    continue;
                }
                let first = self.next.get(a * self.count + through).copied();
                for b in 0..self.count {
                    let most = sum(to, self.get(through, b));
                    self.limit(a, b, most, first.unwrap_or(b));
                }
            }
            // Before any walk goes around it twice.
            if let Some(on) = (0..self.count).find(|hub| self.get(*hub, *hub) < 0) {
                return self.around(on);
            }
        }
        Vec::new()
    }

    fn around(&self, from: usize) -> Vec<usize> {
        let mut way = vec![from];
        let mut at = from;
        for _ in 0..=self.count {
            match self.next.get(at * self.count + from) {
                Some(next) if !way.contains(next) => {
                    way.push(*next);
                    at = *next;
                }
                _ => break,
            }
        }
        way
    }

    /// How far a member can be above each hub.
    pub(super) fn above(&self, own: Option<usize>, seen: &[(usize, Interval)]) -> Vec<i64> {
        (0..self.count)
            .map(|to| match own {
                Some(own) => self.get(own, to),
                None => {
                    let ways = seen.iter().map(|(hub, offset)| {
                        sum(
                            offset.lower().as_nanos().saturating_neg(),
                            self.get(*hub, to),
                        )
                    });
                    ways.min().unwrap_or(OPEN)
                }
            })
            .collect()
    }
}
