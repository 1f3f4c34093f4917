//! Limits held against all pairs of a set.

use super::identity::Identities;
use super::member::Member;
use super::sets::largest;
use super::skew::{Skews, pair_place};
use super::{Basis, Quorum, SetCheck, SetJudgement, SetReason, Skew};
use crate::fitness::entry::{Kind, Limits, Scope, Service, Side};
use crate::fitness::judge::{LEAST_EXCHANGES, LEAST_OBSERVED, ROUNDING};
use crate::fitness::quantity::Quantity;
use crate::fitness::question::Question;
use crate::fitness::verdict::{Need, Observed, Outcome, Verdict};
use crate::time::TimeDelta;

/// Judges what was found of the clocks of these members.
pub(super) fn judge(
    members: &[Member],
    identities: Identities,
    skews: Skews,
    question: &Question<'_>,
) -> Quorum {
    let set = Set::of(members, &skews);
    let services: Vec<SetJudgement> = question
        .services()
        .iter()
        .filter(|service| question.is_pointed() || is_about_two(service))
        .map(|service| set.service(service))
        .collect();
    let grades: Vec<SetJudgement> = question
        .grades_asked()
        .iter()
        .map(|grade| set.grade(&grade.id, &grade.limits))
        .collect();
    let (verdict, decided_by) = question.decide(
        services.iter().map(|of| of.outcome),
        grades.iter().map(|of| (of.id.as_str(), of.outcome)),
    );
    Quorum {
        verdict,
        decided_by,
        majority: set.majority(),
        worst: set.worst(),
        reasons: set.reasons(),
        same_kernel: same_kernel(members),
        services,
        grades,
        from: skews.from,
        to: skews.to,
        observed: skews.observed,
        instants: skews.instants,
        pairs: skews.pairs,
        contradictions: skews.contradictions,
        shown: identities.shown,
        doubts: identities.doubts,
    }
}

/// Whether a service asks for something of two clocks, or orders by them.
fn is_about_two(service: &Service) -> bool {
    let mut limits = service.limits.iter();
    service.last_write_wins || limits.any(|(of, _)| is_of_two(of))
}

fn is_of_two(of: Quantity) -> bool {
    use Quantity as Q;
    matches!(
        of,
        Q::PairwiseSkew | Q::WarnedSkew | Q::SkewMostly | Q::SkewEver
    )
}

/// Members with one boot id share a kernel's clock, whatever they are called.
fn same_kernel(members: &[Member]) -> Vec<Vec<usize>> {
    let mut groups: std::collections::BTreeMap<&str, Vec<usize>> = Default::default();
    for (number, member) in (0..).zip(members) {
        if let Some(boot) = &member.boot_id {
            groups.entry(boot).or_default().push(number);
        }
    }
    let mut shared: Vec<Vec<usize>> = groups.into_values().filter(|of| of.len() > 1).collect();
    shared.sort_unstable();
    shared
}

/// Outliers of which is looked whether as many would keep the limit with them; with more nothing is clear anyway.
const MOST_TRIED: usize = 32;

/// What is judged.
struct Set<'a> {
    members: &'a [Member],
    skews: &'a Skews,
    /// By the middle of how far they are ahead of the first.
    order: Vec<usize>,
    /// How far apart the worst pair is at most, and in 99.9 % of the time.
    size: Option<Observed>,
    mostly: Option<Observed>,
}

