//! [`Pairing`]: all pairs of client and server in a capture, each packet to its own.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::place::Evidence;
use super::report::{CaptureReport, Unused};
use super::seen::Seen;
use super::source::{Made, Not, Source, TIMEOUT};
use crate::sample::{Event, LossCause, Note, Sink, SourceId, SourceInfo, SourceKind, Timescale};
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// Pairs of client and server that are kept at most: a busy server's hour. Anybody can make up more,
/// so what is beyond them is counted only.
pub(super) const MAX_SOURCES: usize = 100_000;

/// Requests by content alone that wait for a reply by content alone.
const MAX_CANDIDATES: usize = 256;

/// From this root distance on a server is distrusted: RFC 5905 appendix A, MAXDIST = 1 s.
const DISTANT_ROOT: TimeDelta = TimeDelta::from_secs(1);

/// One server as one client asks it, from whatever port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Pair {
    client: IpAddr,
    server: SocketAddr,
}

/// All that a capture tells, pair by pair.
#[derive(Debug)]
pub(super) struct Pairing {
    max_sources: usize,
    ids: HashMap<Pair, SourceId>,
    sources: Vec<Source>,
    /// The client that the names of sources leave out.
    first_client: Option<IpAddr>,
    /// Servers on other ports than NTP's, each known by a reply.
    learned: HashSet<SocketAddr>,
    candidates: VecDeque<Seen>,
    /// Clients beyond the first were seen.
    several_clients: bool,
    pub(super) evidence: Evidence,
}

impl Pairing {
    /// Room for so many sources.
    pub(super) fn new(max_sources: usize) -> Self {
        Self {
            max_sources,
            ids: HashMap::new(),
            sources: Vec::new(),
            first_client: None,
            learned: HashSet::new(),
            candidates: VecDeque::new(),
            several_clients: false,
            evidence: Evidence::default(),
        }
    }

    /// Takes the next packet by time, and tells `sink` what follows from it.
    pub(super) fn take(&mut self, seen: &Seen, sink: &mut dyn Sink, report: &mut CaptureReport) {
        if !seen.by_port && !self.recognise(seen, sink, report) {
            return;
        }
        self.assign(seen, sink, report);
    }

    /// Ends what is open as the capture ends.
    pub(super) fn finish(
        &mut self,
        end: Timestamp,
        sink: &mut dyn Sink,
        report: &mut CaptureReport,
    ) {
        for _ in self.candidates.drain(..) {
            report.count(Unused::Other);
        }
        for (id, source) in (0u32..).map(SourceId).zip(&mut self.sources) {
            expire(source, id, end, sink);
            while source.lose_first().is_some() {
                sink.event(&Event::Lost(id, instant(end), LossCause::Interrupted));
            }
        }
    }

    /// Whose requests are in the capture, for a person.
    pub(super) fn clients(&self) -> Option<String> {
        let first = self.first_client?;
        Some(if self.several_clients {
            format!("where no client is named it is {first}")
        } else {
            format!("the client is {first}")
        })
    }

    /// Whether a packet that no port says to be NTP is: a request or reply of a server that was found
    /// out before, or the reply that finds it out by returning the 64 bits of a request, which is then
    /// taken, too. Until then a request is kept in mind.
    fn recognise(&mut self, seen: &Seen, sink: &mut dyn Sink, report: &mut CaptureReport) -> bool {
        let server = if seen.is_request() {
            seen.to
        } else {
            seen.from
        };
        if self.learned.contains(&server) {
            return true;
        }
        self.candidates.retain(|kept| {
            let is_recent = seen.at.since(kept.at).abs() < TIMEOUT;
            if !is_recent {
                report.count(Unused::Other);
            }
            is_recent
        });
        if seen.is_request() {
            if !seen.header.transmit.is_zero() {
                self.candidates.push_back(*seen);
                if self.candidates.len() <= MAX_CANDIDATES {
                    return false;
                }
                self.candidates.pop_front();
            }
        } else if self.sources.len() < self.max_sources {
            let asked = |kept: &Seen| {
                (kept.from, kept.to) == (seen.to, seen.from)
                    && kept.header.transmit == seen.header.origin
            };
            let found = self.candidates.iter().position(asked);
            if let Some(request) = found.and_then(|index| self.candidates.remove(index)) {
                self.learned.insert(server);
                self.assign(&request, sink, report);
                return true;
            }
        }
        report.count(Unused::Other);
        false
    }

