//! UDP sockets that tell when each packet passed.
//!
//! Assumptions about the kernel, each relied upon below:
//! - a transmit stamp comes back on the error queue with the packet's number (OPT_ID), counted per
//!   socket from 0 over the sends that reached the IP layer; nothing is assumed about its order;
//! - kernels before 6.x count a failed send too, so after one the numbers are off: the caller opens
//!   a new socket ([`StampedSocket::send`]);
//! - a packet dropped by the queueing discipline uses up a number and never stamps;
//! - for some milliseconds after the first socket of the host asks for receive stamps they may be
//!   missing, because the kernel arms them asynchronously ([`ArmedStamps`]);
//! - with IP_RECVERR an ICMP error is a message of the error queue, and reading it clears the
//!   socket's pending error, so that the next send is not refused for an old packet's sake;
//! - a server's socket is asked for a transmit stamp packet by packet, by control message, and gets
//!   it back with the frame it belongs to. Numbers would not do there: a send that fails may have
//!   used one up or not, on every kernel, and a server cannot open a new socket for that.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use socket2::{Domain, MsgHdr, Protocol, SockAddr, Socket, Type};

use super::control::{Arrival, CONTROL_BUFFER, Control, ReplyControl, Report};
use super::{clock, sys};
use crate::sample::{Stamp, StampFault, StampSource};
use crate::time::{TimeDelta, Timestamp};

/// Who is asked to stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamping {
    /// The kernel, both ways.
    Kernel,
    /// This program, around its system calls.
    User,
}

/// How to open a [`StampedSocket`].
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// Bind to this interface (SO_BINDTODEVICE).
    pub interface: Option<String>,
    /// Who is asked to stamp.
    pub stamping: Stamping,
    /// Precision of the wall clock: the error of each stamp.
    pub precision: TimeDelta,
}

/// A received datagram's length and receive stamp.
#[derive(Clone, Copy, Debug)]
pub struct Datagram {
    /// Bytes written to the caller's buffer.
    pub length: usize,
    /// Whether the datagram was longer than the buffer.
    pub truncated: bool,
    /// When it arrived.
    pub stamp: Stamp,
    /// Why the stamp is not the kernel's, where that was asked for.
    pub fault: Option<StampFault>,
}

/// A packet that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The number its transmit stamp will carry; `None` where no stamp will come.
    pub id: Option<u32>,
}

/// What the error queue told.
#[derive(Debug)]
pub enum TransmitReport {
    /// Packet `id` left at `stamp`.
    Stamp {
        /// The packet's number.
        id: u32,
        /// When it left.
        stamp: Stamp,
    },
    /// A report that cannot be used.
    Unusable(StampFault),
    /// The network or the host could not deliver a packet.
    Undeliverable(io::Error),
}

/// A connected UDP socket on a random port: answers from other addresses never reach it.
#[derive(Debug)]
pub struct StampedSocket {
    socket: Socket,
    stamping: Stamping,
    precision: TimeDelta,
    /// The number the kernel will give to the next packet.
    next_id: u32,
}

impl StampedSocket {
    /// Opens a socket connected to `remote`.
    pub fn connect(remote: SocketAddr, options: &SocketOptions) -> io::Result<Self> {
        let socket = open(remote)?;
        if let Some(interface) = &options.interface {
            bind_to_interface(&socket, interface)?;
        }
        let stamping = match options.stamping {
            Stamping::Kernel => enable_client_stamps(&socket, remote)?,
            Stamping::User => Stamping::User,
        };
        socket.connect(&remote.into())?;
        Ok(Self {
            socket,
            stamping,
            precision: options.precision,
            next_id: 0,
        })
    }

