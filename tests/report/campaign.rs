//! Campaigns with known numbers, the same on every machine: no clock, no network, own generator.

use clockfit::sample::{
    Axis, Campaign, Change, ClockReading, Discipline, Disturbance, Environment, Event, Exchange,
    Leap, Load, LossCause, Machine, Mode, Note, PtpClock, Reading, ReferenceId, Rejection, RunEnd,
    RunHeader, Sample, ServerInfo, Sink, SourceId, SourceInfo, SourceKind, StampFault, StampSource,
    Steal, Timescale,
};
use clockfit::time::{Frequency, Monotonic, TimeDelta, Timestamp};

const SEC: i64 = 1_000_000_000;
const START: i64 = 1_763_832_000 * SEC;

/// Steele, Lea and Flood's SplitMix64: a few lines that will never change their numbers.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        i64::try_from(z >> 1).unwrap() % limit
    }

    /// A path: a floor, and now and then a queue.
    fn way(&mut self, floor: i64) -> i64 {
        let queue = if self.below(10) == 0 {
            floor
        } else {
            floor / 20
        };
        floor + self.below(queue + 1)
    }
}

pub(crate) fn ns(nanos: i64) -> TimeDelta {
    TimeDelta::from_nanos(nanos)
}

pub(crate) fn header(arguments: &[&str]) -> RunHeader {
    RunHeader {
        tool: "clockfit 0.1.0".to_owned(),
        run_id: "0123456789abcdef".to_owned(),
        started: Timestamp::from_nanos(START),
        started_at: Monotonic::from_nanos(5 * SEC),
        arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
        seed: 42,
        timeout: TimeDelta::from_secs(1),
        axis: Axis::Counter,
        environment: Environment {
            host: Some("db1.example".to_owned()),
            boot_id: Some("b8f3a1c2".to_owned()),
            kernel: Some("Linux 6.1.0-18-amd64".to_owned()),
            clocksource: Some("tsc".to_owned()),
            clocksources: Some(vec!["tsc".to_owned(), "kvm-clock".to_owned()]),
            virtualisation: Some("kvm".to_owned()),
            virtualisation_from: Some("/sys/class/dmi/id/product_name".to_owned()),
            machine: Machine {
                vendor: Some("Example Cloud".to_owned()),
                product: Some("general.4".to_owned()),
                cpu: Some("AMD EPYC".to_owned()),
                processors: Some(4),
                usable: Some(4),
                quota: None,
                memory_bytes: Some(16 << 30),
            },
            time_daemons: vec!["chronyd".to_owned()],
            nics: Vec::new(),
            ptp_clocks: vec![PtpClock {
                device: "/dev/ptp0".into(),
                name: Some("KVM virtual PTP".into()),
            }],
            privileged: false,
        },
    }
}

/// What one simulated source is like.
pub(crate) struct Server<'a> {
    pub(crate) name: &'a str,
    pub(crate) address: &'a str,
    pub(crate) kind: SourceKind,
    pub(crate) offset: i64,
    pub(crate) floor: i64,
    pub(crate) exchanges: i64,
    pub(crate) every: i64,
}

pub(crate) fn add(campaign: &mut Campaign, server: &Server<'_>) -> SourceId {
    add_in(Mode::Basic, campaign, server)
}

fn add_in(mode: Mode, campaign: &mut Campaign, server: &Server<'_>) -> SourceId {
    add_keeping(Timescale::Utc, mode, campaign, server)
}

