//! busybox's ntpd, as Alpine and OpenWrt start it: its servers are arguments.

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::{Line, lines};
use super::author::{Author, Writer};
use super::units::Units;
use super::{Basis, Daemon, DaemonName, MOST_SOURCES, Source, SourceKind};

/// Alpine: `NTPD_OPTS`.
const ALPINE: &str = "/etc/conf.d/ntpd";
/// What Alpine's script takes for want of options.
const ALPINE_DEFAULT: &str = "pool.ntp.org";
/// Options without an argument.
const FLAGS: &[u8] = b"dnqNwl";
/// What is read where no option names a server.
const NTP_CONF: &str = "/etc/ntp.conf";
/// OpenWrt: the section `timeserver 'ntp'`.
const OPENWRT: &str = "/etc/config/system";

pub(super) fn find(files: &mut Files, units: &Units) -> Option<Daemon> {
    alpine(files, units).or_else(|| openwrt(files, units))
}

fn alpine(files: &mut Files, units: &Units) -> Option<Daemon> {
    let content = files.read(ALPINE)?;
    let options = lines(&content).filter_map(|line| {
        let value = line.text.strip_prefix("NTPD_OPTS=")?.trim();
        Some((value.trim_matches(['"', '\'']).to_owned(), line.number))
    });
    let (options, number) = options.last().unwrap_or_default();
    let writer = Writer::of(files, ALPINE, &content);
    let mut basis = Basis::InForce;
    let mut sources: Vec<Source> = peers(&options)
        .map(|name| {
            source(
                name,
                writer.author("", name),
                Evidence::line(ALPINE, number, &options),
            )
        })
        .collect();
    if options.is_empty() {
        basis = Basis::BuiltIn;
        let evidence = Evidence::file("/etc/init.d/ntpd", "asks the pool where NTPD_OPTS is empty");
        sources = vec![source(ALPINE_DEFAULT, Author::Image, evidence)];
    } else if sources.is_empty() {
        sources = ntp_conf(files);
    }
    Some(Daemon {
        name: DaemonName::Busybox,
        enabled: units.enabled(files, &["ntpd"]),
        basis,
        sources,
        takes_offers: Vec::new(),
    })
}

fn source(name: &str, author: Author, evidence: Evidence) -> Source {
    Source::new(SourceKind::Server, name, author, evidence)
}

/// Servers of `-p HOST` and `-pHOST`, without the key before them (`keyno:N:HOST`).
fn peers(options: &str) -> impl Iterator<Item = &str> {
    let mut words = options.split_whitespace();
    let named = std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            // Options without an argument may stand together, -p the last of them: -Np HOST.
            let Some(letters) = word.strip_prefix('-') else {
                continue;
            };
            let Some((flags, host)) = letters.split_once('p') else {
                continue;
            };
            // One that takes the rest of the word as its own may have a p in it: -S/opt/hook.
            if !flags.bytes().all(|flag| FLAGS.contains(&flag)) {
                continue;
            }
            return if host.is_empty() {
                words.next()
            } else {
                Some(host)
            };
        }
    });
    let bare = named.map(|peer| match peer.strip_prefix("keyno:") {
        Some(rest) => rest.split_once(':').map_or(rest, |(_, host)| host),
        None => peer,
    });
    bare.take(MOST_SOURCES)
}

fn ntp_conf(files: &mut Files) -> Vec<Source> {
    let Some(content) = files.read(NTP_CONF) else {
        return Vec::new();
    };
    let writer = Writer::of(files, NTP_CONF, &content);
    let servers = lines(&content).filter_map(|line| {
        let text = line.text.split('#').next()?;
        let mut words = text.split_whitespace();
        let name = words
            .next()
            .filter(|word| *word == "server")
            .and(words.next())?;
        let evidence = Evidence::line(NTP_CONF, line.number, &line.text);
        Some(source(name, writer.author(&line.text, name), evidence))
    });
    servers.take(MOST_SOURCES).collect()
}