    /// Whether this system's kernel stamps packets; if not, why.
    pub fn kernel_stamps_available() -> io::Result<()> {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        match enable_client_stamps(&open(anywhere)?, anywhere)? {
            Stamping::Kernel => Ok(()),
            Stamping::User => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "only Linux stamps packets in the kernel",
            )),
        }
    }

    /// Who stamps: what was asked for, or user space where this system has nothing better.
    pub fn stamping(&self) -> Stamping {
        self.stamping
    }

    /// The local address, once connected.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket
            .local_addr()?
            .as_socket()
            .ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// Sends one packet. After an error the packet numbers of older kernels are off by one: open a
    /// new socket.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<Outgoing> {
        let sent = self.socket.send(bytes)?;
        let id = match self.stamping {
            Stamping::Kernel => {
                let id = self.next_id;
                self.next_id = self.next_id.wrapping_add(1);
                Some(id)
            }
            Stamping::User => None,
        };
        if sent == bytes.len() {
            Ok(Outgoing { id })
        } else {
            Err(io::ErrorKind::WriteZero.into())
        }
    }

    /// The next datagram, if one waits. Call until it returns `None`.
    pub fn next_datagram(&mut self, buffer: &mut [u8]) -> io::Result<Option<Datagram>> {
        let mut control = [0; CONTROL_BUFFER];
        let flags = libc::MSG_DONTWAIT;
        let Some(got) = waiting(sys::receive(
            &self.socket,
            None,
            buffer,
            &mut control,
            flags,
        ))?
        else {
            return Ok(None);
        };
        let now = clock::wall();
        let kernel = match self.stamping {
            Stamping::Kernel => software_stamp(&control, got.control_len),
            Stamping::User => None,
        };
        let fault = match (self.stamping, kernel) {
            (Stamping::Kernel, None) => Some(StampFault::MissingRx),
            _ => None,
        };
        let stamp = self.stamp(kernel, now);
        Ok(Some(Datagram {
            length: got.data_len,
            truncated: got.truncated,
            stamp,
            fault,
        }))
    }

    /// The next message of the error queue, if one waits. Call until it returns `None`.
    pub fn next_report(&mut self) -> io::Result<Option<TransmitReport>> {
        let mut control = [0; CONTROL_BUFFER];
        // OPT_TSONLY leaves no payload; an ICMP error quotes the packet, which is not needed.
        let mut quoted = [0; 1];
        let flags = libc::MSG_DONTWAIT | ERROR_QUEUE;
        loop {
            let got = sys::receive(&self.socket, None, &mut quoted, &mut control, flags);
            let Some(got) = waiting(got)? else {
                return Ok(None);
            };
            let filled = control.get(..got.control_len).unwrap_or(&control);
            let report = match Control::parse(filled, CONTROL_BUFFER) {
                Ok(Control {
                    report: Some(Report::Transmitted { id }),
                    software: Some(at),
                    ..
                }) => TransmitReport::Stamp {
                    id,
                    stamp: self.stamp(Some(at), at),
                },
                Ok(Control {
                    report: Some(Report::Undeliverable { errno }),
                    ..
                }) => TransmitReport::Undeliverable(io::Error::from_raw_os_error(errno)),
                Ok(Control {
                    report: Some(Report::OtherStage),
                    ..
                }) => continue,
                Ok(_) | Err(_) => TransmitReport::Unusable(StampFault::NoId),
            };
            return Ok(Some(report));
        }
    }

    fn stamp(&self, kernel: Option<Timestamp>, user: Timestamp) -> Stamp {
        let (at, source) = match kernel {
            Some(at) => (at, StampSource::Kernel),
            None => (user, StampSource::User),
        };
        Stamp {
            at,
            source,
            error: self.precision,
        }
    }
}

impl AsRawFd for StampedSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl AsFd for StampedSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A bound UDP socket that stamps what it receives and answers from the address it was asked at.
#[derive(Debug)]
pub struct ServerSocket {
    socket: Socket,
    stamping: Stamping,
}

impl ServerSocket {
    /// Binds `listen`.
    pub fn bind(listen: SocketAddr) -> io::Result<Self> {
        let socket = open(listen)?;
        socket.bind(&listen.into())?;
        let stamping = enable_server_stamps(&socket, listen)?;
        Ok(Self { socket, stamping })
    }

