//! Which packets make an exchange, and what becomes of the others.

use super::super::pairing::Pairing;
use super::super::source::TIMEOUT;
use super::super::{Capture, CaptureReport, Unused};
use super::kit::*;
use crate::sample::{
    Campaign, Leap, LossCause, Mode, Note, ReferenceId, Rejection, RunEnd, StampSource,
};
use crate::time::{Monotonic, TimeDelta};
use crate::wire::{Header, NtpShort, NtpTimestamp, PacketMode, Version};

fn run(shots: &[Shot]) -> (Campaign, CaptureReport) {
    import(&usual(shots)).unwrap()
}

fn ask(micros: i64, header: &Header) -> Shot {
    Shot::new(at(micros), request_frame(usual_ends(), header))
}

fn answer(micros: i64, header: &Header) -> Shot {
    Shot::new(at(micros), reply_frame(usual_ends(), header))
}

/// A reply to `nonce` by a server 1 ms ahead that got the request at `t2` and kept it for 20 us.
fn plain(nonce: u64, t2: i64) -> Header {
    reply(NtpTimestamp(nonce), at(t2 + 1000), at(t2 + 1020))
}

#[test]
fn one_exchange_is_one_sample() {
    let (campaign, report) = run(&exchange(usual_ends(), 7, 0));
    let [sample] = samples(&campaign, 0)[..] else {
        panic!()
    };
    let x = sample.exchange;
    assert_eq!(x.t1, at(0));
    assert_eq!(x.t4(), at(220));
    assert_eq!((x.upper, x.residence, x.lower), (us(1100), us(20), us(900)));
    assert_eq!(
        (x.tx, x.rx, x.error),
        (StampSource::Foreign, StampSource::Foreign, ns(1))
    );
    assert_eq!(sample.mode, Mode::Basic);
    let source = &campaign.sources[0];
    assert_eq!(source.info.to_string(), "192.0.2.2:123");
    assert_eq!(source.info.source, "192.0.2.2");
    assert_eq!(
        source.server().unwrap().reference_id,
        ReferenceId(*b"GPS\0")
    );
    assert_eq!(campaign.header.started, at(0));
    assert_eq!(campaign.header.timeout, TIMEOUT);
    let end = Monotonic::from_nanos(at(220).as_nanos());
    assert_eq!(
        campaign.end,
        Some(RunEnd {
            at: end,
            interrupted: false
        })
    );
    assert!(report.is_whole() && report.describe().is_empty());
    let [(None, _, Note::Imported { meaning, .. })] = &campaign.notes[..] else {
        panic!()
    };
    assert!(meaning.ends_with("the client is 192.0.2.1"), "{meaning}");
}

#[test]
fn every_client_and_server_is_a_source_of_its_own() {
    let mut shots = Vec::new();
    for (n, (client, server)) in [
        ("192.0.2.1:40000", "192.0.2.2:123"),
        ("192.0.2.1:50000", "192.0.2.2:123"), // another port, the same client
        ("192.0.2.9:40000", "192.0.2.2:123"),
        ("[2001:db8::1]:123", "[2001:db8::2]:123"),
        ("192.0.2.1:123", "192.0.2.3:40123"), // as ntpd asks, of an odd server
    ]
    .into_iter()
    .enumerate()
    {
        let start = i64::try_from(n).unwrap() * 1000;
        shots.extend(exchange(ends(client, server), 7, start));
    }
    let (campaign, report) = run(&shots);
    let told: Vec<_> = campaign
        .sources
        .iter()
        .map(|s| (s.info.source.as_str(), s.info.to_string(), s.samples.len()))
        .collect();
    let row = |source, address: &str, n| (source, address.to_owned(), n);
    assert_eq!(
        told,
        [
            row("192.0.2.2", "192.0.2.2:123", 2),
            row("192.0.2.2 (client 192.0.2.9)", "192.0.2.2:123", 1),
            row("2001:db8::2 (client 2001:db8::1)", "[2001:db8::2]:123", 1),
            row("192.0.2.3", "192.0.2.3:40123", 1),
        ]
    );
    assert!(report.is_whole());
    let Some((_, _, Note::Imported { meaning, .. })) = campaign.notes.first() else {
        panic!()
    };
    assert!(
        meaning.contains("where no client is named it is 192.0.2.1"),
        "{meaning}"
    );
}

