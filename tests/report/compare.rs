//! How runs compare: `docs/compare.schema.json` is what the types say, real output obeys it, `docs/compare.md`
//! speaks of every field and word, and runs with known truth get the verdicts they are to get.

use clockfit::estimate::{Plan, analyse};
use clockfit::fitness::compare::{Gate, Margin, Metric, Question, Run, compare};
use clockfit::report::text::{Style, write_compare};
use clockfit::report::{CompareReport, Report, json, junit, markdown};
use clockfit::sample::{
    Campaign, Event, Exchange, Leap, LossCause, Mode, ReferenceId, RunEnd, RunHeader, Sample,
    ServerInfo, Sink, SourceId, SourceInfo, SourceKind, StampSource, Timescale,
};
use clockfit::time::{Monotonic, TimeDelta, Timestamp};
use serde_json::Value;

use super::campaign::{header, ns};
use super::schema;

const SEC: i64 = 1_000_000_000;
const START: i64 = 1_763_832_000 * SEC;

/// SplitMix64, whose numbers never change.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (f64::from(u32::try_from((z ^ (z >> 31)) >> 32).unwrap()) + 0.5) / 2f64.powi(32)
    }

    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// A way of 30 us and a queue, which takes this long on average.
    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    fn way(&mut self, queue: f64) -> i64 {
        30_000 + (-queue * self.uniform().ln()) as i64
    }
}

/// One run: the queues of a run are as long as of another but for 4 %, and `worse` times as long.
fn campaign(name: &str, seed: u64, worse: f64, exchanges: i64) -> Campaign {
    let mut random = Random(seed);
    let queue = 10_000.0 * worse * (1.0 + 0.04 * random.normal());
    let mut campaign = Campaign::new(RunHeader {
        run_id: format!("{seed:016x}"),
        started: Timestamp::from_nanos(START + i64::try_from(seed).unwrap() * 60 * SEC),
        ..header(&["measure", name, "-o", &format!("{seed}.jsonl")])
    });
    let info = SourceInfo {
        source: name.to_owned(),
        address: "192.0.2.1".to_owned(),
        port: 123,
        kind: SourceKind::Ntp,
        timescale: Timescale::Utc,
        path: 0,
        local_clock: None,
    };
    campaign.event(&Event::Source(info.into()));
    let server = ServerInfo {
        leap: Leap::None,
        stratum: 1,
        precision: -25,
        root_delay: ns(30_000),
        root_dispersion: ns(1_200_000),
        reference_id: ReferenceId(*b"PPS\0"),
        reference_time: None,
    };
    campaign.event(&Event::Server(SourceId(0), server));
    for k in 0..exchanges {
        let at = k * SEC / 100;
        let sample = Sample {
            exchange: Exchange {
                t1: Timestamp::from_nanos(START + at),
                upper: ns(1_500 + random.way(queue)),
                residence: ns(9_000),
                lower: ns(1_500 - random.way(queue)),
                tx: StampSource::Kernel,
                rx: StampSource::Kernel,
                error: ns(1),
            },
            mode: Mode::Basic,
            at: Monotonic::from_nanos(5 * SEC + at),
            at_error: ns(40),
        };
        campaign.event(&Event::Sample(SourceId(0), sample));
    }
    campaign.event(&Event::End(RunEnd {
        at: Monotonic::from_nanos(5 * SEC + exchanges * SEC / 100),
        interrupted: false,
    }));
    campaign
}

fn report(campaign: &Campaign) -> Report {
    Report::new(campaign, &analyse(campaign, &Plan::default()))
}

/// So many runs, every other one of a sequence.
fn runs(side: &str, source: &str, (n, from): (u64, u64), worse: f64) -> Vec<Run> {
    let seeds = (0..n).map(|place| from + 2 * place);
    seeds
        .map(|seed| {
            let report = report(&campaign(source, seed, worse, 600));
            report.as_run(&format!("{side}/{seed}.json"))
        })
        .collect()
}

fn compared((base, new): (&[Run], &[Run]), question: &Question) -> CompareReport {
    let found = compare(base, new, question).unwrap();
    CompareReport::new("clockfit 0.1.0", (base, new), &found)
}

