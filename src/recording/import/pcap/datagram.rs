//! [`Datagram`]: from an IP packet to the UDP payload inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::bytes::Bytes;
use super::report::Unused;

const UDP: u8 = 17;
const UDP_HEADER_LEN: usize = 8;
/// IPv6 headers that may stand before UDP (RFC 8200 section 4): hop-by-hop options, routing,
/// destination options; and the one that makes a fragment.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;
/// Such headers that are passed over; RFC 8200 allows four before UDP.
const MAX_EXTENSIONS: usize = 8;

/// A UDP datagram, as much of it as was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Datagram<'a> {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
    /// What is at hand of the payload.
    pub(super) payload: &'a [u8],
    /// How long the payload is, by the word of its header.
    pub(super) length: usize,
    /// How many routers it may still pass: TTL or hop limit.
    pub(super) hops: u8,
    pub(super) checksum: Checksum,
}

/// What the checksum of a datagram says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checksum {
    Right,
    /// There is none, or the datagram is not all there.
    Unknown,
    /// It was still to be made, by a network card or by nobody: the host that captured the datagram
    /// sent it, or a virtual link brought it.
    Unfinished,
    /// The datagram was damaged, and its receiver drops it.
    Wrong,
}

/// The part of an IP packet that UDP needs.
struct Inside<'a> {
    from: IpAddr,
    to: IpAddr,
    hops: u8,
    body: Bytes<'a>,
}

impl<'a> Datagram<'a> {
    /// Reads an IP packet. `cut`: that there was more of it on the wire than is at hand.
    pub(super) fn parse(packet: &'a [u8], cut: bool) -> Result<Self, Unused> {
        let ended = if cut { Unused::Cut } else { Unused::Malformed };
        let inside = match packet.first().map(|first| first >> 4) {
            Some(4) => ipv4(Bytes(packet), ended)?,
            Some(6) => ipv6(Bytes(packet), ended)?,
            Some(_) => return Err(Unused::Other),
            None => return Err(ended),
        };
        let Inside {
            from,
            to,
            hops,
            body,
        } = inside;
        let (header, payload) = body.0.split_first_chunk::<UDP_HEADER_LEN>().ok_or(ended)?;
        let [s0, s1, d0, d1, l0, l1, c0, c1] = *header;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let length = length
            .checked_sub(UDP_HEADER_LEN)
            .ok_or(Unused::Malformed)?;
        // What a link adds to fill its shortest frame is not of the datagram.
        let payload = payload.get(..length).unwrap_or(payload);
        if payload.len() < length && !cut {
            return Err(Unused::Malformed);
        }
        let stored = u16::from_be_bytes([c0, c1]);
        let checksum = if payload.len() == length {
            let datagram = body.0.get(..UDP_HEADER_LEN + length).unwrap_or(body.0);
            Checksum::of(from, to, datagram, stored)
        } else {
            Checksum::Unknown
        };
        Ok(Self {
            source: SocketAddr::new(from, u16::from_be_bytes([s0, s1])),
            destination: SocketAddr::new(to, u16::from_be_bytes([d0, d1])),
            payload,
            length,
            hops,
            checksum,
        })
    }
}

fn ipv4(mut bytes: Bytes<'_>, ended: Unused) -> Result<Inside<'_>, Unused> {
    let captured = bytes.0;
    let head = bytes.array::<20>().ok_or(ended)?;
    let [
        first,
        _,
        t0,
        t1,
        _,
        _,
        f0,
        f1,
        hops,
        protocol,
        _,
        _,
        addresses @ ..,
    ] = head;
    let [s0, s1, s2, s3, d0, d1, d2, d3] = addresses;
    if protocol != UDP {
        return Err(Unused::Other);
    }
    // "More fragments", or an offset that is not zero.
    if u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
        return Err(Unused::Fragment);
    }
    let header_len = usize::from(first & 0xf) * 4;
    let options = header_len
        .checked_sub(head.len())
        .ok_or(Unused::Malformed)?;
    bytes.skip(options).ok_or(ended)?;
    // Zero in packets that the network card was yet to cut into several.
    let total = match usize::from(u16::from_be_bytes([t0, t1])) {
        0 => captured.len(),
        total => total,
    };
    let body = total.checked_sub(header_len).ok_or(Unused::Malformed)?;
    Ok(Inside {
        from: Ipv4Addr::new(s0, s1, s2, s3).into(),
        to: Ipv4Addr::new(d0, d1, d2, d3).into(),
        hops,
        body: Bytes(bytes.0.get(..body).unwrap_or(bytes.0)),
    })
}

fn ipv6(mut bytes: Bytes<'_>, ended: Unused) -> Result<Inside<'_>, Unused> {
    let [_, _, _, _, l0, l1, next, hops] = bytes.array().ok_or(ended)?;
    let from = Ipv6Addr::from(bytes.array::<16>().ok_or(ended)?);
    let to = Ipv6Addr::from(bytes.array::<16>().ok_or(ended)?);
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if length > 0 {
        bytes = Bytes(bytes.0.get(..length).unwrap_or(bytes.0));
    }
    let mut next = next;
    for _ in 0..=MAX_EXTENSIONS {
        match next {
            UDP => {
                return Ok(Inside {
                    from: from.into(),
                    to: to.into(),
                    hops,
                    body: bytes,
                });
            }
            FRAGMENT => return Err(Unused::Fragment),
            HOP_BY_HOP | ROUTING | DESTINATION => {
                let [following, eights] = bytes.array().ok_or(ended)?;
                bytes.skip(usize::from(eights) * 8 + 6).ok_or(ended)?;
                next = following;
            }
            _ => return Err(Unused::Other),
        }
    }
    Err(Unused::Malformed)
}

impl Checksum {
    /// Judges the one `stored` in a whole datagram. Unfinished is what covers only the addresses and
    /// the length, which the kernel puts in for a network card to go on from (Linux
    /// `Documentation/networking/checksum-offloads.rst`).
    fn of(from: IpAddr, to: IpAddr, datagram: &[u8], stored: u16) -> Self {
        let sum = |bytes: &[u8]| {
            let (words, odd) = bytes.as_chunks::<2>();
            let words = words
                .iter()
                .map(|word| u64::from(u16::from_be_bytes(*word)));
            let odd = odd.first().map(|last| u64::from(*last) << 8);
            words.chain(odd).sum::<u64>()
        };
        let address = |address| match address {
            IpAddr::V4(v4) => sum(&v4.octets()),
            IpAddr::V6(v6) => sum(&v6.octets()),
        };
        let length = u64::try_from(datagram.len()).unwrap_or(0);
        let pseudo = address(from) + address(to) + u64::from(UDP) + length;
        if stored == 0 && from.is_ipv4() {
            Self::Unknown
        } else if fold(pseudo + sum(datagram)) == 0xffff {
            Self::Right
        } else if stored == fold(pseudo) {
            Self::Unfinished
        } else {
            Self::Wrong
        }
    }
}

/// The ones' complement sum of 16-bit words, of their sum in more bits.
fn fold(mut sum: u64) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).unwrap_or(u16::MAX)
}
