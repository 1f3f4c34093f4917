//! [`answer`]: whether the time that a host is offered is the time that it is configured with, and by whose doing.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::configured::{Author, Daemon, DaemonName, Enabled, SourceKind};
use super::findings::{self, Finding};
use super::offered::{Offer, Standing};
use super::used::{Selection, Used};
use super::{Evidence, Survey};

/// What follows for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// It takes what it is offered, and nobody had to do anything.
    ByDefault,
    /// It has what it is offered, because whoever runs it wrote that down.
    ByHand,
    /// It takes what it is offered, and whoever runs it chose others beside.
    Beside,
    /// It is offered servers, and whoever runs it chose others.
    Overridden,
    /// It is offered servers, and has those that its image came with.
    ImageInstead,
    /// Nothing is offered now; it would take what DHCP offers.
    WouldTake,
    /// Nothing is offered, and whoever runs it chose servers.
    Chosen,
    /// Nothing is offered, and it has those that its image came with.
    Image,
    /// A time daemon is enabled that has no source.
    NoSource,
    /// No time daemon is enabled.
    NoDaemon,
}

impl Conclusion {
    /// For programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ByDefault => "by_default",
            Self::ByHand => "by_hand",
            Self::Beside => "beside",
            Self::Overridden => "overridden",
            Self::ImageInstead => "image_instead",
            Self::WouldTake => "would_take",
            Self::Chosen => "chosen",
            Self::Image => "image",
            Self::NoSource => "no_source",
            Self::NoDaemon => "no_daemon",
        }
    }
}

/// What follows from a survey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// In one word.
    pub conclusion: Conclusion,
    /// Of each offer, in the same order: whether a daemon that is enabled has it, and by whose doing.
    pub offers: Vec<Option<Author>>,
    /// Whether one uses it at this moment; absent where none that runs tells.
    pub used: Vec<Option<bool>>,
    /// What it rests on.
    pub because: Vec<Evidence>,
    /// What else to look at.
    pub findings: Vec<Finding>,
}

/// Draws the conclusion.
pub fn answer(survey: &Survey) -> Answer {
    // What runs counts, however it was started.
    let is_active = |of: &&Daemon| of.enabled.is_yes() || runs(survey, of.name);
    let active: Vec<&Daemon> = survey.daemons.iter().filter(is_active).collect();
    let used: Vec<Option<bool>> = survey.offers.iter().map(|of| uses(survey, of)).collect();
    let has = |(offer, used): (&Offer, &Option<bool>)| {
        // What is in no file was told to the daemon itself.
        let told = used.unwrap_or(false).then_some(Author::Dhcp);
        configured_by(offer, &active).or(told)
    };
    let offers: Vec<Option<Author>> = survey.offers.iter().zip(&used).map(has).collect();
    let (conclusion, mut because) = conclude(survey, &active, &offers, &used);
    because.extend(active.iter().filter_map(|of| match &of.enabled {
        Enabled::Yes(evidence) => Some(evidence.clone()),
        _ => None,
    }));
    let mut seen = BTreeSet::new();
    because.retain(|of| seen.insert(of.clone()));
    let findings = findings::find(survey, &active, &used);
    Answer {
        conclusion,
        offers,
        used,
        because,
        findings,
    }
}

/// Whether a daemon runs.
fn runs(survey: &Survey, name: DaemonName) -> bool {
    let mut running = survey.running.iter().flatten();
    running.any(|of| of.daemon == Some(name))
}

/// Whether a daemon uses what is offered at this moment; absent where none that runs tells.
fn uses(survey: &Survey, offer: &Offer) -> Option<bool> {
    let told = survey.running.iter().flatten();
    // ntpd-rs tells what it has, and not what it uses.
    let told = told.filter(|of| of.daemon != Some(DaemonName::NtpdRs));
    let mut told = told.filter_map(|of| of.used.as_ref().ok()).peekable();
    told.peek()?;
    let is_it = |of: &Used| {
        let is_named = of
            .name
            .as_ref()
            .is_some_and(|name| is_same(name, &offer.server));
        of.selection == Selection::Used && (is_named || is_same(&of.server, &offer.server))
    };
    let is_used = told.flatten().any(is_it);
    // A clock is called by its reference id there.
    offer.by.is_network().then_some(is_used)
}

