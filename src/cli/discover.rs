//! `clockfit discover`: which time this host, or a mounted image, is offered and configured with.

use std::path::Path;

use super::args::{DiscoverArgs, SurveyExitCodes};
use super::report_file::Outputs;
use super::report_format::{ReportFormat, ReportOutput, Told, What};
use super::{Exit, TOOL, output};
use crate::net::clock;
use crate::report::{SurveyReport, escaped};
use crate::survey::{Files, answer, survey, survey_image};

/// Looks, and tells; by the exit code, too, where that is asked for.
pub(super) fn run(args: &DiscoverArgs) -> anyhow::Result<Exit> {
    let told = look(args);
    let wanted = |of: &ReportOutput| of.file.is_none() && of.format == ReportFormat::Nagios;
    if let (true, Err(error)) = (args.formats.iter().any(wanted), &told) {
        // Whoever runs plugins reads one line of standard output, and nothing else.
        let line = escaped(&format!("{error:#}")).replace('|', "/");
        output::write(|out| writeln!(out, "CLOCKFIT UNKNOWN - {line}"))?;
    }
    match (args.exit_codes, told) {
        (SurveyExitCodes::Own, told) => told.map(|_| Exit::Measured),
        (SurveyExitCodes::Nagios, Ok(report)) => Ok(report.state().into()),
        (SurveyExitCodes::Nagios, Err(error)) => {
            output::complain(&format!("error: {error:#}"));
            Ok(Exit::PluginUnknown)
        }
    }
}

fn look(args: &DiscoverArgs) -> anyhow::Result<SurveyReport> {
    let outputs = Outputs::open(&args.formats, &[])?;
    let root = args.root.as_deref().unwrap_or(Path::new("/"));
    let mut files = Files::below(root)?;
    let mut found = match args.root {
        Some(_) => survey_image(&mut files),
        None => survey(&mut files, clock::wall()),
    };
    if args.probe_dhcp {
        found.ask_dhcp(&args.interface)?;
    }
    if args.probe_metadata {
        found.ask_metadata();
    }
    let answer = answer(&found);
    let shown = root.display().to_string();
    let report = SurveyReport::new(TOOL, &shown, &found, &answer);
    outputs.write(&Told {
        what: What::Surveyed(&report),
        campaign: None,
    })?;
    Ok(report)
}