#[test]
fn refused_replies_have_the_names_of_an_association() {
    let ok = plain(1, 100);
    let cases: [(Header, Rejection); 10] = [
        (
            Header {
                stratum: 0,
                reference_id: ReferenceId(*b"RATE"),
                ..ok
            },
            Rejection::KissRate,
        ),
        (
            Header {
                stratum: 0,
                reference_id: ReferenceId(*b"DENY"),
                ..ok
            },
            Rejection::KissDeny,
        ),
        (
            Header {
                stratum: 0,
                reference_id: ReferenceId(*b"RSTR"),
                ..ok
            },
            Rejection::KissRestrict,
        ),
        (
            Header {
                stratum: 0,
                reference_id: ReferenceId(*b"INIT"),
                ..ok
            },
            Rejection::KissOther,
        ),
        (Header { stratum: 16, ..ok }, Rejection::Unsynchronised),
        (
            Header {
                leap: Leap::Unsynchronised,
                ..ok
            },
            Rejection::Unsynchronised,
        ),
        (
            Header {
                receive: NtpTimestamp::ZERO,
                ..ok
            },
            Rejection::ZeroStamp,
        ),
        (
            Header {
                root_dispersion: NtpShort(16 << 16),
                ..ok
            },
            Rejection::RootDistance,
        ),
        (
            reply(NtpTimestamp(1), at(1100), at(1090)),
            Rejection::StampsReversed,
        ),
        // The request was on its way for less than nothing.
        (
            reply(NtpTimestamp(1), at(1100), at(9100)),
            Rejection::NegativeDelay,
        ),
    ];
    for (header, rejection) in cases {
        let (campaign, _) = run(&[ask(0, &Header::client_request(1)), answer(220, &header)]);
        let source = &campaign.sources[0];
        assert_eq!(source.incidents().rejected, [(rejection, 1)].into());
        assert_eq!((source.samples.len(), source.sent()), (0, 1));
    }
    // These leave the request open: the right reply may follow.
    let forged = plain(99, 100);
    let stray = [&plain(1, 100).to_bytes()[..], &[1; 8]].concat();
    let stray = ethernet(&ip(usual_ends().server, usual_ends().client, PLAIN, &stray));
    let (campaign, _) = run(&[
        ask(0, &Header::client_request(1)),
        answer(150, &forged),
        Shot::new(at(160), stray),
        answer(220, &plain(1, 100)),
    ]);
    let source = &campaign.sources[0];
    let rejected = [(Rejection::BadExtension, 1), (Rejection::BogusOrigin, 1)];
    assert_eq!(source.incidents().rejected, rejected.into());
    assert_eq!(source.samples.len(), 1);
}

#[test]
fn both_stamps_once_more_are_a_repetition() {
    let stale = plain(2, 100);
    let (campaign, _) = run(&[
        ask(0, &Header::client_request(1)),
        answer(220, &plain(1, 100)),
        ask(1_000_000, &Header::client_request(2)),
        answer(1_000_220, &stale),
    ]);
    let source = &campaign.sources[0];
    assert_eq!(
        source.incidents().rejected,
        [(Rejection::RepeatedStamps, 1)].into()
    );
}

