//! What is said of a set of hosts: the verdict first, then who is how far ahead of whom, then each service.

use std::io::{self, Write};

use super::super::check::{OutcomeName, VerdictName};
use super::super::quorum::{
    BasisName, QuorumReport, SetCheckReport, SetJudgementReport, SkewReport, few,
};
use super::check::{
    IN_FULL, INDENT, OUTCOME, below, lead, outcome, plain_down, plain_up, tells_consequence, title,
    word,
};
use super::page::{Ink, Page, Style, WIDTH};
use super::quantity::{Digits, Round, exact, plain, signed};
use crate::fitness::pair_place;

/// A cell of the matrix: `+10.00 ms`, and what it is known to below it.
const CELL: usize = 12;
/// So many pairs are told where there is no room for a matrix.
const WORST: usize = 10;

/// Writes what was judged of a set of hosts as text. Pure: the same report and style give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_quorum(report: &QuorumReport, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    header(report, &mut page)?;
    page.blank()?;
    match matrix_fits(report) {
        true => matrix(report, &mut page)?,
        false => worst_pairs(report, &mut page)?,
    }
    let in_full = report.services.len() <= IN_FULL;
    if in_full {
        for service in &report.services {
            page.blank()?;
            block(service, report, &mut page)?;
        }
    }
    let decides = |id: &String| report.decided_by.as_ref().is_none_or(|by| by == id);
    for grade in &report.grades {
        page.blank()?;
        match decides(&grade.id) {
            true => block(grade, report, &mut page)?,
            false => page.line(
                Ink::Title,
                &format!("{}: {}", grade.id, outcome(grade.outcome)),
            )?,
        }
    }
    if !in_full {
        table(report, &mut page)?;
    }
    page.blank()?;
    let text = format!(
        "This holds for this window of {}, and for the servers that were named as common: nothing here shows that \
         they are.",
        plain(report.window.observed_ns)
    );
    let text = match report.common.is_empty() {
        true => format!(
            "This holds for this window of {}.",
            plain(report.window.observed_ns)
        ),
        false => text,
    };
    page.paragraph(Ink::Plain, "", 0, &text)
}

/// All in one line.
pub(in super::super) fn quorum_line(report: &QuorumReport) -> String {
    let asked: Vec<String> = match &report.decided_by {
        Some(grade) => vec![grade.clone()],
        None => {
            let all = report.services.iter().chain(&report.grades);
            all.map(|of| of.id.clone()).collect()
        }
    };
    let what = match asked.len() {
        5.. => format!("{} services and grades", asked.len()),
        _ => few(&asked),
    };
    format!(
        "{} for {what}: {} hosts, in this window of {}",
        word(report.verdict).to_uppercase(),
        report.members.len(),
        plain(report.window.observed_ns)
    )
}

/// What a set is compared by.
pub(in super::super) fn joined_by(report: &QuorumReport) -> String {
    let mut parts = Vec::new();
    if !report.common.is_empty() {
        parts.push(format!(
            "said to be the same server for all: {}",
            few(&report.common)
        ));
    }
    if !report.shown.is_empty() {
        let shown: Vec<String> = report
            .shown
            .iter()
            .map(|of| match of.members.len() == report.members.len() {
                true => of.name.clone(),
                false => format!("{} (to {})", of.name, few(&of.members)),
            })
            .collect();
        parts.push(format!(
            "one and the same server by its answers: {}",
            few(&shown)
        ));
    }
    if !report.peers.is_empty() {
        let peers: Vec<String> = report
            .peers
            .iter()
            .map(|of| format!("{} is {}", of.source, of.member))
            .collect();
        parts.push(format!("members that others asked: {}", few(&peers)));
    }
    match parts.is_empty() {
        true => "no server is known to be the same for two hosts".to_owned(),
        false => parts.join("; "),
    }
}

/// What else is to be known.
pub(in super::super) fn remarks(report: &QuorumReport) -> Vec<String> {
    let contradictions = report.contradictions.iter().map(|of| of.text.clone());
    let reasons = report.reasons.iter().map(|of| of.text.clone());
    let shared = report.same_kernel.iter().map(|of| {
        format!(
            "{} share one kernel's clock (boot id): they cannot be apart",
            few(of)
        )
    });
    let doubts = report.doubts.iter().map(|of| of.text.clone());
    let all = doubts.chain(contradictions).chain(reasons);
    all.chain(shared).collect()
}

fn header<W: Write>(report: &QuorumReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let ink = match report.verdict {
        VerdictName::Fit => Ink::Title,
        _ => Ink::Warning,
    };
    page.paragraph(ink, "", 2, &quorum_line(report))?;
    let names: Vec<String> = report.members.iter().map(|of| of.name.clone()).collect();
    let text = format!(
        "{}, {}, from {}, {} instants; a majority is {}",
        report.tool,
        few(&names),
        report.window.from.utc(),
        report.window.instants,
        report.majority
    );
    page.paragraph(Ink::Plain, "", 2, &text)?;
    page.paragraph(Ink::Plain, "", 2, &joined_by(report))?;
    for text in remarks(report) {
        page.paragraph(Ink::Warning, "! ", 2, &text)?;
    }
    Ok(())
}