fn add_keeping(
    timescale: Timescale,
    mode: Mode,
    campaign: &mut Campaign,
    server: &Server<'_>,
) -> SourceId {
    let id = SourceId(u32::try_from(campaign.sources.len()).unwrap());
    let mut noise = Noise(u64::from(id.0) + 7);
    campaign.event(&Event::Source(
        SourceInfo {
            source: server.name.to_owned(),
            address: server.address.to_owned(),
            port: 123,
            kind: server.kind,
            timescale,
            path: 0,
            local_clock: None,
        }
        .into(),
    ));
    if server.exchanges > 0 {
        campaign.event(&Event::Server(
            id,
            ServerInfo {
                leap: Leap::None,
                stratum: 1,
                precision: -25,
                root_delay: ns(30_000),
                root_dispersion: ns(1_200_000),
                reference_id: ReferenceId(*b"PPS\0"),
                reference_time: None,
            },
        ));
    }
    for k in 0..server.exchanges {
        let at = 5 * SEC + k * server.every;
        let user = k % 250 == 3;
        let late = if user { 40_000 } else { 0 };
        let sample = Sample {
            exchange: Exchange {
                t1: Timestamp::from_nanos(START + k * server.every),
                upper: ns(server.offset + noise.way(server.floor) + late),
                residence: ns(9_000 + noise.below(500)),
                lower: ns(server.offset - noise.way(server.floor)),
                tx: if user {
                    StampSource::User
                } else {
                    StampSource::Kernel
                },
                rx: StampSource::Kernel,
                error: ns(1),
            },
            mode,
            at: Monotonic::from_nanos(at),
            at_error: ns(40),
        };
        campaign.event(&Event::Sample(id, sample));
    }
    id
}

pub(crate) fn end(campaign: &mut Campaign, seconds: i64) {
    campaign.event(&Event::End(RunEnd {
        at: Monotonic::from_nanos((5 + seconds) * SEC),
        interrupted: false,
    }));
}

/// Two servers: a good one, and one that is 50 ms ahead and has every kind of trouble.
pub(crate) fn two() -> Campaign {
    let mut c = Campaign::new(header(&["measure", "ntp1.example", "ntp2.example"]));
    let now = Monotonic::from_nanos(6 * SEC);
    let good = Server {
        name: "ntp1.example",
        address: "10.77.0.2",
        kind: SourceKind::Ntp,
        offset: 1_500,
        floor: 30_000,
        exchanges: 2_000,
        every: SEC / 200,
    };
    add(&mut c, &good);
    for k in 0..20 {
        c.event(&Event::CrossCheck(
            SourceId(0),
            ns(14_000 + k * 100),
            ns(300_000 + k * 1_000),
        ));
    }
    let bad = Server {
        name: "ntp2.example",
        address: "10.77.0.3",
        offset: 50_000_000,
        exchanges: 40,
        every: SEC / 4,
        ..good
    };
    let bad = add(&mut c, &bad);
    for _ in 0..3 {
        c.event(&Event::Lost(bad, now, LossCause::Timeout));
    }
    c.event(&Event::Rejected(bad, now, Rejection::BogusOrigin, 2));
    c.event(&Event::Rejected(bad, now, Rejection::TooLate, 1));
    c.event(&Event::StampFault(bad, now, StampFault::MissingTx, 1));
    c.event(&Event::Note(
        Some(bad),
        now,
        Note::NewSocket {
            reason: "the route changed\x1b[31m".to_owned(),
        },
    ));
    c.event(&Event::Note(
        None,
        now,
        Note::Unresolved {
            source: "nowhere.example".to_owned(),
            error: "no such name".to_owned(),
        },
    ));
    end(&mut c, 10);
    c
}

/// A run without arguments, against the program's own server.
pub(crate) fn embedded() -> Campaign {
    let mut c = Campaign::new(header(&["measure"]));
    let own = Server {
        name: "embedded",
        address: "127.0.0.1",
        kind: SourceKind::Embedded,
        offset: 0,
        floor: 8_000,
        exchanges: 100,
        every: SEC / 10,
    };
    add(&mut c, &own);
    end(&mut c, 10);
    c
}

/// The noise floor, in basic mode with exchanges enough, and in interleaved mode with so many.
fn floor(c: &mut Campaign, interleaved: i64) {
    let basic = Server {
        name: "noise floor in basic mode",
        address: "127.0.0.1",
        kind: SourceKind::Embedded,
        offset: -2_500,
        floor: 8_000,
        exchanges: 500,
        every: SEC / 33,
    };
    add(c, &basic);
    let interleaved = Server {
        name: "noise floor in interleaved mode",
        offset: 0,
        exchanges: interleaved,
        ..basic
    };
    add_in(Mode::Interleaved, c, &interleaved);
}

