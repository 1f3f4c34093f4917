//! `clockfit discover`: which time this host, or a mounted image, is offered and configured with.

use std::path::Path;

use super::args::DiscoverArgs;
use super::report_file::Outputs;
use super::report_format::ReportFormat;
use super::{Exit, TOOL};
use crate::net::clock;
use crate::report::{SurveyReport, json, text};
use crate::survey::{Files, answer, survey, survey_image};

/// Looks, and tells.
pub(super) fn run(args: &DiscoverArgs) -> anyhow::Result<Exit> {
    let outputs = Outputs::open(&args.formats, &[])?;
    let root = args.root.as_deref().unwrap_or(Path::new("/"));
    let mut files = Files::below(root)?;
    let found = match args.root {
        Some(_) => survey_image(&mut files),
        None => survey(&mut files, clock::wall()),
    };
    let answer = answer(&found);
    let shown = root.display().to_string();
    let report = SurveyReport::new(TOOL, &shown, &found, &answer);
    outputs.write_by(|format, style, mut out| match format {
        ReportFormat::Json => json::write_survey(&report, &mut out),
        _ => text::write_survey(&report, style, &mut out),
    })?;
    Ok(Exit::Measured)
}
