//! [`told`]: what a Unix socket tells whoever connects to it, with an end in sight.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::clock;
use crate::time::TimeDelta;

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