/// `clockfit floor`.
pub(crate) fn floor_alone() -> Campaign {
    let mut c = Campaign::new(header(&["floor"]));
    floor(&mut c, 60);
    end(&mut c, 30);
    c
}

/// `clockfit floor --interface eth0`: the clock of a card beside it, of which nobody said what time it
/// keeps.
pub(crate) fn floor_and_card() -> Campaign {
    let mut c = Campaign::new(header(&["floor", "--interface", "eth0"]));
    floor(&mut c, 60);
    let card = Server {
        name: "clock of eth0",
        address: "/dev/ptp0",
        kind: SourceKind::Phc,
        offset: 250_000_000,
        floor: 900,
        exchanges: 400,
        every: SEC / 32,
    };
    add_keeping(Timescale::Unknown, Mode::Reading, &mut c, &card);
    end(&mut c, 45);
    c
}

/// `clockfit measure --floor`: a server that agrees with this clock, one that does not, one in a mode
/// whose floor has too few exchanges, and a clock, which has none.
pub(crate) fn beside_floor() -> Campaign {
    let mut c = Campaign::new(header(&["measure", "--floor"]));
    floor(&mut c, 60);
    let good = Server {
        name: "ntp1.example",
        address: "10.77.0.2",
        kind: SourceKind::Ntp,
        offset: 1_500,
        floor: 30_000,
        exchanges: 60,
        every: SEC,
    };
    add(&mut c, &good);
    let off = Server {
        name: "ntp2.example",
        address: "10.77.0.3",
        offset: 50_000_000,
        ..good
    };
    add(&mut c, &off);
    let interleaved = Server {
        name: "ntp3.example",
        address: "10.77.0.4",
        ..good
    };
    add_in(Mode::Interleaved, &mut c, &interleaved);
    let clock = Server {
        name: "phc:ptp_kvm",
        address: "/dev/ptp0",
        kind: SourceKind::Phc,
        ..good
    };
    add_in(Mode::Reading, &mut c, &clock);
    end(&mut c, 66);
    c
}

/// The same with more servers than fit in detail.
pub(crate) fn many_beside_floor(sources: i64) -> Campaign {
    let mut c = Campaign::new(header(&["measure", "--floor"]));
    floor(&mut c, 500);
    add_many(&mut c, sources);
    end(&mut c, 66);
    c
}

/// More servers than fit in detail, a few of them silent, wrong or oddly named.
pub(crate) fn many(sources: i64) -> Campaign {
    let mut c = Campaign::new(header(&["measure"]));
    add_many(&mut c, sources);
    end(&mut c, 60);
    c
}

fn add_many(c: &mut Campaign, sources: i64) {
    for k in 0..sources {
        let address = format!("2001:db8::{k:x}");
        let name = format!("time{k}.example");
        let server = Server {
            name: &name,
            address: &address,
            kind: SourceKind::Ntp,
            offset: if k % 7 == 3 { -3_000_000 * k } else { 100 * k },
            floor: 20_000 * (1 + k % 5),
            exchanges: if k % 11 == 5 { 0 } else { 60 },
            every: SEC,
        };
        let id = add(c, &server);
        if k % 11 == 5 {
            for _ in 0..60 {
                c.event(&Event::Lost(
                    id,
                    Monotonic::from_nanos(0),
                    LossCause::Refused,
                ));
            }
        }
    }
}

