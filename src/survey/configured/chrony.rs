//! chrony: `chrony.conf` and what it includes (chrony.conf(5)).

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::lines;
use super::author::{Author, Marks, Writer};
use super::gathered::{Gathered, Includes};
use super::units::Units;
use super::{Basis, Daemon, DaemonName, Source, SourceKind};

/// Where distributions have its file.
const FILES: [&str; 3] = [
    "/etc/chrony/chrony.conf",
    "/etc/chrony.conf",
    "/usr/etc/chrony.conf",
];
/// What Debian's package makes it of when it is installed.
const TEMPLATE: &str = "/usr/share/chrony/chrony.conf";
const UNITS: [&str; 2] = ["chrony", "chronyd"];
/// Files that include files so deep are refused by chronyd, which counts its main file as well.
const DEEPEST: usize = 9;
/// Files that are followed; nobody has more, but for those who include themselves.
const MOST_FILES: usize = 500;
/// Folders of sources that hooks of DHCP clients write to.
const OFFERS: [&str; 4] = [
    "/run/chrony-dhcp",
    "/var/run/chrony-dhcp",
    "/run/chrony.d",
    "/run/netconfig",
];

/// What tells a chronyd that runs of servers in files beside, before it had folders of sources (chrony 4.0), and still
/// where dhcpcd's hook of Debian calls it.
const HELPERS: [&str; 2] = [
    "/usr/libexec/chrony-helper",
    "/usr/libexec/chrony/chrony-helper",
];
/// Those files: a server and its options in a line.
const HELPED: [&str; 2] = [
    "/var/lib/dhclient/chrony.servers.*",
    "/var/lib/dhcp/chrony.servers.*",
];
/// What writes them.
const HELPING: [&str; 2] = [
    "/etc/dhcp/dhclient.d/chrony.sh",
    "/usr/lib/dhcpcd/dhcpcd-hooks/*chrony.conf",
];

