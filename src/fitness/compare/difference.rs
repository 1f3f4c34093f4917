//! [`Difference`]: what differs between the sides beside what is to be compared.

use std::collections::BTreeSet;

use super::compared::{WhichSide, is_unequal};
use super::gate::ComparedSource;
use super::run::Run;
use crate::time::Timestamp;

/// What should be the same on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The host that measured.
    Host,
    /// Its kernel.
    Kernel,
    /// What the kernel reads time from.
    Clocksource,
    /// The hypervisor.
    Virtualisation,
    /// Maker and model of the machine: of a guest often its flavor.
    Machine,
    /// Model and number of its processors, and how many of them may be used.
    Processors,
    /// How much memory it has.
    Memory,
    /// How much processor time a control group allows.
    Quota,
    /// How much time the hypervisor gave to others.
    Stolen,
    /// Whether there are hints at overcommit.
    Overcommit,
    /// Time daemons that ran.
    TimeDaemons,
    /// The program that measured.
    Tool,
    /// What the run was asked to do, but for where its report went.
    Arguments,
    /// Whose recording it was.
    Format,
    /// How fast a server was assumed to drift.
    Drift,
    /// Who stamped the exchanges with a source.
    Stamps,
    /// A source that only one side asked.
    Source,
    /// When the runs were: all of one side before all of the other.
    Order,
    /// Runs that did not go to their end.
    CutShort,
    /// How many runs: one side has more than twice those of the other.
    Runs,
    /// How widely metrics scatter from run to run: those of each side that scatter clearly wider there.
    Scatter,
}

/// What differs, or is to be known of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is.
    pub about: About,
    /// The source it concerns; absent where it concerns runs.
    pub source: Option<String>,
    /// What there is of it in BASE.
    pub base: Vec<String>,
    /// What there is of it in NEW.
    pub new: Vec<String>,
}

impl Difference {
    fn of(about: About, base: BTreeSet<String>, new: BTreeSet<String>) -> Option<Self> {
        (base != new).then(|| Self {
            about,
            source: None,
            base: base.into_iter().collect(),
            new: new.into_iter().collect(),
        })
    }

    /// Who stamped the exchanges with a source, called otherwise in new runs, if that differs.
    pub(super) fn of_stamps(
        base: &[Run],
        new: &[Run],
        (of_base, of_new): (&str, &str),
    ) -> Option<Self> {
        let stamps = |runs: &[Run], source: &str| {
            let measured = runs.iter().filter_map(|run| run.sources.get(source));
            measured.flat_map(|of| of.stamps.clone()).collect()
        };
        Some(Self {
            source: Some(of_base.to_owned()),
            ..Self::of(About::Stamps, stamps(base, of_base), stamps(new, of_new))?
        })
    }
}

/// What differs between the runs of both sides, whatever they measured.
pub(super) fn between(base: &[Run], new: &[Run]) -> Vec<Difference> {
    const CIRCUMSTANCES: [About; 14] = [
        About::Host,
        About::Kernel,
        About::Clocksource,
        About::Virtualisation,
        About::Machine,
        About::Processors,
        About::Memory,
        About::Quota,
        About::Overcommit,
        About::TimeDaemons,
        About::Tool,
        About::Arguments,
        About::Format,
        About::Drift,
    ];
    let told = |about: About| {
        let of = |runs: &[Run]| {
            let told = runs.iter().map(|run| run.circumstances.get(&about));
            let word = |told: Option<&String>| told.map_or("unknown", String::as_str).to_owned();
            told.map(word).collect()
        };
        Difference::of(about, of(base), of(new))
    };
    let circumstances = CIRCUMSTANCES.into_iter().filter_map(told);
    circumstances
        .chain(stolen(base, new))
        .chain(order(base, new))
        .chain(cut_short(base, new))
        .chain(counts(base, new))
        .collect()
}

/// Runs that were not taken by turns: whatever changed from the one time to the other is taken for what was
/// changed on purpose.
fn order(base: &[Run], new: &[Run]) -> Option<Difference> {
    let ends = |runs: &[Run]| {
        let times = || runs.iter().map(|run| run.started);
        Some((times().min()?, times().max()?))
    };
    let (of_base, of_new) = (ends(base)?, ends(new)?);
    let apart = of_base.1 < of_new.0 || of_new.1 < of_base.0;
    let told = |(first, last): (Timestamp, Timestamp)| format!("{} to {}", first.utc(), last.utc());
    apart.then(|| Difference {
        about: About::Order,
        source: None,
        base: vec![told(of_base)],
        new: vec![told(of_new)],
    })
}

/// How much time was stolen, where that differs for certain: no run of the one side may have had as little as
/// any of the other. Where only one side tells, that differs as well.
fn stolen(base: &[Run], new: &[Run]) -> Option<Difference> {
    let ends = |runs: &[Run]| {
        let told = || runs.iter().filter_map(|run| run.stolen);
        let lower = told().map(|(lower, _)| lower).min()?;
        Some((lower, told().map(|(_, upper)| upper).max()?))
    };
    let (of_base, of_new) = (ends(base), ends(new));
    let differs = match (of_base, of_new) {
        (Some(of_base), Some(of_new)) => of_base.1 < of_new.0 || of_new.1 < of_base.0,
        (of_base, of_new) => of_base.is_some() != of_new.is_some(),
    };
    let percent = |ppm: u32| format!("{}.{:02}", ppm / 10_000, ppm % 10_000 / 100);
    let told = |ends: Option<(u32, u32)>| match ends {
        // Rounded outward.
        Some((lower, upper)) => {
            let upper = upper.saturating_add(99);
            format!("{} to {} % of its time", percent(lower), percent(upper))
        }
        None => "not told".to_owned(),
    };
    differs.then(|| Difference {
        about: About::Stolen,
        source: None,
        base: vec![told(of_base)],
        new: vec![told(of_new)],
    })
}

fn cut_short(base: &[Run], new: &[Run]) -> Option<Difference> {
    let names = |runs: &[Run]| -> Vec<String> {
        let cut = runs.iter().filter(|run| run.is_cut_short);
        cut.map(|run| run.name.clone()).collect()
    };
    let (base, new) = (names(base), names(new));
    (!base.is_empty() || !new.is_empty()).then_some(Difference {
        about: About::CutShort,
        source: None,
        base,
        new,
    })
}

fn counts(base: &[Run], new: &[Run]) -> Option<Difference> {
    is_unequal(base.len(), new.len()).then(|| Difference {
        about: About::Runs,
        source: None,
        base: vec![base.len().to_string()],
        new: vec![new.len().to_string()],
    })
}

/// Which metrics scatter wider on one side, source by source.
pub(super) fn of_scatter(sources: &[ComparedSource]) -> Vec<Difference> {
    let told = sources.iter().filter_map(|source| {
        let wider = |side: WhichSide| -> Vec<String> {
            let those = source.metrics.iter().filter(|of| of.wider == Some(side));
            those.map(|of| of.metric.name().to_owned()).collect()
        };
        let (base, new) = (wider(WhichSide::Base), wider(WhichSide::New));
        (!base.is_empty() || !new.is_empty()).then(|| Difference {
            about: About::Scatter,
            source: Some(source.pair.base.clone()),
            base,
            new,
        })
    });
    told.collect()
}