/// All that can be told, in some report.
fn reports() -> Vec<(&'static str, CompareReport)> {
    let plain = Question::default();
    let named = |metrics: &[Metric]| Question {
        metrics: metrics.to_vec(),
        named: true,
        ..Question::default()
    };
    let base = runs("base", "ntp1.example", (10, 0), 1.0);
    let same = runs("new", "ntp1.example", (10, 1), 1.0);
    let worse = runs("new", "ntp1.example", (10, 1), 1.6);
    let mut margins = named(&[Metric::DelayP50, Metric::JitterP50, Metric::Loss]);
    let time = Margin::Time(TimeDelta::from_micros(20));
    margins.margins.set(None, time).unwrap();
    let mut elsewhere: Vec<Run> = (100..107)
        .map(|seed| {
            let mut campaign = campaign("ntp1.example", seed, 1.0, 60);
            campaign.end = None;
            campaign.header.environment.host = Some("db2.example".to_owned());
            campaign.header.tool = "clockfit 0.2.0".to_owned();
            for _ in 0..9 {
                let now = Monotonic::from_nanos(6 * SEC);
                campaign.event(&Event::Lost(SourceId(0), now, LossCause::Timeout));
            }
            report(&campaign).as_run(&format!("there/{seed}.json"))
        })
        .collect();
    for run in &mut elsewhere {
        let measured = run.sources.get("ntp1.example").unwrap().clone();
        run.sources.insert("ntp2.example".to_owned(), measured);
    }
    vec![
        ("a_against_a", compared((&base, &same), &plain)),
        ("worse", compared((&base, &worse), &plain)),
        ("with_a_margin_in_time", compared((&base, &worse), &margins)),
        ("too_few_runs", compared((&base[..3], &same[..3]), &plain)),
        ("not_like_with_like", compared((&base, &elsewhere), &plain)),
    ]
}

type Write = fn(&CompareReport, &mut Vec<u8>) -> std::io::Result<()>;

const ALL: [(&str, Write); 4] = [
    ("text", |report, out| {
        write_compare(report, Style::default(), out)
    }),
    ("json", |report, out| json::write_compare(report, out)),
    ("markdown", |report, out| {
        markdown::write_compare(report, out)
    }),
    ("junit", |report, out| junit::write_compare(report, out)),
];

fn written(write: Write, report: &CompareReport) -> String {
    let mut out = Vec::new();
    write(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    schema::is_published("compare.schema.json", json::write_compare_schema);
}

#[test]
fn real_output_obeys_the_published_schema_and_reads_back() {
    for (_, report) in reports() {
        schema::obeys("compare.schema.json", &report, &written(ALL[1].1, &report));
    }
}

#[test]
fn every_field_and_word_is_documented() {
    let published = schema::published("compare.schema.json");
    let page = schema::page("compare.md");
    let mut names: Vec<String> = Metric::ALL.map(|of| of.name().to_owned()).to_vec();
    for schema in published["$defs"]
        .as_object()
        .unwrap()
        .values()
        .chain([&published])
    {
        let fields = schema.get("properties").and_then(Value::as_object);
        names.extend(fields.into_iter().flat_map(|fields| fields.keys().cloned()));
        let words = schema.get("oneOf").and_then(Value::as_array);
        for word in words.into_iter().flatten() {
            names.extend(word.get("const").and_then(Value::as_str).map(str::to_owned));
        }
    }
    // The codes of differences, as the schema lists them.
    let codes =
        published["$defs"]["DifferenceReport"]["properties"]["code"]["description"].as_str();
    let codes = codes.unwrap().split('`').skip(1).step_by(2);
    names.extend(codes.map(str::to_owned));
    assert!(names.len() > 50, "{names:?}");
    for name in names {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/compare.md lacks {name}"
        );
    }
}

#[test]
fn each_as_it_is() {
    for (name, report) in reports() {
        insta::assert_snapshot!(name, written(ALL[0].1, &report));
    }
    let (_, worse) = reports().swap_remove(1);
    insta::assert_snapshot!("worse_markdown", written(ALL[2].1, &worse));
    insta::assert_snapshot!("worse_junit", written(ALL[3].1, &worse));
    let (_, few) = reports().swap_remove(4);
    insta::assert_snapshot!("few_markdown", written(ALL[2].1, &few));
    insta::assert_snapshot!("few_junit", written(ALL[3].1, &few));
}

