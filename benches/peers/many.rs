//! The least a client of many servers can be: a connected, kernel-stamped socket for each, read
//! when it is that socket's turn to ask again, and nothing kept but counts. What it costs is what
//! the kernel costs; `clockfit measure` is held against it.
//!
//! Usage: `many SERVERS PORT SECONDS`. Asks 127.1.0.1 to 127.1.0.250, 127.1.1.1 and so on, each once
//! a second. Prints one line of JSON: requests sent, and those answered and stamped at both ends.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a small program of its own: it ends with what went wrong"
)]

use std::net::SocketAddr;

use clockfit::net::{
    ArmedStamps, Poller, SocketOptions, StampedSocket, Stamping, TransmitReport, clock,
};
use clockfit::sample::StampSource;
use clockfit::time::TimeDelta;
use clockfit::wire::{Header, MAX_PACKET_LEN, Packet};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

#[expect(dead_code, reason = "shared with the peers that keep their offsets")]
mod summary;

/// Sockets served at one wake-up, as `clockfit measure` does.
const BATCH: usize = 32;

fn main() {
    let mut args = std::env::args().skip(1);
    let servers: u16 = summary::argument(&mut args, "SERVERS");
    let port: u16 = summary::argument(&mut args, "PORT");
    let seconds: usize = summary::argument(&mut args, "SECONDS");

    let _armed = ArmedStamps::new();
    let options = SocketOptions {
        interface: None,
        stamping: Stamping::Kernel,
        precision: TimeDelta::NANOSECOND,
    };
    clockfit::net::reserve_descriptors(u64::from(servers) + 32).expect("enough descriptors");
    let mut sockets: Vec<_> = (0..servers)
        .map(|n| {
            let [high, low] = [n / 250, n % 250 + 1].map(|byte| byte.to_le_bytes()[0]);
            let remote = SocketAddr::from(([127, 1, high, low], port));
            StampedSocket::connect(remote, &options).expect("a stamped socket")
        })
        .collect();

    let tick = TimeDelta::from_secs(1).as_nanos() * i64::try_from(BATCH).expect("small")
        / i64::from(servers);
    let mut poller = Poller::new().expect("a poller");
    let mut due = clock::counter();
    let (mut sent, mut complete) = (0u64, 0u64);
    // Random intervals leave no order among the sockets, and each is cold when its turn comes.
    let mut order = StdRng::seed_from_u64(1);
    for _ in 0..seconds {
        sockets.shuffle(&mut order);
        for batch in sockets.chunks_mut(BATCH) {
            due = due + TimeDelta::from_nanos(tick);
            while clock::counter() < due {
                poller
                    .wait(Some(due), &mut Vec::new())
                    .expect("waiting works");
            }
            for socket in batch {
                complete += u64::from(collect(socket));
                socket
                    .send(&Header::client_request(sent).to_bytes())
                    .expect("the request leaves");
                sent += 1;
            }
        }
    }
    for socket in &mut sockets {
        complete += u64::from(collect(socket));
    }
    println!("{{\"sent\":{sent},\"valid\":{complete}}}");
}

/// Whether a socket's one request has its answer and both stamps.
fn collect(socket: &mut StampedSocket) -> bool {
    let mut buffer = [0; MAX_PACKET_LEN];
    let answer = socket.next_datagram(&mut buffer).expect("it is read");
    let answered = answer.is_some_and(|datagram| {
        datagram.stamp.source == StampSource::Kernel
            && Packet::parse(&buffer[..datagram.length]).is_ok()
    });
    let report = socket.next_report().expect("the error queue is read");
    answered && matches!(report, Some(TransmitReport::Stamp { .. }))
}