/// By whose doing one of these daemons has what is offered.
fn configured_by(offer: &Offer, active: &[&Daemon]) -> Option<Author> {
    let mut sources = active.iter().flat_map(|of| &of.sources);
    if !offer.by.is_network() {
        let named = sources
            .find(|of| of.kind == SourceKind::Clock && of.name.contains(offer.server.as_str()));
        return named.map(|of| of.author);
    }
    let named = sources.find(|of| is_same(&of.name, &offer.server));
    // timesyncd asks networkd itself; what others are handed stands among their sources.
    let mut timesyncd = active.iter().filter(|of| of.name == DaemonName::Timesyncd);
    let is_asked = offer.client == NETWORKD && timesyncd.any(|of| !of.takes_offers.is_empty());
    named
        .map(|of| of.author)
        .or(is_asked.then_some(Author::Dhcp))
}

/// An offer of a server that stands.
struct Stands<'a> {
    offer: &'a Offer,
    /// By whose doing a daemon has it.
    by: Option<Author>,
    /// Whether one uses it.
    used: Option<bool>,
}

fn conclude(
    survey: &Survey,
    active: &[&Daemon],
    offers: &[Option<Author>],
    used: &[Option<bool>],
) -> (Conclusion, Vec<Evidence>) {
    if active.is_empty() {
        return (Conclusion::NoDaemon, Vec::new());
    }
    let sources = || active.iter().flat_map(|of| &of.sources);
    let all = || sources().map(|of| of.evidence.clone()).collect();
    let of_site: Vec<Evidence> = sources()
        .filter(|of| of.author == Author::Site && !of.fallback && of.kind != SourceKind::Clock)
        .map(|of| of.evidence.clone())
        .collect();
    let takes: Vec<Evidence> = active
        .iter()
        .flat_map(|of| of.takes_offers.clone())
        .collect();
    let offered = survey.offers.iter().zip(offers).zip(used);
    let standing: Vec<Stands<'_>> = offered
        .map(|((offer, by), used)| Stands {
            offer,
            by: *by,
            used: *used,
        })
        .filter(|of| of.offer.standing != Standing::Old && of.offer.by.is_network())
        .collect();
    if standing.is_empty() {
        return match (of_site.is_empty(), takes.is_empty()) {
            (false, _) => (Conclusion::Chosen, of_site),
            (true, false) => (Conclusion::WouldTake, takes),
            (true, true) if sources().next().is_some() => (Conclusion::Image, all()),
            (true, true) => (Conclusion::NoSource, Vec::new()),
        };
    }
    let evidence = || standing.iter().map(|of| of.offer.evidence.clone());
    let is_by_hand = standing.iter().any(|of| of.by == Some(Author::Site));
    // Who has it and does not use it, although others are used, has not taken it.
    let is_taken = standing
        .iter()
        .any(|of| of.by.is_some() && of.used != Some(false));
    let has = standing.iter().any(|of| of.by.is_some());
    match (of_site.is_empty(), has) {
        (false, _) if is_by_hand => (Conclusion::ByHand, evidence().chain(of_site).collect()),
        (false, true) if is_taken => (Conclusion::Beside, evidence().chain(of_site).collect()),
        (false, _) => (Conclusion::Overridden, of_site),
        (true, true) => {
            let named =
                sources().filter(|of| matches!(of.author, Author::Dhcp | Author::CloudInit));
            let named = named.map(|of| of.evidence.clone());
            (Conclusion::ByDefault, evidence().chain(named).collect())
        }
        (true, false) if sources().next().is_some() => (Conclusion::ImageInstead, all()),
        (true, false) => (Conclusion::NoSource, Vec::new()),
    }
}

