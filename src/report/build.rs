//! How a [`Report`] comes from a campaign and its assessment: field by field, nothing decided.

use std::collections::BTreeMap;

use super::agreement::{AgreementReport, PathsReport};
use super::clean::{clean, clean_paragraph};
use super::conditions::ConditionsReport;
use super::floor::{FloorReport, SourceFloorReport};
use super::local::LocalClockReport;
use super::model::{
    BinsReport, BoundReport, BreakReport, CardReport, ClassName, ClassReport, CrossCheckReport,
    Distribution, DriftReport, EstimateReport, HistogramReport, HostReport, ImportedReport,
    OpinionsReport, RateChangeReport, ReferenceReport, Report, RunReport, SCHEMA, ServerReport,
    SourceReport, StampCountsReport, StampingReport, StampsReport, StretchReport, WarningReport,
};
use super::stability::StabilityReport;
use crate::estimate::{
    Allowance, Assessment, BoundAt, ClassAssessment, CrossCheck, Finding, Floor, SourceAssessment,
    StampCounts, Stretch, Warning,
};
use crate::sample::{
    Campaign, Class, Mode, Nic, Note, PtpClock, ReferenceSpell, RunEnd, ServerInfo, SourceId,
    SourceInfo, SourceRecord,
};
use crate::stats::{Bins, EncodedHistogram, QuantileEstimate, Summary};
use crate::time::{Interval, Monotonic, TimeDelta};

impl Report {
    /// The report of a campaign and its assessment. Nothing else enters it. Text from outside is
    /// cleaned here: no format passes a control character on.
    ///
    /// ```
    /// use clockfit::estimate::{Plan, analyse};
    /// use clockfit::report::Report;
    /// use clockfit::sample::Campaign;
    /// let campaign = Campaign::default();
    /// let report = Report::new(&campaign, &analyse(&campaign, &Plan::default()));
    /// assert_eq!(report.schema, "clockfit-report/1");
    /// assert!(report.run.truncated);
    /// ```
    pub fn new(campaign: &Campaign, assessment: &Assessment) -> Self {
        let asked = campaign.sources.iter().zip(&assessment.sources);
        let asked = asked.filter(|(record, _)| !campaign.is_beside(record));
        Self {
            schema: SCHEMA.to_owned(),
            tool: clean(&campaign.header.tool),
            host: HostReport::new(campaign),
            run: RunReport::new(campaign, assessment),
            local_clock: LocalClockReport::new(campaign),
            conditions: Some(ConditionsReport::new(campaign, &assessment.conditions)),
            warnings: assessment
                .warnings
                .iter()
                .map(|warning| WarningReport::new(campaign, warning))
                .collect(),
            sources: asked
                .map(|(record, found)| {
                    let beside = (assessment.floors.as_slice(), campaign.header.started_at);
                    SourceReport::new(record, found, beside)
                })
                .collect(),
            paths: assessment
                .paths
                .iter()
                .map(|found| PathsReport::new(campaign, found))
                .collect(),
            agreement: assessment
                .agreement
                .as_ref()
                .map(|found| AgreementReport::new(campaign, found)),
            floors: assessment.floors.iter().map(FloorReport::new).collect(),
        }
    }
}

impl HostReport {
    fn new(campaign: &Campaign) -> Self {
        let host = &campaign.header.environment;
        let text = |t: &Option<String>| t.as_deref().map(clean);
        let texts = |t: &[String]| t.iter().map(|t| clean(t)).collect();
        Self {
            name: text(&host.host),
            boot_id: text(&host.boot_id),
            kernel: text(&host.kernel),
            clocksource: text(&host.clocksource),
            virtualisation: text(&host.virtualisation),
            time_daemons: texts(&host.time_daemons),
            nics: host
                .nics
                .iter()
                .map(|nic| Nic {
                    name: clean(&nic.name),
                    driver: text(&nic.driver),
                    stamps: nic.stamps.as_deref().map(texts),
                    phc: nic.phc,
                })
                .collect(),
            ptp_clocks: host
                .ptp_clocks
                .iter()
                .map(|clock| PtpClock {
                    device: clean(&clock.device),
                    name: text(&clock.name),
                })
                .collect(),
            privileged: host.privileged,
        }
    }
}

