//! systemd-timesyncd: `timesyncd.conf` and its drop-ins (timesyncd.conf(5)).

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::lines;
use super::author::{Author, Writer};
use super::units::{Enabled, Units};
use super::{Basis, Daemon, DaemonName, MOST_SOURCES, Source, SourceKind};

/// Folders of settings, of which the first that has a file of a name counts.
const FOLDERS: [&str; 4] = [
    "/etc/systemd",
    "/run/systemd",
    "/usr/local/lib/systemd",
    "/usr/lib/systemd",
];
const PROGRAMS: [&str; 2] = [
    "/usr/lib/systemd/systemd-timesyncd",
    "/lib/systemd/systemd-timesyncd",
];
const UNITS: [&str; 2] = ["systemd-timesyncd", "dbus-org.freedesktop.timesync1"];
/// What hands it the servers of DHCP.
const NETWORKD: [&str; 1] = ["systemd-networkd"];
/// What does so from dhclient, where that is what asks.
const DHCLIENT_HOOK: &str = "/etc/dhcp/dhclient-exit-hooks.d/timesyncd";
const DHCLIENT: [&str; 2] = ["/usr/sbin/dhclient", "/sbin/dhclient"];
/// Interfaces of Debian's ifupdown, which calls it; other network managers have a client of their own.
const INTERFACES: [&str; 2] = ["/etc/network/interfaces", "/etc/network/interfaces.d/*"];

pub(super) fn find(files: &mut Files, units: &Units) -> Option<Daemon> {
    PROGRAMS.iter().find(|program| files.exists(program))?;
    let mut found = Settings::default();
    let main = FOLDERS
        .iter()
        .map(|folder| format!("{folder}/timesyncd.conf"));
    if let Some(main) = main.into_iter().find(|file| files.exists(file)) {
        found.read(files, &main);
    }
    let drop_ins = FOLDERS.map(|folder| format!("{folder}/timesyncd.conf.d/*.conf"));
    for file in files.by_name(drop_ins) {
        found.read(files, &file);
    }
    let mut sources = found.servers;
    let is_built_in = found.fallback.is_none();
    sources.extend(found.fallback.unwrap_or(found.built_in));
    let mut takes_offers = Vec::new();
    let networkd = units.enabled(files, &NETWORKD);
    if networkd.is_yes() {
        sources.splice(0..0, of_links(files));
    }
    let basis = match is_built_in && sources.iter().all(|of| of.fallback) {
        true => Basis::BuiltIn,
        false => Basis::InForce,
    };
    if let Enabled::Yes(evidence) = networkd {
        let text = "systemd-networkd hands it the servers that DHCP offers, unless UseNTP=no";
        takes_offers.push(Evidence::file(&evidence.file, text));
    }
    takes_offers.extend(by_dhclient(files));
    Some(Daemon {
        name: DaemonName::Timesyncd,
        enabled: units.enabled(files, &UNITS),
        basis,
        sources,
        takes_offers,
    })
}

/// The hook that hands it what dhclient is told, where an interface is set up by that.
fn by_dhclient(files: &mut Files) -> Option<Evidence> {
    let is_there = files.exists(DHCLIENT_HOOK) && DHCLIENT.iter().any(|of| files.exists(of));
    let patterns = INTERFACES.iter().filter(|_| is_there);
    let interfaces: Vec<String> = patterns.flat_map(|pattern| files.glob(pattern)).collect();
    for file in interfaces {
        let content = files.read(&file).unwrap_or_default();
        for line in lines(&content) {
            let words: Vec<&str> = line.text.split_whitespace().collect();
            if let ["iface", _, "inet", "dhcp", ..] = *words {
                let text = "hands it the servers that DHCP offers, by dhclient";
                return Some(Evidence::file(DHCLIENT_HOOK, text));
            }
        }
    }
    None
}

