//! What is said of a provider's servers: `docs/provider.schema.json` is what the types say, real output obeys it, and
//! what servers say of themselves is text everywhere.

use clockfit::estimate::{Plan, analyse};
use clockfit::fitness::{Catalogue, provide};
use clockfit::report::text::{Style, write_provider};
use clockfit::report::{ProviderReport, json, markdown};
use clockfit::sample::{
    Audited, Campaign, Environment, Event, Exchange, Leap, LossCause, Mode, Note, Nts, OddAnswer,
    OddQuestion, ReferenceId, Rejection, RunEnd, RunHeader, Sample, ServerInfo, Sink, SourceId,
    SourceInfo, SourceKind, StampSource, Timescale,
};
use clockfit::time::{Monotonic, TimeDelta, Timestamp};

use super::schema;

const SEC: i64 = 1_000_000_000;
const START: i64 = 1_763_832_000 * SEC;

/// A server: as it was asked for, its address, how far ahead it is in milliseconds, and of how many requests of its
/// burst one is answered.
type Server<'a> = (&'a str, &'a str, i64, i64);

fn campaign(servers: &[Server<'_>], extra: &[(Option<SourceId>, Note)]) -> Campaign {
    let mut campaign = Campaign::new(RunHeader {
        tool: "clockfit 0.1.0".to_owned(),
        started: Timestamp::from_nanos(START),
        started_at: Monotonic::from_nanos(5 * SEC),
        timeout: TimeDelta::from_secs(1),
        environment: Environment {
            host: Some("audit1".to_owned()),
            ..Environment::default()
        },
        ..RunHeader::default()
    });
    let kinds = [SourceKind::Ntp, SourceKind::Burst];
    for kind in kinds {
        for (source, address, ..) in servers {
            campaign.event(&Event::Source(
                SourceInfo {
                    source: (*source).to_owned(),
                    address: (*address).to_owned(),
                    port: 123,
                    kind,
                    timescale: Timescale::Unknown,
                    path: 0,
                    local_clock: None,
                }
                .into(),
            ));
        }
    }
    let ids = || (0..).zip(servers);
    let count = u32::try_from(servers.len()).unwrap();
    for (n, (.., ahead, _)) in ids() {
        let id = SourceId(n);
        let last = u8::try_from(n % 250).unwrap();
        campaign.event(&Event::Server(id, info([192, 0, 2, last])));
        for k in 0..60 {
            campaign.event(&Event::Sample(id, sample(k * SEC + i64::from(n), *ahead)));
        }
    }
    for (n, (.., ahead, every)) in ids() {
        let id = SourceId(count + n);
        campaign.event(&Event::Server(id, info([192, 0, 2, 1])));
        for k in 0..80 {
            let at = 61 * SEC + k * SEC / 8 + i64::from(n);
            if k % every == 0 {
                campaign.event(&Event::Sample(id, sample(at, *ahead)));
            } else {
                let at = Monotonic::from_nanos(5 * SEC + at);
                campaign.event(&Event::Lost(id, at, LossCause::Timeout));
            }
        }
    }
    let end = Monotonic::from_nanos(77 * SEC);
    for (n, _) in ids() {
        let odd = OddQuestion::ALL.map(|question| OddAnswer {
            question,
            asked: 48,
            packets: u32::from(n == 3 && question == OddQuestion::Private),
            answered: if n == 3 && question == OddQuestion::Private {
                440
            } else {
                0
            },
        });
        let audited = Audited {
            ttl: Some(62),
            odd: odd.to_vec(),
            nts: Nts::NotAsked,
        };
        campaign.event(&Event::Note(Some(SourceId(n)), end, Note::Audited(audited)));
    }
    for (source, note) in extra {
        campaign.event(&Event::Note(*source, end, note.clone()));
    }
    campaign.event(&Event::End(RunEnd {
        at: end,
        interrupted: false,
    }));
    campaign
}

fn info(follows: [u8; 4]) -> ServerInfo {
    ServerInfo {
        leap: Leap::None,
        stratum: 2,
        precision: -25,
        root_delay: TimeDelta::ZERO,
        root_dispersion: TimeDelta::from_micros(100),
        reference_id: ReferenceId(follows),
        reference_time: None,
    }
}

fn sample(at: i64, ahead: i64) -> Sample {
    let ns = TimeDelta::from_nanos;
    Sample {
        exchange: Exchange {
            t1: Timestamp::from_nanos(START + at),
            upper: ns(ahead * 1_000_000 + 50_000),
            residence: ns(10_000),
            lower: ns(ahead * 1_000_000 - 50_000),
            tx: StampSource::Kernel,
            rx: StampSource::Kernel,
            error: ns(10),
        },
        mode: Mode::Basic,
        at: Monotonic::from_nanos(5 * SEC + at),
        at_error: ns(100),
    }
}

const GOOD: [Server<'_>; 3] = [
    ("10.0.0.1", "10.0.0.1", 0, 1),
    ("10.0.0.2", "10.0.0.2", 0, 1),
    ("10.0.0.3", "10.0.0.3", 0, 1),
];

fn judged(campaign: &Campaign) -> ProviderReport {
    let plan = Plan {
        series_step: TimeDelta::from_secs(1),
        course: true,
        ..Plan::default()
    };
    let judged = provide(campaign, &analyse(campaign, &plan), &Catalogue::builtin()).unwrap();
    ProviderReport::new(campaign, &judged)
}

/// One that is 50 ms off, limits its rate and answers `monlist`, a long address, a name that is not found.
fn bad() -> ProviderReport {
    let mut servers = GOOD.to_vec();
    servers.push((
        "ntp4.example",
        "2001:db8:1111:2222:3333:4444:5555:6666",
        50,
        4,
    ));
    let error = "no such name".to_owned();
    let source = "ntp5.example".to_owned();
    judged(&campaign(
        &servers,
        &[(None, Note::Unresolved { source, error })],
    ))
}

/// Of a run that was ended before anything but a request was sent.
fn ended() -> ProviderReport {
    let mut run = campaign(&[], &[]);
    for (source, address, ..) in GOOD {
        let info = SourceInfo {
            source: source.to_owned(),
            address: address.to_owned(),
            port: 1_123,
            kind: SourceKind::Ntp,
            timescale: Timescale::Unknown,
            path: 0,
            local_clock: None,
        };
        run.event(&Event::Source(info.into()));
    }
    let at = Monotonic::from_nanos(5 * SEC);
    run.event(&Event::Lost(SourceId(0), at, LossCause::Interrupted));
    run.event(&Event::Rejected(
        SourceId(1),
        at,
        Rejection::RootDistance,
        2,
    ));
    judged(&run)
}

fn all() -> Vec<ProviderReport> {
    vec![judged(&campaign(&GOOD, &[])), bad(), ended(), hostile()]
}

const EVIL: &str = "<img src=x>|\u{1b}[2J\u{202e}`@all`\n# a";

fn hostile() -> ProviderReport {
    let mut servers = GOOD.to_vec();
    servers.push((EVIL, EVIL, 0, 1));
    let error = format!("{EVIL} (os error 101)");
    let mut run = campaign(
        &servers,
        &[
            (Some(SourceId(8)), Note::Unreachable { error }),
            (
                Some(SourceId(2)),
                Note::Audited(Audited {
                    ttl: None,
                    odd: Vec::new(),
                    nts: Nts::NotOffered(EVIL.to_owned()),
                }),
            ),
            (
                None,
                Note::Unresolved {
                    source: EVIL.to_owned(),
                    error: EVIL.repeat(100),
                },
            ),
        ],
    );
    run.header.tool = EVIL.to_owned();
    run.header.environment.host = Some(EVIL.to_owned());
    let info = SourceInfo {
        kind: SourceKind::Ntp,
        ..SourceInfo::clone(&run.sources[3].info)
    };
    run.event(&Event::Source(info.into()));
    run.event(&Event::Lost(
        SourceId(8),
        Monotonic::default(),
        LossCause::Refused,
    ));
    judged(&run)
}

fn text(report: &ProviderReport) -> String {
    let mut out = Vec::new();
    write_provider(report, Style::default(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn marked(report: &ProviderReport) -> String {
    let mut out = Vec::new();
    markdown::write_provider(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn rendered(report: &ProviderReport) -> String {
    let mut out = Vec::new();
    json::write_provider(report, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    schema::is_published("provider.schema.json", json::write_provider_schema);
}

#[test]
fn real_output_obeys_the_published_schema() {
    for report in all() {
        schema::obeys("provider.schema.json", &report, &rendered(&report));
    }
}

#[test]
fn good_servers_take_a_page() {
    let report = judged(&campaign(&GOOD, &[]));
    insta::assert_snapshot!("provider_good", text(&report));
    insta::assert_snapshot!("provider_good_markdown", marked(&report));
}

#[test]
fn what_is_wrong_is_named_with_its_source() {
    insta::assert_snapshot!("provider_bad", text(&bad()));
    insta::assert_snapshot!("provider_bad_markdown", marked(&bad()));
}

#[test]
fn a_run_that_was_ended_at_once_says_what_it_lacks() {
    insta::assert_snapshot!("provider_ended", text(&ended()));
}

#[test]
fn pages_fit_a_terminal() {
    for report in [judged(&campaign(&GOOD, &[])), bad(), ended()] {
        for line in text(&report).lines() {
            // A name that is too long stands as it is.
            let is_long = line.starts_with("[2001:") || line.starts_with("2001:");
            assert!(is_long || line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn of_many_servers_the_first_are_told_and_all_are_counted() {
    let names: Vec<String> = (0..70).map(|n| format!("10.0.1.{n}")).collect();
    let servers: Vec<Server<'_>> = names.iter().map(|of| (&**of, &**of, 0, 4)).collect();
    let report = judged(&campaign(&servers, &[]));
    let shown = text(&report);
    assert!(
        shown.contains("and 50 more, which the JSON report has"),
        "{shown}"
    );
    assert!(shown.contains("too many servers to compare"), "{shown}");
    let limited = report
        .requirements
        .iter()
        .find(|of| of.id == "not-rate-limited");
    assert_eq!(limited.unwrap().findings.len(), 70);
}

#[test]
fn hostile_names_are_text_everywhere() {
    let report = hostile();
    for shown in [text(&report), marked(&report), rendered(&report)] {
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
        assert!(
            !shown.lines().any(|line| line.starts_with("# a")),
            "{shown}"
        );
    }
    let marked = marked(&report);
    assert!(
        !marked.contains("<img") && !marked.contains(" @all"),
        "{marked}"
    );
    for (row, cells) in marked
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|row| (row, row.replace("\\|", "").matches('|').count()))
    {
        assert!([4, 8].contains(&cells), "{cells}: {row}");
    }
}

#[test]
fn absurd_counts_are_written() {
    let mut run = campaign(&GOOD, &[]);
    for id in 0..3 {
        let at = Monotonic::default();
        run.event(&Event::Rejected(
            SourceId(id),
            at,
            Rejection::ZeroStamp,
            u64::MAX,
        ));
    }
    assert!(text(&judged(&run)).contains(&u64::MAX.to_string()));
}
