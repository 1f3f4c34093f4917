//! Trees of files for tests of what is read from them.

use std::fs;

use super::Files;
use super::configured::Daemon;

/// A folder of files, gone at its end.
pub(super) struct Tree(tempfile::TempDir);

impl Tree {
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (path, content) in files {
            tree.add(path, content.as_bytes());
        }
        tree
    }

    pub(super) fn add(&self, path: &str, content: &[u8]) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(super) fn path(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    pub(super) fn link(&self, path: &str, target: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    pub(super) fn files(&self) -> Files {
        Files::below(self.0.path()).unwrap()
    }
}

/// What could not be read, as text.
pub(super) fn missed_in(files: &Files) -> String {
    let missed = files.missed().into_iter();
    missed
        .map(|of| format!("{}: {}\n", of.path, of.why))
        .collect()
}

/// A daemon's sources, a line each.
pub(super) fn said(daemon: &Daemon) -> Vec<String> {
    let sources = daemon.sources.iter();
    sources
        .map(|of| {
            format!(
                "{} {} ({}, {}:{})",
                of.kind.name(),
                of.name,
                of.author.name(),
                of.evidence.file,
                of.evidence.line.unwrap_or_default()
            )
        })
        .collect()
}
