//! What the tests make captures of.

use std::net::{IpAddr, SocketAddr};

use super::super::order::ByteOrder;
use super::super::{Capture, CaptureError, CaptureReport};
use crate::sample::{Campaign, Leap, ReferenceId, Sample};
use crate::time::{NANOS_PER_SEC, TimeDelta, Timestamp};
use crate::wire::{Header, NtpShort, NtpTimestamp, PacketMode, Rounding};

/// 2025-11-22T17:20:00Z.
pub(super) const START: Timestamp = Timestamp::from_nanos(1_763_832_000_000_000_000);

pub(super) fn ns(nanos: i64) -> TimeDelta {
    TimeDelta::from_nanos(nanos)
}

pub(super) fn us(micros: i64) -> TimeDelta {
    TimeDelta::from_micros(micros)
}

/// `micros` after [`START`].
pub(super) fn at(micros: i64) -> Timestamp {
    START + us(micros)
}

pub(super) fn import(bytes: &[u8]) -> Result<(Campaign, CaptureReport), CaptureError> {
    let capture = Capture::open(bytes, "test")?;
    let mut campaign = Campaign::new(capture.header().clone());
    let report = capture.read_into(&mut campaign)?;
    Ok((campaign, report))
}

/// The samples of a campaign's source.
pub(super) fn samples(campaign: &Campaign, source: usize) -> Vec<Sample> {
    campaign.sources[source].samples.iter().collect()
}

/// A frame, and when it passed.
#[derive(Clone, Debug)]
pub(super) struct Shot {
    pub(super) at: Timestamp,
    pub(super) frame: Vec<u8>,
}

impl Shot {
    pub(super) fn new(at: Timestamp, frame: Vec<u8>) -> Self {
        Self { at, frame }
    }
}

fn word(order: ByteOrder, value: u32) -> [u8; 4] {
    match order {
        ByteOrder::Big => value.to_be_bytes(),
        ByteOrder::Little => value.to_le_bytes(),
    }
}

fn half(order: ByteOrder, value: u16) -> [u8; 2] {
    match order {
        ByteOrder::Big => value.to_be_bytes(),
        ByteOrder::Little => value.to_le_bytes(),
    }
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// A pcap file, its fractions of seconds in units of `unit` nanoseconds.
pub(super) fn pcap(order: ByteOrder, unit: i64, link: u32, shots: &[Shot]) -> Vec<u8> {
    let magic = if unit == 1 { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut out = Vec::new();
    out.extend(word(order, magic));
    out.extend(half(order, 2));
    out.extend(half(order, 4));
    for value in [0, 0, 262_144, link] {
        out.extend(word(order, value));
    }
    for shot in shots {
        out.extend(record(order, unit, shot.at, len(&shot.frame), &shot.frame));
    }
    out
}

/// One record of a pcap file, whose packet had `original` bytes.
pub(super) fn record(
    order: ByteOrder,
    unit: i64,
    at: Timestamp,
    original: u32,
    frame: &[u8],
) -> Vec<u8> {
    let seconds = u32::try_from(at.as_nanos() / NANOS_PER_SEC).unwrap();
    let fraction = u32::try_from(at.as_nanos() % NANOS_PER_SEC / unit).unwrap();
    let head = [seconds, fraction, len(frame), original].map(|value| word(order, value));
    [head.as_flattened(), frame].concat()
}

/// The usual kind of capture: nanoseconds, little-endian, Ethernet.
pub(super) fn usual(shots: &[Shot]) -> Vec<u8> {
    pcap(ByteOrder::Little, 1, 1, shots)
}

/// A block of pcapng.
pub(super) fn block(order: ByteOrder, kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let length = word(order, len(&body) + 12);
    [&word(order, kind)[..], &length, &body, &length].concat()
}

pub(super) fn section(order: ByteOrder) -> Vec<u8> {
    let mut body = word(order, 0x1a2b_3c4d).to_vec();
    body.extend(half(order, 1));
    body.extend(half(order, 0));
    // A length that is not known, and an option.
    body.extend([0xff; 8]);
    body.extend(option(order, 4, b"a test"));
    body.extend(option(order, 0, b""));
    block(order, 0x0a0d_0d0a, &body)
}

pub(super) fn option(order: ByteOrder, code: u16, value: &[u8]) -> Vec<u8> {
    let mut out = half(order, code).to_vec();
    out.extend(half(order, u16::try_from(value.len()).unwrap()));
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

/// An interface's description with these options.
pub(super) fn interface(order: ByteOrder, link: u16, options: &[u8]) -> Vec<u8> {
    let mut body = half(order, link).to_vec();
    body.extend([0, 0, 0, 0, 4, 0]);
    body.extend(options);
    block(order, 1, &body)
}

/// An Enhanced Packet Block with an option behind the packet.
pub(super) fn enhanced(order: ByteOrder, interface: u32, ticks: u64, frame: &[u8]) -> Vec<u8> {
    let high = u32::try_from(ticks >> 32).unwrap();
    let low = u32::try_from(ticks & 0xffff_ffff).unwrap();
    let head = [interface, high, low, len(frame), len(frame)].map(|value| word(order, value));
    let mut body = [head.as_flattened(), frame].concat();
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(option(order, 2, &[0; 4]));
    body.extend(option(order, 0, b""));
    block(order, 6, &body)
}

/// Who talks to whom: client, server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
}

pub(super) fn ends(client: &str, server: &str) -> Ends {
    Ends {
        client: client.parse().unwrap(),
        server: server.parse().unwrap(),
    }
}

/// 192.0.2.1 asks 192.0.2.2.
pub(super) fn usual_ends() -> Ends {
    ends("192.0.2.1:40000", "192.0.2.2:123")
}

/// How a packet is dressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dress {
    pub(super) hops: u8,
    /// Whether the checksum is left to the network card.
    pub(super) unfinished: bool,
}

pub(super) const PLAIN: Dress = Dress {
    hops: 57,
    unfinished: false,
};

fn sum(bytes: &[u8]) -> u64 {
    bytes
        .chunks(2)
        .map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)))
        .sum()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap()
}

