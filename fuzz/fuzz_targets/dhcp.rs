//! Any bytes as what a DHCP server answers: as a packet, as a message in a whole packet, and as options of a message that
//! fits the question. No panic; what is read as a datagram can be written again; what is named is a bounded number of
//! names that a terminal may have; and an answer to one question is none to another.

#![no_main]

use std::net::{IpAddr, SocketAddr};

use clockfit::net::packets::{datagram, read};
use clockfit::survey::Question;
use libfuzzer_sys::fuzz_target;

/// Servers of one message that are told.
const MOST: usize = 256;

fuzz_target!(|input: (bool, bool, u32, &[u8])| {
    let (is_v6, is_pending, transaction, bytes) = input;
    if let Ok(heard) = read(bytes, is_pending) {
        let again = datagram(heard.from, heard.to, &heard.data)
            .expect("what was read is no longer than a packet");
        assert_eq!(read(&again, false), Ok(heard));
    }
    let from: IpAddr = match is_v6 {
        true => "fe80::7".parse(),
        false => "192.0.2.7".parse(),
    }
    .expect("an address");
    let question = Question {
        interface: "eth0".to_owned(),
        hardware: [0x52, 0x54, 0, 1, 2, 3],
        from,
        transaction,
    };
    assert!(question.packet(0).is_some());
    let (server, client): (SocketAddr, u16) = match is_v6 {
        true => ("[fe80::1]:547".parse().expect("an address"), 546),
        false => ("192.0.2.1:67".parse().expect("an address"), 68),
    };
    let to = SocketAddr::new(from, client);
    let mut message = head(&question);
    message.extend(bytes);
    for data in [bytes, &message] {
        let Some(packet) = datagram(server, to, data) else {
            continue;
        };
        let heard = read(&packet, false).expect("what is written is read");
        let other = Question {
            transaction: transaction ^ 1,
            ..question.clone()
        };
        let reply = question.answer(&heard);
        assert!(reply.is_none() || other.answer(&heard).is_none());
        let names = reply.map(|of| of.names).unwrap_or_default();
        assert!(names.len() <= MOST);
        for name in names {
            assert!(!name.is_empty() && name.len() < 256);
            assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name}");
        }
    }
});

/// How an answer begins: that of IPv4 up to its options, that of IPv6 with who is answered and who answers.
fn head(question: &Question) -> Vec<u8> {
    let mut message = Vec::new();
    match question.from {
        IpAddr::V4(_) => {
            message.extend([2, 1, 6, 0]);
            message.extend(question.transaction.to_be_bytes());
            message.resize(28, 0);
            message.extend(question.hardware);
            message.resize(236, 0);
            message.extend([99, 130, 83, 99, 53, 1, 5]);
        }
        IpAddr::V6(_) => {
            let transaction = question.transaction & 0x00ff_ffff;
            message.extend((7 << 24 | transaction).to_be_bytes());
            message.extend([0, 1, 0, 10, 0, 3, 0, 1]);
            message.extend(question.hardware);
            message.extend([0, 2, 0, 1, 9]);
        }
    }
    message
}