#[test]
fn nothing_from_outside_is_markup_and_no_line_is_too_long() {
    let name = "\u{1b}[2J</testsuite>\"'|`*_[x](y)<script>&\u{202e}";
    let hostile = |side: &str, from: u64| -> Vec<Run> {
        (0..5)
            .map(|place| {
                let mut campaign = campaign(name, from + 2 * place, 1.0, 60);
                campaign.header.environment.host = Some(format!("{name}{side}"));
                campaign.header.tool = name.to_owned();
                report(&campaign).as_run(&format!("{name}{place}"))
            })
            .collect()
    };
    let (base, new) = (hostile("a", 0), hostile("b", 1));
    let bad = compared((&base, &new), &Question::default());
    assert!(!bad.differences.is_empty() && !bad.sources[0].left_out.is_empty());
    for (format, write) in ALL {
        let text = written(write, &bad);
        for bad in ["\u{1b}", "\u{202e}"] {
            assert!(!text.contains(bad), "{format}: {text}");
        }
        if format == "markdown" || format == "junit" {
            assert!(!text.contains("<script>"), "{format}: {text}");
        }
    }
    let junit = written(ALL[3].1, &bad);
    assert_eq!(junit.matches("</testsuite>").count(), 1, "{junit}");
    let markdown = written(ALL[2].1, &bad);
    for row in markdown.lines().filter(|line| line.starts_with('|')) {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 12, "{row}");
    }
    assert!(!markdown.contains("[x]"), "{markdown}");
    let mut all: Vec<CompareReport> = reports().into_iter().map(|(_, report)| report).collect();
    // The largest numbers there are.
    let mut large = bad.clone();
    for metric in &mut large.sources[0].metrics {
        let side = metric.base.as_mut().unwrap();
        side.median = if metric.unit == "ns" {
            i64::MIN
        } else {
            123_456
        };
        let shift = metric.shift.as_mut().unwrap();
        (shift.estimate, shift.interval) = (i64::MAX, Some((i64::MIN, i64::MAX)));
        metric.fails_from = Some(i64::MAX);
    }
    let mut in_time = large.clone();
    for metric in &mut in_time.sources[0].metrics {
        metric.shift_unit = "ns".to_owned();
    }
    all.extend([bad, large, in_time]);
    for report in all {
        for line in written(ALL[0].1, &report).lines() {
            assert!(line.len() <= 80, "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
    }
}

/// A report that was read from a file has texts that no run of this program wrote.
#[test]
fn reports_from_outside_are_cleaned() {
    let bad = "\u{1b}[2J\u{202e}";
    let hostile = |side: &str, from: u64| -> Vec<Run> {
        (0..5)
            .map(|place| {
                let mut report = report(&campaign("a", from + 2 * place, 1.0, 60));
                report.tool = format!("{bad}{side}");
                report.run.id = format!("{bad}{side}{place}");
                report.run.arguments = vec![format!("{bad}{side}")];
                report.host.name = Some(format!("{bad}{side}"));
                report.host.time_daemons = vec![format!("{bad}{side}")];
                report.sources[0].source = bad.to_owned();
                report.sources[0].lost = u64::MAX;
                let class = report.sources[0].main.class.as_mut().unwrap();
                class.stamps = format!("{bad}{side}");
                report.as_run(bad)
            })
            .collect()
    };
    let (base, new) = (hostile("a", 0), hostile("b", 1));
    let told = compared((&base, &new), &Question::default());
    assert_eq!(told.differences.len(), 5);
    for (format, write) in ALL {
        let text = written(write, &told);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{format}: {text}");
        assert!(!text.contains("\\u001b"), "{format}: {text}");
    }
}

#[test]
fn of_many_sources_those_that_pass_are_counted() {
    let (_, mut report) = reports().swap_remove(0);
    for metric in &mut report.sources[0].metrics {
        metric.gate = clockfit::report::GateName::Pass;
    }
    report.sources = vec![report.sources[0].clone(); 30];
    report.sources[7].metrics[0].gate = clockfit::report::GateName::Warn;
    report.sources[7].base = "the one".to_owned();
    let text = written(ALL[0].1, &report);
    assert!(text.contains("29 more sources pass"), "{text}");
    assert!(text.contains("the one (NEW: ntp1.example)"), "{text}");
}

/// A report of `check` is made at other steps than one of `measure`; runs of both can be compared.
#[test]
fn a_run_is_the_same_by_whatever_report() {
    let campaign = campaign("a", 1, 1.0, 2_000);
    let plan = Plan {
        course: true,
        series_step: TimeDelta::from_secs(1),
        ..Plan::default()
    };
    let checked = Report::new(&campaign, &analyse(&campaign, &plan));
    let run = report(&campaign).as_run("a");
    assert_eq!(checked.as_run("a"), run);
    for metric in Metric::ALL {
        assert!(run.sources["a"].value(metric).is_some(), "{metric:?}");
    }
    let mut out = Vec::new();
    json::write(&report(&campaign), &mut out).unwrap();
    let back: Report = serde_json::from_slice(&out).unwrap();
    assert_eq!(back.as_run("a"), run);
}

/// From packets to verdicts: ten runs against ten like them, and against ten with queues a third longer, by which p99
/// of the jitter is 33 % worse.
#[test]
fn what_is_worse_fails_and_what_is_not_does_not() {
    let question = Question {
        metrics: vec![Metric::JitterP50, Metric::JitterP99, Metric::DelayP50],
        ..Question::default()
    };
    for from in [1_000, 2_000, 3_000] {
        let base = runs("base", "a", (10, from), 1.0);
        let same = runs("new", "a", (10, from + 1), 1.0);
        let worse = runs("new", "a", (10, from + 1), 1.33);
        let gate = |new: &[Run]| compare(&base, new, &question).unwrap().gate;
        assert!(matches!(gate(&same), Gate::Pass | Gate::Warn));
        assert_eq!(gate(&worse), Gate::Fail);
        assert_eq!(compare(&same, &base, &question).unwrap().differences, []);
    }
}

#[test]
fn one_two_and_sixteen_threads_write_the_same_bytes() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let (base, new) = (
                runs("base", "a", (6, 0), 1.0),
                runs("new", "a", (6, 1), 1.1),
            );
            let report = compared((&base, &new), &Question::default());
            ALL.map(|(_, write)| written(write, &report)).concat()
        })
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(16));
}

