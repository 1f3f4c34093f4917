//! [`QuorumReport`]: what is said of a set of hosts, in the shape of a published schema.
//!
//! Names and words are those of `docs/quorum.md`; `docs/quorum.schema.json` is generated from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{NeedReport, OutcomeName, ReasonReport, VerdictName, Words, ends, needed};
use super::clean::clean;
use super::model::Instant;
use super::quantity::{exact, plain};
use crate::fitness::{
    Basis, Catalogue, Common, Doubt, LEAST_EXCHANGES, LEAST_OBSERVED, Member, Need, Peer, Quorum,
    SetCheck, SetJudgement, SetReason, Skew, pair_place,
};
use crate::time::Timestamp;

/// Name and version of the shape of [`QuorumReport`]. The version grows when a field changes its meaning or
/// goes; a new field is no new version.
pub const QUORUM_SCHEMA: &str = "clockfit-quorum/1";

/// Whether the clocks of several hosts agree well enough for what runs on all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuorumReport {
    /// Name and version of this shape: `clockfit-quorum/1`.
    pub schema: String,
    /// Program and version that judged.
    pub tool: String,
    /// All in one.
    pub verdict: VerdictName,
    /// The grade that alone decided, where nothing was asked for; null where all that was asked for did.
    pub decided_by: Option<String>,
    /// The hosts, in the order their reports were named.
    pub members: Vec<QuorumMemberReport>,
    /// How many of them are a majority.
    pub majority: u64,
    /// When they were compared.
    pub window: QuorumWindowReport,
    /// Servers that are said to be one and the same for all who asked them.
    pub common: Vec<String>,
    /// Servers that nobody named, and that are one and the same by their answers.
    pub shown: Vec<ShownReport>,
    /// Servers that are said to be one, and are several by their answers.
    pub doubts: Vec<DoubtReport>,
    /// Servers that are said to be members' own clocks.
    pub peers: Vec<PeerReport>,
    /// Members that share a kernel's clock, by their boot id.
    pub same_kernel: Vec<Vec<String>>,
    /// Evidence that cannot all be true.
    pub contradictions: Vec<ContradictionReport>,
    /// What all verdicts rest on.
    pub reasons: Vec<ReasonReport>,
    /// Each service that was asked for.
    pub services: Vec<SetJudgementReport>,
    /// Each grade that was asked for, the strictest first.
    pub grades: Vec<SetJudgementReport>,
    /// The pair that is farthest apart for certain, or may be.
    pub worst: Option<SkewReport>,
    /// All pairs, each once.
    pub pairs: Vec<SkewReport>,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuorumMemberReport {
    /// What it is called.
    pub name: String,
    /// Where its report was read from.
    pub file: String,
    /// Random name of its run.
    pub run_id: String,
    /// Linux boot id: hosts that share it share a clock.
    pub boot_id: Option<String>,
    /// Exchanges with all of its servers.
    pub exchanges: u64,
}

/// When members were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuorumWindowReport {
    /// The first instant, by the server that most have in common, or else UTC.
    #[schemars(with = "Instant")]
    pub from: Timestamp,
    /// The last one.
    #[schemars(with = "Instant")]
    pub to: Timestamp,
    /// How long that is, in nanoseconds.
    pub observed_ns: i64,
    /// How long it must be at least.
    pub needed_ns: i64,
    /// At how many instants, its ends among them.
    pub instants: u64,
}

/// A server that is a member's own clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PeerReport {
    /// The member.
    pub member: String,
    /// The server, as the others asked it.
    pub source: String,
}

/// A server that nobody named, and that told several hosts of the same corrections of its clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShownReport {
    /// As it was asked for.
    pub name: String,
    /// By whom.
    pub members: Vec<String>,
}

/// A server that was named as one, and told two hosts of different corrections of its clock at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DoubtReport {
    /// As it was named.
    pub server: String,
    /// Two of those hosts.
    pub members: Vec<String>,
    /// For people.
    pub text: String,
}

/// Evidence that cannot all be true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContradictionReport {
    /// The clocks that cannot be where members saw them.
    pub clocks: Vec<String>,
    /// The members that saw two of them, or are one.
    pub members: Vec<String>,
    /// At how many instants.
    pub instants: u64,
    /// For people.
    pub text: String,
}

