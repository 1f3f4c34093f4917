//! Services and grades: a table to choose from, and each in full.

use std::io::{self, Write};

use super::super::services::{GradeReport, LimitReport, ServiceReport, ServicesReport};
use super::page::{Ink, Page, Style};
use super::quantity::{exact, ppm};

/// Where the text after a label begins.
const INDENT: usize = 14;
/// The column of limits in the table: no name that comes with the program is longer.
const LIMITS: usize = 35;
/// The column of what happens.
const SEVERITY: usize = 60;

/// Writes a table of services by their kind, and the grades. Pure: the same report and style give the same
/// bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_services(
    report: &ServicesReport,
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let count = report.services.len();
    let plural = if count == 1 { "" } else { "s" };
    let title = format!(
        "{count} check{plural} of services, as their sources had them on {}",
        report.generated
    );
    page.paragraph(Ink::Title, "", 0, &title)?;
    let mut kinds: Vec<&str> = Vec::new();
    for service in &report.services {
        if !kinds.contains(&service.kind.as_str()) {
            kinds.push(&service.kind);
        }
    }
    for kind in kinds {
        page.blank()?;
        page.line(Ink::Title, kind)?;
        for service in report.services.iter().filter(|of| of.kind == kind) {
            let row = row(&service.id, &limit(service), &service.severity);
            page.line(Ink::Plain, &row)?;
        }
    }
    if !report.grades.is_empty() {
        page.blank()?;
        page.line(Ink::Title, "grades a provider may promise")?;
        for grade in &report.grades {
            let most = number(&grade.limits, "max_abs_offset_plus_bound_p999_s");
            let text = most.map_or(String::new(), |most| {
                format!("{} from UTC, 99.9 % of the time", value(most))
            });
            page.line(Ink::Plain, &row(&grade.id, &text, ""))?;
        }
    }
    page.blank()?;
    let text = "One in full: clockfit services ID. A limit of a pair is about two clocks; without the \
                word it is about one. What comes beyond it stands behind it.";
    page.paragraph(Ink::Plain, "", 0, text)
}

fn row(id: &str, limit: &str, severity: &str) -> String {
    let mut row = format!("  {id}");
    for (column, text) in [(LIMITS, limit), (SEVERITY, severity)] {
        let width = row.chars().count();
        row.push_str(&" ".repeat(column.saturating_sub(width).max(1)));
        row.push_str(text);
    }
    row
}

/// A service's limit in few words.
fn limit(service: &ServiceReport) -> String {
    if service.scope == "none" {
        return "not sensitive".to_owned();
    }
    let number = |name: &str| number(&service.limits, name).map(value);
    let side = service.one_sided.as_ref();
    let side = side.map_or(String::new(), |side| format!(" {side}"));
    let all = [
        number("max_pairwise_skew_s").map(|v| format!("{v}{side}, pair")),
        number("max_utc_offset_s").map(|v| format!("{v} from UTC")),
        number("max_error_bound_s").map(|v| format!("{v} of bound")),
        number("max_step_s").map(|v| format!("step of {v}")),
        number("max_step_back_s").map(|v| format!("step back of {v}")),
        number("max_drift_ppm").map(|v| format!("rate, {v}")),
    ];
    let all: Vec<String> = all.into_iter().flatten().collect();
    match all.as_slice() {
        [] if service.last_write_wins => "reorders by the skew".to_owned(),
        [] => "no limit known".to_owned(),
        [one] => one.clone(),
        [one, ..] => format!("{one} ..."),
    }
}

fn number<'a>(limits: &'a [LimitReport], name: &str) -> Option<&'a LimitReport> {
    limits.iter().find(|limit| limit.name == name)
}

/// A number with its unit.
fn value(limit: &LimitReport) -> String {
    match (limit.ns, limit.ppb) {
        (Some(ns), _) => exact(ns),
        (_, Some(ppb)) => ppm(ppb),
        _ => String::new(),
    }
}

/// Writes services and grades in full, one after another. Pure: the same report and style give the same
/// bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_explained(
    report: &ServicesReport,
    style: Style,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let mut follows = false;
    for service in &report.services {
        if std::mem::replace(&mut follows, true) {
            page.blank()?;
        }
        explain(service, &mut page)?;
    }
    for grade in &report.grades {
        if std::mem::replace(&mut follows, true) {
            page.blank()?;
        }
        explain_grade(grade, &mut page)?;
    }
    Ok(())
}

fn say<W: Write>(page: &mut Page<'_, W>, label: &str, text: &str) -> io::Result<()> {
    let lead = format!("  {label:<width$}", width = INDENT - 2);
    page.paragraph(Ink::Plain, &lead, INDENT, text)
}

