//! What was judged: the verdict first, then what it rests on, then each service and grade.

use std::io::{self, Write};

use super::super::check::{
    CheckReport, CheckedReport, ClaimName, JudgementReport, OutcomeName, RequirementReport,
    VerdictName,
};
use super::page::{Ink, Page, Style};
use super::quantity::{Digits, Round, exact, plain, ppm, signed};

/// Where the text after a verdict begins.
pub(super) const INDENT: usize = 16;
/// So many services are told in full; of more there is a table.
pub(super) const IN_FULL: usize = 8;
/// The need of all that is about offsets, where no majority agrees.
const SERVERS: &str = "servers";
/// The column of verdicts in the table.
pub(super) const OUTCOME: usize = 35;

/// Writes what was judged as text. Pure: the same report and style give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_check(report: &CheckReport, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    header(report, &mut page)?;
    if let Some(conditions) = &report.conditions {
        super::conditions::write(conditions, &mut page)?;
    }
    let in_full = report.services.len() <= IN_FULL;
    if in_full {
        for service in &report.services {
            page.blank()?;
            block(service, &mut page)?;
        }
    }
    for grade in &report.grades {
        // Beside the one that decides the others are told in a line.
        let in_full = report.decided_by.as_ref().is_none_or(|id| *id == grade.id);
        page.blank()?;
        if in_full {
            block(grade, &mut page)?;
        } else {
            in_a_line(grade, &mut page)?;
        }
    }
    if !in_full {
        table(report, &mut page)?;
    }
    page.blank()?;
    page.paragraph(Ink::Plain, "", 0, &holds_for(report))
}

/// What a verdict is about, and what it is not.
pub(in super::super) fn holds_for(report: &CheckReport) -> String {
    format!(
        "This holds for this window of {}. For a longer time observe as long: a day has load, steps and \
         leap seconds that a minute has not.",
        plain(report.window.observed_ns)
    )
}

/// The best grade, where nothing was asked for.
pub(in super::super) fn reached(report: &CheckReport) -> Option<String> {
    report.decided_by.as_ref()?;
    Some(match &report.grade_reached {
        Some(grade) => format!("best grade reached: {grade}"),
        None => "no grade is reached for certain".to_owned(),
    })
}

/// All in one line.
pub(in super::super) fn verdict_line(report: &CheckReport) -> String {
    let asked: Vec<&str> = match &report.decided_by {
        Some(grade) => vec![grade],
        None => {
            let all = report.services.iter().chain(&report.grades);
            all.map(|of| of.id.as_str()).collect()
        }
    };
    let what = match asked.as_slice() {
        all if all.len() > 4 => format!("{} services and grades", all.len()),
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        all => all.join(""),
    };
    let all = report.services.iter().chain(&report.grades);
    let cannot = [OutcomeName::NotSensitive, OutcomeName::Reorders];
    let verdict = match all.into_iter().all(|of| cannot.contains(&of.outcome)) {
        true => "NOTHING TO JUDGE".to_owned(),
        false => word(report.verdict).to_uppercase(),
    };
    format!(
        "{verdict} for {what}, in this window of {}",
        plain(report.window.observed_ns)
    )
}

fn header<W: Write>(report: &CheckReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let ink = match report.verdict {
        VerdictName::Fit => Ink::Title,
        _ => Ink::Warning,
    };
    page.paragraph(ink, "", 2, &verdict_line(report))?;
    let measured = &report.measurement;
    let host = measured.host.name.as_deref().unwrap_or("unknown host");
    let text = format!(
        "{} on {host}, {}, {} exchanges with {}",
        report.tool,
        measured.run.started.utc(),
        report.window.exchanges,
        servers(&report.window.servers)
    );
    page.paragraph(Ink::Plain, "", 2, &text)?;
    for reason in &report.reasons {
        page.paragraph(Ink::Warning, "! ", 2, &reason.text)?;
    }
    // What all of them need is said once.
    let judged = report.services.iter().chain(&report.grades);
    let mut needs = judged.flat_map(|of| &of.checks).flat_map(|of| &of.needs);
    if let Some(need) = needs.find(|need| need.code == SERVERS) {
        let text = format!("what would decide: {}", need.text);
        page.paragraph(Ink::Plain, "  ", 2, &text)?;
    }
    if let Some(text) = reached(report) {
        page.paragraph(Ink::Plain, "", 2, &text)?;
    }
    Ok(())
}

