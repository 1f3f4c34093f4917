//! One real-time clock: read by a thread of its own, since the edge of a second has to be waited for.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::Target;
use super::ntp::Shared;
use super::standing::Standing;
use crate::net::{clock, rtc};
use crate::sample::{
    AT_ERROR_FLOOR, Exchange, Mode, ReferenceId, Sample, Sink, SourceId, StampSource,
};
use crate::time::{Monotonic, TimeDelta};

/// What a clock of this kind is called where servers name their reference.
const REFERENCE: ReferenceId = ReferenceId(*b"RTC\0");

/// How often the loop asks the thread for what it read. Readings wait for that without harm: their
/// instants are taken, and no recording loses more than the second that it may.
const ASK: TimeDelta = TimeDelta::from_millis(100);
/// Readings that the thread is ahead of the loop at most. There is one a second; a loop that does
/// not ask for longer has other troubles.
const AHEAD: usize = 4;
/// The thread begins to look this long before the edge: late wake-ups of a busy host take less.
const EARLY: TimeDelta = TimeDelta::from_millis(100);
/// The thread sleeps no longer than this without looking whether the run is over.
const NAP: TimeDelta = TimeDelta::from_millis(50);
const SECOND: TimeDelta = TimeDelta::from_secs(1);

/// One clock and its turn.
#[derive(Debug)]
pub(super) struct RtcSource {
    device: PathBuf,
    /// Whole seconds between two readings.
    every: TimeDelta,
    precision: TimeDelta,
    /// When the thread is started, and then asked.
    due: Monotonic,
    readings: u64,
    reader: Option<Reader>,
    standing: Standing,
}

impl RtcSource {
    pub(super) fn new(id: SourceId, device: PathBuf, target: &Target, due: Monotonic) -> Self {
        Self {
            device,
            every: target.pace.interval().max(SECOND),
            precision: clock::precision(),
            due,
            readings: 0,
            reader: None,
            standing: Standing::new(id, REFERENCE),
        }
    }

    pub(super) fn has_sent_all(&self, shared: &Shared) -> bool {
        self.standing.is_given_up() || shared.count.is_some_and(|count| self.readings >= count)
    }

    pub(super) fn next_turn(&self, shared: &Shared, sending: bool) -> Option<Monotonic> {
        (sending && !self.has_sent_all(shared)).then_some(self.due)
    }

    /// One turn: passes on what was read.
    pub(super) fn take_turn(
        &mut self,
        now: Monotonic,
        sending: bool,
        shared: &Shared,
        sink: &mut dyn Sink,
    ) {
        if !sending || self.due > now {
            return;
        }
        self.due = now + ASK;
        if self.reader.is_none() && !self.has_sent_all(shared) {
            match Reader::start(self.device.clone(), self.every) {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => self.pass_on(Err(error), now, sink),
            }
        }
        self.collect(now, shared, sink);
    }

    /// The run is over: what was read before counts.
    pub(super) fn end(&mut self, now: Monotonic, shared: &Shared, sink: &mut dyn Sink) {
        self.collect(now, shared, sink);
        self.reader = None;
    }

    fn collect(&mut self, now: Monotonic, shared: &Shared, sink: &mut dyn Sink) {
        while !self.has_sent_all(shared) {
            let reading = self.reader.as_ref().and_then(Reader::reading);
            match reading {
                Some(reading) => self.pass_on(reading, now, sink),
                None => return,
            }
        }
        // No longer than needed: another program may want the clock. Nobody waits for it here, since other
        // sources are due.
        if let Some(reader) = &mut self.reader {
            reader.stop();
        }
    }

    fn pass_on(&mut self, reading: io::Result<rtc::Edge>, now: Monotonic, sink: &mut dyn Sink) {
        self.readings += 1;
        match reading {
            // An edge is sought over milliseconds, and its interval is of one clock or of none.
            Ok(edge) if edge.after.stepped_since(&edge.before).is_some() => {
                self.standing.discard(now, sink);
            }
            Ok(edge) => self.standing.accept(self.sample(&edge), now, sink),
            Err(error) => self.standing.fail(&error, now, sink),
        }
    }

