//! A server behind a network, in virtual time and with known truth: for tests and benches of
//! everything above the wire.
//!
//! Floor 4. There are three clocks in the story, and only one of them is right. True time is the
//! axis that [`Sim`] moves along; [`SimClock`] is the local clock that a client would read; the
//! server reads true time and may lie by its [`Config`](crate::responder::Config). All randomness
//! comes from a seed and a generator whose numbers are fixed by its name, so a run can be repeated
//! on any machine.
//!
//! ```
//! use clockfit::responder::Responder;
//! use clockfit::sim::{Sim, SimClock, SimLeg, SimServer};
//! use clockfit::time::{TimeDelta, Timestamp};
//! use clockfit::wire::{Header, Packet};
//!
//! let start = Timestamp::from_nanos(1_763_832_000_000_000_000);
//! let us = TimeDelta::from_micros;
//! let local = SimClock::behind_by(us(30));
//! let server = SimServer::new(Responder::default(), us(5));
//! let mut sim = Sim::new(SimLeg::of(us(100)), server, SimLeg::of(us(80)), 1);
//!
//! sim.send(&Header::client_request(7).to_bytes(), start);
//! let arrival = sim.receive().unwrap();
//! let (t1, t4) = (local.read(start), local.read(arrival.at));
//! let (t2, t3) = Packet::parse(&arrival.reply)?.header.server_stamps(t1).unwrap();
//! assert_eq!(t2.since(t1), us(130)); // U: 30 us behind plus 100 us out
//! assert_eq!(t3.since(t4), us(-50)); // L: 30 us behind minus 80 us back
//! # Ok::<(), clockfit::wire::ParseError>(())
//! ```

use std::collections::BTreeMap;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::responder::Responder;
use crate::time::{Frequency, TimeDelta, Timestamp};
use crate::wire::HEADER_LEN;

mod scenario;

pub use scenario::{Played, Scenario};

/// A clock whose error is known at every instant. Signs as everywhere: its offset is true time
/// minus reading, positive when it is behind.
#[derive(Clone, Debug, Default)]
pub struct SimClock {
    /// Its offset at `start`.
    pub offset: TimeDelta,
    /// How its offset grows with true time; positive for a clock that runs slow.
    pub frequency: Frequency,
    /// When, in true time, `frequency` has added nothing yet.
    pub start: Timestamp,
    /// Changes of the offset, each from an instant of true time on.
    pub steps: Vec<(Timestamp, TimeDelta)>,
    /// More offset at instants of true time, in order, on a straight line in between; none before the
    /// first and after the last.
    pub wander: Vec<(Timestamp, TimeDelta)>,
}

impl SimClock {
    /// A clock of the right rate, always behind by `offset`.
    pub fn behind_by(offset: TimeDelta) -> Self {
        Self {
            offset,
            ..Self::default()
        }
    }

    /// The truth that an estimate is compared with: true time minus reading, at `truth`. What the
    /// frequency added is rounded away from zero to a whole nanosecond.
    pub fn offset_at(&self, truth: Timestamp) -> TimeDelta {
        let steps = self.steps.iter().filter(|(from, _)| *from <= truth);
        let stepped = steps.fold(TimeDelta::ZERO, |sum, (_, step)| sum + *step);
        let drifted = self.frequency.gained_over(truth.since(self.start));
        self.offset + drifted + stepped + self.wandered(truth)
    }

    fn wandered(&self, truth: Timestamp) -> TimeDelta {
        let after = self.wander.partition_point(|(at, _)| *at <= truth);
        let around = (after.checked_sub(1), self.wander.get(after));
        let (Some((from, start)), Some((to, end))) =
            (around.0.and_then(|index| self.wander.get(index)), around.1)
        else {
            return TimeDelta::ZERO;
        };
        let slope = Frequency::of(*end - *start, to.since(*from));
        *start + slope.gained_over(truth.since(*from))
    }

    /// What the clock reads at `truth`.
    pub fn read(&self, truth: Timestamp) -> Timestamp {
        truth + (-self.offset_at(truth))
    }
}

/// How often something happens, out of a million times; a million or more is always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerMillion(pub u32);

/// One direction of a path. It keeps order (one queue, as links do) but for the packets that
/// `reordering` picks out.
#[derive(Clone, Debug, Default)]
pub struct SimLeg {
    /// What every packet takes at least.
    pub floor: TimeDelta,
    /// Mean of the exponentially distributed time in queues that comes on top.
    pub mean_queue: TimeDelta,
    /// Packets that queue much longer: of these the time in queues has a Pareto distribution of shape
    /// 1.2, from `mean_queue` on, which has a mean but no variance.
    pub tail: PerMillion,
    /// Packets that vanish.
    pub loss: PerMillion,
    /// Packets that arrive twice, the second time after a queueing time of its own.
    pub duplication: PerMillion,
    /// Packets that are held back by `hold` and overtaken by those behind them.
    pub reordering: PerMillion,
    /// How long they are held back.
    pub hold: TimeDelta,
    /// When the last packet in order arrived.
    last: Option<Timestamp>,
}

