//! The embedded NTP server: [`responder`](crate::responder) on a stamped socket.
//!
//! Floor 4. It is what labs, tests and the first command of a newcomer measure against. T2 is the
//! kernel's receive stamp. In basic mode T3 is read as late as user space can, just before the send
//! call, and so is early by the time that call takes (about a microsecond): the same bias every
//! server has. A client that asks for interleaved mode is told the kernel's transmit stamp instead,
//! with the next reply; where the kernel gives none (on other systems than Linux) it is answered in
//! basic mode.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::net::{ArmedStamps, Poller, Request, ServerSocket, Wake, clock};
use crate::responder::{Config, Responder};
use crate::sample::Mode;
use crate::time::TimeDelta;
use crate::wire::{HEADER_LEN, MAX_PACKET_LEN};

/// How often a server on its own thread looks whether it should stop.
const LOOK_EVERY: TimeDelta = TimeDelta::from_millis(100);
/// Requests answered between two looks at signals and the stop flag, so that a flood cannot keep
/// the server from stopping.
const REQUESTS_PER_TURN: usize = 256;
/// Room for a frame that holds a reply: 118 bytes on Ethernet with a VLAN tag over IPv6, and as much
/// again for tunnels.
const FRAME: usize = 256;

/// What a server has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests answered.
    pub answered: u64,
    /// How many of these were answered in interleaved mode.
    pub interleaved: u64,
    /// Packets that are no requests, or could not be answered.
    pub refused: u64,
}

/// A bound server that answers when it is run.
#[derive(Debug)]
pub struct Server {
    socket: ServerSocket,
    responder: Responder,
    poller: Poller,
    served: Served,
    _armed: ArmedStamps,
}

impl Server {
    /// Binds `listen`; port 0 takes a free one.
    pub fn bind(listen: SocketAddr, config: Config) -> io::Result<Self> {
        let armed = ArmedStamps::new();
        let socket = ServerSocket::bind(listen)?;
        let poller = Poller::new()?;
        poller.watch_server(&socket)?;
        let responder = Responder::new(config);
        Ok(Self {
            socket,
            responder,
            poller,
            served: Served::default(),
            _armed: armed,
        })
    }

    /// The address it listens at.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_address()
    }

    /// Answers until SIGINT or SIGTERM.
    pub fn run_until_signal(mut self) -> io::Result<Served> {
        self.poller.catch_signals()?;
        let mut ready = Vec::new();
        loop {
            let more = self.answer_waiting();
            let deadline = more.then(clock::counter);
            let wake = self.poller.wait(deadline, &mut ready)?;
            if wake.signals > 0 {
                return Ok(self.served);
            }
            self.take_late_stamps(wake);
        }
    }

    /// Answers on a thread of its own until the handle is dropped.
    pub fn run_in_background(mut self) -> io::Result<Background> {
        let address = self.local_address()?;
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let thread = thread::Builder::new()
            .name("server".to_owned())
            .spawn(move || {
                let mut ready = Vec::new();
                while !seen.load(Ordering::Relaxed) {
                    let more = self.answer_waiting();
                    let now = clock::counter();
                    let deadline = if more { now } else { now + LOOK_EVERY };
                    let Ok(wake) = self.poller.wait(Some(deadline), &mut ready) else {
                        return;
                    };
                    self.take_late_stamps(wake);
                }
            })?;
        Ok(Background {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Answers what waits; whether more may wait.
    fn answer_waiting(&mut self) -> bool {
        let mut buffer = [0; MAX_PACKET_LEN];
        for _ in 0..REQUESTS_PER_TURN {
            match self.socket.next_request(&mut buffer) {
                Ok(Some(request)) => {
                    let bytes = buffer.get(..request.length).unwrap_or(&[]);
                    match self.answer(&request, bytes) {
                        Some(mode) => {
                            self.served.answered += 1;
                            self.served.interleaved += u64::from(mode == Mode::Interleaved);
                        }
                        None => self.served.refused += 1,
                    }
                }
                Ok(None) => return false,
                // A pending error of an earlier reply (an ICMP refusal); reading it cleared it.
                Err(_) => {}
            }
        }
        true
    }

    /// Answers one request; `None` where it is none, or the answer could not be sent.
    fn answer(&mut self, request: &Request, bytes: &[u8]) -> Option<Mode> {
        let now = clock::wall();
        let reply = self.responder.respond(bytes, request.received, now).ok()?;
        let sent = self.socket.reply(request, &reply.bytes, reply.stamp_wanted);
        sent.ok()?;
        if reply.stamp_wanted {
            // Most often the packet was handed to the driver within the send call, and its stamp is
            // there already. To take it now saves being woken for it.
            self.take_stamp();
        }
        Some(reply.mode)
    }

    /// Takes the stamps of packets that had to wait for their turn.
    fn take_late_stamps(&mut self, wake: Wake) {
        while wake.reports && self.take_stamp() {}
    }

    /// Takes one transmit stamp, if there is one.
    fn take_stamp(&mut self) -> bool {
        let mut frame = [0; FRAME];
        let Ok(Some(sent)) = self.socket.next_transmitted(&mut frame) else {
            return false;
        };
        let frame = frame.get(..sent.length).unwrap_or(&[]);
        if let Some(reply) = frame.last_chunk::<HEADER_LEN>() {
            self.responder.handle_transmit_stamp(reply, sent.at);
        }
        true
    }
}

/// A server on a thread of its own, which ends with this handle.
#[derive(Debug)]
pub struct Background {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Background {
    /// The address it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