/// Servers that the settings of systemd-networkd's links name, `NTP=` of `[Network]` (systemd.network(5)), which it
/// is told.
fn of_links(files: &mut Files) -> Vec<Source> {
    let mut sources = Vec::new();
    let settings = FOLDERS.map(|folder| format!("{folder}/network/*.network"));
    for file in files.by_name(settings) {
        let Some(content) = files.read(&file) else {
            continue;
        };
        let writer = Writer::of(files, &file, &content);
        let mut is_network = false;
        for line in lines(&content) {
            if line.text.starts_with('[') {
                is_network = line.text == "[Network]";
            }
            let Some((key, servers)) = line.text.split_once('=').filter(|_| is_network) else {
                continue;
            };
            if key.trim_end() != "NTP" {
                continue;
            }
            let room = MOST_SOURCES.saturating_sub(sources.len());
            let evidence = || Evidence::line(&file, line.number, &line.text);
            sources.extend(servers.split_whitespace().take(room).map(|name| {
                let author = writer.author(&line.text, name);
                Source::new(SourceKind::Server, name, author, evidence())
            }));
        }
    }
    sources
}

#[derive(Default)]
struct Settings {
    servers: Vec<Source>,
    /// Those of `FallbackNTP=`, where that is set; set to nothing there are none.
    fallback: Option<Vec<Source>>,
    /// What the file that the package ships tells of the fallback that is built in.
    built_in: Vec<Source>,
}