    /// An edge as an exchange: T1 and T4 are the system's clock before and after, T2 and T3 both the
    /// second that began between them.
    fn sample(&self, edge: &rtc::Edge) -> Sample {
        let exchange = Exchange {
            t1: edge.before.wall,
            upper: edge.second.since(edge.before.wall),
            residence: TimeDelta::ZERO,
            lower: edge.second.since(edge.after.wall),
            tx: StampSource::User,
            rx: StampSource::User,
            error: self.precision,
        };
        Sample {
            exchange,
            mode: Mode::Reading,
            at: edge.before.counter,
            at_error: edge.before.error.max(AT_ERROR_FLOOR),
        }
    }
}

/// The thread that reads, and the way to it. It ends with this.
#[derive(Debug)]
struct Reader {
    /// Taken when it ends, so that the thread waits for nobody to ask.
    readings: Option<Receiver<io::Result<rtc::Edge>>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Reader {
    fn start(device: PathBuf, every: TimeDelta) -> io::Result<Self> {
        let (sender, readings) = mpsc::sync_channel(AHEAD);
        let stop = Arc::new(AtomicBool::new(false));
        let asked_to_stop = Arc::clone(&stop);
        let thread = thread::Builder::new().spawn(move || {
            read(&device, every, &asked_to_stop, &mut |reading| {
                sender.send(reading).is_ok()
            });
        })?;
        Ok(Self {
            readings: Some(readings),
            stop,
            thread: Some(thread),
        })
    }

    /// Lets the thread end soon.
    fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.readings = None;
    }

    /// The next reading, if there is one.
    fn reading(&self) -> Option<io::Result<rtc::Edge>> {
        self.readings.as_ref()?.try_recv().ok()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // An eighth of a second at most, and what one look takes.
            let _ = thread.join();
        }
    }
}

/// Reads the clock until asked to stop, or until nobody listens.
fn read(
    device: &Path,
    every: TimeDelta,
    stop: &AtomicBool,
    tell: &mut dyn FnMut(io::Result<rtc::Edge>) -> bool,
) {
    let mut open = None;
    let mut last: Option<rtc::Edge> = None;
    loop {
        let (begin, outcome) = match next_edge(device, &mut open, last.as_ref(), stop) {
            Ok(None) => return,
            // The first is found by looks a hundredth of a second apart, and only tells where the
            // others are.
            Ok(Some(edge)) if last.replace(edge).is_none() => (edge.before.counter + SECOND, None),
            Ok(Some(edge)) => (edge.before.counter + every, Some(Ok(edge))),
            Err(error) => {
                // The device may have gone, and come back: it is opened anew.
                (open, last) = (None, None);
                (clock::counter() + every, Some(Err(error)))
            }
        };
        if outcome.is_some_and(|outcome| !tell(outcome)) || !sleep_until(begin + (-EARLY), stop) {
            return;
        }
    }
}

fn next_edge(
    device: &Path,
    open: &mut Option<rtc::Rtc>,
    last: Option<&rtc::Edge>,
    stop: &AtomicBool,
) -> io::Result<Option<rtc::Edge>> {
    let open = match open {
        Some(open) => open,
        None => open.insert(rtc::Rtc::open(device).map_err(io::Error::other)?),
    };
    open.edge(last, stop)
}

