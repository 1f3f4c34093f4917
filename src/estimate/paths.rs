//! [`Paths`]: one server over several paths, which differ by nothing but how they are asymmetric.

use super::agreement::at_instant;
use super::steering::saturate;
use super::{Estimate, SourceAssessment, Stretch};
use crate::sample::{Campaign, Sample, SourceId, SourceRecord};
use crate::time::{Interval, Rate, TimeDelta};

/// Many paths are compared, so that some of their 95 % intervals are apart by chance: intervals are taken
/// this many times as wide. The tails of these errors are exponential, so that one in twenty, e^-3,
/// becomes e^-9.
const WIDER: i64 = 3;

/// One server, asked from several source ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The paths, in the campaign's order.
    pub paths: Vec<SourceId>,
    /// The server's clock minus the local one, by all of them, at the last exchange of the run; absent
    /// where they contradict each other.
    pub bound: Option<Interval>,
    /// Of how many of them there are estimates of one instant: those that are compared.
    pub compared: usize,
    /// The path with the lowest estimate, and that with the highest; absent with fewer than two.
    pub extremes: Option<(SourceId, SourceId)>,
    /// From the lowest estimate to the highest, of one instant and as the exchanges of each path alone have
    /// it: half of what the asymmetries of these two paths differ by.
    pub spread: Option<TimeDelta>,
    /// What two estimates differ by at least, with intervals that are three times as wide as those of
    /// 95 %; zero where chance explains it.
    pub least_spread: TimeDelta,
}

/// The servers of a campaign that were asked over several paths.
pub(super) fn find(
    campaign: &Campaign,
    sources: &[SourceAssessment],
    common: &Sample,
) -> Vec<Paths> {
    let all = (0u32..).zip(campaign.sources.iter().zip(sources));
    let with_paths: Vec<_> = all
        .filter(|(_, (record, _))| record.info.path > 0)
        .map(|(n, (record, found))| (SourceId(n), record, found))
        .collect();
    // Paths of one server stand next to each other.
    with_paths
        .chunk_by(|(_, a, _), (_, b, _)| is_same_server(a, b))
        .map(|paths| Paths::of(paths, common))
        .collect()
}

/// Whether two sources are paths to one server.
pub(super) fn is_same_server(a: &SourceRecord, b: &SourceRecord) -> bool {
    let several = a.info.path > 0 && b.info.path > 0;
    several && (&a.info.address, a.info.port) == (&b.info.address, b.info.port)
}

impl Paths {
    fn of(paths: &[(SourceId, &SourceRecord, &SourceAssessment)], common: &Sample) -> Self {
        let bounds = paths
            .iter()
            .filter_map(|(_, _, found)| at_instant(found, common));
        let bound = bounds.fold(None, |both: Option<Option<Interval>>, one| match both {
            None => Some(Some(one)),
            Some(both) => Some(both.and_then(|both| both.intersect(one))),
        });
        let places = places(paths);
        let lowest = places.iter().min_by_key(|(_, place)| place.phi);
        let highest = places.iter().max_by_key(|(_, place)| place.phi);
        let extremes = lowest.zip(highest).filter(|_| places.len() > 1);
        let upper = places.iter().map(|(_, place)| place.upper).min();
        let lower = places.iter().map(|(_, place)| place.lower).max();
        let apart = lower.zip(upper).map(|(lower, upper)| lower - upper);
        let delta = |nanos: i128| TimeDelta::from_nanos(saturate(nanos));
        Self {
            paths: paths.iter().map(|(id, ..)| *id).collect(),
            bound: bound.flatten(),
            compared: places.len(),
            extremes: extremes.map(|((low, _), (high, _))| (*low, *high)),
            spread: extremes.map(|((_, low), (_, high))| delta(high.phi - low.phi)),
            least_spread: delta(apart.unwrap_or(0).max(0)),
        }
    }
}

/// Where one path puts the server's clock against the counter, and between what it is, by an interval that
/// is [`WIDER`]: nanoseconds.
struct Place {
    phi: i128,
    lower: i128,
    upper: i128,
}

