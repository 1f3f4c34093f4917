//! The client's half of NTP, without I/O: what was sent and what came in, out comes samples.
//!
//! Floor 3. An [`Association`] is told what happened (`handle_*`), each time with the time, and is
//! asked what follows (`poll_event`, `next_deadline`). It never waits and never reads a clock, so
//! every order of events that a network can produce can be played to it in a test.
//!
//! One request runs through these states; each ends in exactly one event, so that
//! `sent = samples + lost + rejected answers` always holds:
//!
//! ```text
//! handle_sent -> open --reply, stamps known----------------------> sample or rejected
//!                  |  \--reply, stamp missing -> held --stamp or 100 ms--> sample
//!                  \--time-out, ICMP error, socket replaced--> lost
//! ```
//!
//! The reply may be read before the transmit stamps, the stamps before the reply, and stamps in any
//! order: they meet by the packet's number, never by order. Where a card stamps too, an exchange has
//! both of its ends from the card or none (`pair.rs`).

mod finished;
mod interleaving;
mod pair;
mod request;
#[cfg(test)]
mod tests;

pub use interleaving::ModePolicy;

use std::collections::VecDeque;

use crate::sample::{
    Event, Leap, LossCause, Note, Reading, Rejection, Sample, ServerInfo, SourceId, Stamp,
    StampFault, StampSource,
};
use crate::time::{Monotonic, TimeDelta};
use crate::wire::{Header, KissCode, NtpTimestamp, Packet, PacketMode, ParseError, Version};
use finished::{Finish, Finished};
use interleaving::{Interleaving, is_in_order};
use pair::{CardStanding, Pair};
use request::{Reply, ReplyMode, Request};

/// Requests that may be out to one server at a time. The kernel queues stamps and replies in the
/// socket's receive buffer, 832 bytes each: the default buffer holds two of each of these.
pub const MAX_OUTSTANDING: usize = 64;

/// How long past the reply a transmit stamp is awaited. Drivers that report from a work queue have
/// been seen to take tens of milliseconds.
pub const STAMP_PATIENCE: TimeDelta = TimeDelta::from_millis(100);

/// From this root distance on a reply is no sample: RFC 5905 section 8 test 7 with MAXDISP = 16 s.
const MAX_ROOT_DISTANCE: TimeDelta = TimeDelta::from_secs(16);

/// From this root distance on a server is distrusted: RFC 5905 appendix A, MAXDIST = 1 s.
const DISTANT_ROOT: TimeDelta = TimeDelta::from_secs(1);

/// Length of a counted table: every variant is at the index of its place in `ALL`.
const REJECTIONS: usize = Rejection::ALL.len();
const FAULTS: usize = StampFault::ALL.len();

/// A request as it left: what the association has to know to recognise and place its answer.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The random number in its transmit field.
    pub nonce: u64,
    /// Its origin field; not zero where it asks for an interleaved reply.
    pub origin: NtpTimestamp,
    /// Both clocks just before the send call: T1 where nothing better comes.
    pub before: Reading,
    /// What the wall clock's reading may be off by.
    pub precision: TimeDelta,
    /// The number its transmit stamps will carry; `None` where none will come.
    pub stamp_id: Option<u32>,
    /// Whether a network card is expected to stamp it and its answer, beside the kernel.
    pub hardware: bool,
}

/// The stamps of a datagram that came in.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    /// The kernel's, or where that is missing this program's.
    pub stamp: Stamp,
    /// The network card's.
    pub hardware: Option<Stamp>,
}

impl From<Stamp> for Arrived {
    fn from(stamp: Stamp) -> Self {
        Self {
            stamp,
            hardware: None,
        }
    }
}

impl Sent {
    fn is_interleaved(&self) -> bool {
        !self.origin.is_zero()
    }
}

/// The client's side of one server at one address.
#[derive(Debug)]
pub struct Association {
    id: SourceId,
    timeout: TimeDelta,
    open: Vec<Request>,
    /// The most requests that were out at a time.
    most_open: usize,
    finished: Finished,
    interleaving: Interleaving,
    card: CardStanding,
    /// The server stamps of the reply accepted last; zero before the first, which no stamp is.
    last_stamps: (u64, u64),
    server: Option<ServerInfo>,
    distant: bool,
    rate_kisses: u32,
    stopped: bool,
    /// What was counted since it was last told: nothing, for most associations most of the time.
    counts: Option<Box<Counts>>,
    events: VecDeque<Event>,
}

