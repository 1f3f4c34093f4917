//! Instants, differences, intervals and rates: one unit (nanoseconds in `i64`), one sign.
//!
//! Floor 0. Nothing here reads a clock. Instants wrap, durations saturate: an instant is a position
//! on a circle that the kernel's own counters wrap around too, while a difference that does not fit
//! is a finding about the clocks and must stay as large as it can be said.

mod delta;
mod frequency;
mod instant;
mod interval;
mod utc;

pub use delta::TimeDelta;
pub use frequency::{Frequency, Rate};
pub use instant::{Monotonic, ParseTimestampError, Timestamp};
pub use interval::Interval;
pub use utc::Utc;

/// Nanoseconds in one second.
pub const NANOS_PER_SEC: i64 = 1_000_000_000;
