//! [`Tap`]: datagrams to ports that another program of this host may hold, and [`send`] from such a port.
//!
//! Who holds a port gets all that is sent to it, and is not to be disturbed. So packets are seen where they enter the
//! host (packet(7)), each beside the way that it goes anyway, and are sent with headers of our own (raw(7)). Both need
//! CAP_NET_RAW.

use std::io;
use std::net::SocketAddr;

use super::interfaces::Interface;
use super::packets::Heard;
use crate::time::Monotonic;

/// Whether an error says that whoever runs this may not.
pub fn is_not_allowed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// Hears datagrams to one port over IPv4 and to another one over IPv6, on all interfaces.
#[derive(Debug)]
pub struct Tap(system::Tap);

impl Tap {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// It may not ([`is_not_allowed`]); unsupported on systems other than Linux.
    pub fn open(v4_port: u16, v6_port: u16) -> io::Result<Self> {
        system::Tap::open(v4_port, v6_port).map(Self)
    }

    /// The next datagram; nothing once it is that late. Packets that are no whole datagram of UDP are passed over, and
    /// give nothing as well: whoever calls counts.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn next(&mut self, until: Monotonic) -> io::Result<Option<Heard>> {
        self.0.next(until)
    }
}

/// Sends a packet with its headers of IP and UDP out of an interface.
///
/// # Errors
///
/// It may not ([`is_not_allowed`]), or nothing leads there.
pub fn send(interface: &Interface, packet: &[u8], to: SocketAddr) -> io::Result<()> {
    system::send(interface, packet, to)
}

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
mod system {
    use super::{Heard, Interface, Monotonic, SocketAddr, io};

    #[derive(Debug)]
    pub(super) struct Tap;

