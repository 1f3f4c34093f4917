//! [`Sorted`]: packets in the order of their stamps, where the file has them nearly so.

use std::collections::{BTreeMap, VecDeque};

use super::seen::Seen;
use crate::time::{TimeDelta, Timestamp};

/// How late a packet may stand in a file. Captures of several interfaces, or by several processors,
/// hand over packets in blocks, which wait for a fraction of a second to fill (`pcap_set_timeout`).
const WINDOW: TimeDelta = TimeDelta::from_secs(1);
/// Packets that wait for an earlier one at most.
const MAX_WAITING: usize = 4096;

/// Sorts packets over one second. Where the clock of the capture was set back by more, what came before
/// goes first: a reply is then not taken to be earlier than its request.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// By stamp, and by place in the file where stamps are equal.
    waiting: BTreeMap<(Timestamp, u64), Seen>,
    due: VecDeque<Seen>,
    pushed: u64,
    /// The latest stamp since the clock was last set back.
    newest: Timestamp,
}

impl Sorted {
    pub(super) fn push(&mut self, seen: Seen) {
        if self.newest.since(seen.at) > WINDOW {
            self.flush();
            self.newest = seen.at;
        }
        self.newest = self.newest.max(seen.at);
        self.waiting.insert((seen.at, self.pushed), seen);
        self.pushed += 1;
        let newest = self.newest;
        let is_due = |at| newest.since(at) > WINDOW;
        while self.waiting.len() > MAX_WAITING
            || self
                .waiting
                .first_key_value()
                .is_some_and(|((at, _), _)| is_due(*at))
        {
            self.due
                .extend(self.waiting.pop_first().map(|(_, seen)| seen));
        }
    }

    /// All that waits becomes due.
    pub(super) fn flush(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        self.due.extend(waiting.into_values());
    }

    /// The next packet that no earlier one can follow.
    pub(super) fn pop(&mut self) -> Option<Seen> {
        self.due.pop_front()
    }
}