    fn assign(&mut self, seen: &Seen, sink: &mut dyn Sink, report: &mut CaptureReport) {
        let pair = if seen.is_request() {
            Pair {
                client: seen.from.ip(),
                server: seen.to,
            }
        } else {
            Pair {
                client: seen.to.ip(),
                server: seen.from,
            }
        };
        let id = match self.ids.get(&pair) {
            Some(id) => *id,
            // Only who asks is a client: of replies alone nothing could be said.
            None if !seen.is_request() => return report.count(Unused::Unasked),
            None => match self.declare(pair, sink) {
                Some(id) => id,
                None => return report.count(Unused::BeyondSources),
            },
        };
        let Some(source) = self.sources.get_mut(id.index()) else {
            return;
        };
        expire(source, id, seen.at, sink);
        let now = instant(seen.at);
        if seen.is_request() {
            match source.ask(seen) {
                Ok(None) => {}
                Ok(Some(_)) => sink.event(&Event::Lost(id, now, LossCause::Timeout)),
                Err(unused) => report.count(unused),
            }
            return;
        }
        match source.answer(seen) {
            Ok(made) => {
                self.evidence.heed(made.request, made.reply);
                accept(source, id, &made, sink);
            }
            Err(Not::Rejected(rejection)) => {
                sink.event(&Event::Rejected(id, now, rejection, 1));
            }
            Err(Not::Unused(unused)) => report.count(unused),
        }
    }

    /// Makes a source of a pair, unless there are too many.
    fn declare(&mut self, pair: Pair, sink: &mut dyn Sink) -> Option<SourceId> {
        let id = u32::try_from(self.sources.len()).ok().map(SourceId)?;
        if self.sources.len() >= self.max_sources {
            return None;
        }
        let address = pair.server.ip().to_string();
        let first = *self.first_client.get_or_insert(pair.client);
        let source = if pair.client == first {
            address.clone()
        } else {
            self.several_clients = true;
            format!("{address} (client {})", pair.client)
        };
        sink.event(&Event::Source(
            SourceInfo {
                source,
                address,
                port: pair.server.port(),
                kind: SourceKind::Ntp,
                timescale: Timescale::Unknown,
                path: 0,
                local_clock: None,
            }
            .into(),
        ));
        self.ids.insert(pair, id);
        self.sources.push(Source::default());
        Some(id)
    }
}

fn expire(source: &mut Source, id: SourceId, now: Timestamp, sink: &mut dyn Sink) {
    while let Some(asked) = source.expire(now) {
        let at = instant(asked) + TIMEOUT;
        sink.event(&Event::Lost(id, at, LossCause::Timeout));
    }
}

fn accept(source: &mut Source, id: SourceId, made: &Made, sink: &mut dyn Sink) {
    let Made { sample, info, .. } = *made;
    if source.server.replace(info) != Some(info) {
        sink.event(&Event::Server(id, info));
    }
    let distant = info.root_distance() > DISTANT_ROOT;
    if distant && !std::mem::replace(&mut source.distant, distant) {
        sink.event(&Event::Note(Some(id), sample.at, Note::DistantRoot));
    }
    source.distant = distant;
    sink.event(&Event::Sample(id, sample));
}

/// The instants of an import are those of the clock that stamped the capture.
pub(super) fn instant(at: Timestamp) -> Monotonic {
    Monotonic::from_nanos(at.as_nanos())
}