/// Says whether to go on.
fn sleep_until(end: Monotonic, stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::Relaxed) {
        let left = end.since(clock::counter());
        if left <= TimeDelta::ZERO {
            return true;
        }
        clock::sleep(left.min(NAP));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{
        Event, LossCause, Note, Reading, Rejection, SourceInfo, SourceKind, Timescale,
    };
    use crate::sampler::{Endpoint, ModePolicy, Pace, Phase};
    use crate::time::Timestamp;

    struct Events(Vec<Event>);

    impl Sink for Events {
        fn event(&mut self, event: &Event) {
            self.0.push(event.clone());
        }
    }

    fn source() -> RtcSource {
        let info = SourceInfo {
            source: "rtc:/dev/rtc0".into(),
            address: "/dev/rtc0".into(),
            port: 0,
            kind: SourceKind::Rtc,
            timescale: Timescale::Utc,
            path: 0,
            local_clock: None,
        };
        let target = Target {
            info: info.into(),
            endpoint: Endpoint::Rtc("/dev/rtc0".into()),
            pace: Pace::Mean(SECOND),
            mode: ModePolicy::Basic,
            phase: Phase::default(),
        };
        RtcSource::new(
            SourceId(0),
            "/dev/rtc0".into(),
            &target,
            Monotonic::default(),
        )
    }

    fn reading(nanos: i64) -> Reading {
        Reading {
            wall: Timestamp::from_nanos(1_763_832_000_000_000_000 + nanos),
            counter: Monotonic::from_nanos(nanos),
            error: TimeDelta::from_nanos(40),
        }
    }

    #[test]
    fn an_edge_is_an_exchange_whose_interval_holds_the_offset() {
        // The RTC is 250 ms ahead; its second 0 began 750 ms past the system's, within 300 us.
        let edge = rtc::Edge {
            before: reading(749_900_000),
            second: Timestamp::from_nanos(1_763_832_001_000_000_000),
            after: reading(750_200_000),
        };
        let sample = source().sample(&edge);
        let exchange = sample.exchange;
        assert_eq!(exchange.upper, TimeDelta::from_micros(250_100));
        assert_eq!(exchange.lower, TimeDelta::from_micros(249_800));
        assert_eq!(exchange.delay(), TimeDelta::from_micros(300));
        assert_eq!((exchange.t2(), exchange.t3()), (edge.second, edge.second));
        assert_eq!(exchange.t4(), edge.after.wall);
        assert_eq!(sample.at, edge.before.counter);
        assert_eq!(sample.at_error, AT_ERROR_FLOOR);
        assert_eq!(sample.class().to_string(), "RUU");
    }

    #[test]
    fn an_edge_in_which_this_host_s_clock_was_stepped_is_discarded_by_name() {
        let mut source = source();
        let mut events = Events(Vec::new());
        for step in [0, -300_000] {
            let mut after = reading(750_200_000);
            after.wall = after.wall + TimeDelta::from_nanos(step);
            let edge = rtc::Edge {
                before: reading(749_900_000),
                second: Timestamp::from_nanos(1_763_832_001_000_000_000),
                after,
            };
            source.pass_on(Ok(edge), Monotonic::default(), &mut events);
        }
        let discarded = Event::Rejected(SourceId(0), Monotonic::default(), Rejection::ClockStep, 1);
        assert!(matches!(events.0[1], Event::Sample(..)));
        assert_eq!(events.0[2..], [discarded]);
    }

    #[test]
    fn a_clock_that_is_not_there_is_told_and_given_up() {
        let mut source = source();
        let mut events = Events(Vec::new());
        for _ in 0..3 {
            let gone = io::ErrorKind::NotFound.into();
            source.pass_on(Err(gone), Monotonic::default(), &mut events);
        }
        let lost = |e: &&Event| matches!(e, Event::Lost(_, _, LossCause::Refused));
        assert_eq!(events.0.iter().filter(lost).count(), 3);
        let notes: Vec<_> = events
            .0
            .iter()
            .filter_map(|e| match e {
                Event::Note(_, _, note) => Some(note),
                _ => None,
            })
            .collect();
        assert!(matches!(
            notes[..],
            [Note::Unreachable { .. }, Note::GivenUp]
        ));
        assert!(source.standing.is_given_up());
    }

    #[test]
    fn a_device_that_fails_is_tried_anew_until_nobody_listens() {
        let missing = Path::new("/dev/no-such-rtc");
        let mut told = 0;
        read(
            missing,
            TimeDelta::from_millis(1),
            &AtomicBool::new(false),
            &mut |reading| {
                assert!(reading.is_err());
                told += 1;
                told < 3
            },
        );
        assert_eq!(told, 3);
    }

    #[test]
    fn a_reader_ends_at_once_though_it_sleeps() {
        let begin = clock::counter();
        let hour = TimeDelta::from_secs(3600);
        let reader = Reader::start("/dev/no-such-rtc".into(), hour).unwrap();
        let mut first = None;
        while first.is_none() && clock::counter().since(begin) < SECOND.times(10) {
            first = reader.reading();
            clock::sleep(TimeDelta::from_millis(1));
        }
        assert!(first.is_some_and(|reading| reading.is_err()));
        drop(reader);
        assert!(clock::counter().since(begin) < SECOND.times(10));
    }
}
