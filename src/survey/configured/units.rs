//! [`Units`]: what starts with the system, as the files of its service manager say.

use std::collections::BTreeMap;

use super::super::evidence::Evidence;
use super::super::files::Files;

/// Whether a daemon starts with the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enabled {
    /// It does, because of this.
    Yes(Evidence),
    /// Nothing starts it.
    No,
    /// It is forbidden to, because of this.
    Masked(Evidence),
}

impl Enabled {
    /// Whether it starts.
    pub const fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

/// Where systemd finds units; the first folder that has one of a name counts (systemd.unit(5)).
const SYSTEMD: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// Folders in these name what a unit starts along with itself.
const ALONG: [&str; 3] = [".wants", ".requires", ".upholds"];
/// Folders of what other service managers start: OpenRC's run levels, and runit's services.
const LINKS: [&str; 5] = [
    "/etc/runlevels/default",
    "/etc/runlevels/boot",
    "/etc/runlevels/sysinit",
    "/etc/runit/runsvdir/default",
    "/var/service",
];
/// Folders of links with a number before the name: System V's usual run levels, and OpenWrt's only one.
const NUMBERED: [&str; 4] = ["/etc/rc2.d", "/etc/rc3.d", "/etc/rc5.d", "/etc/rc.d"];

/// What starts with a system.
#[derive(Debug)]
pub(super) struct Units {
    /// Links by the service that they start, without its ending.
    started: BTreeMap<String, String>,
}

impl Units {
    pub(super) fn find(files: &mut Files) -> Self {
        let mut started = BTreeMap::new();
        let mut add = |name: &str, link: String| {
            started.entry(name.to_owned()).or_insert(link);
        };
        for folder in SYSTEMD {
            for along in files.list(folder) {
                if !ALONG.iter().any(|ending| along.ends_with(ending)) {
                    continue;
                }
                for unit in files.list(&format!("{folder}/{along}")) {
                    if let Some(name) = unit.strip_suffix(".service") {
                        add(name, format!("{folder}/{along}/{unit}"));
                    }
                }
            }
        }
        for folder in LINKS {
            for name in files.list(folder) {
                let link = format!("{folder}/{name}");
                add(&name, link);
            }
        }
        // systemd passes over scripts of which it has a unit.
        if !files.exists("/usr/lib/systemd/systemd") && !files.exists("/lib/systemd/systemd") {
            for folder in NUMBERED {
                for script in files.list(folder) {
                    if let Some(name) = script.strip_prefix('S').and_then(|rest| rest.get(2..)) {
                        add(name, format!("{folder}/{script}"));
                    }
                }
            }
        }
        Self { started }
    }

    /// Whether one of these services starts; of templates, any instance (`ptp4l@eth0` of `ptp4l@`).
    pub(super) fn enabled(&self, files: &Files, names: &[&str]) -> Enabled {
        let mut masked = None;
        for name in names {
            // Another name of it may still start it.
            if let Some(mask) = mask(files, name) {
                masked.get_or_insert(mask);
                continue;
            }
            let link = match name.ends_with('@') {
                true => {
                    let from = self.started.range((*name).to_owned()..);
                    let mut instances = from.take_while(|(unit, _)| unit.starts_with(name));
                    instances.next().map(|(_, link)| link)
                }
                false => self.started.get(*name),
            };
            // What a removed package leaves behind starts nothing.
            if let Some(link) = link
                && (!link.contains("/systemd/") || has_unit(files, name))
            {
                return Enabled::Yes(Evidence::file(link, "is started with the system"));
            }
        }
        match masked {
            Some(mask) => Enabled::Masked(Evidence::file(&mask, "leads to /dev/null: masked")),
            None => Enabled::No,
        }
    }
}

fn mask(files: &Files, name: &str) -> Option<String> {
    let units = SYSTEMD
        .iter()
        .map(|folder| format!("{folder}/{name}.service"));
    let first = units
        .into_iter()
        .find(|unit| files.link(unit).is_some() || files.exists(unit))?;
    (files.link(&first)? == "/dev/null").then_some(first)
}

fn has_unit(files: &Files, name: &str) -> bool {
    let mut units = SYSTEMD
        .iter()
        .map(|folder| format!("{folder}/{name}.service"));
    units.any(|unit| files.exists(&unit))
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Tree;
    use super::*;

    fn of(tree: &Tree, names: &[&str]) -> Enabled {
        let mut files = tree.files();
        Units::find(&mut files).enabled(&files, names)
    }

    #[test]
    fn systemd_starts_what_is_linked_and_there() {
        let tree = Tree::of(&[
            ("usr/lib/systemd/system/chrony.service", ""),
            ("usr/lib/systemd/system/ptp4l@.service", ""),
        ]);
        tree.link(
            "etc/systemd/system/multi-user.target.wants/chrony.service",
            "/lib/systemd/system/chrony.service",
        );
        tree.link(
            "etc/systemd/system/multi-user.target.wants/ptp4l@eth0.service",
            "/nowhere",
        );
        tree.link(
            "etc/systemd/system/multi-user.target.wants/ntpsec.service",
            "/nowhere",
        );
        let chrony = of(&tree, &["chrony", "chronyd"]);
        let Enabled::Yes(evidence) = chrony else {
            panic!("{chrony:?}")
        };
        assert_eq!(
            evidence.file,
            "/etc/systemd/system/multi-user.target.wants/chrony.service"
        );
        assert!(of(&tree, &["ptp4l@"]).is_yes());
        assert_eq!(of(&tree, &["ntpsec"]), Enabled::No);
        assert_eq!(of(&tree, &["ntpd"]), Enabled::No);
        tree.link("etc/systemd/system/chrony.service", "/dev/null");
        assert!(matches!(of(&tree, &["chrony"]), Enabled::Masked(_)));
        // The mask of what it took the place of does not keep it from starting.
        tree.add("usr/lib/systemd/system/ntpsec.service", b"");
        tree.link("etc/systemd/system/ntp.service", "/dev/null");
        assert!(of(&tree, &["ntp", "ntpsec"]).is_yes());
    }

    #[test]
    fn other_service_managers() {
        let tree = Tree::of(&[("etc/init.d/chronyd", ""), ("etc/rc2.d/S01ntpsec", "")]);
        tree.link("etc/runlevels/default/chronyd", "/etc/init.d/chronyd");
        tree.link("etc/rc.d/S98sysntpd", "../init.d/sysntpd");
        tree.link("etc/rc2.d/K01openntpd", "../init.d/openntpd");
        for name in ["chronyd", "ntpsec", "sysntpd"] {
            assert!(of(&tree, &[name]).is_yes(), "{name}");
        }
        assert_eq!(of(&tree, &["openntpd"]), Enabled::No);
        // With systemd a script is started by its unit alone.
        tree.add("usr/lib/systemd/systemd", b"");
        assert_eq!(of(&tree, &["ntpsec"]), Enabled::No);
    }
}
