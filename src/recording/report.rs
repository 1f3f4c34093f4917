//! [`ReadReport`]: what a reader could not use of a recording.

use std::collections::BTreeMap;

use serde::Serialize;

/// Unknown kinds that are counted by name; a damaged file could name any number of them.
const MAX_UNKNOWN_KINDS: usize = 32;
/// Letters of an unknown kind's name that are kept.
const MAX_KIND_CHARS: usize = 32;
/// Letters of a reason that are kept.
pub(super) const MAX_REASON_CHARS: usize = 160;
/// What counts the kinds beyond [`MAX_UNKNOWN_KINDS`].
const OTHER_KINDS: &str = "(others)";

/// What a reader could not use of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReadReport {
    /// Lines in the file, the first and a torn last one included.
    pub lines: u64,
    /// Lines that a newer minor version added, by kind (`kind` or `kind:name`), at most 32 of them
    /// by name.
    pub unknown_kinds: BTreeMap<String, u64>,
    /// Whether the last line is incomplete: the run was killed, or its disk was full.
    pub torn_last_line: bool,
    /// Lines that make no sense.
    pub unreadable: Unreadable,
    /// Where a packed file could not be unpacked to its end: why.
    pub damage: Option<String>,
}

/// Lines that make no sense, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// How many.
    pub count: u64,
    /// Number of the first, counted from 1, and what is wrong with it.
    pub first: Option<(u64, String)>,
}

impl ReadReport {
    /// Whether every line of the file was understood.
    pub fn is_whole(&self) -> bool {
        self.unknown_kinds.is_empty()
            && !self.torn_last_line
            && self.unreadable.count == 0
            && self.damage.is_none()
    }

    /// What a person should know, one sentence each; none for a whole recording.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(damage) = &self.damage {
            // The last line is torn then as well, for the same reason.
            lines.push(format!("{damage}; what was unpacked before is used"));
        } else if self.torn_last_line {
            lines.push(
                "the last line is torn and was skipped; what stands before it is used".into(),
            );
        }
        if let Some((number, reason)) = &self.unreadable.first {
            let count = self.unreadable.count;
            lines.push(format!(
                "{count} unreadable lines were skipped, the first is {number}: {reason}"
            ));
        }
        if !self.unknown_kinds.is_empty() {
            let count: u64 = self.unknown_kinds.values().sum();
            let kinds: Vec<_> = self.unknown_kinds.keys().map(String::as_str).collect();
            let kinds = kinds.join(", ");
            lines.push(format!(
                "{count} lines of kinds this version does not know were skipped: {kinds}"
            ));
        }
        lines
    }

    pub(super) fn count_unknown(&mut self, kind: &str) {
        let mut kind = clip(kind, MAX_KIND_CHARS);
        if self.unknown_kinds.len() >= MAX_UNKNOWN_KINDS && !self.unknown_kinds.contains_key(&kind)
        {
            kind = OTHER_KINDS.to_owned();
        }
        *self.unknown_kinds.entry(kind).or_default() += 1;
    }

    pub(super) fn count_unreadable(&mut self, number: u64, reason: impl FnOnce() -> String) {
        self.unreadable.count += 1;
        if self.unreadable.first.is_none() {
            self.unreadable.first = Some((number, clip(&reason(), MAX_REASON_CHARS)));
        }
    }
}

/// At most `max` characters, without any that could move a terminal's cursor.
pub(super) fn clip(text: &str, max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max).collect()
}
