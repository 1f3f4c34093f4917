//! Test cases about which time a host is offered and takes: by what was found on it, not by a run.

use super::conformance::Grounds;
use super::verdict::Verdict;
use crate::survey::{Answer, Conclusion, Evidence, Offer, Standing, Survey};

/// What was found on the host that is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// All of it.
    pub survey: Survey,
    /// What follows.
    pub answer: Answer,
}

/// What a test case about a host's offers was decided by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferGround {
    /// A recording says nothing of it.
    Replayed,
    /// These servers are offered.
    Offered(Vec<String>),
    /// There are leases, and none of them names a server.
    NoneOffered,
    /// No lease of a client that is known here.
    NoLease,
    /// What follows for the host.
    Concluded(Conclusion),
    /// It takes what it is offered, and uses none of it at this moment.
    NotUsed,
}

/// Whether servers are offered.
pub(super) fn offered(found: Option<&Surveyed>) -> (Verdict, Grounds) {
    let Some(found) = found else {
        return decided(Verdict::Undetermined, OfferGround::Replayed, Vec::new());
    };
    let standing: Vec<&Offer> = standing(found).collect();
    if !standing.is_empty() {
        let servers = standing.iter().map(|of| of.server.clone()).collect();
        let evidence = standing.iter().map(|of| of.evidence.clone()).collect();
        return decided(Verdict::Fit, OfferGround::Offered(servers), evidence);
    }
    match found.survey.leases.is_empty() {
        true => decided(Verdict::Undetermined, OfferGround::NoLease, Vec::new()),
        false => {
            let leases = found.survey.leases.clone();
            decided(Verdict::Unfit, OfferGround::NoneOffered, leases)
        }
    }
}

/// Whether what is offered is used, and nobody had to do anything. Where somebody did, nobody can tell.
pub(super) fn used_by_default(found: Option<&Surveyed>) -> (Verdict, Grounds) {
    let Some(found) = found else {
        return decided(Verdict::Undetermined, OfferGround::Replayed, Vec::new());
    };
    if standing(found).next().is_none() {
        // What is not offered can be used by nobody, which is another test case's.
        let (_, grounds) = offered(Some(found));
        return (Verdict::Undetermined, grounds);
    }
    let verdict = match found.answer.conclusion {
        Conclusion::ByDefault => Verdict::Fit,
        Conclusion::ImageInstead | Conclusion::NoSource | Conclusion::NoDaemon => Verdict::Unfit,
        _ => Verdict::Undetermined,
    };
    let because = found.answer.because.clone();
    // Of an image nobody can say what it would use.
    let mut used = found.answer.used.iter().flatten().peekable();
    let is_idle = verdict == Verdict::Fit && used.peek().is_some() && !used.any(|of| *of);
    match is_idle {
        true => decided(Verdict::Undetermined, OfferGround::NotUsed, because),
        false => decided(
            verdict,
            OfferGround::Concluded(found.answer.conclusion),
            because,
        ),
    }
}

fn standing(found: &Surveyed) -> impl Iterator<Item = &Offer> {
    let offers = found.survey.offers.iter();
    offers.filter(|of| of.by.is_network() && of.standing != Standing::Old)
}

fn decided(verdict: Verdict, ground: OfferGround, evidence: Vec<Evidence>) -> (Verdict, Grounds) {
    (verdict, Grounds::Offers { ground, evidence })
}
