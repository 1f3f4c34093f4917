//! `clockfit nic`: what each interface can stamp, and how it is set.

use anyhow::Context;

use super::args::{Format, NicArgs};
use super::{Exit, output};
use crate::net::nic;
use crate::report::text;
use crate::report::{NicReport, json};

/// Looks at the interfaces and reports.
pub(super) fn run(args: &NicArgs) -> anyhow::Result<Exit> {
    let found = nic::survey(&args.interfaces)?;
    let report = NicReport::new(super::TOOL, &found);
    output::write(|mut out| match args.format {
        Format::Json => json::write_nics(&report, &mut out),
        Format::Text => text::write_nics(&report, output::style(), &mut out),
    })
    .context("the report could not be written")?;
    Ok(Exit::Measured)
}