#[test]
fn another_flavor_is_told_and_changes_no_verdict() {
    let runs = |side: u64, change: fn(&mut Campaign)| -> Vec<Run> {
        let seeds = (0..6).map(|k| 2 * k + side);
        let of = |seed| {
            let mut campaign = campaign("a", seed, 1.0, 400);
            change(&mut campaign);
            let report = Report::new(&campaign, &analyse(&campaign, &Plan::default()));
            report.as_run(&format!("{seed}.json"))
        };
        seeds.map(of).collect()
    };
    let other = |campaign: &mut Campaign| {
        let machine = &mut campaign.header.environment.machine;
        machine.product = Some("general.8\u{1b}[2J".to_owned());
        machine.processors = Some(8);
        machine.memory_bytes = Some(32 << 30);
        campaign.header.environment.virtualisation = Some("xen".to_owned());
    };
    let base = runs(0, |_| ());
    let question = Question::default();
    let same = compare(&base, &runs(1, |_| ()), &question).unwrap();
    assert_eq!(same.differences, []);
    let new = runs(1, other);
    let found = compare(&base, &new, &question).unwrap();
    assert_eq!(found.gate, same.gate);
    let report = CompareReport::new("clockfit", (&base, &new), &found);
    let told: Vec<(&str, &str)> = report
        .differences
        .iter()
        .map(|of| (of.code.as_str(), of.text.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "virtualisation",
                "the hypervisors differ: BASE kvm, NEW xen"
            ),
            (
                "machine",
                "the machines differ: BASE Example Cloud general.4, NEW Example Cloud general.8\\u{1b}[2J"
            ),
            (
                "processors",
                "the processors differ: BASE 4 CPUs, AMD EPYC, NEW 8 CPUs, AMD EPYC, 4 usable by this program"
            ),
            ("memory", "the memory differs: BASE 16.0 GiB, NEW 32.0 GiB"),
        ]
    );
}