/// The width of names in the matrix.
fn name_width(report: &QuorumReport) -> usize {
    let widths = report.members.iter().map(|of| of.name.chars().count());
    widths.max().unwrap_or(0).max(4) + 2
}

fn matrix_fits(report: &QuorumReport) -> bool {
    let columns = report.members.len().saturating_sub(1);
    name_width(report) + columns * CELL <= WIDTH && name_width(report) <= CELL + 2
}

/// How far each row is ahead of each column: the middle of what is proven, and below it what that may be off by.
fn matrix<W: Write>(report: &QuorumReport, page: &mut Page<'_, W>) -> io::Result<()> {
    page.line(
        Ink::Title,
        "how far each row is ahead of each column, and what that may be off by",
    )?;
    let width = name_width(report);
    let names: Vec<&str> = report.members.iter().map(|of| of.name.as_str()).collect();
    let columns = names.split_last().map_or(&[][..], |(_, columns)| columns);
    let head: String = columns
        .iter()
        .map(|name| format!("{name:>CELL$}"))
        .collect();
    page.line(Ink::Plain, &format!("{:width$}{head}", ""))?;
    for (number, row) in names.iter().enumerate().skip(1) {
        let (mut middles, mut halves) = (String::new(), String::new());
        for column in 0..number {
            let (middle, half) = cell(report.pairs.get(pair_place(column, number)));
            middles += &format!("{middle:>CELL$}");
            halves += &format!("{half:>CELL$}");
        }
        page.line(Ink::Plain, &format!("{row:<width$}{middles}"))?;
        page.line(Ink::Plain, &format!("{:width$}{halves}", ""))?;
    }
    match &report.worst {
        Some(pair) => page.paragraph(Ink::Plain, "", 2, &format!("worst pair: {}", apart(pair))),
        None => Ok(()),
    }
}

/// How far a member is ahead of one that was named before it, and what that may be off by.
fn cell(pair: Option<&SkewReport>) -> (String, String) {
    let Some((lower, upper)) = pair.and_then(|of| of.ahead_ns) else {
        return ("?".to_owned(), String::new());
    };
    // The pair is of the column minus the row.
    let middle = lower.midpoint(upper).saturating_neg();
    let half = i64::try_from(lower.abs_diff(upper).div_ceil(2)).unwrap_or(i64::MAX);
    (
        signed(middle, Round::Nearest, Digits::Four),
        half_width(half),
    )
}

/// What a middle may be off by, rounded up.
fn half_width(nanos: i64) -> String {
    format!("+-{}", plain_up(nanos))
}

/// The pairs that are farthest apart, or may be.
fn worst_pairs<W: Write>(report: &QuorumReport, page: &mut Page<'_, W>) -> io::Result<()> {
    let known = report
        .pairs
        .iter()
        .filter(|of| of.ahead_ns.is_some())
        .count();
    let title = format!(
        "{} pairs, of {known} something is known; the worst:",
        report.pairs.len()
    );
    page.paragraph(Ink::Title, "", 2, &title)?;
    let mut sorted: Vec<&SkewReport> = report.pairs.iter().collect();
    let key = |of: &&SkewReport| {
        let (least, most) = of.apart_ns.unwrap_or((0, None));
        std::cmp::Reverse((least, most.unwrap_or(i64::MAX)))
    };
    sorted.sort_by_key(key);
    for pair in sorted.iter().take(WORST) {
        page.paragraph(Ink::Plain, "  ", 4, &apart(pair))?;
    }
    match sorted.len().saturating_sub(WORST) {
        0 => Ok(()),
        more => page.line(
            Ink::Plain,
            &format!("  and {more} more, all in the JSON report (-f json)"),
        ),
    }
}

/// How far apart two are, in a sentence.
pub(in super::super) fn apart(pair: &SkewReport) -> String {
    let (a, b) = (&pair.a, &pair.b);
    let Some((lower, upper)) = pair.ahead_ns else {
        return format!("of {a} and {b} nothing is known");
    };
    let by = match pair.basis {
        Some(BasisName::Claimed) => ", by their servers' word",
        _ => "",
    };
    let unknown = match pair.unknown_instants {
        0 => String::new(),
        n => format!("; at {n} instants nothing is known"),
    };
    let text = match (lower >= 0, upper <= 0) {
        (true, _) => format!(
            "{a} is ahead of {b} by {} to {}",
            plain_down(lower),
            plain_up(upper)
        ),
        (_, true) => format!(
            "{b} is ahead of {a} by {} to {}",
            plain_down(upper.saturating_neg()),
            plain_up(lower.saturating_neg())
        ),
        _ => {
            let most = lower.unsigned_abs().max(upper.unsigned_abs());
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            format!("{a} and {b} are within {}", plain_up(most))
        }
    };
    format!("{text}{by}{unknown}")
}

