//! Any bytes as one of the files that `discover` reads: no panic, and a report that is bounded, shows
//! nothing that could steer a terminal, fits a page, and reads back from JSON as it was. Which file it is
//! the first byte says.

#![no_main]

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::LazyLock;

use clockfit::report::text::{self, Style};
use clockfit::report::{SurveyReport, json};
use clockfit::survey::{Files, answer, survey_image};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// Servers of one kind that are told, as `discover` bounds them.
const MOST: usize = 10_000;
/// Beside them: those of the files that are always there.
const BESIDE: usize = 20;
/// Columns of a page.
const WIDTH: usize = 80;

/// What the first byte chooses from. A seed begins with the number of its row.
const KINDS: [&str; 27] = [
    "etc/chrony/chrony.conf",
    "run/chrony-dhcp/eth0.sources",
    "etc/systemd/timesyncd.conf",
    "etc/ntp.conf",
    "etc/ntpsec/ntp.conf",
    "etc/openntpd/ntpd.conf",
    "etc/ntpd-rs/ntp.toml",
    "etc/conf.d/ntpd",
    "etc/config/system",
    "etc/linuxptp/timemaster.conf",
    "run/systemd/netif/leases/2",
    "run/systemd/netif/links/2",
    "run/NetworkManager/devices/2",
    "var/lib/dhcp/dhclient.eth0.leases",
    "var/lib/dhcpcd/eth0.lease",
    "var/lib/dhcpcd/eth0.lease6",
    "run/wicked/leaseinfo.eth0.dhcp.ipv4",
    "etc/os-release",
    "etc/systemd/network/lan.network",
    "run/systemd/timesyncd.conf.d/01-dhclient.conf",
    "run/ntpsec/ntp.conf.dhcp",
    "etc/default/ntpsec",
    "sys/class/ptp/ptp0/clock_name",
    "sys/class/net/eth0/ifindex",
    "etc/chrony/conf.d/site.conf",
    "etc/ntpsec/ntp.d/site.conf",
    "etc/systemd/system/chrony.service",
];

/// What stands there when it is not the input.
const BASE: [(&str, &str); 8] = [
    (
        "etc/chrony/chrony.conf",
        "confdir /etc/chrony/conf.d\nsourcedir /run/chrony-dhcp\n",
    ),
    ("etc/ntpsec/ntp.conf", "includefile ntp.d\n"),
    ("sys/class/net/eth0/ifindex", "2\n"),
    (
        "run/systemd/netif/links/2",
        "NETWORK_FILE=/etc/systemd/network/lan.network\nNTP=192.0.2.1 192.0.2.2\n",
    ),
    ("run/systemd/netif/leases/2", "LIFETIME=1h\nNTP=192.0.2.1\n"),
    ("usr/lib/systemd/systemd", ""),
    ("usr/lib/systemd/systemd-timesyncd", ""),
    ("usr/lib/systemd/system/phc2sys@.service", ""),
];

/// Units that are there and start.
const UNITS: [&str; 8] = [
    "systemd-networkd",
    "systemd-timesyncd",
    "chrony",
    "ntpsec",
    "ntp",
    "openntpd",
    "ntpd-rs",
    "timemaster",
];

/// In memory where there is such a folder: each input is written as a file.
static TREE: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let tree = match memory.is_dir() {
        true => TempDir::new_in(memory),
        false => TempDir::new(),
    }
    .expect("a folder");
    for kind in KINDS {
        let folder = tree.path().join(kind);
        fs::create_dir_all(folder.parent().expect("a folder")).expect("a folder");
    }
    for name in UNITS {
        for folder in ["usr/lib/systemd/system", "etc/systemd/system/x.wants"] {
            let folder = tree.path().join(folder);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join(format!("{name}.service")), "").expect("a file");
        }
    }
    for (path, content) in BASE {
        fs::write(tree.path().join(path), content).expect("a file");
    }
    tree
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, content)) = data.split_first() else {
        return;
    };
    let Some(kind) = KINDS.get(usize::from(*kind)) else {
        return;
    };
    let root = TREE.path();
    let path = root.join(kind);
    fs::write(&path, content).expect("a file");
    look(root);
    match BASE.iter().find(|(of, _)| of == kind) {
        Some((_, usual)) => fs::write(&path, usual).expect("a file"),
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            _ => {}
        },
    }
});

fn look(root: &Path) {
    let mut files = Files::below(root).expect("a folder");
    let found = survey_image(&mut files);
    assert!(found.offers.len() <= MOST + BESIDE);
    for daemon in &found.daemons {
        assert!(daemon.sources.len() <= MOST + BESIDE);
        assert!(daemon.takes_offers.len() <= MOST + BESIDE);
    }
    let answer = answer(&found);
    assert_eq!(answer.offers.len(), found.offers.len());
    let report = SurveyReport::new("clockfit", "/", &found, &answer);

    let mut bytes = Vec::new();
    json::write_survey(&report, &mut bytes).expect("memory can be written");
    let said = shown(&bytes);
    let again: SurveyReport = serde_json::from_str(said).expect("JSON");
    assert_eq!(again, report);

    for unicode in [false, true] {
        let style = Style {
            colour: false,
            unicode,
        };
        let mut bytes = Vec::new();
        text::write_survey(&report, style, &mut bytes).expect("memory can be written");
        let said = shown(&bytes);
        assert!(unicode || said.is_ascii());
        for line in said.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }
}

/// What was written, if a terminal may have it.
fn shown(bytes: &[u8]) -> &str {
    let said = str::from_utf8(bytes).expect("UTF-8");
    let is_bad = |c: char| c != '\n' && c.is_control();
    assert!(!said.contains(is_bad), "{said:?}");
    said
}