    impl Tap {
        pub(super) fn open(_: u16, _: u16) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) fn next(&mut self, _: Monotonic) -> io::Result<Option<Heard>> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    pub(super) fn send(_: &Interface, _: &[u8], _: SocketAddr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod system {
    use std::net::SocketAddrV6;
    use std::os::fd::AsFd;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use socket2::{Domain, Protocol, SockFilter, Socket, Type};

    use super::{Heard, Interface, Monotonic, SocketAddr, io};
    use crate::net::control::{CONTROL_BUFFER, Control};
    use crate::net::{clock, packets, sys};
    use crate::time::{NANOS_PER_SEC, TimeDelta};

    /// Bytes of a packet that are read; what is longer is passed over. Whole messages of DHCP have one of Ethernet's
    /// packets.
    const LONGEST: usize = 9_216;
    /// linux/if_ether.h.
    const ETH_P_IP: u16 = 0x0800;
    const ETH_P_IPV6: u16 = 0x86dd;

    #[derive(Debug)]
    pub(super) struct Tap {
        sockets: [Socket; 2],
        buffer: Vec<u8>,
    }

    impl Tap {
        pub(super) fn open(v4_port: u16, v6_port: u16) -> io::Result<Self> {
            Ok(Self {
                sockets: [
                    tap(ETH_P_IP, &v4_filter(v4_port))?,
                    tap(ETH_P_IPV6, &v6_filter(v6_port))?,
                ],
                buffer: vec![0; LONGEST],
            })
        }

        pub(super) fn next(&mut self, until: Monotonic) -> io::Result<Option<Heard>> {
            let left = until.since(clock::counter());
            if left <= TimeDelta::ZERO {
                return Ok(None);
            }
            let timeout = Timespec {
                tv_sec: left.as_nanos() / NANOS_PER_SEC,
                tv_nsec: left.as_nanos() % NANOS_PER_SEC,
            };
            let mut fds = self
                .sockets
                .each_ref()
                .map(|of| PollFd::from_borrowed_fd(of.as_fd(), PollFlags::IN));
            match poll(&mut fds, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let ready = fds.map(|of| !of.revents().is_empty());
            for (socket, _) in self.sockets.iter().zip(ready).filter(|(_, ready)| *ready) {
                if let Some(heard) = received(socket, &mut self.buffer)? {
                    return Ok(Some(heard));
                }
            }
            Ok(None)
        }
    }

    /// A socket that sees packets of one kind after their link's header, and of them those that a filter lets pass.
    fn tap(kind: u16, filter: &[SockFilter]) -> io::Result<Socket> {
        // Of no interface: which one an answer came by is told by the question that it answers.
        let kind = Protocol::from(i32::from(kind.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(kind))?;
        socket.attach_filter(filter)?;
        let (level, option) = (libc::SOL_PACKET, libc::PACKET_AUXDATA);
        sys::set_option(socket.as_fd(), level, option, 1)?;
        Ok(socket)
    }

    fn received(socket: &Socket, buffer: &mut [u8]) -> io::Result<Option<Heard>> {
        let mut control = [0; CONTROL_BUFFER];
        let got = sys::receive(socket, None, buffer, &mut control, libc::MSG_DONTWAIT);
        let got = match got {
            Ok(got) => got,
            // An interface that goes down is no reason to hear no other.
            Err(error) => {
                return match rustix::io::Errno::from_io_error(&error) {
                    Some(
                        rustix::io::Errno::AGAIN
                        | rustix::io::Errno::INTR
                        | rustix::io::Errno::NETDOWN,
                    ) => Ok(None),
                    _ => Err(error),
                };
            }
        };
        if got.truncated {
            return Ok(None);
        }
        let filled = control.get(..got.control_len).unwrap_or(&control);
        let told = Control::parse(filled, CONTROL_BUFFER).unwrap_or_default();
        let packet = buffer.get(..got.data_len).unwrap_or_default();
        Ok(packets::read(packet, told.checksum_pending).ok())
    }

    // Instructions of linux/filter.h, over a packet that begins with its header of IP.
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF: u16 = 0x28;
    const LOAD_HALF_AFTER: u16 = 0x48;
    /// Four times the lower half of a byte: the length of a header of IPv4.
    const SKIP_HEADER: u16 = 0xb1;
    const IF_EQUAL: u16 = 0x15;
    const IF_ANY_BIT: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const ALL: u32 = u32::MAX;
    const UDP: u32 = 17;

    /// Lets datagrams to this port pass that are no fragments.
    fn v4_filter(port: u16) -> [SockFilter; 9] {
        [
            SockFilter::new(LOAD_BYTE, 0, 0, 9),
            SockFilter::new(IF_EQUAL, 0, 6, UDP),
            SockFilter::new(LOAD_HALF, 0, 0, 6),
            SockFilter::new(IF_ANY_BIT, 4, 0, 0x3fff),
            SockFilter::new(SKIP_HEADER, 0, 0, 0),
            SockFilter::new(LOAD_HALF_AFTER, 0, 0, 2),
            SockFilter::new(IF_EQUAL, 0, 1, u32::from(port)),
            SockFilter::new(RETURN, 0, 0, ALL),
            SockFilter::new(RETURN, 0, 0, 0),
        ]
    }

    fn v6_filter(port: u16) -> [SockFilter; 6] {
        [
            SockFilter::new(LOAD_BYTE, 0, 0, 6),
            SockFilter::new(IF_EQUAL, 0, 3, UDP),
            SockFilter::new(LOAD_HALF, 0, 0, 42),
            SockFilter::new(IF_EQUAL, 0, 1, u32::from(port)),
            SockFilter::new(RETURN, 0, 0, ALL),
            SockFilter::new(RETURN, 0, 0, 0),
        ]
    }

    pub(super) fn send(interface: &Interface, packet: &[u8], to: SocketAddr) -> io::Result<()> {
        // With this protocol a packet has its headers already (raw(7)), and nothing is received.
        let raw = Protocol::from(libc::IPPROTO_RAW);
        let socket = Socket::new(Domain::for_address(to), Type::RAW, Some(raw))?;
        socket.bind_device(Some(interface.name.as_bytes()))?;
        let to = match to {
            SocketAddr::V4(_) => {
                socket.set_broadcast(true)?;
                to
            }
            // The port would be taken for a protocol.
            SocketAddr::V6(to) => SocketAddrV6::new(*to.ip(), 0, 0, interface.index).into(),
        };
        match socket.send_to(packet, &to.into())? {
            sent if sent == packet.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    #[cfg(test)]
    mod tests {
        use std::net::UdpSocket;

        use super::*;

        /// Where this may be done, loopback is an interface like another.
        #[test]
        fn what_a_port_is_sent_is_heard_beside_who_holds_it() {
            let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
            let port = holder.local_addr().unwrap().port();
            let mut tap = match Tap::open(port, port) {
                Ok(tap) => tap,
                Err(error) => {
                    assert!(super::super::is_not_allowed(&error), "{error}");
                    return;
                }
            };
            let lo = Interface {
                index: 1,
                name: "lo".to_owned(),
                ..Interface::default()
            };
            let until = clock::counter() + TimeDelta::from_secs(10);
            for (from, to) in [("127.0.0.9:67", "127.0.0.1"), ("[::1]:547", "[::1]")] {
                let from: SocketAddr = from.parse().unwrap();
                let to: SocketAddr = format!("{to}:{port}").parse().unwrap();
                let other = SocketAddr::new(to.ip(), port ^ 1);
                for (to, data) in [(other, "other"), (to, "this")] {
                    let packet = packets::datagram(from, to, data.as_bytes()).unwrap();
                    // Some machines have no IPv6.
                    if let Err(error) = send(&lo, &packet, to) {
                        assert!(to.is_ipv6(), "{error}");
                    }
                }
                let heard = loop {
                    match tap.next(until).unwrap() {
                        Some(heard) => break Some(heard),
                        None if from.is_ipv6() || clock::counter() > until => break None,
                        None => {}
                    }
                };
                let Some(heard) = heard else {
                    assert!(from.is_ipv6());
                    continue;
                };
                assert_eq!(
                    heard,
                    Heard {
                        from,
                        to,
                        data: b"this".to_vec()
                    }
                );
            }
            let mut buffer = [0; 10];
            let (length, from) = holder.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..length], from.port()), (&b"this"[..], 67));
        }
    }
}
