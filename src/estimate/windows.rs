//! From the samples of one source to its slots and stretches, window by window.
//!
//! First a census: each chunk of samples says which slots it has exchanges in, so that a run may be as
//! long, as sparse and as much out of order as it likes. Then groups of windows are unpacked from the chunks
//! that have a share in them, analysed and dropped: what is held at one time is a group a thread, and what
//! was heard within a time-out after it. Both steps go in parallel over parts that the samples alone
//! decide, and are put together in order.

use rayon::prelude::*;

use super::Plan;
use super::census::{Census, is_in};
use super::claims::{Claim, Origin};
use super::slots::{Drift, Slot};
use super::stability::{self, Pick, Stability};
use super::steering::{ClockStep, Reading, Steering};
use super::stretch::{self, Draft, ESTIMATE_NEEDS, Premise};
use crate::sample::{CHUNK, Mode, RunHeader, Sample, ServerInfo, SourceRecord};
use crate::time::TimeDelta;

/// A window takes no further slot, whatever its length, that it would hold more than so many exchanges
/// with: some 30 MB on the way.
const MOST_IN_WINDOW: u64 = 1 << 18;

/// A window is long enough for an estimate, with some room for losses; any longer, and a rate that wanders by
/// what crystals do at 600 s (10 ppb) would bend a line by more than its interval.
const LEAST_IN_WINDOW: u64 = ESTIMATE_NEEDS + ESTIMATE_NEEDS / 3;

/// Windows are unpacked together up to so many exchanges...
const LEAST_IN_GROUP: u64 = 1 << 15;
/// ...or so many groups: in a recording that is out of order, each unpacks all of it.
const MOST_GROUPS: u64 = 64;

/// A slot is made shorter where it would hold more than this on average.
const MOST_IN_SLOT: u64 = 1 << 16;

/// What the windows of one source say.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub slots: Vec<Slot>,
    /// The last exchange.
    pub last: Option<Claim>,
    /// Each with the slot that its middle exchange is in.
    pub drafts: Vec<(usize, Draft)>,
    pub clock_steps: Vec<ClockStep>,
    /// Of each step of tau0 the exchange that leaves the least open.
    picks: Vec<Pick>,
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
    /// How long windows were to be.
    wanted: TimeDelta,
    /// The first and the last slot that each chunk has exchanges in.
    ranges: Vec<Option<(i64, i64)>>,
}

/// A part of a run, in slots: from the first to before the second.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: i64,
    to: i64,
    exchanges: u64,
}