#[test]
fn late_and_repeated_replies_are_told_apart() {
    let timeout = 4_000_000;
    let (campaign, report) = run(&[
        ask(0, &Header::client_request(1)),
        ask(10, &Header::client_request(2)),
        answer(220, &plain(1, 100)),
        answer(timeout + 20, &plain(2, 110)), // too late
        ask(5_000_000, &Header::client_request(3)),
        answer(5_000_220, &plain(3, 5_000_100)),
        answer(5_100_000, &plain(3, 5_000_100)), // once more, 100 ms later
        answer(5_100_010, &plain(1, 100)),       // an old one
        ask(6_000_000, &Header::client_request(4)),
    ]);
    let source = &campaign.sources[0];
    let rejected = [
        (Rejection::Duplicate, 1),
        (Rejection::Replay, 1),
        (Rejection::TooLate, 1),
    ];
    assert_eq!(source.incidents().rejected, rejected.into());
    let lost = [(LossCause::Timeout, 1), (LossCause::Interrupted, 1)];
    assert_eq!(source.incidents().lost, lost.into());
    assert_eq!((source.samples.len(), source.sent()), (2, 4));
    assert!(report.is_whole());
}

#[test]
fn a_packet_seen_on_several_interfaces_counts_once_and_first() {
    let asked = Header::client_request(1);
    let answered = plain(1, 100);
    let (campaign, report) = run(&[
        ask(0, &asked),
        ask(30, &asked),
        ask(50, &asked),
        answer(200, &answered),
        ask(205, &asked), // a slow mirror
        answer(230, &answered),
        answer(9_000, &answered),
    ]);
    let [sample] = samples(&campaign, 0)[..] else {
        panic!()
    };
    assert_eq!((sample.exchange.t1, sample.exchange.t4()), (at(0), at(200)));
    assert_eq!(report.unused, [(Unused::Copy, 5)].into());
    assert!(campaign.sources[0].incidents().rejected.is_empty());
    assert!(campaign.sources[0].incidents().lost.is_empty());
    assert!(report.is_whole());
}

#[test]
fn order_in_the_file_does_not_matter_within_a_second() {
    let mut shots = Vec::new();
    for n in 0..6i64 {
        let nonce = 1 + n.unsigned_abs();
        shots.extend(exchange(usual_ends(), nonce, n * 300_000));
    }
    let (in_order, _) = run(&shots);
    // Two processors, each with its own queue.
    let (requests, replies): (Vec<_>, Vec<_>) = shots
        .chunks(4)
        .map(|c| (c[..2].to_vec(), c[2..].to_vec()))
        .unzip();
    let mixed: Vec<_> = requests
        .into_iter()
        .zip(replies)
        .flat_map(|(a, b)| [b, a].concat())
        .collect();
    let (campaign, _) = run(&mixed);
    assert_eq!(samples(&campaign, 0), samples(&in_order, 0));
    assert_eq!(campaign.header.started, at(0));
    shots.swap(0, 1);
    assert_eq!(samples(&run(&shots).0, 0).len(), 6);
}

#[test]
fn a_clock_that_is_set_back_costs_what_was_out() {
    let hour = 3_600_000_000;
    let mut shots = exchange(usual_ends(), 1, hour).to_vec();
    shots.push(ask(hour + 1000, &Header::client_request(2)));
    // The clock goes back by an hour; the reply to 2 comes.
    shots.push(answer(100, &plain(2, hour + 1100)));
    shots.extend(exchange(usual_ends(), 3, 1000));
    let (campaign, _) = run(&shots);
    let source = &campaign.sources[0];
    assert_eq!(source.samples.len(), 2);
    assert_eq!(source.lost_total(), 1);
    assert_eq!(
        source.incidents().rejected,
        [(Rejection::TooLate, 1)].into()
    );
}

#[test]
fn an_exchange_across_a_small_step_back_is_refused() {
    let (campaign, _) = run(&[
        ask(0, &Header::client_request(1)),
        answer(220, &reply(NtpTimestamp(1), at(1100), at(1400))),
    ]);
    let rejected = &campaign.sources[0].incidents().rejected;
    assert_eq!(*rejected, [(Rejection::NegativeDelay, 1)].into());
}

/// A request as chrony makes it: for T3 of the exchange whose T2 is `origin`.
fn interleaved(nonce: u64, origin: NtpTimestamp) -> Header {
    Header::interleaved_request(nonce, origin)
}