impl RunReport {
    fn new(campaign: &Campaign, assessment: &Assessment) -> Self {
        let header = &campaign.header;
        let duration = |end: RunEnd| end.at.since(header.started_at).as_nanos();
        let notes = || campaign.notes.iter().map(|(_, _, note)| note);
        Self {
            id: clean(&header.run_id),
            started: header.started,
            duration_ns: campaign.end.map(duration),
            interrupted: campaign.end.is_some_and(|end| end.interrupted),
            truncated: campaign.end.is_none(),
            arguments: header.arguments.iter().map(|a| clean(a)).collect(),
            seed: header.seed.to_string(),
            stamping: notes().filter_map(StampingReport::new).collect(),
            timeout_ns: header.timeout.as_nanos(),
            drift_ppb: assessment.plan.assumed(header.axis).as_ppb(),
            axis: header.axis,
            imported: notes().find_map(ImportedReport::new),
        }
    }
}

impl StampingReport {
    fn new(note: &Note) -> Option<Self> {
        match note {
            Note::HardwareStamps {
                interface,
                card,
                clock,
                setting,
                was_set,
            } => Some(Self {
                interface: clean(interface),
                card: Some(CardReport {
                    name: clean(card),
                    clock: clean(clock),
                    setting: clean(setting),
                    was_set: *was_set,
                }),
                reason: None,
            }),
            Note::NoHardwareStamps {
                interface, reason, ..
            } => Some(Self {
                interface: clean(interface),
                card: None,
                reason: Some(clean(reason)),
            }),
            _ => None,
        }
    }
}

impl ImportedReport {
    fn new(note: &Note) -> Option<Self> {
        match note {
            Note::Imported { format, meaning } => Some(Self {
                format: clean(format),
                meaning: clean_paragraph(meaning),
            }),
            _ => None,
        }
    }
}

impl WarningReport {
    fn new(campaign: &Campaign, warning: &Warning) -> Self {
        let info = |id: SourceId| Some(&*campaign.sources.get(id.index())?.info);
        let info: Option<&SourceInfo> = warning.source.and_then(info);
        Self {
            code: warning.code,
            source: info.map(|info| clean(&info.source)),
            address: info.map(|info| clean(&info.address)),
            text: clean(&warning.text),
        }
    }
}

impl SourceReport {
    fn new(
        record: &SourceRecord,
        found: &SourceAssessment,
        (floors, begun): (&[Floor], Monotonic),
    ) -> Self {
        let bound = |of: &BoundAt| BoundReport::new(of, begun);
        let mut classes = found.classes.iter().map(ClassReport::new);
        // A clock says nothing of itself.
        let server = found
            .server
            .as_ref()
            .filter(|_| record.info.kind.is_server());
        Self {
            source: clean(&record.info.source),
            address: clean(&record.info.address),
            port: record.info.port,
            kind: record.info.kind,
            timescale: record.info.timescale,
            path: record.info.path,
            sent: found.sent,
            valid: found.valid,
            lost: found.lost,
            lost_by: record.incidents().lost.clone(),
            rejected: record.incidents().rejected.clone(),
            stamps: StampsReport {
                tx: found.tx.into(),
                rx: found.rx.into(),
            },
            stamp_faults: record.incidents().stamp_faults.clone(),
            server: server.map(ServerReport::new),
            references: record
                .reference_spells()
                .into_iter()
                .map(ReferenceReport::from)
                .collect(),
            root_distance_ns: server.map(|s| s.root_distance().as_nanos()),
            bound_ns: found.timing.bound.as_ref().map(bound),
            bound_series: found.timing.series.iter().map(bound).collect(),
            breaks: found
                .timing
                .breaks
                .iter()
                .map(|b| BreakReport { at: b.at })
                .collect(),
            drift: DriftReport::new(&found.timing.allowance),
            estimate: EstimateReport::last(&found.timing.stretches),
            stretches: found
                .timing
                .stretches
                .iter()
                .map(StretchReport::new)
                .collect(),
            stability: found.timing.stability.as_ref().map(StabilityReport::of),
            rate_changes: found
                .timing
                .changes
                .iter()
                .map(RateChangeReport::new)
                .collect(),
            main: classes.next().unwrap_or_default(),
            other_classes: classes.collect(),
            floor: found
                .floor
                .and_then(|comparison| SourceFloorReport::new(floors, comparison)),
            cross_check: found.cross_check.as_ref().map(CrossCheckReport::new),
        }
    }
}