#[derive(Debug, Default)]
struct Counts {
    rejections: [u64; REJECTIONS],
    faults: [u64; FAULTS],
}

impl Association {
    /// An association that gives an answer `timeout` to come.
    pub fn new(id: SourceId, policy: ModePolicy, timeout: TimeDelta) -> Self {
        Self {
            id,
            timeout,
            open: Vec::new(),
            most_open: 0,
            finished: Finished::default(),
            interleaving: Interleaving::new(policy),
            card: CardStanding::default(),
            last_stamps: (0, 0),
            server: None,
            distant: false,
            rate_kisses: 0,
            stopped: false,
            counts: None,
            events: VecDeque::new(),
        }
    }

    /// The next request, which carries `nonce`, 64 fresh random bits: for an interleaved reply where
    /// that is wanted and possible.
    pub fn request(&self, nonce: u64) -> Header {
        let origin = self.interleaving.origin(&self.open);
        if origin.is_zero() {
            Header::client_request(nonce)
        } else {
            Header::interleaved_request(nonce, origin)
        }
    }

    /// Whether another request may be sent now.
    pub fn may_send(&self) -> bool {
        let most = if self.interleaving.is_strict() {
            1
        } else {
            MAX_OUTSTANDING
        };
        !self.stopped && self.open.len() < most
    }

    /// Whether a kiss code forbade further requests.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// How often the server asked for fewer requests.
    pub fn rate_kisses(&self) -> u32 {
        self.rate_kisses
    }

    /// Requests that wait for their answer or their transmit stamp.
    pub fn outstanding(&self) -> usize {
        self.open.len()
    }

    /// Whether a request waits for its answer.
    pub fn awaits_answer(&self) -> bool {
        self.open.iter().any(|r| r.reply.is_none())
    }

    /// Whether any request still waits for something.
    pub fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// A request left.
    pub fn handle_sent(&mut self, sent: Sent) {
        let deadline = sent.before.counter + self.timeout;
        if self.open.capacity() == 0 {
            // Where many servers are asked, each has one request out: a Vec would take room for four.
            self.open.reserve_exact(1);
        }
        self.open.push(Request::new(sent, deadline));
        self.most_open = self.most_open.max(self.open.len());
    }

    /// A transmit stamp of packet `stamp_id` came: the kernel's or the card's, by its source.
    pub fn handle_transmit_stamp(&mut self, stamp_id: u32, stamp: Stamp) {
        let found = self
            .open
            .iter()
            .position(|r| r.sent.stamp_id == Some(stamp_id));
        let Some((index, request)) = found.and_then(|i| Some((i, self.open.get_mut(i)?))) else {
            if !self.card.excuse(stamp) {
                self.handle_fault(StampFault::UnknownId);
            }
            return;
        };
        if stamp.source == StampSource::Hardware {
            request.hardware = Some(Box::new(stamp));
        } else {
            request.transmitted = Some(stamp);
        }
        if request.reply.is_some() && !request.awaits_stamp(self.card.is_awaited()) {
            self.complete(index);
        }
    }

    /// A stamp that was asked for cannot be used.
    pub fn handle_fault(&mut self, fault: StampFault) {
        let counts = self.counts.get_or_insert_default();
        count(&mut counts.faults, StampFault::ALL, &fault);
    }

    /// A datagram came from the server's address; `truncated` if it was longer than any packet. `read`
    /// is both clocks after it was collected: had the local clock been stepped while the request was
    /// out, they would have moved apart since it was sent.
    pub fn handle_datagram(
        &mut self,
        read: Reading,
        bytes: &[u8],
        truncated: bool,
        arrived: impl Into<Arrived>,
    ) {
        let now = read.counter;
        let arrived = arrived.into();
        let outcome = if truncated {
            Err(Rejection::Oversized)
        } else {
            self.match_request(bytes)
        };
        let (index, reply) = match outcome {
            Ok((index, header, mode)) => (
                index,
                Reply {
                    header,
                    mode,
                    arrived,
                    stepped: self.was_stepped(index, &read),
                },
            ),
            Err(rejection) => return self.reject(rejection),
        };
        if let Err(rejection) = self.examine(index, &reply, now) {
            self.finish(index, Finish::Answered);
            return self.reject(rejection);
        }
        let Some(request) = self.open.get_mut(index) else {
            return;
        };
        request.reply = Some(Box::new(reply));
        if request.awaits_stamp(self.card.is_awaited()) {
            request.deadline = now + STAMP_PATIENCE;
        } else {
            self.complete(index);
        }
    }

