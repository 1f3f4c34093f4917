//! UDP datagrams with the headers of IP around them, to bytes and back (RFC 791, RFC 768, RFC 8200): what a program
//! needs that speaks from a port, or listens to one, that another program holds.
//!
//! What is read is a whole packet that is what it says it is, or a named refusal: no fragment, no extension header, no
//! wrong length or checksum.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The number of UDP among the protocols over IP.
const UDP: u8 = 17;
const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;
const UDP_HEADER: usize = 8;
/// How far packets go: what is asked here is asked of the same link, or of a relay on it.
const HOPS: u8 = 64;

/// A datagram that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// What.
    pub data: Vec<u8>,
}

/// Why bytes are no datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It ends before its headers, or its own lengths, say so.
    #[error("it is cut off")]
    Short,
    /// It is neither version of IP.
    #[error("it is no packet of IP")]
    Version,
    /// It is a part of a packet.
    #[error("it is a fragment")]
    Fragment,
    /// It holds something else than UDP, or something before it.
    #[error("it holds no UDP")]
    Protocol,
    /// A checksum is not that of the packet.
    #[error("its checksum is wrong")]
    Checksum,
}

/// A datagram with its headers; nothing where the addresses are of different versions, or it is too long for one.
///
/// ```
/// use clockfit::net::packets::{datagram, read};
/// let (from, to) = ("192.0.2.1:68".parse()?, "255.255.255.255:67".parse()?);
/// let packet = datagram(from, to, b"who is there?").unwrap();
/// let heard = read(&packet, false)?;
/// assert_eq!((heard.from, heard.to, heard.data.as_slice()), (from, to, &b"who is there?"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn datagram(from: SocketAddr, to: SocketAddr, data: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(data.len().checked_add(UDP_HEADER)?).ok()?;
    let mut udp = Vec::with_capacity(usize::from(length));
    udp.extend(from.port().to_be_bytes());
    udp.extend(to.port().to_be_bytes());
    udp.extend(length.to_be_bytes());
    udp.extend([0; 2]);
    udp.extend(data);
    // Zero stands for none (RFC 768).
    let sum = match checksum(&[&pseudo_header(from.ip(), to.ip(), length)?, &udp]) {
        0 => u16::MAX,
        sum => sum,
    };
    udp.get_mut(6..8)?.copy_from_slice(&sum.to_be_bytes());
    let mut packet = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => v4_header(from, to, length)?,
        (IpAddr::V6(from), IpAddr::V6(to)) => v6_header(from, to, length),
        _ => return None,
    };
    packet.extend(udp);
    Some(packet)
}