impl From<StampCounts> for StampCountsReport {
    fn from(counts: StampCounts) -> Self {
        Self {
            hardware: counts.hardware,
            kernel: counts.kernel,
            user: counts.user,
            foreign: counts.foreign,
        }
    }
}

impl ServerReport {
    fn new(server: &ServerInfo) -> Self {
        Self {
            stratum: server.stratum,
            refid: server.reference_id.describe(server.stratum),
            leap: server.leap,
            precision: server.precision,
            root_delay_ns: server.root_delay.as_nanos(),
            root_dispersion_ns: server.root_dispersion.as_nanos(),
        }
    }
}

impl From<ReferenceSpell> for ReferenceReport {
    fn from(spell: ReferenceSpell) -> Self {
        Self {
            reftime: spell.time,
            stratum: spell.stratum,
            refid: spell.id.to_string(),
            from: spell.from,
            to: spell.to,
        }
    }
}

impl BoundReport {
    fn new(bound: &BoundAt, begun: Monotonic) -> Self {
        Self {
            lower: bound.interval.lower().as_nanos(),
            upper: bound.interval.upper().as_nanos(),
            at: bound.at,
            since_start_ns: bound.counter.since(begun).as_nanos(),
            drift_ppb: bound.drift.as_ppb(),
        }
    }
}

impl DriftReport {
    fn new(allowance: &Allowance) -> Self {
        Self {
            lower_ppb: allowance.drift.lower.as_ppb(),
            upper_ppb: allowance.drift.upper.as_ppb(),
            basis: allowance.basis,
        }
    }
}

impl StretchReport {
    fn new(stretch: &Stretch) -> Self {
        let others = &stretch.opinions;
        let nanos = |offset: Option<TimeDelta>| offset.map(TimeDelta::as_nanos);
        Self {
            from: stretch.from,
            to: stretch.to,
            exchanges: stretch.exchanges,
            rate_ps_per_s: stretch
                .rate
                .map(|rate| (rate.lower.as_parts(), rate.upper.as_parts())),
            bound_ns: stretch.bound.map(ends),
            estimate: EstimateReport::new(stretch),
            others: OpinionsReport {
                clock_filter_ns: nanos(others.clock_filter),
                regression_ns: nanos(others.regression),
                median_ns: nanos(others.median),
            },
        }
    }
}

impl EstimateReport {
    fn new(stretch: &Stretch) -> Option<Self> {
        let estimate = stretch.estimate?;
        Some(Self {
            offset_ns: estimate.offset.as_nanos(),
            ci95_ns: ends(estimate.interval),
            at: estimate.at,
            exchanges: stretch.exchanges,
            rate_ps_per_s: estimate.rate.as_parts(),
            asymmetry_ns: estimate.hidden.as_nanos(),
            clipped: estimate.clipped,
        })
    }

    fn last(stretches: &[Stretch]) -> Option<Self> {
        stretches.iter().rev().find_map(Self::new)
    }
}

impl RateChangeReport {
    fn new(finding: &Finding) -> Self {
        Self {
            after: finding.change.after,
            before: finding.change.before,
            explained_by: finding.explained,
        }
    }
}

