//! Text reports, kept as reviewed files, and what must hold for any of them.

use clockfit::report::text::{Style, write};
use clockfit::sample::{Campaign, Change, Event, Note, Sink, SourceKind};
use clockfit::time::{Frequency, Monotonic, TimeDelta};

use super::{campaign, report};

const ASCII: Style = Style {
    colour: false,
    unicode: false,
};
const UNICODE: Style = Style {
    colour: false,
    unicode: true,
};

fn text(campaign: &Campaign, style: Style) -> String {
    let mut out = Vec::new();
    write(&report(campaign), style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn two_servers() {
    insta::assert_snapshot!(text(&campaign::two(), UNICODE));
}

#[test]
fn own_server() {
    insta::assert_snapshot!(text(&campaign::embedded(), ASCII));
}

#[test]
fn floor_alone() {
    insta::assert_snapshot!(text(&campaign::floor_alone(), ASCII));
}

#[test]
fn floor_and_card() {
    insta::assert_snapshot!(text(&campaign::floor_and_card(), ASCII));
}

#[test]
fn beside_floor() {
    insta::assert_snapshot!(text(&campaign::beside_floor(), ASCII));
}

#[test]
fn many_beside_floor() {
    insta::assert_snapshot!(text(&campaign::many_beside_floor(8), ASCII));
}

#[test]
fn disturbed_clock() {
    insta::assert_snapshot!(text(&campaign::disturbed(), ASCII));
}

#[test]
fn many_servers() {
    insta::assert_snapshot!(text(&campaign::many(24), ASCII));
}

#[test]
fn nothing_measured() {
    insta::assert_snapshot!(text(&Campaign::new(campaign::header(&["measure"])), ASCII));
}

#[test]
fn no_line_leaves_the_page_and_ascii_is_ascii() {
    for campaign in [
        campaign::two(),
        campaign::embedded(),
        campaign::floor_alone(),
        campaign::floor_and_card(),
        campaign::beside_floor(),
        campaign::many_beside_floor(200),
        campaign::many(200),
        campaign::disturbed(),
        hostile(),
    ] {
        for line in text(&campaign, ASCII).lines() {
            assert!(line.len() <= 80, "{} columns: {line}", line.len());
            assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line:?}");
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let coloured = text(
        &campaign::two(),
        Style {
            colour: true,
            unicode: true,
        },
    );
    let stripped = ["\x1b[0m", "\x1b[1m", "\x1b[33m"]
        .iter()
        .fold(coloured.clone(), |t, sequence| t.replace(sequence, ""));
    assert_ne!(coloured, stripped);
    assert_eq!(stripped, text(&campaign::two(), UNICODE));
}

/// Names, errors and host facts of the worst kind.
fn hostile() -> Campaign {
    let bad = format!("\x1b]0;owned\x07\r\n\u{202e}{}\u{b5}", "x".repeat(500));
    let mut header = campaign::header(&["measure"]);
    header.tool.clone_from(&bad);
    header.environment.host = Some(bad.clone());
    header.environment.kernel = Some(bad.clone());
    header.environment.time_daemons = vec![bad.clone(); 3];
    let mut c = Campaign::new(header);
    for kind in [SourceKind::Ntp, SourceKind::Embedded] {
        let server = campaign::Server {
            name: &bad,
            address: &bad,
            kind,
            offset: i64::MAX / 4,
            floor: 1_000,
            exchanges: 3,
            every: 1,
        };
        campaign::add(&mut c, &server);
    }
    let most = TimeDelta::MAX;
    let floods = (0..150).map(|n| match n % 3 {
        0 => Change::Clocksource {
            from: bad.clone(),
            to: bad.clone(),
        },
        1 => Change::Stall {
            length: most,
            run_delay: Some(most),
        },
        _ => Change::Slew {
            from: Frequency::from_ppb(i64::MIN),
            to: Frequency::from_ppb(i64::MAX),
            error: Frequency::from_ppb(i64::MIN),
        },
    });
    campaign::disturb(&mut c, floods);
    c.event(&Event::Note(
        None,
        Monotonic::default(),
        Note::StampsUnavailable { error: bad },
    ));
    c
}
