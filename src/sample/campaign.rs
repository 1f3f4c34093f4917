//! [`Campaign`]: all that one run told, ready to be analysed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{
    ClockReading, Disturbance, DisturbanceKind, Event, Leap, Load, LossCause, Note, ReferenceSpell,
    Rejection, RunEnd, RunHeader, Sample, Samples, ServerInfo, Sink, SourceId, SourceInfo,
    SourceKind, StampFault,
};
use crate::time::{Monotonic, TimeDelta};

/// Notes kept for one run. A server that flaps for days must not fill memory; those beyond are
/// counted.
const MAX_NOTES: usize = 10_000;

/// Disturbances of each kind that are kept for one run; those beyond are counted. A clock that is
/// stepped or slewed more often than this needs no longer list, and the other kinds keep their room.
const MAX_DISTURBANCES: u64 = 100;

/// So many requests at the beginning are looked at apart: those of a client that begins (`iburst`), which every server
/// lets pass that lets any.
pub const FIRST_REQUESTS: u64 = 8;

/// Everything one run told. It is filled by [`Sink::event`], live or from a recording, and nothing
/// else: so both give the same report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    /// What was known before the first packet.
    pub header: RunHeader,
    /// The sources, in the order they were declared.
    pub sources: Vec<SourceRecord>,
    /// The local clock as it was watched.
    pub clock: LocalClock,
    /// Notes in order, each with its source if it has one.
    pub notes: Vec<(Option<SourceId>, Monotonic, Note)>,
    /// Notes that were not kept because there were too many.
    pub notes_dropped: u64,
    /// How the run ended; absent where a recording stops short.
    pub end: Option<RunEnd>,
    /// Whether there is a source that is not this program's own server.
    has_others: bool,
}

/// What is kept of the watched local clock. The readings in between served their purpose when they
/// were made: what they showed is in the disturbances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalClock {
    /// How often it was read.
    pub readings: u64,
    /// The first reading.
    pub first: Option<Box<ClockReading>>,
    /// The last reading.
    pub last: Option<Box<ClockReading>>,
    /// What this host had to do meanwhile; absent where nothing tells.
    pub load: Option<LoadSpan>,
    /// The most that the kernel ever said its clock may be off by; absent where it never did.
    pub kernel_error: Option<TimeDelta>,
    /// Whether the kernel ever said that nobody keeps its clock synchronised.
    pub unsynchronised: bool,
    /// What disturbed it, in the order it was found.
    pub disturbances: Vec<Disturbance>,
    /// How many there were of each kind.
    pub counts: BTreeMap<DisturbanceKind, u64>,
}

/// The first and the last look at what a host had to do; there may have been but one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSpan {
    /// The first, and when.
    pub first: (Monotonic, Load),
    /// The last, and when.
    pub last: (Monotonic, Load),
}

impl LocalClock {
    /// How many disturbances are not kept.
    pub fn dropped(&self) -> u64 {
        let beyond = |n: &u64| n.saturating_sub(MAX_DISTURBANCES);
        self.counts.values().map(beyond).sum()
    }

    fn read(&mut self, reading: &ClockReading) {
        self.readings += 1;
        if let Some(discipline) = &reading.discipline {
            self.unsynchronised |= discipline.leap() == Leap::Unsynchronised;
            // Less than nothing is not an error bound.
            let said = Some(discipline.max_error).filter(|error| *error >= TimeDelta::ZERO);
            self.kernel_error = self.kernel_error.max(said);
        }
        if let Some(load) = reading.load {
            let here = (reading.clocks.counter, load);
            let first = self.load.map_or(here, |span| span.first);
            self.load = Some(LoadSpan { first, last: here });
        }
        let place = match self.first {
            None => &mut self.first,
            Some(_) => &mut self.last,
        };
        *place = Some(Box::new(reading.clone()));
    }

    fn disturbed(&mut self, found: &Disturbance) {
        let count = self.counts.entry(found.change.kind()).or_default();
        *count += 1;
        if *count <= MAX_DISTURBANCES {
            self.disturbances.push(found.clone());
        }
    }
}

