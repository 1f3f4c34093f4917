//! [`told`]: what a Unix socket tells whoever connects to it, and [`Asked`]: who answers datagrams on this host; both
//! with an end in sight.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::clock;
use crate::time::TimeDelta;

/// Bytes of a datagram that are read: more than anybody sends over loopback.
const DATAGRAM: usize = 4_096;
/// Datagrams that are looked at for one answer.
const DATAGRAMS: usize = 128;

/// Somebody who answers datagrams on this host: nothing leaves it.
#[derive(Debug)]
pub struct Asked {
    socket: UdpSocket,
}

impl Asked {
    /// A socket of its own for this port of loopback, IPv6 if `is_v6`, on which nobody else is heard.
    ///
    /// # Errors
    /// There is no such loopback.
    pub fn over_loopback(port: u16, is_v6: bool) -> io::Result<Self> {
        let loopback: IpAddr = match is_v6 {
            true => Ipv6Addr::LOCALHOST.into(),
            false => Ipv4Addr::LOCALHOST.into(),
        };
        let socket = UdpSocket::bind((loopback, 0))?;
        socket.connect((loopback, port))?;
        Ok(Self { socket })
    }

    /// Sends a request, and hands what comes to `take` until that has its answer, for `patience` and 128 datagrams at
    /// most.
    ///
    /// # Errors
    /// Nobody listens there (`ConnectionRefused`), or there is no answer in time (`TimedOut`).
    pub fn ask<T>(
        &self,
        request: &[u8],
        patience: TimeDelta,
        mut take: impl FnMut(&[u8]) -> Option<T>,
    ) -> io::Result<T> {
        let until = clock::counter() + patience;
        self.socket.send(request)?;
        let mut datagram = [0; DATAGRAM];
        for _ in 0..DATAGRAMS {
            let left = until.since(clock::counter());
            if left <= TimeDelta::ZERO {
                break;
            }
            self.socket.set_read_timeout(Some(left.to_duration()))?;
            match self.socket.recv(&mut datagram) {
                Ok(count) => {
                    if let Some(answer) = take(datagram.get(..count).unwrap_or_default()) {
                        return Ok(answer);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// Bytes that are read.
const MOST: usize = 256 * 1024;

/// Connects and reads until the other end closes, for `patience` and 256 KiB at most. Nothing is written.
///
/// # Errors
/// It cannot be connected to, or does not end in time.
pub fn told(socket: &Path, patience: TimeDelta) -> io::Result<Vec<u8>> {
    let until = clock::counter() + patience;
    let mut stream = UnixStream::connect(socket)?;
    let mut text = Vec::new();
    let mut piece = [0; 4_096];
    while text.len() < MOST {
        let left = until.since(clock::counter());
        if left <= TimeDelta::ZERO {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left.to_duration()))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => text.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;

    #[test]
    fn who_answers_is_heard_and_a_flood_has_an_end() {
        let patience = TimeDelta::from_secs(20);
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = server.local_addr().unwrap().port();
        let asked = Asked::over_loopback(port, false).unwrap();
        let teller = thread::spawn(move || {
            let mut request = [0; 16];
            let (count, from) = server.recv_from(&mut request).unwrap();
            assert_eq!(&request[..count], b"hello");
            for word in [&b"no"[..], b"yes"] {
                server.send_to(word, from).unwrap();
            }
            // The second request drowns.
            server.recv_from(&mut request).unwrap();
            for _ in 0..2 * DATAGRAMS {
                server.send_to(b"no", from).unwrap();
            }
        });
        let yes = |word: &[u8]| (word == b"yes").then(|| word.to_vec());
        assert_eq!(asked.ask(b"hello", patience, yes).unwrap(), b"yes");
        let mut looked = 0;
        let late = asked.ask(b"hello", patience, |_| {
            looked += 1;
            None::<()>
        });
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!((1..=DATAGRAMS).contains(&looked), "{looked}");
        teller.join().unwrap();
        // Its socket is closed now.
        let gone = asked.ask(b"hello", patience, yes);
        let gone = gone.or_else(|_| asked.ask(b"hello", patience, yes));
        assert!(gone.is_err());
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = silent.local_addr().unwrap().port();
        let asked = Asked::over_loopback(port, false).unwrap();
        let late = asked.ask(b"hello", TimeDelta::from_millis(50), yes);
        assert_eq!(late.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn all_that_is_told_and_no_longer_than_it_may_take() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let teller = thread::spawn(move || {
            let (mut first, _) = listener.accept().unwrap();
            first.write_all(b"all").unwrap();
            drop(first);
            // The second one is told nothing, and waits.
            listener.accept().unwrap()
        });
        let patience = TimeDelta::from_millis(200);
        assert_eq!(told(&path, TimeDelta::from_secs(20)).unwrap(), b"all");
        let late = told(&path, patience).unwrap_err();
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        drop(teller.join());
        assert!(told(&path, patience).is_err());
    }
}
