//! From what a run told to what is printed: the one path that a run and its replay share.

use super::args::{AnalysisArgs, TauSet};
use super::report_file::Outputs;
use super::report_format::{Told, What};
use super::{Exit, output};
use crate::estimate::{self, Plan};
use crate::report::Report;
use crate::sample::{Campaign, LossCause, SourceRecord};
use crate::stats::stability::Taus;

/// Analyses the campaign and writes the reports; failed if no source gave a single sample.
pub(super) fn report(campaign: &Campaign, plan: &Plan, outputs: Outputs) -> anyhow::Result<Exit> {
    let assessment = estimate::analyse(campaign, plan);
    let report = Report::new(campaign, &assessment);
    outputs.write(&Told {
        what: What::Measured(&report),
        campaign: Some(campaign),
    })?;
    let measured = campaign.asked().any(|source| !source.samples.is_empty());
    if measured {
        return Ok(Exit::Measured);
    }
    output::complain(&format!("error: nothing was measured: {}", why(campaign)));
    Ok(Exit::Failed)
}

/// How a run is to be analysed.
pub(super) fn plan(args: AnalysisArgs) -> Plan {
    let default = Plan::default();
    Plan {
        drift: args.drift,
        window: args.window.unwrap_or(default.window),
        taus: taus(args),
        ..default
    }
}

/// At which averaging times stability is told.
pub(super) fn taus(args: AnalysisArgs) -> Taus {
    match args.taus {
        TauSet::Octave => Taus::Octave,
        TauSet::Decade => Taus::Decade,
        TauSet::All => Taus::All,
    }
}

/// The most likely reason that there is no sample, and what to do.
fn why(campaign: &Campaign) -> &'static str {
    let any = |test: fn(&SourceRecord) -> bool| campaign.asked().any(test);
    if campaign.sources.is_empty() {
        "no source has an address; check the names, or name addresses"
    } else if !any(|s| s.sent() > 0) {
        "the run ended before the first answer: measure longer"
    } else if any(|s| !s.incidents().rejected.is_empty()) {
        "every answer was rejected; the report names the reasons"
    } else if !any(|s| s.info.kind.is_server()) {
        "no clock could be read; the report says why"
    } else if !any(|s| {
        s.incidents()
            .lost
            .keys()
            .any(|cause| *cause != LossCause::Refused)
    }) {
        "every request was refused; is that the address and port of an NTP server, and does it run?"
    } else {
        "no source answered; check the addresses, firewalls (UDP port 123) and that a server runs"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{Event, RunHeader, Sink, SourceId, SourceInfo, SourceKind, Timescale};
    use crate::time::Monotonic;

    #[test]
    fn the_reason_fits_what_happened() {
        let told = |kind, lost: &[LossCause]| {
            let mut campaign = Campaign::new(RunHeader::default());
            let info = SourceInfo {
                source: "a".into(),
                address: "b".into(),
                port: 0,
                kind,
                timescale: Timescale::Utc,
                path: 0,
                local_clock: None,
            };
            campaign.event(&Event::Source(info.into()));
            for cause in lost {
                campaign.event(&Event::Lost(SourceId(0), Monotonic::default(), *cause));
            }
            why(&campaign)
        };
        let refused = LossCause::Refused;
        for (kind, lost, words) in [
            (SourceKind::Rtc, &[][..], "ended before the first"),
            (SourceKind::Ntp, &[], "ended before the first"),
            (SourceKind::Rtc, &[refused], "no clock could be read"),
            (SourceKind::Phc, &[refused], "no clock could be read"),
            (SourceKind::Ntp, &[refused], "every request was refused"),
            (
                SourceKind::Ntp,
                &[refused, LossCause::Timeout],
                "no source answered",
            ),
        ] {
            assert!(told(kind, lost).contains(words), "{kind:?} {lost:?}");
        }
    }
}
