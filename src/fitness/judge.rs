//! [`judge`]: what a run says of services and grades.
//!
//! Judged is what the servers prove over time ([`Course`]), not single exchanges: a packet that waited widens
//! nothing. A limit that lies inside of what may be true decides nothing, nor does a look that was too short.

use super::entry::{Grade, Kind, Limits, Scope, Service, Side};
use super::observed::{self, Against, Over};
use super::quantity::Quantity;
use super::question::Question;
use super::verdict::{Check, Claim, Judgement, Need, Observed, Outcome, Reason, Verdict};
use crate::estimate::{Assessment, Course, CourseServer, SourceAssessment, Unknown};
use crate::sample::{Campaign, SourceId, SourceKind};
use crate::time::TimeDelta;

/// A clock is not known by less than this: a minute, in which a daemon that polls each 64 s corrects about
/// once.
pub const LEAST_OBSERVED: TimeDelta = TimeDelta::from_secs(60);
/// A run that was to last a minute may end a little early, or have its first exchange a little late.
pub(super) const ROUNDING: TimeDelta = TimeDelta::from_millis(500);
/// With fewer exchanges chance alone may have shown the quiet ones.
pub const LEAST_EXCHANGES: u64 = 30;

/// What a run says of what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// All of it in one.
    pub verdict: Verdict,
    /// The grade that alone decided it; absent where all did.
    pub decided_by: Option<String>,
    /// How much of the run is known.
    pub observed: TimeDelta,
    /// How many exchanges with servers that had a word.
    pub exchanges: u64,
    /// The servers that had a word.
    pub servers: Vec<SourceId>,
    /// What all verdicts rest on.
    pub reasons: Vec<Reason>,
    /// Each service that was asked for.
    pub services: Vec<Judgement>,
    /// Each grade, the strictest first.
    pub grades: Vec<Judgement>,
    /// The strictest of all grades that is fit, where all were asked for.
    pub reached: Option<String>,
}

/// Why a run cannot be judged by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotJudge {
    /// A server shares the clock that is to be judged.
    #[error("{0} shares this host's clock: against itself a clock is always right")]
    OwnClock(String),
    /// No server answered.
    #[error("no server answered, so nothing is known of the clock")]
    NothingKnown,
    /// Servers answered, and it is of no use.
    #[error(
        "no answer can be used: they contradict themselves, or come from servers that are not synchronised or \
         keep another time scale"
    )]
    Unusable,
    /// There is no one clock to judge.
    #[error("the servers were seen from different clocks, and one clock is judged at a time")]
    DifferentClocks,
}

/// Judges. `assessment` was made of `campaign`, with a plan that compares servers over time.
///
/// # Errors
///
/// The run says nothing of its host's clock.
pub fn judge(
    campaign: &Campaign,
    assessment: &Assessment,
    question: &Question<'_>,
) -> Result<Judged, CannotJudge> {
    for record in campaign.asked() {
        let info = &record.info;
        if info.local_clock.is_none() && is_own(info.kind, &info.address) {
            return Err(CannotJudge::OwnClock(info.source.clone()));
        }
    }
    let course = &assessment.course;
    if course.instants.is_empty() {
        return Err(match course.unknown {
            Some(Unknown::DifferentClocks) => CannotJudge::DifferentClocks,
            Some(Unknown::Unusable) => CannotJudge::Unusable,
            None => CannotJudge::NothingKnown,
        });
    }
    let evidence = Evidence::of(campaign, assessment);
    let services: Vec<Judgement> = question
        .services()
        .iter()
        .map(|of| evidence.service(of))
        .collect();
    let grades: Vec<Judgement> = question
        .grades_asked()
        .iter()
        .map(|of| evidence.grade(of))
        .collect();
    let (verdict, decided_by) = question.decide(
        services.iter().map(|of| of.outcome),
        grades.iter().map(|of| (of.id.as_str(), of.outcome)),
    );
    let is_fit = |of: &&Judgement| of.outcome.verdict() == Verdict::Fit;
    let reached = grades.iter().find(is_fit).map(|grade| grade.id.clone());
    Ok(Judged {
        verdict,
        decided_by,
        observed: evidence.observed,
        exchanges: evidence.exchanges,
        servers: course.servers.iter().map(|server| server.source).collect(),
        reasons: evidence.reasons(),
        reached: reached.filter(|_| !question.is_pointed()),
        services,
        grades,
    })
}

