//! A survey as a table: a line for each server or clock that is offered, configured or used.

use std::io::{self, Write};

use super::super::survey::{EvidenceReport, SurveyReport};
use super::{row, text};

/// Columns.
const COLUMNS: [&str; 16] = [
    "what",
    "server",
    "name",
    "kind",
    "daemon",
    "starts",
    "by",
    "client",
    "interface",
    "standing",
    "selection",
    "used",
    "terms",
    "file",
    "line",
    "text",
];

/// A line; what it does not have is empty.
#[derive(Default)]
struct Line<'a> {
    what: &'static str,
    server: &'a str,
    name: &'a str,
    kind: String,
    daemon: &'a str,
    starts: Option<bool>,
    by: String,
    client: &'a str,
    interface: &'a str,
    standing: String,
    selection: String,
    used: Option<bool>,
    terms: String,
}

/// Writes a line for each offer, each source that a daemon is configured with and each server that one has, in this
/// order. Words are those of the JSON report.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    row(out, &COLUMNS.map(str::to_owned))?;
    for of in &report.offers {
        let line = Line {
            what: "offered",
            server: &of.server,
            kind: match of.by.is_network() {
                true => "server".to_owned(),
                false => "clock".to_owned(),
            },
            by: word(&of.by)?,
            client: &of.client,
            interface: of.interface.as_deref().unwrap_or_default(),
            standing: word(&of.standing)?,
            used: of.used,
            ..Line::default()
        };
        line.write(&of.evidence, out)?;
    }
    for daemon in &report.daemons {
        for of in &daemon.sources {
            let terms = [("nts", of.nts), ("fallback", of.fallback)];
            let terms = terms.iter().filter_map(|(name, is)| is.then_some(*name));
            let line = Line {
                what: "configured",
                server: &of.name,
                kind: word(&of.kind)?,
                daemon: &daemon.name,
                starts: Some(daemon.enabled),
                by: word(&of.author)?,
                terms: terms.collect::<Vec<_>>().join(" "),
                ..Line::default()
            };
            line.write(&of.evidence, out)?;
        }
    }
    for daemon in report.running.iter().flatten() {
        for of in &daemon.servers {
            let line = Line {
                what: "used",
                server: &of.server,
                name: of.name.as_deref().unwrap_or_default(),
                kind: match of.is_clock {
                    true => "clock".to_owned(),
                    false => "server".to_owned(),
                },
                daemon: &daemon.name,
                selection: word(&of.selection)?,
                used: Some(of.selection == crate::survey::Selection::Used),
                ..Line::default()
            };
            line.write(&of.evidence, out)?;
        }
    }
    Ok(())
}

/// As the JSON report spells it.
fn word(of: &impl serde::Serialize) -> io::Result<String> {
    let value = serde_json::to_value(of)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

impl Line<'_> {
    fn write(&self, evidence: &EvidenceReport, out: &mut impl Write) -> io::Result<()> {
        let flag = |of: Option<bool>| of.map_or_else(String::new, |is| is.to_string());
        let cells = [
            self.what.to_owned(),
            text(self.server),
            text(self.name),
            self.kind.clone(),
            text(self.daemon),
            flag(self.starts),
            self.by.clone(),
            text(self.client),
            text(self.interface),
            self.standing.clone(),
            self.selection.clone(),
            flag(self.used),
            self.terms.clone(),
            text(&evidence.file),
            evidence.line.map_or_else(String::new, |n| n.to_string()),
            text(&evidence.text),
        ];
        row(out, &cells)
    }
}