impl<'a> Set<'a> {
    fn of(members: &'a [Member], skews: &'a Skews) -> Self {
        let ahead_of_first = |member: usize| match member {
            0 => 0,
            // The pair is of the first minus this one.
            _ => skews
                .pairs
                .get(pair_place(0, member))
                .and_then(|pair| pair.ahead)
                .map_or(0, |ahead| -ahead.midpoint().as_nanos()),
        };
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|member| (ahead_of_first(*member), *member));
        Self {
            members,
            skews,
            order,
            size: of_worst(&skews.pairs, Skew::size),
            mostly: of_worst(&skews.pairs, |pair| pair.mostly),
        }
    }

    fn majority(&self) -> usize {
        self.members.len() / 2 + 1
    }

    fn length(&self) -> TimeDelta {
        self.skews.observed
    }

    fn reasons(&self) -> Vec<SetReason> {
        let mut reasons = self.too_little().0;
        for (member, instants) in &self.skews.torn {
            reasons.push(SetReason::NoMajority(*member, *instants));
        }
        let claimed = self.skews.pairs.iter();
        let claimed = claimed.filter(|pair| pair.basis == Some(Basis::Claimed));
        match claimed.count() {
            0 => {}
            pairs => reasons.push(SetReason::Claimed(pairs)),
        }
        reasons
    }

    /// Why it was not looked at for long enough, and what would be.
    fn too_little(&self) -> (Vec<SetReason>, Vec<Need>) {
        let (mut reasons, mut needs) = (Vec::new(), Vec::new());
        if self.length() + ROUNDING < LEAST_OBSERVED {
            reasons.push(SetReason::Short(self.length()));
            needs.push(Need::Observe(LEAST_OBSERVED));
        }
        let fewest = (0..).zip(self.members).map(|(n, of)| (of.exchanges(), n));
        if let Some((exchanges, member)) = fewest.min()
            && exchanges < LEAST_EXCHANGES
        {
            reasons.push(SetReason::Few(member, exchanges));
            needs.push(Need::Exchanges(LEAST_EXCHANGES));
        }
        (reasons, needs)
    }

    /// The pair that is farthest apart for certain; of those that are equally so the one that may be most.
    fn worst(&self) -> Option<(usize, usize)> {
        let pairs = (0..self.members.len()).flat_map(|b| (0..b).map(move |a| (a, b)));
        let key = |(pair, skew): &((usize, usize), &Skew)| {
            let size = skew.size();
            let least = size.map_or(0, |size| size.lower);
            let most = size.and_then(|size| size.upper).unwrap_or(i64::MAX);
            (least, most, std::cmp::Reverse(*pair))
        };
        let worst = pairs.zip(&self.skews.pairs).max_by_key(key);
        worst.map(|(pair, _)| pair)
    }

    fn service(&self, service: &Service) -> SetJudgement {
        let mut judgement = SetJudgement {
            id: service.id.clone(),
            outcome: Outcome::NotSensitive,
            checks: Vec::new(),
            reorder: None,
            reasons: Vec::new(),
        };
        if service.last_write_wins {
            judgement.reorder = self.size;
        }
        if service.scope == Scope::None {
            return judgement;
        }
        let limits = || service.limits.iter().filter(|(of, _)| of.is_limit());
        judgement.checks = limits()
            .filter(|(of, _)| is_of_two(*of))
            .map(|(of, limit)| self.check(of, limit, &service.limits, Some(service)))
            .collect();
        if limits().any(|(of, _)| !is_of_two(of)) {
            judgement.reasons.push(SetReason::EachHost);
        }
        let known = judgement.reorder.is_some_and(|of| of.upper.is_some());
        let window = known && self.too_little().0.is_empty();
        let worst = worst_of(&judgement.checks);
        let outcome = Outcome::of(worst, service.last_write_wins.then_some(window));
        judgement.outcome = outcome.unwrap_or_else(|| {
            if judgement.reasons.is_empty() {
                judgement.reasons.push(SetReason::NoLimit);
            }
            Outcome::Judged(Verdict::Undetermined)
        });
        judgement
    }

    fn grade(&self, id: &str, limits: &Limits) -> SetJudgement {
        let of_two = limits.iter().filter(|(of, _)| is_of_two(*of));
        let checks: Vec<SetCheck> = of_two
            .map(|(of, limit)| self.check(of, limit, limits, None))
            .collect();
        SetJudgement {
            id: id.to_owned(),
            outcome: Outcome::Judged(worst_of(&checks).unwrap_or(Verdict::Undetermined)),
            checks,
            reorder: None,
            reasons: vec![SetReason::EachHost],
        }
    }

    fn check(
        &self,
        quantity: Quantity,
        limit: i64,
        limits: &Limits,
        service: Option<&Service>,
    ) -> SetCheck {
        let size = |skew: &Skew| match quantity {
            Quantity::SkewMostly => skew.mostly,
            _ => skew.size(),
        };
        let mut check = SetCheck {
            quantity,
            limit,
            set: limits.is_set(quantity),
            advisory: quantity == Quantity::WarnedSkew,
            observed: match quantity {
                Quantity::SkewMostly => self.mostly,
                _ => self.size,
            },
            verdict: Verdict::Undetermined,
            pairs: [0; 3],
            keep: Vec::new(),
            keep_at_most: self.members.len(),
            outliers: Vec::new(),
            doubtful: Vec::new(),
            reasons: Vec::new(),
            needs: Vec::new(),
        };
        let (reasons, needs) = self.too_little();
        if !reasons.is_empty() {
            (check.reasons, check.needs) = (reasons, needs);
            check.pairs = [0, self.skews.pairs.len(), 0];
            check.doubtful = (0..self.members.len()).collect();
            return check;
        }
        if check.observed.map(|of| of.against(limit)) == Some(Verdict::Fit) {
            // If the worst pair keeps it, all do.
            check.verdict = Verdict::Fit;
            check.pairs = [self.skews.pairs.len(), 0, 0];
            check.keep = (0..self.members.len()).collect();
            return check;
        }
        let mut found = Found::default();
        let verdicts: Vec<Verdict> = self
            .skews
            .pairs
            .iter()
            .map(|skew| found.verdict(skew, size(skew), limit, service))
            .collect();
        for verdict in &verdicts {
            let [fit, open, unfit] = &mut check.pairs;
            match verdict {
                Verdict::Fit => *fit += 1,
                Verdict::Undetermined => *open += 1,
                Verdict::Unfit => *unfit += 1,
            }
        }
        check.verdict = verdicts.iter().copied().max().unwrap_or(check.verdict);
        (check.reasons, check.needs) = found.reasons();
        self.find_sets(&mut check, &verdicts);
        check
    }

    /// Which members keep a limit together.
    fn find_sets(&self, check: &mut SetCheck, verdicts: &[Verdict]) {
        let n = self.members.len();
        let of = |a: usize, b: usize| verdicts.get(pair_place(a, b)).copied();
        check.keep = largest(n, &self.order, |a, b| of(a, b) == Some(Verdict::Fit)).members;
        if check.keep.len() < 2 {
            // One alone keeps nothing with anybody.
            check.keep.clear();
        }
        check.keep_at_most =
            largest(n, &self.order, |a, b| of(a, b) != Some(Verdict::Unfit)).at_most;
        let outside = (0..n).filter(|member| !check.keep.contains(member));
        // Where those that agree are no majority, nobody can say who is wrong.
        let can_tell = check.keep.len() >= self.majority();
        let is_beyond = |member: &usize| {
            let mut kept = check.keep.iter();
            can_tell && kept.any(|other| of(*member, *other) == Some(Verdict::Unfit))
        };
        let (mut outliers, mut doubtful): (Vec<usize>, Vec<usize>) = outside.partition(is_beyond);
        // Nor where as many would keep it with one of those outside.
        let is_fit = |a: usize, b: usize| of(a, b) == Some(Verdict::Fit);
        let tied: Vec<usize> = outliers
            .iter()
            .enumerate()
            .filter(|(looked_at, member)| {
                *looked_at >= MOST_TRIED || self.keeps_with(**member, check.keep.len(), is_fit)
            })
            .map(|(_, member)| *member)
            .collect();
        if !tied.is_empty() {
            outliers.retain(|member| !tied.contains(member));
            doubtful.extend(&tied);
            doubtful.sort_unstable();
            check.reasons.push(SetReason::Tied(tied));
        }
        (check.outliers, check.doubtful) = (outliers, doubtful);
    }

    /// Whether there is a set of so many with this member in it.
    fn keeps_with(
        &self,
        member: usize,
        many: usize,
        is_fit: impl Fn(usize, usize) -> bool,
    ) -> bool {
        let near = self.order.iter().copied();
        let near: Vec<usize> = near
            .filter(|other| *other != member && is_fit(member, *other))
            .collect();
        near.len() + 1 >= many && largest(near.len(), &near, &is_fit).members.len() + 1 >= many
    }
}

