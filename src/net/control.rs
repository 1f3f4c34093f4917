//! Control messages (`man 3 cmsg`) become owned, safe values at once.
//!
//! The parser is safe code over bytes, so it can be fuzzed and tested from dumps. It believes no
//! length it reads: a message that claims more than there is ends the parse with an error.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::time::{NANOS_PER_SEC, Timestamp};

/// Size of the buffer offered for control messages. A TX report with the interface it left by needs
/// 144 bytes over IPv4 and 176 over IPv6; the rest is for options this program does not ask for.
pub const CONTROL_BUFFER: usize = 256;

const WORD: usize = size_of::<usize>();
/// `struct cmsghdr`: a length of one word, then level and type.
const HEADER: usize = WORD + 8;

const SOL_SOCKET: i32 = libc::SOL_SOCKET;
const SOL_IP: i32 = libc::IPPROTO_IP;
const SOL_IPV6: i32 = libc::IPPROTO_IPV6;
// The numbers below are the kernel's (include/uapi); they are spelled out where libc has no name on
// every Unix, so that the parser builds and is tested everywhere.
/// SCM_TIMESTAMPING = SO_TIMESTAMPING (asm-generic/socket.h; 37 on every architecture we build for).
#[cfg(target_os = "linux")]
const SCM_TIMESTAMPING: i32 = libc::SCM_TIMESTAMPING;
#[cfg(not(target_os = "linux"))]
const SCM_TIMESTAMPING: i32 = 37;
/// asm-generic/socket.h
const SCM_TIMESTAMPING_PKTINFO: i32 = 58;
/// linux/in.h
const IP_TTL: i32 = 2;
/// linux/in.h
const IP_PKTINFO: i32 = 8;
/// linux/in.h
const IP_RECVERR: i32 = 11;
/// linux/in6.h
const IPV6_RECVERR: i32 = 25;
/// linux/in6.h
const IPV6_PKTINFO: i32 = 50;
/// linux/in6.h
const IPV6_HOPLIMIT: i32 = 52;

/// linux/socket.h
const SOL_PACKET: i32 = 263;
/// linux/if_packet.h
const PACKET_AUXDATA: i32 = 8;
/// `tpacket_auxdata.tp_status`: who sent this left the checksum to a card that it never reached
/// (linux/if_packet.h).
const TP_STATUS_CSUMNOTREADY: u32 = 1 << 3;

/// `sock_extended_err.ee_origin` of a transmit stamp (linux/errqueue.h).
const SO_EE_ORIGIN_TIMESTAMPING: u8 = 4;
/// Stamp what is sent, where it is handed to the driver (linux/net_tstamp.h).
const SOF_TIMESTAMPING_TX_SOFTWARE: u32 = 1 << 1;
/// `ee_info` of the stamp taken when the packet is handed to the driver (linux/errqueue.h); the
/// others are stages before (SCHED) and after (ACK).
const SCM_TSTAMP_SND: u32 = 0;

/// What the control messages of one datagram said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// The kernel's stamp, on the wall clock.
    pub software: Option<Timestamp>,
    /// The network card's stamp, on the card's own clock.
    pub hardware: Option<Timestamp>,
    /// Why the message is on the error queue.
    pub report: Option<Report>,
    /// The local address and interface a datagram arrived at, or left by.
    pub arrival: Option<Arrival>,
    /// How many routers a datagram could still have passed (time to live, hop limit).
    pub ttl: Option<u8>,
    /// The network card that stamped a received datagram. Absent where its driver keeps no account
    /// of its receive queues (NAPI id).
    pub card: Option<ReceivingCard>,
    /// Whether the checksum of a packet was left to a card, as between hosts of one machine, and is not yet the right
    /// one; false where that was not asked for.
    pub checksum_pending: bool,
}

