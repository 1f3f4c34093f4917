//! ntpd, of the NTP reference implementation and of ntpsec: `ntp.conf` and what it includes (ntp.conf(5)).

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::super::lines::{Line, lines};
use super::author::{Author, Marks, Writer};
use super::gathered::{Gathered, Includes};
use super::units::Units;
use super::{Basis, Daemon, DaemonName, Source, SourceKind};

/// ntpsec's own file.
const NTPSEC: &str = "/etc/ntpsec/ntp.conf";
/// What Debian's hook of DHCP clients makes of it; its servers take the place of those in the file above.
const NTPSEC_DHCP: &str = "/run/ntpsec/ntp.conf.dhcp";
const NTPSEC_DEFAULTS: &str = "/etc/default/ntpsec";
const CLASSIC: &str = "/etc/ntp.conf";
const CLASSIC_DHCP: &str = "/run/ntp.conf.dhcp";
/// Files that include files so deep are not read by ntpd.
const DEEPEST: usize = 5;
/// Files that are followed.
const MOST_FILES: usize = 200;

/// ntpsec where Debian and its kin have it.
pub(super) fn find_ntpsec(files: &mut Files, units: &Units) -> Option<Daemon> {
    if !files.exists(NTPSEC) {
        return None;
    }
    let ignores = ignores_dhcp(files);
    let is_by_dhcp = !ignores && files.exists(NTPSEC_DHCP);
    let main = if is_by_dhcp { NTPSEC_DHCP } else { NTPSEC };
    let mut found = Found::new();
    found.read(files, main, 0);
    let beside = main.rsplit_once('/').map_or("", |(folder, _)| folder);
    for file in files.glob(&format!("{beside}/ntp.d/*.conf")) {
        found.read(files, &file, 1);
    }
    let hooks = [
        "/etc/dhcp/dhclient-exit-hooks.d/ntpsec",
        "/usr/lib/NetworkManager/dispatcher.d/20-ntpsec",
        "/etc/NetworkManager/dispatcher.d/20-ntpsec",
        "/usr/libexec/ntpsec/ntp-systemd-netif",
    ];
    let hook = hooks.iter().find(|hook| !ignores && files.exists(hook));
    let hook = hook.map(|hook| Evidence::file(hook, "hands it the servers that DHCP offers"));
    Some(Daemon {
        name: DaemonName::Ntpsec,
        enabled: units.enabled(files, &["ntpsec", "ntp", "ntpd"]),
        basis: Basis::InForce,
        sources: found.gathered.sources,
        takes_offers: hook
            .into_iter()
            .chain(found.gathered.takes_offers)
            .collect(),
    })
}

/// The reference implementation, or ntpsec where distributions put it in its place.
pub(super) fn find_classic(files: &mut Files, units: &Units) -> Option<Daemon> {
    // busybox reads the same file, and says so by what starts it.
    if !files.exists(CLASSIC) || files.exists("/etc/conf.d/ntpd") {
        return None;
    }
    let main = if files.exists(CLASSIC_DHCP) {
        CLASSIC_DHCP
    } else {
        CLASSIC
    };
    let mut found = Found::new();
    found.read(files, main, 0);
    let hook = "/etc/dhcp/dhclient-exit-hooks.d/ntp";
    let hook = files
        .exists(hook)
        .then(|| Evidence::file(hook, "hands it the servers that DHCP offers"));
    Some(Daemon {
        name: DaemonName::Ntpd,
        enabled: units.enabled(files, &["ntp", "ntpd"]),
        basis: Basis::InForce,
        sources: found.gathered.sources,
        takes_offers: hook
            .into_iter()
            .chain(found.gathered.takes_offers)
            .collect(),
    })
}

fn ignores_dhcp(files: &mut Files) -> bool {
    let Some(content) = files.read(NTPSEC_DEFAULTS) else {
        return false;
    };
    let set = lines(&content).filter_map(|line| {
        let value = line.text.strip_prefix("IGNORE_DHCP=")?;
        Some(value.trim_matches(['"', '\'']) == "yes")
    });
    set.last().unwrap_or(false)
}

