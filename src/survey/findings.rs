//! [`Finding`]: what else is to be looked at, beside the conclusion.

use super::Survey;
use super::answer::Taken;
use super::configured::{Daemon, DaemonName};
use super::offered::{Offer, Standing};
use super::probed::ProbeFinding;
use super::used::{Running, Selection, Used};

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// More than one daemon steers the clock.
    SeveralDaemons(Vec<DaemonName>),
    /// Daemons are installed, and none of them starts with the system.
    NoneEnabled(Vec<DaemonName>),
    /// A daemon starts with the system, and does not run.
    NotRunning(DaemonName),
    /// A daemon runs, and does not start with the system.
    NotEnabled(DaemonName),
    /// A daemon that runs uses none of its servers.
    NothingUsed(String),
    /// A daemon has a server that is offered, and it does not answer, or is not believed.
    OfferNotUsed(String),
    /// Interfaces are offered different servers.
    DifferentOffers(Vec<String>),
    /// A daemon uses a server, and the kernel's clock does not count as synchronised.
    KernelNotTold(String),
    /// The kernel's clock counts as synchronised, and no daemon that is known here runs.
    KeptByOthers,
    /// What came of asking the network.
    Probe(ProbeFinding),
}

/// Looks at what is found, the daemons that start or run, and what became of the offers.
pub(super) fn find(survey: &Survey, active: &[&Daemon], offers: &[Taken]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let names = |daemons: &[&Daemon]| daemons.iter().map(|of| of.name).collect::<Vec<_>>();
    if active.len() > 1 {
        findings.push(Finding::SeveralDaemons(names(active)));
    }
    if active.is_empty() && !survey.daemons.is_empty() {
        let all: Vec<&Daemon> = survey.daemons.iter().collect();
        findings.push(Finding::NoneEnabled(names(&all)));
    }
    if let Some(running) = &survey.running {
        for daemon in active {
            let runs = running.iter().any(|of| of.daemon == Some(daemon.name));
            match (runs, daemon.enabled.is_yes()) {
                (false, _) => findings.push(Finding::NotRunning(daemon.name)),
                (true, false) => findings.push(Finding::NotEnabled(daemon.name)),
                (true, true) => {}
            }
        }
        for daemon in running {
            // This one does not tell what it uses.
            let tells = daemon.daemon != Some(DaemonName::NtpdRs);
            if let (Ok(servers), true) = (&daemon.used, tells)
                && !servers.iter().any(|of| of.selection == Selection::Used)
            {
                findings.push(Finding::NothingUsed(daemon.name.clone()));
            }
        }
    }
    for (offer, taken) in survey.offers.iter().zip(offers) {
        let stands = offer.standing != Standing::Old && offer.by.is_network();
        let is_idle = taken.used == Some(false) && stands;
        let has = survey.running.iter().flatten().any(|of| {
            let servers = of.used.iter().flatten();
            // One that it could use is in reserve.
            let fails =
                |of: &Used| matches!(of.selection, Selection::Rejected | Selection::Unusable);
            servers
                .into_iter()
                .any(|of| of.server == offer.server && fails(of))
        });
        let finding = Finding::OfferNotUsed(offer.server.clone());
        // It may be offered twice.
        if is_idle && has && !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings.extend(different_offers(survey));
    findings.extend(by_kernel(survey));
    findings.extend(survey.probed.iter().cloned().map(Finding::Probe));
    findings
}

/// What daemons say against what the kernel says.
fn by_kernel(survey: &Survey) -> Option<Finding> {
    let (running, kernel) = (survey.running.as_ref()?, survey.kernel.as_ref()?);
    if kernel.is_synchronised() {
        return running.is_empty().then_some(Finding::KeptByOthers);
    }
    let uses = |of: &&Running| {
        let mut servers = of.used.iter().flatten();
        servers.any(|of| of.selection == Selection::Used)
    };
    let daemon = running.iter().find(uses)?;
    Some(Finding::KernelNotTold(daemon.name.clone()))
}

fn different_offers(survey: &Survey) -> Option<Finding> {
    let standing = || {
        let offers = survey.offers.iter();
        offers.filter(|of| of.standing != Standing::Old && of.by.is_network())
    };
    let mut interfaces: Vec<&String> = standing().filter_map(|of| of.interface.as_ref()).collect();
    interfaces.sort();
    interfaces.dedup();
    let servers = |interface: &String| {
        let of_it = standing().filter(|of| of.interface.as_ref() == Some(interface));
        let mut servers: Vec<&str> = of_it.map(|of: &Offer| of.server.as_str()).collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    };
    let (first, others) = interfaces.split_first()?;
    let differ = others.iter().any(|other| servers(other) != servers(first));
    let named = interfaces.iter().map(|of| (*of).clone());
    differ.then(|| Finding::DifferentOffers(named.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::configured::DaemonName;
    use super::super::tests::Tree;
    use super::super::{Evidence, answer, survey_image};
    use super::*;
    use crate::sample::Discipline;

    /// What is found where these run, one of which uses a server, and the kernel has this status.
    fn of(running: Vec<Running>, status: u32) -> Vec<Finding> {
        let mut survey = survey_image(&mut Tree::of(&[]).files());
        survey.running = Some(running);
        survey.kernel = Some(Discipline {
            status,
            ..Discipline::default()
        });
        answer(&survey).findings
    }

    fn chronyd(selection: Selection) -> Running {
        Running {
            name: "chronyd".to_owned(),
            daemon: Some(DaemonName::Chrony),
            used: Ok(vec![Used {
                server: "192.0.2.1".to_owned(),
                name: None,
                is_clock: false,
                selection,
                evidence: Evidence::file("x", "x"),
            }]),
        }
    }

    #[test]
    fn the_kernel_and_daemons_agree_or_it_is_said() {
        let told = |found: &[Finding]| {
            let of_kernel =
                |of: &&Finding| matches!(of, Finding::KernelNotTold(_) | Finding::KeptByOthers);
            found.iter().find(of_kernel).cloned()
        };
        let (kept, not) = (0x2001, 0x2041);
        let by = |selection| vec![chronyd(selection)];
        assert_eq!(told(&of(by(Selection::Used), kept)), None);
        assert_eq!(
            told(&of(by(Selection::Used), not)),
            Some(Finding::KernelNotTold("chronyd".to_owned()))
        );
        // It uses none, which is another finding.
        assert_eq!(told(&of(by(Selection::Candidate), not)), None);
        assert_eq!(told(&of(Vec::new(), kept)), Some(Finding::KeptByOthers));
        assert_eq!(told(&of(Vec::new(), not)), None);
    }
}
