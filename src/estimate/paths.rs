//! [`Paths`]: one server over several paths, which differ by nothing but how they are asymmetric.

use super::agreement::at_instant;
use super::{Estimate, SourceAssessment};
use crate::sample::{Campaign, Sample, SourceId, SourceRecord};
use crate::time::{Interval, TimeDelta};

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
    /// The path with the lowest estimate, and that with the highest.
    pub extremes: Option<(SourceId, SourceId)>,
    /// From the lowest estimate to the highest: half of what the asymmetries of these two paths differ
    /// by.
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
        let estimates: Vec<_> = paths
            .iter()
            .filter_map(|(id, _, found)| Some((*id, found.timing.estimate()?)))
            .collect();
        let lowest = estimates.iter().min_by_key(|(_, e)| e.offset);
        let highest = estimates.iter().max_by_key(|(_, e)| e.offset);
        let extremes = lowest.zip(highest);
        let to_end = |end: TimeDelta, e: &Estimate| e.offset + (end - e.offset).times(WIDER);
        let upper = estimates
            .iter()
            .map(|(_, e)| to_end(e.interval.upper(), e))
            .min();
        let lower = estimates
            .iter()
            .map(|(_, e)| to_end(e.interval.lower(), e))
            .max();
        let apart = lower.zip(upper).map(|(lower, upper)| lower - upper);
        Self {
            paths: paths.iter().map(|(id, ..)| *id).collect(),
            bound: bound.flatten(),
            extremes: extremes.map(|((low, _), (high, _))| (*low, *high)),
            spread: extremes.map(|((_, low), (_, high))| high.offset - low.offset),
            least_spread: apart.unwrap_or_default().max(TimeDelta::ZERO),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Plan, analyse};
    use super::*;
    use crate::sample::{Event, Sink};
    use crate::sim::{Scenario, SimLeg};

    fn us(n: i64) -> TimeDelta {
        TimeDelta::from_micros(n)
    }

    /// One run over several ways out, as long as they are told.
    fn over(ways_out: &[i64]) -> Campaign {
        let leg = |floor| {
            let mut leg = SimLeg::of(us(floor));
            leg.mean_queue = us(20);
            leg
        };
        let mut all = Campaign::default();
        for (n, out) in (0u16..).zip(ways_out) {
            let mut scenario = Scenario::new(leg(*out), leg(300));
            scenario.exchanges = 100;
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
        let campaign = over(&[300, 300, 500, 300]);
        let found = analyse(&campaign, &Plan::default());
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
        let found = analyse(&over(&[300, 300, 300]), &Plan::default());
        assert_eq!(found.paths[0].least_spread, TimeDelta::ZERO);
        assert!(found.paths[0].spread.unwrap() < us(2));
        let one = analyse(&over(&[300]), &Plan::default());
        assert_eq!(one.paths[0].spread, Some(TimeDelta::ZERO));
    }
}
