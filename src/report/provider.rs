//! [`ProviderReport`]: what was judged of a provider's servers, in the shape of a published schema.
//!
//! Names and words are those of `docs/provider.md`; `docs/provider.schema.json` is generated from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{Names, VerdictName, ends};
use super::clean::clean;
use super::model::Instant;
use super::quantity::{Digits, Round, exact, percent, plain, signed};
use super::quorum::few;
use crate::fitness::{
    Counted, Finding, Ground, LEAST_SERVERS, Looks, Provision, Required, ServerFacts, Verdict,
};
use crate::sample::{Campaign, Nts, OddAnswer, SourceId};
use crate::time::{TimeDelta, Timestamp};

/// Name and version of the shape of [`ProviderReport`]. The version grows when a field changes its meaning or
/// goes; a new field is no new version.
pub const PROVIDER_SCHEMA: &str = "clockfit-provider/1";

/// Whether servers are good enough for those who depend on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderReport {
    /// Name and version of this shape: `clockfit-provider/1`.
    pub schema: String,
    /// Program and version that judged.
    pub tool: String,
    /// The host that asked; null where that is not known.
    pub host: Option<String>,
    /// When it began, on its clock.
    #[schemars(with = "Instant")]
    pub started: Timestamp,
    /// All in one: the worst of all requirements.
    pub verdict: VerdictName,
    /// Each address that was asked.
    pub servers: Vec<ProviderServerReport>,
    /// Each requirement.
    pub requirements: Vec<ProviderRequirementReport>,
}

/// One address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderServerReport {
    /// As it was asked for.
    pub source: String,
    /// Its address, with the port where that is not 123.
    pub address: String,
    /// Its stratum, by its own last word; null where it said nothing, as are the three that follow.
    pub stratum: Option<u8>,
    /// Whether a leap second is announced: `none`, `insert`, `delete`.
    pub leap: Option<String>,
    /// log2 of the seconds that its clock resolves.
    pub precision: Option<i8>,
    /// The most that it may have been off UTC by, by its own word, in nanoseconds.
    pub root_distance_ns: Option<i64>,
    /// What it followed over the run: reference ids, as people read them.
    pub followed: Vec<String>,
    /// The quickest way there and back, in nanoseconds; null where it never answered.
    pub least_delay_ns: Option<i64>,
    /// Routers between, if its packets begin with a time to live of 32, 64, 128 or 255; null where none was seen.
    pub hops: Option<u8>,
    /// Its time minus what a majority agrees on at the end of the run: from the first to the second number of
    /// nanoseconds; null without a majority.
    pub off_ns: Option<(i64, i64)>,
    /// Whether it answers in interleaved mode (RFC 9769); null where it was not asked, or not heard.
    pub interleaved: Option<bool>,
    /// Whether it offers Network Time Security (RFC 8915), by a certificate that was not judged; null where nobody
    /// looked.
    pub nts: Option<bool>,
    /// Why it does not.
    pub nts_why_not: Option<String>,
    /// Requests before the burst.
    pub sent: u64,
    /// How many of these were lost.
    pub lost: u64,
    /// Requests in the burst; null where there was none.
    pub burst_sent: Option<u64>,
    /// How many of these were lost.
    pub burst_lost: Option<u64>,
}

/// A requirement, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderRequirementReport {
    /// Its name for programs.
    pub id: String,
    /// What it asks.
    pub text: String,
    /// Where it is from.
    pub source: String,
    /// The worst of what was found.
    pub verdict: VerdictName,
    /// What its numbers count: `ns`, `millionths` of what was asked, or `number`.
    pub unit: String,
    /// The limit; null where it is not about a number.
    pub limit: Option<i64>,
    /// What was found.
    pub findings: Vec<ProviderFindingReport>,
}

/// What was found of a server, or of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderFindingReport {
    /// The server's address; null where it is about all of them.
    pub server: Option<String>,
    /// What that says.
    pub verdict: VerdictName,
    /// What may be true, from the first to the second number of the requirement's unit; the second is null where
    /// nothing limits it. Null where there is no number.
    pub observed: Option<(i64, Option<i64>)>,
    /// Why, for programs: `servers`, `silent`, `unreachable`, `requests`, `way`, `unsynchronised`, `says`, `agrees`,
    /// `falseticker`, `whole_second`, `smeared`, `torn`, `too_few`, `too_many`, `not_compared`, `no_majority`,
    /// `cannot_lose`, `follow`, `moved`, `moves`, `no_burst`, `kissed`, `lost`, `gone`, `longer`, `not_asked`,
    /// `silent_then`, `odd`, `unresolved`, `refuses`, `unusable`, `losses_not_kept` or `no_answer`.
    pub code: String,
    /// Why, for people.
    pub text: String,
}