fn servers(of: &[String]) -> String {
    match of {
        [one] => one.clone(),
        [first @ .., last] if of.len() <= 3 => format!("{} and {last}", first.join(", ")),
        all => format!("{} servers", all.len()),
    }
}

pub(in super::super) fn word(verdict: VerdictName) -> &'static str {
    match verdict {
        VerdictName::Fit => "fit",
        VerdictName::Undetermined => "undetermined",
        VerdictName::Unfit => "unfit",
    }
}

pub(in super::super) fn outcome(outcome: OutcomeName) -> &'static str {
    match outcome {
        OutcomeName::Fit => "fit",
        OutcomeName::Undetermined => "undetermined",
        OutcomeName::Unfit => "unfit",
        OutcomeName::NotSensitive => "not sensitive",
        OutcomeName::Reorders => "reorders",
    }
}

fn block<W: Write>(of: &JudgementReport, page: &mut Page<'_, W>) -> io::Result<()> {
    title(&of.id, &of.name, of.outcome, page)?;
    for check in &of.checks {
        let lead = lead(check.advisory, check.verdict);
        page.paragraph(Ink::Plain, &lead, INDENT, &sentence(check))?;
    }
    for reason in &of.reasons {
        below(&reason.text, page)?;
    }
    if let Some(text) = reordering(of) {
        below(&text, page)?;
    }
    match tells_consequence(of.outcome) && of.severity.is_some() {
        true => below(&of.consequence, page),
        false => Ok(()),
    }
}

/// The line above what is said of a service or a grade.
pub(super) fn title<W: Write>(
    id: &str,
    name: &str,
    told: OutcomeName,
    page: &mut Page<'_, W>,
) -> io::Result<()> {
    let ink = match told {
        OutcomeName::Unfit => Ink::Warning,
        _ => Ink::Title,
    };
    let name = match name == id {
        true => String::new(),
        false => format!(" ({name})"),
    };
    page.paragraph(ink, "", 2, &format!("{id}: {}{name}", outcome(told)))
}

/// What stands before a limit: the verdict on it.
pub(super) fn lead(advisory: bool, verdict: VerdictName) -> String {
    let word = match (advisory, verdict) {
        (true, VerdictName::Unfit) => "warns",
        (_, verdict) => word(verdict),
    };
    format!("  {word:<width$}", width = INDENT - 2)
}

/// A sentence below a limit.
pub(super) fn below<W: Write>(text: &str, page: &mut Page<'_, W>) -> io::Result<()> {
    page.paragraph(Ink::Plain, &" ".repeat(INDENT), INDENT, text)
}

/// Whether what happens beyond a limit is worth telling.
pub(super) fn tells_consequence(outcome: OutcomeName) -> bool {
    matches!(outcome, OutcomeName::Unfit | OutcomeName::NotSensitive)
}

/// Within which time writes may swap their order, where the last one wins.
pub(in super::super) fn reordering(of: &JudgementReport) -> Option<String> {
    let (_, upper) = of.reorder_ns?;
    Some(match upper {
        Some(upper) => format!(
            "writes of two hosts that are both as good as this one may swap their order within {}",
            plain_up(upper)
        ),
        None => "nothing limits how far apart writes may swap their order".to_owned(),
    })
}

/// A grade beside the one that decides.
fn in_a_line<W: Write>(grade: &JudgementReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let count = |verdict| {
        grade
            .checks
            .iter()
            .filter(|of| of.verdict == verdict)
            .count()
    };
    let text = format!(
        "{}: {}; of {} limits {} kept, {} not kept, {} undetermined",
        grade.id,
        outcome(grade.outcome),
        grade.checks.len(),
        count(VerdictName::Fit),
        count(VerdictName::Unfit),
        count(VerdictName::Undetermined)
    );
    page.paragraph(Ink::Title, "", 2, &text)
}