fn explain<W: Write>(service: &ServiceReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let title = format!("{}: {}", service.id, service.name);
    page.paragraph(Ink::Title, "", 2, &title)?;
    say(page, "kind", &service.kind)?;
    say(page, "depends on", &depends(service))?;
    for limit in &service.limits {
        let label = if limit.judged { "limit" } else { "no limit" };
        say(page, label, &limit_in_words(limit, service))?;
    }
    if service.last_write_wins {
        let text = "by the skew of two clocks writes swap their order: a reorder window is told, and no \
                    verdict";
        say(page, "last write", text)?;
    }
    let severity = match service.severity.as_str() {
        "none" => "",
        "warn" => "a warning. ",
        "refuse" => "work is refused. ",
        "terminate" => "it ends itself. ",
        "incorrect" => "wrong data or answers, and nothing says so. ",
        "regulatory" => "a rule is broken. ",
        _ => "not established. ",
    };
    say(
        page,
        "beyond",
        &format!("{severity}{}", service.consequence),
    )?;
    let setting = match service.config_key.as_str() {
        "none" | "n/a" => "none".to_owned(),
        key => format!("{key}, by default {}", service.default),
    };
    say(page, "setting", &setting)?;
    say(page, "source", &service.source)?;
    say(page, "read in", &service.version)?;
    let verified = match service.verified {
        true => "yes: the code or the official page was read",
        false => "no: known second hand",
    };
    say(page, "verified", verified)?;
    if !service.note.is_empty() {
        say(page, "note", &service.note)?;
    }
    origin(service.profile.as_deref(), page)
}

fn depends(service: &ServiceReport) -> String {
    let what = match service.scope.as_str() {
        "none" => return format!("no clock's offset; it reads {}", clock(&service.clock)),
        "pairwise" => match &service.between {
            Some(two) if two.judged == two.by => {
                format!("what the clocks of any two {}s differ by", two.by)
            }
            Some(two) => format!("what the clocks of {} and {} differ by", two.judged, two.by),
            None => "what two clocks differ by".to_owned(),
        },
        "utc" => "how far the clock is from UTC".to_owned(),
        "step" => "steps of the clock".to_owned(),
        "rate" => "how fast the clock runs".to_owned(),
        _ => "not established".to_owned(),
    };
    format!("{what}; it reads {}", clock(&service.clock))
}

fn clock(word: &str) -> &'static str {
    match word {
        "wall" => "the time of day",
        "monotonic" => "a clock that no step moves",
        _ => "the time of day and a clock that no step moves",
    }
}

fn limit_in_words(limit: &LimitReport, service: &ServiceReport) -> String {
    let value = value(limit);
    let side = |verb: &str| match (&service.between, service.one_sided.as_deref()) {
        (Some(two), Some(side)) => format!("{verb} while {} is {side} of {}", two.judged, two.by)
            .replace("behind of", "behind"),
        _ => format!("{verb}, either way"),
    };
    let text = match limit.name.as_str() {
        "max_pairwise_skew_s" => side(&format!("{value} between two clocks")),
        "warn_pairwise_skew_s" => side(&format!("{value}, from where on it warns")),
        "max_utc_offset_s" => format!("{value} from UTC, the error of the reference included"),
        "max_error_bound_s" => format!("{value} of error bound, wherever the clock is"),
        "max_step_s" => format!("{value} forward in one step"),
        "max_step_back_s" => format!("{value} back in one step"),
        "max_drift_ppm" => format!("{value} between the rates of two clocks"),
        "assumed_drift_ppm" => format!("{value} is the rate it lets a bound grow by"),
        "correctable_drift_ppm" => format!("{value} is the most it can correct"),
        "step_threshold_s" => format!("from {value} on it steps the clock itself"),
        _ => value,
    };
    let derived = match service.derived && limit.judged && !limit.set {
        true => "; it follows from settings, and is none itself",
        false => "",
    };
    format!("{text}{derived}{} [{}]", set(limit), limit.name)
}

fn set(limit: &LimitReport) -> &'static str {
    if limit.set { "; set by this site" } else { "" }
}

fn explain_grade<W: Write>(grade: &GradeReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let title = format!("{}: a grade that a provider may promise", grade.id);
    page.paragraph(Ink::Title, "", 2, &title)?;
    for limit in &grade.limits {
        let value = value(limit);
        let text = match limit.name.as_str() {
            "max_abs_offset_plus_bound_p999_s" => {
                format!("{value} from UTC, bound included, 99.9 % of the time")
            }
            "window_max_abs_offset_plus_bound_s" => {
                format!("{value} from UTC, bound included, at any time")
            }
            "max_jitter_p999_s" => {
                format!("{value} from the running median of an hour, 99.9 % of the time")
            }
            "max_pairwise_skew_p999_s" => {
                format!("{value} between two hosts, bound included, 99.9 % of the time")
            }
            "window_max_pairwise_skew_s" => {
                format!("{value} between two hosts, bound included, at any time")
            }
            "max_forward_step_s" => format!("{value} forward in one step"),
            "max_backward_step_s" => format!("{value} back in one step"),
            _ => format!("{value} of rate that discipline leaves"),
        };
        let text = format!("{text}{} [{}]", set(limit), limit.name);
        say(page, "limit", &text)?;
    }
    say(page, "covers", &grade.covers)?;
    if !grade.reason.is_empty() {
        say(page, "why", &grade.reason)?;
    }
    origin(grade.profile.as_deref(), page)
}

fn origin<W: Write>(profile: Option<&str>, page: &mut Page<'_, W>) -> io::Result<()> {
    match profile {
        Some(name) => say(page, "from", &format!("the profile {name}")),
        None => Ok(()),
    }
}
