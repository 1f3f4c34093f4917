//! What of a report is compared with other runs: [`Report`] to [`Run`].
//!
//! A recording goes the same way, by the report that is made of it, so the two give the same values.

use std::collections::BTreeMap;

use super::clean::clean;
use super::conditions::{ConditionsReport, words};
use super::model::{Distribution, Report, SourceReport};
use crate::fitness::compare::{About, Measured, Metric, Run};
use crate::sample::Machine;

/// A whole, in parts per million.
const WHOLE: u128 = 1_000_000;

/// Options that say where a report goes, and nothing about how it is measured; each has a value.
const OF_OUTPUT: [(&str, &str); 2] = [("--output", "-o"), ("--format", "-f")];
/// One without a value.
const FORCE: &str = "--force";

impl Report {
    /// This run, as far as runs are compared, by the name of its file. Reports come from outside, too, so text is
    /// cleaned here.
    ///
    /// ```
    /// use clockfit::estimate::{Plan, analyse};
    /// use clockfit::report::Report;
    /// use clockfit::sample::Campaign;
    /// let campaign = Campaign::default();
    /// let report = Report::new(&campaign, &analyse(&campaign, &Plan::default()));
    /// let run = report.as_run("base/1.json");
    /// assert_eq!(run.name, "base/1.json");
    /// assert!(run.is_cut_short && run.sources.is_empty());
    /// ```
    pub fn as_run(&self, name: &str) -> Run {
        let run = &self.run;
        let mut sources: BTreeMap<String, Measured> = BTreeMap::new();
        for (name, alike) in by_name(&self.sources) {
            sources.insert(name, measured(&alike));
        }
        Run {
            name: clean(name),
            // Runs that were imported are all called the same.
            id: run.imported.is_none().then(|| clean(&run.id)),
            started: run.started,
            is_cut_short: run.interrupted || run.truncated,
            circumstances: circumstances(self),
            stolen: self
                .conditions
                .as_ref()
                .and_then(ConditionsReport::stolen_ends),
            sources,
        }
    }
}

fn by_name(sources: &[SourceReport]) -> BTreeMap<String, Vec<&SourceReport>> {
    let mut named: BTreeMap<String, Vec<&SourceReport>> = BTreeMap::new();
    for source in sources {
        named.entry(clean(&source.source)).or_default().push(source);
    }
    named
}

fn circumstances(report: &Report) -> BTreeMap<About, String> {
    let (host, run) = (&report.host, &report.run);
    let conditions = report.conditions.as_ref();
    let of_machine = |told: fn(&Machine) -> Option<String>| told(&conditions?.machine);
    let known = [
        (About::Host, host.name.clone()),
        (About::Kernel, host.kernel.clone()),
        (About::Clocksource, host.clocksource.clone()),
        (About::Virtualisation, host.virtualisation.clone()),
        (About::Machine, of_machine(words::model)),
        (About::Processors, of_machine(words::processors)),
        (About::Memory, of_machine(words::memory)),
        (About::Quota, of_machine(words::quota)),
        (
            About::Overcommit,
            conditions
                .and_then(|of| of.overcommit.word())
                .map(str::to_owned),
        ),
        (About::TimeDaemons, Some(host.time_daemons.join(" "))),
        (About::Tool, Some(report.tool.clone())),
        (About::Arguments, Some(how(&run.arguments).join(" "))),
        (
            About::Format,
            run.imported.as_ref().map(|of| of.format.clone()),
        ),
        (About::Drift, Some(format!("{} ppb", run.drift_ppb))),
    ];
    let known = known.into_iter();
    known
        .filter_map(|(about, text)| Some((about, clean(&text?))))
        .collect()
}

/// Arguments without those that say where a report goes, which differ from run to run.
fn how(arguments: &[String]) -> Vec<&str> {
    let mut left = arguments.iter().map(String::as_str);
    let mut kept = Vec::new();
    while let Some(argument) = left.next() {
        let is_bare = OF_OUTPUT
            .iter()
            .any(|(long, short)| argument == *long || argument == *short);
        if is_bare {
            left.next();
            continue;
        }
        let is_joined = OF_OUTPUT.iter().any(|(long, short)| {
            let rest = argument.strip_prefix(long);
            let is_short = !argument.starts_with("--") && argument.starts_with(short);
            rest.is_some_and(|rest| rest.starts_with('=')) || is_short
        });
        if !is_joined && argument != FORCE {
            kept.push(argument);
        }
    }
    kept
}

