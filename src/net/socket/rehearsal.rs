//! [`Rehearsal`]: the way of a stamped packet, gone once before it counts.

use std::net::SocketAddr;

use super::{ServerSocket, SocketOptions, StampedSocket, Stamping};
use crate::time::TimeDelta;

/// Bytes of a datagram like those that follow: an NTP header.
const LENGTH: usize = 48;

/// Messages taken at a time: there should be one on each side, but anybody on this host may send more.
const MOST: usize = 4;

/// A stamped packet over loopback, just before a request leaves.
///
/// After a pause the kernel's code and data for sending, stamping and receiving are in no cache, and a
/// packet takes a microsecond or more for what then takes a tenth of one. Of that, what lies between
/// its transmit stamp and the wire is in the way out and not in the way back, so half of it is error.
/// One packet to this host itself brings nearly all of that code back into the caches. It goes to a
/// socket of this process and leaves no trace elsewhere.
#[derive(Debug)]
pub struct Rehearsal {
    from: StampedSocket,
    to: ServerSocket,
}

impl Rehearsal {
    /// Opens both ends; `None` where there is no loopback, and nothing is lost but precision.
    pub fn new() -> Option<Self> {
        let to = ServerSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).ok()?;
        let options = SocketOptions {
            interface: None,
            stamping: Stamping::Kernel,
            precision: TimeDelta::NANOSECOND,
        };
        let from = StampedSocket::connect(to.local_address().ok()?, &options).ok()?;
        Some(Self { from, to })
    }

    /// Sends a packet, receives it, and takes its stamps. What fails is of no interest here.
    pub fn run(&mut self) {
        let mut buffer = [0; LENGTH];
        let _ = self.from.send(&buffer);
        for _ in 0..MOST {
            let received = self.to.next_request(&mut buffer);
            let reported = self.from.next_report();
            if !matches!(received, Ok(Some(_))) && !matches!(reported, Ok(Some(_))) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn it_leaves_nothing_behind_and_a_flood_does_not_hold_it_up() {
        let mut rehearsal = Rehearsal::new().unwrap();
        for _ in 0..1_000 {
            rehearsal.run();
        }
        assert!(rehearsal.to.next_request(&mut [0; 64]).unwrap().is_none());
        assert!(rehearsal.from.next_report().unwrap().is_none());

        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = rehearsal.to.local_address().unwrap();
        for _ in 0..100 {
            other.send_to(b"flood", to).unwrap();
        }
        rehearsal.run();
        // It took its share and went on.
        assert!(rehearsal.to.next_request(&mut [0; 64]).unwrap().is_some());
    }
}
