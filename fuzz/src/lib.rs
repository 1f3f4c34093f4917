//! What the targets of `discover`'s files share: a tree with one file of any content, and what must hold of it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use clockfit::report::text::{self, Style};
use clockfit::report::{Saved, SurveyReport, csv, html, json, junit, markdown, nagios, prometheus};
use clockfit::survey::{Files, answer, survey_image};
use tempfile::TempDir;

/// Servers of one kind that are told, as `discover` bounds them.
const MOST: usize = 10_000;
/// Beside them: those of the files that are always there.
const BESIDE: usize = 20;
/// Columns of a page.
const WIDTH: usize = 80;

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

/// A system in which one of these files is the input, the others as they are usually.
pub struct Tree {
    folder: TempDir,
    kinds: &'static [&'static str],
}

impl Tree {
    /// In memory where there is such a folder: each input is written as a file.
    pub fn of(kinds: &'static [&'static str]) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => TempDir::new_in(memory),
            false => TempDir::new(),
        }
        .expect("a folder");
        let at = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            path
        };
        for kind in kinds {
            at(kind);
        }
        for name in UNITS {
            for place in ["usr/lib/systemd/system", "etc/systemd/system/x.wants"] {
                fs::write(at(&format!("{place}/{name}.service")), "").expect("a file");
            }
        }
        for (path, content) in BASE {
            fs::write(at(path), content).expect("a file");
        }
        Self { folder, kinds }
    }

    /// Looks at it with an input; where there are several files, its first byte says which it is.
    pub fn look(&self, data: &[u8]) {
        let (kind, content) = match (self.kinds, data.split_first()) {
            ([only], _) => (*only, data),
            (several, Some((first, content))) => match several.get(usize::from(*first)) {
                Some(kind) => (*kind, content),
                None => return,
            },
            _ => return,
        };
        let root = self.folder.path();
        let path = root.join(kind);
        fs::write(&path, content).expect("a file");
        look(root);
        match BASE.iter().find(|(of, _)| *of == kind) {
            Some((_, usual)) => fs::write(&path, usual).expect("a file"),
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
                _ => {}
            },
        }
    }
}

/// A target of these files.
#[macro_export]
macro_rules! survey_target {
    ($($kind:literal),+ $(,)?) => {
        static TREE: std::sync::LazyLock<$crate::Tree> =
            std::sync::LazyLock::new(|| $crate::Tree::of(&[$($kind),+]));
        libfuzzer_sys::fuzz_target!(|data: &[u8]| TREE.look(data));
    };
}

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

    let said = written(|out| json::write_survey(&report, out));
    let again: SurveyReport = serde_json::from_str(&said).expect("JSON");
    assert_eq!(again, report);
    let saved = Saved::read(said.as_bytes()).expect("a report");
    assert_eq!(saved, Saved::Surveyed(Box::new(report.clone())));

    for unicode in [false, true] {
        let style = Style {
            colour: false,
            unicode,
        };
        let said = written(|out| text::write_survey(&report, style, out));
        assert!(unicode || said.is_ascii());
        for line in said.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }
    let page = written(|out| html::write_survey(&report, out));
    assert!(!page.contains("<script") && page.ends_with("</html>\n"));
    written(|out| markdown::write_survey(&report, out));
    written(|out| junit::write_survey(&report, out));
    let line = written(|out| nagios::write_survey(&report, out));
    assert_eq!((line.lines().count(), line.matches('|').count()), (1, 1));
    for line in written(|out| prometheus::write_survey(&report, out)).lines() {
        let value = line.rsplit_once(' ').map(|(_, value)| value.parse::<f64>());
        assert!(
            line.starts_with('#') || matches!(value, Some(Ok(_))),
            "{line}"
        );
    }
    let table = written(|out| csv::write_survey(&report, out));
    assert!(table.ends_with("\r\n"));
}

/// What is written, if a terminal may have it.
fn written(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory can be written");
    let said = String::from_utf8(bytes).expect("UTF-8");
    let is_bad = |c: char| c != '\n' && c.is_control();
    assert!(!said.replace("\r\n", "\n").contains(is_bad), "{said:?}");
    said
}
