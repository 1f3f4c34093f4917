//! [`answer`]: whether the time that a host is offered is the time that it is configured with, and by whose doing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::configured::{Author, Daemon, DaemonName, Enabled, Source, SourceKind};
use super::findings::{self, Finding};
use super::offered::{Offer, OfferBy, Standing, also_called};
use super::used::Selection;
use super::{Evidence, Survey};

/// What follows for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
    /// Settings of a time daemon could not be read, or found.
    NotKnown,
    /// A time daemon is enabled that has no source.
    NoSource,
    /// No time daemon is enabled.
    NoDaemon,
}

/// What follows from a survey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// In one word.
    pub conclusion: Conclusion,
    /// What became of each offer, in the same order.
    pub offers: Vec<Taken>,
    /// What it rests on.
    pub because: Vec<Evidence>,
    /// What else to look at.
    pub findings: Vec<Finding>,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// By whose doing a daemon that starts or runs has it; absent where none has.
    pub by: Option<Author>,
    /// Whether one uses it at this moment; absent where none that runs tells, and of a clock.
    pub used: Option<bool>,
}

/// Draws the conclusion.
pub fn answer(survey: &Survey) -> Answer {
    // What runs counts, however it was started.
    let is_active = |of: &&Daemon| of.enabled.is_yes() || runs(survey, of.name);
    let active: Vec<&Daemon> = survey.daemons.iter().filter(is_active).collect();
    let chosen = Chosen::of(survey);
    let (had, in_use) = (Had::by(&active, &chosen), InUse::of(survey));
    let taken = |offer: &Offer| {
        let used = in_use.says(&offer.server).filter(|_| !offer.by.is_clock());
        // What is in no file was told to the daemon itself.
        let told = used.unwrap_or(false).then_some(match offer.by {
            OfferBy::VendorData => Author::CloudInit,
            OfferBy::UserData => Author::Site,
            OfferBy::LinkLocal => Author::Image,
            _ => Author::Dhcp,
        });
        Taken {
            by: had.configured_by(offer).or(told),
            used,
        }
    };
    let offers: Vec<Taken> = survey.offers.iter().map(taken).collect();
    let (mut conclusion, mut because) = conclude(survey, &active, &offers, &in_use, &chosen);
    if is_in_doubt(survey, &active, &in_use, conclusion) {
        conclusion = Conclusion::NotKnown;
    }
    because.extend(active.iter().filter_map(|of| match &of.enabled {
        Enabled::Yes(evidence) => Some(evidence.clone()),
        _ => None,
    }));
    let mut seen = BTreeSet::new();
    because.retain(|of| seen.insert(of.clone()));
    let findings = findings::find(survey, &active, &offers);
    Answer {
        conclusion,
        offers,
        because,
        findings,
    }
}

/// Whether a conclusion rests on what is not there, and that could not be seen.
fn is_in_doubt(
    survey: &Survey,
    active: &[&Daemon],
    in_use: &InUse,
    conclusion: Conclusion,
) -> bool {
    let sources = || active.iter().flat_map(|of| &of.sources);
    let rests_on_absence = match conclusion {
        Conclusion::ImageInstead | Conclusion::Image | Conclusion::WouldTake => true,
        Conclusion::NoSource | Conclusion::NoDaemon => true,
        // It uses what is offered, and no file says why.
        Conclusion::ByDefault => {
            let shows =
                |of: &Source| matches!(of.author, Author::Dhcp | Author::CloudInit | Author::Image);
            !sources().any(shows) && !active.iter().any(|of| !of.takes_offers.is_empty())
        }
        _ => false,
    };
    // Settings stand there, and leases of DHCP clients elsewhere; what starts, by links.
    let is_setting = |path: &str| match conclusion {
        Conclusion::NoDaemon => ["/etc/systemd", "/etc/runlevels", "/etc/rc"]
            .iter()
            .any(|folder| path.starts_with(folder)),
        _ => {
            path.starts_with("/etc/") && path != "/etc/os-release"
                || path.starts_with("/run/chrony")
        }
    };
    let unread = survey.missed.iter().any(|of| is_setting(&of.path));
    // A daemon whose settings were not found where they are looked for.
    let is_known = |name| survey.daemons.iter().any(|of| Some(of.name) == name);
    let stranger = survey
        .running
        .iter()
        .flatten()
        .any(|of| !is_known(of.daemon));
    let is_told = in_use.0.as_ref().is_some_and(|servers| !servers.is_empty());
    let has_none = matches!(conclusion, Conclusion::NoSource | Conclusion::NoDaemon);
    rests_on_absence && unread || has_none && (stranger || is_told)
}

