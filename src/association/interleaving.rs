//! Interleaved mode (RFC 9769): whether to ask for it, and the exchange that waits for its T3.
//!
//! A server cannot write into a packet when that packet left. In basic mode T3 is what it read
//! before the send call, early by what the call took. In interleaved mode each reply carries the
//! transmit stamp of the reply before, so the stamps of one exchange come with two replies:
//!
//! ```text
//! request n:      origin = T2 of exchange n-1
//! reply n:        T2 of exchange n, T3 of exchange n-1
//! sample:         T1, T2, T4 of exchange n-1 as kept, and this T3
//! ```
//!
//! All four stamps of a sample belong to one exchange ("set A" of RFC 9769 section 2): its interval
//! holds the truth as that of a basic one does. Each valid reply gives one sample, be it basic of its
//! own exchange or interleaved of the one before; where a server changes from the first to the
//! second, one exchange gives a sample of each mode.

use super::pair::Pair;
use super::request::{Reply, ReplyMode, Request, Unfinished};
use crate::sample::Rejection;
use crate::wire::{Header, NtpTimestamp};

/// Valid basic replies to interleaved requests, one after the other, after which a server counts as
/// one that knows no interleaved mode. One is normal: chrony begins to save stamps with the first
/// interleaved request, so the third reply is the first interleaved one.
const REFUSALS: u8 = 4;

/// The mode requests are sent in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ModePolicy {
    /// Interleaved, and basic for good where the server does not answer so. A request that is due
    /// while an interleaved one is out is basic.
    #[default]
    Auto,
    /// Basic.
    Basic,
    /// Interleaved, one request out at a time, whatever the server answers.
    Interleaved,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Not known yet: so many basic replies in a row to interleaved requests.
    Asking(u8),
    Granted,
    Refused,
}

/// One association's part in interleaved mode.
#[derive(Debug)]
pub(super) struct Interleaving {
    policy: ModePolicy,
    standing: Standing,
    /// The exchange whose T3 the next interleaved request asks for. Boxed: of ten thousand servers
    /// those that answer in basic mode need no room for it.
    last: Option<Box<Unfinished>>,
}

impl Interleaving {
    pub(super) fn new(policy: ModePolicy) -> Self {
        Self {
            policy,
            standing: Standing::Asking(0),
            last: None,
        }
    }

    /// Whether no second request may be sent while one is out.
    pub(super) fn is_strict(&self) -> bool {
        self.policy == ModePolicy::Interleaved
    }

    /// T2 to send as the origin of the next request; zero: ask for a basic reply.
    pub(super) fn origin(&self, open: &[Request]) -> NtpTimestamp {
        let is_out = |r: &Request| r.sent.is_interleaved() && !r.overtaken;
        let one_is_out = open.iter().any(is_out);
        match &self.last {
            Some(last) if self.is_wanted() && !one_is_out => last.receive,
            _ => NtpTimestamp::ZERO,
        }
    }

    fn is_wanted(&self) -> bool {
        match self.policy {
            ModePolicy::Basic => false,
            ModePolicy::Auto => self.standing != Standing::Refused,
            ModePolicy::Interleaved => true,
        }
    }

    /// Whether the transmit stamp in an interleaved reply can be that of the exchange it was asked
    /// for: not before that request arrived, and before the present one did. Only a server that
    /// mixes up its stamps, or whose clock was stepped, fails this.
    pub(super) fn examine(&self, request: &Request, header: &Header) -> Result<(), Rejection> {
        let is_between = self.asked_for(request).is_some_and(|last| {
            is_in_order(last.receive, header.transmit)
                && is_in_order(header.transmit, header.receive)
        });
        if is_between {
            Ok(())
        } else {
            Err(Rejection::WrongExchange)
        }
    }

    /// The exchange that `request`'s reply completes: its own, or the one before; none if that one
    /// was completed while the reply was held for its transmit stamp.
    pub(super) fn completed(
        &self,
        request: &Request,
        reply: &Reply,
        pair: &Pair,
    ) -> Option<Unfinished> {
        match reply.mode {
            ReplyMode::Basic => Some(request.unfinished(reply, pair)),
            ReplyMode::Interleaved => self.asked_for(request).copied(),
        }
    }

    /// The exchange that `request` names, unless another has taken its place since.
    fn asked_for(&self, request: &Request) -> Option<&Unfinished> {
        let named = |last: &&Unfinished| last.receive == request.sent.origin;
        self.last.as_deref().filter(named)
    }

    /// Keeps the exchange of a valid reply, whose T3 comes with the next. Returns whether it has just
    /// been found that the server knows no interleaved mode.
    pub(super) fn keep(&mut self, request: &Request, reply: &Reply, pair: &Pair) -> bool {
        let found_out = request.sent.is_interleaved() && self.heed(reply.mode);
        if !self.is_wanted() {
            self.last = None;
        } else if request.sent.is_interleaved() || self.last.is_none() {
            // Servers save stamps for those who ask for them: of the others nothing would come.
            let unfinished = request.unfinished(reply, pair);
            match self.last.as_deref_mut() {
                Some(last) => *last = unfinished,
                None => self.last = Some(Box::new(unfinished)),
            }
        }
        found_out
    }

    /// A request was lost: from here on refusals are counted anew, since the reply may have been an
    /// interleaved one.
    pub(super) fn heed_loss(&mut self, request: &Request) {
        if request.sent.is_interleaved()
            && let Standing::Asking(refusals) = &mut self.standing
        {
            *refusals = 0;
        }
    }

    fn heed(&mut self, answered: ReplyMode) -> bool {
        self.standing = match (answered, self.standing) {
            (ReplyMode::Interleaved, _) => Standing::Granted,
            (ReplyMode::Basic, Standing::Asking(n)) if n + 1 < REFUSALS => Standing::Asking(n + 1),
            (ReplyMode::Basic, Standing::Asking(_)) => {
                self.standing = Standing::Refused;
                return true;
            }
            // Once granted it is asked for to the end: a server may forget, and remember again.
            (ReplyMode::Basic, known) => known,
        };
        false
    }
}

/// Whether `later` is not before `earlier`, on the circle of 2^64, in any era.
pub(super) fn is_in_order(earlier: NtpTimestamp, later: NtpTimestamp) -> bool {
    later.0.wrapping_sub(earlier.0).cast_signed() >= 0
}