/// What a line says that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Directive<'a> {
    Source(SourceKind, String, bool),
    Include(&'a str),
    /// Folders of settings, `*.conf`.
    Settings(Vec<&'a str>),
    /// Folders of sources, `*.sources`.
    Sources(Vec<&'a str>),
}

pub(super) fn find(files: &mut Files, units: &Units) -> Option<Daemon> {
    let in_force = FILES.iter().find(|file| files.exists(file));
    let (file, basis) = match in_force {
        Some(file) => (*file, Basis::InForce),
        None if files.exists(TEMPLATE) => (TEMPLATE, Basis::Template),
        None => return None,
    };
    let mut found = Found {
        gathered: Gathered::default(),
        later: Vec::new(),
        includes: Includes::new(DEEPEST, MOST_FILES),
    };
    found.read(files, file, 0, false);
    for later in std::mem::take(&mut found.later) {
        found.read(files, &later, 1, true);
    }
    if HELPERS.iter().any(|helper| files.exists(helper)) {
        found.helped(files);
    }
    Some(Daemon {
        name: DaemonName::Chrony,
        enabled: units.enabled(files, &UNITS),
        basis,
        sources: found.gathered.sources,
        takes_offers: found.gathered.takes_offers,
    })
}

struct Found {
    gathered: Gathered,
    /// Files of sources, which come last.
    later: Vec<String>,
    includes: Includes,
}

impl Found {
    /// Reads a file and all that it includes, in its order; of a folder of sources only those count.
    fn read(&mut self, files: &mut Files, file: &str, depth: usize, sources_only: bool) {
        let Some(mut content) = self.includes.read(files, file, depth) else {
            return;
        };
        if sources_only {
            // chronyd stops at a line without an end.
            let whole = content.iter().rposition(|byte| *byte == b'\n');
            content.truncate(whole.map_or(0, |last| last + 1));
        }
        let writer = Writer::of(files, file, &content);
        let mut marks = Marks::default();
        for line in lines(&content) {
            let evidence = || Evidence::line(file, line.number, &line.text);
            if marks.opens(&line.text) {
                self.gathered.takes(evidence());
            }
            match directive(&line.text) {
                Some(Directive::Source(kind, name, nts)) => {
                    let author = marks.author(writer.author(&line.text, &name));
                    self.gathered.source(Source {
                        nts,
                        ..Source::new(kind, &name, author, evidence())
                    });
                }
                None => {}
                Some(_) if sources_only => {}
                Some(Directive::Include(pattern)) => {
                    for included in files.glob(pattern) {
                        self.read(files, &included, depth + 1, false);
                    }
                }
                Some(Directive::Settings(folders)) => {
                    for included in in_folders(files, &folders, "*.conf") {
                        self.read(files, &included, depth + 1, false);
                    }
                }
                Some(Directive::Sources(folders)) => {
                    let is_offer = |of: &&str| OFFERS.contains(&of.trim_end_matches('/'));
                    if folders.iter().any(is_offer) {
                        self.gathered.takes(evidence());
                    }
                    // They are read when the rest was.
                    self.later.extend(in_folders(files, &folders, "*.sources"));
                }
            }
        }
    }

    /// What its helper hands it.
    fn helped(&mut self, files: &mut Files) {
        let there = |files: &mut Files, patterns: [&str; 2]| -> Vec<String> {
            let there = patterns.iter().flat_map(|pattern| files.glob(pattern));
            there.collect()
        };
        for hook in there(files, HELPING) {
            let text = "hands it the servers that DHCP offers";
            self.gathered.takes(Evidence::file(&hook, text));
        }
        for file in there(files, HELPED) {
            let content = files.read(&file).unwrap_or_default();
            for line in lines(&content) {
                if let Some(name) = line.text.split_whitespace().next() {
                    let evidence = Evidence::line(&file, line.number, &line.text);
                    let kind = SourceKind::Server;
                    self.gathered
                        .source(Source::new(kind, name, Author::Dhcp, evidence));
                }
            }
        }
    }
}

/// Files of several folders, of which the first that has one of a name counts.
fn in_folders(files: &mut Files, folders: &[&str], ending: &str) -> Vec<String> {
    let patterns = folders.iter();
    files.by_name(patterns.map(|folder| format!("{}/{ending}", folder.trim_end_matches('/'))))
}

/// Reads a line. Names of directives and options may be written in any case; a comment is a line of its own.
fn directive(line: &str) -> Option<Directive<'_>> {
    if line.starts_with(['!', ';', '#', '%']) {
        return None;
    }
    let mut words = line.split_whitespace();
    let name = words.next()?.to_ascii_lowercase();
    let kind = match name.as_str() {
        "server" => SourceKind::Server,
        "pool" => SourceKind::Pool,
        "peer" => SourceKind::Peer,
        "refclock" => {
            let (driver, parameter) = (words.next()?, words.next()?);
            let clock = format!("{driver} {parameter}");
            return Some(Directive::Source(SourceKind::Clock, clock, false));
        }
        "include" => return words.next().map(Directive::Include),
        "confdir" => return Some(Directive::Settings(words.collect())),
        "sourcedir" => return Some(Directive::Sources(words.collect())),
        _ => return None,
    };
    let host = words.next()?.to_owned();
    let nts = words.any(|option| option.eq_ignore_ascii_case("nts"));
    Some(Directive::Source(kind, host, nts))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, missed_in, said};
    use super::*;

    fn of(tree: &Tree) -> Option<Daemon> {
        let mut files = tree.files();
        let units = Units::find(&mut files);
        find(&mut files, &units)
    }

    #[test]
    fn lines_of_all_kinds() {
        let source = |line| match directive(line) {
            Some(Directive::Source(kind, name, nts)) => Some((kind, name, nts)),
            _ => None,
        };
        let is = |kind, name: &str, nts| Some((kind, name.to_owned(), nts));
        assert_eq!(
            source("server ntp1.example iburst"),
            is(SourceKind::Server, "ntp1.example", false)
        );
        assert_eq!(
            source("Pool 2.debian.pool.ntp.org IBURST NTS"),
            is(SourceKind::Pool, "2.debian.pool.ntp.org", true)
        );
        assert_eq!(
            source("peer 2001:db8::1 key 7"),
            is(SourceKind::Peer, "2001:db8::1", false)
        );
        assert_eq!(
            source("refclock PHC /dev/ptp_kvm poll 2"),
            is(SourceKind::Clock, "PHC /dev/ptp_kvm", false)
        );
        for line in [
            "",
            "server",
            "refclock PHC",
            "# server a",
            "!server a",
            "%pool b",
            "serverx a",
            "driftfile /x",
        ] {
            assert_eq!(directive(line), None, "{line}");
        }
    }

    #[test]
    fn what_it_includes_is_followed_in_its_order() {
        let tree = Tree::of(&[
            (
                "etc/chrony/chrony.conf",
                "confdir /etc/chrony/conf.d /usr/share/chrony/conf.d\nsourcedir /run/chrony-dhcp\n\
                 pool 2.debian.pool.ntp.org iburst\nsourcedir /etc/chrony/sources.d\ninclude /etc/chrony/more*.cnf\n",
            ),
            ("etc/chrony/conf.d/b.conf", "server b.example\n"),
            ("etc/chrony/conf.d/a.conf", "server a.example\n"),
            ("usr/share/chrony/conf.d/a.conf", "server hidden.example\n"),
            (
                "run/chrony-dhcp/eth0.sources",
                "server 192.0.2.1 iburst\ninclude /etc/passwd\n",
            ),
            (
                "etc/chrony/sources.d/x.sources",
                "server x.example\nserver cut.example",
            ),
            ("etc/chrony/sources.d/x.source", "server not.example\n"),
            ("etc/chrony/more1.cnf", "server more.example\n"),
        ]);
        let found = of(&tree).unwrap();
        assert_eq!(
            said(&found),
            [
                "server a.example (whoever runs it, /etc/chrony/conf.d/a.conf:1)",
                "server b.example (whoever runs it, /etc/chrony/conf.d/b.conf:1)",
                "pool 2.debian.pool.ntp.org (the image, /etc/chrony/chrony.conf:3)",
                "server more.example (whoever runs it, /etc/chrony/more1.cnf:1)",
                "server 192.0.2.1 (DHCP, /run/chrony-dhcp/eth0.sources:1)",
                "server x.example (whoever runs it, /etc/chrony/sources.d/x.sources:1)",
            ]
        );
        assert_eq!(found.takes_offers[0].line, Some(2));
        assert_eq!(found.basis, Basis::InForce);
    }

    #[test]
    fn a_helper_hands_it_servers_of_dhcp() {
        let tree = Tree::of(&[
            ("etc/chrony.conf", "server 0.rhel.pool.ntp.org iburst\n"),
            ("etc/dhcp/dhclient.d/chrony.sh", ""),
            (
                "var/lib/dhclient/chrony.servers.eth0",
                "192.0.2.1 iburst\n\n192.0.2.2\n",
            ),
        ]);
        assert_eq!(said(&of(&tree).unwrap()).len(), 1);
        tree.add("usr/libexec/chrony-helper", b"");
        let found = of(&tree).unwrap();
        assert_eq!(
            said(&found)[1..],
            [
                "server 192.0.2.1 (DHCP, /var/lib/dhclient/chrony.servers.eth0:1)",
                "server 192.0.2.2 (DHCP, /var/lib/dhclient/chrony.servers.eth0:3)",
            ]
        );
        assert_eq!(found.takes_offers[0].file, "/etc/dhcp/dhclient.d/chrony.sh");
    }

    #[test]
    fn files_that_include_themselves_end() {
        let tree = Tree::of(&[(
            "etc/chrony.conf",
            "server a.example\ninclude /etc/chrony.conf\ninclude /etc/chrony*\n",
        )]);
        let mut files = tree.files();
        let units = Units::find(&mut files);
        let found = find(&mut files, &units).unwrap();
        assert!(found.sources.len() <= MOST_FILES, "{}", found.sources.len());
        assert!(missed_in(&files).contains("included too deeply"));
    }

    #[test]
    fn a_template_is_named_as_such() {
        let tree = Tree::of(&[(
            "usr/share/chrony/chrony.conf",
            "pool 2.debian.pool.ntp.org iburst\n",
        )]);
        let found = of(&tree).unwrap();
        assert_eq!((found.basis, found.sources.len()), (Basis::Template, 1));
        assert_eq!(of(&Tree::of(&[])), None);
    }
}