fn block<W: Write>(
    of: &SetJudgementReport,
    report: &QuorumReport,
    page: &mut Page<'_, W>,
) -> io::Result<()> {
    title(&of.id, &of.name, of.outcome, page)?;
    for check in &of.checks {
        let lead = lead(check.advisory, check.verdict);
        page.paragraph(Ink::Plain, &lead, INDENT, &limit(check))?;
        for sentence in sentences(check, report) {
            below(&sentence, page)?;
        }
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

/// Within which time writes of two members may swap their order.
pub(in super::super) fn reordering(of: &SetJudgementReport) -> Option<String> {
    let (_, upper) = of.reorder_ns?;
    Some(match upper {
        Some(upper) => format!(
            "writes of two of these hosts may swap their order within {}",
            plain_up(upper)
        ),
        None => "nothing limits how far apart writes may swap their order".to_owned(),
    })
}

/// What is asked, and how the worst pair stands to it.
pub(in super::super) fn limit(check: &SetCheckReport) -> String {
    let set = if check.set { ", set by this site" } else { "" };
    let time = match check.requirement.as_str() {
        "max_pairwise_skew_p999_s" => " in 99.9 % of the time",
        _ => "",
    };
    let worst = match check.apart_ns {
        None | Some((0, None)) => "how far apart the worst are is not known".to_owned(),
        Some((lower, None)) => {
            format!("the worst are {} or more apart", plain_down(lower))
        }
        Some((lower, Some(upper))) => format!(
            "the worst are {} to {} apart",
            plain_down(lower),
            plain_up(upper)
        ),
    };
    format!(
        "each two within {}{time}{set}; {worst}",
        exact(check.limit_ns)
    )
}

/// Who keeps it, and what that means for a quorum.
pub(in super::super) fn sentences(check: &SetCheckReport, report: &QuorumReport) -> Vec<String> {
    let n = report.members.len();
    let mut told = Vec::new();
    if check.verdict != VerdictName::Fit && check.pairs_fit + check.pairs_unfit > 0 {
        let open = match check.pairs_undetermined {
            0 => String::new(),
            open => format!(", {open} not decided"),
        };
        told.push(format!(
            "of {} pairs {} keep it, {} do not{open}",
            check.pairs_fit + check.pairs_undetermined + check.pairs_unfit,
            check.pairs_fit,
            check.pairs_unfit
        ));
    }
    let kept = match check.keep.len() {
        0 => "no two are proven to keep it".to_owned(),
        all if all == n => "every quorum of them keeps it".to_owned(),
        some => format!("{some} of {n} keep it: {}", few(&check.keep)),
    };
    told.push(match check.can_lose {
        Some(0) => format!("{kept}; none of these can be lost"),
        Some(spare) => format!("{kept}; {spare} of these can be lost"),
        None if check.keep_at_most < report.majority => {
            format!("{kept}; no majority can keep it")
        }
        None => format!("{kept}; that a majority does is not proven"),
    });
    if !check.outliers.is_empty() {
        told.push(format!("beyond it: {}", few(&check.outliers)));
    }
    if !check.doubtful.is_empty() && !check.keep.is_empty() {
        told.push(format!("not proven to keep it: {}", few(&check.doubtful)));
    }
    told.extend(check.reasons.iter().map(|of| of.text.clone()));
    if !check.needs.is_empty() {
        let needs: Vec<&str> = check.needs.iter().map(|of| of.text.as_str()).collect();
        told.push(format!("what would decide: {}", needs.join("; or ")));
    }
    told
}

/// Many services, a line each: those that are not fit first.
fn table<W: Write>(report: &QuorumReport, page: &mut Page<'_, W>) -> io::Result<()> {
    const GROUPS: [OutcomeName; 5] = [
        OutcomeName::Unfit,
        OutcomeName::Undetermined,
        OutcomeName::Fit,
        OutcomeName::Reorders,
        OutcomeName::NotSensitive,
    ];
    for group in GROUPS {
        let of_group: Vec<_> = report
            .services
            .iter()
            .filter(|of| of.outcome == group)
            .collect();
        if of_group.is_empty() {
            continue;
        }
        page.blank()?;
        let plural = if of_group.len() == 1 { "" } else { "s" };
        let title = format!("{} service{plural}: {}", of_group.len(), outcome(group));
        page.line(Ink::Title, &title)?;
        for service in of_group {
            let lead = format!("  {:<width$}", service.id, width = OUTCOME - 2);
            page.paragraph(Ink::Plain, &lead, OUTCOME, &in_short(service, report))?;
        }
    }
    Ok(())
}

fn in_short(service: &SetJudgementReport, report: &QuorumReport) -> String {
    if service.outcome == OutcomeName::Reorders
        && let Some((_, Some(upper))) = service.reorder_ns
    {
        return format!("within {}", plain_up(upper));
    }
    let Some(check) = service.checks.iter().find(|check| !check.advisory) else {
        return service
            .reasons
            .first()
            .map_or_else(String::new, |reason| reason.text.clone());
    };
    let n = report.members.len();
    format!(
        "{} of {n} within {}",
        check.keep.len(),
        exact(check.limit_ns)
    )
}
