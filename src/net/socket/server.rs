//! The server's side: [`ServerSocket`]; and [`ArmedStamps`], an idle one.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use socket2::{MsgHdr, SockAddr, Socket};

use super::system::{ERROR_QUEUE, enable_server_stamps};
use super::{Stamping, open, parse, waiting};
use crate::net::control::{Arrival, CONTROL_BUFFER, Control, ReplyControl, Report};
use crate::net::{clock, sys};
use crate::time::{TimeDelta, Timestamp};

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
            let control = parse(&control, got.control_len);
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
        Ok(waiting(got)?.is_some_and(|got| parse(&control, got.control_len).software.is_some()))
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
        if stamped && self.stamping != Stamping::User {
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
