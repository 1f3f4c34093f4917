//! A survey as a page: what follows first, then what the host is offered, configured with and using.

use std::io::{self, Write};

use super::super::survey::{DaemonReport, RunningReport, SurveyReport, SurveyState, words};
use super::markup::Markup;
use super::{Head, document, links, table};

/// Rows of a table and points of a list that are shown; JSON has all.
const SHOWN: usize = 200;

/// Writes which time a host is offered, configured with and using. Pure: the same report gives the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    let m = &mut Markup::new(out);
    let headline = words::headline(report);
    let heading = match report.root.as_str() {
        "/" => "The time of this host".to_owned(),
        root => format!("The time of the system below {root}"),
    };
    let head = Head {
        title: &headline,
        heading: &heading,
        tool: &report.tool,
    };
    let system = report.system.as_deref().map(|of| format!("{of}, "));
    let below = format!("{}by {}", system.unwrap_or_default(), report.tool);
    document(
        m,
        &head,
        &below,
        |m| contents(m, report),
        |m| sections(m, report, &headline),
    )
}

fn contents(m: &mut Markup<'_>, report: &SurveyReport) -> io::Result<()> {
    let mut all = vec![("result", "Result"), ("offered", "Offered")];
    all.push(("configured", "Configured"));
    if report.running.is_some() || report.kernel.is_some() {
        all.push(("used", "Used"));
    }
    if !report.missed.is_empty() {
        all.push(("missed", "Could not be read"));
    }
    let all = all.into_iter();
    let all: Vec<(String, String)> = all
        .map(|(name, text)| (format!("#{name}"), text.to_owned()))
        .collect();
    links(m, &all)
}

fn sections(m: &mut Markup<'_>, report: &SurveyReport, headline: &str) -> io::Result<()> {
    m.within("section", &[], |m| {
        m.say("h2", &[("id", "result")], "Result")?;
        result(m, report, headline)
    })?;
    m.within("section", &[], |m| {
        m.say("h2", &[("id", "offered")], "Offered")?;
        offered(m, report)
    })?;
    m.within("section", &[], |m| {
        m.say("h2", &[("id", "configured")], "Configured")?;
        if report.daemons.is_empty() {
            m.say("p", &[], "No time daemon that is known here.")?;
        }
        let mut daemons = report.daemons.iter();
        daemons.try_for_each(|of| daemon(m, of))
    })?;
    used(m, report)?;
    missed(m, report)
}

fn result(m: &mut Markup<'_>, report: &SurveyReport, headline: &str) -> io::Result<()> {
    let class = match report.state() {
        SurveyState::Ok => "verdict fit",
        SurveyState::Critical => "verdict unfit",
        SurveyState::Warning | SurveyState::Unknown => "verdict open",
    };
    m.within("div", &[("class", class)], |m| {
        m.say("p", &[("class", "headline")], headline)?;
        if report.because.is_empty() {
            return Ok(());
        }
        m.say("p", &[], "Because of")?;
        list(m, report.because.iter().map(words::said))
    })?;
    if report.findings.is_empty() {
        return Ok(());
    }
    m.within("div", &[("class", "warnings")], |m| {
        m.say("h3", &[], "To be looked at")?;
        list(m, report.findings.iter().map(|of| of.text.clone()))
    })
}

fn offered(m: &mut Markup<'_>, report: &SurveyReport) -> io::Result<()> {
    if report.offers.is_empty() {
        return m.say("p", &[], "Nothing that is known here.");
    }
    let rows = report.offers.iter().map(|of| {
        vec![
            of.server.clone(),
            of.by.name().to_owned(),
            of.client.clone(),
            of.interface.clone().unwrap_or_else(|| "-".to_owned()),
            words::taken(of),
            words::standing(of.standing).to_owned(),
            words::said(&of.evidence),
        ]
    });
    let columns = [
        ("server", false),
        ("offered by", false),
        ("client", false),
        ("interface", false),
        ("what became of it", false),
        ("stands", false),
        ("where", false),
    ];
    rows_of(m, "what the host is offered", &columns, rows)
}