impl SimLeg {
    /// A leg on which every packet takes just `floor`.
    pub fn of(floor: TimeDelta) -> Self {
        Self {
            floor,
            ..Self::default()
        }
    }

    /// When a packet that departs at `at` arrives: not at all, once, or twice.
    fn carry(&mut self, at: Timestamp, dice: &mut Dice) -> Vec<Timestamp> {
        if dice.happens(self.loss) {
            return Vec::new();
        }
        let copies = if dice.happens(self.duplication) { 2 } else { 1 };
        (0..copies).map(|_| self.pass(at, dice)).collect()
    }

    fn pass(&mut self, at: Timestamp, dice: &mut Dice) -> Timestamp {
        // Without a tail no number is drawn for it: runs of earlier seeds stay as they were.
        let tailed = self.tail > PerMillion(0) && dice.happens(self.tail);
        let queue = match tailed {
            false => dice.exponential(self.mean_queue),
            true => dice.pareto(self.mean_queue),
        };
        let alone = at + self.floor + queue;
        if dice.happens(self.reordering) {
            return alone + self.hold;
        }
        let arrival = self.last.map_or(alone, |last| last.max(alone));
        self.last = Some(arrival);
        arrival
    }
}

/// A server that reads true time, lies as its responder is told to, and takes its time.
#[derive(Clone, Debug, Default)]
pub struct SimServer {
    responder: Responder,
    residence: TimeDelta,
}

impl SimServer {
    /// A server that answers `residence` after a request arrived.
    pub fn new(responder: Responder, residence: TimeDelta) -> Self {
        Self {
            responder,
            residence,
        }
    }
}

/// A reply as it reaches the client, with the true times of its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When the request left the client.
    pub sent: Timestamp,
    /// When the request reached the server.
    pub reached: Timestamp,
    /// When the reply left the server.
    pub left: Timestamp,
    /// When the reply reached the client.
    pub at: Timestamp,
    /// The reply.
    pub reply: [u8; HEADER_LEN],
}

/// A server at the other end of a path.
#[derive(Clone, Debug)]
pub struct Sim {
    out: SimLeg,
    server: SimServer,
    back: SimLeg,
    dice: Dice,
    /// Replies under way, by arrival; the number tells those of one instant apart.
    under_way: BTreeMap<(Timestamp, u64), Arrival>,
    launched: u64,
    refused: u64,
}

impl Sim {
    /// `server` behind the legs `out` and `back`; equal seeds give equal runs.
    pub fn new(out: SimLeg, server: SimServer, back: SimLeg, seed: u64) -> Self {
        Self {
            out,
            server,
            back,
            dice: Dice(Xoshiro256PlusPlus::seed_from_u64(seed)),
            under_way: BTreeMap::new(),
            launched: 0,
            refused: 0,
        }
    }

    /// The client sends `request` at the true time `sent`, which is not before that of the request
    /// before. What comes of it is decided now and handed out by [`receive`](Self::receive).
    pub fn send(&mut self, request: &[u8], sent: Timestamp) {
        for reached in self.out.carry(sent, &mut self.dice) {
            let left = reached + self.server.residence;
            let Ok(reply) = self.server.responder.respond(request, reached, left) else {
                self.refused += 1;
                continue;
            };
            if reply.stamp_wanted {
                let responder = &mut self.server.responder;
                responder.handle_transmit_stamp(&reply.bytes, left);
            }
            for at in self.back.carry(left, &mut self.dice) {
                let arrival = Arrival {
                    sent,
                    reached,
                    left,
                    at,
                    reply: reply.bytes,
                };
                self.under_way.insert((at, self.launched), arrival);
                self.launched += 1;
            }
        }
    }

    /// The true time of the next arrival, if anything is under way: where a driver's virtual time
    /// may jump to.
    pub fn next_at(&self) -> Option<Timestamp> {
        self.under_way.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next arrival, in order of true time.
    pub fn receive(&mut self) -> Option<Arrival> {
        self.under_way.pop_first().map(|(_, arrival)| arrival)
    }

    /// Requests that reached the server and were refused by it.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[derive(Clone, Debug)]
struct Dice(Xoshiro256PlusPlus);

impl Dice {
    fn happens(&mut self, chance: PerMillion) -> bool {
        self.0.random_range(0..1_000_000) < chance.0
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a random queueing time; what it became is known exactly afterwards"
    )]
    fn exponential(&mut self, mean: TimeDelta) -> TimeDelta {
        // 1 - u is in (0, 1], so the logarithm is finite.
        let u: f64 = self.0.random();
        TimeDelta::from_nanos((-(1.0 - u).ln() * mean.as_nanos() as f64) as i64)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "a random queueing time; what it became is known exactly afterwards"
    )]
    fn pareto(&mut self, least: TimeDelta) -> TimeDelta {
        let u: f64 = self.0.random();
        let times = (1.0 - u).powf(-1.0 / 1.2);
        // A packet that would take longer than a minute is lost by anybody's account.
        TimeDelta::from_nanos((times * least.as_nanos() as f64) as i64)
            .min(TimeDelta::from_secs(60))
    }
}

#[cfg(test)]
mod tests;
