//! [`Source`]: one server as one client asked it; requests meet their replies here.
//!
//! The rules are those of an association (RFC 5905 section 8, RFC 9769), told by somebody who only
//! looks on: a request need not be this program's, so its numbers may be anything, and each packet may
//! be seen more than once.

use std::collections::VecDeque;

use super::exchange::{Unfinished, is_in_order};
use super::place::Place;
use super::report::Unused;
use super::seen::{Seen, Trace};
use crate::sample::{Leap, Mode, Rejection, Sample, ServerInfo};
use crate::time::{TimeDelta, Timestamp};
use crate::wire::NtpTimestamp;

/// How long after its request a reply is taken for one: what chrony lets a server keep a request
/// (MAX_SERVER_INTERVAL, 4 s). A client that waits longer has sent its next request by then.
pub(super) const TIMEOUT: TimeDelta = TimeDelta::from_secs(4);

/// A packet seen again within this time is the same one, at another interface of the host or in both
/// directions of a mirror port. Bridges and firewalls hold packets for less, and who sends one twice
/// waits longer.
const COPY_WINDOW: TimeDelta = TimeDelta::from_millis(10);

/// Requests of one source that wait for their reply at most; a network behind one address may have
/// many out. The oldest is given up for a further one.
const MAX_OPEN: usize = 256;
/// Finished requests that are remembered, to tell copies, duplicates and late replies from forgeries.
const MAX_FINISHED: usize = 8;
/// Exchanges whose T3 may come with a later reply. A client asks for that of one exchange at a time;
/// clients that share an address each have such a one.
const MAX_KEPT: usize = 4;

/// From this root distance on a reply is no sample: RFC 5905 section 8 test 7 with MAXDISP = 16 s.
const MAX_ROOT_DISTANCE: TimeDelta = TimeDelta::from_secs(16);

/// One server as one client asked it.
#[derive(Debug, Default)]
pub(super) struct Source {
    open: VecDeque<Open>,
    finished: VecDeque<Finished>,
    kept: VecDeque<Kept>,
    /// The server stamps of the reply taken last; zero before the first, which no stamp is.
    last_stamps: (u64, u64),
    pub(super) server: Option<ServerInfo>,
    /// Whether the server's root distance was last found to be large.
    pub(super) distant: bool,
}

/// A request without its reply.
#[derive(Clone, Copy, Debug)]
struct Open {
    at: Timestamp,
    error: TimeDelta,
    name: Name,
    origin: NtpTimestamp,
    trace: Trace,
}

/// What tells a request from others of its source. A basic reply returns its transmit field, an
/// interleaved one its receive field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    port: u16,
    transmit: NtpTimestamp,
    receive: NtpTimestamp,
}

/// An exchange whose T3 may yet come.
#[derive(Clone, Copy, Debug)]
struct Kept {
    exchange: Unfinished,
    /// Whether its request was one that an interleaved reply can be given to. Servers save their stamp
    /// for such a one.
    asked: bool,
}

/// A request that is over, and when and with which stamps it was answered, if it was.
#[derive(Clone, Copy, Debug)]
struct Finished {
    asked: Timestamp,
    name: Name,
    answered: Option<(Timestamp, (u64, u64))>,
}

/// A sample, what the server said of itself in its exchange, and what both packets showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub(super) sample: Sample,
    pub(super) info: ServerInfo,
    pub(super) request: Trace,
    pub(super) reply: Trace,
}

/// Why a reply is no sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Not {
    Rejected(Rejection),
    Unused(Unused),
}

impl From<Rejection> for Not {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl Source {
    /// A request passed. Says when one was given up for it, and whether it is a copy.
    pub(super) fn ask(&mut self, seen: &Seen) -> Result<Option<Timestamp>, Unused> {
        let header = &seen.header;
        let name = Name {
            port: seen.from.port(),
            transmit: header.transmit,
            receive: header.receive,
        };
        // A transmit field of zero, as simple clients send it, tells no two requests apart.
        let is_copy = |at: Timestamp, other: Name| {
            !name.transmit.is_zero() && other == name && is_near(at, seen.at)
        };
        // That it was seen first may not be known before now. The earliest is sure to be before T2.
        if let Some(open) = self.open.iter_mut().find(|o| is_copy(o.at, o.name)) {
            open.at = open.at.min(seen.at);
            return Err(Unused::Copy);
        }
        if self.finished.iter().any(|f| is_copy(f.asked, f.name)) {
            return Err(Unused::Copy);
        }
        let given_up = if self.open.len() < MAX_OPEN {
            None
        } else {
            self.lose_first()
        };
        self.open.push_back(Open {
            at: seen.at,
            error: seen.error,
            name,
            origin: header.origin,
            trace: seen.trace,
        });
        Ok(given_up)
    }

    /// When a request was sent whose reply is overdue by now; it is then given up.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<Timestamp> {
        // In either direction: the capture's clock may have been set back meanwhile.
        let overdue = |open: &Open| now.since(open.at).abs() >= TIMEOUT;
        let found = self.open.iter().position(overdue)?;
        self.lose(found)
    }

    /// Gives up the oldest request that has no reply, and says when it was sent.
    pub(super) fn lose_first(&mut self) -> Option<Timestamp> {
        self.lose(0)
    }

    fn lose(&mut self, index: usize) -> Option<Timestamp> {
        let open = self.open.remove(index)?;
        self.finish(&open, None);
        Some(open.at)
    }

