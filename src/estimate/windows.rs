//! From the samples of one source to its slots and stretches, window by window.
//!
//! First a census: each chunk of samples says which slots it has exchanges in, so that a run may be as
//! long, as sparse and as much out of order as it likes. Then each window is unpacked from the chunks
//! that have a share in it, analysed and dropped: what is held at one time is a window a thread. Both
//! steps go in parallel over parts that the samples alone decide, and are put together in order.

use rayon::prelude::*;

use super::Plan;
use super::claims::Origin;
use super::slots::{Drift, Slot};
use super::stability::{self, Pick};
use super::steering::{ClockStep, Reading, Steering};
use super::stretch::{self, Draft};
use crate::sample::{CHUNK, RunHeader, Sample, ServerInfo, SourceRecord};
use crate::time::TimeDelta;

/// A window is closed, whatever its length, when it holds so many exchanges: some 30 MB on the way.
const MOST_IN_WINDOW: u64 = 1 << 18;

/// A slot is made shorter where it would hold more than this on average.
const MOST_IN_SLOT: u64 = 1 << 16;

/// What the windows of one source say.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub slots: Vec<Slot>,
    /// Each with the slot that its middle exchange is in.
    pub drafts: Vec<(usize, Draft)>,
    pub clock_steps: Vec<ClockStep>,
    /// Of each step of tau0 the exchange that leaves the least open.
    pub picks: Vec<Pick>,
    pub tau0: i64,
    /// Exchanges that no pair of running clocks can produce, or that lie beyond the axes.
    pub contradictory: u64,
}

/// One source on its way through.
struct Source<'a> {
    record: &'a SourceRecord,
    origin: Origin,
    /// Length of a slot.
    step: i64,
    /// From one phase to the next.
    tau0: i64,
    /// What is assumed before a rate is measured.
    drift: Drift,
    /// For each chunk its first and last slot, and how far those before and after it reach.
    shares: Vec<Share>,
}

/// Which slots one chunk has exchanges in.
#[derive(Clone, Copy, Debug)]
struct Share {
    /// The last slot of this chunk and of all before it.
    until: i64,
    /// The first slot of this chunk and of all after it.
    from: i64,
}

/// A part of a run, in slots: from the first to before the second.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: i64,
    to: i64,
    /// Up to before this slot, readings of the local clock are looked at, too.
    look: i64,
}

/// Folds all samples of a source; `None` where none of them proves anything.
pub(super) fn fold(
    record: &SourceRecord,
    header: &RunHeader,
    plan: &Plan,
    drift: Drift,
) -> Option<(Origin, Folded)> {
    let origin = Origin::among(&three(record), header, drift.widest())?;
    let mut source = Source {
        record,
        origin,
        step: plan.series_step.as_nanos().max(1),
        tau0: 1,
        drift,
        shares: Vec::new(),
    };
    let census = source.census();
    source.tau0 = census.tau0(source.step);
    let windows = source.windows(&census.slots, plan.window);
    let parts: Vec<Folded> = windows.par_iter().map(|w| source.fold(*w)).collect();
    let mut all = Folded {
        contradictory: census.beyond,
        tau0: source.tau0,
        ..Folded::default()
    };
    for part in parts {
        let begun = all.slots.len();
        all.slots.extend(part.slots);
        let drafts = part.drafts.into_iter();
        all.drafts
            .extend(drafts.map(|(slot, draft)| (begun + slot, draft)));
        all.clock_steps.extend(part.clock_steps);
        for pick in part.picks {
            Pick::join(&mut all.picks, pick);
        }
        all.contradictory += part.contradictory;
    }
    Some((origin, all))
}

/// Three samples of a run, from its beginning, its middle and its end: among them one that is not
/// absurd, if there are not many.
fn three(record: &SourceRecord) -> Vec<Sample> {
    let samples = &record.samples;
    let proves = |sample: &Sample| sample.mode.proves();
    let last = samples.chunks().saturating_sub(1);
    let first = samples.iter().find(proves);
    let half = samples.len() / 2;
    let middle = samples.chunk(half / CHUNK).skip(half % CHUNK).find(proves);
    let end = samples.chunk(last).filter(proves).last();
    [first, middle, end].into_iter().flatten().collect()
}

/// Which slots have exchanges.
#[derive(Debug, Default)]
struct Census {
    /// How many each slot has, in order; slots without any are absent.
    slots: Vec<(i64, u64)>,
    /// The first and the last instant on the axis.
    ends: Option<(i64, i64)>,
    /// Exchanges that have no place on the axis.
    beyond: u64,
}

impl Census {
    fn take(&mut self, x: i64) {
        let (first, last) = self.ends.unwrap_or((x, x));
        self.ends = Some((first.min(x), last.max(x)));
    }

