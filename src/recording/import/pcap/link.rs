//! [`Link`]: from a captured frame to the IP packet inside.

use super::bytes::Bytes;

/// Link types that are read here, by their numbers in the registry of LINKTYPE_ values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// 0: a protocol family in the byte order of whoever captured.
    Null,
    /// 1.
    Ethernet,
    /// 101: no header; the packet says whether it is IPv4 or IPv6.
    Raw,
    /// 108: a protocol family in the network's byte order.
    Loop,
    /// 113: Linux, all interfaces ("cooked").
    Sll,
    /// 228.
    Ipv4,
    /// 229.
    Ipv6,
    /// 276: Linux, all interfaces, with the interface's number.
    Sll2,
}

/// Which way a packet passed the interface, where the capture says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    #[default]
    Unsaid,
    /// From the network to this host.
    In,
    /// From this host to the network.
    Out,
}

/// Tags of virtual networks that are looked through: IEEE 802.1Q, 802.1ad, and what went before it.
const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// Tags that may stand one after the other.
const MAX_TAGS: usize = 8;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// Values of AF_INET and, by system (Linux, NetBSD and OpenBSD, FreeBSD, Darwin), of AF_INET6.
const FAMILIES: [u32; 5] = [2, 10, 24, 28, 30];

impl Link {
    pub(super) fn of(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::Null,
            1 => Self::Ethernet,
            101 => Self::Raw,
            108 => Self::Loop,
            113 => Self::Sll,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            276 => Self::Sll2,
            _ => return None,
        })
    }

    /// The IP packet in a frame, and which way it went. `None` where there is none, or where the frame
    /// ends before it.
    pub(super) fn open(self, frame: &[u8]) -> Option<(&[u8], Direction)> {
        let mut bytes = Bytes(frame);
        let mut direction = Direction::Unsaid;
        match self {
            Self::Raw | Self::Ipv4 | Self::Ipv6 => {}
            Self::Null | Self::Loop => {
                let family = bytes.array()?;
                let known = |family| FAMILIES.contains(&family);
                let swapped = self == Self::Null && known(u32::from_le_bytes(family));
                if !swapped && !known(u32::from_be_bytes(family)) {
                    return None;
                }
            }
            Self::Ethernet => {
                bytes.skip(12)?;
                let ether_type = bytes.u16()?;
                enter(ether_type, &mut bytes)?;
            }
            Self::Sll => {
                direction = Direction::of(bytes.u16()?);
                // Kind, length and bytes of the link's address.
                bytes.skip(12)?;
                let ether_type = bytes.u16()?;
                enter(ether_type, &mut bytes)?;
            }
            Self::Sll2 => {
                let ether_type = bytes.u16()?;
                // Reserved, the interface, and what kind it is.
                bytes.skip(8)?;
                direction = Direction::of(bytes.u8()?.into());
                // Length and bytes of the link's address.
                bytes.skip(9)?;
                enter(ether_type, &mut bytes)?;
            }
        }
        Some((bytes.0, direction))
    }
}

impl Direction {
    /// Linux's kind of packet (PACKET_HOST and PACKET_OUTGOING, packet(7)). Those for other hosts and
    /// for many may have been seen in passing.
    fn of(kind: u16) -> Self {
        match kind {
            0 => Self::In,
            4 => Self::Out,
            _ => Self::Unsaid,
        }
    }
}

/// Passes over tags of virtual networks to an IP packet.
fn enter(mut ether_type: u16, bytes: &mut Bytes<'_>) -> Option<()> {
    for _ in 0..=MAX_TAGS {
        if matches!(ether_type, IPV4 | IPV6) {
            return Some(());
        } else if !TAGS.contains(&ether_type) {
            return None;
        }
        bytes.skip(2)?;
        ether_type = bytes.u16()?;
    }
    None
}