fn v4_header(from: Ipv4Addr, to: Ipv4Addr, length: u16) -> Option<Vec<u8>> {
    let total = length.checked_add(u16::try_from(V4_HEADER).ok()?)?;
    let mut header = vec![0x45, 0];
    header.extend(total.to_be_bytes());
    // The kernel numbers it, and it is no fragment.
    header.extend([0; 4]);
    header.extend([HOPS, UDP, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    let sum = checksum(&[&header]);
    header.get_mut(10..12)?.copy_from_slice(&sum.to_be_bytes());
    Some(header)
}

fn v6_header(from: Ipv6Addr, to: Ipv6Addr, length: u16) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend(length.to_be_bytes());
    header.extend([UDP, HOPS]);
    header.extend(from.octets());
    header.extend(to.octets());
    header
}

/// A datagram in a packet of IP. What follows the packet is padding. With `checksum_pending`, the checksum of UDP is one
/// that was left to a card, and says nothing.
///
/// # Errors
///
/// Why it is none.
pub fn read(packet: &[u8], checksum_pending: bool) -> Result<Heard, Refused> {
    let first = packet.first().ok_or(Refused::Short)?;
    let (from, to, udp): (IpAddr, IpAddr, &[u8]) = match first >> 4 {
        4 => {
            let (from, to, udp) = v4(packet)?;
            (from.into(), to.into(), udp)
        }
        6 => {
            let (from, to, udp) = v6(packet)?;
            (from.into(), to.into(), udp)
        }
        _ => return Err(Refused::Version),
    };
    let field = |at| array(udp, at).map(u16::from_be_bytes).ok_or(Refused::Short);
    let (source, destination, length, sum) = (field(0)?, field(2)?, field(4)?, field(6)?);
    let udp = udp.get(..usize::from(length)).ok_or(Refused::Short)?;
    let data = udp.get(UDP_HEADER..).ok_or(Refused::Short)?;
    // Only over IPv4 it may be left out (RFC 8200 section 8.1).
    let is_left_out = sum == 0 && from.is_ipv4();
    if !checksum_pending && !is_left_out {
        let pseudo = pseudo_header(from, to, length).ok_or(Refused::Version)?;
        if checksum(&[&pseudo, udp]) != 0 || sum == 0 {
            return Err(Refused::Checksum);
        }
    }
    Ok(Heard {
        from: SocketAddr::new(from, source),
        to: SocketAddr::new(to, destination),
        data: data.to_vec(),
    })
}

fn v4(packet: &[u8]) -> Result<(Ipv4Addr, Ipv4Addr, &[u8]), Refused> {
    let fixed: [u8; V4_HEADER] = array(packet, 0).ok_or(Refused::Short)?;
    let [
        first,
        _,
        a,
        b,
        _,
        _,
        f,
        g,
        _,
        protocol,
        _,
        _,
        addresses @ ..,
    ] = fixed;
    let header = usize::from(first & 0xf) * 4;
    let total = usize::from(u16::from_be_bytes([a, b]));
    let packet = packet.get(..total).ok_or(Refused::Short)?;
    let udp = packet.get(header..).ok_or(Refused::Short)?;
    if header < V4_HEADER {
        return Err(Refused::Short);
    }
    if checksum(&[packet.get(..header).ok_or(Refused::Short)?]) != 0 {
        return Err(Refused::Checksum);
    }
    // More of them follow, or it is not the first.
    if u16::from_be_bytes([f, g]) & 0x3fff != 0 {
        return Err(Refused::Fragment);
    }
    if protocol != UDP {
        return Err(Refused::Protocol);
    }
    let [a, b, c, d, e, f, g, h] = addresses;
    Ok(([a, b, c, d].into(), [e, f, g, h].into(), udp))
}

fn v6(packet: &[u8]) -> Result<(Ipv6Addr, Ipv6Addr, &[u8]), Refused> {
    let length = array(packet, 4).ok_or(Refused::Short)?;
    let [protocol] = array(packet, 6).ok_or(Refused::Short)?;
    let from: [u8; 16] = array(packet, 8).ok_or(Refused::Short)?;
    let to: [u8; 16] = array(packet, 24).ok_or(Refused::Short)?;
    if protocol != UDP {
        return Err(Refused::Protocol);
    }
    let end = V6_HEADER + usize::from(u16::from_be_bytes(length));
    let udp = packet.get(V6_HEADER..end).ok_or(Refused::Short)?;
    Ok((from.into(), to.into(), udp))
}

/// What the checksum of UDP covers beside UDP itself (RFC 768, RFC 8200 section 8.1).
fn pseudo_header(from: IpAddr, to: IpAddr, length: u16) -> Option<Vec<u8>> {
    let mut header = Vec::new();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            header.extend(from.octets());
            header.extend(to.octets());
            header.extend([0, UDP]);
            header.extend(length.to_be_bytes());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            header.extend(from.octets());
            header.extend(to.octets());
            header.extend(u32::from(length).to_be_bytes());
            header.extend([0, 0, 0, UDP]);
        }
        _ => return None,
    }
    Some(header)
}