/// What was required, observed and found.
pub(in super::super) fn sentence(check: &CheckedReport) -> String {
    let required = &check.requirement;
    let unit = required.unit.as_str();
    let observed = match check.observed {
        None | Some((0, None)) => "not known".to_owned(),
        Some((lower, None)) => format!("{} or more", value(lower, unit)),
        Some((lower, Some(upper))) if lower == upper => value(lower, unit),
        Some((lower, Some(upper))) => {
            format!("{} to {}", value(lower, unit), value_up(upper, unit))
        }
    };
    let mut text = format!("{}: {observed}", requirement(check));
    if check.claim == ClaimName::Share {
        text += match check.verdict {
            VerdictName::Fit => "; keeps its share",
            VerdictName::Unfit => "; does not keep its share",
            VerdictName::Undetermined => "",
        };
    }
    match (check.verdict, check.reserve) {
        (VerdictName::Fit, Some(reserve)) => {
            text += &format!("; reserve {}", value(reserve, unit));
        }
        (VerdictName::Unfit, Some(beyond)) => {
            text += &format!("; beyond by {}", value(beyond.saturating_neg(), unit));
        }
        _ => {}
    }
    for reason in &check.reasons {
        text += &format!("; {}", reason.text);
    }
    // What all of them need is said above.
    let own = check.needs.iter().filter(|need| need.code != SERVERS);
    let needs: Vec<&str> = own.map(|need| need.text.as_str()).collect();
    if !needs.is_empty() {
        text += &format!("; what would decide: {}", needs.join("; or "));
    }
    if check.advisory {
        text += "; beyond it warns, and goes on";
    }
    text
}

/// A lower end, or what is left: rounded down.
fn value(of: i64, unit: &str) -> String {
    match unit {
        "ppb" => ppm(of),
        _ => plain_down(of),
    }
}

/// An upper end: rounded up.
fn value_up(of: i64, unit: &str) -> String {
    match unit {
        "ppb" => ppm(of),
        _ => plain_up(of),
    }
}

/// A time without a sign, rounded down.
pub(super) fn plain_down(nanos: i64) -> String {
    signed(nanos, Round::Down, Digits::Four)
        .trim_start_matches('+')
        .to_owned()
}

/// The same, rounded up.
pub(super) fn plain_up(nanos: i64) -> String {
    signed(nanos, Round::Up, Digits::Four)
        .trim_start_matches('+')
        .to_owned()
}

/// The requirement in words, with its limit.
pub(in super::super) fn requirement(check: &CheckedReport) -> String {
    let required = &check.requirement;
    let RequirementReport { limit, allowed, .. } = *required;
    let (limit, allowed) = match required.unit.as_str() {
        "ppb" => (ppm(limit), ppm(allowed)),
        _ => (exact(limit), exact(allowed)),
    };
    let set = if required.set {
        ", set by this site"
    } else {
        ""
    };
    let share = format!("its share of {limit} between two{set}");
    match required.name.as_str() {
        "max_pairwise_skew_s" | "window_max_pairwise_skew_s" => {
            format!("within {allowed} of the servers, {share}")
        }
        "warn_pairwise_skew_s" => {
            format!("within {allowed} of the servers, its share of {limit} between two{set}")
        }
        "max_pairwise_skew_p999_s" => {
            format!("within {allowed} of the servers 99.9 % of the time, {share}")
        }
        "max_utc_offset_s" | "window_max_abs_offset_plus_bound_s" => {
            format!("within {allowed} of UTC at every instant{set}")
        }
        "max_abs_offset_plus_bound_p999_s" => {
            format!("within {allowed} of UTC 99.9 % of the time{set}")
        }
        "max_error_bound_s" => format!("error bound of the kernel at most {allowed}{set}"),
        "max_step_s" | "max_forward_step_s" => format!("steps forward at most {allowed}{set}"),
        "max_step_back_s" | "max_backward_step_s" => format!("steps back at most {allowed}{set}"),
        "max_drift_ppm" => format!("rate within {allowed} of the servers', {share}"),
        "max_residual_drift_ppm" => format!("rate within {allowed} of the servers'{set}"),
        "max_jitter_p999_s" => {
            format!("within {allowed} of the running median 99.9 % of the time{set}")
        }
        name => format!("{name} at most {allowed}{set}"),
    }
}