/// Why a message is on the error queue (`struct sock_extended_err`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The transmit stamp of packet number `id` of the socket.
    Transmitted {
        /// The packet's number, counted by the kernel since OPT_ID was switched on.
        id: u32,
    },
    /// A stamp of another stage than the one asked for.
    OtherStage,
    /// The network or the host could not deliver; the system's error number.
    Undeliverable {
        /// errno.
        errno: i32,
    },
}

/// Where a datagram arrived (`struct in_pktinfo`, `struct in6_pktinfo`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Interface index.
    pub interface: u32,
    /// The local address it was sent to: the one to answer from.
    pub local: IpAddr,
}

/// Which card received a frame (`struct scm_ts_pktinfo`), where a bond or a VLAN is on top of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivingCard {
    /// Interface index; 0 where the kernel does not know.
    pub interface: u32,
    /// Bytes of the frame, from the link header on, without its check sequence.
    pub length: u32,
}

/// Control messages that do not add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The buffer was filled to the last byte: something may be missing (MSG_CTRUNC).
    #[error("control messages filled all of their {CONTROL_BUFFER} bytes, some may be missing")]
    Full,
    /// A message claims to be longer than what is there.
    #[error("a control message is cut off")]
    Truncated,
}

impl Control {
    /// Reads the control messages in `filled`, the part of a buffer of `capacity` bytes that
    /// `recvmsg` filled. Messages that are not known are skipped.
    ///
    /// ```
    /// use clockfit::net::control::{Control, ControlError, CONTROL_BUFFER};
    /// assert_eq!(Control::parse(&[], CONTROL_BUFFER), Ok(Control::default()));
    /// assert_eq!(Control::parse(&[1, 2, 3], CONTROL_BUFFER), Err(ControlError::Truncated));
    /// ```
    pub fn parse(filled: &[u8], capacity: usize) -> Result<Self, ControlError> {
        if filled.len() >= capacity {
            return Err(ControlError::Full);
        }
        let mut control = Self::default();
        let mut rest = filled;
        while !rest.is_empty() {
            let header = Header::read(rest).ok_or(ControlError::Truncated)?;
            let body = rest
                .get(HEADER..header.length)
                .ok_or(ControlError::Truncated)?;
            control.take(&header, body)?;
            // CMSG_ALIGN: the next header starts on a word; the last message may lack its padding.
            let next = header
                .length
                .checked_next_multiple_of(WORD)
                .unwrap_or(usize::MAX);
            rest = rest.get(next..).unwrap_or(&[]);
        }
        Ok(control)
    }

