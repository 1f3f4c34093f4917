//! linuxptp: phc2sys and timemaster, which steer the system's clock by one that PTP steers.

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::lines;
use super::author::{Author, Writer};
use super::gathered::Gathered;
use super::units::{Enabled, Units};
use super::{Basis, Daemon, DaemonName, Source, SourceKind};

const TIMEMASTER: [&str; 2] = ["/etc/linuxptp/timemaster.conf", "/etc/timemaster.conf"];
const UNITS: [&str; 4] = [
    "/usr/lib/systemd/system/phc2sys.service",
    "/lib/systemd/system/phc2sys.service",
    "/usr/lib/systemd/system/phc2sys@.service",
    "/lib/systemd/system/phc2sys@.service",
];

pub(super) fn find_phc2sys(files: &Files, units: &Units) -> Option<Daemon> {
    let unit = UNITS.iter().find(|unit| files.exists(unit))?;
    let enabled = units.enabled(files, &["phc2sys", "phc2sys@"]);
    let instance = match &enabled {
        Enabled::Yes(evidence) => evidence
            .file
            .rsplit_once('@')
            .map(|(_, of)| format!("PTP over {}", of.trim_end_matches(".service")))
            // Without an instance its options name the card.
            .or_else(|| Some("PTP".to_owned())),
        _ => None,
    };
    let source = instance.map(|name| {
        let evidence = Evidence::file(unit, "the card's clock, which ptp4l steers");
        Source::new(SourceKind::Clock, &name, Author::Site, evidence)
    });
    Some(Daemon {
        name: DaemonName::Phc2sys,
        sources: source.into_iter().collect(),
        enabled,
        basis: Basis::InForce,
        takes_offers: Vec::new(),
    })
}

pub(super) fn find_timemaster(files: &mut Files, units: &Units) -> Option<Daemon> {
    let file = TIMEMASTER.iter().find(|file| files.exists(file))?;
    let content = files.read(file).unwrap_or_default();
    let writer = Writer::of(files, file, &content);
    let mut gathered = Gathered::default();
    for line in lines(&content) {
        let Some(section) = line
            .text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'))
        else {
            continue;
        };
        let (kind, name) = match section.split_once(' ') {
            Some(("ntp_server", name)) => (SourceKind::Server, name.trim().to_owned()),
            Some(("ptp_domain", domain)) => {
                (SourceKind::Clock, format!("PTP domain {}", domain.trim()))
            }
            _ => continue,
        };
        let evidence = Evidence::line(file, line.number, &line.text);
        let author = writer.author(&line.text, &name);
        gathered.source(Source::new(kind, &name, author, evidence));
    }
    Some(Daemon {
        name: DaemonName::Timemaster,
        enabled: units.enabled(files, &["timemaster"]),
        basis: Basis::InForce,
        sources: gathered.sources,
        takes_offers: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, said};
    use super::*;

    #[test]
    fn servers_and_domains_of_timemaster() {
        let tree = Tree::of(&[(
            "etc/linuxptp/timemaster.conf",
            "[ntp_server 192.0.2.10]\nminpoll 4\n[ptp_domain 0]\ninterfaces eth0\n[timemaster]\nntp_program chronyd\n",
        )]);
        let mut files = tree.files();
        let units = Units::find(&mut files);
        assert_eq!(
            said(&find_timemaster(&mut files, &units).unwrap()),
            [
                "server 192.0.2.10 (whoever runs it, /etc/linuxptp/timemaster.conf:1)",
                "clock PTP domain 0 (whoever runs it, /etc/linuxptp/timemaster.conf:3)",
            ]
        );
    }

    #[test]
    fn an_instance_of_phc2sys_names_its_card() {
        let tree = Tree::of(&[("usr/lib/systemd/system/phc2sys@.service", "")]);
        tree.link(
            "etc/systemd/system/multi-user.target.wants/phc2sys@eth0.service",
            "/usr/lib/systemd/system/phc2sys@.service",
        );
        let mut files = tree.files();
        let units = Units::find(&mut files);
        let found = find_phc2sys(&files, &units).unwrap();
        assert_eq!(found.sources[0].name, "PTP over eth0");
        let tree = Tree::of(&[("usr/lib/systemd/system/phc2sys.service", "")]);
        tree.link(
            "etc/systemd/system/multi-user.target.wants/phc2sys.service",
            "/usr/lib/systemd/system/phc2sys.service",
        );
        let mut files = tree.files();
        let units = Units::find(&mut files);
        let found = find_phc2sys(&files, &units).unwrap();
        assert_eq!(found.sources[0].name, "PTP");
    }
}
