//! [`Responder`]: the server's side of NTP, without I/O.
//!
//! Floor 3. It is handed a request and two readings of the clock, and hands back 48 bytes or a
//! named [`Refusal`]. It keeps no state about clients, so no flood of them can make it grow, and it
//! never answers with more than it was sent, so it is of no use to reflect or to amplify.
//!
//! For labs it can lie by a known amount: [`Config::offset`] and [`Config::drift`].

#![deny(clippy::indexing_slicing)]

#[cfg(test)]
mod tests;

use crate::sample::{Leap, ReferenceId};
use crate::time::{Frequency, NANOS_PER_SEC, TimeDelta, Timestamp};
use crate::wire::{
    HEADER_LEN, Header, NtpShort, NtpTimestamp, Packet, PacketMode, ParseError, Rounding, Version,
};

/// What a server says of itself, and by how much its clock is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Announced leap second, or "not synchronised".
    pub leap: Leap,
    /// Distance from a reference clock in hops; 0 and above 15 are for tests of clients.
    pub stratum: u8,
    /// What the server follows.
    pub reference_id: ReferenceId,
    /// log2 of the seconds that its clock resolves.
    pub precision: i8,
    /// Delay to its reference, rounded up to units of 15.3 us on the wire.
    pub root_delay: TimeDelta,
    /// Bound of its error to its reference, rounded up likewise.
    pub root_dispersion: TimeDelta,
    /// How far both stamps are ahead of the clock that is read, at `drift_start`.
    pub offset: TimeDelta,
    /// How much further they move ahead with time.
    pub drift: Frequency,
    /// When the drift is still nothing, on the clock that is read.
    pub drift_start: Timestamp,
}

impl Default for Config {
    /// An honest server that follows nothing but its own clock: stratum 10 and 127.127.1.1, as
    /// servers announce an undisciplined local clock, so that nobody prefers it to a real one;
    /// precision 2^-29 s = 1.9 ns, the least that covers the nanosecond of a kernel stamp.
    fn default() -> Self {
        Self {
            leap: Leap::None,
            stratum: 10,
            reference_id: ReferenceId([127, 127, 1, 1]),
            precision: -29,
            root_delay: TimeDelta::ZERO,
            root_dispersion: TimeDelta::ZERO,
            offset: TimeDelta::ZERO,
            drift: Frequency::default(),
            drift_start: Timestamp::default(),
        }
    }
}

impl Config {
    /// Whether the stamps are wrong on purpose: whoever serves them says so.
    pub fn lies(&self) -> bool {
        self.offset != TimeDelta::ZERO || self.drift != Frequency::default()
    }

    /// How far the stamps are ahead when the clock reads `clock`: offset + drift x (clock -
    /// drift_start), rounded down to whole nanoseconds, saturating. Rounded to one side on both
    /// sides of zero, so that the lying clock is as even as the one it is made from.
    ///
    /// ```
    /// use clockfit::responder::Config;
    /// use clockfit::time::{Frequency, TimeDelta, Timestamp};
    /// let start = Timestamp::from_nanos(1_763_832_000_000_000_000);
    /// let config = Config {
    ///     offset: TimeDelta::from_millis(50),
    ///     drift: Frequency::from_ppm(-10),
    ///     drift_start: start,
    ///     ..Config::default()
    /// };
    /// let after_10_s = config.ahead_at(start + TimeDelta::from_secs(10));
    /// assert_eq!(after_10_s, TimeDelta::from_micros(49_900));
    /// ```
    pub fn ahead_at(&self, clock: Timestamp) -> TimeDelta {
        let elapsed = i128::from(clock.as_nanos()) - i128::from(self.drift_start.as_nanos());
        // ppb x ns is at most 2^127 in size only for both at their limits: 2^63 x 2^64.
        let product = elapsed.saturating_mul(i128::from(self.drift.as_ppb()));
        let drifted = product.div_euclid(i128::from(NANOS_PER_SEC));
        let total = drifted + i128::from(self.offset.as_nanos());
        let limit = if total < 0 { i64::MIN } else { i64::MAX };
        TimeDelta::from_nanos(i64::try_from(total).unwrap_or(limit))
    }
}

/// Why a request gets no answer. The caller counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not an NTP packet.
    #[error("not an NTP packet: {0}")]
    Malformed(#[from] ParseError),
    /// Its version is neither 3 nor 4; what others put into these fields is not known here.
    #[error("version {} is neither 3 nor 4", .0.number())]
    Version(Version),
    /// It is not a client's request. Answering replies would let two servers talk forever.
    #[error("mode {0:?} is not a client's")]
    Mode(PacketMode),
    /// It carries an authenticator, so only an authenticated answer would be believed.
    #[error("authenticated, and this server has no keys")]
    Authenticated,
}

/// Answers requests. See the [module](self).
#[derive(Clone, Copy, Debug, Default)]
pub struct Responder {
    config: Config,
}

impl Responder {
    /// A server of this configuration.
    pub const fn new(config: Config) -> Self {
        Self { config }
    }

    /// Its configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The reply to `request`, which arrived when the clock read `receive` and is answered when it
    /// reads `transmit`. Both go out as they are, moved by [`Config::ahead_at`]: if the clock
    /// stepped back in between, the reply shows it.
    ///
    /// T2 is written rounded down and T3 rounded up to 2^-32 s: then a client that rounds T2 up and
    /// T3 down to nanoseconds, as this one does, finds the very readings again, and one that rounds
    /// to nearest does too. Unknown extension fields are passed over (RFC 7822 section 3).
    pub fn respond(
        &self,
        request: &[u8],
        receive: Timestamp,
        transmit: Timestamp,
    ) -> Result<[u8; HEADER_LEN], Refusal> {
        let packet = Packet::parse(request)?;
        let asked = packet.header;
        if asked.version != Version::V4 && asked.version != Version::V3 {
            return Err(Refusal::Version(asked.version));
        }
        if asked.mode != PacketMode::Client {
            return Err(Refusal::Mode(asked.mode));
        }
        if !packet.authenticator().is_empty() {
            return Err(Refusal::Authenticated);
        }
        let t2 = receive + self.config.ahead_at(receive);
        let t3 = transmit + self.config.ahead_at(transmit);
        let reply = Header {
            leap: self.config.leap,
            version: asked.version,
            mode: PacketMode::Server,
            stratum: self.config.stratum,
            poll: asked.poll,
            precision: self.config.precision,
            root_delay: NtpShort::from_delta(self.config.root_delay),
            root_dispersion: NtpShort::from_delta(self.config.root_dispersion),
            reference_id: self.config.reference_id,
            reference: NtpTimestamp::from_timestamp(last_update(t2), Rounding::Down),
            origin: asked.transmit,
            receive: NtpTimestamp::from_timestamp(t2, Rounding::Down),
            transmit: NtpTimestamp::from_timestamp(t3, Rounding::Up),
        };
        Ok(reply.to_bytes())
    }
}

/// The start of the second that `t2` lies in. A clock that is only read is corrected by nobody, so
/// the reference time has no meaning of its own here; but clients distrust one that lies ahead of
/// the reply or far behind it (RFC 5905 appendix A.5.1.1).
fn last_update(t2: Timestamp) -> Timestamp {
    t2 + TimeDelta::from_nanos(-t2.as_nanos().rem_euclid(NANOS_PER_SEC))
}
