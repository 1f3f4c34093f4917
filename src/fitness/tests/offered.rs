//! What is said of which time a host is offered and takes.

use super::super::*;
use crate::estimate::{Plan, analyse};
use crate::sample::{Campaign, RunHeader};
use crate::survey::{Files, answer, survey_image};

fn surveyed(files: &[(&str, &str)]) -> Surveyed {
    let tree = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = tree.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let survey = survey_image(&mut Files::below(tree.path()).unwrap());
    let answer = answer(&survey);
    Surveyed { survey, answer }
}

fn verdicts(found: Option<&Surveyed>) -> [Verdict; 2] {
    let catalogue = Catalogue::builtin();
    let campaign = Campaign::new(RunHeader::default());
    let assessment = analyse(&campaign, &Plan::default());
    let ids = ["scs-0129-offered", "scs-0129-used-by-default"].map(str::to_owned);
    let found = conform(&campaign, &assessment, &catalogue, found, &ids).unwrap();
    [found.cases[0].verdict, found.cases[1].verdict]
}

const LEASE: (&str, &str) = (
    "run/systemd/netif/leases/2",
    "ADDRESS=192.0.2.7\nNTP=192.0.2.1\n",
);
const STARTS: (&str, &str) = ("etc/runlevels/default/chronyd", "");
const POOL: &str = "pool 2.debian.pool.ntp.org\nsourcedir /run/chrony-dhcp\n";

#[test]
fn what_a_host_is_offered_and_takes() {
    use Verdict::{Fit, Undetermined, Unfit};
    let of = |files: &[(&str, &str)]| verdicts(Some(&surveyed(files)));
    assert_eq!(verdicts(None), [Undetermined, Undetermined]);
    assert_eq!(of(&[]), [Undetermined, Undetermined]);
    let without = ("run/systemd/netif/leases/2", "ADDRESS=192.0.2.7\n");
    assert_eq!(of(&[without]), [Undetermined, Undetermined]);
    // Nothing starts, or what its image came with.
    assert_eq!(of(&[LEASE]), [Fit, Unfit]);
    let image = ("etc/chrony/chrony.conf", POOL);
    assert_eq!(of(&[LEASE, STARTS, image]), [Fit, Unfit]);
    let taken = ("run/chrony-dhcp/eth0.sources", "server 192.0.2.1\n");
    assert_eq!(of(&[LEASE, STARTS, image, taken]), [Fit, Fit]);
    // A client that keeps no lease.
    assert_eq!(of(&[STARTS, image, taken]), [Fit, Fit]);
    // What cloud-init wrote may be anybody's.
    let cloud = (
        "etc/chrony/chrony.conf",
        "# by cloud-init\nserver 192.0.2.1\n",
    );
    let ran = ("var/lib/cloud/instance/sem/config_ntp", "");
    let dist = ("etc/chrony/chrony.conf.dist", "");
    assert_eq!(of(&[LEASE, STARTS, cloud, ran, dist]), [Fit, Undetermined]);
    // Whoever runs it chose.
    let own = ("etc/chrony/chrony.conf", "server ntp1.example.org\n");
    assert_eq!(of(&[LEASE, STARTS, own]), [Fit, Undetermined]);
    let by_hand = ("etc/chrony/chrony.conf", "server 192.0.2.1\n");
    assert_eq!(of(&[LEASE, STARTS, by_hand]), [Fit, Undetermined]);
}

#[test]
fn what_is_taken_and_not_used_at_this_moment_is_open() {
    let image = ("etc/chrony/chrony.conf", POOL);
    let taken = ("run/chrony-dhcp/eth0.sources", "server 192.0.2.1\n");
    let mut found = surveyed(&[LEASE, STARTS, image, taken]);
    found.answer.offers[0].used = Some(true);
    assert_eq!(verdicts(Some(&found)), [Verdict::Fit, Verdict::Fit]);
    // Nothing runs; and what runs uses others.
    found.survey.running = Some(Vec::new());
    assert_eq!(
        verdicts(Some(&found)),
        [Verdict::Fit, Verdict::Undetermined]
    );
    found.survey.running = None;
    found.answer.offers[0].used = Some(false);
    assert_eq!(
        verdicts(Some(&found)),
        [Verdict::Fit, Verdict::Undetermined]
    );
}