fn openwrt(files: &mut Files, units: &Units) -> Option<Daemon> {
    let content = files.read(OPENWRT)?;
    let mut is_it = false;
    let (mut sources, mut takes_offers) = (Vec::new(), Vec::new());
    let (mut is_there, mut enabled, mut uses_dhcp) = (false, true, true);
    let evidence = |line: &Line<'_>| Evidence::line(OPENWRT, line.number, &line.text);
    for line in lines(&content) {
        let words: Vec<&str> = line
            .text
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']))
            .collect();
        match &*words {
            ["config", "timeserver", "ntp", ..] => (is_it, is_there) = (true, true),
            ["config", ..] => is_it = false,
            ["list", "server", name, ..] if is_it && sources.len() < MOST_SOURCES => {
                let author = match name.ends_with(".openwrt.pool.ntp.org") {
                    true => Author::Image,
                    false => Author::Site,
                };
                sources.push(source(name, author, evidence(&line)));
            }
            ["option", "enabled", of, ..] if is_it => enabled = *of != "0",
            ["option", "use_dhcp", of, ..] if is_it => uses_dhcp = *of != "0",
            _ => {}
        }
    }
    if !is_there {
        return None;
    }
    if uses_dhcp {
        takes_offers.push(Evidence::file(
            OPENWRT,
            "use_dhcp, which is on if it is not set",
        ));
    }
    Some(Daemon {
        name: DaemonName::Busybox,
        enabled: match enabled {
            true => units.enabled(files, &["sysntpd"]),
            false => super::Enabled::No,
        },
        basis: Basis::InForce,
        sources,
        takes_offers,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, said};
    use super::*;

    fn of(tree: &Tree) -> Daemon {
        let mut files = tree.files();
        let units = Units::find(&mut files);
        find(&mut files, &units).unwrap()
    }

    #[test]
    fn alpine_s_options() {
        let tree = Tree::of(&[("etc/conf.d/ntpd", "NTPD_OPTS=\"-N -p pool.ntp.org\"\n")]);
        assert_eq!(
            said(&of(&tree)),
            ["server pool.ntp.org (the image, /etc/conf.d/ntpd:1)"]
        );
        tree.add(
            "etc/conf.d/ntpd",
            b"NTPD_OPTS=\"-Np a.example -pb.example -p keyno:7:c.example -S/opt/x -p\"\n",
        );
        let names: Vec<String> = of(&tree).sources.into_iter().map(|of| of.name).collect();
        assert_eq!(names, ["a.example", "b.example", "c.example"]);
        tree.add("etc/conf.d/ntpd", b"NTPD_OPTS=\n");
        assert_eq!(
            (of(&tree).basis, of(&tree).sources[0].name.as_str()),
            (Basis::BuiltIn, "pool.ntp.org")
        );
        tree.add("etc/conf.d/ntpd", b"NTPD_OPTS=\"-N\"\n");
        tree.add(
            "etc/ntp.conf",
            b"server d.example iburst\npool not.example\n",
        );
        assert_eq!(
            said(&of(&tree)),
            ["server d.example (whoever runs it, /etc/ntp.conf:1)"]
        );
    }

    #[test]
    fn openwrt_s_section() {
        let tree = Tree::of(&[(
            "etc/config/system",
            "config system\n\tlist server 'no.example'\nconfig timeserver 'ntp'\n\toption enabled '1'\n\
             \tlist server '0.openwrt.pool.ntp.org'\n\tlist server '192.0.2.10'\n",
        )]);
        tree.link("etc/rc.d/S98sysntpd", "../init.d/sysntpd");
        let found = of(&tree);
        assert_eq!(
            said(&found),
            [
                "server 0.openwrt.pool.ntp.org (the image, /etc/config/system:5)",
                "server 192.0.2.10 (whoever runs it, /etc/config/system:6)",
            ]
        );
        assert!(found.enabled.is_yes() && found.takes_offers.len() == 1);
        tree.add(
            "etc/config/system",
            b"config timeserver 'ntp'\n\toption enabled '0'\n\toption use_dhcp '0'\n",
        );
        assert!(!of(&tree).enabled.is_yes() && of(&tree).takes_offers.is_empty());
    }
}