/// Lower and upper end, in nanoseconds.
pub(super) fn ends(interval: Interval) -> (i64, i64) {
    (interval.lower().as_nanos(), interval.upper().as_nanos())
}

impl ClassReport {
    fn new(class: &ClassAssessment) -> Self {
        // What was only estimated went no way.
        let measured = |of| (class.class.mode != Mode::Estimate).then(|| Distribution::new(of));
        Self {
            class: Some(ClassName::new(class.class)),
            offset_ns: Some(Distribution::new(&class.offset)),
            abs_offset_ns: Some(Distribution::new(&class.abs_offset)),
            delay_ns: measured(&class.delay),
            delay_variation_ns: measured(&class.delay_variation),
            out_ns: measured(&class.out),
            back_ns: measured(&class.back),
            residence_ns: measured(&class.residence),
            jitter_1h_ns: Some(Distribution::new(&class.wobble)),
            jitter_ns: class.jitter.map(TimeDelta::as_nanos),
            bins: class.bins.as_ref().map(BinsReport::new),
            histogram: class.histogram.as_ref().map(HistogramReport::new),
        }
    }
}

impl ClassName {
    pub(super) fn new(class: Class) -> Self {
        Self {
            mode: class.mode,
            stamps: stamps_name(class),
        }
    }
}

/// Who stamped: one name, or those of both ends.
pub(super) fn stamps_name(class: Class) -> String {
    let (tx, rx) = (class.tx.name(), class.rx.name());
    match class.is_pure() {
        true => tx.to_owned(),
        false => format!("{tx}/{rx}"),
    }
}

impl Distribution {
    pub(super) fn new(summary: &Summary) -> Self {
        let (mut ci95, mut needed) = (BTreeMap::new(), BTreeMap::new());
        let (mut effective, mut read_within) = (BTreeMap::new(), BTreeMap::new());
        for (name, estimate) in summary.quantiles() {
            let worth = estimate.inflation().effective(summary.n);
            effective.insert(name.to_owned(), worth);
            match estimate {
                QuantileEstimate::Known {
                    lower,
                    upper,
                    within,
                    ..
                } => {
                    ci95.insert(name.to_owned(), (lower, upper));
                    if within.0 < within.1 {
                        read_within.insert(name.to_owned(), within);
                    }
                }
                QuantileEstimate::Needs { n, .. } => {
                    needed.insert(name.to_owned(), n);
                }
            }
        }
        Self {
            n: summary.n,
            min: summary.min,
            p1: summary.p1.value(),
            p5: summary.p5.value(),
            p50: summary.p50.value(),
            p95: summary.p95.value(),
            p99: summary.p99.value(),
            p99_9: summary.p99_9.value(),
            max: summary.max,
            mean: summary.mean,
            rms: summary.rms,
            ci95,
            needed,
            effective,
            within: read_within,
        }
    }
}

impl BinsReport {
    fn new(bins: &Bins) -> Self {
        Self {
            from: bins.from,
            width: bins.width,
            counts: bins.counts.clone(),
            below: bins.below,
            above: bins.above,
        }
    }
}

impl HistogramReport {
    fn new(histogram: &EncodedHistogram) -> Self {
        Self {
            negative: histogram.negative.clone(),
            zero: histogram.zero,
            positive: histogram.positive.clone(),
            saturated: histogram.saturated,
        }
    }
}

impl CrossCheckReport {
    fn new(check: &CrossCheck) -> Self {
        let comparison = check.comparison;
        Self {
            by: "rsntp".to_owned(),
            offset_ns: Distribution::new(&check.offset),
            delay_ns: Distribution::new(&check.delay),
            median_offset_ns: check.median_offset.as_nanos(),
            offset_difference_ns: comparison.map(|c| c.offset.as_nanos()),
            delay_difference_ns: comparison.map(|c| c.delay.as_nanos()),
            consistent: comparison.map(|c| c.consistent),
        }
    }
}
