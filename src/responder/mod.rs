//! [`Responder`]: the server's side of NTP, without I/O.
//!
//! Floor 3. It is handed a request and two readings of the clock, and hands back 48 bytes or a
//! named [`Refusal`]. What it remembers fits into a table of fixed size, so no flood can make it
//! grow, and it never answers with more than it was sent, so it is of no use to reflect or to
//! amplify.
//!
//! # Interleaved mode
//!
//! In basic mode T3 has to be written before the packet leaves. In interleaved mode (RFC 9769
//! section 2) a reply tells when the reply *before* it left, as the kernel stamped it:
//!
//! ```text
//! client                                             server
//! origin 0, receive 0, transmit A     ----------->   T2
//!          T2, T3 by the clock        <-----------   origin A: basic; nothing is kept
//! origin T2, receive B, transmit C    ----------->   T2'
//!          T2', T3' by the clock      <-----------   origin C: basic; its transmit stamp is kept
//! origin T2', receive D, transmit E   ----------->   T2''
//!          T2'', the stamp of T3'     <-----------   origin D: interleaved; kept again
//! ```
//!
//! A client so is answered interleaved from its third request on. Requests whose origin is no
//! receive stamp of this server (zero, or the transmit stamp that basic clients return) cost neither
//! memory nor a transmit stamp. To tell one from the other by looking, receive stamps are odd and
//! transmit stamps even, in units of 2^-32 s.
//!
//! A stamp that is late, lost or told twice, an entry that had to make room, an origin that was
//! used before: each is answered in basic mode, never with another reply's stamp. When the served
//! clock steps back, nothing new is kept until it has passed the latest receive stamp it ever told,
//! since until then a stamp might be told twice.
//!
//! For labs the server can lie by a known amount: [`Config::offset`] and [`Config::drift`].

#![deny(clippy::indexing_slicing)]

mod saved;
#[cfg(test)]
mod tests;

use self::saved::Saved;
use crate::sample::{Leap, Mode, ReferenceId};
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
        // 2^64 ns x 2^63 ppb is the one product that does not fit; it saturates.
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

/// An answer, ready to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What to send.
    pub bytes: [u8; HEADER_LEN],
    /// Which T3 it carries: its own, or that of the reply before.
    pub mode: Mode,
    /// Whether to come back with [`Responder::handle_transmit_stamp`] when it has left.
    pub stamp_wanted: bool,
}

/// Answers requests. See the [module](self).
///
/// ```
/// use clockfit::responder::Responder;
/// use clockfit::sample::Mode;
/// use clockfit::time::{TimeDelta, Timestamp};
/// use clockfit::wire::{Header, Packet};
///
/// let mut responder = Responder::default();
/// let mut request = Header::client_request(1);
/// let mut now = Timestamp::from_nanos(1_763_832_000_000_000_000);
/// for (nonce, mode) in [(2, Mode::Basic), (3, Mode::Basic), (4, Mode::Interleaved)] {
///     now = now + TimeDelta::from_secs(1);
///     let reply = responder.respond(&request.to_bytes(), now, now)?;
///     assert_eq!(reply.mode, mode);
///     if reply.stamp_wanted {
///         let left = now + TimeDelta::from_micros(20);
///         responder.handle_transmit_stamp(&reply.bytes, left);
///     }
///     let told = Packet::parse(&reply.bytes)?.header.receive;
///     request = Header::interleaved_request(nonce, told);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Responder {
    config: Config,
    saved: Saved,
}

impl Responder {
    /// A server of this configuration.
    pub const fn new(config: Config) -> Self {
        Self {
            config,
            saved: Saved::new(),
        }
    }

