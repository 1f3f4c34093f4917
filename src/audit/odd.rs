//! The packets that are no requests for the time.

use crate::sample::OddQuestion;
use crate::wire::{HEADER_LEN, Header};

/// Leap 0, version 4, and the mode.
const VERSION_4: u8 = 4 << 3;
/// A random number that no server can have seen before: it is only to be told back.
const NONCE: u64 = 0x6f64_6465_7374_2129;
/// Of an extension field that fills half of an Ethernet frame.
const EXTENSION: u16 = 700;
/// No type that is given out, and none of those that are for experiments (RFC 9748).
const NO_TYPE: u16 = 0x7e57;

/// The packet.
pub(super) fn packet(question: OddQuestion) -> Vec<u8> {
    let request = Header::client_request(NONCE).to_bytes();
    let with_first = |first: u8| -> Vec<u8> {
        let rest = request.iter().skip(1).copied();
        std::iter::once(first).chain(rest).collect()
    };
    match question {
        // RFC 9327 section 2: version 2 or later and mode 6, then the operation: READVAR is 2. Sequence 1, of the
        // server itself, without data.
        OddQuestion::Control => [&[(2 << 3) | 6, 2, 0, 1][..], &[0; 8]].concat(),
        // ntp_request.h of ntpd: version 2 and mode 7, sequence 0, implementation XNTPD (3), request MON_GETLIST_1
        // (42), then no data, which older ones take, padded to the length that newer ones ask for.
        OddQuestion::Private => [&[(2 << 3) | 7, 0, 3, 42][..], &[0; 44]].concat(),
        // Key 0xffff, and the 16 bytes of a digest.
        OddQuestion::UnknownKey => [&request[..], &[0, 0, 0xff, 0xff], &[0x5a; 16]].concat(),
        OddQuestion::Extension => {
            let field = [NO_TYPE.to_be_bytes(), EXTENSION.to_be_bytes()].concat();
            let mut packet = [&request[..], &field].concat();
            packet.resize(HEADER_LEN + usize::from(EXTENSION), 0);
            packet
        }
        // RFC 1059: the three bits of the mode are unused.
        OddQuestion::FirstVersion => with_first(1 << 3),
        OddQuestion::SymmetricActive => with_first(VERSION_4 | 1),
        OddQuestion::Broadcast => with_first(VERSION_4 | 5),
        OddQuestion::CutOff => request.iter().take(HEADER_LEN - 1).copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_what_it_is_called() {
        let first = |question| packet(question)[0];
        assert_eq!(first(OddQuestion::Control) & 7, 6);
        assert_eq!(packet(OddQuestion::Control).len(), 12);
        assert_eq!(first(OddQuestion::Private) & 7, 7);
        assert_eq!(first(OddQuestion::SymmetricActive), 0x21);
        assert_eq!(first(OddQuestion::Broadcast), 0x25);
        assert_eq!(first(OddQuestion::FirstVersion), 0x08);
        assert_eq!(packet(OddQuestion::UnknownKey).len(), 68);
        assert_eq!(packet(OddQuestion::Extension).len(), 748);
        assert_eq!(packet(OddQuestion::CutOff).len(), 47);
    }
}