    /// The network or the host refused a packet: the oldest open request is taken to be the one.
    pub fn handle_undeliverable(&mut self, now: Monotonic) {
        if let Some(index) = self.open.iter().position(|r| r.reply.is_none()) {
            self.lose(index, now, LossCause::Refused);
        }
    }

    /// The socket was replaced: nothing more comes for what is open.
    pub fn handle_new_socket(&mut self, now: Monotonic) {
        self.close_all(now, LossCause::Socket);
    }

    /// The run is over: what is open ends here.
    pub fn handle_end(&mut self, now: Monotonic) {
        self.close_all(now, LossCause::Interrupted);
        self.flush_counts(now);
    }

    /// Ends what has waited long enough. Hand in what has already arrived first: a reply that was
    /// merely collected late is as good as any.
    pub fn handle_deadlines(&mut self, now: Monotonic) {
        while let Some(index) = self.open.iter().position(|r| r.deadline <= now) {
            self.end_waiting(index, now, LossCause::Timeout);
        }
    }

    /// When [`handle_deadlines`](Self::handle_deadlines) has something to do next.
    pub fn next_deadline(&self) -> Option<Monotonic> {
        self.open.iter().map(|r| r.deadline).min()
    }

    /// Tells the rejections and faults counted since the last time. They are not told one by one,
    /// so that a flood of forged answers cannot fill a recording.
    pub fn flush_counts(&mut self, now: Monotonic) {
        let Some(counts) = self.counts.take() else {
            return;
        };
        for (&rejection, &n) in Rejection::ALL.iter().zip(&counts.rejections) {
            if n > 0 {
                self.events
                    .push_back(Event::Rejected(self.id, now, rejection, n));
            }
        }
        for (&fault, &n) in StampFault::ALL.iter().zip(&counts.faults) {
            if n > 0 {
                self.events
                    .push_back(Event::StampFault(self.id, now, fault, n));
            }
        }
    }

