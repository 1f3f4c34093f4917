//! The least a kernel-stamped NTP client can be: a window of requests outstanding, and no more
//! checks than the origin; no association, no events, no statistics on the way. What
//! `clockfit measure` adds is what its rate falls short of this one's.
//!
//! Usage: `plain ADDRESS:PORT COUNT WINDOW [INTERVAL_US]`. With an interval requests leave that far
//! apart. Prints one line of JSON (`summary.rs`).

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
use clockfit::time::{TimeDelta, Timestamp};
use clockfit::wire::{Header, MAX_PACKET_LEN, Packet};

mod summary;

/// What has not been answered by then never will be.
const PATIENCE: TimeDelta = TimeDelta::from_secs(1);
/// Sets the numbers of requests apart from whatever else may be in an origin field. Real clients
/// send random numbers, against forgers; on a bench there are none.
const NONCE: u64 = 0x9e37_79b9_0000_0000;

fn main() {
    let mut args = std::env::args().skip(1);
    let remote: SocketAddr = summary::argument(&mut args, "ADDRESS:PORT");
    let count: u32 = summary::argument(&mut args, "COUNT");
    let window: u32 = summary::argument(&mut args, "WINDOW");
    let interval: i64 = if args.len() > 0 {
        summary::argument(&mut args, "INTERVAL_US")
    } else {
        0
    };

    let _armed = ArmedStamps::new();
    let options = SocketOptions {
        interface: None,
        stamping: Stamping::Kernel,
        precision: TimeDelta::NANOSECOND,
    };
    let socket = StampedSocket::connect(remote, &options).expect("a stamped socket");
    let mut plain = Plain::new(socket, window, TimeDelta::from_micros(interval));
    let start = clock::counter();
    plain.run(count);
    summary::print(plain.offsets, plain.sent, clock::counter().since(start));
}

/// A request that is out, as far as its answer has come.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// Its number; `None` where no request is out.
    number: Option<u32>,
    transmitted: Option<Timestamp>,
    /// The offset's two halves but for T1: T2, and T3 - T4.
    answered: Option<(Timestamp, TimeDelta)>,
}

struct Plain {
    socket: StampedSocket,
    /// Request n is in slot n mod window; its number is also that of its transmit stamp.
    slots: Vec<Slot>,
    sent: u32,
    open: usize,
    offsets: Vec<i64>,
    interval: TimeDelta,
}

impl Plain {
    fn new(socket: StampedSocket, window: u32, interval: TimeDelta) -> Self {
        Self {
            socket,
            slots: (0..window).map(|_| Slot::default()).collect(),
            sent: 0,
            open: 0,
            offsets: Vec::new(),
            interval,
        }
    }

    fn run(&mut self, count: u32) {
        let mut poller = Poller::new().expect("a poller");
        poller
            .watch(&self.socket, 0)
            .expect("the socket is watched");
        let mut ready = Vec::new();
        let mut due = clock::counter();
        let mut deadline = due + PATIENCE;
        while self.sent < count || self.open > 0 {
            // In bursts, as clockfit does: one request for each answer would wake both ends for
            // each packet.
            if self.open <= self.slots.len() / 2 {
                while self.sent < count
                    && due <= clock::counter()
                    && self.slot(self.sent).number.is_none()
                {
                    self.send();
                    due = due + self.interval;
                    deadline = clock::counter() + PATIENCE;
                }
            }
            let turn = if self.interval == TimeDelta::ZERO || self.sent == count {
                deadline
            } else {
                due.min(deadline)
            };
            poller.wait(Some(turn), &mut ready).expect("waiting works");
            self.read_stamps();
            self.read_answers();
            if clock::counter() >= deadline {
                self.slots.fill(Slot::default());
                self.open = 0;
            }
        }
    }

    /// The slot of a request that is still out.
    fn open_slot(&mut self, number: u32) -> Option<&mut Slot> {
        Some(self.slot(number)).filter(|slot| slot.number == Some(number))
    }

    fn slot(&mut self, number: u32) -> &mut Slot {
        let place = usize::try_from(number).expect("32 bits") % self.slots.len();
        &mut self.slots[place]
    }

    fn send(&mut self) {
        let request = Header::client_request(NONCE | u64::from(self.sent)).to_bytes();
        let id = self.socket.send(&request).expect("the request leaves").id;
        assert_eq!(id, Some(self.sent), "stamps are numbered as requests are");
        *self.slot(self.sent) = Slot {
            number: Some(self.sent),
            ..Slot::default()
        };
        self.sent += 1;
        self.open += 1;
    }

    fn read_stamps(&mut self) {
        while let Some(report) = self.socket.next_report().expect("the error queue is read") {
            let TransmitReport::Stamp { id, stamp } = report else {
                panic!("not a stamp: {report:?}")
            };
            if let Some(slot) = self.open_slot(id) {
                slot.transmitted = Some(stamp.at);
                self.complete(id);
            }
        }
    }

    fn read_answers(&mut self) {
        let mut buffer = [0; MAX_PACKET_LEN];
        while let Some(datagram) = self.socket.next_datagram(&mut buffer).expect("it is read") {
            let Ok(packet) = Packet::parse(&buffer[..datagram.length]) else {
                continue;
            };
            let received = datagram.stamp.at;
            let Some((t2, t3)) = packet.header.server_stamps(received) else {
                continue;
            };
            let Ok(number) = u32::try_from(packet.header.origin.0 ^ NONCE) else {
                continue;
            };
            if let Some(slot) = self.open_slot(number) {
                slot.answered = Some((t2, t3.since(received)));
                self.complete(number);
            }
        }
    }

    /// An exchange with its stamp and its answer is an offset.
    fn complete(&mut self, number: u32) {
        let slot = self.slot(number);
        if let (Some(t1), Some((t2, lower))) = (slot.transmitted, slot.answered) {
            slot.number = None;
            self.offsets.push(t2.since(t1).midpoint(lower).as_nanos());
            self.open -= 1;
        }
    }
}
