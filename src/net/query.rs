//! [`ask`]: one datagram, and the one that answers it, with an end in sight.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::clock;
use crate::time::TimeDelta;

/// Bytes of an answer that are read.
const MOST: usize = 2_048;

/// Sends a datagram and waits for one from the same address that `is_answer`, for `patience` at most.
///
/// # Errors
///
/// Nothing leads there, nobody is there, or nothing came in time.
pub fn ask(
    to: SocketAddr,
    bytes: &[u8],
    patience: TimeDelta,
    is_answer: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    let until = clock::counter() + patience;
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(to)?;
    socket.send(bytes)?;
    let mut buffer = [0; MOST];
    loop {
        let left = until.since(clock::counter());
        if left <= TimeDelta::ZERO {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left.to_duration()))?;
        match socket.recv(&mut buffer) {
            Ok(length) => {
                let answer = buffer.get(..length).unwrap_or(&buffer);
                if is_answer(answer) {
                    return Ok(answer.to_vec());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn the_answer_among_others_and_none() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = server.local_addr().unwrap();
        let teller = thread::spawn(move || {
            let mut buffer = [0; 100];
            let (length, from) = server.recv_from(&mut buffer).unwrap();
            for answer in [&b"no"[..], &buffer[..length]] {
                server.send_to(answer, from).unwrap();
            }
            server
        });
        let patience = TimeDelta::from_secs(20);
        assert_eq!(
            ask(to, b"yes", patience, |of| of == b"yes").unwrap(),
            b"yes"
        );
        let server = teller.join().unwrap();
        let late = ask(to, b"yes", TimeDelta::from_millis(50), |_| true);
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(server);
        assert!(ask(to, b"yes", TimeDelta::from_secs(1), |_| true).is_err());
    }
}
