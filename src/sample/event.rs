//! [`Event`]: everything a run can tell, in the order it happened.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Audited, ClockReading, Disturbance, Environment, Rejection, Sample, ServerInfo, StampFault,
};
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// Major version of the recording: a reader refuses a newer one.
pub const SCHEMA_MAJOR: u32 = 1;
/// Minor version: a reader skips and counts line kinds it does not know.
pub const SCHEMA_MINOR: u32 = 0;

/// Which source of a run: its place in the order they were declared.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct SourceId(pub u32);

impl SourceId {
    /// The id as an index.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// What kind of thing is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// An NTP server.
    Ntp,
    /// An NTP server that is asked in a burst, once it has been measured as a source of its own.
    Burst,
    /// This program's own server on loopback: what is measured there is this host's noise floor.
    Embedded,
    /// A PTP hardware clock of this host.
    Phc,
    /// A real-time clock of this host.
    Rtc,
    /// A time daemon's own view of the clock it steers, by all of its servers together.
    Daemon,
}

impl SourceKind {
    /// Whether it is asked over a network; the others are read.
    pub fn is_server(self) -> bool {
        matches!(self, Self::Ntp | Self::Burst | Self::Embedded)
    }
}

/// Which time scale a source serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Timescale {
    /// Coordinated Universal Time, as NTP prescribes.
    Utc,
    /// International Atomic Time.
    Tai,
    /// UTC with leap seconds spread over hours.
    Smeared,
    /// Not said.
    Unknown,
}

/// One address of one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// The source as it was asked for.
    pub source: String,
    /// The address it resolved to, zone included; a clock's device.
    pub address: String,
    /// UDP port; 0 for what is no server.
    pub port: u16,
    /// What kind of thing it is.
    pub kind: SourceKind,
    /// Which time scale it serves.
    pub timescale: Timescale,
    /// Which of several paths to one server: each has a source port of its own, so that routers that
    /// share out load may send it another way. 1 for the first; 0 where there is one path only.
    #[serde(default)]
    pub path: u16,
    /// Whose clock the local one is, where it is not this host's: in what others measured, each source may
    /// have another, and then says nothing of the others.
    #[serde(default)]
    pub local_clock: Option<String>,
}

impl fmt::Display for SourceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.kind.is_server() {
            f.write_str(&self.address)
        } else if self.address.contains(':') {
            write!(f, "[{}]:{}", self.address, self.port)?;
            path(self.path, f)
        } else {
            write!(f, "{}:{}", self.address, self.port)?;
            path(self.path, f)
        }
    }
}

/// What the instants of a run ([`Sample::at`] and its like) count on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// The host's unsteered counter.
    #[default]
    Counter,
    /// The local clock itself, in a run that was recorded without a counter: whatever it was slewed or
    /// stepped by lies on the axis, too.
    LocalClock,
}

/// Says which path, where there are several.
fn path(path: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match path {
        0 => Ok(()),
        n => write!(f, " path {n}"),
    }
}

/// What is known before the first packet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Program name and version.
    pub tool: String,
    /// Random name of the run.
    pub run_id: String,
    /// Local clock at the start.
    pub started: Timestamp,
    /// The unsteered counter at the start.
    pub started_at: Monotonic,
    /// The command line, without the program's name.
    pub arguments: Vec<String>,
    /// Seed of the pacing.
    pub seed: u64,
    /// How long an answer was waited for.
    pub timeout: TimeDelta,
    /// What its instants count on.
    pub axis: Axis,
    /// Where it ran.
    pub environment: Environment,
}

/// What ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// The unsteered counter at the end.
    pub at: Monotonic,
    /// Whether a signal ended it early.
    pub interrupted: bool,
}

/// Why a request never became a sample, though no answer to it was rejected.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// No answer within the time-out.
    Timeout,
    /// The network or the host answered that it cannot be delivered.
    Refused,
    /// Its socket had to be replaced while it was out.
    Socket,
    /// The run ended first.
    Interrupted,
}