/// What holds of all pairs.
fn of_worst(pairs: &[Skew], of: impl Fn(&Skew) -> Option<Observed>) -> Option<Observed> {
    let mut worst: Option<Observed> = None;
    for pair in pairs {
        let Some(size) = of(pair) else {
            // Of which nothing is known may be anything.
            worst = Some(Observed {
                lower: worst.map_or(0, |of| of.lower),
                upper: None,
            });
            continue;
        };
        worst = Some(worst.map_or(size, |all| Observed {
            lower: all.lower.max(size.lower),
            upper: all.upper.zip(size.upper).map(|(a, b)| a.max(b)),
        }));
    }
    worst
}

/// Why pairs are undetermined, and what would decide all of them.
#[derive(Default)]
struct Found {
    within: usize,
    unknown: usize,
    parts: usize,
    /// The narrowest bound that one of them takes, either way.
    bound: Option<i64>,
}

impl Found {
    fn verdict(
        &mut self,
        skew: &Skew,
        size: Option<Observed>,
        limit: i64,
        service: Option<&Service>,
    ) -> Verdict {
        let Some(size) = size else {
            self.unknown += 1;
            return Verdict::Undetermined;
        };
        match size.against(limit) {
            Verdict::Fit => Verdict::Fit,
            Verdict::Unfit if service.is_some_and(|of| one_part_keeps(of, skew, limit)) => {
                self.parts += 1;
                Verdict::Undetermined
            }
            Verdict::Unfit => Verdict::Unfit,
            Verdict::Undetermined => {
                match size.upper {
                    None => self.unknown += 1,
                    Some(upper) => {
                        self.within += 1;
                        let middle = if size.lower == 0 {
                            0
                        } else {
                            size.lower.midpoint(upper)
                        };
                        // Each of both hosts has a bound of its own.
                        let room = (limit - middle).saturating_abs() / 2;
                        if room > 0 {
                            self.bound = Some(self.bound.map_or(room, |bound| bound.min(room)));
                        }
                    }
                }
                Verdict::Undetermined
            }
        }
    }

