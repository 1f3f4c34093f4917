//! One NTP server at one address: its association, its socket and its turn.

use std::io;
use std::net::{IpAddr, SocketAddr};

use rand::RngExt;
use rand::rngs::StdRng;

use super::pacing::Pacer;
use super::watch::LocalClock;
use super::{Plan, Target};
use crate::association::{Arrived, Association, MAX_OUTSTANDING, Sent};
use crate::net::hardware::{CardId, Cards};
use crate::net::{Rehearsal, SocketOptions, StampedSocket, Stamping, TransmitReport, clock};
use crate::sample::{Event, LossCause, Note, Sink, SourceId, StampFault};
use crate::time::{Monotonic, TimeDelta};
use crate::wire::MAX_PACKET_LEN;

/// Messages read from one socket before the others get their turn: a flood of forged answers to
/// one socket must not starve the rest.
const MESSAGES_PER_TURN: usize = 256;
/// Requests lost in a row after which the socket is replaced: the host's own address may have
/// changed, and a connected socket keeps the old one.
const LOSSES_BEFORE_NEW_SOCKET: u32 = 4;
/// The same while further requests are out, whose answers would be lost with the socket: more than
/// twice what can be out at a time.
const LOSSES_IN_MID_FLIGHT: u32 = 128;
/// Refusals in a row after which a server that never answered is given up.
const REFUSALS_BEFORE_GIVING_UP: u32 = 3;
/// Where requests follow answers without a gap, they go out in bursts: when this many are left
/// unanswered, the window is filled again. One request for each answer would wake both ends for
/// each packet, at a quarter of the rate.
const REFILL_AT: usize = MAX_OUTSTANDING / 2;
/// A schedule this far behind (a suspended host, a stopped process) starts anew instead of catching
/// up with a burst.
const FAR_BEHIND: TimeDelta = TimeDelta::from_secs(1);
/// Counted rejections are told at most this often.
const TELL_COUNTS_EVERY: TimeDelta = TimeDelta::from_secs(1);

/// What all sources share.
#[derive(Debug)]
pub(super) struct Shared {
    /// How sockets are opened.
    pub(super) options: SocketOptions,
    /// Those that stamp.
    pub(super) cards: Cards,
    /// Before each request that comes after a pause.
    rehearsal: Option<Rehearsal>,
    /// Unpredictable: whoever guesses a nonce can forge an answer.
    pub(super) nonces: StdRng,
    /// Seeded, so that a run can be repeated.
    pub(super) pacing: StdRng,
    /// Requests to each address.
    pub(super) count: Option<u64>,
    /// Whether arrivals are reported, or sockets are only looked into when it is their turn.
    pub(super) watching: bool,
    /// What watches the local clock.
    pub(super) local: LocalClock,
    buffer: Box<[u8; MAX_PACKET_LEN]>,
}

impl Shared {
    pub(super) fn new(
        options: SocketOptions,
        cards: Cards,
        nonces: StdRng,
        pacing: StdRng,
        count: Option<u64>,
        watching: bool,
    ) -> Self {
        Self {
            rehearsal: (watching && options.stamping == Stamping::Kernel)
                .then(Rehearsal::new)
                .flatten(),
            options,
            cards,
            nonces,
            pacing,
            count,
            watching,
            local: LocalClock::new(clock::counter()),
            buffer: Box::new([0; MAX_PACKET_LEN]),
        }
    }
}

/// One server and its turn.
#[derive(Debug)]
pub(super) struct NtpSource {
    id: SourceId,
    address: SocketAddr,
    association: Association,
    pacer: Pacer,
    socket: Option<StampedSocket>,
    /// The card by which the socket's packets go, if it stamps.
    card: Option<CardId>,
    /// Counts the sockets opened so far.
    generation: u64,
    local: Option<IpAddr>,
    attempts: u64,
    /// From when on none is sent, where it has a phase of its own.
    until: Option<Monotonic>,
    /// When the next request is due.
    pub(super) due: Monotonic,
    kisses_heeded: u32,
    losses_in_a_row: u32,
    refusals_in_a_row: u32,
    answered: bool,
    given_up: bool,
    /// The last refusal the network reported, until it is passed on.
    refusal: Option<io::Error>,
    complained: Option<io::ErrorKind>,
    counts_told: Monotonic,
}