/// Folds all samples of a source; `None` where none of them proves anything.
pub(super) fn fold(
    record: &SourceRecord,
    header: &RunHeader,
    plan: &Plan,
    drift: Drift,
) -> Option<(Origin, Folded, Option<Stability>)> {
    let origin = Origin::among(&three(record), header, drift.widest())?;
    let mut source = Source {
        record,
        origin,
        step: plan.series_step.min(plan.window).as_nanos().max(1),
        tau0: 1,
        drift,
        wanted: plan.window,
        ranges: Vec::new(),
    };
    let census = source.census();
    source.tau0 = stability::tau0(census.spacing(source.step), census.length());
    let windows = source.windows(&census);
    let parts: Vec<Vec<Folded>> = groups(&windows, census.total())
        .par_iter()
        .map(|group| source.fold_group(group, &census))
        .collect();
    let mut all = Folded {
        contradictory: census.beyond,
        ..Folded::default()
    };
    // At once: a vector that grows holds all of a long run twice.
    let slots = parts.iter().flatten().map(|part| part.slots.len());
    all.slots.reserve_exact(slots.sum());
    for part in parts.into_iter().flatten() {
        let begun = all.slots.len();
        all.slots.extend(part.slots);
        let drafts = part.drafts.into_iter();
        all.drafts
            .extend(drafts.map(|(slot, draft)| (begun + slot, draft)));
        all.clock_steps.extend(part.clock_steps);
        for pick in part.picks {
            Pick::join(&mut all.picks, pick);
        }
        all.last = part.last.or(all.last);
        all.contradictory += part.contradictory;
    }
    let stability = Stability::of(&all.picks, source.tau0, &plan.taus);
    Some((origin, all, stability))
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

impl Source<'_> {
    /// Counts, and shortens the slots where they would be too full.
    fn census(&mut self) -> Census {
        loop {
            let census = self.count();
            let n = census.total();
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
            .map(|chunk| {
                let mut census = Census::default();
                let numbered = (chunk * CHUNK..).zip(self.record.samples.instants(chunk));
                for (_, (at, _)) in numbered.filter(|(n, (_, mode))| self.counts(*n, *mode)) {
                    match self.origin.x(at) {
                        Some(x) => census.count(x, self.step),
                        None => census.beyond += 1,
                    }
                }
                census
            })
            .collect();
        self.ranges = chunks.iter().map(Census::range).collect();
        Census::of_parts(chunks)
    }

    /// Whether a sample proves something; those from before the server first described itself are not told.
    fn counts(&self, number: usize, mode: Mode) -> bool {
        let first = self.record.servers.first();
        mode.proves() && first.is_some_and(|(from, _)| *from <= number)
    }

    /// The samples of a chunk that count, each with its number.
    fn chunk(&self, chunk: usize) -> impl Iterator<Item = (usize, Sample)> {
        let numbered = (chunk * CHUNK..).zip(self.record.samples.chunk(chunk));
        numbered.filter(|(number, sample)| self.counts(*number, sample.mode))
    }

    /// Windows of about the wanted length that together hold all slots: longer where exchanges are so far
    /// apart that there would be no estimate, and the last one up to half as long again, rather than leave
    /// a short rest.
    fn windows(&self, census: &Census) -> Vec<Window> {
        let slots = (self.wanted.as_nanos() / self.step).max(1);
        let mut windows: Vec<Window> = Vec::new();
        for (place, (slot, n)) in census.slots.iter().enumerate() {
            let open = windows.last_mut().filter(|window| {
                let is_short = slot.saturating_sub(window.from) < slots;
                let is_poor =
                    || window.exchanges < LEAST_IN_WINDOW && !census.is_break(place, slots);
                (is_short || is_poor()) && window.exchanges + n <= MOST_IN_WINDOW
            });
            match open {
                Some(window) => {
                    window.to = slot + 1;
                    window.exchanges += n;
                }
                None => windows.push(Window {
                    from: *slot,
                    to: slot + 1,
                    exchanges: *n,
                }),
            }
        }
        settle_rest(&mut windows, slots, census);
        windows
    }

    /// Folds windows that are next to each other: what they have a share in is unpacked once.
    fn fold_group(&self, windows: &[Window], census: &Census) -> Vec<Folded> {
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
            return Vec::new();
        };
        let samples = self.samples(first.from, self.heard_until(last, census));
        let steering = Steering::of(samples.iter().map(|(_, sample)| Reading::of(sample)));
        let from = |slot: i64| {
            let begin = slot.saturating_mul(self.step);
            samples
                .partition_point(|(_, sample)| self.origin.x(sample.at).is_none_or(|x| x < begin))
        };
        windows
            .iter()
            .map(|window| {
                let within = samples.get(from(window.from)..from(window.to));
                self.fold(within.unwrap_or_default(), &steering)
            })
            .collect()
    }

    /// Up to before which slot readings of the local clock tell what it did while the window's exchanges were
    /// out: that of the first one after the last of them is over.
    fn heard_until(&self, window: &Window, census: &Census) -> i64 {
        let over = window.to.saturating_add(self.origin.timeout_in(self.step));
        let next = census.slots.partition_point(|(slot, _)| *slot < over);
        census.slots.get(next).map_or(over, |(slot, _)| slot + 1)
    }

    /// Folds a window, from its samples in order, and what is known of the local clock around them.
    fn fold(&self, samples: &[(usize, Sample)], steering: &Steering) -> Folded {
        let mut folded = Folded::default();
        let mut claims = Vec::with_capacity(samples.len());
        // The slots that have claims, and where those of each end.
        let mut ends: Vec<(i64, usize)> = Vec::new();
        for (number, sample) in samples {
            let Some(x) = self.origin.x(sample.at) else {
                continue;
            };
            let claim = self
                .server(*number)
                .and_then(|server| self.origin.claim(*number, sample, server, steering));
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
        if let (Some((_, first)), Some((_, last))) = (samples.first(), samples.last()) {
            // Gaps begin at an exchange: each is of the window that this one is in.
            let of_window = first.at.as_nanos().into()..=last.at.as_nanos().into();
            folded.clock_steps = steering.steps_in(of_window);
        }
        let mut begun = 0;
        let slots: Vec<(usize, Slot)> = ends
            .iter()
            .filter_map(|(_, end)| {
                let of_slot = claims.get(begun..*end)?;
                begun = *end;
                Some((*end, Slot::of(of_slot, self.drift)?))
            })
            .collect();
        folded.last = claims.last().copied();
        let drafts = stretch::cut(self.premise(), &claims, &slots);
        let place = |draft: &Draft| slots.partition_point(|(_, slot)| slot.end < draft.middle.x);
        folded.drafts = drafts
            .into_iter()
            .map(|draft| (place(&draft), draft))
            .collect();
        folded.slots = slots.into_iter().map(|(_, slot)| slot).collect();
        folded
    }

    /// The samples of some slots, in order.
    fn samples(&self, from: i64, to: i64) -> Vec<(usize, Sample)> {
        let within = |range: &Option<(i64, i64)>| {
            range.is_some_and(|(first, last)| first < to && last >= from)
        };
        let chunks = (0..).zip(&self.ranges).filter(|(_, range)| within(range));
        let wanted = from.saturating_mul(self.step)..to.saturating_mul(self.step);
        let mut samples = Vec::new();
        for (chunk, _) in chunks {
            let of_chunk = self.chunk(chunk).filter(|(_, sample)| {
                let x = self.origin.x(sample.at);
                x.is_some_and(|x| wanted.contains(&x))
            });
            samples.extend(of_chunk);
        }
        // Stable: of those at one instant the one that was complete first stays first.
        samples.sort_by_key(|(_, sample)| sample.at);
        samples
    }

    fn premise(&self) -> Premise<'_> {
        Premise {
            origin: &self.origin,
            constant: self.wanted,
        }
    }

    fn server(&self, number: usize) -> Option<&ServerInfo> {
        let servers = &self.record.servers;
        let place = servers.partition_point(|(from, _)| *from <= number);
        servers.get(place.checked_sub(1)?).map(|(_, server)| server)
    }
}