/// So many [`ReferenceSpell`]s are told of one source: four hours of one that is corrected each 16 s. Of one that has
/// as many the others are not known.
pub const SPELLS_KEPT: usize = 1_000;

/// What one source told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRecord {
    /// Which source.
    pub info: Arc<SourceInfo>,
    /// Valid exchanges, in the order they were completed.
    pub samples: Samples,
    /// What the server said of itself: from which sample on, and what.
    pub servers: Vec<(usize, ServerInfo)>,
    /// What most sources have nothing of: nothing, until there is something.
    incidents: Option<Box<Incidents>>,
}

/// What befell one source beside its samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incidents {
    /// Requests without an answer.
    pub lost: BTreeMap<LossCause, u64>,
    /// How many of the first [`FIRST_REQUESTS`] that ended were lost.
    pub lost_at_first: u64,
    /// Packets that are not samples.
    pub rejected: BTreeMap<Rejection, u64>,
    /// Local stamps that were not used.
    pub stamp_faults: BTreeMap<StampFault, u64>,
    /// Offset and delay as the independent implementation saw them.
    pub cross_checks: Vec<(TimeDelta, TimeDelta)>,
}

static NO_INCIDENTS: Incidents = Incidents {
    lost: BTreeMap::new(),
    lost_at_first: 0,
    rejected: BTreeMap::new(),
    stamp_faults: BTreeMap::new(),
    cross_checks: Vec::new(),
};

impl Campaign {
    /// A campaign that has only its header.
    pub fn new(header: RunHeader) -> Self {
        Self {
            header,
            ..Self::default()
        }
    }

    /// Whether a source stands beside those that were asked for: a burst, or this program's own server where
    /// there are others, which was measured for the noise floor alone. Where there is nothing else it
    /// is what was asked for.
    pub fn is_beside(&self, source: &SourceRecord) -> bool {
        match source.info.kind {
            SourceKind::Burst => true,
            SourceKind::Embedded => self.has_others,
            _ => false,
        }
    }

    /// The burst in which the server was asked that a source is, too.
    pub fn burst_of(&self, source: &SourceRecord) -> Option<SourceId> {
        let (address, port) = (&source.info.address, source.info.port);
        let sources = (0..).map(SourceId).zip(&self.sources);
        let mut bursts = sources.filter(|(_, of)| of.info.kind == SourceKind::Burst);
        let found = bursts.find(|(_, of)| (&of.info.address, of.info.port) == (address, port));
        found.map(|(id, _)| id)
    }

    /// The sources that were asked for.
    pub fn asked(&self) -> impl Iterator<Item = &SourceRecord> {
        self.sources.iter().filter(|source| !self.is_beside(source))
    }
}

impl SourceRecord {
    fn new(info: Arc<SourceInfo>) -> Self {
        Self {
            info,
            samples: Samples::default(),
            servers: Vec::new(),
            incidents: None,
        }
    }

    /// What befell it beside its samples.
    pub fn incidents(&self) -> &Incidents {
        self.incidents.as_deref().unwrap_or(&NO_INCIDENTS)
    }

    /// Requests that left: each ended as a sample, as lost, or with its answer rejected.
    pub fn sent(&self) -> u64 {
        self.incidents()
            .rejected
            .iter()
            .filter(|(r, _)| r.ends_request())
            .map(|(_, n)| *n)
            .chain([self.lost_total()])
            .fold(
                u64::try_from(self.samples.len()).unwrap_or(u64::MAX),
                u64::saturating_add,
            )
    }

    /// Requests without an answer.
    pub fn lost_total(&self) -> u64 {
        self.incidents().lost.values().sum()
    }

    /// What the server last said of itself.
    pub fn server(&self) -> Option<&ServerInfo> {
        self.servers.last().map(|(_, info)| info)
    }

    /// The most that the server ever may have been off UTC by, by its own word.
    pub fn largest_root_distance(&self) -> Option<TimeDelta> {
        let told = self.servers.iter();
        told.map(|(_, info)| info.root_distance()).max()
    }