#[test]
fn an_interleaved_reply_completes_the_exchange_before() {
    // T2 of exchange n is at 1.1 ms, T3 as the server read it 20 us later, as it left 25 us later.
    let second = 1_000_000;
    let first = plain(1, 100);
    let own = |n: i64| {
        reply(
            NtpTimestamp(0),
            at(n * second + 1100),
            at(n * second + 1125),
        )
    };
    let mut shots = vec![ask(0, &Header::client_request(1)), answer(225, &first)];
    for n in 1..4i64 {
        let nonce = 1 + n.unsigned_abs();
        let request = interleaved(nonce, own(n - 1).receive);
        let header = Header {
            origin: request.receive,
            transmit: own(n - 1).transmit,
            ..own(n)
        };
        shots.push(ask(n * second, &request));
        shots.push(answer(n * second + 225, &header));
    }
    let (campaign, report) = run(&shots);
    let got: Vec<_> = samples(&campaign, 0)
        .iter()
        .map(|s| {
            (
                s.mode,
                s.exchange.t1,
                s.exchange.upper,
                s.exchange.residence,
                s.exchange.lower,
            )
        })
        .collect();
    let expected = |mode, n: i64, kept: i64| {
        (
            mode,
            at(n * second),
            us(1100),
            us(kept),
            us(1100 + kept - 225),
        )
    };
    assert_eq!(
        got,
        [
            expected(Mode::Basic, 0, 20),
            expected(Mode::Interleaved, 0, 25),
            expected(Mode::Interleaved, 1, 25),
            expected(Mode::Interleaved, 2, 25),
        ]
    );
    assert_eq!(campaign.sources[0].sent(), 4);
    assert!(report.unused.is_empty());

    // Begun in the middle: the first reply completes what nobody saw, and is no fault of the server's.
    let (campaign, report) = run(&shots[2..]);
    assert_eq!(samples(&campaign, 0).len(), 2);
    assert_eq!(report.unused, [(Unused::NotHeld, 1)].into());
    assert!(campaign.sources[0].incidents().rejected.is_empty());
    assert!(report.is_whole());

    // A reply that was lost on the way to the client: it asks for the same exchange once more.
    let again = interleaved(9, own(0).receive);
    let mut lossy = shots[..2].to_vec();
    lossy.push(ask(second / 2, &interleaved(8, own(0).receive)));
    lossy.push(ask(second, &again));
    lossy.push(answer(
        second + 225,
        &Header {
            origin: again.receive,
            transmit: own(0).transmit,
            ..own(1)
        },
    ));
    let (campaign, _) = run(&lossy);
    assert_eq!(samples(&campaign, 0).len(), 2);
    assert_eq!(
        campaign.sources[0].incidents().lost,
        [(LossCause::Interrupted, 1)].into()
    );
}

/// Two clients behind one address: each asks for the T3 of its own last exchange.
#[test]
fn the_exchange_before_is_known_by_name() {
    let pair = |port| ends(&format!("192.0.2.1:{port}"), "192.0.2.2:123");
    let mut shots = Vec::new();
    let mut ask_and_answer = |port, micros, request: Header, reply: Header| {
        shots.push(Shot::new(at(micros), request_frame(pair(port), &request)));
        shots.push(Shot::new(at(micros + 230), reply_frame(pair(port), &reply)));
    };
    for (port, start) in [(1u64, 0), (2, 1000)] {
        let nonce = port;
        ask_and_answer(
            port,
            start,
            Header::client_request(nonce),
            plain(nonce, start + 100),
        );
    }
    for (port, start) in [(1u64, 0), (2, 1000)] {
        let first = plain(0, start + 100);
        let request = interleaved(9 + port, first.receive);
        let later = start + 1_000_000;
        let reply = Header {
            origin: request.receive,
            // 23 us after T2 instead of 20.
            ..reply(NtpTimestamp(0), at(later + 1100), at(start + 1123))
        };
        ask_and_answer(port, later, request, reply);
    }
    let (campaign, _) = run(&shots);
    let got: Vec<_> = samples(&campaign, 0)
        .iter()
        .map(|s| (s.mode, s.exchange.t1, s.exchange.residence))
        .collect();
    assert_eq!(
        got,
        [
            (Mode::Basic, at(0), us(20)),
            (Mode::Basic, at(1000), us(20)),
            (Mode::Interleaved, at(0), us(23)),
            (Mode::Interleaved, at(1000), us(23)),
        ]
    );
}

