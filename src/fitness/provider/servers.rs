//! What is known of each server.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::super::judge::LEAST_EXCHANGES;
use super::super::verdict::{Observed, Verdict};
use super::{Finding, Ground, LOCAL, LOST, burst, dissent, is_asked};
use crate::estimate::{Assessment, SourceAssessment, Warning, WarningCode};
use crate::sample::{
    Audited, Campaign, Incidents, LossCause, Mode, Note, Nts, OddAnswer, Rejection, ServerInfo,
    SourceId, SourceRecord,
};
use crate::time::{Interval, TimeDelta};

/// Times to live that systems begin with: who has fewer left has passed as many routers.
const BEGINNINGS: [u8; 4] = [32, 64, 128, 255];

/// What a report tells of a server beside verdicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// Which.
    pub source: SourceId,
    /// What it last said of itself.
    pub info: Option<ServerInfo>,
    /// The most that it ever may have been off by, by its own word.
    pub root_distance: Option<TimeDelta>,
    /// What it followed over the run, as a person reads reference ids; the first sixteen.
    pub followed: Vec<String>,
    /// The quickest way there and back.
    pub least_delay: Option<TimeDelta>,
    /// Routers on the way from it to here, if its packets begin with a usual time to live.
    pub hops: Option<u8>,
    /// Its time minus what the majority agrees on, at the end of the run.
    pub off: Option<Interval>,
    /// Whether it answers in interleaved mode; absent where it was not asked, or not heard.
    pub interleaved: Option<bool>,
    /// Whether it offers Network Time Security.
    pub nts: Nts,
    /// Requests lost and sent, before the burst.
    pub requests: (u64, u64),
    /// The same in the burst; absent where there was none.
    pub in_burst: Option<(u64, u64)>,
}

/// Said instead of what is followed, to all but that one (draft-ietf-ntp-refid-updates).
const NOT_YOU: Ipv4Addr = Ipv4Addr::new(127, 127, 127, 127);

/// Whether another program recorded it that tells of no request without an answer: not every one does.
fn is_foreign(campaign: &Campaign) -> bool {
    let mut notes = campaign.notes.iter();
    let foreign = notes.any(|(_, _, note)| matches!(note, Note::Imported { .. }));
    foreign && campaign.sources.iter().all(|of| of.lost_total() == 0)
}

/// Of what a report shows, of one server.
const MOST_FOLLOWED: usize = 16;

/// A server, as it was seen.
pub(super) struct Server<'a> {
    pub id: SourceId,
    pub record: &'a SourceRecord,
    pub found: &'a SourceAssessment,
    pub burst: Option<&'a SourceRecord>,
    pub found_in_burst: Option<&'a SourceAssessment>,
    audited: Option<&'a Audited>,
}

impl<'a> Server<'a> {
    pub(super) fn all(campaign: &'a Campaign, assessment: &'a Assessment) -> Vec<Self> {
        let sources = (0..).map(SourceId).zip(&campaign.sources);
        let asked = sources
            .zip(&assessment.sources)
            .filter(|((_, of), _)| is_asked(&of.info));
        asked
            .map(|((id, record), found)| {
                let burst = campaign.burst_of(record).map(SourceId::index);
                let mut notes = campaign.notes.iter().rev();
                let audited = notes.find_map(|(of, _, note)| match note {
                    Note::Audited(audited) if *of == Some(id) => Some(audited),
                    _ => None,
                });
                Self {
                    id,
                    record,
                    found,
                    burst: burst.and_then(|n| campaign.sources.get(n)),
                    found_in_burst: burst.and_then(|n| assessment.sources.get(n)),
                    audited,
                }
            })
            .collect()
    }

    pub(super) fn is(
        &self,
        verdict: Verdict,
        observed: Option<Observed>,
        ground: Ground,
    ) -> Finding {
        Finding {
            server: Some(self.id),
            verdict,
            observed,
            ground,
        }
    }

    /// With the time, or with anything that shows that it is there.
    pub(super) fn has_answered(&self) -> bool {
        let rejected = &self.record.incidents().rejected;
        !self.record.samples.is_empty() || rejected.keys().any(|of| of.ends_request())
    }

