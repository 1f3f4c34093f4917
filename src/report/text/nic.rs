//! Interfaces and what they stamp, a block for each.

use std::io::{self, Write};

use super::super::nic::{
    ClockReport, InterfaceReport, LinkReport, NicKind, NicReport, OfferReport,
};
use super::page::{Ink, Page, Style};

/// Where the text after a label begins.
const INDENT: usize = 14;

/// Writes the interfaces as text. Pure: the same report and style give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_nics(report: &NicReport, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    if report.interfaces.is_empty() {
        return page.line(Ink::Plain, "no interface");
    }
    for (n, found) in report.interfaces.iter().enumerate() {
        if n > 0 {
            page.blank()?;
        }
        block(found, &mut page)?;
    }
    Ok(())
}

fn block<W: Write>(found: &InterfaceReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let kind = match found.kind {
        NicKind::Physical => "device",
        NicKind::Virtual => "software",
        NicKind::Loopback => "loopback",
    };
    let title = format!("{}: {kind}, {}", found.name, link(&found.link));
    page.paragraph(Ink::Title, "", 2, &title)?;
    let mut say = |label: &str, text: &str| {
        let lead = format!("  {label:<width$}", width = INDENT - 2);
        page.paragraph(Ink::Plain, &lead, INDENT, text)
    };
    say("use", &found.outlook.text)?;
    if let Some(driver) = &found.driver {
        let mut text = driver.name.clone();
        if let Some(bus) = &driver.bus {
            text += &format!(" at {bus}");
        }
        if let Some(firmware) = &driver.firmware {
            text += &format!(", firmware {firmware}");
        }
        say("driver", &text)?;
    }
    if let Some(offer) = &found.offer {
        say("kernel", &ways(offer, "software"))?;
        if offered(offer, "tx_hardware") || offered(offer, "rx_hardware") {
            say("hardware", &hardware(offer))?;
        }
    }
    match (&found.setting, &found.setting_error) {
        (Some(set), _) => {
            let text = format!("transmit {}, receive {}", set.tx_type, set.rx_filter);
            say("set to", &text)?;
        }
        // Nobody misses the setting of a card that has none.
        (None, Some(why)) if found.clock.is_some() => say("set to", why)?,
        _ => {}
    }
    if let Some(clock) = &found.clock {
        say("clock", &clock_text(clock))?;
    }
    Ok(())
}

fn link(link: &LinkReport) -> String {
    let state = match (link.up, link.carrier) {
        (false, _) => "down",
        (true, Some(false)) => "up, no carrier",
        (true, _) => "up",
    };
    let speed = link.speed_mbit_s.map(|mbit| match (mbit, mbit % 1000) {
        (1000.., 0) => format!(", {} Gbit/s", mbit / 1000),
        _ => format!(", {mbit} Mbit/s"),
    });
    let duplex = match link.duplex.as_deref() {
        // Expected, and said by every card.
        None | Some("full") => String::new(),
        Some(other) => format!(", {other} duplex"),
    };
    format!("{state}{}{duplex}", speed.unwrap_or_default())
}

fn offered(offer: &OfferReport, capability: &str) -> bool {
    offer.capabilities.iter().any(|c| c == capability)
}

/// Which packets are stamped by the kernel (`software`) or the card (`hardware`).
fn ways(offer: &OfferReport, who: &str) -> String {
    let transmit = offered(offer, &format!("tx_{who}"));
    let receive = offered(offer, &format!("rx_{who}"));
    match (transmit, receive) {
        (true, true) => "stamps sent and received packets",
        (true, false) => "stamps sent packets only",
        (false, true) => "stamps received packets only",
        (false, false) => "stamps nothing",
    }
    .to_owned()
}

fn hardware(offer: &OfferReport) -> String {
    let list = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    format!(
        "{}: transmit {}; receive {}",
        ways(offer, "hardware"),
        list(&offer.tx_types),
        list(&offer.rx_filters)
    )
}

fn clock_text(clock: &ClockReport) -> String {
    let name = clock.name.as_deref();
    let name = name.map_or_else(String::new, |name| format!(" ({name})"));
    let access = match &clock.error {
        None => "readable",
        Some(why) => why,
    };
    format!("{}{name}: {access}", clock.device)
}