/// As this program asks: what falls due while an interleaved request is out is a basic one.
#[test]
fn basic_exchanges_in_between_do_not_push_out_the_one_that_is_asked_for() {
    let (first, second) = (plain(1, 100), plain(2, 10_100));
    let (asked, again) = (
        interleaved(2, first.receive),
        interleaved(3, second.receive),
    );
    let mut shots = vec![ask(0, &Header::client_request(1)), answer(220, &first)];
    // The server changes to interleaved mode with the third request.
    shots.push(ask(10_000, &asked));
    shots.push(answer(10_220, &second));
    for n in 0..20i64 {
        let nonce = 100 + n.unsigned_abs();
        let start = 20_000 + n * 1000;
        shots.push(ask(start, &Header::client_request(nonce)));
        shots.push(answer(start + 220, &plain(nonce, start + 100)));
    }
    shots.push(ask(50_000, &again));
    shots.push(answer(
        50_220,
        &Header {
            origin: again.receive,
            ..reply(NtpTimestamp(0), at(51_100), at(11_125))
        },
    ));
    let (campaign, report) = run(&shots);
    let last = *samples(&campaign, 0).last().unwrap();
    assert_eq!(
        (last.mode, last.exchange.t1),
        (Mode::Interleaved, at(10_000))
    );
    assert!(report.unused.is_empty());
}

#[test]
fn a_transmit_stamp_of_no_possible_time_is_of_the_wrong_exchange() {
    let first = plain(1, 100);
    for t3 in [1099, 1_001_101] {
        let request = interleaved(2, first.receive);
        let header = Header {
            origin: request.receive,
            ..reply(NtpTimestamp(0), at(1_001_100), at(t3))
        };
        let (campaign, _) = run(&[
            ask(0, &Header::client_request(1)),
            answer(220, &first),
            ask(1_000_000, &request),
            answer(1_000_220, &header),
        ]);
        let rejected = &campaign.sources[0].incidents().rejected;
        assert_eq!(*rejected, [(Rejection::WrongExchange, 1)].into(), "{t3}");
    }
}

/// ntpd fills in what it knows: T3 and T4 of the last exchange, and its own time.
#[test]
fn a_basic_request_may_say_all_that_the_client_knows() {
    let first = Header {
        transmit: NtpTimestamp(0xeccc_6f40_0000_0001),
        ..Header::client_request(0)
    };
    let second = Header {
        origin: NtpTimestamp(0xeccc_6f40_0055_0000),
        receive: NtpTimestamp(0xeccc_6f40_0060_0000),
        transmit: NtpTimestamp(0xeccc_6f50_0000_0001),
        ..Header::client_request(0)
    };
    let (campaign, report) = run(&[
        ask(0, &first),
        answer(220, &plain(first.transmit.0, 100)),
        ask(16_000_000, &second),
        answer(16_000_220, &plain(second.transmit.0, 16_000_100)),
    ]);
    let modes: Vec<_> = samples(&campaign, 0).iter().map(|s| s.mode).collect();
    assert_eq!(modes, [Mode::Basic; 2]);
    assert!(report.unused.is_empty());
}