fn daemon(m: &mut Markup<'_>, of: &DaemonReport) -> io::Result<()> {
    m.say("h3", &[], &words::daemon(of))?;
    if let Some(evidence) = &of.enabled_by {
        m.say("p", &[("class", "fine")], &words::said(evidence))?;
    }
    if of.sources.is_empty() {
        m.say("p", &[], "No source.")?;
    } else {
        let rows = of.sources.iter().map(|of| {
            vec![
                of.name.clone(),
                format!("{}{}", of.kind.name(), words::terms(of)),
                of.author.name().to_owned(),
                words::said(&of.evidence),
            ]
        });
        let columns = [
            ("source", false),
            ("kind", false),
            ("written by", false),
            ("where", false),
        ];
        rows_of(m, &format!("sources of {}", of.name), &columns, rows)?;
    }
    if of.takes_offers.is_empty() {
        return Ok(());
    }
    m.say("p", &[], "It takes what is offered:")?;
    list(m, of.takes_offers.iter().map(words::said))
}

fn used(m: &mut Markup<'_>, report: &SurveyReport) -> io::Result<()> {
    if report.running.is_none() && report.kernel.is_none() {
        return Ok(());
    }
    m.within("section", &[], |m| {
        m.say("h2", &[("id", "used")], "Used")?;
        if let Some(running) = &report.running {
            if running.is_empty() {
                m.say("p", &[], "No time daemon runs that can be seen.")?;
            }
            running.iter().try_for_each(|of| runs(m, of))?;
        }
        match &report.kernel {
            Some(kernel) => {
                m.say("h3", &[], "The kernel's clock")?;
                m.say("p", &[], &words::kernel(kernel))
            }
            None => Ok(()),
        }
    })
}

fn runs(m: &mut Markup<'_>, of: &RunningReport) -> io::Result<()> {
    m.say("h3", &[], &words::runs(of))?;
    if of.servers.is_empty() {
        return Ok(());
    }
    let rows = of.servers.iter().map(|of| {
        vec![
            of.server.clone(),
            of.name.clone().unwrap_or_else(|| "-".to_owned()),
            words::selection(of.selection).to_owned(),
            words::said(&of.evidence),
        ]
    });
    let columns = [
        ("server", false),
        ("in its settings", false),
        ("what it thinks of it", false),
        ("where it says so", false),
    ];
    rows_of(m, &format!("servers of {}", of.name), &columns, rows)
}

fn missed(m: &mut Markup<'_>, report: &SurveyReport) -> io::Result<()> {
    if report.missed.is_empty() {
        return Ok(());
    }
    m.within("section", &[], |m| {
        m.say("h2", &[("id", "missed")], "Could not be read")?;
        let rows = report.missed.iter();
        let rows = rows.map(|of| vec![of.path.clone(), of.why.clone()]);
        let columns = [("file", false), ("why", false)];
        rows_of(m, "what could not be read", &columns, rows)
    })
}

/// The first rows of a table, and how many there are beside.
fn rows_of(
    m: &mut Markup<'_>,
    caption: &str,
    columns: &[table::Column<'_>],
    rows: impl ExactSizeIterator<Item = Vec<String>>,
) -> io::Result<()> {
    let count = rows.len();
    table::write(m, caption, columns, rows.take(SHOWN))?;
    more(m, count)
}

/// The first points of a list, and how many there are beside.
fn list(m: &mut Markup<'_>, all: impl ExactSizeIterator<Item = String>) -> io::Result<()> {
    let count = all.len();
    m.within("ul", &[], |m| {
        let mut shown = all.take(SHOWN);
        shown.try_for_each(|text| m.say("li", &[], &text))
    })?;
    more(m, count)
}

fn more(m: &mut Markup<'_>, count: usize) -> io::Result<()> {
    match count.saturating_sub(SHOWN) {
        0 => Ok(()),
        more => m.say(
            "p",
            &[],
            &format!("And {more} more, all in the JSON report."),
        ),
    }
}
