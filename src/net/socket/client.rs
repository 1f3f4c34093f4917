//! The client's side: [`StampedSocket`].

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use socket2::Socket;

use super::system::{ERROR_QUEUE, bind_to_interface, enable_client_stamps};
use super::{Stamping, open, parse, waiting};
use crate::net::control::{CONTROL_BUFFER, Control, Report};
use crate::net::{clock, sys};
use crate::sample::{Stamp, StampFault, StampSource};
use crate::time::{TimeDelta, Timestamp};

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

/// A stamp of a network card, on the card's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardStamp {
    /// The card's clock as the frame passed.
    pub at: Timestamp,
    /// The interface the frame came or went by: the card itself, or one on top of it; 0 where the
    /// kernel does not say.
    pub interface: u32,
    /// Bytes of a received frame without its check sequence; 0 where the kernel does not say.
    pub frame: u32,
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
    /// The network card's stamp.
    pub card: Option<CardStamp>,
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
    /// Packet `id` was handed to the driver at `stamp`.
    Stamp {
        /// The packet's number.
        id: u32,
        /// When it left.
        stamp: Stamp,
    },
    /// Packet `id` left the network card.
    Card {
        /// The packet's number.
        id: u32,
        /// When it left.
        stamp: CardStamp,
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
            Stamping::User => Stamping::User,
            wanted => enable_client_stamps(&socket, remote, wanted)?,
        };
        socket.connect(&remote.into())?;
        Ok(Self {
            socket,
            stamping,
            precision: options.precision,
            next_id: 0,
        })
    }

    /// Whether this system's sockets can be asked for such stamps; if not, why. That a card gives
    /// them is another matter.
    pub fn stamps_available(who: Stamping) -> io::Result<()> {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        if who == Stamping::User {
            return Ok(());
        }
        match enable_client_stamps(&open(anywhere)?, anywhere, who)? {
            Stamping::Hardware | Stamping::Kernel => Ok(()),
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
        let id = (self.stamping != Stamping::User).then_some(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
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
        let control = match self.stamping {
            Stamping::User => Control::default(),
            _ => parse(&control, got.control_len),
        };
        let missing = self.stamping != Stamping::User && control.software.is_none();
        let fault = missing.then_some(StampFault::MissingRx);
        let stamp = self.stamp(control.software, now);
        Ok(Some(Datagram {
            length: got.data_len,
            truncated: got.truncated,
            stamp,
            card: card_stamp(&control),
            fault,
        }))
    }

    /// The next message of the error queue, if one waits. Call until it returns `None`.
    pub fn next_report(&mut self) -> io::Result<Option<TransmitReport>> {
        let mut control = [0; CONTROL_BUFFER];
        // OPT_TSONLY leaves no payload. An ICMP error quotes the packet, and a card's stamp comes with
        // its frame: neither is needed.
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
                Ok(
                    control @ Control {
                        report: Some(Report::Transmitted { id }),
                        ..
                    },
                ) if let Some(stamp) = card_stamp(&control) => TransmitReport::Card { id, stamp },
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

/// The card's stamp, with the card where the kernel names it, else with the interface on top.
fn card_stamp(control: &Control) -> Option<CardStamp> {
    let (named, frame) = control.card.map_or((0, 0), |c| (c.interface, c.length));
    let interface = match (named, control.arrival) {
        (0, Some(arrival)) => arrival.interface,
        (named, _) => named,
    };
    Some(CardStamp {
        at: control.hardware?,
        interface,
        frame,
    })
}