impl NtpSource {
    /// A source whose first request is due at `due`, or somewhat later where the cross-check goes
    /// first.
    pub(super) fn new(
        id: SourceId,
        address: SocketAddr,
        target: &Target,
        plan: &Plan,
        due: Monotonic,
    ) -> Self {
        let mut pacer = Pacer::new(target.pace);
        let due = if plan.cross_check {
            due + pacer.make_room()
        } else {
            due
        };
        Self {
            id,
            address,
            association: Association::new(id, target.mode, plan.timeout),
            pacer,
            socket: None,
            card: None,
            generation: 0,
            local: None,
            attempts: 0,
            until: target.phase.length.map(|length| due + length),
            due,
            kisses_heeded: 0,
            losses_in_a_row: 0,
            refusals_in_a_row: 0,
            answered: false,
            given_up: false,
            refusal: None,
            complained: None,
            counts_told: due,
        }
    }

    /// The socket, for whoever waits for arrivals, and its number: it is replaced now and then.
    pub(super) fn socket(&self) -> Option<(u64, &StampedSocket)> {
        self.socket.as_ref().map(|socket| (self.generation, socket))
    }

    /// Whether there is time between its requests.
    pub(super) fn is_spaced(&self) -> bool {
        !self.pacer.is_unspaced()
    }

    /// Whether it stands beside those that were asked for, and ends by itself.
    pub(super) fn is_beside(&self) -> bool {
        self.until.is_some()
    }

    /// Whether no request will be sent any more.
    pub(super) fn has_sent_all(&self, shared: &Shared) -> bool {
        let has_sent_enough = match self.until {
            Some(end) => self.due >= end,
            None => shared.count.is_some_and(|count| self.attempts >= count),
        };
        self.given_up || self.association.is_stopped() || has_sent_enough
    }

    /// Whether nothing is awaited.
    pub(super) fn is_idle(&self) -> bool {
        self.association.is_idle()
    }