/// Whether a daemon runs.
fn runs(survey: &Survey, name: DaemonName) -> bool {
    let mut running = survey.running.iter().flatten();
    running.any(|of| of.daemon == Some(name))
}

/// The servers that daemons use at this moment; nothing where none that runs tells.
struct InUse(Option<BTreeSet<Server>>);

impl InUse {
    fn of(survey: &Survey) -> Self {
        let running = survey.running.iter().flatten();
        // ntpd-rs tells what it has, and not what it uses.
        let telling = running.filter(|of| of.daemon != Some(DaemonName::NtpdRs));
        let mut told = telling.filter_map(|of| of.used.as_ref().ok()).peekable();
        let is_told = told.peek().is_some();
        let used = told.flatten().filter(|of| of.selection == Selection::Used);
        let names = used.flat_map(|of| std::iter::once(&of.server).chain(&of.name));
        let servers = names.map(|name| Server::of(name)).collect();
        Self(is_told.then_some(servers))
    }

    /// Whether this one is among them.
    fn says(&self, server: &str) -> Option<bool> {
        let servers = self.0.as_ref()?;
        Some(servers.contains(&Server::of(server)))
    }
}

/// Servers of the user data: what cloud-init wrote of those is the choice of whoever runs the host.
struct Chosen(BTreeSet<Server>);

impl Chosen {
    fn of(survey: &Survey) -> Self {
        let by = |by: OfferBy| {
            let offers = survey.offers.iter().filter(move |of| of.by == by);
            offers.map(|of| Server::of(&of.server))
        };
        let mut servers: BTreeSet<Server> = by(OfferBy::UserData).collect();
        // Of what both name nobody knows whose it is: it would have been written anyway.
        for server in by(OfferBy::VendorData) {
            servers.remove(&server);
        }
        Self(servers)
    }

    /// By whose doing a daemon has a source.
    fn author(&self, of: &Source) -> Author {
        match of.author {
            Author::CloudInit if self.0.contains(&Server::of(&of.name)) => Author::Site,
            author => author,
        }
    }
}

/// What daemons have, to be looked up: each of ten thousand offers in each of many thousand sources takes minutes.
struct Had<'a> {
    servers: BTreeMap<Server, Author>,
    clocks: Vec<(&'a str, Author)>,
    /// Whether timesyncd asks networkd itself; what others are handed stands among their sources.
    asks_networkd: bool,
}