    /// What to make of the run one phase each: for exchanges as they are spaced where there are some.
    fn tau0(&self, step: i64) -> i64 {
        let Some((first, last)) = self.ends else {
            return stability::tau0(step, 0);
        };
        let (begin, end) = match (self.slots.first(), self.slots.last()) {
            (Some((begin, _)), Some((end, _))) => (*begin, end.saturating_add(1)),
            _ => (0, 0),
        };
        let slots = i64::try_from(self.slots.len()).unwrap_or(i64::MAX);
        let unused = (first - begin.saturating_mul(step))
            .saturating_add(end.saturating_mul(step).saturating_sub(last));
        let used = slots.saturating_mul(step).saturating_sub(unused).max(0);
        let n = self.slots.iter().fold(0i64, |sum, (_, n)| {
            sum.saturating_add(i64::try_from(*n).unwrap_or(i64::MAX))
        });
        let mut spacing = used / (n - 1).max(1);
        if n < slots.saturating_mul(2) {
            // Exchanges are further apart than slots are long.
            let mut apart: Vec<i64> = self
                .slots
                .windows(2)
                .filter_map(|pair| Some(pair.last()?.0.saturating_sub(pair.first()?.0)))
                .collect();
            apart.sort_unstable();
            let usual = apart.get(apart.len() / 2).copied().unwrap_or(1);
            spacing = spacing.max(usual.saturating_mul(step));
        }
        stability::tau0(spacing, last.saturating_sub(first))
    }
}

impl Source<'_> {
    /// Counts, and shortens the slots where they would be too full.
    fn census(&mut self) -> Census {
        loop {
            let census = self.count();
            let n: u64 = census.slots.iter().map(|(_, n)| n).sum();
            let full = u64::try_from(census.slots.len()).unwrap_or(u64::MAX).max(1);
            if n / full <= MOST_IN_SLOT || self.step == 1 {
                return census;
            }
            let parts = n.div_ceil(full).div_ceil(MOST_IN_SLOT).next_power_of_two();
            self.step = (self.step / i64::try_from(parts).unwrap_or(i64::MAX)).max(1);
        }
    }

    fn count(&mut self) -> Census {
        let chunks: Vec<Census> = (0..self.record.samples.chunks())
            .into_par_iter()
            .map(|chunk| self.count_chunk(chunk))
            .collect();
        self.shares = shares(&chunks);
        let mut all = Census::default();
        for chunk in chunks {
            all.slots.extend(chunk.slots);
            all.beyond += chunk.beyond;
            if let Some((first, last)) = chunk.ends {
                all.take(first);
                all.take(last);
            }
        }
        merge(&mut all.slots);
        all
    }

    fn count_chunk(&self, chunk: usize) -> Census {
        let mut census = Census::default();
        for (_, sample) in self.chunk(chunk) {
            let Some(x) = self.origin.x(sample.at) else {
                census.beyond += 1;
                continue;
            };
            census.take(x);
            match census.slots.last_mut() {
                Some((slot, n)) if is_in(x, *slot, self.step) => *n += 1,
                _ => census.slots.push((x.div_euclid(self.step), 1)),
            }
        }
        merge(&mut census.slots);
        census
    }

    /// The samples of a chunk that prove something, each with its number.
    fn chunk(&self, chunk: usize) -> impl Iterator<Item = (usize, Sample)> {
        let numbers = chunk * CHUNK..;
        // Samples from before the server first described itself are not told.
        let described = self
            .record
            .servers
            .first()
            .map_or(usize::MAX, |(from, _)| *from);
        numbers
            .zip(self.record.samples.chunk(chunk))
            .filter(move |(number, sample)| *number >= described && sample.mode.proves())
    }

    fn slot_of(&self, sample: &Sample) -> Option<i64> {
        Some(self.origin.x(sample.at)?.div_euclid(self.step))
    }

    /// Windows of about the wanted length that together hold all slots: the last one may be up to half as
    /// long again, rather than leave a short rest.
    fn windows(&self, census: &[(i64, u64)], length: TimeDelta) -> Vec<Window> {
        let slots = (length.as_nanos() / self.step).max(1);
        let mut windows: Vec<Window> = Vec::new();
        let mut held = 0;
        for (slot, n) in census {
            let open = windows
                .last_mut()
                .filter(|w| slot.saturating_sub(w.from) < slots && held + n <= MOST_IN_WINDOW);
            match open {
                Some(window) => window.to = slot + 1,
                None => {
                    held = 0;
                    windows.push(Window {
                        from: *slot,
                        to: slot + 1,
                        look: slot + 1,
                    });
                }
            }
            held += n;
        }
        join_rest(&mut windows, slots);
        let timeout = self.origin.timeout_in(self.step);
        for window in &mut windows {
            let needed = window.to.saturating_add(timeout);
            let next = census.partition_point(|(slot, _)| *slot < needed);
            window.look = census.get(next).map_or(needed, |(slot, _)| slot + 1);
        }
        windows
    }

    fn fold(&self, window: Window) -> Folded {
        let mut samples = self.samples(window);
        // Stable: of those at one instant the one that was complete first stays first.
        samples.sort_by_key(|(_, sample)| sample.at);
        let steering = Steering::of(samples.iter().map(|(_, sample)| Reading::of(sample)));
        let mut folded = Folded::default();
        let mut claims = Vec::with_capacity(samples.len());
        // The slots that have claims, and where those of each end.
        let mut ends: Vec<(i64, usize)> = Vec::new();
        let end = window.to.saturating_mul(self.step);
        for (number, sample) in &samples {
            let Some(x) = self.origin.x(sample.at).filter(|x| *x < end) else {
                continue;
            };
            let claim = self
                .server(*number)
                .and_then(|server| self.origin.claim(*number, sample, server, &steering));
            let Some(claim) = claim else {
                folded.contradictory += 1;
                continue;
            };
            Pick::take(&mut folded.picks, &claim, self.tau0);
            claims.push(claim);
            match ends.last_mut() {
                Some((slot, end)) if is_in(x, *slot, self.step) => *end = claims.len(),
                _ => ends.push((x.div_euclid(self.step), claims.len())),
            }
        }
        folded.clock_steps = self.own_steps(&steering, &samples, window);
        let mut begun = 0;
        let slots: Vec<(usize, Slot)> = ends
            .iter()
            .filter_map(|(_, end)| {
                let of_slot = claims.get(begun..*end)?;
                begun = *end;
                Some((*end, Slot::of(of_slot, self.drift)?))
            })
            .collect();
        let drafts = stretch::cut(&self.origin, &claims, &slots);
        let place = |draft: &Draft| slots.partition_point(|(_, slot)| slot.last.x < draft.middle.x);
        folded.drafts = drafts
            .into_iter()
            .map(|draft| (place(&draft), draft))
            .collect();
        folded.slots = slots.into_iter().map(|(_, slot)| slot).collect();
        folded
    }

    /// The samples of a window, and those after it whose readings are looked at.
    fn samples(&self, window: Window) -> Vec<(usize, Sample)> {
        let first = self
            .shares
            .partition_point(|share| share.until < window.from);
        let end = self
            .shares
            .partition_point(|share| share.from < window.look);
        let from = window.from.saturating_mul(self.step);
        let wanted = from..window.look.saturating_mul(self.step);
        let mut samples = Vec::new();
        for chunk in first..end {
            let of_chunk = self.chunk(chunk).filter(|(_, sample)| {
                let x = self.origin.x(sample.at);
                x.is_some_and(|x| wanted.contains(&x))
            });
            samples.extend(of_chunk);
        }
        samples
    }

    /// Steps in gaps that begin in this window; those that begin where it only looks are another's.
    fn own_steps(
        &self,
        steering: &Steering,
        samples: &[(usize, Sample)],
        window: Window,
    ) -> Vec<ClockStep> {
        let inside = |(_, sample): &&(usize, Sample)| {
            self.slot_of(sample).is_some_and(|slot| slot < window.to)
        };
        let Some((_, last)) = samples.iter().rev().find(inside) else {
            return Vec::new();
        };
        let end = i128::from(last.at.as_nanos());
        steering.steps_until(end)
    }

    fn server(&self, number: usize) -> Option<&ServerInfo> {
        let servers = &self.record.servers;
        let place = servers.partition_point(|(from, _)| *from <= number);
        servers.get(place.checked_sub(1)?).map(|(_, server)| server)
    }
}