/// Simple clients send no time at all. Of two such requests the earlier is sure to be before T2.
#[test]
fn requests_that_cannot_be_told_apart_give_the_wider_interval() {
    let zero = Header::client_request(0);
    let (campaign, report) = run(&[
        ask(0, &zero),
        ask(2_000_000, &zero),
        answer(2_000_220, &plain(0, 2_000_100)),
    ]);
    let [sample] = samples(&campaign, 0)[..] else {
        panic!()
    };
    let held = sample.exchange.interval(TimeDelta::ZERO).unwrap();
    assert!(
        held.contains(us(1000)) && sample.exchange.t1 == at(0),
        "{held:?}"
    );
    assert_eq!(campaign.sources[0].lost_total(), 1);
    assert!(report.unused.is_empty());
}

#[test]
fn what_is_no_request_or_reply_is_counted_by_name() {
    let mode = |mode| Header {
        mode,
        ..plain(1, 100)
    };
    let version = |n| Header {
        version: Version::new(n).unwrap(),
        ..Header::client_request(1)
    };
    let asked = |payload: &[u8]| {
        ethernet(&ip(
            usual_ends().client,
            usual_ends().server,
            PLAIN,
            payload,
        ))
    };
    let short = asked(&Header::client_request(1).to_bytes()[..47]);
    let control = asked(&[0x26; 12]);
    let mut damaged = asked(&Header::client_request(1).to_bytes());
    damaged[60] ^= 1;
    let mut shots = vec![
        answer(1, &mode(PacketMode::Reserved)),
        answer(2, &mode(PacketMode::SymmetricActive)),
        answer(3, &mode(PacketMode::SymmetricPassive)),
        answer(4, &mode(PacketMode::Broadcast)),
        answer(5, &mode(PacketMode::Control)),
        ask(6, &version(5)),
        ask(7, &version(0)),
        answer(8, &plain(5, 100)),
        Shot::new(at(9), short),
        Shot::new(at(10), control),
        Shot::new(at(11), damaged),
    ];
    shots.extend(exchange(ends("192.0.2.1:1", "192.0.2.7:123"), 1, 20));
    let (campaign, report) = run(&shots);
    assert_eq!(campaign.sources.len(), 1);
    let expected = [
        (Unused::Checksum, 1),
        (Unused::Short, 1),
        (Unused::Version, 2),
        (Unused::Symmetric, 2),
        (Unused::Broadcast, 1),
        (Unused::Control, 2),
        (Unused::Reserved, 1),
        (Unused::Unasked, 1),
    ];
    assert_eq!(report.unused, expected.into());
    assert!(!report.is_whole());
    assert_eq!(report.describe().len(), 8);
}

#[test]
fn older_versions_are_read() {
    for n in 1..=4 {
        let version = Version::new(n).unwrap();
        let asked = Header {
            version,
            ..Header::client_request(1)
        };
        let answered = Header {
            version,
            ..plain(1, 100)
        };
        let (campaign, _) = run(&[ask(0, &asked), answer(220, &answered)]);
        assert_eq!(samples(&campaign, 0).len(), 1, "{n}");
    }
}

/// Other ports: known by a reply that returns what the request said, and from then on.
#[test]
fn a_server_on_another_port_is_found_out_by_its_reply() {
    let lab = ends("192.0.2.1:40000", "192.0.2.2:11123");
    let mut shots = vec![Shot::new(
        at(0),
        request_frame(lab, &Header::client_request(1)),
    )];
    shots.extend(exchange(lab, 2, 1_000_000));
    shots.push(Shot::new(
        at(2_000_000),
        request_frame(lab, &Header::client_request(3)),
    ));
    // Something else that looks like NTP: a reply that returns nothing that was asked.
    let other = ends("192.0.2.1:5004", "192.0.2.8:5004");
    shots.push(Shot::new(
        at(2_000_100),
        request_frame(other, &Header::client_request(4)),
    ));
    shots.push(Shot::new(
        at(2_000_200),
        reply_frame(other, &plain(5, 2_000_150)),
    ));
    shots.push(Shot::new(
        at(2_000_300),
        request_frame(other, &Header::client_request(0)),
    ));
    shots.push(Shot::new(
        at(2_000_400),
        reply_frame(other, &plain(0, 2_000_150)),
    ));
    let (campaign, report) = run(&shots);
    assert_eq!(campaign.sources.len(), 1);
    assert_eq!(campaign.sources[0].info.port, 11123);
    assert_eq!(campaign.sources[0].samples.len(), 1);
    assert_eq!(campaign.sources[0].lost_total(), 1);
    assert_eq!(report.unused, [(Unused::Other, 5)].into());
}

