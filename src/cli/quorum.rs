//! `clockfit quorum`: reports of several hosts are held against each other.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use rayon::prelude::*;

use super::args::QuorumArgs;
use super::old::{self, Old};
use super::report_file::Outputs;
use super::report_format::ReportFormat;
use super::{Exit, catalogue, check};
use crate::estimate::{Plan, analyse};
use crate::fitness::{Common, Member, NoMember, Peer, Question, quorum};
use crate::report::{Named, QuorumReport, json, markdown, text};

/// Judges, and says so by the exit code.
pub(super) fn run(args: &QuorumArgs) -> anyhow::Result<Exit> {
    let catalogue = catalogue::load(&args.catalogue)?;
    let question = Question::new(
        &catalogue,
        &args.question.services,
        args.question.grade.as_deref(),
    )?;
    let named: Vec<(Option<String>, PathBuf)> = args.reports.iter().map(|of| parted(of)).collect();
    let files = named.iter().map(|(_, file)| file);
    let kept: Vec<&Path> = files
        .chain(&args.catalogue.profile)
        .map(PathBuf::as_path)
        .collect();
    let outputs = Outputs::open(&args.formats, &kept)?;
    let members: Vec<Member> = named
        .par_iter()
        .map(|(name, file)| member(name.as_deref(), file, args))
        .collect::<anyhow::Result<_>>()?;
    let commons: Vec<Common> = args
        .common
        .iter()
        .map(|text| common(text))
        .collect::<anyhow::Result<_>>()?;
    let peers: Vec<Peer> = args
        .peer
        .iter()
        .map(|(member, source)| Peer {
            member: member.clone(),
            source: source.clone(),
        })
        .collect();
    let judged = quorum(&members, &commons, &peers, &question)?;
    let files: Vec<String> = named
        .iter()
        .map(|(_, file)| file.display().to_string())
        .collect();
    let named = Named {
        members: &members,
        files: &files,
        commons: &commons,
        peers: &peers,
    };
    let report = QuorumReport::new(super::TOOL, named, &catalogue, &judged);
    outputs.write_by(|format, style, mut out| match format {
        ReportFormat::Json => json::write_quorum(&report, &mut out),
        ReportFormat::Markdown => markdown::write_quorum(&report, &mut out),
        _ => text::write_quorum(&report, style, &mut out),
    })?;
    Ok(check::exit(judged.verdict, args.question.undetermined_is))
}

/// A name and a file; what is a file as a whole has no name.
fn parted(text: &str) -> (Option<String>, PathBuf) {
    let whole = PathBuf::from(text);
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !whole.exists() => {
            (Some(name.to_owned()), PathBuf::from(file))
        }
        _ => (None, whole),
    }
}

fn common(text: &str) -> anyhow::Result<Common> {
    let names: Vec<String> = text.split('=').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        bail!("--common {text:?}: a name is empty; name one server, or several names of it as A=B");
    }
    Ok(Common { names })
}

fn member(name: Option<&str>, file: &Path, args: &QuorumArgs) -> anyhow::Result<Member> {
    let made = match old::read(file)? {
        Old::Recording(replay) => {
            let plan = Plan {
                // Servers are compared here.
                course: false,
                ..check::plan(args.analysis)
            };
            let assessment = analyse(&replay.campaign, &plan);
            Member::of(&replay.campaign, &assessment)
        }
        Old::Report(saved) => old::measurement(&saved, &file.display().to_string())?.member(),
    };
    let mut member = made
        .map_err(|error: NoMember| anyhow!(error))
        .with_context(|| file.display().to_string())?;
    if let Some(name) = name {
        name.clone_into(&mut member.name);
    }
    Ok(member)
}