impl ProviderReport {
    /// What was judged of a campaign, by its assessment.
    pub fn new(campaign: &Campaign, judged: &Provision) -> Self {
        let names = Names(campaign);
        let header = &campaign.header;
        Self {
            schema: PROVIDER_SCHEMA.to_owned(),
            tool: clean(&header.tool),
            host: header.environment.host.as_deref().map(clean),
            started: header.started,
            verdict: judged.verdict.into(),
            servers: judged
                .servers
                .iter()
                .map(|of| server(of, campaign))
                .collect(),
            requirements: judged
                .requirements
                .iter()
                .map(|of| required(of, names))
                .collect(),
        }
    }
}

fn server(of: &ServerFacts, campaign: &Campaign) -> ProviderServerReport {
    let record = campaign.sources.get(of.source.index());
    let asked = record.map_or("", |record| record.info.source.as_str());
    let (nts, nts_why_not) = match &of.nts {
        Nts::NotAsked => (None, None),
        Nts::Offered => (Some(true), None),
        Nts::NotOffered(why) => (Some(false), Some(clean(why))),
    };
    ProviderServerReport {
        source: clean(asked),
        address: Names(campaign).of(of.source),
        stratum: of.info.map(|info| info.stratum),
        leap: of.info.map(|info| info.leap.name().to_owned()),
        precision: of.info.map(|info| info.precision),
        root_distance_ns: of.root_distance.map(TimeDelta::as_nanos),
        followed: of.followed.iter().map(|of| clean(of)).collect(),
        least_delay_ns: of.least_delay.map(TimeDelta::as_nanos),
        hops: of.hops,
        off_ns: of
            .off
            .map(|of| (of.lower().as_nanos(), of.upper().as_nanos())),
        interleaved: of.interleaved,
        nts,
        nts_why_not,
        sent: of.requests.1,
        lost: of.requests.0,
        burst_sent: of.in_burst.map(|(_, sent)| sent),
        burst_lost: of.in_burst.map(|(lost, _)| lost),
    }
}

/// A requirement as it is told, here and to those who ask for test cases.
pub(super) fn required(of: &Required, names: Names<'_>) -> ProviderRequirementReport {
    let unit = match of.requirement.counts() {
        Counted::Time => "ns",
        Counted::Share => "millionths",
        Counted::Number => "number",
    };
    let findings = of.findings.iter().map(|found| ProviderFindingReport {
        server: found.server.map(|id| names.of(id)),
        verdict: found.verdict.into(),
        observed: found.observed.map(ends),
        code: code(&found.ground).to_owned(),
        text: sentence(found, of.limit, names),
    });
    ProviderRequirementReport {
        id: of.requirement.name().to_owned(),
        text: of.requirement.describe().to_owned(),
        source: of.requirement.source().to_owned(),
        verdict: of.verdict.into(),
        unit: unit.to_owned(),
        limit: of.limit,
        findings: findings.collect(),
    }
}

fn code(ground: &Ground) -> &'static str {
    match ground {
        Ground::Servers { .. } => "servers",
        Ground::Silent(_) => "silent",
        Ground::NoAnswer => "no_answer",
        Ground::Unresolved { .. } => "unresolved",
        Ground::Refuses(_) => "refuses",
        Ground::Unusable(..) => "unusable",
        Ground::LossesNotKept => "losses_not_kept",
        Ground::Unreachable(_) => "unreachable",
        Ground::Requests(..) => "requests",
        Ground::Way { .. } => "way",
        Ground::Unsynchronised(_) => "unsynchronised",
        Ground::Says => "says",
        Ground::Agrees => "agrees",
        Ground::Against { looks, .. } => match looks {
            Looks::Wrong => "falseticker",
            Looks::WholeSecond => "whole_second",
            Looks::Smeared => "smeared",
        },
        Ground::Torn => "torn",
        Ground::TooFew => "too_few",
        Ground::TooMany => "too_many",
        Ground::NotCompared => "not_compared",
        Ground::NoMajority => "no_majority",
        Ground::CannotLose(_) => "cannot_lose",
        Ground::Follow(_) => "follow",
        Ground::Moved(_) => "moved",
        Ground::Moves { .. } => "moves",
        Ground::NoBurst => "no_burst",
        Ground::Kissed(_) => "kissed",
        Ground::Lost { .. } => "lost",
        Ground::Gone(_) => "gone",
        Ground::Longer => "longer",
        Ground::NotAsked => "not_asked",
        Ground::SilentThen => "silent_then",
        Ground::Odd(_) => "odd",
    }
}