impl Settings {
    fn read(&mut self, files: &mut Files, file: &str) {
        let Some(content) = files.read(file) else {
            return;
        };
        let writer = Writer::of(files, file, &content);
        let mut is_time = false;
        // A setting that goes on in the next line (systemd.syntax(7)).
        let mut before: Option<String> = None;
        for line in lines(&content) {
            let text = &*line.text;
            if before.is_some() && text.starts_with(['#', ';']) {
                continue;
            }
            let goes_on = text
                .strip_suffix('\\')
                .filter(|_| !text.starts_with(['#', ';']));
            let part = goes_on.unwrap_or(text);
            let whole = before.take().map(|key| format!("{key}={part}"));
            let text = whole.as_deref().unwrap_or(part);
            if goes_on.is_some() {
                before = text.split_once('=').map(|(key, _)| key.to_owned());
            }
            if let Some(section) = text.strip_prefix('[') {
                is_time = section.trim_end_matches(']') == "Time";
                continue;
            }
            let source = |name: &str, author, fallback| Source {
                fallback,
                ..Source::new(
                    SourceKind::Server,
                    name,
                    author,
                    Evidence::line(file, line.number, text),
                )
            };
            // systemd's own files show each setting as a comment, with the value that is built in.
            let shown = text
                .strip_prefix('#')
                .and_then(|text| text.strip_prefix("FallbackNTP="));
            if let Some(names) = shown {
                let named = names
                    .split_whitespace()
                    .map(|name| source(name, Author::Image, true));
                self.built_in = named.take(MOST_SOURCES).collect();
                continue;
            }
            let Some((key, names)) = text.split_once('=').filter(|_| is_time) else {
                continue;
            };
            let (list, fallback) = match key.trim() {
                "NTP" | "Servers" => (&mut self.servers, false),
                "FallbackNTP" => (self.fallback.get_or_insert_default(), true),
                _ => continue,
            };
            let is_whole = whole.is_none() && goes_on.is_none();
            if names.trim().is_empty() && is_whole {
                list.clear();
            }
            for name in names.split_whitespace() {
                if list.len() < MOST_SOURCES {
                    list.push(source(name, writer.author(text, name), fallback));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, said};
    use super::*;

    fn of(tree: &Tree) -> Option<Daemon> {
        let mut files = tree.files();
        let units = Units::find(&mut files);
        find(&mut files, &units)
    }

    const PROGRAM: (&str, &str) = ("usr/lib/systemd/systemd-timesyncd", "");

    #[test]
    fn drop_ins_add_to_it_and_empty_ones_begin_anew() {
        let tree = Tree::of(&[
            PROGRAM,
            (
                "etc/systemd/timesyncd.conf",
                "[Time]\nNTP=a.example\n#FallbackNTP=f.example\n",
            ),
            (
                "usr/lib/systemd/timesyncd.conf.d/10-x.conf",
                "[Time]\nNTP=\nNTP=b.example c.example\n",
            ),
            (
                "etc/systemd/timesyncd.conf.d/20-y.conf",
                "[Time]\nFallbackNTP=\n[Other]\nNTP=not.example\n",
            ),
            (
                "usr/lib/systemd/timesyncd.conf.d/20-y.conf",
                "[Time]\nNTP=hidden.example\n",
            ),
            (
                "run/systemd/timesyncd.conf.d/01-dhclient.conf",
                "[Time]\nNTP=192.0.2.1\n",
            ),
        ]);
        let found = of(&tree).unwrap();
        assert_eq!(
            said(&found),
            [
                "server b.example (whoever runs it, /usr/lib/systemd/timesyncd.conf.d/10-x.conf:3)",
                "server c.example (whoever runs it, /usr/lib/systemd/timesyncd.conf.d/10-x.conf:3)",
            ]
        );
        assert_eq!(found.basis, Basis::InForce);
    }

    #[test]
    fn dhclient_hands_it_servers_where_ifupdown_calls_it() {
        let tree = Tree::of(&[
            PROGRAM,
            ("etc/dhcp/dhclient-exit-hooks.d/timesyncd", ""),
            ("usr/sbin/dhclient", ""),
            (
                "etc/network/interfaces",
                "source /etc/network/interfaces.d/*\niface lo inet loopback\n",
            ),
        ]);
        assert_eq!(of(&tree).unwrap().takes_offers, []);
        tree.add(
            "etc/network/interfaces.d/ens3",
            b"allow-hotplug ens3\n  iface ens3 inet dhcp\n",
        );
        let takes = of(&tree).unwrap().takes_offers;
        assert_eq!(takes[0].file, "/etc/dhcp/dhclient-exit-hooks.d/timesyncd");
    }

    #[test]
    fn links_have_servers_of_their_own() {
        let tree = Tree::of(&[
            PROGRAM,
            ("usr/lib/systemd/system/systemd-networkd.service", ""),
            (
                "etc/systemd/network/lan.network",
                "[Match]\nName=eth0\n[Network]\nNTP=192.0.2.1 192.0.2.2\n[Route]\nNTP=no.example\n",
            ),
            (
                "usr/lib/systemd/network/lan.network",
                "[Network]\nNTP=hidden.example\n",
            ),
        ]);
        assert_eq!(of(&tree).unwrap().sources, []);
        tree.link(
            "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
            "/x",
        );
        assert_eq!(
            said(&of(&tree).unwrap()),
            [
                "server 192.0.2.1 (whoever runs it, /etc/systemd/network/lan.network:4)",
                "server 192.0.2.2 (whoever runs it, /etc/systemd/network/lan.network:4)",
            ]
        );
    }

    #[test]
    fn a_setting_goes_on_after_a_backslash() {
        let tree = Tree::of(&[
            PROGRAM,
            (
                "etc/systemd/timesyncd.conf",
                "[Time]\nNTP=a.example \\\n# in between\n  b.example \\\n c.example \\\n\nPollIntervalMaxSec=1\n",
            ),
        ]);
        let names: Vec<String> = of(&tree)
            .unwrap()
            .sources
            .into_iter()
            .map(|of| of.name)
            .collect();
        assert_eq!(names, ["a.example", "b.example", "c.example"]);
    }

    #[test]
    fn what_is_built_in_is_named_as_such() {
        let tree = Tree::of(&[
            PROGRAM,
            (
                "etc/systemd/timesyncd.conf",
                "[Time]\n#NTP=\n#FallbackNTP=0.debian.pool.ntp.org 1.debian.pool.ntp.org\n",
            ),
        ]);
        let found = of(&tree).unwrap();
        assert_eq!((found.basis, found.sources.len()), (Basis::BuiltIn, 2));
        assert!(
            found
                .sources
                .iter()
                .all(|of| of.fallback && of.author == Author::Image)
        );
        assert_eq!(of(&Tree::of(&[])), None);
    }
}