/// Something worth a line beside the samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// A name that has no address.
    Unresolved {
        /// The source as it was asked for.
        source: String,
        /// What the resolver said.
        error: String,
    },
    /// Two sources share one address; it is measured once.
    SameAddress {
        /// The source that is left out.
        source: String,
        /// The source that is measured.
        measured_as: String,
    },
    /// Probes are sent less often than asked, out of politeness to a public server.
    Polite,
    /// The kernel's stamps are not to be had.
    StampsUnavailable {
        /// Why.
        error: String,
    },
    /// Packets by this interface are stamped by a network card.
    HardwareStamps {
        /// The interface.
        interface: String,
        /// The card: the interface itself, or one beneath it.
        card: String,
        /// Device of the card's clock.
        clock: String,
        /// How the card is set.
        setting: String,
        /// Whether it was set so for this run.
        was_set: bool,
    },
    /// Packets by this interface are not stamped by a network card.
    NoHardwareStamps {
        /// The interface.
        interface: String,
        /// Why.
        reason: String,
        /// Whether hardware stamps were asked for.
        asked: bool,
    },
    /// A card stamps no longer, or its stamps cannot be used.
    CardTrouble {
        /// The card.
        card: String,
        /// Why.
        trouble: String,
    },
    /// A card stamps as before.
    CardRecovered {
        /// The card.
        card: String,
    },
    /// The card's clock and the system's moved against each other: one of them was stepped.
    CardClockStepped {
        /// The card.
        card: String,
        /// How far: positive if the system's moved forward, or the card's back.
        by: TimeDelta,
    },
    /// A card could not be set back as it was.
    CardNotRestored {
        /// Why.
        error: String,
    },
    /// The server cannot be reached, by the network's or the host's own word.
    Unreachable {
        /// The system's error.
        error: String,
    },
    /// A server that could not be reached answers again.
    Reachable,
    /// The server never answered and was refused too often; it is not asked again.
    GivenUp,
    /// The socket was replaced.
    NewSocket {
        /// Why.
        reason: String,
    },
    /// The server asked for fewer requests; the interval stays at this from here on.
    Slowed {
        /// The new mean interval.
        interval: TimeDelta,
    },
    /// The server refused service and is not asked again.
    Stopped {
        /// The kiss code.
        kiss: Rejection,
    },
    /// Root distance above 1 s, the limit from which RFC 5905 distrusts a server.
    DistantRoot,
    /// The server does not answer in interleaved mode.
    NotInterleaved,
    /// The noise floor could not be measured.
    NoFloor {
        /// Why.
        error: String,
    },
    /// The cross-check could not be made.
    CrossCheckFailed {
        /// Why.
        error: String,
    },
    /// A server was asked as no client asks that wants the time.
    Audited(Audited),
    /// The run was recorded by another program.
    Imported {
        /// The format it was recorded in.
        format: String,
        /// What its stamps and numbers mean: which clock is measured, who stamped, what is rounded.
        meaning: String,
    },
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A source is about to be measured. Ids are given in order, from 0.
    Source(Arc<SourceInfo>),
    /// The server describes itself differently than before; holds for the samples that follow.
    Server(SourceId, ServerInfo),
    /// A valid exchange.
    Sample(SourceId, Sample),
    /// A request that got no answer.
    Lost(SourceId, Monotonic, LossCause),
    /// Packets that are not samples; several of one kind may be told at once.
    Rejected(SourceId, Monotonic, Rejection, u64),
    /// Local stamps that were not used; several of one kind may be told at once.
    StampFault(SourceId, Monotonic, StampFault, u64),
    /// The independent implementation's view of the same server: offset and delay.
    CrossCheck(SourceId, TimeDelta, TimeDelta),
    /// The local clock as it is; boxed, as is what follows, since most events are samples.
    Clock(Box<ClockReading>),
    /// Something that happened to the local clock.
    Disturbance(Box<Disturbance>),
    /// Something worth a line, of one source or of the run.
    Note(Option<SourceId>, Monotonic, Note),
    /// The run is over.
    End(RunEnd),
}

/// Takes events as they happen. A sink that fails keeps its own account of it: measuring goes on.
pub trait Sink {
    /// Takes one event.
    fn event(&mut self, event: &Event);

    /// Takes samples in a row, as if each came as an event. A sink that is given millions of them may
    /// have a shorter way.
    fn samples(&mut self, samples: &[(SourceId, Sample)]) {
        for &(source, sample) in samples {
            self.event(&Event::Sample(source, sample));
        }
    }

    /// Told that time passes, at least twice a second, also while nothing happens: a sink that
    /// holds something back lets it go here. Does nothing by default.
    fn tick(&mut self, _now: Monotonic) {}
}

/// Hands each event to several sinks, in order.
pub struct Tee<'a>(pub Vec<&'a mut dyn Sink>);

impl Sink for Tee<'_> {
    fn event(&mut self, event: &Event) {
        for sink in &mut self.0 {
            sink.event(event);
        }
    }

    fn samples(&mut self, samples: &[(SourceId, Sample)]) {
        for sink in &mut self.0 {
            sink.samples(samples);
        }
    }

    fn tick(&mut self, now: Monotonic) {
        for sink in &mut self.0 {
            sink.tick(now);
        }
    }
}