    /// The bound address.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket
            .local_addr()?
            .as_socket()
            .ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    /// The next request, if one waits: its length, sender, receive stamp and where it arrived.
    /// A datagram longer than the buffer is dropped here: it is no NTP request.
    pub fn next_request(&self, buffer: &mut [u8]) -> io::Result<Option<Request>> {
        let mut control = [0; CONTROL_BUFFER];
        let mut from = SockAddr::from(SocketAddr::from(([0, 0, 0, 0], 0)));
        loop {
            // recvmsg writes as many bytes of address as there are, so offer room for the longest.
            from.clone_from(&SockAddr::from(SocketAddr::from(([0u16; 8], 0))));
            let got = sys::receive(
                &self.socket,
                Some(&mut from),
                buffer,
                &mut control,
                libc::MSG_DONTWAIT,
            );
            let Some(got) = waiting(got)? else {
                return Ok(None);
            };
            if got.truncated {
                continue;
            }
            let now = clock::wall();
            let filled = control.get(..got.control_len).unwrap_or(&control);
            let control = Control::parse(filled, CONTROL_BUFFER).unwrap_or_default();
            return Ok(Some(Request {
                length: got.data_len,
                received: control.software.unwrap_or(now),
                arrival: control.arrival,
                from,
            }));
        }
    }

    /// Whether a packet this socket sends to itself gets a kernel stamp.
    fn stamps_itself(&self) -> io::Result<bool> {
        self.socket.send_to(&[0], &self.socket.local_addr()?)?;
        let mut control = [0; CONTROL_BUFFER];
        let got = sys::receive(
            &self.socket,
            None,
            &mut [0],
            &mut control,
            libc::MSG_DONTWAIT,
        );
        Ok(waiting(got)?.is_some_and(|got| software_stamp(&control, got.control_len).is_some()))
    }

    /// Whether the kernel stamps replies that are asked to be.
    pub fn stamping(&self) -> Stamping {
        self.stamping
    }

    /// Answers a request, from the address it was sent to. With `stamped` and
    /// [kernel stamps](Self::stamping) the packet comes back through
    /// [`next_transmitted`](Self::next_transmitted).
    pub fn reply(&self, request: &Request, bytes: &[u8], stamped: bool) -> io::Result<()> {
        let buffers = [io::IoSlice::new(bytes)];
        let mut control = ReplyControl::new();
        if let Some(arrival) = request.arrival {
            control = control.answer_from(arrival);
        }
        if stamped && self.stamping == Stamping::Kernel {
            control = control.stamp_transmit();
        }
        let mut message = MsgHdr::new()
            .with_addr(&request.from)
            .with_buffers(&buffers);
        if !control.as_bytes().is_empty() {
            message = message.with_control(control.as_bytes());
        }
        self.socket.sendmsg(&message, libc::MSG_DONTWAIT).map(drop)
    }

    /// The next packet that left with a stamp, if one waits: its whole frame is written to `frame`,
    /// link and network headers first. One that does not fit is passed over.
    ///
    /// The kernel hands frames back where `net.core.tstamp_allow_data` is 1, as it is by default, or
    /// the process has CAP_NET_RAW; elsewhere none comes.
    pub fn next_transmitted(&self, frame: &mut [u8]) -> io::Result<Option<Transmitted>> {
        let mut control = [0; CONTROL_BUFFER];
        let flags = libc::MSG_DONTWAIT | ERROR_QUEUE;
        if self.stamping == Stamping::User {
            return Ok(None);
        }
        loop {
            let got = sys::receive(&self.socket, None, frame, &mut control, flags);
            let Some(got) = waiting(got)? else {
                return Ok(None);
            };
            if got.truncated {
                continue;
            }
            let filled = control.get(..got.control_len).unwrap_or(&control);
            if let Ok(Control {
                report: Some(Report::Transmitted { .. }),
                software: Some(at),
                ..
            }) = Control::parse(filled, CONTROL_BUFFER)
            {
                let length = got.data_len;
                return Ok(Some(Transmitted { length, at }));
            }
        }
    }
}

