//! [`Scenario`]: many exchanges under known conditions, and what is true of each.

use std::sync::Arc;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::{Sim, SimClock, SimLeg, SimServer};
use crate::responder::{Config, Responder};
use crate::sample::{
    Campaign, Event, Exchange, Leap, Mode, ReferenceId, RunEnd, RunHeader, Sample, ServerInfo,
    Sink, SourceId, SourceInfo, SourceKind, StampSource, Timescale,
};
use crate::time::{Frequency, Monotonic, TimeDelta, Timestamp};
use crate::wire::{Header, Packet};

/// When scenarios begin, in true time: 2026-11-18.
const START: Timestamp = Timestamp::from_nanos(1_795_000_000_000_000_000);

/// How often wander is drawn anew.
const WANDER_STEP: TimeDelta = TimeDelta::from_secs(1);

/// A client that asks one server again and again. The local clock is as steady as the counter; both
/// run by `drift` and `wander` against true time, which the server keeps.
///
/// ```
/// use clockfit::sim::{Scenario, SimLeg};
/// use clockfit::time::TimeDelta;
/// let us = TimeDelta::from_micros;
/// let mut still = Scenario::new(SimLeg::of(us(500)), SimLeg::of(us(300)));
/// still.exchanges = 5;
/// let played = still.play(1);
/// let samples: Vec<_> = played.campaign.sources[0].samples.iter().collect();
/// assert_eq!(samples.len(), 5);
/// assert_eq!(samples[3].exchange.offset() - played.truth[3], us(100));
/// ```
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The way out.
    pub out: SimLeg,
    /// The way back.
    pub back: SimLeg,
    /// Requests.
    pub exchanges: u32,
    /// The time from one request to the next, of which half is random.
    pub interval: TimeDelta,
    /// How fast the server's clock gains on this host's.
    pub drift: Frequency,
    /// Allan deviation of a random walk of the drift, at ten minutes.
    pub wander: Frequency,
    /// By how much the server's time is stepped after half of the requests.
    pub step: TimeDelta,
}

/// What a scenario gave.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was measured.
    pub campaign: Campaign,
    /// For each sample the true offset as its request left: what no estimate can be better than.
    pub truth: Vec<TimeDelta>,
}

impl Scenario {
    /// Six hundred requests, a second apart, over these ways, between clocks that agree.
    pub fn new(out: SimLeg, back: SimLeg) -> Self {
        Self {
            out,
            back,
            exchanges: 600,
            interval: TimeDelta::from_secs(1),
            drift: Frequency::default(),
            wander: Frequency::default(),
            step: TimeDelta::ZERO,
        }
    }

    /// Plays it; equal seeds give equal runs.
    pub fn play(&self, seed: u64) -> Played {
        let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
        let clock = SimClock {
            // A clock that runs slow is overtaken by the server's.
            frequency: self.drift,
            start: START,
            wander: self.wandered(&mut dice),
            ..SimClock::default()
        };
        let mut played = Played {
            campaign: campaign(),
            truth: Vec::new(),
        };
        let mut sim = self.sim(TimeDelta::ZERO, seed);
        for number in 0..self.exchanges {
            if number == self.exchanges / 2 && self.step != TimeDelta::ZERO {
                sim = self.sim(self.step, seed.wrapping_add(1));
            }
            let jitter = dice.random_range(0..=self.interval.as_nanos() / 2);
            let at = START + self.interval.times(number.into()) + TimeDelta::from_nanos(jitter);
            let request = Header::client_request(u64::from(number) + 1);
            sim.send(&request.to_bytes(), at);
            while let Some(arrival) = sim.receive() {
                if arrival.at.since(arrival.sent) > played.campaign.header.timeout {
                    continue;
                }
                let sample = sample(&clock, &arrival);
                played.campaign.event(&Event::Sample(SourceId(0), sample));
                let stepped = if number < self.exchanges / 2 {
                    TimeDelta::ZERO
                } else {
                    self.step
                };
                played.truth.push(clock.offset_at(arrival.sent) + stepped);
            }
        }
        let end = RunEnd {
            at: counter(&clock, START + self.interval.times(self.exchanges.into())),
            interrupted: false,
        };
        played.campaign.event(&Event::End(end));
        played
    }

