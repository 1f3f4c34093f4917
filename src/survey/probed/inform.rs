//! [`Question`]: messages that ask DHCP servers for time servers and for nothing else, and what answers them. Bytes to
//! values and back, without sockets.
//!
//! Over IPv4 that is DHCPINFORM (RFC 2131 section 4.4.3), over IPv6 Information-request (RFC 8415 section 18.2.6): who
//! asks so has an address, and no server leases one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::offered::{OfferBy, dhcp};
use crate::net::packets::{self, Heard};

/// Ports of clients and servers (RFC 2131 section 4.1, RFC 8415 section 7.2).
pub(super) const CLIENT_V4: u16 = 68;
const SERVER_V4: u16 = 67;
pub(super) const CLIENT_V6: u16 = 546;
const SERVER_V6: u16 = 547;
/// All_DHCP_Relay_Agents_and_Servers (RFC 8415 section 7.1).
const SERVERS_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 2);

/// Fixed fields of RFC 2131 section 2.
const BOOT_REQUEST: u8 = 1;
const BOOT_REPLY: u8 = 2;
const ETHERNET: u8 = 1;
const ETHERNET_LENGTH: u8 = 6;
/// Kinds of messages, in option 53 (RFC 2132 section 9.6), and options.
const ACK: u8 = 5;
const INFORM: u8 = 8;
const MESSAGE_TYPE: u8 = 53;
const REQUESTED: u8 = 55;
const MOST_BYTES: u8 = 57;
const NTP_SERVERS: u8 = 42;
const END: u8 = 255;
/// Relays may drop what is shorter (RFC 1542 section 2.1).
const SHORTEST: usize = 300;

/// Kinds of messages of RFC 8415 section 7.3, and its options.
const REPLY_V6: u8 = 7;
const INFORMATION_REQUEST: u8 = 11;
const CLIENT_ID: u16 = 1;
const SERVER_ID: u16 = 2;
const OPTION_REQUEST: u16 = 6;
const ELAPSED: u16 = 8;
const STATUS: u16 = 13;
/// SNTP servers (RFC 4075) and NTP servers (RFC 5908), and two that each such message has to ask for (RFC 8415
/// section 21.7).
const WANTED_V6: [u16; 4] = [56, 31, 32, 83];
/// A transaction has 24 bits.
const TRANSACTION_V6: u32 = 0x00ff_ffff;

/// What is asked over one interface, by one version of IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The interface.
    pub interface: String,
    /// Its Ethernet address.
    pub hardware: [u8; 6],
    /// Its IPv4 address, or its link-local IPv6 address.
    pub from: IpAddr,
    /// A number that nobody can guess, by which an answer is known.
    pub transaction: u32,
}

/// What answers a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Who answers.
    pub server: IpAddr,
    /// Time servers that it names.
    pub names: Vec<String>,
}

impl Question {
    /// By what it is asked.
    pub(super) fn by(&self) -> OfferBy {
        match self.from {
            IpAddr::V4(_) => OfferBy::Dhcp4,
            IpAddr::V6(_) => OfferBy::Dhcp6,
        }
    }

