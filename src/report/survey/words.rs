//! What a survey found in words that are the same in every format for people.

use super::super::quantity::{plain, signed_ppm};
use super::{
    DaemonReport, EvidenceReport, KernelClockReport, RunningReport, SurveyReport, TimeOfferReport,
    TimeSourceReport, UsedReport,
};
use crate::survey::{Basis, Selection, Standing};
use crate::time::NANOS_PER_SEC;

/// `this host takes ...`
pub(in crate::report) fn headline(report: &SurveyReport) -> String {
    format!("{} {}", subject(report), report.text)
}

/// What was looked at.
pub(in crate::report) fn subject(report: &SurveyReport) -> String {
    match report.root.as_str() {
        "/" => "this host".to_owned(),
        root => format!("the system below {root}"),
    }
}

/// The program that looked, and at what system.
pub(in crate::report) fn by(report: &SurveyReport) -> String {
    let system = report.system.as_ref().map(|of| format!(", {of}"));
    format!("{}{}", report.tool, system.unwrap_or_default())
}

/// A file, and the line in it.
pub(in crate::report) fn place(of: &EvidenceReport) -> String {
    match of.line {
        Some(line) => format!("{}:{line}", of.file),
        None => of.file.clone(),
    }
}

/// A line of evidence, and what it says.
pub(in crate::report) fn said(of: &EvidenceReport) -> String {
    format!("{}: {}", place(of), of.text)
}

/// Whether an offer still stands.
pub(in crate::report) fn standing(of: Standing) -> &'static str {
    match of {
        Standing::InForce => "in force",
        Standing::Old => "its lease has run out",
        Standing::Unknown => "until when is not known",
    }
}

/// What became of an offer.
pub(in crate::report) fn taken(of: &TimeOfferReport) -> String {
    let has = match of.configured_by {
        Some(author) => format!("configured by {}", author.name()),
        None => "no daemon that starts has it".to_owned(),
    };
    let used = match of.used {
        Some(true) => ", and used",
        Some(false) => ", and not used",
        None => "",
    };
    format!("{has}{used}")
}

/// An offer: who, over which interface, and what became of it.
pub(in crate::report) fn offer(of: &TimeOfferReport) -> String {
    let over = of.interface.as_ref().map(|name| format!(" over {name}"));
    let stands = match of.standing {
        Standing::InForce => String::new(),
        of => format!("; {}", standing(of)),
    };
    format!(
        "{} by {}{} ({}): {}{stands}",
        of.server,
        of.by.name(),
        over.unwrap_or_default(),
        of.client,
        taken(of)
    )
}

/// Whether a daemon starts, and by what its sources are known.
pub(in crate::report) fn daemon(of: &DaemonReport) -> String {
    let starts = match (of.enabled, of.masked) {
        (true, _) => "starts with the system",
        (false, true) => "is masked",
        (false, false) => "does not start",
    };
    let basis = match of.basis {
        Basis::InForce => "",
        Basis::Template => "; its sources by the template of its package",
        Basis::BuiltIn => "; its sources are those built in",
    };
    format!("{} {starts}{basis}", of.name)
}

/// A source of a daemon: its kind, its name, who wrote it and where.
pub(in crate::report) fn source(of: &TimeSourceReport) -> String {
    format!(
        "{} {}{}, by {} ({})",
        of.kind.name(),
        of.name,
        terms(of),
        of.author.name(),
        place(&of.evidence)
    )
}

/// On which terms a source is asked.
pub(in crate::report) fn terms(of: &TimeSourceReport) -> String {
    let nts = if of.nts { ", NTS" } else { "" };
    let fallback = if of.fallback {
        ", if there is nothing else"
    } else {
        ""
    };
    format!("{nts}{fallback}")
}

/// Whether a daemon that runs tells what it uses.
pub(in crate::report) fn runs(of: &RunningReport) -> String {
    match &of.untold {
        Some(why) => format!("{} runs; what it uses is not known: {why}", of.name),
        None if of.servers.is_empty() => format!("{} runs, and has no server", of.name),
        None => format!("{} runs", of.name),
    }
}

/// A server of a daemon that runs: its address, its name in the settings, and what the daemon thinks of it.
pub(in crate::report) fn used(of: &UsedReport) -> String {
    let name = of.name.as_ref().map(|name| format!(" ({name})"));
    let name = name.unwrap_or_default();
    format!("{}{name}: {}", of.server, selection(of.selection))
}

/// What a daemon thinks of a server.
pub(in crate::report) fn selection(of: Selection) -> &'static str {
    match of {
        Selection::Used => "used",
        Selection::Candidate => "could be used",
        Selection::Rejected => "answers, and is not believed",
        Selection::Unusable => "does not answer, or not well enough",
    }
}

/// What the kernel says of its clock.
pub(in crate::report) fn kernel(of: &KernelClockReport) -> String {
    let rate = signed_ppm(of.rate_ppb);
    let tai = match of.tai_ns {
        Some(tai) => format!("TAI - UTC {} s", tai / NANOS_PER_SEC),
        None => "TAI not known to it".to_owned(),
    };
    let (error, estimated) = (plain(of.max_error_ns), plain(of.estimated_error_ns));
    match of.synchronised {
        true => {
            format!("synchronised, at most {error} off, estimated {estimated}; rate {rate}; {tai}")
        }
        false => format!("not synchronised; rate {rate}; {tai}"),
    }
}
