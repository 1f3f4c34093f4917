//! [`interfaces`]: the network interfaces of this host with their addresses, as the kernel lists them over netlink
//! (RTM_GETLINK and RTM_GETADDR of linux/rtnetlink.h). It needs no privilege.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its number, from 1.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether it leads to this host alone.
    pub is_loopback: bool,
    /// Its Ethernet address; absent of what is no Ethernet.
    pub hardware: Option<[u8; 6]>,
    /// Its first IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// Its link-local IPv6 address, once that is known to be nobody else's.
    pub v6: Option<Ipv6Addr>,
}

/// The interfaces that there are, in the order of their numbers.
///
/// # Errors
///
/// What the kernel says; unsupported on systems other than Linux.
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
pub fn interfaces() -> io::Result<Vec<Interface>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The interfaces that there are, in the order of their numbers.
///
/// ```
/// let interfaces = clockfit::net::interfaces::interfaces()?;
/// assert!(interfaces.iter().any(|of| of.name == "lo" && of.is_loopback));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// What the kernel says; unsupported on systems other than Linux.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut found = std::collections::BTreeMap::new();
    for question in [list::LINKS, list::ADDRESSES] {
        list::ask(question, |kind, body| list::take(kind, body, &mut found))?;
    }
    Ok(found.into_values().collect())
}

