//! Requests that are over: what tells duplicates, replays and late answers from forgeries.

use std::collections::VecDeque;

use crate::sample::Rejection;

/// How many are remembered: twice as many as were ever out at a time, within these limits.
const REMEMBERED: std::ops::RangeInclusive<usize> = 8..=64;

const ANSWERED: u64 = 1 << 63;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    Answered,
    GivenUp,
}

/// The random numbers of the last finished requests, oldest first.
///
/// The highest bit of each holds how the request ended, since ten thousand associations keep such a
/// list: 63 bits are as good at telling packets apart.
#[derive(Debug, Default)]
pub(super) struct Finished(VecDeque<u64>);

impl Finished {
    /// Adds a request; `most_open` were ever out at a time.
    pub(super) fn push(&mut self, nonce: u64, how: Finish, most_open: usize) {
        let room = (2 * most_open).clamp(*REMEMBERED.start(), *REMEMBERED.end());
        if self.0.len() >= room {
            self.0.pop_front();
        } else if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(room - self.0.len());
        }
        let answered = if how == Finish::Answered { ANSWERED } else { 0 };
        self.0.push_back(nonce & !ANSWERED | answered);
    }

    /// What an answer is that matches no open request.
    pub(super) fn name(&self, origin: u64) -> Rejection {
        // An interleaved reply returns the complement.
        let is_it = |kept: &u64| (kept ^ origin) << 1 == 0 || (kept ^ !origin) << 1 == 0;
        let answered = |kept: &u64| kept & ANSWERED != 0;
        let Some(found) = self.0.iter().rposition(is_it) else {
            return Rejection::BogusOrigin;
        };
        if !self.0.get(found).is_some_and(answered) {
            Rejection::TooLate
        } else if self.0.iter().rposition(answered) == Some(found) {
            Rejection::Duplicate
        } else {
            Rejection::Replay
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