/// The DHCP client that tells timesyncd of its servers by itself.
const NETWORKD: &str = "systemd-networkd";

/// Whether two names are of one server: as host names are compared, and addresses by what they mean.
fn is_same(a: &str, b: &str) -> bool {
    let address = |text: &str| text.parse::<IpAddr>().ok().map(|of| of.to_canonical());
    match (address(a), address(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a
            .trim_end_matches('.')
            .eq_ignore_ascii_case(b.trim_end_matches('.')),
    }
}

#[cfg(test)]
mod tests {
    use super::super::survey_image;
    use super::super::tests::Tree;
    use super::super::used::Running;
    use super::*;

    /// A system with chrony as Debian has it, and a lease of networkd.
    fn debian(offered: bool) -> Tree {
        let tree = Tree::of(&[
            ("usr/lib/systemd/system/chrony.service", ""),
            (
                "etc/chrony/chrony.conf",
                "pool 2.debian.pool.ntp.org iburst\nsourcedir /run/chrony-dhcp\nsourcedir /etc/chrony/sources.d\n",
            ),
        ]);
        tree.link(
            "etc/systemd/system/multi-user.target.wants/chrony.service",
            "/usr/lib/systemd/system/chrony.service",
        );
        if offered {
            tree.add("run/systemd/netif/leases/2", b"NTP=192.0.2.1\n");
        }
        tree
    }

    fn of(tree: &Tree) -> Answer {
        answer(&survey_image(&mut tree.files()))
    }

    #[test]
    fn each_conclusion() {
        let is = |tree: &Tree, conclusion| assert_eq!(of(tree).conclusion, conclusion);
        is(&Tree::of(&[]), Conclusion::NoDaemon);
        is(&debian(false), Conclusion::WouldTake);

        // The lease of another client than the hooks know: nobody hands it on.
        let tree = debian(true);
        is(&tree, Conclusion::ImageInstead);
        tree.add("run/chrony-dhcp/eth0.sources", b"server 192.0.2.1 iburst\n");
        is(&tree, Conclusion::ByDefault);
        assert_eq!(of(&tree).offers, [Some(Author::Dhcp)]);
        tree.add(
            "etc/chrony/sources.d/own.sources",
            b"server ntp1.example.org iburst\n",
        );
        is(&tree, Conclusion::Beside);
        tree.add("run/chrony-dhcp/eth0.sources", b"");
        is(&tree, Conclusion::Overridden);
        tree.add("run/chrony-dhcp/eth0.sources", b"");
        tree.add(
            "etc/chrony/sources.d/own.sources",
            b"server 192.0.2.1 iburst\n",
        );
        is(&tree, Conclusion::ByHand);

        let tree = debian(false);
        tree.add(
            "etc/chrony/sources.d/own.sources",
            b"server ntp1.example.org iburst\n",
        );
        is(&tree, Conclusion::Chosen);
        tree.add("etc/chrony/sources.d/own.sources", b"");
        tree.add(
            "etc/chrony/chrony.conf",
            b"pool 2.debian.pool.ntp.org iburst\n",
        );
        is(&tree, Conclusion::Image);
        tree.add("etc/chrony/chrony.conf", b"");
        is(&tree, Conclusion::NoSource);
        tree.add("run/systemd/netif/leases/2", b"NTP=192.0.2.1\n");
        is(&tree, Conclusion::NoSource);
    }

    #[test]
    fn timesyncd_asks_networkd_itself() {
        let tree = Tree::of(&[
            ("usr/lib/systemd/systemd-timesyncd", ""),
            ("usr/lib/systemd/system/systemd-timesyncd.service", ""),
            ("usr/lib/systemd/system/systemd-networkd.service", ""),
            (
                "etc/systemd/timesyncd.conf",
                "[Time]\n#FallbackNTP=ntp.ubuntu.com\n",
            ),
            ("run/systemd/netif/leases/2", "NTP=192.0.2.1\n"),
        ]);
        tree.link(
            "etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service",
            "/x",
        );
        assert_eq!(of(&tree).conclusion, Conclusion::ImageInstead);
        tree.link(
            "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
            "/x",
        );
        assert_eq!(of(&tree).conclusion, Conclusion::ByDefault);
    }

    #[test]
    fn what_runs_has_the_last_word() {
        let tree = debian(true);
        tree.add("run/chrony-dhcp/eth0.sources", b"server 192.0.2.1 iburst\n");
        tree.add(
            "etc/chrony/sources.d/own.sources",
            b"server 192.0.2.9 iburst\n",
        );
        let server = |server: &str, selection| Used {
            server: server.to_owned(),
            name: None,
            is_clock: false,
            selection,
            evidence: Evidence::file("chronyc -c sources", ""),
        };
        let with = |offered, own| {
            let mut survey = survey_image(&mut tree.files());
            survey.running = Some(vec![Running {
                name: "chronyd".to_owned(),
                daemon: Some(DaemonName::Chrony),
                used: Ok(vec![server("192.0.2.1", offered), server("192.0.2.9", own)]),
            }]);
            answer(&survey)
        };
        let both = with(Selection::Used, Selection::Used);
        assert_eq!(
            (both.conclusion, both.used),
            (Conclusion::Beside, vec![Some(true)])
        );
        let own = with(Selection::Rejected, Selection::Used);
        assert_eq!(
            (own.conclusion, own.used),
            (Conclusion::Overridden, vec![Some(false)])
        );
        assert_eq!(
            own.findings,
            [Finding::OfferNotUsed("192.0.2.1".to_owned())]
        );
        let none = with(Selection::Unusable, Selection::Unusable);
        assert!(
            none.findings
                .contains(&Finding::NothingUsed("chronyd".to_owned()))
        );

        // What a hook told the daemon itself stands in no file, and one that is started by hand in no link.
        let tree = Tree::of(&[
            ("etc/chrony.conf", ""),
            ("run/systemd/netif/leases/2", "NTP=192.0.2.1\n"),
        ]);
        let mut survey = survey_image(&mut tree.files());
        assert_eq!(answer(&survey).conclusion, Conclusion::NoDaemon);
        survey.running = Some(vec![Running {
            name: "chronyd".to_owned(),
            daemon: Some(DaemonName::Chrony),
            used: Ok(vec![server("192.0.2.1", Selection::Used)]),
        }]);
        let found = answer(&survey);
        assert_eq!(
            (found.conclusion, found.offers),
            (Conclusion::ByDefault, vec![Some(Author::Dhcp)])
        );
        assert_eq!(found.findings, [Finding::NotEnabled(DaemonName::Chrony)]);
    }

    #[test]
    fn what_else_to_look_at() {
        let tree = debian(true);
        tree.add("usr/lib/systemd/system/ntpsec.service", b"");
        tree.add("etc/ntpsec/ntp.conf", b"");
        tree.link(
            "etc/systemd/system/multi-user.target.wants/ntpsec.service",
            "/x",
        );
        tree.add("run/systemd/netif/leases/3", b"NTP=192.0.2.9\n");
        tree.add("sys/class/net/eth0/ifindex", b"2\n");
        tree.add("sys/class/net/eth1/ifindex", b"3\n");
        let both = vec![DaemonName::Chrony, DaemonName::Ntpsec];
        let named = vec!["eth0".to_owned(), "eth1".to_owned()];
        assert_eq!(
            of(&tree).findings,
            [
                Finding::SeveralDaemons(both),
                Finding::DifferentOffers(named)
            ]
        );
    }

    #[test]
    fn names_and_addresses_of_one_server() {
        assert!(
            is_same("NTP1.example.", "ntp1.EXAMPLE") && is_same("2001:db8::1", "2001:db8:0::1")
        );
        assert!(is_same("::ffff:192.0.2.1", "192.0.2.1") && !is_same("192.0.2.1", "192.0.2.10"));
    }
}
