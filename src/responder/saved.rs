//! [`Saved`]: what interleaved mode must remember, in a table that cannot grow.

use crate::time::Timestamp;
use crate::wire::NtpTimestamp;

/// Places in a set. A new entry pushes out the oldest of its set.
const WAYS: usize = 8;
/// log2 of the number of sets.
const SET_BITS: u32 = 9;
/// 512 sets of 8 places are 4096 entries of 24 bytes: 96 KiB, however many ask. A client needs its
/// entry for one poll interval, so some thousand clients of one a second are served interleaved at
/// once; whoever is pushed out is answered in basic mode, and is back in interleaved mode one
/// request later.
const SETS: usize = 1 << SET_BITS;

/// 2^64 divided by the golden ratio: multiplying by it spreads neighbouring numbers over the upper
/// bits (Knuth, The Art of Computer Programming, volume 3, section 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A reply that was handed out.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The receive stamp that it carried, which names it; zero in an empty place.
    receive: NtpTimestamp,
    /// When it left, on the served clock, once that is known.
    left: Option<Timestamp>,
}

/// The replies whose transmit stamps may be asked for.
///
/// A reply is named by its receive stamp alone, so a stamp must never name two. Stamps that are
/// later than every one handed out so far cannot; only replies with such a stamp are kept, and an
/// equal one that turns up later spoils the entry. One instant is all it takes to know that.
#[derive(Clone, Debug, Default)]
pub(super) struct Saved {
    /// Empty until the first entry: a server without interleaved clients pays nothing.
    sets: Vec<[Entry; WAYS]>,
    /// The latest receive stamp that any client was told.
    latest: Option<Timestamp>,
}

impl Saved {
    pub(super) const fn new() -> Self {
        Self {
            sets: Vec::new(),
            latest: None,
        }
    }

    /// Notes that a client is told that its request arrived at `at`, which travels as `receive`,
    /// and keeps a place for the transmit stamp of that reply if it is `wanted`. Whether there is
    /// one now.
    pub(super) fn hand_out(&mut self, at: Timestamp, receive: NtpTimestamp, wanted: bool) -> bool {
        if self.latest.is_some_and(|latest| at <= latest) {
            // Somebody else may have been told the very same.
            if let Some(entry) = self.find(receive) {
                *entry = Entry::default();
            }
            return false;
        }
        self.latest = Some(at);
        if !wanted {
            return false;
        }
        if self.sets.is_empty() {
            self.sets = vec![[Entry::default(); WAYS]; SETS];
        }
        let Some(set) = self.sets.get_mut(set_of(receive)) else {
            return false;
        };
        // The oldest is the last; it comes to the front and is overwritten there.
        set.rotate_right(1);
        let [first, ..] = set;
        *first = Entry {
            receive,
            left: None,
        };
        true
    }

    /// The reply that carried `receive` left at `at`. What is not expected, or is known already,
    /// changes nothing.
    pub(super) fn left(&mut self, receive: NtpTimestamp, at: Timestamp) {
        if let Some(entry) = self.find(receive) {
            entry.left.get_or_insert(at);
        }
    }

    /// When the reply that carried `receive` left, if that is known; told once only (RFC 9769
    /// section 2).
    pub(super) fn take(&mut self, receive: NtpTimestamp) -> Option<Timestamp> {
        let entry = self.find(receive)?;
        let left = entry.left?;
        *entry = Entry::default();
        Some(left)
    }

    fn find(&mut self, receive: NtpTimestamp) -> Option<&mut Entry> {
        if receive.is_zero() {
            return None;
        }
        let set = self.sets.get_mut(set_of(receive))?;
        set.iter_mut().find(|entry| entry.receive == receive)
    }

    /// Entries there is memory for.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.sets.capacity() * WAYS
    }
}

fn set_of(receive: NtpTimestamp) -> usize {
    let spread = receive.0.wrapping_mul(SPREAD) >> (u64::BITS - SET_BITS);
    // Below 2^SET_BITS.
    usize::try_from(spread).unwrap_or(0)
}