#[test]
fn memory_is_bounded_whoever_asks() {
    let mut shots = Vec::new();
    for n in 0..1_100u32 {
        let [a, b, c, d] = n.to_be_bytes();
        let spoofed = ends(
            &format!("10.{b}.{c}.{d}:{}", 1024 + u16::from(a)),
            "192.0.2.2:123",
        );
        let header = Header::client_request(u64::from(n) + 1);
        shots.push(Shot::new(at(i64::from(n)), request_frame(spoofed, &header)));
    }
    shots.extend(exchange(ends("10.0.0.5:9", "192.0.2.2:123"), 9, 200_000));
    let file = usual(&shots);
    let capture = Capture::open(file.as_slice(), "test").unwrap();
    let mut campaign = Campaign::default();
    let report = capture.pair(Pairing::new(1000), &mut campaign).unwrap();
    assert_eq!(campaign.sources.len(), 1000);
    assert_eq!(report.unused, [(Unused::BeyondSources, 100)].into());
    assert_eq!(campaign.sources[5].samples.len(), 1);
    assert!(!report.is_whole());

    // One source: the oldest requests give way.
    let mut shots: Vec<_> = (0..300)
        .map(|n| ask(n, &Header::client_request(1 + n.unsigned_abs())))
        .collect();
    shots.push(answer(400, &plain(300, 300)));
    shots.push(answer(401, &plain(1, 301)));
    let (campaign, _) = run(&shots);
    let source = &campaign.sources[0];
    assert_eq!(source.samples.len(), 1);
    let lost = [(LossCause::Timeout, 44), (LossCause::Interrupted, 255)];
    assert_eq!(source.incidents().lost, lost.into());
    // It was given up so long ago that nobody remembers it.
    assert_eq!(
        source.incidents().rejected,
        [(Rejection::BogusOrigin, 1)].into()
    );
}

#[test]
fn a_cut_packet_has_its_header_and_no_more() {
    use super::super::order::ByteOrder::Big;
    let [request, reply] = exchange(usual_ends(), 7, 0);
    let file = |keep: usize| {
        let mut out = pcap(Big, 1, 1, &[]);
        for shot in [&request, &reply] {
            // Extension fields followed on the wire.
            let mut frame = shot.frame.clone();
            frame[16..18].copy_from_slice(&(76u16 + 400).to_be_bytes());
            frame[38..40].copy_from_slice(&(56u16 + 400).to_be_bytes());
            out.extend(record(Big, 1, shot.at, 90 + 400, &frame[..keep]));
        }
        out
    };
    let (campaign, report) = import(&file(90)).unwrap();
    assert_eq!(samples(&campaign, 0).len(), 1);
    assert!(report.is_whole());
    let told = import(&file(89)).unwrap_err().to_string();
    assert!(
        told.contains("2 packets were cut short by the snap length"),
        "{told}"
    );
}

#[test]
fn a_distant_server_is_noted_once() {
    let far = |nonce, t2| Header {
        root_dispersion: NtpShort(2 << 16),
        ..plain(nonce, t2)
    };
    let mut shots = Vec::new();
    for n in 0..3i64 {
        let nonce = 1 + n.unsigned_abs();
        shots.push(ask(n * 1_000_000, &Header::client_request(nonce)));
        shots.push(answer(
            n * 1_000_000 + 220,
            &far(nonce, n * 1_000_000 + 100),
        ));
    }
    let (campaign, _) = run(&shots);
    let distant = campaign
        .notes
        .iter()
        .filter(|(_, _, note)| *note == Note::DistantRoot);
    assert_eq!(distant.count(), 1);
}
