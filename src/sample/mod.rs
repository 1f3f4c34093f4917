//! The vocabulary everyone shares: stamps, exchanges, servers, rejections, events, a campaign.
//!
//! Floor 1, no I/O. A sampler emits [`Event`]s; a recording, a progress line and a [`Campaign`] are
//! [`Sink`]s of them; a report is made from a [`Campaign`] alone. That is why a replayed recording
//! gives the same bytes as the run that wrote it: both go through the same events.

mod audit;
mod campaign;
mod environment;
mod event;
mod exchange;
mod local;
mod reference;
mod rejection;
mod samples;
mod server;
mod stamp;

pub use audit::{Audited, Nts, OddAnswer, OddQuestion};
pub use campaign::{
    Campaign, FIRST_REQUESTS, Incidents, LoadSpan, LocalClock, SPELLS_KEPT, SourceRecord,
};
pub use environment::{Environment, Machine, Nic, PtpClock, Quota};
pub use event::{
    Axis, Event, LossCause, Note, RunEnd, RunHeader, SCHEMA_MAJOR, SCHEMA_MINOR, Sink, SourceId,
    SourceInfo, SourceKind, Tee, Timescale,
};
pub use exchange::{AT_ERROR_FLOOR, Class, Exchange, Mode, Sample};
pub use local::{
    Change, ClockReading, Discipline, Disturbance, DisturbanceKind, Load, Steal, Throttled,
};
pub use reference::{NoReferenceTime, ReferenceSpell, ReferenceTime};
pub use rejection::{Rejection, StampFault};
pub use samples::{CHUNK, Iter as SamplesIter, OfClass, Samples};
pub use server::{Leap, NoReferenceId, ReferenceId, ServerInfo};
pub use stamp::{LEAST_STEP, MAX_STEERING, Reading, Stamp, StampSource};