/// The checksum of the internet (RFC 1071) of what stands one after the other, each but the last of an even length;
/// zero of what has the right one in it.
fn checksum(parts: &[&[u8]]) -> u16 {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u64 = words
        .map(|word| match *word {
            [a, b] => u64::from(u16::from_be_bytes([a, b])),
            [a] => u64::from(a) << 8,
            _ => 0,
        })
        .sum();
    // A packet has fewer than 2^16 words: three foldings leave no carry.
    let fold = |sum: u64| (sum & 0xffff) + (sum >> 16);
    !u16::try_from(fold(fold(fold(sum)))).unwrap_or(u16::MAX)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn packet(v6: bool) -> Vec<u8> {
        let (from, to) = match v6 {
            true => ("[fe80::1]:547", "[fe80::2]:546"),
            false => ("192.0.2.1:67", "192.0.2.2:68"),
        };
        datagram(address(from), address(to), b"abc").unwrap()
    }

    /// The words of the headers, summed as RFC 1071 says.
    #[test]
    fn checksums_by_hand() {
        let v4 = packet(false);
        let sum = |words: &[u32]| {
            let sum: u32 = words.iter().sum();
            !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap()
        };
        let header = sum(&[0x4500, 31, 0, 0, 0x4011, 0xc000, 0x0201, 0xc000, 0x0202]);
        assert_eq!(v4[10..12], header.to_be_bytes());
        let udp = sum(&[
            0xc000, 0x0201, 0xc000, 0x0202, 17, 11, 67, 68, 11, 0x6162, 0x6300,
        ]);
        assert_eq!(v4[26..28], udp.to_be_bytes());
    }

    #[test]
    fn any_byte_that_is_another_is_noticed() {
        for v6 in [false, true] {
            let good = packet(v6);
            assert!(read(&good, false).is_ok());
            for at in 0..good.len() {
                // Neither is under a checksum: what sort of traffic it is, and how far it may go.
                if v6 && (at < 4 || at == 7) {
                    continue;
                }
                let mut bad = good.clone();
                bad[at] ^= 0x04;
                assert!(read(&bad, false).is_err(), "{v6} {at}");
                assert!(read(&good[..at], false).is_err(), "{v6} {at}");
            }
        }
    }

    #[test]
    fn padding_is_left_out_and_what_is_pending_not_looked_at() {
        let mut padded = packet(false);
        padded.extend([0xaa; 20]);
        assert_eq!(read(&padded, false).unwrap().data, b"abc");
        padded[26] ^= 1;
        assert_eq!(read(&padded, false), Err(Refused::Checksum));
        assert!(read(&padded, true).is_ok());
        // None at all.
        padded[26..28].fill(0);
        assert!(read(&padded, false).is_ok());
        let mut v6 = packet(true);
        v6[46..48].fill(0);
        assert_eq!(read(&v6, false), Err(Refused::Checksum));
    }

    #[test]
    fn parts_options_and_other_protocols() {
        let with = |at: usize, value: u8| {
            let mut bytes = packet(false);
            bytes[at] = value;
            let header = usize::from(bytes[0] & 0xf) * 4;
            bytes[10..12].fill(0);
            let sum = checksum(&[&bytes[..header]]);
            bytes[10..12].copy_from_slice(&sum.to_be_bytes());
            read(&bytes, true)
        };
        assert_eq!(with(6, 0x20), Err(Refused::Fragment));
        assert_eq!(with(7, 0x01), Err(Refused::Fragment));
        assert!(with(6, 0x40).is_ok());
        assert_eq!(with(9, 6), Err(Refused::Protocol));
        assert_eq!(with(0, 0x44), Err(Refused::Short));
        assert_eq!(with(0, 0x55), Err(Refused::Version));
        let mut v6 = packet(true);
        v6[6] = 44;
        assert_eq!(read(&v6, true), Err(Refused::Protocol));
        assert!(datagram(address("[::1]:1"), address("192.0.2.1:1"), b"").is_none());
        let long = vec![0; 70_000];
        assert!(datagram(address("192.0.2.1:1"), address("192.0.2.1:1"), &long).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..100),
            version in 4u8..7,
            pending in any::<bool>(),
        ) {
            if let Some(first) = bytes.first_mut() {
                *first = version << 4 | *first & 0xf;
            }
            let _ = read(&bytes, pending);
        }

        #[test]
        fn what_is_written_is_read(data in proptest::collection::vec(any::<u8>(), 0..300), v6 in any::<bool>()) {
            let (from, to) = match v6 {
                true => ("[2001:db8::1]:1", "[ff02::1:2]:547"),
                false => ("198.51.100.9:65535", "255.255.255.255:67"),
            };
            let bytes = datagram(address(from), address(to), &data).unwrap();
            let heard = read(&bytes, false).unwrap();
            prop_assert_eq!(heard, Heard { from: address(from), to: address(to), data });
        }
    }
}
