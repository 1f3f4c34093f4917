//! [`Gathered`]: what the files of one daemon name, and how far files that include others are followed.

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::{MOST_SOURCES, Source};

/// What the files of one daemon name, as far as it is told.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Its sources.
    pub sources: Vec<Source>,
    /// What hands it the servers that DHCP offers.
    pub takes_offers: Vec<Evidence>,
}

impl Gathered {
    pub(super) fn source(&mut self, source: Source) {
        if self.sources.len() < MOST_SOURCES {
            self.sources.push(source);
        }
    }

    pub(super) fn takes(&mut self, evidence: Evidence) {
        if self.takes_offers.len() < MOST_SOURCES {
            self.takes_offers.push(evidence);
        }
    }
}

/// How far files that include others are followed; they may include themselves.
#[derive(Debug)]
pub(super) struct Includes {
    /// Files within files, so many deep.
    deepest: usize,
    /// Files that may still be read.
    left: usize,
}

impl Includes {
    pub(super) fn new(deepest: usize, most: usize) -> Self {
        Self {
            deepest,
            left: most,
        }
    }

    /// A file that so many others lead to, unless that is too far.
    pub(super) fn read(&mut self, files: &mut Files, file: &str, depth: usize) -> Option<Vec<u8>> {
        if depth > self.deepest || self.left == 0 {
            let why = "is included too deeply, or after too many others: not read";
            files.miss(file, why.to_owned());
            return None;
        }
        self.left -= 1;
        files.read(file)
    }
}
