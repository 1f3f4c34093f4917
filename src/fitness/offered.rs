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
        // A server tells a client what it asks for, and whether it did stands nowhere.
        false => {
            let leases = found.survey.leases.clone();
            decided(Verdict::Undetermined, OfferGround::NoneOffered, leases)
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
        // What cloud-init wrote may be the provider's data or the user's.
        Conclusion::ByDefault | Conclusion::ImageInstead if is_by_cloud_init(found) => {
            Verdict::Undetermined
        }
        Conclusion::ByDefault => Verdict::Fit,
        Conclusion::ImageInstead | Conclusion::NoSource | Conclusion::NoDaemon => Verdict::Unfit,
        _ => Verdict::Undetermined,
    };
    let because = found.answer.because.clone();
    match verdict == Verdict::Fit && is_idle(found) {
        true => decided(Verdict::Undetermined, OfferGround::NotUsed, because),
        false => decided(
            verdict,
            OfferGround::Concluded(found.answer.conclusion),
            because,
        ),
    }
}

fn is_by_cloud_init(found: &Surveyed) -> bool {
    let daemons = found.survey.daemons.iter();
    let starts = daemons.filter(|of| of.enabled.is_yes());
    let mut sources = starts.flat_map(|of| &of.sources);
    sources.any(|of| of.author == Author::CloudInit)
}

/// Whether it is known that nothing of it is used: no daemon runs, or none uses an offer that stands. Of an image nobody
/// can say what it would use.
fn is_idle(found: &Surveyed) -> bool {
    if found.survey.running.as_ref().is_some_and(Vec::is_empty) {
        return true;
    }
    let offers = found.survey.offers.iter().zip(&found.answer.offers);
    let stands = offers.filter(|(of, _)| of.standing != Standing::Old);
    let mut used = stands.filter_map(|(_, taken)| taken.used).peekable();
    used.peek().is_some() && !used.any(|of| of)
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