/// What two clocks are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BasisName {
    /// By servers in common, or by each other: proven, whatever those servers are off.
    Measured,
    /// By what each one's servers claim to be off UTC.
    Claimed,
}

/// How far apart two clocks were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SkewReport {
    /// The first.
    pub a: String,
    /// The second.
    pub b: String,
    /// By what they are compared; null where nothing joins them.
    pub basis: Option<BasisName>,
    /// What holds the first clock minus the second at all instants (lower, upper): positive where the first is
    /// ahead. Null where nothing is known.
    pub ahead_ns: Option<(i64, i64)>,
    /// How far apart they were at most, either way, from the first to the second number; the second is null where
    /// nothing limits it.
    pub apart_ns: Option<(i64, Option<i64>)>,
    /// At how many instants nothing is known.
    pub unknown_instants: u64,
}

/// A service or a grade, judged for all members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetJudgementReport {
    /// Its name for programs.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What is said of it.
    pub outcome: OutcomeName,
    /// Each of its limits that is about two clocks.
    pub checks: Vec<SetCheckReport>,
    /// How far writes of two members may be swapped: from the first to the second number of nanoseconds; the
    /// second is null where nothing limits it. Null where the last write does not win.
    pub reorder_ns: Option<(i64, Option<i64>)>,
    /// Why there is nothing to judge by, or what is not judged here.
    pub reasons: Vec<ReasonReport>,
    /// What happens beyond a limit, by its word in `clockfit services`; null for a grade.
    pub severity: Option<String>,
    /// What happens, in words; for a grade what it covers.
    pub consequence: String,
    /// Where its numbers are from; for a grade why they are what they are.
    pub source: String,
    /// Whether that source was read.
    pub verified: bool,
}

/// A limit held against all pairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SetCheckReport {
    /// Its name in the catalogue.
    pub requirement: String,
    /// How far apart two clocks may be.
    pub limit_ns: i64,
    /// Whether the site set it itself.
    pub set: bool,
    /// Whether it only warns, and decides nothing.
    pub advisory: bool,
    /// What that says of all pairs.
    pub verdict: VerdictName,
    /// How far apart the worst are, from the first to the second number; the second is null where nothing limits
    /// it. Null where nothing is known.
    pub apart_ns: Option<(i64, Option<i64>)>,
    /// How many pairs keep it.
    pub pairs_fit: u64,
    /// How many pairs the evidence does not decide.
    pub pairs_undetermined: u64,
    /// How many pairs do not keep it.
    pub pairs_unfit: u64,
    /// The largest set of members of which all pairs are proven to keep it; empty where no pair is.
    pub keep: Vec<String>,
    /// No larger set than this can keep it.
    pub keep_at_most: u64,
    /// How many of those that keep it may be lost, and a majority of all members is left; null where they are no
    /// majority.
    pub can_lose: Option<u64>,
    /// Members proven to be beyond the limit from some that keep it, where those are a majority.
    pub outliers: Vec<String>,
    /// The other members that are not in that set.
    pub doubtful: Vec<String>,
    /// Why, and what it rests on.
    pub reasons: Vec<ReasonReport>,
    /// What would decide.
    pub needs: Vec<NeedReport>,
}

/// What a set of hosts is called, and what was said of its servers.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The members.
    pub members: &'a [Member],
    /// Where each one's report was read from.
    pub files: &'a [String],
    /// Servers in common.
    pub commons: &'a [Common],
    /// Servers that are members.
    pub peers: &'a [Peer],
}

impl Named<'_> {
    fn name(&self, member: usize) -> String {
        let member = self.members.get(member);
        member.map_or_else(String::new, |of| clean(&of.name))
    }

    fn names(&self, members: &[usize]) -> Vec<String> {
        members.iter().map(|member| self.name(*member)).collect()
    }
}