/// What the paths say of one instant, the latest that most of them have an estimate near to.
fn places(paths: &[(SourceId, &SourceRecord, &SourceAssessment)]) -> Vec<(SourceId, Place)> {
    let of_path = |found: &SourceAssessment| -> Vec<Near> {
        let each = found.timing.stretches.iter();
        each.filter_map(Near::of).collect()
    };
    let each: Vec<(SourceId, Vec<Near>)> = paths
        .iter()
        .map(|(id, _, found)| (*id, of_path(found)))
        .collect();
    let Some(at) = Near::most(&each) else {
        return Vec::new();
    };
    let place = |near: &[Near]| {
        let there = near.iter().filter(|near| near.from <= at && at <= near.to);
        let nearest = there.min_by_key(|near| near.estimate.at.as_nanos().abs_diff(at))?;
        Some(Place::of(nearest, at))
    };
    each.iter()
        .filter_map(|(id, near)| Some((*id, place(near)?)))
        .collect()
}

/// An estimate, and the times that it can be carried to: half the length of its stretch beyond both ends.
struct Near {
    estimate: Estimate,
    length: i64,
    from: i64,
    to: i64,
}

impl Near {
    fn of(stretch: &Stretch) -> Option<Self> {
        let length = stretch.to.since(stretch.from).as_nanos();
        Some(Self {
            estimate: stretch.estimate?,
            length,
            from: stretch.from.as_nanos().saturating_sub(length / 2),
            to: stretch.to.as_nanos().saturating_add(length / 2),
        })
    }

    /// The middle of the last time at which the most paths have one.
    fn most(paths: &[(SourceId, Vec<Self>)]) -> Option<i64> {
        let mut edges: Vec<(i64, bool)> = Vec::new();
        for (_, nears) in paths {
            let mut times: Vec<(i64, i64)> = nears.iter().map(|n| (n.from, n.to)).collect();
            times.sort_unstable();
            // Those of one path that overlap are one.
            times.dedup_by(|next, kept| {
                let overlap = next.0 <= kept.1;
                if overlap {
                    kept.1 = kept.1.max(next.1);
                }
                overlap
            });
            edges.extend(
                times
                    .iter()
                    .flat_map(|(from, to)| [(*from, false), (*to, true)]),
            );
        }
        // At one instant they begin before others end.
        edges.sort_unstable();
        let (mut held, mut most) = (0_usize, 0);
        let mut last = None;
        for pair in edges.windows(2) {
            if let [(from, ends), (to, _)] = pair {
                held = if *ends {
                    held.saturating_sub(1)
                } else {
                    held + 1
                };
                if held >= most {
                    most = held;
                    last = Some(from.midpoint(*to));
                }
            }
        }
        last
    }
}