/// One reading of the local clock, `second` after the start.
fn clock_reading(second: i64) -> ClockReading {
    ClockReading {
        clocks: Reading {
            wall: Timestamp::from_nanos(START + second * SEC),
            counter: Monotonic::from_nanos((5 + second) * SEC),
            error: ns(61),
        },
        monotonic: ns((6 + second) * SEC),
        boottime: Some(ns((7 + second) * SEC)),
        discipline: Some(Discipline {
            frequency: Frequency::from_ppb(-12_350 + second),
            tick: TimeDelta::from_millis(10),
            status: 0x2001,
            state: 0,
            max_error: ns(1_500_000),
            estimated_error: ns(3_000),
            tai_minus_utc: TimeDelta::from_secs(37),
        }),
        clocksource: Some("tsc".to_owned()),
        steal: Some(Steal {
            total: ns(second * 1_000_000),
            processors: 4,
        }),
        run_delay: Some(ns(second * 10_000)),
        load: Some(Load {
            busy: ns(second * SEC / 4),
            idle: ns(second * SEC * 15 / 4 - second * 1_000_000),
            guest: ns(0),
            waited: Some(ns(second * 20_000_000)),
            throttled: None,
            average_hundredths: Some(31),
        }),
    }
}

/// `changes` of the local clock, one each second.
pub(crate) fn disturb(c: &mut Campaign, changes: impl IntoIterator<Item = Change>) {
    c.event(&Event::Clock(clock_reading(0).into()));
    for (second, change) in (1..).zip(changes) {
        c.event(&Event::Clock(clock_reading(second).into()));
        let found = Disturbance {
            at: Monotonic::from_nanos((5 + second) * SEC - SEC / 2),
            at_error: ns(SEC / 200),
            wall: Timestamp::from_nanos(START + second * SEC - SEC / 2),
            change,
        };
        c.event(&Event::Disturbance(found.into()));
    }
}

/// Every kind of disturbance.
pub(crate) fn disturbed() -> Campaign {
    let mut c = embedded();
    let ppb = Frequency::from_ppb;
    let secs = TimeDelta::from_secs;
    disturb(
        &mut c,
        [
            Change::Step {
                by: ns(5_000_021),
                error: ns(122),
            },
            Change::Step {
                by: ns(-700_000),
                error: ns(122),
            },
            Change::Slew {
                from: ppb(37_400),
                to: ppb(137_412),
                error: ppb(130),
            },
            Change::Slew {
                from: ppb(137_412),
                to: ppb(-350),
                error: ppb(130),
            },
            Change::Frequency {
                from: ppb(-12_350),
                to: ppb(87_650),
            },
            Change::Frequency {
                from: ppb(87_650),
                to: ppb(-12_350),
            },
            Change::Suspend {
                length: secs(3_000),
            },
            Change::Stall {
                length: ns(1_995_000_000),
                run_delay: Some(ns(200_000_000)),
            },
            Change::Stall {
                length: ns(150_000_000),
                run_delay: None,
            },
            Change::Steal {
                stolen: secs(6),
                within: secs(10),
                processors: 2,
            },
            Change::Clocksource {
                from: "tsc".to_owned(),
                to: "hpet\x1b[2J".to_owned(),
            },
            Change::LeapAnnounced { leap: Leap::Insert },
            Change::LeapSecond { leap: Leap::Insert },
            Change::TaiOffset {
                from: secs(37),
                to: secs(38),
            },
        ],
    );
    c
}

/// A minute with one server that this host is 700 us behind of, and a step forward and one back.
pub(crate) fn minute() -> Campaign {
    let mut c = Campaign::new(header(&["check", "ntp1.example"]));
    let server = Server {
        name: "ntp1.example",
        address: "10.77.0.2",
        kind: SourceKind::Ntp,
        offset: 700_000,
        floor: 120_000,
        exchanges: 240,
        every: SEC / 4,
    };
    add(&mut c, &server);
    let step = |by| Change::Step {
        by: ns(by),
        error: ns(122),
    };
    disturb(&mut c, [step(400_021), step(-61)]);
    c.event(&Event::Clock(clock_reading(60).into()));
    end(&mut c, 60);
    c
}

/// Hours with one server, and so many exchanges.
pub(crate) fn long(exchanges: i64) -> Campaign {
    let mut c = Campaign::new(header(&["measure", "ntp1.example"]));
    let server = Server {
        name: "ntp1.example",
        address: "10.77.0.2",
        kind: SourceKind::Ntp,
        offset: 700_000,
        floor: 120_000,
        exchanges,
        every: SEC / 4,
    };
    add(&mut c, &server);
    end(&mut c, exchanges / 4);
    c
}