/// What was found, without the server's name.
fn sentence(of: &Finding, limit: Option<i64>, names: Names<'_>) -> String {
    let list = |ids: &[SourceId]| names.list(ids);
    let allowed = |text: String| format!("{text}, and {} are allowed", exact(limit.unwrap_or(0)));
    let between = || match of.observed.map(ends) {
        Some((lower, Some(upper))) if lower == upper => plain(lower),
        Some((0, Some(upper))) => format!("at most {}", up(upper)),
        Some((lower, Some(upper))) => format!("{} to {}", down(lower), up(upper)),
        _ => "not known".to_owned(),
    };
    match &of.ground {
        Ground::Servers { answered, together } => {
            let one = together
                .iter()
                .map(|of| format!("; one server are {}", list(of)));
            let one: String = one.collect();
            format!("{answered} answered, and {LEAST_SERVERS} are asked for{one}")
        }
        Ground::NoAnswer => "no server's answer tells".to_owned(),
        Ground::Silent(0) => "was not asked before the run ended".to_owned(),
        Ground::Silent(1) => "did not answer the one request that was sent to it".to_owned(),
        Ground::Silent(sent) => format!("never answered, of {sent} times that it was asked"),
        Ground::Unreachable(why) => format!(
            "this host has no way to it: {}; -4 and -6 leave a family of addresses out",
            clean(why)
        ),
        Ground::Unresolved { source, error } => format!(
            "{} has no address that this host finds: {}",
            clean(source),
            clean(error)
        ),
        Ground::Refuses(n) => format!("refused service {n} times (kiss code DENY or RSTR)"),
        Ground::Unusable(why, n) => format!(
            "none of its answers can be used, {n} for this: {}",
            why.describe().trim_end_matches('.')
        ),
        Ground::LossesNotKept => {
            "no loss is on record, and not every program that records tells of losses; measure with clockfit provider"
                .to_owned()
        }
        Ground::Requests(lost, sent) => match (lost, of.verdict) {
            (0, Verdict::Fit) => format!("all of {sent} requests were answered"),
            (0, _) => format!(
                "all of {sent} requests were answered, which is too few to say more than that the share of losses {}; \
                 a longer run (-d) tells",
                share(of, limit)
            ),
            (_, Verdict::Undetermined) => format!(
                "{lost} of {sent} requests were lost, which {}; a longer run (-d) tells",
                share(of, limit)
            ),
            _ => format!(
                "{lost} of {sent} requests were lost, which {}",
                share(of, limit)
            ),
        },
        Ground::Way { hops } => {
            let hops = match hops {
                None => String::new(),
                Some(0) => "; no router between".to_owned(),
                Some(1) => "; one router between".to_owned(),
                Some(n) => format!("; {n} routers between"),
            };
            allowed(format!(
                "there and back {} at the quickest{hops}",
                between()
            ))
        }
        Ground::Unsynchronised(n) => {
            format!("{n} answers say that its clock is not synchronised")
        }
        Ground::Says => match of.observed {
            None => "synchronised, by its own word".to_owned(),
            Some(_) => allowed(format!("off by {} at most, by its own word", between())),
        },
        Ground::Agrees => match of.observed {
            Some(_) => format!("agrees with the others; from them it is {}", between()),
            None => "contradicts no other".to_owned(),
        },
        Ground::Against { off, looks } => {
            let off = off.map_or_else(String::new, |of| {
                let (lower, upper) = (of.lower().as_nanos(), of.upper().as_nanos());
                format!(
                    ", {} to {} off",
                    signed(lower, Round::Down, Digits::Four),
                    signed(upper, Round::Up, Digits::Four)
                )
            });
            let looks = match looks {
                Looks::Wrong => "a falseticker",
                Looks::WholeSecond => {
                    "by a whole second, as a server that has a leap second which the others have not, or the reverse"
                }
                Looks::Smeared => {
                    "by a slope, as a server that smears a leap second among others that do not, or, where no leap \
                     second is near, as a clock that runs free; either way they do not go together"
                }
            };
            format!("contradicts the majority{off}: {looks}")
        }
        Ground::Torn => {
            "contradicts another, and no majority tells which of them is right".to_owned()
        }
        Ground::TooFew => "there are too few servers to tell".to_owned(),
        Ground::TooMany => {
            "there are too many servers to compare each; name up to 64 at a time".to_owned()
        }
        Ground::NotCompared => {
            "it answered, and cannot be held against others: it contradicts itself, was not synchronised, or keeps \
             another time scale"
                .to_owned()
        }
        Ground::NoMajority => "no majority agrees that it could be held against".to_owned(),
        Ground::CannotLose(ids) if ids.is_empty() => "any one of them can be lost".to_owned(),
        Ground::CannotLose(ids) => {
            format!(
                "no majority agrees any more without {}",
                few(&ids.iter().map(|id| names.of(*id)).collect::<Vec<_>>())
            )
        }
        Ground::Follow(clocks) => {
            let clocks: Vec<String> = clocks.iter().map(|of| clean(of)).collect();
            match clocks.as_slice() {
                [] => "what they follow is not known".to_owned(),
                [one] => format!(
                    "all that was seen of them follow {one}; whether they have others they do not say"
                ),
                all => format!("they follow {}", few(all)),
            }
        }
        Ground::Moved(1) => "its time moved at once, and that of others did not".to_owned(),
        Ground::Moved(n) => format!("its time moved {n} times at once, and that of others did not"),
        Ground::Moves { over } => allowed(format!(
            "moved by {} against the others in {}",
            between(),
            plain(over.as_nanos())
        )),
        Ground::NoBurst => {
            "no burst was sent to it: clockfit provider does that at the end of a run whose length is known, at \
             private addresses, or with --own-servers"
                .to_owned()
        }
        Ground::Kissed(n) => format!("asked for fewer requests {n} times (kiss code RATE)"),
        Ground::Lost {
            in_burst: (lost, sent),
            in_calm,
            at_first,
            late,
        } => {
            let before = format!(
                "of the first {} it was asked gently {} were lost, before the burst {} of {} in all",
                at_first.1, at_first.0, in_calm.0, in_calm.1
            );
            let before = match late {
                0 => before,
                n => format!("{before}; {n} answers came too late, which is no limit"),
            };
            match (lost, of.verdict) {
                (0, Verdict::Fit) => format!("all of {sent} requests of the burst were answered"),
                (_, Verdict::Unfit) => {
                    format!("{lost} of {sent} requests of the burst were lost; {before}")
                }
                _ => format!(
                    "{lost} of {sent} requests of the burst were lost, which {}; {before}",
                    share(of, limit)
                ),
            }
        }
        Ground::Gone(sent) => format!(
            "none of {sent} requests of the burst was answered, not even the first, which a limited rate would let \
             pass: it, or the way to it, went down; measure again"
        ),
        Ground::Longer if of.observed.is_none() => {
            "too few answers, before the burst or in it, to compare how long they took".to_owned()
        }
        Ground::Longer => allowed(format!("half of them took longer by {}", between())),
        Ground::NotAsked => {
            "it was not asked: clockfit provider does that after a whole run, at private addresses, or with \
             --own-servers"
                .to_owned()
        }
        Ground::SilentThen => {
            "answered nothing by then, not even an ordinary request: whether it would answer more than it is asked \
             is not known"
                .to_owned()
        }
        Ground::Odd(answers) if answers.is_empty() => {
            "eight packets that are no request for the time were answered with no more than they had, or not at all"
                .to_owned()
        }
        Ground::Odd(answers) => {
            let told: Vec<String> = answers.iter().map(odd).collect();
            few(&told)
        }
    }
}

/// The ends of what may be, rounded outward.
fn down(nanos: i64) -> String {
    let text = signed(nanos, Round::Down, Digits::Four);
    text.trim_start_matches('+').to_owned()
}

fn up(nanos: i64) -> String {
    let text = signed(nanos, Round::Up, Digits::Four);
    text.trim_start_matches('+').to_owned()
}

fn odd(of: &OddAnswer) -> String {
    format!(
        "{} of {} bytes was answered with {} in {} packets",
        of.question.describe(),
        of.asked,
        of.answered,
        of.packets
    )
}

/// What share that may be, of which limit.
fn share(of: &Finding, limit: Option<i64>) -> String {
    let millionths = |n: i64| percent(u64::try_from(n).unwrap_or(0), 1_000_000);
    match of.observed.map(ends) {
        Some((lower, Some(upper))) => format!(
            "may be {} to {} of all, and {} are allowed",
            millionths(lower),
            millionths(upper),
            millionths(limit.unwrap_or(0))
        ),
        _ => "says nothing".to_owned(),
    }
}