    /// When this source wants its next turn.
    pub(super) fn next_turn(&self, shared: &Shared, sending: bool) -> Option<Monotonic> {
        let may_send = self.is_spaced() || self.has_room();
        let wants_to_send = sending && !self.has_sent_all(shared) && may_send;
        let due = wants_to_send.then_some(self.due);
        [due, self.association.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// One turn: reads what has arrived, ends what has waited too long, sends what is due. Returns
    /// whether more is waiting to be read.
    pub(super) fn take_turn(
        &mut self,
        now: Monotonic,
        sending: bool,
        shared: &mut Shared,
        sink: &mut dyn Sink,
    ) -> bool {
        // What has arrived goes first: a reply that waited in the queue is no loss.
        let more = self.collect(now, shared);
        self.association.handle_deadlines(now);
        self.heed(now, shared, sink);
        if sending {
            self.send_due(now, shared, sink);
        }
        if now.since(self.counts_told) >= TELL_COUNTS_EVERY {
            self.counts_told = now;
            self.association.flush_counts(now);
        }
        self.tell(now, sink);
        more
    }

    /// The run is over.
    pub(super) fn end(&mut self, now: Monotonic, shared: &mut Shared, sink: &mut dyn Sink) {
        self.collect(now, shared);
        self.association.handle_end(now);
        self.tell(now, sink);
    }

    /// Sends what is due. A request that finds no room when it is due is left out, not sent later:
    /// what was held up must not leave in a burst.
    fn send_due(&mut self, now: Monotonic, shared: &mut Shared, sink: &mut dyn Sink) {
        if self.card.is_some() && self.due <= now {
            // A reading before the request, as its stamps bring one after it.
            shared.cards.read(now);
        }
        let unspaced = !self.is_spaced();
        if unspaced && !self.has_room() {
            return;
        }
        while self.due <= now && !self.has_sent_all(shared) {
            let may_send = self.association.may_send();
            if unspaced && !may_send {
                return;
            }
            self.schedule_next(now, shared);
            if may_send {
                self.send(now, shared, sink);
            }
        }
    }

    /// Whether unspaced requests may go out.
    fn has_room(&self) -> bool {
        self.association.may_send() && self.association.outstanding() <= REFILL_AT
    }

    fn schedule_next(&mut self, now: Monotonic, shared: &mut Shared) {
        if now.since(self.due) > FAR_BEHIND {
            self.due = now;
        }
        self.due = self.due + self.pacer.gap(&mut shared.pacing);
    }

    fn send(&mut self, now: Monotonic, shared: &mut Shared, sink: &mut dyn Sink) {
        // A card stamps behind all that could be cold.
        let rehearsed = self.is_spaced() && self.card.is_none();
        self.attempts += 1;
        let nonce = shared.nonces.random();
        let request = self.association.request(nonce);
        let bytes = request.to_bytes();
        if self.socket.is_none() {
            self.open_socket(now, shared, sink);
        }
        for retry in [false, true] {
            let Some(socket) = self.socket.as_mut() else {
                break;
            };
            if let Some(rehearsal) = shared.rehearsal.as_mut().filter(|_| rehearsed) {
                rehearsal.run();
            }
            let hardware = self.card.is_some_and(|card| shared.cards.is_working(card));
            let before = clock::paired();
            match socket.send(&bytes) {
                Ok(sent) => {
                    let precision = shared.options.precision;
                    self.association.handle_sent(Sent {
                        nonce,
                        origin: request.origin,
                        before,
                        precision,
                        stamp_id: sent.id,
                        hardware,
                    });
                    shared.local.saw(before);
                    return;
                }
                Err(error) => {
                    // Older kernels have counted this packet, so the numbers of this socket's
                    // stamps are off from here on.
                    self.association.handle_fault(StampFault::FailedSend);
                    self.drop_socket(now, shared);
                    if retry {
                        self.complain(&error, now, sink);
                    } else {
                        self.open_socket(now, shared, sink);
                    }
                }
            }
        }
        self.tell(now, sink);
        sink.event(&Event::Lost(self.id, now, LossCause::Refused));
        self.count_refusal(now, sink);
    }

    fn open_socket(&mut self, now: Monotonic, shared: &Shared, sink: &mut dyn Sink) {
        let mut options = shared.options.clone();
        // This program's own server is on loopback, whatever the others are reached by.
        if self.is_beside() && self.address.ip().is_loopback() {
            options.interface = None;
        } else {
            self.card = shared.cards.towards(self.address);
        }
        if self.card.is_some() {
            options.stamping = Stamping::Hardware;
        }
        match StampedSocket::connect(self.address, &options) {
            Ok(socket) => {
                let local = socket.local_address().ok().map(|address| address.ip());
                if let (Some(old), Some(new)) = (self.local, local)
                    && old != new
                {
                    let reason = format!("this host's address is now {new}, was {old}");
                    self.note(Note::NewSocket { reason }, now, sink);
                }
                if let Some(kind) = self.complained.take() {
                    self.note(
                        Note::NewSocket {
                            reason: format!("after: {kind}"),
                        },
                        now,
                        sink,
                    );
                }
                self.generation += 1;
                self.local = local;
                self.socket = Some(socket);
            }
            Err(error) => self.complain(&error, now, sink),
        }
    }

    fn drop_socket(&mut self, now: Monotonic, shared: &mut Shared) {
        self.collect(now, shared);
        self.socket = None;
        self.association.handle_new_socket(now);
    }

    /// Reads what has arrived: replies first, then transmit stamps; they meet by number, so either
    /// may come first. Returns whether something was left unread.
    ///
    /// A watched socket is read to the end of both queues, since it reports an arrival only once.
    /// An unwatched one is read until nothing is awaited any more, which saves the two calls that
    /// would only say so.
    fn collect(&mut self, now: Monotonic, shared: &mut Shared) -> bool {
        let answers_left = self.read_answers(now, shared);
        self.read_reports(now, shared) || answers_left
    }

    fn read_answers(&mut self, now: Monotonic, shared: &mut Shared) -> bool {
        let Some(socket) = self.socket.as_mut() else {
            return false;
        };
        for _ in 0..MESSAGES_PER_TURN {
            if !shared.watching && !self.association.awaits_answer() {
                return false;
            }
            match socket.next_datagram(&mut shared.buffer[..]) {
                Ok(Some(datagram)) => {
                    // After the kernel's stamp of it, whenever that was.
                    let read = clock::paired();
                    let bytes = shared.buffer.get(..datagram.length).unwrap_or(&[]);
                    if let Some(fault) = datagram.fault {
                        self.association.handle_fault(fault);
                    }
                    let arrived = Arrived {
                        stamp: datagram.stamp,
                        hardware: datagram.card.and_then(|card| {
                            let v6 = self.address.is_ipv6();
                            let stamp = shared.cards.received(&card, datagram.length, v6, now);
                            if stamp.is_none() {
                                self.association.handle_fault(StampFault::NoConversion);
                            }
                            stamp
                        }),
                    };
                    self.association
                        .handle_datagram(read, bytes, datagram.truncated, arrived);
                }
                Ok(None) => return false,
                // An ICMP error. Without kernel stamps this is its only report; with them the full
                // report is on the other queue, which is read next.
                Err(error) if socket.stamping() == Stamping::User => {
                    self.refusal = Some(error);
                    self.association.handle_undeliverable(now);
                }
                Err(_) => {}
            }
        }
        true
    }

    fn read_reports(&mut self, now: Monotonic, shared: &mut Shared) -> bool {
        let Some(socket) = self.socket.as_mut() else {
            return false;
        };
        if socket.stamping() == Stamping::User {
            return false;
        }
        for _ in 0..MESSAGES_PER_TURN {
            if !shared.watching && self.association.is_idle() {
                return false;
            }
            match socket.next_report() {
                Ok(Some(TransmitReport::Stamp { id, stamp })) => {
                    self.association.handle_transmit_stamp(id, stamp);
                }
                Ok(Some(TransmitReport::Card { id, stamp })) => {
                    match shared.cards.transmitted(&stamp, now) {
                        Some(stamp) => self.association.handle_transmit_stamp(id, stamp),
                        None => self.association.handle_fault(StampFault::NoConversion),
                    }
                }
                Ok(Some(TransmitReport::Unusable(fault))) => self.association.handle_fault(fault),
                Ok(Some(TransmitReport::Undeliverable(error))) => {
                    self.refusal = Some(error);
                    self.association.handle_undeliverable(now);
                }
                Ok(None) | Err(_) => return false,
            }
        }
        true
    }

    /// Heeds what the server wants.
    fn heed(&mut self, now: Monotonic, shared: &mut Shared, sink: &mut dyn Sink) {
        while self.kisses_heeded < self.association.rate_kisses() {
            self.kisses_heeded += 1;
            let interval = self.pacer.slow_down();
            self.due = self.due.max(now + interval);
            self.note(Note::Slowed { interval }, now, sink);
        }
        let enough = if self.is_idle() {
            LOSSES_BEFORE_NEW_SOCKET
        } else {
            LOSSES_IN_MID_FLIGHT
        };
        if self.losses_in_a_row >= enough {
            self.losses_in_a_row = 0;
            self.drop_socket(now, shared);
        }
    }

    /// Passes on what the association has to tell, and draws the source's own conclusions.
    fn tell(&mut self, now: Monotonic, sink: &mut dyn Sink) {
        while let Some(event) = self.association.poll_event() {
            sink.event(&event);
            match event {
                Event::Sample(..) => {
                    self.answered = true;
                    self.losses_in_a_row = 0;
                    self.refusals_in_a_row = 0;
                    if self.complained.take().is_some() {
                        self.note(Note::Reachable, now, sink);
                    }
                }
                Event::Lost(_, _, LossCause::Timeout) => self.losses_in_a_row += 1,
                Event::Lost(_, _, LossCause::Refused) => {
                    if let Some(error) = self.refusal.take() {
                        self.complain(&error, now, sink);
                    }
                    self.count_refusal(now, sink);
                }
                _ => {}
            }
        }
    }

    fn count_refusal(&mut self, now: Monotonic, sink: &mut dyn Sink) {
        self.refusals_in_a_row += 1;
        if !self.answered && !self.given_up && self.refusals_in_a_row >= REFUSALS_BEFORE_GIVING_UP {
            self.given_up = true;
            self.note(Note::GivenUp, now, sink);
        }
    }

    fn complain(&mut self, error: &io::Error, now: Monotonic, sink: &mut dyn Sink) {
        if self.complained.replace(error.kind()) != Some(error.kind()) {
            self.note(
                Note::Unreachable {
                    error: error.to_string(),
                },
                now,
                sink,
            );
        }
    }

    fn note(&self, note: Note, now: Monotonic, sink: &mut dyn Sink) {
        sink.event(&Event::Note(Some(self.id), now, note));
    }
}