/// Whether `x` is in a slot of this length; a division would take as long as all else of a census.
pub(super) fn is_in(x: i64, slot: i64, step: i64) -> bool {
    let begin = slot.saturating_mul(step);
    begin <= x && x < begin.saturating_add(step)
}

/// Puts counts in order, and adds up those of one slot.
fn merge(slots: &mut Vec<(i64, u64)>) {
    slots.sort_unstable_by_key(|(slot, _)| *slot);
    slots.dedup_by(|(slot, n), (kept, sum)| {
        let same = slot == kept;
        if same {
            *sum += *n;
        }
        same
    });
}

fn shares(chunks: &[Census]) -> Vec<Share> {
    let mut until = i64::MIN;
    let mut shares: Vec<Share> = chunks
        .iter()
        .map(|census| {
            until = census
                .slots
                .last()
                .map_or(until, |(slot, _)| until.max(*slot));
            Share {
                until,
                from: i64::MAX,
            }
        })
        .collect();
    let mut from = i64::MAX;
    for (share, census) in shares.iter_mut().zip(chunks).rev() {
        from = census
            .slots
            .first()
            .map_or(from, |(slot, _)| from.min(*slot));
        share.from = from;
    }
    shares
}

/// Gives a last window that is shorter than half of the others to the one before it.
fn join_rest(windows: &mut Vec<Window>, slots: i64) {
    let [.., before, last] = windows.as_mut_slice() else {
        return;
    };
    let follows = last.from.saturating_sub(before.from) <= slots;
    if follows && last.to.saturating_sub(last.from) < slots / 2 {
        before.to = last.to;
        windows.pop();
    }
}