/// A packet that a [`ServerSocket`] sent, as the kernel gave it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmitted {
    /// Bytes of the frame; the datagram's own are the last of them.
    pub length: usize,
    /// When it was handed to the driver.
    pub at: Timestamp,
}

impl AsRawFd for ServerSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// One request as a [`ServerSocket`] received it.
#[derive(Debug)]
pub struct Request {
    /// Bytes written to the caller's buffer.
    pub length: usize,
    /// When it arrived: the kernel's stamp, or the wall clock after the system call.
    pub received: Timestamp,
    arrival: Option<Arrival>,
    from: SockAddr,
}

/// Keeps the kernel's receive stamps armed for as long as it lives.
///
/// The kernel patches its own code when the first socket asks for receive stamps, and again when
/// the last such socket closes; in between packets pass unstamped. One idle socket held for the
/// whole run keeps the samplers' own sockets out of that.
#[derive(Debug)]
pub struct ArmedStamps {
    _held: Option<ServerSocket>,
}

impl ArmedStamps {
    /// How long to wait for the first stamp. Where loopback is down none comes, and all that is lost
    /// is the receive stamp of the first exchanges.
    const PATIENCE: TimeDelta = TimeDelta::from_millis(50);

    /// Arms receive stamps, and returns once a packet on loopback has one.
    pub fn new() -> Self {
        let Ok(held) = ServerSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0))) else {
            return Self { _held: None };
        };
        let start = clock::counter();
        while clock::counter().since(start) < Self::PATIENCE {
            if !matches!(held.stamps_itself(), Ok(false)) {
                break;
            }
            std::thread::yield_now();
        }
        Self { _held: Some(held) }
    }
}

impl Default for ArmedStamps {
    fn default() -> Self {
        Self::new()
    }
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// "Nothing waits" is not an error; an interrupted call is not either, it is simply tried later.
fn waiting(got: io::Result<sys::Received>) -> io::Result<Option<sys::Received>> {
    match got {
        Ok(got) => Ok(Some(got)),
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

fn software_stamp(control: &[u8], length: usize) -> Option<Timestamp> {
    let filled = control.get(..length)?;
    Control::parse(filled, CONTROL_BUFFER).ok()?.software
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
use linux::{ERROR_QUEUE, bind_to_interface, enable_client_stamps, enable_server_stamps};
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
use portable::{ERROR_QUEUE, bind_to_interface, enable_client_stamps, enable_server_stamps};

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod linux {
    use super::{AsFd, Socket, SocketAddr, Stamping, io, sys};

    pub(super) const ERROR_QUEUE: libc::c_int = libc::MSG_ERRQUEUE;

    /// Stamp what is sent and what is received; number the packets; leave their payload out.
    const CLIENT: u32 = libc::SOF_TIMESTAMPING_TX_SOFTWARE
        | libc::SOF_TIMESTAMPING_RX_SOFTWARE
        | libc::SOF_TIMESTAMPING_SOFTWARE
        | libc::SOF_TIMESTAMPING_OPT_ID
        | libc::SOF_TIMESTAMPING_OPT_TSONLY;
    /// Stamp what is received; report the stamps of those packets that are sent with one.
    const SERVER: u32 = libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;

    pub(super) fn enable_client_stamps(
        socket: &Socket,
        remote: SocketAddr,
    ) -> io::Result<Stamping> {
        let (level, name) = match remote {
            SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_RECVERR),
            SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVERR),
        };
        sys::set_option(socket.as_fd(), level, name, 1)?;
        timestamping(socket, CLIENT)?;
        Ok(Stamping::Kernel)
    }

    pub(super) fn enable_server_stamps(
        socket: &Socket,
        listen: SocketAddr,
    ) -> io::Result<Stamping> {
        let (level, name) = match listen {
            SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO),
            SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
        };
        sys::set_option(socket.as_fd(), level, name, 1)?;
        timestamping(socket, SERVER)?;
        Ok(Stamping::Kernel)
    }

    fn timestamping(socket: &Socket, flags: u32) -> io::Result<()> {
        let flags = libc::c_int::try_from(flags).map_err(io::Error::other)?;
        sys::set_option(
            socket.as_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPING,
            flags,
        )
    }

    pub(super) fn bind_to_interface(socket: &Socket, interface: &str) -> io::Result<()> {
        socket.bind_device(Some(interface.as_bytes()))
    }
}

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
mod portable {
    use super::{Socket, SocketAddr, Stamping, io};

