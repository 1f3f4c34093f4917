//! What Linux is asked for.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use socket2::Socket;

use super::Stamping;
use crate::net::sys;

pub(super) const ERROR_QUEUE: libc::c_int = libc::MSG_ERRQUEUE;

/// Stamp what is sent and what is received; number the packets; leave their payload out.
const KERNEL: u32 = BOTH_WAYS | libc::SOF_TIMESTAMPING_OPT_TSONLY;
/// Let the card stamp too, and report both; name the interface each packet went by, which the
/// kernel can only with the packet's frame.
const HARDWARE: u32 = BOTH_WAYS
    | libc::SOF_TIMESTAMPING_TX_HARDWARE
    | libc::SOF_TIMESTAMPING_RX_HARDWARE
    | libc::SOF_TIMESTAMPING_RAW_HARDWARE
    | libc::SOF_TIMESTAMPING_OPT_TX_SWHW
    | libc::SOF_TIMESTAMPING_OPT_CMSG
    | libc::SOF_TIMESTAMPING_OPT_PKTINFO;
const BOTH_WAYS: u32 = libc::SOF_TIMESTAMPING_TX_SOFTWARE
    | libc::SOF_TIMESTAMPING_RX_SOFTWARE
    | libc::SOF_TIMESTAMPING_SOFTWARE
    | libc::SOF_TIMESTAMPING_OPT_ID;
/// Stamp what is received; report the stamps of those packets that are sent with one.
const SERVER: u32 = libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;

pub(super) fn enable_client_stamps(
    socket: &Socket,
    remote: SocketAddr,
    wanted: Stamping,
) -> io::Result<Stamping> {
    let (level, errors, arrivals) = match remote {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_RECVERR, libc::IP_PKTINFO),
        SocketAddr::V6(_) => (
            libc::IPPROTO_IPV6,
            libc::IPV6_RECVERR,
            libc::IPV6_RECVPKTINFO,
        ),
    };
    sys::set_option(socket.as_fd(), level, errors, 1)?;
    match wanted {
        Stamping::Hardware => {
            sys::set_option(socket.as_fd(), level, arrivals, 1)?;
            timestamping(socket, HARDWARE)?;
        }
        Stamping::Kernel | Stamping::User => timestamping(socket, KERNEL)?,
    }
    Ok(wanted)
}

pub(super) fn enable_server_stamps(socket: &Socket, listen: SocketAddr) -> io::Result<Stamping> {
    let (level, name) = match listen {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_PKTINFO),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO),
    };
    sys::set_option(socket.as_fd(), level, name, 1)?;
    timestamping(socket, SERVER)?;
    Ok(Stamping::Kernel)
}

/// Has each datagram told with how many routers it could still have passed.
pub(super) fn enable_ttl(socket: &Socket, remote: SocketAddr) -> io::Result<()> {
    let (level, name) = match remote {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_RECVTTL),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT),
    };
    sys::set_option(socket.as_fd(), level, name, 1)
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