struct Found {
    gathered: Gathered,
    includes: Includes,
    /// Whether a file said that nothing is to be read any more.
    ended: bool,
}

impl Found {
    fn new() -> Self {
        Self {
            gathered: Gathered::default(),
            includes: Includes::new(DEEPEST, MOST_FILES),
            ended: false,
        }
    }

    fn read(&mut self, files: &mut Files, file: &str, depth: usize) {
        let Some(content) = self.includes.read(files, file, depth) else {
            return;
        };
        let writer = Writer::of(files, file, &content);
        let mut marks = Marks::default();
        for line in lines(&content) {
            if marks.opens(&line.text) {
                let evidence = Evidence::line(file, line.number, &line.text);
                self.gathered.takes(evidence);
            }
            let text = line.text.split('#').next().unwrap_or_default();
            let words: Vec<&str> = text
                .split_whitespace()
                .map(|word| word.trim_matches('"'))
                .collect();
            if self.ended {
                return;
            }
            match &*words {
                ["end"] => self.ended = true,
                ["includefile", path] => self.include(files, file, path, depth),
                [command, rest @ ..] => self.source(command, rest, (file, &line), (writer, &marks)),
                [] => {}
            }
        }
    }

    fn include(&mut self, files: &mut Files, by: &str, path: &str, depth: usize) {
        let folder = by.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = match path.starts_with('/') {
            true => path.to_owned(),
            false => format!("{folder}/{path}"),
        };
        // ntpsec takes a folder, too.
        let within = files.glob(&format!("{path}/*.conf"));
        match within.is_empty() {
            true => self.read(files, &path, depth + 1),
            false => within
                .iter()
                .for_each(|file| self.read(files, file, depth + 1)),
        }
    }

