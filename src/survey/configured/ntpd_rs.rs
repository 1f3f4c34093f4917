//! ntpd-rs: `ntp.toml` (ntp.toml(5)), in the forms of version 1 and of those before it.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::author::Writer;
use super::units::Units;
use super::{Basis, Daemon, DaemonName, MOST_SOURCES, Source, SourceKind};

const FILES: [&str; 2] = ["/etc/ntpd-rs/ntp.toml", "/etc/ntp.toml"];
/// Tables of sources, by the names that they have had.
const TABLES: [&str; 3] = ["source", "peer", "peers"];

pub(super) fn find(files: &mut Files, units: &Units) -> Option<Daemon> {
    let file = FILES.iter().find(|file| files.exists(file))?;
    let content = files.read(file).unwrap_or_default();
    let text = String::from_utf8_lossy(&content);
    let writer = Writer::of(files, file, &content);
    let mut sources = Vec::new();
    match DeTable::parse(&text) {
        Ok(table) => {
            for name in TABLES {
                let Some(DeValue::Array(all)) = table.get_ref().get(name).map(Spanned::get_ref)
                else {
                    continue;
                };
                // Lines are counted on from the source before: a file may have thousands.
                let (mut start, mut number) = (0, 1);
                for one in all.iter() {
                    if sources.len() >= MOST_SOURCES {
                        break;
                    }
                    let before = text.get(start..one.span().start).unwrap_or_default();
                    number += u32::try_from(before.matches('\n').count()).unwrap_or(0);
                    start = one.span().start.max(start);
                    sources.extend(source(file, number, one, writer));
                }
            }
        }
        Err(error) => files.miss(file, format!("is no TOML: {}", error.message())),
    }
    Some(Daemon {
        name: DaemonName::NtpdRs,
        enabled: units.enabled(files, &["ntpd-rs"]),
        basis: Basis::InForce,
        sources,
        takes_offers: Vec::new(),
    })
}

/// Where it tells its state, if anywhere.
pub(in super::super) fn observation_path(files: &mut Files) -> Option<String> {
    let file = FILES.iter().find(|file| files.exists(file))?;
    let content = files.read(file)?;
    let text = String::from_utf8_lossy(&content);
    let table = DeTable::parse(&text).ok()?;
    let DeValue::Table(section) = table.get_ref().get("observability")?.get_ref() else {
        return None;
    };
    match section.get("observation-path")?.get_ref() {
        DeValue::String(path) if path.starts_with('/') => Some(path.to_string()),
        _ => None,
    }
}

fn source(file: &str, number: u32, one: &Spanned<DeValue<'_>>, writer: Writer) -> Option<Source> {
    let DeValue::Table(table) = one.get_ref() else {
        return None;
    };
    let value = |key: &str| match table.get(key).map(Spanned::get_ref) {
        Some(DeValue::String(value)) => Some(value.as_ref()),
        _ => None,
    };
    let mode = value("mode")?.to_ascii_lowercase();
    let (kind, nts) = match mode.as_str() {
        "server" => (SourceKind::Server, false),
        "nts" | "ntsserver" => (SourceKind::Server, true),
        "pool" => (SourceKind::Pool, false),
        "nts-pool" => (SourceKind::Pool, true),
        "sock" | "pps" | "ptp" => (SourceKind::Clock, false),
        _ => return None,
    };
    let name = ["address", "addr", "ke-addr", "path"]
        .iter()
        .find_map(|key| value(key))?;
    let name = match kind {
        SourceKind::Clock => format!("{mode} {name}"),
        _ => without_port(name).to_owned(),
    };
    let evidence = Evidence::line(file, number, &format!("mode {mode}, {name}"));
    Some(Source {
        nts,
        ..Source::new(kind, &name, writer.author("", &name), evidence)
    })
}

/// A host without the port after it: more than one colon is an address of IPv6, of which one in brackets has a port.
fn without_port(address: &str) -> &str {
    if let Some(inside) = address.strip_prefix('[') {
        return inside.split(']').next().unwrap_or(inside);
    }
    match address.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Tree, missed_in, said};
    use super::*;

    fn of(text: &str) -> (Daemon, String) {
        let tree = Tree::of(&[("etc/ntpd-rs/ntp.toml", text)]);
        let mut files = tree.files();
        let units = Units::find(&mut files);
        (find(&mut files, &units).unwrap(), missed_in(&files))
    }

    #[test]
    fn sources_of_all_modes() {
        let (found, _) = of(
            "[observability]\nlog-level = \"info\"\n[[source]]\nmode = \"nts\"\naddress = \"nts.example.net:4460\"\n\
             [[source]]\nmode = \"pool\"\naddress = \"ntpd-rs.pool.ntp.org\"\ncount = 3\n\
             [[source]]\nmode = \"server\"\naddress = \"[2001:db8::1]:123\"\n[[source]]\nmode = \"sock\"\npath = \"/run/x\"\n\
             [[source]]\nmode = \"none\"\naddress = \"a\"\n[[source]]\nmode = \"server\"\naddress = 7\n\
             [[peers]]\nmode = \"Server\"\naddr = \"2001:db8::2\"\n",
        );
        assert_eq!(
            said(&found),
            [
                "server nts.example.net (whoever runs it, /etc/ntpd-rs/ntp.toml:3)",
                "pool ntpd-rs.pool.ntp.org (the image, /etc/ntpd-rs/ntp.toml:6)",
                "server 2001:db8::1 (whoever runs it, /etc/ntpd-rs/ntp.toml:10)",
                "clock sock /run/x (whoever runs it, /etc/ntpd-rs/ntp.toml:13)",
                "server 2001:db8::2 (whoever runs it, /etc/ntpd-rs/ntp.toml:22)",
            ]
        );
        assert!(found.sources[0].nts);
    }

    #[test]
    fn what_is_no_toml_is_told() {
        for text in ["[[source]\n", "source = 1\n[[source]]\n", "\u{0}"] {
            let (found, missed) = of(text);
            assert_eq!(found.sources, [], "{text:?}");
            assert!(missed.contains("is no TOML"), "{text:?}: {missed}");
        }
        assert_eq!(of("source = 1\n").0.sources, []);
    }
}