    /// When the server said that its clock was last corrected, over time: the first [`SPELLS_KEPT`] of it, where that
    /// tells it from others.
    pub fn reference_spells(&self) -> Vec<ReferenceSpell> {
        let mut spells: Vec<ReferenceSpell> = Vec::new();
        if self
            .servers
            .iter()
            .all(|(_, of)| of.reference_time.is_none())
        {
            return spells;
        }
        let mut before = None;
        for (sample, info) in self.samples_with_server() {
            let at = sample.exchange.t3();
            let said = info
                .reference_time
                .map(|of| (of, info.stratum, info.reference_id));
            let goes_on = said == before;
            before = said;
            match (said, spells.last_mut()) {
                (Some(_), Some(last)) if goes_on => {
                    last.from = last.from.min(at);
                    last.to = last.to.max(at);
                }
                (Some((time, stratum, id)), _) => spells.push(ReferenceSpell {
                    time,
                    stratum,
                    id,
                    from: at,
                    to: at,
                }),
                (None, _) => {}
            }
            if spells.len() > SPELLS_KEPT {
                spells.pop();
                break;
            }
        }
        spells
    }

    /// Each sample with what the server said of itself at that time.
    pub fn samples_with_server(&self) -> impl Iterator<Item = (Sample, &ServerInfo)> {
        let mut changes = self.servers.iter().peekable();
        let mut current = None;
        self.samples
            .iter()
            .enumerate()
            .filter_map(move |(index, sample)| {
                while let Some((_, info)) = changes.next_if(|(from, _)| *from <= index) {
                    current = Some(info);
                }
                current.map(|info| (sample, info))
            })
    }
}

fn incidents(record: &mut SourceRecord) -> &mut Incidents {
    record.incidents.get_or_insert_default()
}

/// Counts told at once may come from a file, which can claim any number.
fn add(count: &mut u64, n: u64) {
    *count = count.saturating_add(n);
}

impl Sink for Campaign {
    fn samples(&mut self, samples: &[(SourceId, Sample)]) {
        for &(source, sample) in samples {
            if let Some(record) = self.sources.get_mut(source.index()) {
                record.samples.push(sample);
            }
        }
    }