/// Whether a server shares the clock of whoever asks it.
pub(super) fn is_own(kind: SourceKind, address: &str) -> bool {
    kind == SourceKind::Embedded || is_loopback(address)
}

fn is_loopback(address: &str) -> bool {
    let bare = address.split('%').next().unwrap_or(address);
    bare.parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// What a run is evidence of.
pub(super) struct Evidence<'a> {
    campaign: &'a Campaign,
    sources: &'a [SourceAssessment],
    course: &'a Course,
    observed: TimeDelta,
    exchanges: u64,
}

impl<'a> Evidence<'a> {
    pub(super) fn of(campaign: &'a Campaign, assessment: &'a Assessment) -> Self {
        let course = &assessment.course;
        let valid = |id: SourceId| assessment.sources.get(id.index()).map_or(0, |of| of.valid);
        // One that nobody ever agreed with adds nothing to what is known.
        let agreed = |of: &&CourseServer| of.dissented < course.instants.len();
        let agreeing = course.servers.iter().filter(agreed);
        Self {
            campaign,
            sources: &assessment.sources,
            course,
            observed: course.observed(),
            exchanges: agreeing.map(|of| valid(of.source)).sum(),
        }
    }

    /// What holds of all verdicts.
    fn reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if let [one] = self.course.servers.as_slice() {
            reasons.push(Reason::OneServer(one.source));
        }
        let those = |of: fn(&CourseServer) -> bool| -> Vec<SourceId> {
            let servers = self.course.servers.iter();
            servers
                .filter(|server| of(server))
                .map(|server| server.source)
                .collect()
        };
        if self.is_torn() {
            reasons.push(Reason::NoMajority(those(|of| of.torn > 0)));
        }
        let outvoted = those(|of| of.dissented > 0);
        if !outvoted.is_empty() {
            reasons.push(Reason::Dissent(outvoted));
        }
        reasons.extend(self.too_little().0);
        reasons
    }

    /// Whether there are instants without a majority.
    fn is_torn(&self) -> bool {
        let mut instants = self.course.instants.iter();
        instants.any(|instant| instant.utc.is_none())
    }

    /// Whether it is too little to decide anything.
    pub(super) fn is_too_little(&self) -> bool {
        !self.too_little().0.is_empty()
    }

    /// Why it was not looked at for long enough, and what would be.
    fn too_little(&self) -> (Vec<Reason>, Vec<Need>) {
        let (mut reasons, mut needs) = (Vec::new(), Vec::new());
        if self.observed + ROUNDING < LEAST_OBSERVED {
            reasons.push(Reason::Short {
                observed: self.observed,
            });
            needs.push(Need::Observe(LEAST_OBSERVED));
        }
        if self.exchanges < LEAST_EXCHANGES {
            reasons.push(Reason::Few {
                exchanges: self.exchanges,
            });
            needs.push(Need::Exchanges(LEAST_EXCHANGES));
        }
        (reasons, needs)
    }

    fn service(&self, service: &Service) -> Judgement {
        let mut judgement = Judgement {
            id: service.id.clone(),
            outcome: Outcome::NotSensitive,
            checks: Vec::new(),
            reorder: None,
            reasons: Vec::new(),
        };
        if service.last_write_wins {
            judgement.reorder = self.reorder_window();
        }
        if service.scope == Scope::None {
            return judgement;
        }
        let limits = service.limits.iter().filter(|(of, _)| of.is_limit());
        judgement.checks = limits
            .map(|(of, limit)| self.check(of, limit, &service.limits, Some(service)))
            .collect();
        let worst = worst(&judgement.checks);
        if worst.is_none() && service.last_write_wins {
            judgement.reasons.extend(self.too_little().0);
        }
        let known = judgement.reorder.is_some_and(|of| of.upper.is_some());
        let window = known && !self.is_too_little();
        let outcome = Outcome::of(worst, service.last_write_wins.then_some(window));
        judgement.outcome = outcome.unwrap_or_else(|| {
            judgement.reasons.push(Reason::NoLimit);
            Outcome::Judged(Verdict::Undetermined)
        });
        judgement
    }

    fn grade(&self, grade: &Grade) -> Judgement {
        let checks: Vec<Check> = grade
            .limits
            .iter()
            .map(|(of, limit)| self.check(of, limit, &grade.limits, None))
            .collect();
        Judgement {
            id: grade.id.clone(),
            outcome: Outcome::Judged(worst(&checks).unwrap_or(Verdict::Undetermined)),
            checks,
            reorder: None,
            reasons: Vec::new(),
        }
    }

    /// Two hosts that are both as far off as this one may be, in opposite directions.
    fn reorder_window(&self) -> Option<Observed> {
        let one = observed::offset(self.course, Against::Reference, Over::All)?;
        Some(Observed {
            lower: 0,
            upper: one.upper.and_then(|upper| upper.checked_mul(2)),
        })
    }

    fn check(
        &self,
        quantity: Quantity,
        limit: i64,
        limits: &Limits,
        service: Option<&Service>,
    ) -> Check {
        let claim = claim(quantity);
        let mut check = Check {
            quantity,
            limit,
            // Of an odd number of nanoseconds half of one is lost: to the safe side.
            allowed: if claim == Claim::Share {
                limit / 2
            } else {
                limit
            },
            claim,
            observed: self.observe(quantity),
            verdict: Verdict::Undetermined,
            advisory: quantity == Quantity::WarnedSkew,
            set: limits.is_set(quantity),
            reasons: Vec::new(),
            needs: Vec::new(),
        };
        let Some(observed) = check.observed else {
            match quantity {
                Quantity::ErrorBound => check.reasons.push(Reason::KernelSilent),
                of if is_step(of) => check.reasons.push(Reason::NotWatched),
                Quantity::Drift | Quantity::ResidualDrift if !self.is_torn() => {
                    check.needs.push(Need::Observe(LEAST_OBSERVED));
                }
                _ => check.needs.push(Need::Servers),
            }
            return check;
        };
        let (reasons, needs) = self.too_little();
        if !reasons.is_empty() {
            (check.reasons, check.needs) = (reasons, needs);
            return check;
        }
        check.verdict = observed.against(check.allowed);
        match check.verdict {
            Verdict::Fit => {}
            Verdict::Undetermined => self.doubt(&mut check, observed),
            Verdict::Unfit => {
                if let Some(parts) = service.and_then(|of| self.by_part(of, check.allowed)) {
                    check.verdict = Verdict::Undetermined;
                    check.reasons.push(parts);
                    check.needs.push(Need::Part);
                } else if claim == Claim::Share {
                    check.reasons.push(Reason::MayShareError);
                }
            }
        }
        check
    }

    fn observe(&self, quantity: Quantity) -> Option<Observed> {
        use Quantity as Q;
        let course = self.course;
        match quantity {
            Q::PairwiseSkew | Q::WarnedSkew | Q::SkewEver => {
                observed::offset(course, Against::Reference, Over::All)
            }
            Q::SkewMostly => observed::offset(course, Against::Reference, Over::Most),
            Q::UtcOffset | Q::OffsetEver => observed::offset(course, Against::Utc, Over::All),
            Q::OffsetMostly => observed::offset(course, Against::Utc, Over::Most),
            Q::JitterMostly => observed::jitter(course),
            Q::ErrorBound => observed::kernel_bound(self.campaign),
            Q::StepForward | Q::GradeStepForward => {
                observed::step(course, self.campaign, self.sources, true)
            }
            Q::StepBackward | Q::GradeStepBackward => {
                observed::step(course, self.campaign, self.sources, false)
            }
            Q::Drift | Q::ResidualDrift => observed::rate(course, self.campaign, self.sources),
            Q::AssumedDrift | Q::CorrectableDrift | Q::StepThreshold => None,
        }
    }

    /// Why a limit inside of what may be true decides nothing, and what would.
    fn doubt(&self, check: &mut Check, observed: Observed) {
        if observed.upper.is_none() && !is_step(check.quantity) {
            check.needs.push(Need::Servers);
            return;
        }
        check.reasons.push(Reason::WithinBound);
        match (check.quantity, observed.upper) {
            (Quantity::Drift | Quantity::ResidualDrift, Some(upper)) => {
                check
                    .needs
                    .extend(self.longer(observed.lower, upper, check.allowed));
            }
            (of, Some(upper)) if !is_step(of) && of != Quantity::ErrorBound => {
                check
                    .needs
                    .extend(self.nearer(of, observed.lower, upper, check.allowed));
            }
            _ => {}
        }
        if check.claim == Claim::Share {
            check.needs.push(Need::Peers);
        }
    }

    /// How wide a bound, either way, would decide if it had the same middle. What is right at the limit no
    /// bound decides.
    fn nearer(&self, of: Quantity, lower: i64, upper: i64, allowed: i64) -> Option<Need> {
        // A size of nothing may be of either sign, so the middle of a bound of both is nothing.
        let middle = if lower == 0 { 0 } else { lower.midpoint(upper) };
        let room = (allowed - middle).saturating_abs();
        // Jitter has two bounds in it: that of the offset and that of its median.
        let room = if of == Quantity::JitterMostly {
            room / 2
        } else {
            room
        };
        (room > 0).then(|| Need::Bound(TimeDelta::from_nanos(room)))
    }

    /// In how much time a rate would be known well enough: its bound narrows as time goes.
    fn longer(&self, lower: i64, upper: i64, allowed: i64) -> Option<Need> {
        let middle = if lower == 0 { 0 } else { lower.midpoint(upper) };
        let room = i128::from(allowed - middle).abs();
        let half = i128::from(upper - middle);
        let needed = (room > 0)
            .then(|| {
                i128::from(self.observed.as_nanos())
                    .checked_mul(half)?
                    .checked_div(room)
            })
            .flatten()?;
        let needed = TimeDelta::from_nanos(i64::try_from(needed).ok()?);
        Some(Need::Observe(needed))
    }

    /// A limit that acts one way, of a service whose two parts different hosts have: in the other part this
    /// host may keep it. Members of a quorum take turns.
    fn by_part(&self, service: &Service, allowed: i64) -> Option<Reason> {
        let side = service.one_sided?;
        let two = service.between.as_ref()?;
        if service.kind == Kind::Quorum || two.judged == two.by {
            return None;
        }
        let ahead = observed::ahead(self.course)?.against(allowed);
        let behind = observed::behind(self.course)?.against(allowed);
        // Where the judged one may not be ahead, the one who judges may not be behind.
        let (judged, by) = match side {
            Side::Ahead => (ahead, behind),
            Side::Behind => (behind, ahead),
        };
        let parts = |fails: &str, (other, verdict): (&str, Verdict)| Reason::Parts {
            fails: fails.to_owned(),
            other: other.to_owned(),
            keeps: verdict == Verdict::Fit,
        };
        match (judged, by) {
            (Verdict::Unfit, Verdict::Unfit) => None,
            (Verdict::Unfit, _) => Some(parts(&two.judged, (&two.by, by))),
            _ => Some(parts(&two.by, (&two.judged, judged))),
        }
    }
}

/// The worst of those that decide.
fn worst(checks: &[Check]) -> Option<Verdict> {
    let deciding = checks.iter().filter(|check| !check.advisory);
    deciding.map(|check| check.verdict).max()
}

fn claim(quantity: Quantity) -> Claim {
    use Quantity as Q;
    match quantity {
        Q::PairwiseSkew | Q::WarnedSkew | Q::SkewMostly | Q::SkewEver | Q::Drift => Claim::Share,
        Q::UtcOffset | Q::OffsetMostly | Q::OffsetEver => Claim::Utc,
        _ => Claim::Host,
    }
}

fn is_step(quantity: Quantity) -> bool {
    use Quantity as Q;
    matches!(
        quantity,
        Q::StepForward | Q::StepBackward | Q::GradeStepForward | Q::GradeStepBackward
    )
}