    fn source(
        &mut self,
        command: &str,
        rest: &[&str],
        (file, line): (&str, &Line<'_>),
        (writer, marks): (Writer, &Marks),
    ) {
        let kind = match command {
            "server" | "manycastclient" => SourceKind::Server,
            "pool" => SourceKind::Pool,
            "peer" => SourceKind::Peer,
            "refclock" => SourceKind::Clock,
            _ => return,
        };
        let families = ["-4", "-6", "--ipv4", "--ipv6"];
        let rest = match rest {
            [family, rest @ ..] if families.contains(family) => rest,
            rest => rest,
        };
        let [name, options @ ..] = rest else { return };
        // Clocks of the reference implementation are servers with addresses of their own.
        let clock = name.strip_prefix("127.127.");
        let kind = if clock.is_some() {
            SourceKind::Clock
        } else {
            kind
        };
        // A copy for DHCP has the rest of the file that it was made from: of its lines, servers alone are DHCP's.
        let is_copied = [NTPSEC_DHCP, CLASSIC_DHCP].contains(&file) && kind != SourceKind::Server;
        let author = match is_copied {
            true => Author::of_server(name),
            false => writer.author(&line.text, name),
        };
        let evidence = Evidence::line(file, line.number, &line.text);
        self.gathered.source(Source {
            nts: options.contains(&"nts"),
            ..Source::new(kind, name, marks.author(author), evidence)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, missed_in, said};
    use super::*;

    fn of(tree: &Tree, find: fn(&mut Files, &Units) -> Option<Daemon>) -> Option<Daemon> {
        let mut files = tree.files();
        let units = Units::find(&mut files);
        find(&mut files, &units)
    }

    #[test]
    fn sources_of_both_kinds() {
        let tree = Tree::of(&[(
            "etc/ntp.conf",
            "server -6 ntp6.example.net iburst nts   # KE\nserver 192.0.2.5 key 7 prefer\n\
             pool 2.debian.pool.ntp.org iburst\nserver a.example#c iburst\nrefclock shm unit 2 refid GPS\n\
             server 127.127.28.0 mode 1\nfudge 127.127.28.0 refid X\nrestrict default\nServer no.example\n\
             server\nend\nserver after.example\n",
        )]);
        let found = of(&tree, find_classic).unwrap();
        assert_eq!(
            said(&found),
            [
                "server ntp6.example.net (whoever runs it, /etc/ntp.conf:1)",
                "server 192.0.2.5 (whoever runs it, /etc/ntp.conf:2)",
                "pool 2.debian.pool.ntp.org (the image, /etc/ntp.conf:3)",
                "server a.example (whoever runs it, /etc/ntp.conf:4)",
                "clock shm (whoever runs it, /etc/ntp.conf:5)",
                "clock 127.127.28.0 (whoever runs it, /etc/ntp.conf:6)",
            ]
        );
        assert!(found.sources[0].nts);
    }

    #[test]
    fn what_debian_s_ntpsec_gets_from_dhcp_takes_the_place_of_its_file() {
        let tree = Tree::of(&[
            ("etc/ntpsec/ntp.conf", "pool 0.debian.pool.ntp.org iburst\n"),
            ("etc/ntpsec/ntp.d/site.conf", "server site.example\n"),
            ("etc/default/ntpsec", "IGNORE_DHCP=\"\"\n"),
        ]);
        let names = |tree: &Tree| -> Vec<String> {
            let found = of(tree, find_ntpsec).unwrap();
            found.sources.into_iter().map(|of| of.name).collect()
        };
        assert_eq!(names(&tree), ["0.debian.pool.ntp.org", "site.example"]);
        tree.add("run/ntpsec/ntp.conf.dhcp", b"server 192.0.2.1 iburst\n");
        assert_eq!(names(&tree), ["192.0.2.1"]);
        tree.add("etc/default/ntpsec", b"IGNORE_DHCP=yes\n");
        assert_eq!(names(&tree), ["0.debian.pool.ntp.org", "site.example"]);
    }

    #[test]
    fn what_dhcp_wrote_into_a_file_and_what_it_left_there() {
        let tree = Tree::of(&[(
            "etc/ntp.conf",
            "server a.example\n# Generated by dhcpcd from eth0.dhcp\nserver 192.0.2.1\n\
             # End of dhcpcd from eth0.dhcp\nserver b.example\n",
        )]);
        let found = of(&tree, find_classic).unwrap();
        assert_eq!(
            said(&found),
            [
                "server a.example (whoever runs it, /etc/ntp.conf:1)",
                "server 192.0.2.1 (DHCP, /etc/ntp.conf:3)",
                "server b.example (whoever runs it, /etc/ntp.conf:5)",
            ]
        );
        assert_eq!(found.takes_offers[0].line, Some(2));
        tree.add(
            "run/ntp.conf.dhcp",
            b"server 192.0.2.1 iburst\n\npool 0.ubuntu.pool.ntp.org\npool own.example\n",
        );
        assert_eq!(
            said(&of(&tree, find_classic).unwrap()),
            [
                "server 192.0.2.1 (DHCP, /run/ntp.conf.dhcp:1)",
                "pool 0.ubuntu.pool.ntp.org (the image, /run/ntp.conf.dhcp:3)",
                "pool own.example (whoever runs it, /run/ntp.conf.dhcp:4)",
            ]
        );
    }

    #[test]
    fn files_that_include_themselves_end() {
        let tree = Tree::of(&[(
            "etc/ntp.conf",
            "includefile ntp.conf\nincludefile /etc/ntp.conf\nserver a.example\n",
        )]);
        let mut files = tree.files();
        let units = Units::find(&mut files);
        let found = find_classic(&mut files, &units).unwrap();
        assert!(found.sources.len() <= MOST_FILES);
        assert!(missed_in(&files).contains("too deeply"));
    }
}