/// Many services, a line each: those that are not fit first, and those that cannot fail last.
fn table<W: Write>(report: &CheckReport, page: &mut Page<'_, W>) -> io::Result<()> {
    for title in GROUPS {
        let all = report.services.iter();
        let of_group: Vec<_> = all.filter(|of| group(of) == title).collect();
        if of_group.is_empty() {
            continue;
        }
        page.blank()?;
        page.line(Ink::Title, &format!("{} services: {title}", of_group.len()))?;
        if [NO_LIMIT, NOT_SENSITIVE].contains(&title) {
            let names: Vec<&str> = of_group.iter().map(|of| of.id.as_str()).collect();
            page.paragraph(Ink::Plain, "  ", 2, &names.join(", "))?;
            continue;
        }
        for service in of_group {
            let lead = format!("  {:<width$}", service.id, width = OUTCOME - 2);
            page.paragraph(Ink::Plain, &lead, OUTCOME, &in_short(service))?;
        }
    }
    Ok(())
}

/// Groups of a table, in their order.
const GROUPS: [&str; 6] = [
    "unfit",
    "undetermined",
    "fit",
    "reorder writes",
    NO_LIMIT,
    NOT_SENSITIVE,
];

fn group(of: &JudgementReport) -> &'static str {
    match of.outcome {
        OutcomeName::NotSensitive => NOT_SENSITIVE,
        OutcomeName::Reorders => "reorder writes",
        OutcomeName::Undetermined if of.checks.is_empty() && of.reorder_ns.is_none() => NO_LIMIT,
        judged => outcome(judged),
    }
}

/// Groups of which names say all.
const NO_LIMIT: &str = "undetermined, sensitive to clocks, no limit known";
const NOT_SENSITIVE: &str = "not sensitive to any clock's offset";

/// What stands behind a service's outcome, in few words.
fn in_short(service: &JudgementReport) -> String {
    match service.reorder_ns {
        Some((_, Some(upper))) => return format!("within {}", plain_up(upper)),
        Some((_, None)) => return "by how much is not known".to_owned(),
        None => {}
    }
    let outcome = match service.outcome {
        OutcomeName::Unfit => VerdictName::Unfit,
        OutcomeName::Undetermined => VerdictName::Undetermined,
        _ => VerdictName::Fit,
    };
    let deciding = |check: &&CheckedReport| check.verdict == outcome && !check.advisory;
    let reserve = |check: &&CheckedReport| check.reserve.unwrap_or(i64::MAX);
    let check = service.checks.iter().filter(deciding).min_by_key(reserve);
    match check {
        Some(check) => {
            let required = &check.requirement;
            let unit = required.unit.as_str();
            let limit = match unit {
                "ppb" => ppm(required.allowed),
                _ => exact(required.allowed),
            };
            let share = match check.claim {
                ClaimName::Share => "share of ",
                ClaimName::Utc => "UTC within ",
                ClaimName::Host => "",
            };
            match (check.verdict, check.reserve, check.reasons.first()) {
                (VerdictName::Undetermined, _, Some(reason)) => reason.text.clone(),
                (_, Some(reserve), _) if reserve >= 0 => {
                    format!("{share}{limit}, reserve {}", value(reserve, unit))
                }
                (_, Some(beyond), _) => {
                    format!(
                        "{share}{limit}, beyond by {}",
                        value(beyond.saturating_neg(), unit)
                    )
                }
                _ => format!("{share}{limit}"),
            }
        }
        None => service
            .reasons
            .first()
            .map_or_else(String::new, |of| of.text.clone()),
    }
}