    fn event(&mut self, event: &Event) {
        let id = match *event {
            Event::Source(ref info) => {
                self.has_others |= info.kind != SourceKind::Embedded;
                self.sources.push(SourceRecord::new(Arc::clone(info)));
                return;
            }
            Event::Note(source, at, ref note) => {
                if self.notes.len() < MAX_NOTES {
                    self.notes.push((source, at, note.clone()));
                } else {
                    self.notes_dropped += 1;
                }
                return;
            }
            Event::Clock(ref reading) => {
                self.clock.read(reading);
                return;
            }
            Event::Disturbance(ref found) => {
                self.clock.disturbed(found);
                return;
            }
            Event::End(end) => {
                self.end = Some(end);
                return;
            }
            Event::Server(id, _)
            | Event::Sample(id, _)
            | Event::Lost(id, ..)
            | Event::Rejected(id, ..)
            | Event::StampFault(id, ..)
            | Event::CrossCheck(id, ..) => id,
        };
        // A recording may name a source it never declared; there is nothing to tell about it.
        let Some(record) = self.sources.get_mut(id.index()) else {
            return;
        };
        match *event {
            Event::Server(_, info) => {
                // Most servers describe themselves once; a Vec would take room for four.
                record
                    .servers
                    .reserve_exact(usize::from(record.servers.is_empty()));
                record.servers.push((record.samples.len(), info));
            }
            Event::Sample(_, sample) => record.samples.push(sample),
            Event::Lost(_, _, cause) => {
                let is_early = record.sent() < FIRST_REQUESTS;
                let incidents = incidents(record);
                incidents.lost_at_first += u64::from(is_early);
                add(incidents.lost.entry(cause).or_default(), 1);
            }
            Event::Rejected(_, _, rejection, n) => {
                add(incidents(record).rejected.entry(rejection).or_default(), n);
            }
            Event::StampFault(_, _, fault, n) => {
                add(incidents(record).stamp_faults.entry(fault).or_default(), n);
            }
            Event::CrossCheck(_, offset, delay) => {
                incidents(record).cross_checks.push((offset, delay));
            }
            Event::Source(_)
            | Event::Clock(_)
            | Event::Disturbance(_)
            | Event::Note(..)
            | Event::End(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{
        Change, Exchange, Mode, ReferenceId, ReferenceTime, StampSource, Timescale,
    };
    use crate::time::{Frequency, Timestamp};

    #[test]
    fn a_server_s_corrections_are_told_by_spells() {
        let info = SourceInfo {
            source: "ntp1".to_owned(),
            address: "192.0.2.1".to_owned(),
            port: 123,
            kind: SourceKind::Ntp,
            timescale: Timescale::Utc,
            path: 0,
            local_clock: None,
        };
        let mut record = SourceRecord::new(info.into());
        // Of each four exchanges the last one says nothing; a correction lasts two such fours.
        for k in 0..20_000 {
            let exchange = Exchange {
                t1: Timestamp::from_nanos(k * 1_000),
                upper: TimeDelta::ZERO,
                residence: TimeDelta::from_nanos(7),
                lower: TimeDelta::ZERO,
                tx: StampSource::Kernel,
                rx: StampSource::Kernel,
                error: TimeDelta::ZERO,
            };
            let time = u64::try_from(k / 8 + 1).unwrap() << 32 | 0x1234_5678;
            let info = ServerInfo {
                leap: Leap::None,
                stratum: 2,
                precision: -20,
                root_delay: TimeDelta::ZERO,
                root_dispersion: TimeDelta::ZERO,
                reference_id: ReferenceId::default(),
                reference_time: ReferenceTime::telling(time).filter(|_| k % 4 != 3),
            };
            record.servers.push((record.samples.len(), info));
            record.samples.push(Sample {
                exchange,
                mode: Mode::Basic,
                at: Monotonic::from_nanos(k),
                at_error: TimeDelta::ZERO,
            });
        }
        let spells = record.reference_spells();
        assert_eq!(spells.len(), SPELLS_KEPT);
        let ends: Vec<_> = spells
            .iter()
            .map(|of| (of.from.as_nanos(), of.to.as_nanos()))
            .collect();
        assert_eq!(ends[..3], [(7, 2_007), (4_007, 6_007), (8_007, 10_007)]);
        // All of the last one that is kept is.
        assert_eq!(ends[999], (3_996_007, 3_998_007));
        assert_eq!(spells[1].time, spells[0].time);
        assert_ne!(spells[2].time, spells[1].time);
    }

    #[test]
    fn a_flood_of_one_kind_leaves_room_for_the_others() {
        let mut campaign = Campaign::default();
        let mut tell = |change| {
            let found = Disturbance {
                at: Monotonic::default(),
                at_error: TimeDelta::ZERO,
                wall: Timestamp::default(),
                change,
            };
            campaign.event(&Event::Disturbance(found.into()));
        };
        let slew = || Change::Slew {
            from: Frequency::default(),
            to: Frequency::from_ppm(50),
            error: Frequency::default(),
        };
        let length = TimeDelta::from_secs(2);
        for _ in 0..130 {
            tell(slew());
        }
        tell(Change::Suspend { length });
        let clock = &campaign.clock;
        assert_eq!((clock.disturbances.len(), clock.dropped()), (101, 30));
        assert_eq!(clock.disturbances[100].change, Change::Suspend { length });
        let count = |kind| clock.counts[&kind];
        assert_eq!(count(DisturbanceKind::Slew), 130);
        assert_eq!(count(DisturbanceKind::Suspend), 1);
    }

    #[test]
    fn absurd_counts_saturate() {
        let mut campaign = Campaign::default();
        campaign.event(&Event::Source(
            SourceInfo {
                source: "ntp.example".into(),
                address: "192.0.2.1".into(),
                port: 123,
                kind: SourceKind::Ntp,
                timescale: Timescale::Unknown,
                path: 0,
                local_clock: None,
            }
            .into(),
        ));
        let at = Monotonic::default();
        for rejection in [
            Rejection::KissDeny,
            Rejection::KissDeny,
            Rejection::KissRate,
        ] {
            campaign.event(&Event::Rejected(SourceId(0), at, rejection, u64::MAX));
        }
        assert_eq!(campaign.sources[0].sent(), u64::MAX);
    }
}
