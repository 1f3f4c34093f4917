//! [`Floor`]: what this host measures where the true offset is zero.

use super::SourceAssessment;
use crate::sample::{
    Campaign, Class, LossCause, Note, Samples, SourceId, SourceKind, SourceRecord,
};
use crate::stats::{QuantileEstimate, Summary};
use crate::time::TimeDelta;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the local clock compares with itself: both ends of each exchange read one clock, so the true
/// offset is zero, and whatever is measured is error. Nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    /// What it was measured by.
    pub source: SourceId,
    /// How it was asked, and who stamped. It speaks of exchanges of this class alone.
    pub class: Class,
    /// Mean time between two exchanges, absent where there is one only. The longer the pauses, the
    /// colder the caches, the deeper the sleep of the processor, and the higher the floor.
    pub spacing: Option<TimeDelta>,
    /// Offset. Its median is the bias: what no number of exchanges removes.
    pub offset: Summary,
    /// Size of the offset, without its sign.
    pub abs_offset: Summary,
}

impl Floor {
    /// p95 of the size of the offset with its 95 % interval, or how many exchanges that takes: 72,
    /// which is a few seconds; p99 would take 368.
    pub fn level(&self) -> QuantileEstimate {
        self.abs_offset.p95
    }

    /// The floor as one number, the upper end of that interval: offsets smaller than this cannot be
    /// told from zero. Of measurements of a true zero nineteen in twenty come out at or below it, with
    /// at least 97.5 % confidence: a one-sided tolerance limit that assumes no distribution
    /// (NIST/SEMATECH e-Handbook of Statistical Methods, 7.2.6.4). Absent where there are too few
    /// exchanges.
    pub fn limit(&self) -> Option<TimeDelta> {
        match self.level() {
            QuantileEstimate::Known { upper, .. } => Some(TimeDelta::from_nanos(upper)),
            QuantileEstimate::Needs { .. } => None,
        }
    }
}

/// Whether an offset can be told from zero on this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The median offset is smaller than the floor: below what this host can resolve.
    Below,
    /// It is not.
    Above,
    /// There is no floor with these stamps, or there are too few exchanges for the floor or for the
    /// median.
    Undetermined,
}

/// How a source stands to the noise floor of its mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloorComparison {
    /// Which of the [`floors`](super::Assessment::floors): that of the source's own class, or else
    /// one of its mode with other stamps.
    pub floor: usize,
    /// Whether the stamps are the same too. Otherwise the floor says nothing about the source.
    pub applies: bool,
    /// What follows.
    pub resolution: Resolution,
}

/// The floors of a campaign, in the order of its sources: of each class the one with the most
/// exchanges. The first answers of an interleaved source are basic; only the main class of each
/// counts, which is what it was asked for.
pub(super) fn find(campaign: &Campaign, sources: &[SourceAssessment]) -> Vec<Floor> {
    let mut floors: Vec<Floor> = Vec::new();
    for (id, record, found) in numbered(campaign, sources) {
        let Some(main) = found.classes.first() else {
            continue;
        };
        if record.info.kind != SourceKind::Embedded {
            continue;
        }
        let floor = Floor {
            source: id,
            class: main.class,
            spacing: spacing(&record.samples),
            offset: main.offset.clone(),
            abs_offset: main.abs_offset.clone(),
        };
        match floors.iter_mut().find(|known| known.class == floor.class) {
            Some(known) if known.offset.n < floor.offset.n => *known = floor,
            Some(_) => {}
            None => floors.push(floor),
        }
    }
    floors
}

fn numbered<'a>(
    campaign: &'a Campaign,
    sources: &'a [SourceAssessment],
) -> impl Iterator<Item = (SourceId, &'a SourceRecord, &'a SourceAssessment)> {
    let both = campaign.sources.iter().zip(sources);
    (0..)
        .zip(both)
        .map(|(n, (record, found))| (SourceId(n), record, found))
}

/// The mean time between two exchanges.
fn spacing(samples: &Samples) -> Option<TimeDelta> {
    let mut each = samples.iter().map(|sample| sample.at);
    let first = each.next()?;
    let (gaps, last) = (1i64..).zip(each).last()?;
    Some(TimeDelta::from_nanos(last.since(first).as_nanos() / gaps))
}

/// How a source stands to the floor of its mode; `None` where there is none, and for this host's own
/// server.
pub(super) fn compare(
    floors: &[Floor],
    record: &SourceRecord,
    found: &SourceAssessment,
) -> Option<FloorComparison> {
    if record.info.kind == SourceKind::Embedded {
        return None;
    }
    let main = found.classes.first()?;
    let same = floors.iter().position(|floor| floor.class == main.class);
    let is_similar = |floor: &Floor| floor.class.mode == main.class.mode;
    let floor = same.or_else(|| floors.iter().position(is_similar))?;
    let applying = same.and_then(|index| floors.get(index));
    Some(FloorComparison {
        floor,
        applies: same.is_some(),
        resolution: resolution(applying, &main.offset),
    })
}

fn resolution(floor: Option<&Floor>, offset: &Summary) -> Resolution {
    let limit = floor.and_then(Floor::limit);
    match (limit, offset.p50.value()) {
        (Some(limit), Some(median)) if TimeDelta::from_nanos(median).abs() < limit => {
            Resolution::Below
        }
        (Some(_), Some(_)) => Resolution::Above,
        _ => Resolution::Undetermined,
    }
}

/// Tells which parts of the floor could not be measured beside the sources, and why.
pub(super) fn failures(
    campaign: &Campaign,
    sources: &[SourceAssessment],
    floors: &[Floor],
    mut tell: impl FnMut(String),
) {
    for (id, record, found) in numbered(campaign, sources) {
        if record.info.kind != SourceKind::Embedded || !campaign.is_beside(record) {
            continue;
        }
        let floor = floors.iter().find(|floor| floor.source == id);
        let why = match (found.classes.first(), floor.map(Floor::level)) {
            (None, _) => no_exchange(record, found),
            (Some(_), _) if is_basic_only(campaign, id) => {
                "this program's own server does not answer in interleaved mode here".to_owned()
            }
            (Some(_), Some(QuantileEstimate::Known { .. })) => continue,
            (Some(main), Some(QuantileEstimate::Needs { n, .. })) => {
                format!("it takes {n} exchanges, and there are {}", main.offset.n)
            }
            // The first exchanges of an interleaved source are basic: it got no further.
            (Some(main), None) => format!(
                "there are {} exchanges in {} mode, and fewer in another",
                main.offset.n,
                main.class.mode.name()
            ),
        };
        tell(format!("{} was not measured: {why}", record.info.source));
    }
}

/// Whether a source was asked for interleaved answers, and gave none.
fn is_basic_only(campaign: &Campaign, id: SourceId) -> bool {
    campaign
        .notes
        .iter()
        .any(|(source, _, note)| *source == Some(id) && *note == Note::NotInterleaved)
}

fn no_exchange(record: &SourceRecord, found: &SourceAssessment) -> String {
    let lost = &record.incidents().lost;
    let cause = match lost.iter().max_by_key(|(_, n)| **n) {
        Some((LossCause::Timeout, _)) => ": no answer in time, though it is on this host",
        Some((LossCause::Refused, _)) => ": refused",
        _ => "",
    };
    format!("no valid exchange out of {} requests{cause}", found.sent)
}

#[cfg(test)]
mod tests;