    /// What a message of this kind is called.
    pub(super) fn name(&self) -> &'static str {
        match self.from {
            IpAddr::V4(_) => "DHCPINFORM",
            IpAddr::V6(_) => "Information-request",
        }
    }

    /// The packet that asks, with its headers of IP, and to whom it goes. `elapsed` are the seconds since it was asked
    /// first.
    pub fn packet(&self, elapsed: u16) -> Option<(Vec<u8>, SocketAddr)> {
        let (message, ports, to) = match self.from {
            IpAddr::V4(from) => (
                self.message_v4(from, elapsed),
                (CLIENT_V4, SERVER_V4),
                Ipv4Addr::BROADCAST.into(),
            ),
            IpAddr::V6(_) => (
                self.message_v6(elapsed),
                (CLIENT_V6, SERVER_V6),
                SERVERS_V6.into(),
            ),
        };
        let to = SocketAddr::new(to, ports.1);
        let from = SocketAddr::new(self.from, ports.0);
        Some((packets::datagram(from, to, &message)?, to))
    }

    fn message_v4(&self, from: Ipv4Addr, elapsed: u16) -> Vec<u8> {
        let mut message = vec![BOOT_REQUEST, ETHERNET, ETHERNET_LENGTH, 0];
        message.extend(self.transaction.to_be_bytes());
        message.extend(elapsed.to_be_bytes());
        message.extend([0; 2]);
        message.extend(from.octets());
        // Addresses that servers and relays fill.
        message.extend([0; 12]);
        message.extend(self.hardware);
        message.resize(dhcp::OPTIONS - dhcp::COOKIE.len(), 0);
        message.extend(dhcp::COOKIE);
        message.extend([MESSAGE_TYPE, 1, INFORM]);
        message.extend([REQUESTED, 1, NTP_SERVERS]);
        // 1500.
        message.extend([MOST_BYTES, 2, 0x05, 0xdc]);
        message.push(END);
        message.resize(message.len().max(SHORTEST), 0);
        message
    }

    fn message_v6(&self, elapsed: u16) -> Vec<u8> {
        let mut message = (u32::from(INFORMATION_REQUEST) << 24
            | self.transaction & TRANSACTION_V6)
            .to_be_bytes()
            .to_vec();
        // Hundredths of a second.
        let elapsed = elapsed.saturating_mul(100).to_be_bytes();
        let wanted: Vec<u8> = WANTED_V6.into_iter().flat_map(u16::to_be_bytes).collect();
        let options: [(u16, &[u8]); 3] = [
            (CLIENT_ID, &self.identity()),
            (ELAPSED, &elapsed),
            (OPTION_REQUEST, &wanted),
        ];
        for (code, data) in options {
            message.extend(code.to_be_bytes());
            message.extend(u16::try_from(data.len()).unwrap_or(0).to_be_bytes());
            message.extend(data);
        }
        message
    }

    /// A DUID that is the interface's address (RFC 8415 section 11.4).
    fn identity(&self) -> Vec<u8> {
        let mut identity = vec![0, 3, 0, ETHERNET];
        identity.extend(self.hardware);
        identity
    }

    /// What a datagram answers; nothing where it is no answer to this.
    pub fn answer(&self, heard: &Heard) -> Option<Reply> {
        let names = match (self.from, heard.from.ip()) {
            (IpAddr::V4(_), IpAddr::V4(_)) => self.answer_v4(heard)?,
            (IpAddr::V6(_), IpAddr::V6(_)) => self.answer_v6(heard)?,
            _ => return None,
        };
        Some(Reply {
            server: heard.from.ip(),
            names,
        })
    }

    fn answer_v4(&self, heard: &Heard) -> Option<Vec<String>> {
        let ports = (heard.from.port(), heard.to.port());
        // It goes to the address that asks; some servers tell it to all.
        let is_to_this = heard.to.ip() == self.from || heard.to.ip() == Ipv4Addr::BROADCAST;
        if ports != (SERVER_V4, CLIENT_V4) || !is_to_this {
            return None;
        }
        let message = &heard.data;
        let head = [BOOT_REPLY, ETHERNET, ETHERNET_LENGTH];
        let is_for_this = message.get(..3)? == head
            && message.get(4..8)? == self.transaction.to_be_bytes()
            && message.get(28..34)? == self.hardware;
        let mut kinds = dhcp::options_v4(message.get(dhcp::OPTIONS..)?);
        let is_ack = kinds.any(|of| of == (MESSAGE_TYPE, &[ACK]));
        (is_for_this && is_ack).then(|| dhcp::v4(message).servers)
    }

    fn answer_v6(&self, heard: &Heard) -> Option<Vec<String>> {
        let ports = (heard.from.port(), heard.to.port());
        if ports != (SERVER_V6, CLIENT_V6) || heard.to.ip() != self.from {
            return None;
        }
        let message = &heard.data;
        let (head, options) = message.split_first_chunk::<4>()?;
        let head = u32::from_be_bytes(*head);
        let wanted = u32::from(REPLY_V6) << 24 | self.transaction & TRANSACTION_V6;
        let all = || dhcp::options_v6(options);
        let first = |wanted: u16| {
            all()
                .find(|(code, _)| *code == wanted)
                .map(|(_, data)| data)
        };
        // A server has to say who it is and whom it answers (RFC 8415 section 16.10), and what is no success says so.
        let is_named = first(SERVER_ID).is_some_and(|of| !of.is_empty());
        let is_mine = first(CLIENT_ID) == Some(self.identity().as_slice());
        let is_success = first(STATUS).is_none_or(|of| of.starts_with(&[0, 0]));
        (head == wanted && is_named && is_mine && is_success).then(|| dhcp::v6(message).servers)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::offered::dhcp::tests::bytes;
    use super::*;
    use proptest::prelude::*;

    fn question(from: &str) -> Question {
        Question {
            interface: "eth0".to_owned(),
            hardware: [0x52, 0x54, 0, 1, 2, 3],
            from: from.parse().unwrap(),
            transaction: 0x9912_3456,
        }
    }

    fn v4() -> Question {
        question("192.0.2.7")
    }

    fn v6() -> Question {
        question("fe80::7")
    }

    fn heard(from: &str, to: &str, data: Vec<u8>) -> Heard {
        Heard {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            data,
        }
    }

    /// A reply to [`v4`] with these options.
    fn reply_v4(options: &str) -> Heard {
        let fixed = "02010600 99123456 00000000 c0000207 00000000 00000000 00000000 525400010203";
        let mut message = bytes(fixed);
        message.resize(236, 0);
        message.extend(bytes("63825363"));
        message.extend(bytes(options));
        heard("192.0.2.1:67", "192.0.2.7:68", message)
    }

    const IDENTITY: &str = "0001000a00030001525400010203 00020008 0003000152540099";

    fn reply_v6(options: &str) -> Heard {
        let message = bytes(&format!("07123456 {options}"));
        heard("[fe80::1]:547", "[fe80::7]:546", message)
    }

    #[test]
    fn what_is_asked_byte_for_byte() {
        let (packet, to) = v4().packet(1).unwrap();
        assert_eq!(to.to_string(), "255.255.255.255:67");
        let sent = packets::read(&packet, false).unwrap();
        assert_eq!(sent.from.to_string(), "192.0.2.7:68");
        assert_eq!(sent.data.len(), SHORTEST);
        let fixed = "01010600 99123456 00010000 c0000207 00000000 00000000 00000000 525400010203";
        assert_eq!(sent.data[..34], bytes(fixed));
        assert!(sent.data[34..236].iter().all(|byte| *byte == 0));
        assert_eq!(
            sent.data[236..251],
            bytes("63825363 350108 37012a 390205dc ff")
        );

        let (packet, to) = v6().packet(2).unwrap();
        assert_eq!(to.to_string(), "[ff02::1:2]:547");
        let sent = packets::read(&packet, false).unwrap();
        assert_eq!(sent.from.to_string(), "[fe80::7]:546");
        let message = "0b123456 0001000a00030001525400010203 0008000200c8 000600080038001f00200053";
        assert_eq!(sent.data, bytes(message));
    }

    #[test]
    fn an_answer_that_names_servers() {
        let reply = v4()
            .answer(&reply_v4("350105 3604c0000201 2a08c0000209c000020a ff"))
            .unwrap();
        assert_eq!(reply.server.to_string(), "192.0.2.1");
        assert_eq!(reply.names, ["192.0.2.9", "192.0.2.10"]);
        let reply = v4().answer(&reply_v4("350105 ff")).unwrap();
        assert_eq!(reply.names, [""; 0]);

        let servers = "001f0010 20010db8000000000000000000000005 \
                       00380014 00010010 20010db8000000000000000000000006";
        let reply = v6().answer(&reply_v6(&format!("{IDENTITY}{servers}")));
        assert_eq!(reply.unwrap().names, ["2001:db8::6", "2001:db8::5"]);
        let refused = format!("{IDENTITY} 000d0002 0001");
        assert_eq!(v6().answer(&reply_v6(&refused)), None);
        assert!(
            v6().answer(&reply_v6(&format!("{IDENTITY} 000d0002 0000")))
                .is_some()
        );
    }

    #[test]
    fn options_in_parts_and_in_other_fields() {
        // An address in two parts (RFC 3396), and another one where the file's name would stand.
        let mut reply = reply_v4("350105 340101 2a02c000 2a020209 ff");
        reply.data[108..115].copy_from_slice(&bytes("2a04c000020aff"));
        let names = v4().answer(&reply).unwrap().names;
        assert_eq!(names, ["192.0.2.9", "192.0.2.10"]);
        // What says that options go on where they began has nothing more.
        let reply = reply_v4("350105 3401ff 2a04c0000209 34013 4 2a04c000");
        assert_eq!(v4().answer(&reply).unwrap().names, ["192.0.2.9"]);
    }

    #[test]
    fn what_answers_somebody_else() {
        let good = reply_v4("350105 2a04c0000209 ff");
        assert!(v4().answer(&good).is_some());
        for (at, byte) in [
            // A request; another network; another length; another transaction; another address.
            (0, 1),
            (1, 6),
            (2, 16),
            (7, 0x57),
            (33, 4),
            // No cookie, an offer, no option of that kind.
            (242, 2),
            (240, 54),
        ] {
            let mut bad = good.clone();
            bad.data[at] = byte;
            assert_eq!(v4().answer(&bad), None, "{at}");
        }
        let from = |from: &str, to: &str| v4().answer(&heard(from, to, good.data.clone()));
        assert_eq!(from("192.0.2.1:1067", "192.0.2.7:68"), None);
        assert_eq!(from("192.0.2.1:67", "192.0.2.7:67"), None);
        assert_eq!(from("192.0.2.1:67", "192.0.2.8:68"), None);
        assert!(from("192.0.2.1:67", "255.255.255.255:68").is_some());
        assert_eq!(from("[fe80::1]:67", "192.0.2.7:68"), None);

        let good = reply_v6(IDENTITY);
        assert!(v6().answer(&good).is_some());
        for (at, byte) in [(0, 2), (3, 0x57), (17, 9), (5, 9), (19, 9)] {
            let mut bad = good.clone();
            bad.data[at] = byte;
            assert_eq!(v6().answer(&bad), None, "{at}");
        }
        let from = |from: &str, to: &str| v6().answer(&heard(from, to, good.data.clone()));
        assert_eq!(from("[fe80::1]:1547", "[fe80::7]:546"), None);
        assert_eq!(from("[fe80::1]:547", "[fe80::8]:546"), None);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            options in proptest::collection::vec(any::<u8>(), 0..300),
            cut in 0usize..600,
        ) {
            let mut v4_reply = reply_v4("350105");
            v4_reply.data.extend(&options);
            v4_reply.data.truncate(cut);
            let mut v6_reply = reply_v6(IDENTITY);
            v6_reply.data.extend(&options);
            v6_reply.data.truncate(cut);
            for reply in [v4_reply, v6_reply] {
                for question in [v4(), v6()] {
                    let names = question.answer(&reply).map_or(0, |of| of.names.len());
                    prop_assert!(names <= 256);
                }
            }
        }
    }
}