    /// The next thing that happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if event.is_none() {
            // Ten thousand associations need not each keep the room of their busiest moment.
            self.events = VecDeque::new();
        }
        event
    }

    /// Which open request a datagram answers, and in which mode. These tests leave every request
    /// open, since anybody can send what fails them.
    fn match_request(&self, bytes: &[u8]) -> Result<(usize, Header, ReplyMode), Rejection> {
        let header = Packet::parse(bytes).map_err(ParseError::rejection)?.header;
        if header.version != Version::V4 {
            return Err(Rejection::WrongVersion);
        }
        if header.mode != PacketMode::Server {
            return Err(Rejection::WrongMode);
        }
        // RFC 5905 section 8 test 2: the origin must be a number this association sent.
        let found = self.open.iter().enumerate().find_map(|(index, request)| {
            Some((index, request, request.answered_by(header.origin)?))
        });
        match found {
            // Held for its transmit stamp: it has been answered already.
            Some((_, request, _)) if request.reply.is_some() => Err(Rejection::Duplicate),
            Some((index, _, mode)) => Ok((index, header, mode)),
            None => Err(self.finished.name(header.origin.0)),
        }
    }

    /// Whether the local clock was stepped since request `index` was sent.
    fn was_stepped(&self, index: usize, read: &Reading) -> bool {
        let before = self.open.get(index).map(|request| &request.sent.before);
        before.is_some_and(|before| read.stepped_since(before).is_some())
    }

    /// What the server says (RFC 5905 section 8 tests 1, 3, 6, 7). The request is over either way:
    /// only the server, or somebody on the path, can know its random number.
    fn examine(&mut self, index: usize, reply: &Reply, now: Monotonic) -> Result<(), Rejection> {
        let header = &reply.header;
        if let Some(kiss) = header.kiss_code() {
            self.take_kiss(kiss, now);
            return Err(kiss.rejection());
        }
        let info = header.server_info();
        if info.leap == Leap::Unsynchronised || !(1..16).contains(&info.stratum) {
            return Err(Rejection::Unsynchronised);
        }
        if header.receive.is_zero() || header.transmit.is_zero() {
            return Err(Rejection::ZeroStamp);
        }
        // Test 1 as RFC 9769 amends it: only both stamps together make a repetition.
        let stamps = (header.receive.0, header.transmit.0);
        if std::mem::replace(&mut self.last_stamps, stamps) == stamps {
            return Err(Rejection::RepeatedStamps);
        }
        if info.root_distance() >= MAX_ROOT_DISTANCE {
            return Err(Rejection::RootDistance);
        }
        match (reply.mode, self.open.get(index)) {
            (ReplyMode::Interleaved, Some(request)) => self.interleaving.examine(request, header),
            _ if is_in_order(header.receive, header.transmit) => Ok(()),
            _ => Err(Rejection::StampsReversed),
        }
    }

    fn take_kiss(&mut self, kiss: KissCode, now: Monotonic) {
        match kiss {
            KissCode::Rate => self.rate_kisses = self.rate_kisses.saturating_add(1),
            KissCode::Deny | KissCode::Restrict => {
                if !std::mem::replace(&mut self.stopped, true) {
                    self.note(
                        now,
                        Note::Stopped {
                            kiss: kiss.rejection(),
                        },
                    );
                }
            }
            KissCode::Other(_) => {}
        }
    }

    /// Request `index` has its reply, and its transmit stamp or no more hope of one.
    fn complete(&mut self, index: usize) {
        for earlier in self.open.iter_mut().take(index) {
            earlier.overtaken = true;
        }
        let Some(request) = self.finish(index, Finish::Answered) else {
            return;
        };
        let Some(reply) = &request.reply else { return };
        let pair = Pair::of(&request, reply.arrived);
        for fault in pair.faults.into_iter().flatten() {
            self.handle_fault(fault);
        }
        self.card.heed(&request, &pair);
        let completed = self
            .interleaving
            .completed(&request, reply, &pair)
            .map(|exchange| {
                (
                    exchange.finish(reply.header.transmit, reply.mode),
                    exchange.info,
                )
            });
        if self.interleaving.keep(&request, reply, &pair) {
            self.note(request.sent.before.counter, Note::NotInterleaved);
        }
        match completed {
            Some((Ok(sample), info)) => self.accept(sample, info),
            Some((Err(rejection), _)) => self.reject(rejection),
            None => self.reject(Rejection::WrongExchange),
        }
    }

    fn accept(&mut self, sample: Sample, info: ServerInfo) {
        if self.server != Some(info) {
            self.server = Some(info);
            self.events.push_back(Event::Server(self.id, info));
        }
        let distant = info.root_distance() > DISTANT_ROOT;
        if distant && !self.distant {
            self.note(sample.at, Note::DistantRoot);
        }
        self.distant = distant;
        self.events.push_back(Event::Sample(self.id, sample));
    }

    fn close_all(&mut self, now: Monotonic, cause: LossCause) {
        while !self.open.is_empty() {
            self.end_waiting(0, now, cause);
        }
    }

    /// Request `index` waits no longer: with a reply it is a sample all the same, stamped by this
    /// program on its way out.
    fn end_waiting(&mut self, index: usize, now: Monotonic, cause: LossCause) {
        if self.open.get(index).is_some_and(|r| r.reply.is_some()) {
            self.complete(index);
        } else {
            self.lose(index, now, cause);
        }
    }

    fn lose(&mut self, index: usize, now: Monotonic, cause: LossCause) {
        if let Some(request) = self.finish(index, Finish::GivenUp) {
            self.interleaving.heed_loss(&request);
            self.events.push_back(Event::Lost(self.id, now, cause));
        }
    }

    fn finish(&mut self, index: usize, how: Finish) -> Option<Request> {
        if index >= self.open.len() {
            return None;
        }
        let request = self.open.remove(index);
        self.finished.push(request.sent.nonce, how, self.most_open);
        Some(request)
    }

    fn reject(&mut self, rejection: Rejection) {
        let counts = self.counts.get_or_insert_default();
        count(&mut counts.rejections, Rejection::ALL, &rejection);
    }

    fn note(&mut self, now: Monotonic, note: Note) {
        self.events.push_back(Event::Note(Some(self.id), now, note));
    }
}

fn count<T: PartialEq>(counts: &mut [u64], all: &[T], what: &T) {
    if let Some((_, n)) = all.iter().zip(counts).find(|(variant, _)| *variant == what) {
        *n += 1;
    }
}
