//! What DHCP messages say of time servers: option 42 (RFC 2132 section 8.3), and of IPv6 options 31 (RFC 4075) and 56
//! (RFC 5908).

use std::net::{Ipv4Addr, Ipv6Addr};

/// What a message told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Told {
    /// Names and addresses.
    pub servers: Vec<String>,
    /// For how many seconds; absent where it does not say, or for ever.
    pub lease: Option<u32>,
}

/// Servers that one message may tell; there is no room for more in most.
const MOST: usize = 256;
/// Where the options of a message for IPv4 begin, and what stands before them (RFC 2131 sections 2 and 3).
pub(in super::super) const OPTIONS: usize = 240;
pub(in super::super) const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// A DHCP message for IPv4, without headers of IP and UDP.
pub(in super::super) fn v4(message: &[u8]) -> Told {
    let mut found = Told::default();
    let fixed = message.get(OPTIONS - COOKIE.len()..OPTIONS);
    if fixed != Some(&COOKIE) {
        return found;
    }
    let mut servers = Vec::new();
    let mut overload = 0;
    let mut take = |options: &[u8], found: &mut Told| {
        for (code, data) in options_v4(options) {
            match (code, data) {
                // In parts, of which each is taken for the next piece (RFC 3396).
                (42, data) => servers.extend_from_slice(data),
                (51, [a, b, c, d]) => {
                    found.lease =
                        Some(u32::from_be_bytes([*a, *b, *c, *d])).filter(|of| *of < u32::MAX);
                }
                (52, [of]) => overload = *of,
                _ => {}
            }
        }
        overload
    };
    let overload = take(message.get(OPTIONS..).unwrap_or_default(), &mut found);
    // The fields of the file's and the server's name may hold more options (RFC 2132 section 9.3).
    if overload & 1 != 0 {
        take(message.get(108..236).unwrap_or_default(), &mut found);
    }
    if overload & 2 != 0 {
        take(message.get(44..108).unwrap_or_default(), &mut found);
    }
    for address in servers.chunks_exact(4).take(MOST) {
        if let [a, b, c, d] = *address {
            let address = Ipv4Addr::new(a, b, c, d);
            if !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast() {
                add(&mut found.servers, address.to_string());
            }
        }
    }
    found
}

/// Options, each with its data; what is cut off ends them.
pub(in super::super) fn options_v4(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let (code, after) = rest.split_first()?;
            match code {
                0 => rest = after,
                255 => return None,
                code => {
                    let (length, after) = after.split_first()?;
                    let data = after.get(..usize::from(*length))?;
                    rest = after.get(usize::from(*length)..)?;
                    return Some((*code, data));
                }
            }
        }
    })
}

/// A DHCP message for IPv6.
pub(in super::super) fn v6(message: &[u8]) -> Told {
    let mut found = Told::default();
    let mut sntp = Vec::new();
    for (code, data) in options_v6(message.get(4..).unwrap_or_default()) {
        match code {
            31 => {
                for address in data.chunks_exact(16).take(MOST) {
                    sntp.extend(address_v6(address));
                }
            }
            56 => ntp_servers(data)
                .into_iter()
                .for_each(|of| add(&mut found.servers, of)),
            // An address for a while: identity, two times, and options of which 5 is the address with its lifetimes.
            3 => {
                for (code, data) in options_v6(data.get(12..).unwrap_or_default()) {
                    if let (5, Some([a, b, c, d])) = (code, data.get(20..24)) {
                        let valid = u32::from_be_bytes([*a, *b, *c, *d]);
                        found.lease = found.lease.max(Some(valid).filter(|of| *of < u32::MAX));
                    }
                }
            }
            _ => {}
        }
    }
    sntp.into_iter().for_each(|of| add(&mut found.servers, of));
    found
}

/// What option 56 holds: suboptions, of which 1 is an address, 2 a group's, and 3 a name.
pub(super) fn ntp_servers(data: &[u8]) -> Vec<String> {
    let suboptions = options_v6(data).filter_map(|(code, data)| match code {
        1 => address_v6(data),
        3 => name(data),
        _ => None,
    });
    suboptions.take(MOST).collect()
}

pub(in super::super) fn options_v6(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (head, after) = rest.split_first_chunk::<4>()?;
        let [a, b, c, d] = *head;
        let length = usize::from(u16::from_be_bytes([c, d]));
        let data = after.get(..length)?;
        rest = after.get(length..)?;
        Some((u16::from_be_bytes([a, b]), data))
    })
}

fn address_v6(data: &[u8]) -> Option<String> {
    let address = Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?);
    let is_host = !address.is_unspecified() && !address.is_loopback() && !address.is_multicast();
    is_host.then(|| address.to_string())
}

/// A host's name, as DNS writes it: labels with their lengths (RFC 1035 section 3.1), without pointers.
fn name(mut data: &[u8]) -> Option<String> {
    let mut labels: Vec<&str> = Vec::new();
    while let Some((length, after)) = data.split_first() {
        if *length == 0 {
            break;
        }
        let label = after.get(..usize::from(*length)).filter(|_| *length < 64)?;
        labels.push(str::from_utf8(label).ok()?);
        data = after.get(usize::from(*length)..)?;
    }
    let name = labels.join(".");
    is_server(&name).then_some(name)
}

