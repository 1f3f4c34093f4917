//! OpenNTPD: `ntpd.conf` (ntpd.conf(5)).

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::lines;
use super::author::{Marks, Writer};
use super::gathered::Gathered;
use super::units::Units;
use super::{Basis, Daemon, DaemonName, Source, SourceKind};

const FILES: [&str; 2] = ["/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"];

pub(super) fn find(files: &mut Files, units: &Units) -> Option<Daemon> {
    let file = FILES.iter().find(|file| files.exists(file))?;
    let content = files.read(file).unwrap_or_default();
    let writer = Writer::of(files, file, &content);
    let mut gathered = Gathered::default();
    let mut marks = Marks::default();
    for line in lines(&content) {
        let evidence = || Evidence::line(file, line.number, &line.text);
        if marks.opens(&line.text) {
            gathered.takes(evidence());
        }
        let text = line.text.split('#').next().unwrap_or_default();
        let mut words = text
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']));
        let kind = match words.next() {
            Some("server") => SourceKind::Server,
            Some("servers") => SourceKind::Pool,
            Some("sensor") => SourceKind::Clock,
            _ => continue,
        };
        let Some(name) = words.next().filter(|name| !name.is_empty()) else {
            continue;
        };
        let author = marks.author(writer.author(&line.text, name));
        gathered.source(Source::new(kind, name, author, evidence()));
    }
    Some(Daemon {
        name: DaemonName::Openntpd,
        enabled: units.enabled(files, &["openntpd", "ntpd"]),
        basis: Basis::InForce,
        sources: gathered.sources,
        takes_offers: gathered.takes_offers,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, said};
    use super::*;

    #[test]
    fn sources_and_what_dhcpcd_wrote() {
        let tree = Tree::of(&[(
            "etc/openntpd/ntpd.conf",
            "servers 0.debian.pool.ntp.org weight 2 # site\nserver \"ntp1.example.net\" trusted\nsensor *\nlisten on *\n\
             constraints from \"https://www.example.com/\"\n# dhcpcd eth0 start IPv4\nserver 192.0.2.1\n\
             # dhcpcd eth0 end IPv4\nserver 192.0.2.2\nserver\n",
        )]);
        let mut files = tree.files();
        let units = Units::find(&mut files);
        let found = find(&mut files, &units).unwrap();
        assert_eq!(
            said(&found),
            [
                "pool 0.debian.pool.ntp.org (the image, /etc/openntpd/ntpd.conf:1)",
                "server ntp1.example.net (whoever runs it, /etc/openntpd/ntpd.conf:2)",
                "clock * (whoever runs it, /etc/openntpd/ntpd.conf:3)",
                "server 192.0.2.1 (DHCP, /etc/openntpd/ntpd.conf:7)",
                "server 192.0.2.2 (whoever runs it, /etc/openntpd/ntpd.conf:9)",
            ]
        );
        assert_eq!(found.takes_offers[0].line, Some(6));
    }
}