impl Place {
    /// By an estimate that is carried along its line. A line of least squares through points over a length T
    /// is known to within s / sqrt(n) in the middle and to 3.5 s / (sqrt(n) T) in its slope; 4 leaves room.
    fn of(near: &Near, at: i64) -> Self {
        let alone = &near.estimate.alone;
        let away = i128::from(at) - i128::from(near.estimate.at.as_nanos());
        let rate = i128::from(near.estimate.rate.as_parts());
        // What a hostile recording holds may be as large as it likes.
        let phi = alone.phi + rate.saturating_mul(away) / i128::from(Rate::WHOLE);
        let reach = |half: i64| {
            let half = i128::from(half) * i128::from(WIDER);
            let carried = (4 * half).saturating_mul(away.abs());
            half + (carried / i128::from(near.length.max(1))).min(i64::MAX.into())
        };
        Self {
            phi,
            lower: phi - reach(alone.below),
            upper: phi + reach(alone.above),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Plan, analyse};
    use super::*;
    use crate::sample::{Event, Samples, Sink};
    use crate::sim::{Scenario, SimLeg};
    use crate::time::{Frequency, Timestamp};

    const STEADY: Frequency = Frequency::from_ppm(0);

    fn us(n: i64) -> TimeDelta {
        TimeDelta::from_micros(n)
    }

    /// One run over several ways out, as long as they are told.
    fn over(ways_out: &[i64], drift: Frequency) -> Campaign {
        let leg = |floor| {
            let mut leg = SimLeg::of(us(floor));
            leg.mean_queue = us(20);
            leg
        };
        let mut all = Campaign::default();
        for (n, out) in (0u16..).zip(ways_out) {
            let mut scenario = Scenario::new(leg(*out), leg(300));
            scenario.exchanges = 100;
            scenario.drift = drift;
            let played = scenario.play(n.into()).campaign;
            if n == 0 {
                all = Campaign::new(played.header.clone());
            }
            let id = SourceId(n.into());
            let mut info = (*played.sources[0].info).clone();
            info.path = n + 1;
            all.event(&Event::Source(Arc::new(info)));
            all.event(&Event::Server(id, *played.sources[0].server().unwrap()));
            for sample in &played.sources[0].samples {
                all.event(&Event::Sample(id, sample));
            }
        }
        all
    }

    #[test]
    fn a_path_that_is_longer_one_way_stands_out() {
        let found = analyse(&over(&[300, 300, 500, 300], STEADY), &Plan::default());
        let [paths] = found.paths.as_slice() else {
            panic!("one server: {:?}", found.paths)
        };
        assert_eq!(paths.paths.len(), 4);
        let (_, highest) = paths.extremes.unwrap();
        assert_eq!(highest, SourceId(2));
        // 200 us more out is 100 us of offset.
        assert!((paths.spread.unwrap() - us(100)).abs() < us(2), "{paths:?}");
        assert!(paths.least_spread > us(93) && paths.least_spread < us(100));
        // The short paths bound what the long one hides.
        let bound = paths.bound.unwrap();
        assert!(
            bound.contains(TimeDelta::ZERO) && bound.width() < us(640),
            "{bound:?}"
        );
        // Four paths to one server are no four witnesses.
        assert_eq!(found.agreement, None);
    }

    #[test]
    fn equal_paths_differ_by_chance_only() {
        let found = analyse(&over(&[300, 300, 300], STEADY), &Plan::default());
        assert_eq!(found.paths[0].least_spread, TimeDelta::ZERO);
        assert!(found.paths[0].spread.unwrap() < us(2));
        let one = analyse(&over(&[300], STEADY), &Plan::default());
        assert_eq!((one.paths[0].spread, one.paths[0].compared), (None, 1));
    }

    /// What one path lacks another one does not hide.
    #[test]
    fn a_path_that_ended_early_is_compared_while_it_was_there() {
        let mut campaign = over(&[300, 300, 500], STEADY);
        let ended = &mut campaign.sources[2];
        let kept: Vec<Sample> = ended.samples.iter().take(40).collect();
        ended.samples = Samples::default();
        ended.samples.extend(kept);
        let found = analyse(&campaign, &Plan::default());
        assert_eq!(found.paths[0].compared, 3);
        assert_eq!(found.paths[0].extremes, Some((SourceId(0), SourceId(2))));
        assert!(found.paths[0].least_spread > us(60), "{:?}", found.paths);
    }

    #[test]
    fn whatever_an_estimate_holds_has_a_place() {
        let found = analyse(&over(&[300], STEADY), &Plan::default());
        let stretch = &found.sources[0].timing.stretches[0];
        let mut near = Near::of(stretch).unwrap();
        near.estimate.at = Timestamp::from_nanos(i64::MIN);
        near.estimate.rate = Rate::from_parts(i128::MAX);
        (near.estimate.alone.below, near.estimate.alone.above) = (i64::MAX, i64::MAX);
        for length in [0, 1, i64::MAX] {
            near.length = length;
            let place = Place::of(&near, i64::MAX);
            assert!(
                place.lower < place.phi && place.phi < place.upper,
                "{length}"
            );
        }
    }

    /// Requests of the paths come at other instants, and a clock that drifts is elsewhere at each.
    #[test]
    fn a_clock_that_drifts_is_no_asymmetry() {
        for ppm in [10, -50, 90] {
            let drift = Frequency::from_ppm(ppm);
            let equal = analyse(&over(&[300, 300, 300, 300], drift), &Plan::default());
            assert_eq!(equal.paths[0].least_spread, TimeDelta::ZERO, "{ppm} ppm");
            assert!(equal.paths[0].spread.unwrap() < us(2), "{ppm} ppm");
            let found = analyse(&over(&[300, 300, 500, 300], drift), &Plan::default());
            let spread = found.paths[0].spread.unwrap();
            assert!((spread - us(100)).abs() < us(2), "{ppm} ppm: {spread:?}");
            assert!(found.paths[0].least_spread > us(90), "{ppm} ppm");
        }
    }
}