impl<'a> Had<'a> {
    fn by(active: &[&'a Daemon], chosen: &Chosen) -> Self {
        let mut servers = BTreeMap::new();
        let mut clocks = Vec::new();
        for source in active.iter().flat_map(|of| &of.sources) {
            match source.kind {
                SourceKind::Clock => clocks.push((source.name.as_str(), source.author)),
                _ => {
                    let author = servers.entry(Server::of(&source.name));
                    author.or_insert(chosen.author(source));
                }
            }
        }
        let mut timesyncd = active.iter().filter(|of| of.name == DaemonName::Timesyncd);
        Self {
            servers,
            clocks,
            asks_networkd: timesyncd.any(|of| !of.takes_offers.is_empty()),
        }
    }

    /// By whose doing one of the daemons has what is offered.
    fn configured_by(&self, offer: &Offer) -> Option<Author> {
        if offer.by.is_clock() {
            let mut clocks = self.clocks.iter();
            let clock = clocks.find(|(name, _)| is_clock(name, offer));
            return clock.map(|(_, author)| *author);
        }
        let is_asked = offer.client == NETWORKD && self.asks_networkd && !offer.is_kept;
        let author = self.servers.get(&Server::of(&offer.server)).copied();
        author.or(is_asked.then_some(Author::Dhcp))
    }
}

/// Whether a clock's name, such as `PHC /dev/ptp_kvm:nocrossts`, is that of the device that is offered, or of the link
/// that udev makes of it.
fn is_clock(name: &str, offer: &Offer) -> bool {
    let mut words = name.split([' ', ':']);
    let link = also_called(&offer.evidence.text);
    words.any(|word| word == offer.server || link.is_some_and(|link| word == link))
}

fn conclude(
    survey: &Survey,
    active: &[&Daemon],
    offers: &[Taken],
    in_use: &InUse,
    chosen: &Chosen,
) -> (Conclusion, Vec<Evidence>) {
    if active.is_empty() {
        return (Conclusion::NoDaemon, Vec::new());
    }
    let sources = || active.iter().flat_map(|of| &of.sources);
    let all = || sources().map(|of| of.evidence.clone()).collect();
    let by_site = |is_clock: bool| -> Vec<Evidence> {
        sources()
            .filter(|of| chosen.author(of) == Author::Site && !of.fallback)
            .filter(|of| (of.kind == SourceKind::Clock) == is_clock)
            .map(|of| of.evidence.clone())
            .collect()
    };
    let mut of_site = by_site(false);
    // Clocks are whoever's choice runs the host where there is nothing else; images come with some, too.
    if of_site.is_empty() && sources().all(|of| chosen.author(of) == Author::Site) {
        of_site = by_site(true);
    }
    let takes: Vec<Evidence> = active
        .iter()
        .flat_map(|of| of.takes_offers.clone())
        .collect();
    let standing: Vec<(&Offer, Taken)> = survey
        .offers
        .iter()
        .zip(offers.iter().copied())
        .filter(|(of, _)| of.standing != Standing::Old && of.by.is_network())
        .collect();
    // Not every client keeps a lease: what it handed on shows as well what it was offered, unless that is of a lease
    // that has run out.
    let old: BTreeSet<Server> = survey
        .offers
        .iter()
        .filter(|of| of.standing == Standing::Old)
        .map(|of| Server::of(&of.server))
        .collect();
    let handed_on: Vec<&Source> = sources()
        .filter(|of| of.author == Author::Dhcp && !old.contains(&Server::of(&of.name)))
        .collect();
    if standing.is_empty() && handed_on.is_empty() {
        return match (of_site.is_empty(), takes.is_empty()) {
            (false, _) => (Conclusion::Chosen, of_site),
            (true, false) => (Conclusion::WouldTake, takes),
            (true, true) if sources().next().is_some() => (Conclusion::Image, all()),
            (true, true) => (Conclusion::NoSource, Vec::new()),
        };
    }
    let evidence = || standing.iter().map(|(of, _)| of.evidence.clone());
    let any = |is: fn(&Taken) -> bool| standing.iter().any(|(_, taken)| is(taken));
    let is_by_hand = any(|of| of.by == Some(Author::Site));
    let has = !handed_on.is_empty() || any(|of| of.by.is_some());
    // Who has it and does not use it, although others are used, has not taken it.
    let is_taken = any(|of| of.by.is_some() && of.used != Some(false))
        || handed_on
            .iter()
            .any(|of| in_use.says(&of.name) != Some(false));
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

/// A server, the same whatever way it is written: host names are compared without regard to case, addresses by what
/// they mean.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Server {
    Address(IpAddr),
    Name(String),
}

impl Server {
    fn of(text: &str) -> Self {
        match text.parse::<IpAddr>() {
            Ok(address) => Self::Address(address.to_canonical()),
            Err(_) => Self::Name(text.trim_end_matches('.').to_ascii_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::survey_image;
    use super::super::tests::Tree;
    use super::super::used::{Running, Used};
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
        assert_eq!(of(&tree).offers[0].by, Some(Author::Dhcp));
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
        // UseNTP=no: the link has none.
        tree.add("run/systemd/netif/links/2", b"NTP=\n");
        assert_eq!(of(&tree).conclusion, Conclusion::ImageInstead);
    }

    #[test]
    fn what_a_client_without_a_lease_handed_on_was_offered() {
        let tree = debian(false);
        tree.add("run/chrony-dhcp/eth0.sources", b"server 192.0.2.1 iburst\n");
        assert_eq!(of(&tree).conclusion, Conclusion::ByDefault);
        tree.add("etc/chrony/sources.d/own.sources", b"server a.example\n");
        assert_eq!(of(&tree).conclusion, Conclusion::Beside);
        // What it was offered by a lease that has run out is none.
        tree.add("etc/chrony/sources.d/own.sources", b"");
        tree.add(
            "run/wicked/leaseinfo.eth0.dhcp.ipv4",
            b"ACQUIRED='1'\nLEASETIME='1'\nNTPSERVERS='192.0.2.1'\n",
        );
        let now = crate::time::Timestamp::from_nanos(i64::MAX);
        let answer = answer(&super::super::look(&mut tree.files(), Some(now)));
        assert_eq!(answer.conclusion, Conclusion::WouldTake);
    }

    #[test]
    fn what_cannot_be_read_is_not_known_to_be_empty() {
        let tree = debian(false);
        std::fs::remove_file(tree.path("etc/chrony/chrony.conf")).unwrap();
        tree.link("etc/chrony/chrony.conf", "chrony.conf");
        assert_eq!(of(&tree).conclusion, Conclusion::NotKnown);
    }

    #[test]
    fn what_is_not_there_proves_little_where_not_all_was_seen() {
        // One of the folders that may have handed it servers.
        let tree = debian(true);
        tree.link("run/chrony-dhcp/eth0.sources", "eth0.sources");
        assert_eq!(of(&tree).conclusion, Conclusion::NotKnown);
        tree.add(
            "etc/chrony/sources.d/own.sources",
            b"server ntp1.example.org\n",
        );
        assert_eq!(of(&tree).conclusion, Conclusion::Overridden);

        // One that runs with settings of its own.
        let mut survey = survey_image(&mut Tree::of(&[]).files());
        assert_eq!(answer(&survey).conclusion, Conclusion::NoDaemon);
        survey.running = Some(vec![Running {
            name: "chronyd".to_owned(),
            daemon: Some(DaemonName::Chrony),
            used: Err("it does not say".to_owned()),
        }]);
        assert_eq!(answer(&survey).conclusion, Conclusion::NotKnown);
    }

    #[test]
    fn clocks_alone_are_no_image_s() {
        let tree = debian(false);
        tree.add("etc/chrony/chrony.conf", b"refclock SHM 0 refid GPS\n");
        assert_eq!(of(&tree).conclusion, Conclusion::Chosen);
        tree.add("run/systemd/netif/leases/2", b"NTP=192.0.2.1\n");
        assert_eq!(of(&tree).conclusion, Conclusion::Overridden);
        tree.add(
            "etc/chrony/chrony.conf",
            b"refclock PHC /dev/ptp1\npool 2.debian.pool.ntp.org\n",
        );
        assert_eq!(of(&tree).conclusion, Conclusion::ImageInstead);
    }

    #[test]
    fn a_hypervisor_s_clock_by_the_name_that_udev_gives_it() {
        let tree = debian(false);
        tree.add("sys/class/ptp/ptp1/clock_name", b"hyperv\n");
        let by = |conf: &str| {
            tree.add("etc/chrony/chrony.conf", conf.as_bytes());
            of(&tree).offers[0].by
        };
        assert_eq!(by("refclock PHC /dev/ptp10 poll 3\n"), None);
        let site = Some(Author::Site);
        assert_eq!(by("refclock PHC /dev/ptp1:nocrossts poll 3\n"), site);
        assert_eq!(
            by("refclock PHC /dev/ptp_hyperv poll 3\n"),
            Some(Author::Image)
        );
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
            (both.conclusion, both.offers[0].used),
            (Conclusion::Beside, Some(true))
        );
        let own = with(Selection::Rejected, Selection::Used);
        assert_eq!(
            (own.conclusion, own.offers[0].used),
            (Conclusion::Overridden, Some(false))
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
            (found.conclusion, found.offers[0].by),
            (Conclusion::ByDefault, Some(Author::Dhcp))
        );
        assert_eq!(found.findings, [Finding::NotEnabled(DaemonName::Chrony)]);
    }

    #[test]
    fn what_cloud_init_was_told_by_the_provider_and_by_the_user() {
        let tree = debian(false);
        let is = |conclusion, by: &[Option<Author>]| {
            let found = of(&tree);
            let found_by: Vec<_> = found.offers.iter().map(|of| of.by).collect();
            assert_eq!((found.conclusion, found_by.as_slice()), (conclusion, by));
        };
        let vendor = "var/lib/cloud/instance/vendor-data.txt";
        let user = "var/lib/cloud/instance/user-data.txt";
        let written = "etc/chrony/sources.d/cloud.sources";
        tree.add(vendor, b"#cloud-config\nntp:\n  servers: [a.example]\n");
        // The provider offers it, and nobody took it.
        is(Conclusion::ImageInstead, &[None]);
        let cloud = b"# generated by cloud-init\nserver a.example\n";
        tree.add(written, cloud);
        is(Conclusion::ByDefault, &[Some(Author::CloudInit)]);
        // What both name is the provider's, too.
        let text = b"#cloud-config\nntp:\n  servers: [a.example]\n";
        tree.add(user, text);
        let both = Some(Author::CloudInit);
        is(Conclusion::ByDefault, &[both, both]);
        // The user's own: no offer of anybody else's.
        tree.add(vendor, b"");
        is(Conclusion::Chosen, &[Some(Author::Site)]);
        tree.add("run/systemd/netif/leases/2", b"NTP=192.0.2.1\n");
        is(Conclusion::Overridden, &[None, Some(Author::Site)]);
        tree.add("run/systemd/netif/leases/2", b"NTP=192.0.2.1 a.example\n");
        let site = Some(Author::Site);
        is(Conclusion::ByHand, &[None, site, site]);
        // It was told, and nobody wrote it down.
        tree.add("run/systemd/netif/leases/2", b"");
        tree.add(written, b"");
        is(Conclusion::WouldTake, &[None]);
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
        let is_same = |a, b| Server::of(a) == Server::of(b);
        assert!(
            is_same("NTP1.example.", "ntp1.EXAMPLE") && is_same("2001:db8::1", "2001:db8:0::1")
        );
        assert!(is_same("::ffff:192.0.2.1", "192.0.2.1") && !is_same("192.0.2.1", "192.0.2.10"));
    }
}
