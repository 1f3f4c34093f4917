//! What interfaces can stamp: `docs/nic.schema.json` is what the types say, real output obeys it,
//! `docs/nic.md` speaks of every field, and the text stays readable whatever the interfaces say.

use clockfit::net::nic::{
    AskError, CardClock, Driver, Interface, Kind, Link, Offer, PhcAccess, RxFilter, Setting, TxType,
};
use clockfit::report::text::{Style, write_nics};
use clockfit::report::{NicReport, json};
use serde_json::Value;

use super::schema;

/// One of everything: a card for each outlook, and what stands on cards.
fn interfaces() -> Vec<Interface> {
    let card = |name: &str, offer: Offer, setting, access: Option<PhcAccess>| Interface {
        name: name.to_owned(),
        kind: Kind::Physical,
        driver: Some(Driver {
            name: "ice".into(),
            firmware: Some("4.20 0x8001784d 1.3346.0".into()),
            bus: Some("0000:31:00.0".into()),
        }),
        link: Link {
            up: true,
            carrier: Some(true),
            speed: Some(25_000),
            duplex: Some("full".into()),
        },
        offer: Ok(offer),
        setting,
        clock: access.map(|access| CardClock {
            index: 3,
            name: Some("ice-0000:31:00.0-0".into()),
            access,
        }),
        beneath: Vec::new(),
    };
    let both = Offer {
        capabilities: 0x5f,
        tx_types: 0b11,
        rx_filters: 0b11,
        phc: Some(3),
    };
    let one_way = Offer {
        rx_filters: 1 | 1 << 4 | 1 << 5 | 1 << 12,
        ..both
    };
    let software = |capabilities| Offer {
        capabilities,
        ..Offer::default()
    };
    let off = Ok(Setting::OFF);
    let set = |rx| {
        Ok(Setting {
            tx: TxType::ON,
            rx,
            flags: 0,
        })
    };
    let readable = Some(PhcAccess::Readable);
    let denied = Some(PhcAccess::Denied);
    let silent = Err(AskError::Unsupported);
    let mut slow = card("eth4", one_way, off.clone(), readable.clone());
    slow.link.speed = Some(100);
    slow.link.duplex = Some("half".into());
    let mut dark = card("eth5", software(0x1a), silent.clone(), None);
    dark.link.carrier = Some(false);
    dark.link.speed = None;
    let mut down = card("eth6", software(0), silent.clone(), None);
    down.link = Link::default();
    down.driver = None;
    let mut vlan = card("bond0.7", both, silent.clone(), denied.clone());
    vlan.kind = Kind::Virtual;
    vlan.beneath = vec!["eth0".into(), "eth1".into()];
    let mut lo = card("lo", software(0x1a), silent.clone(), None);
    lo.kind = Kind::Loopback;
    lo.driver = None;
    let mut gone = card("eth8", both, Err(AskError::Vanished), None);
    gone.offer = Err(AskError::Vanished);
    let missing = Some(PhcAccess::NoDevice);
    vec![
        card("eth0", both, set(RxFilter::NTP_ALL), readable.clone()),
        card("eth1", both, off.clone(), readable.clone()),
        card("eth1u", both, off, denied.clone()),
        card("eth2", both, set(RxFilter(12)), readable.clone()),
        card("eth3", both, silent.clone(), readable),
        card("eth3u", both, set(RxFilter::ALL), missing),
        slow,
        dark,
        down,
        card("eth7", software(0x18), silent, None),
        gone,
        vlan,
        lo,
    ]
}

/// Names, texts and numbers of the worst kind.
fn hostile() -> Vec<Interface> {
    let bad = format!("\x1b]0;owned\x07\r\n\u{202e}{}\u{b5}", "x".repeat(500));
    let spoil = |mut interface: Interface| {
        interface.name.clone_from(&bad);
        interface.driver = Some(Driver {
            name: bad.clone(),
            firmware: Some(bad.clone()),
            bus: Some(bad.clone()),
        });
        interface.link.speed = Some(u32::MAX);
        interface.link.duplex = Some(bad.clone());
        if let Some(clock) = &mut interface.clock {
            clock.index = u32::MAX;
            clock.name = Some(bad.clone());
            clock.access = PhcAccess::Failed(bad.clone());
        }
        if !interface.beneath.is_empty() {
            interface.beneath = vec![bad.clone(); 300];
        }
        if let Ok(offer) = &mut interface.offer {
            *offer = Offer {
                capabilities: u32::MAX,
                tx_types: u32::MAX,
                rx_filters: u32::MAX,
                phc: Some(u32::MAX),
            };
        } else {
            interface.offer = Err(AskError::Failed(bad.clone()));
        }
        interface.setting = match interface.setting {
            Ok(_) => Ok(Setting {
                tx: TxType(i32::MIN),
                rx: RxFilter(i32::MAX),
                flags: -1,
            }),
            Err(_) => Err(AskError::Failed(bad.clone())),
        };
        interface
    };
    interfaces().into_iter().map(spoil).collect()
}

fn report(interfaces: &[Interface]) -> NicReport {
    NicReport::new("clockfit 0.1.0", interfaces)
}

fn text(interfaces: &[Interface], unicode: bool) -> String {
    let style = Style {
        colour: false,
        unicode,
    };
    let mut out = Vec::new();
    write_nics(&report(interfaces), style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn rendered(interfaces: &[Interface]) -> String {
    let mut out = Vec::new();
    json::write_nics(&report(interfaces), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    schema::is_published("nic.schema.json", json::write_nics_schema);
}

#[test]
fn real_output_obeys_the_published_schema() {
    let published = schema::published("nic.schema.json");
    for interfaces in [interfaces(), hostile(), Vec::new()] {
        let value: Value = serde_json::from_str(&rendered(&interfaces)).unwrap();
        schema::check(&published, &published, &value, "$");
    }
}

#[test]
fn every_field_and_outlook_is_documented() {
    schema::is_documented("nic.schema.json", "nic.md", 25);
    let published = schema::published("nic.schema.json");
    let outlooks = published.pointer("/$defs/OutlookCode/oneOf").unwrap();
    let outlooks: Vec<_> = outlooks.as_array().unwrap().iter().collect();
    assert!(outlooks.len() > 10);
    let page = schema::page("nic.md");
    for outlook in outlooks {
        let code = outlook["const"].as_str().unwrap();
        assert!(
            page.contains(&format!("`{code}`")),
            "docs/nic.md lacks {code}"
        );
    }
}

#[test]
fn a_report_reads_back_as_it_was_written() {
    let back: NicReport = serde_json::from_str(&rendered(&interfaces())).unwrap();
    assert_eq!(back, report(&interfaces()));
    assert!(!rendered(&hostile()).contains("\\u001b"));
}

#[test]
fn many_interfaces() {
    insta::assert_snapshot!(text(&interfaces(), false));
}

#[test]
fn no_line_leaves_the_page_and_nothing_steers_the_terminal() {
    for interfaces in [interfaces(), hostile()] {
        for line in text(&interfaces, false).lines() {
            assert!(line.len() <= 80, "{} columns: {line}", line.len());
            assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line:?}");
        }
        assert!(!text(&interfaces, true).contains(['\u{1b}', '\u{202e}', '\r']));
    }
    assert_eq!(text(&[], false), "no interface\n");
}