    fn reasons(&self) -> (Vec<SetReason>, Vec<Need>) {
        let reasons = [
            (self.within, SetReason::WithinBound(self.within)),
            (self.unknown, SetReason::Unknown(self.unknown)),
            (self.parts, SetReason::Parts(self.parts)),
        ];
        let reasons = reasons.into_iter().filter(|(count, _)| *count > 0);
        let bound = self
            .bound
            .map(|bound| Need::Bound(TimeDelta::from_nanos(bound)));
        let servers = (self.unknown > 0).then_some(Need::Servers);
        let part = (self.parts > 0).then_some(Need::Part);
        (
            reasons.map(|(_, reason)| reason).collect(),
            [bound, servers, part].into_iter().flatten().collect(),
        )
    }
}

/// Whether a pair that is beyond a limit which acts one way keeps it if each of the two has one part for good.
/// Members of a quorum take turns.
fn one_part_keeps(service: &Service, skew: &Skew, limit: i64) -> bool {
    let (Some(side), Some(two)) = (service.one_sided, service.between.as_ref()) else {
        return false;
    };
    if service.kind == Kind::Quorum || two.judged == two.by {
        return false;
    }
    let against = |of: Option<Observed>| of.map(|of| of.against(limit));
    // Which of both is judged is not known, so neither is which of these counts.
    let (first, second) = match side {
        Side::Ahead => (skew.first_ahead(), skew.second_ahead()),
        Side::Behind => (skew.second_ahead(), skew.first_ahead()),
    };
    [first, second]
        .into_iter()
        .any(|of| against(of) != Some(Verdict::Unfit))
}

fn worst_of(checks: &[SetCheck]) -> Option<Verdict> {
    let deciding = checks.iter().filter(|check| !check.advisory);
    deciding.map(|check| check.verdict).max()
}