    /// There is no error queue: the flag that receives nothing is not needed, since no stamp is
    /// ever awaited from a user-stamped socket.
    pub(super) const ERROR_QUEUE: libc::c_int = 0;

    pub(super) fn enable_client_stamps(_: &Socket, _: SocketAddr) -> io::Result<Stamping> {
        Ok(Stamping::User)
    }

    pub(super) fn enable_server_stamps(_: &Socket, _: SocketAddr) -> io::Result<Stamping> {
        Ok(Stamping::User)
    }

    pub(super) fn bind_to_interface(_: &Socket, interface: &str) -> io::Result<()> {
        let why = format!("binding to interface {interface} is not supported on this system");
        Err(io::Error::new(io::ErrorKind::Unsupported, why))
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod tests {
    use super::*;

    /// How long a loopback packet may take on a busy machine.
    const PATIENCE: TimeDelta = TimeDelta::from_secs(10);

    fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
        let start = clock::counter();
        loop {
            if let Some(value) = attempt() {
                return value;
            }
            assert!(clock::counter().since(start) < PATIENCE, "nothing came");
            std::thread::yield_now();
        }
    }

    fn pair(listen: &str) -> (StampedSocket, ServerSocket) {
        let server = ServerSocket::bind(listen.parse().unwrap()).unwrap();
        let options = SocketOptions {
            interface: None,
            stamping: Stamping::Kernel,
            precision: TimeDelta::NANOSECOND,
        };
        let client = StampedSocket::connect(server.local_address().unwrap(), &options).unwrap();
        (client, server)
    }

    #[test]
    fn every_packet_gets_its_own_kernel_stamp_both_ways() {
        let _armed = ArmedStamps::new();
        for listen in ["127.0.0.1:0", "[::1]:0"] {
            let (mut client, server) = pair(listen);
            let mut buffer = [0; 64];
            for n in 0..50u32 {
                let before = clock::wall();
                let sent = client.send(&n.to_be_bytes()).unwrap();
                assert_eq!(sent.id, Some(n));
                let request = eventually(|| server.next_request(&mut buffer).unwrap());
                assert_eq!(buffer[..request.length], n.to_be_bytes());
                server
                    .reply(&request, &buffer[..request.length], false)
                    .unwrap();
                let answer = eventually(|| client.next_datagram(&mut buffer).unwrap());
                assert_eq!(
                    (answer.fault, answer.stamp.source),
                    (None, StampSource::Kernel)
                );
                let report = eventually(|| client.next_report().unwrap());
                let TransmitReport::Stamp { id, stamp } = report else {
                    panic!("{report:?}")
                };
                assert_eq!((id, stamp.source), (n, StampSource::Kernel));
                assert!(before <= stamp.at, "{listen}: stamped before it was sent");
                assert!(
                    stamp.at <= request.received,
                    "{listen}: received before it left"
                );
                assert!(request.received <= answer.stamp.at);
            }
        }
    }

    #[test]
    fn stamps_are_joined_by_number_even_when_read_late_and_together() {
        let (mut client, _server) = pair("127.0.0.1:0");
        for n in 0..64u32 {
            client.send(&n.to_be_bytes()).unwrap();
        }
        let mut seen: Vec<u32> = (0..64)
            .map(|_| match eventually(|| client.next_report().unwrap()) {
                TransmitReport::Stamp { id, .. } => id,
                other => panic!("{other:?}"),
            })
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_port_is_reported_and_does_not_block_the_next_send() {
        let (mut client, server) = pair("127.0.0.1:0");
        drop(server);
        for n in 0..3 {
            assert_eq!(client.send(b"anyone?").unwrap().id, Some(n));
            let error = eventually(|| match client.next_report().unwrap()? {
                TransmitReport::Undeliverable(error) => Some(error),
                TransmitReport::Stamp { .. } | TransmitReport::Unusable(_) => None,
            });
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[test]
    fn a_wildcard_server_answers_from_the_address_it_was_asked_at() {
        let server = ServerSocket::bind("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = server.local_address().unwrap().port();
        let options = SocketOptions {
            interface: None,
            stamping: Stamping::Kernel,
            precision: TimeDelta::NANOSECOND,
        };
        let remote = SocketAddr::from(([127, 1, 2, 3], port));
        let mut client = StampedSocket::connect(remote, &options).unwrap();
        client.send(b"hello").unwrap();
        let mut buffer = [0; 64];
        let request = eventually(|| server.next_request(&mut buffer).unwrap());
        server.reply(&request, b"there", false).unwrap();
        // A connected socket takes nothing that comes from another address.
        let answer = eventually(|| client.next_datagram(&mut buffer).unwrap());
        assert_eq!(&buffer[..answer.length], b"there");
    }

    #[test]
    fn a_server_gets_back_just_the_replies_it_wants_stamped() {
        let _armed = ArmedStamps::new();
        for listen in ["127.0.0.1:0", "[::1]:0"] {
            let (mut client, server) = pair(listen);
            let (mut buffer, mut frame) = ([0; 64], [0; 256]);
            for n in 0..40u32 {
                client.send(&n.to_be_bytes()).unwrap();
                let request = eventually(|| server.next_request(&mut buffer).unwrap());
                let before = clock::wall();
                let stamped = n % 3 == 0;
                // Refused as too long for UDP. Where numbers are counted this may use up one.
                assert!(server.reply(&request, &[0; 70_000], stamped).is_err());
                server.reply(&request, &n.to_be_bytes(), stamped).unwrap();
                let answer = eventually(|| client.next_datagram(&mut buffer).unwrap());
                if stamped {
                    let sent = eventually(|| server.next_transmitted(&mut frame).unwrap());
                    assert_eq!(frame[..sent.length][sent.length - 4..], n.to_be_bytes());
                    assert!(before <= sent.at && sent.at <= answer.stamp.at, "{listen}");
                }
                assert_eq!(server.next_transmitted(&mut frame).unwrap(), None);
            }
        }
    }

    #[test]
    fn a_frame_longer_than_the_buffer_is_passed_over() {
        let (mut client, server) = pair("127.0.0.1:0");
        let (mut buffer, mut frame) = ([0; 64], [0; 100]);
        client.send(b"x").unwrap();
        let request = eventually(|| server.next_request(&mut buffer).unwrap());
        server.reply(&request, &[1; 300], true).unwrap();
        server.reply(&request, &[2; 48], true).unwrap();
        let sent = eventually(|| server.next_transmitted(&mut frame).unwrap());
        assert_eq!(frame[..sent.length][sent.length - 48..], [2; 48]);
    }

    #[test]
    fn a_datagram_longer_than_the_buffer_is_marked() {
        let (mut client, server) = pair("127.0.0.1:0");
        client.send(b"x").unwrap();
        let mut buffer = [0; 64];
        let request = eventually(|| server.next_request(&mut buffer).unwrap());
        server.reply(&request, &[7; 65], false).unwrap();
        assert!(eventually(|| client.next_datagram(&mut buffer).unwrap()).truncated);
    }
}
