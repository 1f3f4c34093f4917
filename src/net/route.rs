//! Which interface leads to an address: a question to the kernel's routing tables (RTM_GETROUTE of
//! linux/rtnetlink.h). It sends nothing to any network and needs no privilege.

use std::io;
use std::net::{IpAddr, SocketAddr};

/// The number of the interface by which packets to `remote` leave.
///
/// # Errors
///
/// What the kernel says where nothing leads there, such as "network is unreachable"; unsupported on
/// systems other than Linux.
pub fn interface_to(remote: SocketAddr) -> io::Result<u32> {
    if let SocketAddr::V6(v6) = remote
        && v6.scope_id() != 0
    {
        // A zone is the interface.
        return Ok(v6.scope_id());
    }
    ask(remote.ip())
}

/// Whether packets to `remote` never leave this host: it is one of its own addresses. False where the kernel
/// does not say.
pub fn leads_to_this_host(remote: SocketAddr) -> bool {
    let address = remote.ip().to_canonical();
    // Linux routes all of its own addresses by its loopback, the first interface of every network namespace.
    address.is_loopback() || ask(address).is_ok_and(|interface| interface == LOOPBACK)
}

/// LOOPBACK_IFINDEX of linux/net/net_namespace.h.
const LOOPBACK: u32 = 1;

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
fn ask(_: IpAddr) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
fn ask(remote: IpAddr) -> io::Result<u32> {
    use rustix::net::{
        AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
    };
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        // NETLINK_ROUTE is protocol 0, which is also what no protocol means.
        None,
    )?;
    send(&socket, &message::question(remote), SendFlags::empty())?;
    // The kernel answers within the call that asks, so there is nothing to wait for.
    let mut answer = [0; 4096];
    let (length, _) = recv(&socket, &mut answer[..], RecvFlags::DONTWAIT)?;
    message::interface_in(answer.get(..length).unwrap_or(&answer))
}

/// The bytes of question and answer: `struct nlmsghdr`, `struct rtmsg`, attributes.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) mod message {
    use super::{IpAddr, io};

    /// Bytes of `struct nlmsghdr`.
    pub(in crate::net) const HEADER: usize = 16;
    const ROUTE: usize = 12;
    const ATTRIBUTE: usize = 4;

    pub(in crate::net) const NLM_F_REQUEST: u16 = 1;
    pub(in crate::net) const NLMSG_ERROR: u16 = 2;
    const RTM_NEWROUTE: u16 = 24;
    const RTM_GETROUTE: u16 = 26;
    const RTA_DST: u16 = 1;
    const RTA_OIF: u16 = 4;
    /// AF_INET and AF_INET6 of Linux.
    const FAMILIES: [u8; 2] = [2, 10];

    pub(super) fn question(remote: IpAddr) -> Vec<u8> {
        let [v4, v6] = FAMILIES;
        let (family, bits, octets) = match remote {
            IpAddr::V4(a) => (v4, 32, a.octets().to_vec()),
            IpAddr::V6(a) => (v6, 128, a.octets().to_vec()),
        };
        let length = HEADER + ROUTE + ATTRIBUTE + octets.len();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(u32::try_from(length).unwrap_or(0).to_ne_bytes());
        bytes.extend(RTM_GETROUTE.to_ne_bytes());
        bytes.extend(NLM_F_REQUEST.to_ne_bytes());
        // Sequence and port.
        bytes.extend([0; 8]);
        bytes.extend([family, bits]);
        bytes.resize(HEADER + ROUTE, 0);
        let attribute = u16::try_from(ATTRIBUTE + octets.len()).unwrap_or(0);
        bytes.extend(attribute.to_ne_bytes());
        bytes.extend(RTA_DST.to_ne_bytes());
        bytes.extend(octets);
        bytes
    }

    pub(super) fn interface_in(answer: &[u8]) -> io::Result<u32> {
        let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let kind = u16::from_ne_bytes(array(answer, 4).ok_or_else(cut_off)?);
        match kind {
            NLMSG_ERROR => {
                let errno = i32::from_ne_bytes(array(answer, HEADER).ok_or_else(cut_off)?);
                Err(io::Error::from_raw_os_error(errno.saturating_neg()))
            }
            RTM_NEWROUTE => {
                let mut rest = answer.get(HEADER + ROUTE..).unwrap_or(&[]);
                while let Some((kind, body, after)) = attribute(rest) {
                    if kind == RTA_OIF {
                        return array(body, 0).map(u32::from_ne_bytes).ok_or_else(cut_off);
                    }
                    rest = after;
                }
                Err(io::Error::other("the route names no interface"))
            }
            _ => Err(io::Error::other("the kernel's answer is no route")),
        }
    }

    /// Kind and body of the first attribute, and what comes after it.
    pub(in crate::net) fn attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
        let length = usize::from(u16::from_ne_bytes(array(bytes, 0)?));
        let kind = u16::from_ne_bytes(array(bytes, 2)?);
        let body = bytes.get(ATTRIBUTE..length)?;
        let after = bytes.get(length.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, body, after))
    }

    pub(in crate::net) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
        bytes.get(at..)?.first_chunk::<N>().copied()
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use proptest::prelude::*;

        #[test]
        fn an_error_of_the_kernel_is_named() {
            let mut answer = vec![0; 36];
            answer[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
            answer[16..20].copy_from_slice(&(-101i32).to_ne_bytes());
            let error = interface_in(&answer).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(101));
        }

        proptest! {
            #[test]
            fn no_answer_makes_it_panic_or_hang(
                mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
                route in any::<bool>(),
            ) {
                if let (true, Some(kind)) = (route, bytes.get_mut(4..6)) {
                    kind.copy_from_slice(&RTM_NEWROUTE.to_ne_bytes());
                }
                let _ = interface_in(&bytes);
            }
        }
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod tests {
    use super::*;

    #[test]
    fn this_host_leads_to_itself_by_loopback() {
        // lo is interface 1 in every network namespace.
        for own in ["127.0.0.1:123", "127.9.9.9:1", "[::1]:123"] {
            assert_eq!(interface_to(own.parse().unwrap()).unwrap(), 1, "{own}");
        }
        assert_eq!(interface_to("[fe80::1%7]:123".parse().unwrap()).unwrap(), 7);
    }
}
