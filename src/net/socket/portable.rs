//! What systems get that stamp nothing.

use std::io;
use std::net::SocketAddr;

use socket2::Socket;

use super::Stamping;

/// There is no error queue: the flag that receives nothing is not needed, since no stamp is
/// ever awaited from a user-stamped socket.
pub(super) const ERROR_QUEUE: libc::c_int = 0;

pub(super) fn enable_client_stamps(_: &Socket, _: SocketAddr, _: Stamping) -> io::Result<Stamping> {
    Ok(Stamping::User)
}

pub(super) fn enable_server_stamps(_: &Socket, _: SocketAddr) -> io::Result<Stamping> {
    Ok(Stamping::User)
}

pub(super) fn enable_ttl(_: &Socket, _: SocketAddr) -> io::Result<()> {
    Ok(())
}

pub(super) fn bind_to_interface(_: &Socket, interface: &str) -> io::Result<()> {
    let why = format!("binding to interface {interface} is not supported on this system");
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}
