//! One source: what it says in sentences, then in pictures.

use std::io;

use super::super::quantity::{Digits, Round, signed};
use super::super::text::source::{against, digits_of, facts, other, title};
use super::exchanges::Exchanges;
use super::markup::Markup;
use super::{distribution, over_time, scatter, stability, table};
use crate::report::{Report, SourceReport};

/// What a source says of this clock, before anything else: how far it is off, and how sure that is.
pub(super) fn headline(m: &mut Markup<'_>, found: &SourceReport) -> io::Result<()> {
    m.within("article", &[], |m| {
        m.say("h3", &[], &title(found))?;
        let median = found.main.offset_ns.as_ref().and_then(|of| {
            let interval = of.ci95.get("p50").copied();
            Some((of.p50?, interval?, "the median"))
        });
        let estimate = found.estimate.as_ref();
        let estimate = estimate.map(|of| (of.offset_ns, of.ci95_ns, "estimated"));
        if let Some((offset, (lower, upper), how)) = estimate.or(median) {
            let spread = lower.abs_diff(upper).saturating_mul(10);
            let digits = Digits::for_spread(spread, offset.unsigned_abs());
            let say = |nanos| signed(nanos, Round::Nearest, digits);
            let size = say(offset.saturating_abs());
            let size = size.trim_start_matches('+');
            let told = match offset {
                0 => "agrees".to_owned(),
                1.. => format!("behind by {size}"),
                _ => format!("ahead by {size}"),
            };
            m.say("p", &[("class", "big")], &told)?;
            let interval = format!("{how}; 95 % interval {} to {}", say(lower), say(upper));
            m.say("p", &[], &interval)?;
        }
        match &found.bound_ns {
            Some(bound) => {
                let digits = digits_of(bound);
                let text = format!(
                    "proven: {} to {} at the end",
                    signed(bound.lower, Round::Down, digits),
                    signed(bound.upper, Round::Up, digits)
                );
                m.say("p", &[], &text)
            }
            None if found.valid == 0 => m.say("p", &[], "no valid exchange"),
            None => m.say("p", &[], "nothing is proven"),
        }
    })
}

pub(super) fn write(
    m: &mut Markup<'_>,
    index: usize,
    report: &Report,
    exchanges: &Exchanges,
) -> io::Result<()> {
    let Some(found) = report.sources.get(index) else {
        return Ok(());
    };
    m.within("section", &[], |m| {
        m.say("h2", &[("id", &anchor(index))], &title(found))?;
        table::facts(m, &facts(found, report))?;
        let drawn = exchanges.of(index);
        over_time::write(m, found, drawn, report)?;
        distribution::write(m, &found.main, drawn)?;
        if let Some(drawn) = drawn {
            scatter::write(m, found, drawn)?;
        } else if exchanges.are_unknown() && found.valid > 0 {
            let text = "Single exchanges, and delay against offset, are not drawn: this page was made from a JSON \
                        report, which has none. clockfit report draws them from a recording.";
            m.say("p", &[("class", "fine")], text)?;
        }
        if let Some(stable) = &found.stability {
            stability::write(m, stable, against(report))?;
        }
        for class in &found.other_classes {
            m.say("p", &[], &other(class))?;
        }
        Ok(())
    })
}

/// The name by which a source is jumped to.
pub(super) fn anchor(index: usize) -> String {
    format!("source-{}", index + 1)
}