impl QuorumReport {
    /// What was judged of members, of entries of this catalogue.
    pub fn new(tool: &str, named: Named<'_>, catalogue: &Catalogue, judged: &Quorum) -> Self {
        let numbered = (0..named.members.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let pairs: Vec<SkewReport> = numbered
            .zip(&judged.pairs)
            .map(|(pair, skew)| SkewReport::new(pair, skew, &named))
            .collect();
        let worst = judged.worst.and_then(|(a, b)| pairs.get(pair_place(a, b)));
        Self {
            schema: QUORUM_SCHEMA.to_owned(),
            tool: clean(tool),
            verdict: judged.verdict.into(),
            decided_by: judged.decided_by.clone(),
            members: named
                .members
                .iter()
                .zip(named.files)
                .map(|(member, file)| QuorumMemberReport {
                    name: clean(&member.name),
                    file: clean(file),
                    run_id: clean(&member.run_id),
                    boot_id: member.boot_id.as_deref().map(clean),
                    exchanges: member.exchanges(),
                })
                .collect(),
            majority: count(judged.majority),
            window: QuorumWindowReport {
                from: judged.from,
                to: judged.to,
                observed_ns: judged.observed.as_nanos(),
                needed_ns: LEAST_OBSERVED.as_nanos(),
                instants: count(judged.instants),
            },
            common: named
                .commons
                .iter()
                .map(|of| clean(&of.names.join(" = ")))
                .collect(),
            shown: judged
                .shown
                .iter()
                .map(|of| ShownReport {
                    name: clean(&of.name),
                    members: named.names(&of.members),
                })
                .collect(),
            doubts: judged
                .doubts
                .iter()
                .map(|of| DoubtReport::new(of, &named))
                .collect(),
            peers: named
                .peers
                .iter()
                .map(|of| PeerReport {
                    member: clean(&of.member),
                    source: clean(&of.source),
                })
                .collect(),
            same_kernel: judged
                .same_kernel
                .iter()
                .map(|of| named.names(of))
                .collect(),
            contradictions: judged
                .contradictions
                .iter()
                .map(|of| ContradictionReport::new(of, &named, judged.instants))
                .collect(),
            reasons: judged.reasons.iter().map(|of| reason(of, &named)).collect(),
            services: judged
                .services
                .iter()
                .map(|of| {
                    let words = Words::of_service(catalogue, &of.id);
                    SetJudgementReport::new(of, &named, (judged.majority, words))
                })
                .collect(),
            grades: judged
                .grades
                .iter()
                .map(|of| {
                    let words = Words::of_grade(catalogue, &of.id);
                    SetJudgementReport::new(of, &named, (judged.majority, words))
                })
                .collect(),
            worst: worst.cloned(),
            pairs,
        }
    }
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

impl SkewReport {
    fn new((a, b): (usize, usize), skew: &Skew, named: &Named<'_>) -> Self {
        Self {
            a: named.name(a),
            b: named.name(b),
            basis: skew.basis.map(|basis| match basis {
                Basis::Measured => BasisName::Measured,
                Basis::Claimed => BasisName::Claimed,
            }),
            ahead_ns: skew
                .ahead
                .map(|ahead| (ahead.lower().as_nanos(), ahead.upper().as_nanos())),
            apart_ns: skew.size().map(ends),
            unknown_instants: count(skew.unknown),
        }
    }
}

impl DoubtReport {
    fn new(of: &Doubt, named: &Named<'_>) -> Self {
        let server = clean(&of.server);
        let members = named.names(&[of.members.0, of.members.1]);
        Self {
            text: format!(
                "{server} is named as one server, but its answers to {} look like those of two: they tell of \
                 different corrections of its clock at the same time. If these are two clocks, what rests on that \
                 name is wrong",
                few(&members)
            ),
            server,
            members,
        }
    }
}

impl ContradictionReport {
    fn new(of: &crate::fitness::Contradiction, named: &Named<'_>, instants: usize) -> Self {
        let clocks: Vec<String> = of.clocks.iter().map(|clock| clean(clock)).collect();
        let members = named.names(&of.members);
        let when = match of.instants == instants {
            true => "at all instants".to_owned(),
            false => format!("at {} of {instants} instants", of.instants),
        };
        Self {
            text: format!(
                "{when} what {} saw of {} cannot all be true: one of these is not the same clock for all, or moved \
                 unseen; of all they join nothing is known then",
                few(&members),
                few(&clocks)
            ),
            clocks,
            members,
            instants: count(of.instants),
        }
    }
}

/// Some names, and how many more.
pub(super) fn few(names: &[String]) -> String {
    const MOST: usize = 8;
    let (first, more) = names.split_at(names.len().min(MOST));
    match (first, more.len()) {
        ([one], 0) => one.clone(),
        ([first @ .., last], 0) => format!("{} and {last}", first.join(", ")),
        (first, 0) => first.concat(),
        (first, more) => format!("{} and {more} more", first.join(", ")),
    }
}

/// One of some.
fn either(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        several => format!("one of {}", few(several)),
    }
}

impl SetJudgementReport {
    fn new(of: &SetJudgement, named: &Named<'_>, (majority, words): (usize, Words)) -> Self {
        Self {
            id: of.id.clone(),
            name: words.name,
            outcome: of.outcome.into(),
            checks: of
                .checks
                .iter()
                .map(|check| SetCheckReport::new(check, named, majority))
                .collect(),
            reorder_ns: of.reorder.map(ends),
            reasons: of.reasons.iter().map(|of| reason(of, named)).collect(),
            severity: words.severity,
            consequence: words.consequence,
            source: words.source,
            verified: words.verified,
        }
    }
}

impl SetCheckReport {
    fn new(of: &SetCheck, named: &Named<'_>, majority: usize) -> Self {
        let [fit, open, unfit] = of.pairs.map(count);
        Self {
            requirement: of.quantity.name().to_owned(),
            limit_ns: of.limit,
            set: of.set,
            advisory: of.advisory,
            verdict: of.verdict.into(),
            apart_ns: of.observed.map(ends),
            pairs_fit: fit,
            pairs_undetermined: open,
            pairs_unfit: unfit,
            keep: named.names(&of.keep),
            keep_at_most: count(of.keep_at_most),
            can_lose: of.keep.len().checked_sub(majority).map(count),
            outliers: named.names(&of.outliers),
            doubtful: named.names(&of.doubtful),
            reasons: of.reasons.iter().map(|of| reason(of, named)).collect(),
            needs: of
                .needs
                .iter()
                .map(|need| match need {
                    Need::Part => NeedReport {
                        code: "part".to_owned(),
                        amount: None,
                        text: "knowing which part each host has".to_owned(),
                    },
                    need => needed(*need, of.quantity),
                })
                .collect(),
        }
    }
}

fn pairs(of: usize) -> String {
    match of {
        1 => "one pair".to_owned(),
        more => format!("{more} pairs"),
    }
}

fn reason(of: &SetReason, named: &Named<'_>) -> ReasonReport {
    let (code, text) = match of {
        SetReason::Short(length) => (
            "short",
            format!(
                "all members have {} in common; less than {} decide nothing",
                plain(length.as_nanos()),
                exact(LEAST_OBSERVED.as_nanos())
            ),
        ),
        SetReason::Few(member, exchanges) => (
            "few_exchanges",
            format!(
                "{} has {exchanges} exchanges; fewer than {LEAST_EXCHANGES} decide nothing",
                named.name(*member)
            ),
        ),
        SetReason::NoMajority(member, instants) => (
            "no_majority",
            format!(
                "no majority of the servers of {} agrees, at {instants} instants",
                named.name(*member)
            ),
        ),
        SetReason::Claimed(of) => (
            "claimed",
            format!(
                "{} compared by the word of the servers, which claim to be so near to UTC: a server in common \
                 (--common) would prove it",
                match of {
                    1 => "one pair is".to_owned(),
                    more => format!("{more} pairs are"),
                }
            ),
        ),
        SetReason::WithinBound(of) => (
            "within_bound",
            format!(
                "of {} the limit lies inside of what may be true",
                pairs(*of)
            ),
        ),
        SetReason::Unknown(of) => (
            "unknown",
            format!("of {} nothing is known at some instants", pairs(*of)),
        ),
        SetReason::Parts(of) => (
            "parts",
            format!("in {} it depends on which host has which part", pairs(*of)),
        ),
        SetReason::Tied(members) => (
            "tied",
            format!(
                "as many keep it with {} among them, so that nobody can say who is off",
                either(&named.names(members))
            ),
        ),
        SetReason::EachHost => (
            "each_host",
            "its other limits are a matter of each host alone: clockfit check".to_owned(),
        ),
        SetReason::NoLimit => (
            "no_limit",
            "it is sensitive to clocks, and no limit is known".to_owned(),
        ),
    };
    ReasonReport {
        code: code.to_owned(),
        text,
    }
}