    /// Its configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The reply to `request`, which arrived when the clock read `receive` and is answered when it
    /// reads `transmit`. Both go out as they are, moved by [`Config::ahead_at`]: if the clock
    /// stepped back in between, the reply shows it. An interleaved reply tells an earlier transmit
    /// stamp instead of `transmit`.
    ///
    /// T2 is written rounded down and T3 rounded up to 2^-32 s: then a client that rounds T2 up and
    /// T3 down to nanoseconds, as this one does, finds the very readings again, and one that rounds
    /// to nearest does too. Unknown extension fields are passed over (RFC 7822 section 3).
    pub fn respond(
        &mut self,
        request: &[u8],
        receive: Timestamp,
        transmit: Timestamp,
    ) -> Result<Reply, Refusal> {
        let asked = accept(request)?;
        let t2 = self.served(receive);
        let told = receive_stamp(t2);
        // Where both fields are equal nobody could tell the mode of a reply from its origin.
        let interleaves = asked.receive != asked.transmit && may_be_receive_stamp(asked.origin);
        let left = interleaves.then(|| self.saved.take(asked.origin)).flatten();
        let (mode, t3, origin) = match left {
            Some(left) => (Mode::Interleaved, left, asked.receive),
            None => (Mode::Basic, self.served(transmit), asked.transmit),
        };
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
            reference: NtpTimestamp::from_timestamp(last_update(t2.min(t3)), Rounding::Down),
            origin,
            receive: told,
            transmit: transmit_stamp(t3),
        };
        Ok(Reply {
            bytes: reply.to_bytes(),
            mode,
            stamp_wanted: self.saved.hand_out(t2, told, interleaves),
        })
    }

    /// `reply`, which [wanted](Reply::stamp_wanted) its stamp, left when the clock read `at`. It is
    /// told by its bytes, so that nothing has to be counted along with the kernel. Reports that are
    /// late, come twice or belong to nothing are passed over.
    pub fn handle_transmit_stamp(&mut self, reply: &[u8; HEADER_LEN], at: Timestamp) {
        if let Ok(packet) = Packet::parse(reply) {
            let left = self.served(at);
            self.saved.left(packet.header.receive, left);
        }
    }

    /// What the served clock shows when the clock that is read shows `clock`.
    fn served(&self, clock: Timestamp) -> Timestamp {
        clock + self.config.ahead_at(clock)
    }
}

/// The header of a request that can be answered.
fn accept(request: &[u8]) -> Result<Header, Refusal> {
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
    Ok(asked)
}

/// T2 as it is told: rounded down, and odd. A nanosecond is 4.29 units of 2^-32 s, so the odd one
/// of the last two units that are not later still reads as `t2`, rounded up or to nearest.
fn receive_stamp(t2: Timestamp) -> NtpTimestamp {
    let NtpTimestamp(units) = NtpTimestamp::from_timestamp(t2, Rounding::Down);
    // Not zero, so an even number is at least 2.
    NtpTimestamp(if units.is_multiple_of(2) {
        units - 1
    } else {
        units
    })
}

/// T3 as it is told: rounded up, and even; so it reads as `t3`, rounded down or to nearest.
fn transmit_stamp(t3: Timestamp) -> NtpTimestamp {
    let NtpTimestamp(units) = NtpTimestamp::from_timestamp(t3, Rounding::Up);
    match units.wrapping_add(units % 2) {
        // The last unit of an era; zero would say "unknown", and two more is still below 1 ns.
        0 => NtpTimestamp(2),
        even => NtpTimestamp(even),
    }
}

/// Whether [`receive_stamp`] can have made `origin`; [`transmit_stamp`] and "unknown" are even.
const fn may_be_receive_stamp(origin: NtpTimestamp) -> bool {
    origin.0 % 2 == 1
}

/// The start of the second that `stamp` lies in. A clock that is only read is corrected by nobody,
/// so the reference time has no meaning of its own here; but clients distrust one that lies ahead of
/// the stamps of the reply or far behind them (RFC 5905 appendix A.5.1.1).
fn last_update(stamp: Timestamp) -> Timestamp {
    stamp + TimeDelta::from_nanos(-stamp.as_nanos().rem_euclid(NANOS_PER_SEC))
}
