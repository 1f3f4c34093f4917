//! Test cases about which time a host is offered and takes: by what was found on it, not by a run.

use super::conformance::Grounds;
use super::verdict::Verdict;
use crate::survey::{Answer, Author, Conclusion, Evidence, Standing, Survey};

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
    let (servers, evidence): (Vec<String>, Vec<Evidence>) = all_offered(found).into_iter().unzip();
    if !servers.is_empty() {
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
    if all_offered(found).is_empty() {
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

/// Servers of leases that stand, or, of clients that keep none, those that were handed to a daemon.
fn all_offered(found: &Surveyed) -> Vec<(String, Evidence)> {
    let offers = found.survey.offers.iter();
    let stands = offers.filter(|of| of.by.is_network() && of.standing != Standing::Old);
    let of_leases: Vec<_> = stands
        .map(|of| (of.server.clone(), of.evidence.clone()))
        .collect();
    match of_leases.is_empty() && found.answer.conclusion == Conclusion::ByDefault {
        true => {
            let sources = found.survey.daemons.iter().flat_map(|of| &of.sources);
            let handed_on = sources.filter(|of| of.author == Author::Dhcp);
            handed_on
                .map(|of| (of.name.clone(), of.evidence.clone()))
                .collect()
        }
        false => of_leases,
    }
}

fn decided(verdict: Verdict, ground: OfferGround, evidence: Vec<Evidence>) -> (Verdict, Grounds) {
    (verdict, Grounds::Offers { ground, evidence })
}