    fn take(&mut self, header: &Header, body: &[u8]) -> Result<(), ControlError> {
        match (header.level, header.kind) {
            (SOL_SOCKET, SCM_TIMESTAMPING) => {
                // struct scm_timestamping: software, (deprecated), hardware.
                self.software = timespec(body, 0)?.or(self.software);
                self.hardware = timespec(body, 2)?.or(self.hardware);
            }
            (SOL_SOCKET, SCM_TIMESTAMPING_PKTINFO) => {
                let interface = u32_at(body, 0).ok_or(ControlError::Truncated)?;
                let length = u32_at(body, 4).ok_or(ControlError::Truncated)?;
                self.card = Some(ReceivingCard { interface, length });
            }
            (SOL_PACKET, PACKET_AUXDATA) => {
                // struct tpacket_auxdata: status u32, and what is not needed.
                let status = u32_at(body, 0).ok_or(ControlError::Truncated)?;
                self.checksum_pending = status & TP_STATUS_CSUMNOTREADY != 0;
            }
            (SOL_IP, IP_RECVERR) | (SOL_IPV6, IPV6_RECVERR) => {
                self.report = Some(report(body).ok_or(ControlError::Truncated)?);
            }
            (SOL_IP, IP_TTL) | (SOL_IPV6, IPV6_HOPLIMIT) => {
                // A word in which one byte counts.
                let word = u32_at(body, 0).ok_or(ControlError::Truncated)?;
                self.ttl = u8::try_from(word).ok();
            }
            (SOL_IP, IP_PKTINFO) => {
                let interface = u32_at(body, 0).ok_or(ControlError::Truncated)?;
                // ipi_spec_dst: the address to answer from; ipi_addr may be a broadcast address.
                let local: [u8; 4] = array_at(body, 4).ok_or(ControlError::Truncated)?;
                self.arrival = Some(Arrival {
                    interface,
                    local: Ipv4Addr::from(local).into(),
                });
            }
            (SOL_IPV6, IPV6_PKTINFO) => {
                let local: [u8; 16] = array_at(body, 0).ok_or(ControlError::Truncated)?;
                let interface = u32_at(body, 16).ok_or(ControlError::Truncated)?;
                self.arrival = Some(Arrival {
                    interface,
                    local: Ipv6Addr::from(local).into(),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

/// The control messages a reply is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyControl {
    bytes: [u8; REPLY_ROOM],
    length: usize,
}

/// Room for the longest pair: an `in6_pktinfo` and a word of flags, each padded to whole words.
const REPLY_ROOM: usize = HEADER + 24 + HEADER + WORD;

impl ReplyControl {
    /// Nothing asked of the kernel.
    pub const fn new() -> Self {
        Self {
            bytes: [0; REPLY_ROOM],
            length: 0,
        }
    }

    /// To answer from the address the request was sent to, as it arrived at `arrival`.
    #[must_use]
    pub fn answer_from(self, arrival: Arrival) -> Self {
        match arrival.local {
            IpAddr::V4(local) => self
                .header(12, SOL_IP, IP_PKTINFO)
                // Interface 0: the route decides; a reply may leave by another one than it came.
                .put(&0u32.to_ne_bytes())
                .put(&local.octets())
                .put(&[0; 4])
                .pad(),
            IpAddr::V6(local) => {
                // A link-local address means nothing without its interface.
                let link_local = local.is_unicast_link_local();
                let interface = if link_local { arrival.interface } else { 0 };
                self.header(20, SOL_IPV6, IPV6_PKTINFO)
                    .put(&local.octets())
                    .put(&interface.to_ne_bytes())
                    .pad()
            }
        }
    }

    /// To stamp this one packet as it is handed to the driver (Linux 4.6 and newer).
    #[must_use]
    pub fn stamp_transmit(self) -> Self {
        self.header(4, SOL_SOCKET, SCM_TIMESTAMPING)
            .put(&SOF_TIMESTAMPING_TX_SOFTWARE.to_ne_bytes())
            .pad()
    }

    /// The messages as `sendmsg` takes them; none at all is an empty slice.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    fn header(self, body: usize, level: i32, kind: i32) -> Self {
        self.put(&(HEADER + body).to_ne_bytes())
            .put(&level.to_ne_bytes())
            .put(&kind.to_ne_bytes())
    }

    fn put(mut self, part: &[u8]) -> Self {
        if let Some(room) = self.bytes.get_mut(self.length..self.length + part.len()) {
            room.copy_from_slice(part);
            self.length += part.len();
        }
        self
    }

    fn pad(mut self) -> Self {
        self.length = self.length.next_multiple_of(WORD);
        self
    }
}

impl Default for ReplyControl {
    fn default() -> Self {
        Self::new()
    }
}

struct Header {
    /// Header and body, without padding.
    length: usize,
    level: i32,
    kind: i32,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let length = usize::from_ne_bytes(array_at(bytes, 0)?);
        let level = i32::from_ne_bytes(array_at(bytes, WORD)?);
        let kind = i32::from_ne_bytes(array_at(bytes, WORD + 4)?);
        (length >= HEADER).then_some(Self {
            length,
            level,
            kind,
        })
    }
}

fn report(body: &[u8]) -> Option<Report> {
    // struct sock_extended_err: errno u32, origin u8, type u8, code u8, pad u8, info u32, data u32.
    let errno = i32::from_ne_bytes(array_at(body, 0)?);
    let [origin] = array_at(body, 4)?;
    let info = u32_at(body, 8)?;
    let id = u32_at(body, 12)?;
    Some(match (origin, info) {
        (SO_EE_ORIGIN_TIMESTAMPING, SCM_TSTAMP_SND) => Report::Transmitted { id },
        (SO_EE_ORIGIN_TIMESTAMPING, _) => Report::OtherStage,
        _ => Report::Undeliverable { errno },
    })
}

/// Number `index` of an array of `struct timespec`; all zero means that there is no such stamp.
fn timespec(body: &[u8], index: usize) -> Result<Option<Timestamp>, ControlError> {
    let at = index * 2 * WORD;
    let field = |at| array_at(body, at).map(isize::from_ne_bytes);
    let (secs, nanos) = field(at)
        .zip(field(at + WORD))
        .ok_or(ControlError::Truncated)?;
    // isize is at most 64 bits wide.
    let (secs, nanos) = (
        i64::try_from(secs).unwrap_or(0),
        i64::try_from(nanos).unwrap_or(0),
    );
    let instant = secs.wrapping_mul(NANOS_PER_SEC).wrapping_add(nanos);
    Ok((secs != 0 || nanos != 0).then(|| Timestamp::from_nanos(instant)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_ne_bytes)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk::<N>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(level: i32, kind: i32, body: &[u8]) -> Vec<u8> {
        let mut bytes = (HEADER + body.len()).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(WORD), 0);
        bytes
    }

    fn stamps(software: (isize, isize), hardware: (isize, isize)) -> Vec<u8> {
        [software.0, software.1, 0, 0, hardware.0, hardware.1]
            .iter()
            .flat_map(|word| word.to_ne_bytes())
            .collect()
    }

    fn extended_error(errno: u32, origin: u8, info: u32, data: u32) -> Vec<u8> {
        let mut body = errno.to_ne_bytes().to_vec();
        body.extend([origin, 0, 0, 0]);
        body.extend(info.to_ne_bytes());
        body.extend(data.to_ne_bytes());
        body.extend([0; 16]); // the offender's sockaddr
        body
    }

    #[test]
    fn reads_a_transmit_report() {
        let mut bytes = message(
            SOL_SOCKET,
            SCM_TIMESTAMPING,
            &stamps((1_763_832_000, 42), (0, 0)),
        );
        bytes.extend(message(SOL_IP, IP_RECVERR, &extended_error(42, 4, 0, 7)));
        let control = Control::parse(&bytes, CONTROL_BUFFER).unwrap();
        assert_eq!(
            control.software,
            Some(Timestamp::from_nanos(1_763_832_000_000_000_042))
        );
        assert_eq!(control.hardware, None);
        assert_eq!(control.report, Some(Report::Transmitted { id: 7 }));
    }

    #[test]
    fn tells_stamp_stages_and_network_errors_apart() {
        let parse = |body: &[u8]| {
            Control::parse(&message(SOL_IPV6, IPV6_RECVERR, body), CONTROL_BUFFER)
                .unwrap()
                .report
        };
        assert_eq!(
            parse(&extended_error(42, 4, 1, 7)),
            Some(Report::OtherStage)
        );
        assert_eq!(
            parse(&extended_error(111, 2, 0, 0)),
            Some(Report::Undeliverable { errno: 111 })
        );
    }

    #[test]
    fn reads_both_stamps_of_a_datagram_and_the_card_they_are_of() {
        let mut bytes = message(SOL_SOCKET, SCM_TIMESTAMPING, &stamps((1, 5), (2, 6)));
        let card: Vec<u8> = [7u32, 90, 0, 0]
            .iter()
            .flat_map(|w| w.to_ne_bytes())
            .collect();
        bytes.extend(message(SOL_SOCKET, SCM_TIMESTAMPING_PKTINFO, &card));
        let control = Control::parse(&bytes, CONTROL_BUFFER).unwrap();
        let at = |nanos| Some(Timestamp::from_nanos(nanos));
        assert_eq!(control.software, at(1_000_000_005));
        assert_eq!(control.hardware, at(2_000_000_006));
        let card = ReceivingCard {
            interface: 7,
            length: 90,
        };
        assert_eq!(control.card, Some(card));
    }

    #[test]
    fn tells_checksums_that_no_card_has_made() {
        let pending = |status: u32| {
            let mut body = status.to_ne_bytes().to_vec();
            body.resize(20, 0);
            let control = Control::parse(&message(SOL_PACKET, PACKET_AUXDATA, &body), 256);
            control.unwrap().checksum_pending
        };
        // TP_STATUS_USER alone, and with the other one.
        assert!(!pending(1) && pending(9));
        let cut = message(SOL_PACKET, PACKET_AUXDATA, &[1, 0]);
        assert_eq!(Control::parse(&cut, 256), Err(ControlError::Truncated));
    }

    #[test]
    fn a_full_buffer_is_an_error() {
        let bytes = message(SOL_SOCKET, SCM_TIMESTAMPING, &stamps((1, 1), (0, 0)));
        assert_eq!(Control::parse(&bytes, bytes.len()), Err(ControlError::Full));
    }

    #[test]
    fn a_message_cut_at_any_byte_is_an_error_or_ends_on_a_boundary() {
        let mut bytes = message(SOL_SOCKET, SCM_TIMESTAMPING, &stamps((1, 1), (2, 2)));
        let first = bytes.len();
        bytes.extend(message(SOL_IP, IP_RECVERR, &extended_error(0, 4, 0, 9)));
        for cut in 1..bytes.len() {
            let parsed = Control::parse(&bytes[..cut], CONTROL_BUFFER);
            assert_eq!(parsed.is_ok(), cut == first, "cut at {cut}: {parsed:?}");
        }
    }

    #[test]
    fn a_reply_leaves_from_where_the_request_came_to() {
        for local in ["127.1.2.3", "fe80::1", "::1"] {
            let arrival = Arrival {
                interface: 3,
                local: local.parse().unwrap(),
            };
            let bytes = ReplyControl::new().answer_from(arrival);
            let read = Control::parse(bytes.as_bytes(), CONTROL_BUFFER)
                .unwrap()
                .arrival
                .unwrap();
            assert_eq!(read.local, arrival.local);
            assert_eq!(read.interface, if local == "fe80::1" { 3 } else { 0 });

            // Behind it, in whole words, the flags of this one packet.
            let both = bytes.stamp_transmit();
            let flags = message(SOL_SOCKET, SCM_TIMESTAMPING, &2u32.to_ne_bytes());
            assert_eq!(both.as_bytes(), [bytes.as_bytes(), &flags].concat());
            let alone = ReplyControl::new().stamp_transmit();
            assert_eq!(alone.as_bytes(), flags);
        }
        assert!(ReplyControl::new().as_bytes().is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Control::parse(&bytes, CONTROL_BUFFER);
        }

        #[test]
        fn no_lengths_make_it_panic(
            lengths in proptest::collection::vec(0usize..64, 1..8),
            level in prop_oneof![Just(SOL_SOCKET), Just(SOL_IP), Just(SOL_IPV6)],
            kind in prop_oneof![Just(SCM_TIMESTAMPING), Just(SCM_TIMESTAMPING_PKTINFO), Just(IP_RECVERR), Just(IPV6_PKTINFO), Just(IP_PKTINFO)],
        ) {
            let bytes: Vec<u8> = lengths.iter().flat_map(|&length| {
                let mut m = length.to_ne_bytes().to_vec();
                m.extend(level.to_ne_bytes());
                m.extend(kind.to_ne_bytes());
                m.extend([0xff; 16]);
                m
            }).collect();
            let _ = Control::parse(&bytes, 4096);
        }
    }
}
