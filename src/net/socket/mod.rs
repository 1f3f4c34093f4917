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

mod client;
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
mod portable;
mod question;
mod rehearsal;
mod server;
#[cfg(test)]
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::control::{CONTROL_BUFFER, Control};
use super::sys;

pub use client::{CardStamp, Datagram, Outgoing, SocketOptions, StampedSocket, TransmitReport};
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
use linux as system;
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
use portable as system;
pub use question::{Answers, ask_apart};
pub use rehearsal::Rehearsal;
pub use server::{ArmedStamps, Request, ServerSocket, Transmitted};
use system::bind_to_interface;

/// Who is asked to stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamping {
    /// The network card and the kernel, both ways, each packet by both.
    Hardware,
    /// The kernel, both ways.
    Kernel,
    /// This program, around its system calls.
    User,
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

/// A connection that stands within `patience`.
pub(super) fn connect(
    to: SocketAddr,
    interface: Option<&str>,
    patience: Duration,
) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(interface) = interface {
        bind_to_interface(&socket, interface)?;
    }
    socket.connect_timeout(&to.into(), patience)?;
    Ok(socket.into())
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

/// What cannot be read says nothing.
fn parse(control: &[u8], length: usize) -> Control {
    let filled = control.get(..length).unwrap_or(control);
    Control::parse(filled, CONTROL_BUFFER).unwrap_or_default()
}