    /// A reply passed. Nothing that is overdue may be open any more.
    pub(super) fn answer(&mut self, seen: &Seen) -> Result<Made, Not> {
        if let Some(flaw) = seen.flaw {
            return Err(flaw.into());
        }
        let stamps = (seen.header.receive.0, seen.header.transmit.0);
        let Some((index, mode)) = self.matching(seen) else {
            return Err(self.explain(seen, stamps));
        };
        let Some(open) = self.open.remove(index) else {
            return Err(Rejection::BogusOrigin.into());
        };
        self.finish(&open, Some((seen.at, stamps)));
        self.examine(seen)?;
        let own = Unfinished {
            t1: open.at,
            t4: seen.at,
            error: open.error.max(seen.error),
            place: Place::of(open.trace, seen.trace),
            receive: seen.header.receive,
            info: seen.header.server_info(),
        };
        let (sample, info) = self.complete(own, mode, &open, seen.header.transmit)?;
        Ok(Made {
            sample,
            info,
            request: open.trace,
            reply: seen.trace,
        })
    }

    /// The request that a reply answers, and in which mode. Where several could be meant, since their
    /// transmit fields are equal, it is the oldest: its T1 is sure to be before T2.
    fn matching(&self, seen: &Seen) -> Option<(usize, Mode)> {
        let origin = seen.header.origin;
        let port = seen.to.port();
        let find = |fits: &dyn Fn(&Name) -> bool| {
            self.open
                .iter()
                .position(|open| open.name.port == port && fits(&open.name))
        };
        let basic = find(&|name| name.transmit == origin);
        let interleaved = || find(&|name| name.is_answered_interleaved_by(origin));
        basic
            .map(|index| (index, Mode::Basic))
            .or_else(|| Some((interleaved()?, Mode::Interleaved)))
    }

    /// What a reply is that answers no open request.
    fn explain(&self, seen: &Seen, stamps: (u64, u64)) -> Not {
        let origin = seen.header.origin;
        let is_it = |f: &Finished| {
            f.name.port == seen.to.port()
                && (f.name.transmit == origin || f.name.is_answered_interleaved_by(origin))
        };
        let Some(found) = self.finished.iter().rposition(is_it) else {
            return Rejection::BogusOrigin.into();
        };
        let is_answered = |f: &Finished| f.answered.is_some();
        let last = self.finished.iter().rposition(is_answered);
        match self.finished.get(found).and_then(|f| f.answered) {
            None => Rejection::TooLate.into(),
            Some((at, same)) if same == stamps && is_near(at, seen.at) => Not::Unused(Unused::Copy),
            Some(_) if last == Some(found) => Rejection::Duplicate.into(),
            Some(_) => Rejection::Replay.into(),
        }
    }

    fn finish(&mut self, open: &Open, answered: Option<(Timestamp, (u64, u64))>) {
        if self.finished.len() >= MAX_FINISHED {
            self.finished.pop_front();
        }
        self.finished.push_back(Finished {
            asked: open.at,
            name: open.name,
            answered,
        });
    }

    /// What the server says (RFC 5905 section 8 tests 1, 3, 6, 7), in the order of an association.
    fn examine(&mut self, seen: &Seen) -> Result<(), Rejection> {
        let header = &seen.header;
        if let Some(kiss) = header.kiss_code() {
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
        Ok(())
    }

    /// The sample that a valid reply makes: of its own exchange, or of the one whose T2 its request
    /// named, since in interleaved mode T3 (`transmit`) is that one's.
    fn complete(
        &mut self,
        exchange: Unfinished,
        mode: Mode,
        request: &Open,
        transmit: NtpTimestamp,
    ) -> Result<(Sample, ServerInfo), Not> {
        let own = Kept {
            exchange,
            asked: request.name.may_be_answered_interleaved(),
        };
        if mode == Mode::Basic {
            if !is_in_order(exchange.receive, transmit) {
                return Err(Rejection::StampsReversed.into());
            }
            self.keep(own);
            return Ok((exchange.finish(transmit, mode)?, exchange.info));
        }
        let is_named = |kept: &Kept| kept.exchange.receive == request.origin;
        let named = self.kept.iter().position(is_named);
        let Some(before) = named.and_then(|index| self.kept.remove(index)) else {
            self.keep(own);
            return Err(Not::Unused(Unused::NotHeld));
        };
        let before = before.exchange;
        // Not before that request arrived, and before the present one did: only a server that mixes up
        // its stamps, or whose clock was stepped, fails this.
        if !is_in_order(before.receive, transmit) || !is_in_order(transmit, exchange.receive) {
            return Err(Rejection::WrongExchange.into());
        }
        self.keep(own);
        Ok((before.finish(transmit, mode)?, before.info))
    }

    /// Keeps an exchange in the place of the oldest, and rather of one that was not asked in the form
    /// for an interleaved reply: basic requests may go between two that are.
    fn keep(&mut self, own: Kept) {
        if self.kept.len() >= MAX_KEPT {
            let least = self.kept.iter().position(|kept| !kept.asked);
            self.kept.remove(least.unwrap_or(0));
        }
        self.kept.push_back(own);
    }
}

impl Name {
    /// Whether an interleaved reply is possible: a client that asks for one has to make its two fields
    /// differ (RFC 9769 section 2).
    fn may_be_answered_interleaved(&self) -> bool {
        self.receive != self.transmit && !self.receive.is_zero()
    }

    /// Whether a reply with this origin is an interleaved one.
    fn is_answered_interleaved_by(&self, origin: NtpTimestamp) -> bool {
        self.receive == origin && self.may_be_answered_interleaved()
    }
}

fn is_near(a: Timestamp, b: Timestamp) -> bool {
    a.since(b).abs() <= COPY_WINDOW
}
