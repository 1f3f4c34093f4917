//! [`Capture`]: a packet capture as a run.

use std::io::BufRead;

use super::container::{Container, Found, Magic, Step};
use super::datagram::Datagram;
use super::error::CaptureError;
use super::pairing::{MAX_SOURCES, Pairing, instant};
use super::report::{CaptureReport, Unused};
use super::seen::Seen;
use super::sorted::Sorted;
use super::source::TIMEOUT;
use crate::sample::{Axis, Event, Note, RunEnd, RunHeader, Sink};
use crate::time::TimeDelta;

/// Whether bytes start a packet capture, or a variant of one that is refused by its name.
///
/// ```
/// use clockfit::recording::import::pcap::claims;
/// assert!(claims(&[0xd4, 0xc3, 0xb2, 0xa1]));
/// assert!(!claims(b"{\"clockfit_recording\""));
/// ```
pub fn claims(start: &[u8]) -> bool {
    let magic = start.first_chunk().and_then(|first| Magic::of(*first));
    match magic {
        None => false,
        Some(Magic::Classic(..) | Magic::Variant(_)) => true,
        // Line breaks alone could be text. Behind the length stands the byte order.
        Some(Magic::Ng) => {
            let order = start.get(8..12);
            order.is_none_or(|o| o == [0x1a, 0x2b, 0x3c, 0x4d] || o == [0x4d, 0x3c, 0x2b, 0x1a])
        }
    }
}

/// A packet capture, read up to its first NTP packet. Memory is bounded by the number of sources, of
/// which there are at most 100 000, and not by what the file claims.
#[derive(Debug)]
pub struct Capture<R> {
    packets: Packets<R>,
    first: Seen,
    header: RunHeader,
}

impl<R: BufRead> Capture<R> {
    /// Reads the capture's header, and on to its first NTP packet. `name` is what errors call it.
    ///
    /// # Errors
    /// It cannot be read, is no capture or a variant that is not known here, or holds no NTP packet.
    pub fn open(input: R, name: &str) -> Result<Self, CaptureError> {
        let mut packets = Packets {
            container: Container::open(input, name)?,
            name: name.to_owned(),
            frame: Vec::new(),
            sorted: Sorted::default(),
            error: TimeDelta::ZERO,
            report: CaptureReport::default(),
            over: false,
        };
        let Some(first) = packets.next()? else {
            return Err(packets.no_ntp());
        };
        let header = RunHeader {
            tool: packets.container.format().to_owned(),
            started: first.at,
            started_at: instant(first.at),
            timeout: TIMEOUT,
            axis: Axis::LocalClock,
            ..RunHeader::default()
        };
        Ok(Self {
            packets,
            first,
            header,
        })
    }

    /// What is known before the first packet. There is no more to it than when that passed.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Hands every event to `sink`: samples in the order they were completed, at the end what the
    /// capture's stamps mean.
    ///
    /// # Errors
    /// [`CaptureError::Read`] where the system cannot read on; `sink` keeps what it was given.
    pub fn read_into(self, sink: &mut dyn Sink) -> Result<CaptureReport, CaptureError> {
        self.pair(Pairing::new(MAX_SOURCES), sink)
    }

    pub(super) fn pair(
        self,
        mut pairing: Pairing,
        sink: &mut dyn Sink,
    ) -> Result<CaptureReport, CaptureError> {
        let mut packets = self.packets;
        let mut next = Some(self.first);
        let mut end = self.first.at;
        while let Some(seen) = next {
            end = seen.at;
            pairing.take(&seen, sink, &mut packets.report);
            next = packets.next()?;
        }
        pairing.finish(end, sink, &mut packets.report);
        let meaning = meaning(&pairing, packets.error);
        let format = packets.container.format().to_owned();
        let note = Note::Imported { format, meaning };
        sink.event(&Event::Note(None, self.header.started_at, note));
        sink.event(&Event::End(RunEnd {
            at: instant(end),
            interrupted: false,
        }));
        Ok(packets.report)
    }
}

/// What the stamps and numbers of a capture mean.
fn meaning(pairing: &Pairing, error: TimeDelta) -> String {
    let mut text = format!(
        "offsets are those of servers against the clock that stamped the capture, the clock of its host \
         unless a network card was told to stamp; T1 is when a request passed the point of capture, T4 \
         when its reply did, by stamps of {error} ns, and all of it holds if that point lies on the \
         path of both; {}",
        pairing.evidence.describe(),
        error = error.as_nanos(),
    );
    if pairing.evidence.may_be_the_server() {
        text.push_str(
            "; where it may be the server's host the error of an exchange includes how long the server \
             kept the request",
        );
    }
    if let Some(clients) = pairing.clients() {
        text.push_str("; ");
        text.push_str(&clients);
    }
    text
}

/// The NTP packets of a capture, in the order of time.
#[derive(Debug)]
struct Packets<R> {
    container: Container<R>,
    name: String,
    frame: Vec<u8>,
    sorted: Sorted,
    /// The largest error of a stamp so far.
    error: TimeDelta,
    report: CaptureReport,
    over: bool,
}

impl<R: BufRead> Packets<R> {
    fn next(&mut self) -> Result<Option<Seen>, CaptureError> {
        loop {
            if let Some(seen) = self.sorted.pop() {
                return Ok(Some(seen));
            } else if self.over {
                return Ok(None);
            }
            let step = self.container.next(&mut self.frame);
            let step = step.map_err(|error| CaptureError::Read {
                name: self.name.clone(),
                error,
            })?;
            self.heed(step);
        }
    }

    fn heed(&mut self, step: Step) {
        let before = self.report.packets;
        match step {
            Step::End => {}
            Step::Torn => {
                self.report.packets += 1;
                self.report.torn = true;
            }
            Step::Damaged(what) => self.report.damage = Some((before, what)),
            Step::Packet(found) => {
                self.report.packets += 1;
                match self.read(&found) {
                    Ok(seen) => {
                        self.error = self.error.max(seen.error);
                        self.sorted.push(seen);
                    }
                    Err(unused) => self.report.count(unused),
                }
                return;
            }
            Step::Unused(unused) => {
                self.report.packets += 1;
                self.report.count(unused);
                return;
            }
            Step::Link(link) => {
                self.report.packets += 1;
                self.report.count_link(link);
                return;
            }
        }
        self.over = true;
        self.sorted.flush();
    }

    /// The request or reply in the frame at hand.
    fn read(&self, found: &Found) -> Result<Seen, Unused> {
        let (packet, direction) = found.link.open(&self.frame).ok_or(Unused::Other)?;
        let datagram = Datagram::parse(packet, found.cut)?;
        Seen::read(found, direction, &datagram)
    }

    fn no_ntp(self) -> CaptureError {
        let told = self.report.describe();
        let why = if told.is_empty() {
            String::new()
        } else {
            format!(": {}", told.join("; "))
        };
        CaptureError::NoNtp {
            name: self.name,
            packets: self.report.packets,
            why,
        }
    }
}