fn measured(alike: &[&SourceReport]) -> Measured {
    let mut all = Measured::default();
    for source in alike {
        let main = &source.main;
        if let Some(class) = &main.class {
            let mode = serde_json::to_value(class.mode).unwrap_or_default();
            let mode = mode.as_str().unwrap_or_default();
            all.stamps
                .insert(clean(&format!("{} ({mode})", class.stamps)));
        }
        let jitter = main.jitter_1h_ns.as_ref();
        let delay = main.delay_ns.as_ref();
        let of = |distribution: Option<&Distribution>,
                  quantile: fn(&Distribution) -> Option<i64>| {
            distribution.and_then(quantile)
        };
        let width = source.bound_ns.map(|b| b.upper.saturating_sub(b.lower));
        for (metric, value) in [
            (Metric::JitterP50, of(jitter, |d| d.p50)),
            (Metric::JitterP95, of(jitter, |d| d.p95)),
            (Metric::JitterP99, of(jitter, |d| d.p99)),
            (Metric::DelayP50, of(delay, |d| d.p50)),
            (Metric::DelayP95, of(delay, |d| d.p95)),
            (Metric::DelayP99, of(delay, |d| d.p99)),
            (Metric::BoundWidth, width),
        ] {
            if let Some(value) = value {
                all.add(metric, value);
            }
        }
    }
    let total = |count: fn(&SourceReport) -> u64| -> u128 {
        alike.iter().map(|source| u128::from(count(source))).sum()
    };
    let (sent, lost) = (total(|s| s.sent), total(|s| s.lost));
    if let Some(share) = (lost.min(sent) * WHOLE).checked_div(sent) {
        all.add(Metric::Loss, i64::try_from(share).unwrap_or(i64::MAX));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::{Plan, analyse};
    use crate::sample::{
        Campaign, Event, LossCause, RunHeader, Sink, SourceId, SourceInfo, SourceKind, Timescale,
    };
    use crate::time::Monotonic;

    fn source(name: &str) -> Event {
        let info = SourceInfo {
            source: name.to_owned(),
            address: "192.0.2.1".to_owned(),
            port: 123,
            kind: SourceKind::Ntp,
            timescale: Timescale::Utc,
            path: 0,
            local_clock: None,
        };
        Event::Source(info.into())
    }

    #[test]
    fn where_a_report_goes_is_no_circumstance() {
        let kept = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            how(&words).join(" ")
        };
        assert_eq!(
            kept("measure -n 5 a -o run.jsonl --force -f json"),
            "measure -n 5 a"
        );
        assert_eq!(
            kept("measure --output=a --format=json -oa -fjson -4 a"),
            "measure -4 a"
        );
        assert_eq!(kept("measure a --output a --floor -o"), "measure a --floor");
        assert_eq!(kept("measure --formation -n 5"), "measure --formation -n 5");
    }

    #[test]
    fn addresses_of_one_name_share_what_is_lost() {
        let mut campaign = Campaign::new(RunHeader::default());
        for name in ["a", "a", "b\u{1b}[2J", "c"] {
            campaign.event(&source(name));
        }
        for (id, cause) in [(0, LossCause::Timeout), (1, LossCause::Refused)] {
            campaign.event(&Event::Lost(SourceId(id), Monotonic::default(), cause));
        }
        let report = Report::new(&campaign, &analyse(&campaign, &Plan::default()));
        let run = report.as_run("a\u{202e}.json");
        assert_eq!(run.name, "a\\u{202e}.json");
        let names: Vec<&str> = run.sources.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "b\\u{1b}[2J", "c"]);
        let loss = |name: &str| run.sources[name].value(Metric::Loss);
        assert_eq!((loss("a"), loss("c")), (Some(1_000_000), None));
    }
}
