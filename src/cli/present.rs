//! From what a run told to what is printed: the one path that a run and its replay share.

use anyhow::Context;

use super::args::Format;
use super::{Exit, output};
use crate::estimate::{self, Plan};
use crate::report::text;
use crate::report::{Report, json};
use crate::sample::{Campaign, LossCause, SourceRecord};

/// Analyses the campaign and prints the report; failed if no source gave a single sample.
pub(super) fn report(campaign: &Campaign, format: Format) -> anyhow::Result<Exit> {
    let assessment = estimate::analyse(campaign, &Plan::default());
    let report = Report::new(campaign, &assessment);
    output::write(|mut out| match format {
        Format::Json => json::write(&report, &mut out),
        Format::Text => text::write(&report, output::style(), &mut out),
    })
    .context("the report could not be written")?;
    let measured = campaign.asked().any(|source| !source.samples.is_empty());
    if measured {
        return Ok(Exit::Measured);
    }
    output::complain(&format!("error: nothing was measured: {}", why(campaign)));
    Ok(Exit::Failed)
}

/// The most likely reason that there is no sample, and what to do.
fn why(campaign: &Campaign) -> &'static str {
    let any = |test: fn(&SourceRecord) -> bool| campaign.asked().any(test);
    if campaign.sources.is_empty() {
        "no source has an address; check the names, or name addresses"
    } else if !any(|s| s.sent() > 0) {
        "the run ended before the first request"
    } else if any(|s| !s.incidents().rejected.is_empty()) {
        "every answer was rejected; the report names the reasons"
    } else if !any(|s| {
        s.incidents()
            .lost
            .keys()
            .any(|cause| *cause != LossCause::Refused)
    }) {
        "every request was refused; is that the address and port of an NTP server, and does it run?"
    } else if any(|s| s.lost_total() > 0) {
        "no source answered; check the addresses, firewalls (UDP port 123) and that a server runs"
    } else {
        "the run ended before the first answer"
    }
}