fn add(servers: &mut Vec<String>, server: String) {
    if !servers.contains(&server) && servers.len() < MOST {
        servers.push(server);
    }
}

/// Whether a text is an address or a host's name (RFC 1123 section 2.1): what comes from a network may be anything.
pub(in super::super) fn is_server(text: &str) -> bool {
    let address = text.split('%').next().unwrap_or(text);
    if address.parse::<std::net::IpAddr>().is_ok() {
        return text.bytes().all(|b| b.is_ascii_graphic());
    }
    let is_label = |label: &str| {
        let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        !label.is_empty()
            && label.len() < 64
            && !label.starts_with('-')
            && label.bytes().all(is_letter)
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    name.len() < 254 && name.split('.').all(is_label)
}

#[cfg(test)]
pub(in super::super) mod tests {
    use super::*;

    /// A message for IPv4 with these options, in hexadecimal digits.
    pub(crate) fn message(options: &str) -> Vec<u8> {
        let mut message = vec![0; OPTIONS - 4];
        message.extend(COOKIE);
        message.extend(bytes(options));
        message
    }

    pub(crate) fn bytes(hex: &str) -> Vec<u8> {
        let hex: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let pairs = hex
            .chunks_exact(2)
            .map(|pair| str::from_utf8(pair).unwrap());
        pairs
            .map(|pair| u8::from_str_radix(pair, 16).unwrap())
            .collect()
    }

    /// An address in an identity association, option 31, and option 56 with two addresses, a group and a name.
    pub(crate) const REPLY_V6: &str = "071234560001000a000300015254001234560002000a00030001525400aabbcc\
        00030028001234560000070800000b400005001820010db8000000000000000000000050\
        00000e1000001c20001f001020010db800000000000000000000007b\
        003800280001001020010db8000000000000000000000123\
        0001001020010db8000000000000000000000124\
        003800140002001 0ff050000000000000000000000000101\
        003800110003000d036e7470076578616d706c6500";

    #[test]
    fn messages_for_ipv4() {
        let servers = |options: &str| v4(&message(options)).servers;
        let told = v4(&message(
            "350105 330400000e10 2a08c000020ac000020b 2a04c6336407 ff",
        ));
        assert_eq!(told.servers, ["192.0.2.10", "192.0.2.11", "198.51.100.7"]);
        assert_eq!(told.lease, Some(3_600));
        assert_eq!(v4(&message("3304ffffffff ff")).lease, None);
        // Not a multiple of four, cut off, empty, and what is no host.
        assert_eq!(servers("2a05c000020100ff"), ["192.0.2.1"]);
        assert_eq!(servers("2a08c0000201"), [""; 0]);
        assert_eq!(servers("2a00ff"), [""; 0]);
        assert_eq!(servers("2a0c00000000ffffffffe0000101ff"), [""; 0]);
        // More of them where the name of a file would stand.
        let mut overloaded = message("340101 ff");
        overloaded[108..114].copy_from_slice(&bytes("2a04c0000209"));
        assert_eq!(v4(&overloaded).servers, ["192.0.2.9"]);
        // No options at all.
        for broken in [&[][..], &[0; 240], &message("")[..239]] {
            assert_eq!(v4(broken), Told::default());
        }
    }

    #[test]
    fn messages_for_ipv6() {
        let told = v6(&bytes(REPLY_V6));
        assert_eq!(
            told.servers,
            [
                "2001:db8::123",
                "2001:db8::124",
                "ntp.example",
                "2001:db8::7b"
            ]
        );
        assert_eq!(told.lease, Some(7_200));
        for broken in [
            "",
            "07123456",
            "07123456 0038 ffff 00",
            "07123456 0038 0005 0003 0001 40",
            "07123456 001f 0011 00",
        ] {
            assert_eq!(v6(&bytes(broken)).servers, [""; 0], "{broken}");
        }
    }

    #[test]
    fn what_is_no_server_is_none() {
        for server in [
            "192.0.2.1",
            "2001:db8::1",
            "fe80::1%eth0",
            "ntp.example.",
            "localhost",
            "a_b.example",
        ] {
            assert!(is_server(server), "{server}");
        }
        for none in [
            "",
            ".",
            "a..b",
            "-h",
            "a b",
            "\\000\\001",
            "a/b",
            "x\u{202e}",
            "fe80::1%e\u{1b}",
            "<b>",
        ] {
            assert!(!is_server(none), "{none:?}");
        }
        assert!(!is_server(&"a".repeat(64)) && !is_server(&"a.".repeat(130)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message_or_none(bytes: Vec<u8>) {
            v4(&bytes);
            v6(&bytes);
            let mut with_cookie = message("");
            with_cookie.extend(&bytes);
            v4(&with_cookie);
        }
    }
}