    fn sim(&self, offset: TimeDelta, seed: u64) -> Sim {
        let responder = Responder::new(Config {
            offset,
            ..Config::default()
        });
        let server = SimServer::new(responder, TimeDelta::from_micros(20));
        Sim::new(self.out.clone(), server, self.back.clone(), seed)
    }

    /// A random walk of frequency. Of such a walk with steps of size s each tau0 the Allan variance at
    /// tau is about s^2 tau / (3 tau0) (NIST SP 1065, table 3.4 in discrete form).
    fn wandered(&self, dice: &mut Xoshiro256PlusPlus) -> Vec<(Timestamp, TimeDelta)> {
        if self.wander == Frequency::default() {
            return Vec::new();
        }
        let tau = TimeDelta::from_secs(600).as_secs_f64() / WANDER_STEP.as_secs_f64();
        let size = TimeDelta::from_nanos(self.wander.as_ppb()).as_secs_f64() * (3.0 / tau).sqrt();
        let (mut rate, mut offset) = (0.0, 0.0);
        let length = self.interval.times(i64::from(self.exchanges) + 2);
        let points = length.as_nanos() / WANDER_STEP.as_nanos() + 2;
        (0..points)
            .map(|n| {
                let here = (START + WANDER_STEP.times(n), seconds(offset));
                // The sum of twelve uniform numbers is nearly normal, with variance 1.
                let normal = (0..12).map(|_| dice.random::<f64>()).sum::<f64>() - 6.0;
                rate += size * normal;
                offset += rate * WANDER_STEP.as_secs_f64();
                here
            })
            .collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a random offset; what it became is known exactly afterwards"
)]
fn seconds(value: f64) -> TimeDelta {
    TimeDelta::from_nanos((value * 1e9).round() as i64)
}

fn counter(clock: &SimClock, truth: Timestamp) -> Monotonic {
    Monotonic::default() + clock.read(truth).since(START) + TimeDelta::from_secs(1_000)
}

fn sample(clock: &SimClock, arrival: &super::Arrival) -> Sample {
    let (t1, t4) = (clock.read(arrival.sent), clock.read(arrival.at));
    let parsed = Packet::parse(&arrival.reply).ok();
    let stamps = parsed.and_then(|packet| packet.header.server_stamps(t1));
    // The simulated server answers a well-formed request with well-formed stamps.
    let (t2, t3) = stamps.unwrap_or((t1, t1));
    Sample {
        exchange: Exchange {
            t1,
            upper: t2.since(t1),
            residence: t3.since(t2),
            lower: t3.since(t4),
            tx: StampSource::Kernel,
            rx: StampSource::Kernel,
            error: TimeDelta::NANOSECOND,
        },
        mode: Mode::Basic,
        at: counter(clock, arrival.sent),
        at_error: TimeDelta::from_nanos(100),
    }
}

fn campaign() -> Campaign {
    let mut campaign = Campaign::new(RunHeader {
        timeout: TimeDelta::from_secs(1),
        started: START,
        started_at: Monotonic::default() + TimeDelta::from_secs(1_000),
        ..RunHeader::default()
    });
    let info = SourceInfo {
        source: "simulated".into(),
        address: "192.0.2.1".into(),
        port: 123,
        kind: SourceKind::Ntp,
        timescale: Timescale::Unknown,
        path: 0,
        local_clock: None,
    };
    campaign.event(&Event::Source(Arc::new(info)));
    let server = ServerInfo {
        leap: Leap::None,
        stratum: 1,
        precision: -30,
        root_delay: TimeDelta::ZERO,
        root_dispersion: TimeDelta::ZERO,
        reference_id: ReferenceId(*b"SIMU"),
        reference_time: None,
    };
    campaign.event(&Event::Server(SourceId(0), server));
    campaign
}