/// An IP packet with a UDP datagram.
pub(super) fn ip(from: SocketAddr, to: SocketAddr, dress: Dress, payload: &[u8]) -> Vec<u8> {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let udp_len = u16::try_from(payload.len() + 8).unwrap();
    let addresses = [octets(from.ip()), octets(to.ip())].concat();
    let pseudo = sum(&addresses) + 17 + u64::from(udp_len);
    let mut udp = [from.port(), to.port(), udp_len, 0]
        .map(u16::to_be_bytes)
        .as_flattened()
        .to_vec();
    udp.extend(payload);
    let check = if dress.unfinished {
        fold(pseudo)
    } else {
        !fold(pseudo + sum(&udp))
    };
    udp[6..8].copy_from_slice(&check.to_be_bytes());
    let mut out = Vec::new();
    if from.is_ipv4() {
        out.extend([0x45, 0]);
        out.extend((udp_len + 20).to_be_bytes());
        out.extend([0, 0, 0x40, 0, dress.hops, 17, 0, 0]);
    } else {
        out.extend([0x60, 0, 0, 0]);
        out.extend(udp_len.to_be_bytes());
        out.extend([17, dress.hops]);
    }
    out.extend(addresses);
    out.extend(udp);
    out
}

/// An Ethernet frame around an IP packet.
pub(super) fn ethernet(packet: &[u8]) -> Vec<u8> {
    let ether_type = if packet[0] >> 4 == 4 {
        0x0800u16
    } else {
        0x86dd
    };
    let mut frame = vec![2; 12];
    frame.extend(ether_type.to_be_bytes());
    frame.extend(packet);
    frame
}

/// A Linux cooked frame (version 2) around an IP packet, of this kind.
pub(super) fn cooked2(kind: u8, packet: &[u8]) -> Vec<u8> {
    let ether_type = if packet[0] >> 4 == 4 {
        0x0800u16
    } else {
        0x86dd
    };
    let mut frame = ether_type.to_be_bytes().to_vec();
    frame.extend([0, 0, 0, 0, 0, 3, 0, 1, kind, 6, 2, 2, 2, 2, 2, 2, 0, 0]);
    frame.extend(packet);
    frame
}

/// The link type of [`cooked2`].
pub(super) const COOKED2: u32 = 276;
pub(super) const IN: u8 = 0;
pub(super) const OUT: u8 = 4;

/// A server's reply: to `origin`, its stamps at these times by its own clock.
pub(super) fn reply(origin: NtpTimestamp, t2: Timestamp, t3: Timestamp) -> Header {
    Header {
        mode: PacketMode::Server,
        leap: Leap::None,
        stratum: 1,
        precision: -30,
        root_delay: NtpShort(1),
        root_dispersion: NtpShort(2),
        reference_id: ReferenceId(*b"GPS\0"),
        origin,
        receive: NtpTimestamp::from_timestamp(t2, Rounding::Down),
        transmit: NtpTimestamp::from_timestamp(t3, Rounding::Up),
        ..Header::client_request(0)
    }
}

/// An Ethernet frame of a request.
pub(super) fn request_frame(ends: Ends, header: &Header) -> Vec<u8> {
    ethernet(&ip(ends.client, ends.server, PLAIN, &header.to_bytes()))
}

/// An Ethernet frame of a reply.
pub(super) fn reply_frame(ends: Ends, header: &Header) -> Vec<u8> {
    ethernet(&ip(ends.server, ends.client, PLAIN, &header.to_bytes()))
}

/// Request `nonce` at `micros`, to which the server, whose clock is 1 ms ahead, replies: each way takes
/// 100 us and the server 20 us.
pub(super) fn exchange(ends: Ends, nonce: u64, micros: i64) -> [Shot; 2] {
    let header = reply(NtpTimestamp(nonce), at(micros + 1100), at(micros + 1120));
    [
        Shot::new(
            at(micros),
            request_frame(ends, &Header::client_request(nonce)),
        ),
        Shot::new(at(micros + 220), reply_frame(ends, &header)),
    ]
}