/// Windows that are unpacked together.
fn groups(windows: &[Window], total: u64) -> Vec<&[Window]> {
    let most = LEAST_IN_GROUP.max(total / MOST_GROUPS);
    let mut rest = windows;
    let mut groups = Vec::new();
    while !rest.is_empty() {
        let mut exchanges = 0;
        let fits = rest.iter().take_while(|window| {
            exchanges += window.exchanges;
            exchanges <= most
        });
        let (group, after) = rest.split_at(fits.count().max(1));
        groups.push(group);
        rest = after;
    }
    groups
}

/// Gives a last window that is shorter than half of the others to the one before it, or as much of that one
/// to it that both have an estimate.
fn settle_rest(windows: &mut Vec<Window>, slots: i64, census: &Census) {
    let [.., before, last] = windows.as_mut_slice() else {
        return;
    };
    let all = before.exchanges.saturating_add(last.exchanges);
    let place = census.slots.partition_point(|(slot, _)| *slot < last.from);
    let follows = !census.is_break(place, slots);
    let is_short = last.to.saturating_sub(last.from) < slots / 2;
    let together = last.to.saturating_sub(before.from);
    let fits = together <= slots.saturating_add(slots / 2) && all <= MOST_IN_WINDOW;
    if is_short && fits {
        before.to = last.to;
        before.exchanges = all;
        windows.pop();
    } else if follows && last.exchanges < ESTIMATE_NEEDS && all >= 2 * ESTIMATE_NEEDS {
        let within = |(slot, _): &&(i64, u64)| (before.from..last.to).contains(slot);
        let mut held = 0;
        for (slot, n) in census.slots.iter().filter(within) {
            if held >= all / 2 {
                (before.exchanges, last.exchanges) = (held, all - held);
                last.from = *slot;
                break;
            }
            held += n;
            before.to = slot + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Plan, Timing, analyse};
    use super::*;
    use crate::sample::{Campaign, Event, Sink, SourceId};
    use crate::sim::{Scenario, SimLeg};

    /// As many exchanges, so far apart.
    fn campaign(exchanges: u32, apart: TimeDelta) -> Campaign {
        let mut leg = SimLeg::of(TimeDelta::from_micros(500));
        leg.mean_queue = TimeDelta::from_micros(200);
        let mut scenario = Scenario::new(leg.clone(), leg);
        scenario.exchanges = exchanges;
        scenario.interval = apart;
        scenario.play(1).campaign
    }

    fn timing(campaign: &Campaign, window: TimeDelta) -> Timing {
        let plan = Plan {
            window,
            ..Plan::default()
        };
        analyse(campaign, &plan).sources.remove(0).timing
    }

    /// The same run, with its exchanges in the order of these keys; without one, an exchange is left out.
    fn sorted_by(campaign: &Campaign, key: impl Fn(usize) -> Option<usize>) -> Campaign {
        let record = &campaign.sources[0];
        let keyed = record.samples.iter().enumerate();
        let mut order: Vec<(usize, Sample)> = keyed
            .filter_map(|(number, sample)| Some((key(number)?, sample)))
            .collect();
        order.sort_by_key(|(key, _)| *key);
        let mut sorted = Campaign::new(campaign.header.clone());
        sorted.event(&Event::Source(record.info.clone()));
        for (_, server) in &record.servers {
            sorted.event(&Event::Server(SourceId(0), *server));
        }
        for (_, sample) in order {
            sorted.event(&Event::Sample(SourceId(0), sample));
        }
        sorted
    }

    #[test]
    fn sparse_exchanges_have_an_estimate_all_the_time() {
        let s = TimeDelta::from_secs;
        for apart in [8, 16, 64, 256, 1_024] {
            let found = timing(&campaign(256, s(apart)), Plan::WINDOW);
            // Of 32 exchanges, or a few more: slots tell how far they are apart.
            let n = found.stretches.len();
            assert!((6..=8).contains(&n), "{apart} s: {n}");
            assert!(
                found.stretches.iter().all(|s| s.estimate.is_some()),
                "{apart} s: {:?}",
                found.stretches
            );
        }
    }

    #[test]
    fn a_wanted_window_is_made_no_longer_than_it_must() {
        let at_200_hz = campaign(2_000, TimeDelta::from_millis(5));
        for (millis, windows) in [(250, 40), (1_000, 10), (5_000, 2), (60_000, 1)] {
            let found = timing(&at_200_hz, TimeDelta::from_millis(millis));
            assert_eq!(found.stretches.len(), windows, "{millis} ms");
        }
        // Thirty-two exchanges at one a second.
        let found = timing(
            &campaign(320, TimeDelta::from_secs(1)),
            TimeDelta::NANOSECOND,
        );
        let lengths = found.stretches.iter().map(|s| s.exchanges);
        assert!(lengths.clone().all(|n| (24..=48).contains(&n)), "{found:?}");
    }

    /// Eight, two seconds apart, every seventeen minutes: what an `iburst` a time leaves.
    #[test]
    fn bursts_have_an_estimate_all_the_time() {
        let whole = campaign(60_000, TimeDelta::from_secs(2));
        let bursts = sorted_by(&whole, |n| (n % 512 < 8).then_some(n));
        let found = timing(&bursts, Plan::WINDOW);
        let n = found.stretches.len();
        assert!((26..=30).contains(&n), "{n}");
        assert!(found.stretches.iter().all(|s| s.estimate.is_some()));
        // Of two bursts one exchange: the next round number of seconds is 2000.
        let stability = found.stability.unwrap();
        assert_eq!(stability.tau0, TimeDelta::from_secs(2_000));
        assert_eq!(stability.missing, 0);
    }

    /// Thirty-two at last, and twenty more: twice twenty-six.
    #[test]
    fn the_end_of_a_run_has_an_estimate_too() {
        for n in [52, 56, 84, 90] {
            let found = timing(&campaign(n, TimeDelta::from_secs(64)), Plan::WINDOW);
            let last = found.stretches.last().unwrap();
            assert!(last.estimate.is_some(), "{n}: {:?}", found.stretches);
        }
    }

    /// Once a second for an hour, then once a minute, and the other way round.
    #[test]
    fn windows_follow_how_often_is_asked_then() {
        let often = campaign(3_600 + 24 * 3_600, TimeDelta::from_secs(1));
        for dense in [0..3_600, 80_000..usize::MAX] {
            let some = sorted_by(&often, |n| (dense.contains(&n) || n % 64 == 0).then_some(n));
            let found = timing(&some, Plan::WINDOW);
            let poor = found.stretches.iter().filter(|s| s.estimate.is_none());
            assert!(poor.count() <= 1, "{dense:?}");
            let (short, long): (Vec<_>, Vec<_>) = found
                .stretches
                .iter()
                .map(|s| s.to.since(s.from))
                .partition(|length| *length < TimeDelta::from_secs(600));
            assert!(
                short.len() >= 10 && long.len() >= 35,
                "{dense:?}: {short:?} {long:?}"
            );
        }
    }

    #[test]
    fn where_many_were_lost_windows_are_longer() {
        let whole = campaign(1_024, TimeDelta::from_secs(64));
        let poor = sorted_by(&whole, |n| (n * 7_919 % 20_011 % 8 < 5).then_some(n));
        let found = timing(&poor, Plan::WINDOW);
        let with = found.stretches.iter().filter(|s| s.estimate.is_some());
        assert!(with.count() + 1 >= found.stretches.len(), "{found:?}");
    }

    /// Slots begin at an exchange that another order has elsewhere, so that the last digits may differ.
    #[test]
    fn a_recording_may_be_in_any_order() {
        let ordered = campaign(20_000, TimeDelta::from_millis(500));
        let found = timing(&ordered, Plan::WINDOW);
        let orders = [
            |n: usize| n * 7_919 % 20_011,
            |n| usize::MAX - n,
            |n| n / 5_000 % 2,
        ];
        for key in orders {
            let same = timing(&sorted_by(&ordered, |n| Some(key(n))), Plan::WINDOW);
            assert_eq!((same.breaks, same.contradictory), (Vec::new(), 0));
            assert!(same.series.len().abs_diff(found.series.len()) <= 1);
            for (a, b) in same.series.iter().zip(&found.series) {
                let apart = a.interval.width() - b.interval.width();
                assert!(apart.abs() < TimeDelta::from_micros(100), "{a:?} {b:?}");
            }
            assert_eq!(same.stretches.len(), found.stretches.len());
            assert!(same.stretches.iter().all(|s| s.estimate.is_some()));
        }
    }
}
