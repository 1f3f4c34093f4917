//! [`ask_apart`]: what comes back for packets that may be anything, counted and not believed.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;

use super::system::{bind_to_interface, enable_ttl};
use super::{open, parse, waiting};
use crate::net::control::CONTROL_BUFFER;
use crate::net::{clock, sys};
use crate::time::{Monotonic, TimeDelta};

/// Datagrams that are counted of what comes back for one packet.
const MOST: u32 = 1_000;
/// As long as any datagram.
const LONGEST: usize = 65_536;
/// Packets leave this far from each other: all at once would be a burst of its own.
const APART: TimeDelta = TimeDelta::from_millis(50);

/// What came back for one packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// How many datagrams, up to a thousand.
    pub packets: u32,
    /// Their bytes, without headers of UDP and IP.
    pub bytes: u64,
    /// The first one.
    pub first: Vec<u8>,
    /// How many routers it could still have passed; absent where the system does not tell.
    pub ttl: Option<u8>,
}

/// Sends each of `questions` to `remote` from a port of its own, 50 ms apart, and counts what comes back until
/// `patience` after the last. In their order; of one that could not be sent, nothing came.
///
/// # Errors
/// No socket can be had, or waiting fails.
pub fn ask_apart(
    remote: SocketAddr,
    interface: Option<&str>,
    questions: &[Vec<u8>],
    patience: TimeDelta,
) -> io::Result<Vec<Answers>> {
    let mut sockets = Vec::new();
    for _ in questions {
        let socket = open(remote)?;
        if let Some(interface) = interface {
            bind_to_interface(&socket, interface)?;
        }
        enable_ttl(&socket, remote)?;
        socket.connect(&remote.into())?;
        sockets.push(socket);
    }
    let mut answers = vec![Answers::default(); questions.len()];
    for (socket, question) in sockets.iter().zip(questions) {
        // What the network refuses is as silent as what nobody answers.
        let _ = socket.send(question);
        collect(&sockets, &mut answers, clock::counter() + APART)?;
    }
    collect(&sockets, &mut answers, clock::counter() + patience)?;
    Ok(answers)
}

fn collect(sockets: &[Socket], answers: &mut [Answers], until: Monotonic) -> io::Result<()> {
    let mut buffer = vec![0; LONGEST];
    loop {
        let left = until.since(clock::counter());
        let open: Vec<usize> = (0..sockets.len())
            .filter(|n| answers.get(*n).is_some_and(|of| of.packets < MOST))
            .collect();
        if left <= TimeDelta::ZERO {
            return Ok(());
        }
        let timeout = Timespec::try_from(left.to_duration()).map_err(io::Error::other)?;
        let waited = open.iter().filter_map(|n| sockets.get(*n));
        let mut watched: Vec<PollFd<'_>> = waited
            .map(|socket| PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN))
            .collect();
        match poll(&mut watched, Some(&timeout)) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for n in open {
            if let (Some(socket), Some(answer)) = (sockets.get(n), answers.get_mut(n)) {
                take(socket, answer, &mut buffer);
            }
        }
    }
}

/// One datagram, if one waits; a refusal of the network is taken from the socket and counts for nothing.
fn take(socket: &Socket, answer: &mut Answers, buffer: &mut [u8]) {
    let mut control = [0; CONTROL_BUFFER];
    let flags = libc::MSG_DONTWAIT;
    let Ok(Some(got)) = waiting(sys::receive(socket, None, buffer, &mut control, flags)) else {
        return;
    };
    if answer.packets == 0 {
        answer.first = buffer.get(..got.data_len).unwrap_or_default().to_vec();
        answer.ttl = parse(&control, got.control_len).ttl;
    }
    answer.packets += 1;
    answer.bytes += u64::try_from(got.data_len).unwrap_or(u64::MAX);
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::thread;

    use super::*;

    #[test]
    fn what_comes_back_is_counted_for_each_question() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let remote = server.local_addr().unwrap();
        let answering = thread::spawn(move || {
            let mut buffer = [0; 100];
            for _ in 0..3 {
                let (length, from) = server.recv_from(&mut buffer).unwrap();
                // As many answers of ten bytes as the question has.
                for _ in 0..length {
                    server.send_to(&[buffer[0]; 10], from).unwrap();
                }
            }
        });
        let questions = [vec![7], vec![], vec![9, 9, 9]];
        let patience = TimeDelta::from_millis(300);
        let answers = ask_apart(remote, None, &questions, patience).unwrap();
        answering.join().unwrap();
        let told: Vec<_> = answers.iter().map(|of| (of.packets, of.bytes)).collect();
        assert_eq!(told, [(1, 10), (0, 0), (3, 30)]);
        assert_eq!(answers[2].first, [9; 10]);
        if cfg!(all(target_os = "linux", not(clockfit_portable))) {
            assert_eq!(answers[0].ttl, Some(64));
        }
    }

    #[test]
    fn a_port_that_nobody_has_is_silent_and_ends_in_time() {
        let free = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let begun = clock::counter();
        let questions = vec![vec![0; 48]; 4];
        let patience = TimeDelta::from_millis(200);
        let answers = ask_apart(free, None, &questions, patience).unwrap();
        assert_eq!(answers, vec![Answers::default(); 4]);
        assert!(clock::counter().since(begun) < TimeDelta::from_secs(5));
    }
}