    pub(super) fn answers(&self, campaign: &Campaign) -> Finding {
        let (lost, sent) = burst::lost(self.record);
        let observed = burst::share((lost, sent));
        let verdict = observed.against(LOST);
        if !self.has_answered() {
            return match self.no_way(campaign) {
                Some(why) => self.is(Verdict::Undetermined, None, Ground::Unreachable(why)),
                // One that was lost may have been lost by chance.
                None => self.is(verdict, None, Ground::Silent(sent)),
            };
        }
        let refused = burst::rejected(self.record, &burst::REFUSALS);
        if refused > 0 {
            return self.is(Verdict::Unfit, None, Ground::Refuses(refused));
        }
        if let Some((why, n)) = self.unusable() {
            let verdict = match why {
                // This host's clock may be to blame.
                Rejection::ClockStep | Rejection::NegativeDelay => Verdict::Undetermined,
                _ => Verdict::Unfit,
            };
            return self.is(verdict, None, Ground::Unusable(why, n));
        }
        if lost == 0 && is_foreign(campaign) {
            return self.is(Verdict::Undetermined, None, Ground::LossesNotKept);
        }
        self.is(verdict, Some(observed), Ground::Requests(lost, sent))
    }

    /// Why most of its answers are no use, of one of which none is; that it is not synchronised is told elsewhere.
    fn unusable(&self) -> Option<(Rejection, u64)> {
        let rejected = self.record.incidents().rejected.iter();
        let ended = rejected.filter(|(why, n)| why.ends_request() && **n > 0);
        let most = ended.max_by_key(|(_, n)| **n).map(|(why, n)| (*why, *n))?;
        let is_none = self.record.samples.is_empty();
        let is_told = matches!(most.0, Rejection::Unsynchronised | Rejection::KissRate);
        Some(most).filter(|_| is_none && !is_told)
    }

    /// Whether nothing shows that it is silent, or else: this host has no way to it, or asked too little.
    pub(super) fn may_answer(&self, campaign: &Campaign) -> bool {
        !self.has_answered() && self.answers(campaign).verdict == Verdict::Undetermined
    }

    /// Whether this host has no way to it, which says nothing of the server.
    fn no_way(&self, campaign: &Campaign) -> Option<String> {
        let Incidents { lost, .. } = self.record.incidents();
        let others = lost
            .iter()
            .any(|(of, n)| !matches!(of, LossCause::Refused | LossCause::Interrupted) && *n > 0);
        let mut notes = campaign.notes.iter();
        let told = notes.find_map(|(of, _, note)| match note {
            // ENETUNREACH and EADDRNOTAVAIL: no route, and no address of that family; EPERM: this host's own filter;
            // ENETDOWN: its link.
            Note::Unreachable { error } if *of == Some(self.id) => Some(error).filter(|error| {
                [
                    "(os error 101)",
                    "(os error 99)",
                    "(os error 1)",
                    "(os error 100)",
                ]
                .iter()
                .any(|of| error.contains(of))
            }),
            _ => None,
        });
        told.filter(|_| !others).cloned()
    }

    pub(super) fn way(&self) -> Option<Finding> {
        let least = self.least_delay()?;
        let verdict = match least <= LOCAL {
            true => Verdict::Fit,
            // A queue that is never empty is as good as a long way, once it was looked at for long enough.
            false if self.found.valid >= LEAST_EXCHANGES => Verdict::Unfit,
            false => Verdict::Undetermined,
        };
        let observed = Some(Observed::exactly(least.as_nanos()));
        Some(self.is(verdict, observed, Ground::Way { hops: self.hops() }))
    }

    pub(super) fn synchronised(&self) -> Option<Finding> {
        let without = burst::rejected(self.record, &[Rejection::Unsynchronised]);
        match (without, self.record.samples.is_empty()) {
            (0, true) => None,
            (0, false) => Some(self.is(Verdict::Fit, None, Ground::Says)),
            _ => Some(self.is(Verdict::Unfit, None, Ground::Unsynchronised(without))),
        }
    }

