//! [`Evidence`]: a line of a file that says something, so that whoever doubts can look.

use super::files::Files;
use super::lines::lines;

/// Characters of a line that are shown.
const SHOWN: usize = 160;

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// The file, as a path below the folder that was surveyed; who was asked, where nobody left a file.
    pub file: String,
    /// The line in it, from 1; absent where the file as a whole, or its being there, is what tells.
    pub line: Option<u32>,
    /// What it says, or what its being there means.
    pub text: String,
}

impl Evidence {
    /// A line of a file.
    pub(super) fn line(file: &str, line: u32, text: &str) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(line),
            text: shown(text),
        }
    }

    /// A file as a whole.
    pub(super) fn file(file: &str, text: &str) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            text: shown(text),
        }
    }
}

/// As much of a text as is shown.
fn shown(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// What the system calls itself.
pub(super) fn system(files: &mut Files) -> Option<Evidence> {
    for file in ["/etc/os-release", "/usr/lib/os-release"] {
        let Some(bytes) = files.read(file) else {
            continue;
        };
        for line in lines(&bytes) {
            if let Some(name) = line.text.strip_prefix("PRETTY_NAME=") {
                return Some(Evidence::line(
                    file,
                    line.number,
                    name.trim_matches(['"', '\'']),
                ));
            }
        }
    }
    None
}