/// The bytes of the kernel's lists: `struct nlmsghdr`, `struct ifinfomsg` or `struct ifaddrmsg`, attributes.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod list {
    use std::collections::BTreeMap;

    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
    };

    use super::{Interface, Ipv4Addr, Ipv6Addr, io};
    use crate::net::route::message::{HEADER, NLM_F_REQUEST, NLMSG_ERROR, array, attribute};

    /// RTM_GETLINK and RTM_GETADDR.
    pub(super) const LINKS: u16 = 18;
    pub(super) const ADDRESSES: u16 = 22;
    const RTM_NEWLINK: u16 = 16;
    const RTM_NEWADDR: u16 = 20;
    const NLMSG_DONE: u16 = 3;
    const NLM_F_DUMP: u16 = 0x300;
    const LINK: usize = 16;
    const ADDRESS: usize = 8;
    /// Attributes of a link, and of an address.
    const IFLA_ADDRESS: u16 = 1;
    const IFLA_IFNAME: u16 = 3;
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;
    const IFA_FLAGS: u16 = 8;
    const IFF_UP: u32 = 1;
    const IFF_LOOPBACK: u32 = 8;
    /// What says that an address is a further one, somebody else's, or not yet known not to be: SECONDARY (of IPv4),
    /// DADFAILED and TENTATIVE.
    const IFA_F_SECONDARY: u32 = 0x01;
    const IFA_F_UNUSABLE: u32 = 0x08 | 0x40;
    const ARPHRD_ETHER: u16 = 1;
    /// AF_INET and AF_INET6 of Linux.
    const INET: u8 = 2;
    const INET6: u8 = 10;
    /// Interfaces that are told; hosts of many containers have thousands.
    const MOST: usize = 10_000;
    /// Bytes of a piece of the list; the kernel makes none that is longer than what is asked for.
    const PIECE: usize = 32 * 1024;
    /// Pieces of a list.
    const MOST_PIECES: usize = 10_000;

    /// Asks for a list, and hands on what its messages have after their header.
    pub(super) fn ask(question: u16, mut take: impl FnMut(u16, &[u8])) -> io::Result<()> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            // NETLINK_ROUTE is protocol 0, which is also what no protocol means.
            None,
        )?;
        let mut bytes = Vec::new();
        let length = HEADER + LINK;
        bytes.extend(u32::try_from(length).unwrap_or(0).to_ne_bytes());
        bytes.extend(question.to_ne_bytes());
        bytes.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
        // Sequence and port, and no family: all of them.
        bytes.resize(length, 0);
        send(&socket, &bytes, SendFlags::empty())?;
        let mut piece = vec![0; PIECE];
        for _ in 0..MOST_PIECES {
            // The kernel writes each piece when the one before is read, so there is nothing to wait for.
            let (length, _) = recv(&socket, &mut piece[..], RecvFlags::DONTWAIT)?;
            if each(piece.get(..length).unwrap_or(&piece), &mut take)? {
                return Ok(());
            }
        }
        Err(io::Error::other("the kernel's list has no end"))
    }

    /// Hands on the messages of a piece; tells whether the list ended.
    fn each(mut rest: &[u8], take: &mut impl FnMut(u16, &[u8])) -> io::Result<bool> {
        while !rest.is_empty() {
            let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
            let length: u32 = array(rest, 0).map(u32::from_ne_bytes).ok_or_else(cut_off)?;
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let kind = array(rest, 4).map(u16::from_ne_bytes).ok_or_else(cut_off)?;
            let body = rest.get(HEADER..length).ok_or_else(cut_off)?;
            match kind {
                NLMSG_DONE => return Ok(true),
                NLMSG_ERROR => {
                    let errno = array(body, 0).map(i32::from_ne_bytes).ok_or_else(cut_off)?;
                    return Err(io::Error::from_raw_os_error(errno.saturating_neg()));
                }
                kind => take(kind, body),
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        }
        Ok(false)
    }

    /// Adds what a message says.
    pub(super) fn take(kind: u16, body: &[u8], found: &mut BTreeMap<u32, Interface>) {
        match kind {
            RTM_NEWLINK if found.len() < MOST => {
                if let Some(link) = link(body) {
                    found.insert(link.index, link);
                }
            }
            RTM_NEWADDR => _ = address(body, found),
            _ => {}
        }
    }

    fn link(body: &[u8]) -> Option<Interface> {
        let kind = u16::from_ne_bytes(array(body, 2)?);
        let flags = u32::from_ne_bytes(array(body, 8)?);
        let mut link = Interface {
            index: u32::from_ne_bytes(array(body, 4)?),
            is_up: flags & IFF_UP != 0,
            is_loopback: flags & IFF_LOOPBACK != 0,
            ..Interface::default()
        };
        for (attribute, value) in attributes(body.get(LINK..)?) {
            match attribute {
                IFLA_ADDRESS if kind == ARPHRD_ETHER => {
                    let address = <[u8; 6]>::try_from(value).ok();
                    link.hardware = address.filter(|of| *of != [0; 6]);
                }
                IFLA_IFNAME => {
                    let name = value.split(|byte| *byte == 0).next()?;
                    link.name = String::from_utf8_lossy(name).into_owned();
                }
                _ => {}
            }
        }
        (!link.name.is_empty()).then_some(link)
    }

    fn address(body: &[u8], found: &mut BTreeMap<u32, Interface>) -> Option<()> {
        let [family, _, flags] = array(body, 0)?;
        let interface = found.get_mut(&u32::from_ne_bytes(array(body, 4)?))?;
        let (mut flags, mut local, mut other) = (u32::from(flags), None, None);
        for (attribute, value) in attributes(body.get(ADDRESS..)?) {
            match attribute {
                IFA_LOCAL => local = Some(value),
                IFA_ADDRESS => other = Some(value),
                IFA_FLAGS => flags |= array(value, 0).map_or(0, u32::from_ne_bytes),
                _ => {}
            }
        }
        // Of links between two, the other attribute is the other end.
        let address = local.or(other)?;
        match family {
            INET if interface.v4.is_none() && flags & IFA_F_SECONDARY == 0 => {
                interface.v4 = Some(Ipv4Addr::from(<[u8; 4]>::try_from(address).ok()?));
            }
            INET6 if interface.v6.is_none() && flags & IFA_F_UNUSABLE == 0 => {
                let address = Ipv6Addr::from(<[u8; 16]>::try_from(address).ok()?);
                interface.v6 = Some(address).filter(Ipv6Addr::is_unicast_link_local);
            }
            _ => {}
        }
        Some(())
    }

    /// Attributes, each with its kind.
    fn attributes(mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
        std::iter::from_fn(move || {
            let (kind, body, after) = attribute(rest)?;
            rest = after;
            Some((kind, body))
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use proptest::prelude::*;

        fn message(kind: u16, fixed: &[u8], attributes: &[(u16, &[u8])]) -> Vec<u8> {
            let mut body = fixed.to_vec();
            for (kind, value) in attributes {
                let length = u16::try_from(value.len() + 4).unwrap();
                body.extend(length.to_ne_bytes());
                body.extend(kind.to_ne_bytes());
                body.extend(*value);
                body.resize(body.len().next_multiple_of(4), 0);
            }
            let length = u32::try_from(HEADER + body.len()).unwrap();
            let mut bytes = length.to_ne_bytes().to_vec();
            bytes.extend(kind.to_ne_bytes());
            bytes.resize(HEADER, 0);
            bytes.extend(body);
            bytes
        }

        fn said(bytes: &[u8]) -> (io::Result<bool>, Vec<Interface>) {
            let mut found = BTreeMap::new();
            let ended = each(bytes, &mut |kind, body| take(kind, body, &mut found));
            (ended, found.into_values().collect())
        }

        #[test]
        fn links_and_their_addresses() {
            let mut link = [0; LINK];
            link[2..4].copy_from_slice(&ARPHRD_ETHER.to_ne_bytes());
            link[4..8].copy_from_slice(&7u32.to_ne_bytes());
            link[8..12].copy_from_slice(&(IFF_UP | 0x1000).to_ne_bytes());
            let hardware = [2, 0, 0, 0, 0, 7];
            let mut bytes = message(RTM_NEWLINK, &link, &[(1, &hardware), (3, b"eth7\0")]);
            let mut add = |family, flags: u32, kind, address: &[u8]| {
                let fixed = [family, 24, 0, 0, 7, 0, 0, 0];
                let flags = flags.to_ne_bytes();
                let attributes = [(kind, address), (IFA_FLAGS, &flags[..])];
                bytes.extend(message(RTM_NEWADDR, &fixed, &attributes));
            };
            let v6 = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
            add(INET, IFA_F_SECONDARY, IFA_LOCAL, &[192, 0, 2, 9]);
            add(INET, 0x80, IFA_LOCAL, &[192, 0, 2, 7]);
            add(INET, 0x80, IFA_LOCAL, &[192, 0, 2, 8]);
            add(INET6, 0x80, IFA_ADDRESS, &v6("2001:db8::7"));
            add(INET6, 0xc0, IFA_ADDRESS, &v6("fe80::6"));
            add(INET6, 0x80, IFA_ADDRESS, &v6("fe80::7"));
            bytes.extend(message(NLMSG_DONE, &[0; 4], &[]));
            let (ended, found) = said(&bytes);
            assert!(ended.unwrap());
            let eth7 = Interface {
                index: 7,
                name: "eth7".to_owned(),
                is_up: true,
                is_loopback: false,
                hardware: Some(hardware),
                v4: Some([192, 0, 2, 7].into()),
                v6: Some("fe80::7".parse().unwrap()),
            };
            assert_eq!(found, [eth7]);
        }

        #[test]
        fn an_error_of_the_kernel_is_told() {
            let refused = message(NLMSG_ERROR, &(-1i32).to_ne_bytes(), &[]);
            assert_eq!(said(&refused).0.unwrap_err().raw_os_error(), Some(1));
        }

        #[test]
        fn this_host_s_loopback() {
            let all = super::super::interfaces().unwrap();
            let lo = all.iter().find(|of| of.name == "lo").unwrap();
            assert_eq!((lo.index, lo.is_loopback, lo.hardware), (1, true, None));
        }

        proptest! {
            #[test]
            fn no_list_makes_it_panic_or_hang(
                mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
                shape in any::<[bool; 2]>(),
            ) {
                if let (true, Some(head)) = (shape[0], bytes.get_mut(0..6)) {
                    head[..4].copy_from_slice(&40u32.to_ne_bytes());
                    let kind = if shape[1] { RTM_NEWLINK } else { RTM_NEWADDR };
                    head[4..].copy_from_slice(&kind.to_ne_bytes());
                }
                let _ = said(&bytes);
            }
        }
    }
}