    pub(super) fn root_distance(&self, limit: TimeDelta) -> Option<Finding> {
        let most = self.record.largest_root_distance()?;
        let observed = Observed::exactly(most.as_nanos());
        let verdict = observed.against(limit.as_nanos());
        Some(self.is(verdict, Some(observed), Ground::Says))
    }

    /// How it answers what is no request for the time. That it is silent where everything is says nothing.
    pub(super) fn odd(&self) -> Option<Finding> {
        let Some(odd) = self.audited.map(|of| &of.odd).filter(|of| !of.is_empty()) else {
            return Some(self.is(Verdict::Undetermined, None, Ground::NotAsked));
        };
        let is_too_much = |of: &&OddAnswer| {
            of.answered > of.asked || (of.question.should_be_silent() && of.packets > 0)
        };
        let too_much: Vec<OddAnswer> = odd.iter().filter(is_too_much).copied().collect();
        // One that says nothing to anything by then may be down.
        let is_there =
            self.audited.is_some_and(|of| of.ttl.is_some()) || odd.iter().any(|of| of.packets > 0);
        let verdict = match too_much.is_empty() {
            true if !is_there => {
                return Some(self.is(Verdict::Undetermined, None, Ground::SilentThen));
            }
            true => Verdict::Fit,
            false => Verdict::Unfit,
        };
        let observed = Observed::exactly(i64::try_from(too_much.len()).unwrap_or(i64::MAX));
        Some(self.is(verdict, Some(observed), Ground::Odd(too_much)))
    }

    /// The clocks it followed; its own is called by its address. One of `asked` is left out: what that follows is told
    /// of itself.
    pub(super) fn follows(&self, asked: &BTreeSet<Ipv4Addr>) -> Vec<String> {
        let own = || format!("a clock of {} itself", self.record.info.address);
        let infos = self.record.servers.iter().map(|(_, info)| info);
        let mut clocks: Vec<String> = infos
            .filter_map(|info| {
                let id = Ipv4Addr::from(info.reference_id.0);
                match info.stratum <= 1 {
                    true => Some(own()),
                    // Nothing, and "not you", by which servers hide what they follow.
                    false if id.is_unspecified() || id == NOT_YOU => None,
                    // Servers on their own clock name themselves so at any stratum.
                    false if id.is_loopback() => Some(own()),
                    false => Some(id.to_string()).filter(|_| !asked.contains(&id)),
                }
            })
            .collect();
        clocks.sort();
        clocks.dedup();
        clocks
    }

    fn least_delay(&self) -> Option<TimeDelta> {
        let classes = self.found.classes.iter();
        let least = classes.map(|of| of.delay.min).min();
        least.map(TimeDelta::from_nanos)
    }

    fn hops(&self) -> Option<u8> {
        let ttl = self.audited?.ttl?;
        let began = BEGINNINGS.into_iter().find(|of| *of >= ttl)?;
        Some(began - ttl)
    }

    /// Whether it answers in interleaved mode, if that was seen or refused.
    fn interleaved(&self, assessment: &Assessment) -> Option<bool> {
        let mut classes = self.found.classes.iter();
        if classes.any(|of| of.class.mode == Mode::Interleaved) {
            return Some(true);
        }
        let refused =
            |of: &Warning| of.code == WarningCode::NotInterleaved && of.source == Some(self.id);
        assessment.warnings.iter().any(refused).then_some(false)
    }

    pub(super) fn facts(&self, assessment: &Assessment) -> ServerFacts {
        let mut followed: Vec<String> = Vec::new();
        for (_, info) in &self.record.servers {
            let name = info.reference_id.describe(info.stratum);
            if !followed.contains(&name) && followed.len() < MOST_FOLLOWED {
                followed.push(name);
            }
        }
        ServerFacts {
            source: self.id,
            info: self.record.server().copied(),
            root_distance: self.record.largest_root_distance(),
            followed,
            least_delay: self.least_delay(),
            hops: self.hops(),
            off: dissent::from_majority(assessment.agreement.as_ref(), self.id),
            interleaved: self.interleaved(assessment),
            nts: self.audited.map_or(Nts::NotAsked, |of| of.nts.clone()),
            requests: (self.record.lost_total(), self.record.sent()),
            in_burst: self.burst.map(|of| (of.lost_total(), of.sent())),
        }
    }
}
