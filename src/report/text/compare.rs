//! How runs compare: the verdict first, then what else differs, then each source.

use std::io::{self, Write};

use super::super::compare::{
    CompareReport, ComparedReport, ComparedSourceReport, GateName, RunsQuantileReport, ShiftReport,
};
use super::page::{Ink, Page, Style};
use super::quantity::{Digits, Round, exact, plain, signed};

/// Where text below a metric begins.
const INDENT: usize = 10;
/// Of more sources than this only those are told that do not pass.
const IN_FULL: usize = 20;
/// So many metrics are named in the verdict.
const NAMED: usize = 3;
/// The unit of shares.
const PPM: &str = "ppm";
/// The most percent that are told: ten thousand times as much, after which nobody asks by how much.
const MOST_PERCENT: i64 = 999_999;

/// Writes how runs compare as text. Pure: the same report and style give the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_compare(report: &CompareReport, style: Style, out: &mut impl Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    let ink = match report.gate {
        GateName::Pass => Ink::Title,
        _ => Ink::Warning,
    };
    page.paragraph(ink, "", 2, &gate_line(report))?;
    page.paragraph(Ink::Plain, "", 2, &scope(report))?;
    for difference in &report.differences {
        page.paragraph(Ink::Warning, "! ", 2, &difference.text)?;
    }
    let mut passed = 0;
    for source in &report.sources {
        let passes = source.metrics.iter().all(|of| of.gate == GateName::Pass);
        if passes && report.sources.len() > IN_FULL {
            passed += 1;
            continue;
        }
        page.blank()?;
        block(source, report, &mut page)?;
    }
    let needs = quantile_needs(report);
    if !needs.is_empty() {
        page.blank()?;
        let text = format!("needs more runs a side: {}", needs.join(", "));
        page.paragraph(Ink::Plain, "", 2, &text)?;
    }
    if passed > 0 {
        page.blank()?;
        page.line(Ink::Plain, &format!("{passed} more sources pass"))?;
    }
    Ok(())
}

/// All in one line.
pub(in super::super) fn gate_line(report: &CompareReport) -> String {
    let named = first(those(report, |of| of.gate == report.gate));
    match report.gate {
        GateName::Warn => warning(report),
        GateName::Pass => format!(
            "PASS: NEW is not worse than BASE by more than the margin, in any of {} comparisons",
            report.intervals
        ),
        GateName::Fail => format!("FAIL: NEW is worse than BASE by more than the margin: {named}"),
        GateName::TooFewRuns if report.intervals == 0 => {
            "TOO FEW RUNS: nothing could be compared: no run measured anything".to_owned()
        }
        GateName::TooFewRuns => format!(
            "TOO FEW RUNS: each side needs {} that have a value: {named}",
            report.runs_needed
        ),
    }
}

/// Why NEW does not pass, though nothing fails.
fn warning(report: &CompareReport) -> String {
    let is_open = |of: &ComparedReport| {
        let interval = of.shift.and_then(|shift| shift.interval);
        interval.is_some_and(|(_, upper)| upper > of.margin)
    };
    let reasons = [
        (
            "NEW may be worse than BASE by more than the margin, or not",
            those(report, is_open),
        ),
        (
            "fewer runs of NEW have a value",
            those(report, |of| of.fewer_of_new),
        ),
        (
            "no run of NEW asked what BASE did",
            report.missing_sources.clone(),
        ),
    ];
    let reasons = reasons.into_iter().filter(|(_, those)| !those.is_empty());
    let reasons = reasons.map(|(why, those)| format!("{why}: {}", first(those)));
    format!("WARN: {}", reasons.collect::<Vec<_>>().join("; "))
}

fn those(report: &CompareReport, are: impl Fn(&ComparedReport) -> bool) -> Vec<String> {
    let mut those = Vec::new();
    for source in &report.sources {
        let of_source = source.metrics.iter().filter(|of| are(of));
        those.extend(of_source.map(|of| format!("{} of {}", of.metric, name(source))));
    }
    those
}

/// The first of some, and how many more.
fn first(those: Vec<String>) -> String {
    let more = those.len().saturating_sub(NAMED);
    let named = those.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    match more {
        0 => named,
        _ => format!("{named} and {more} more"),
    }
}

/// What was compared, and how sure that is.
pub(in super::super) fn scope(report: &CompareReport) -> String {
    let held = match report.intervals {
        1 => "the interval holds".to_owned(),
        n => format!("{n} intervals hold at once"),
    };
    format!(
        "{}, {} of BASE and {} of NEW; {held} with {}",
        report.tool,
        counted(report.base.len()),
        report.new.len(),
        bare_percent(i64::from(report.confidence_ppm))
    )
}

fn counted(runs: usize) -> String {
    match runs {
        1 => "1 run".to_owned(),
        n => format!("{n} runs"),
    }
}

/// What a source is called, on both sides.
pub(in super::super) fn name(of: &ComparedSourceReport) -> String {
    match of.base == of.new {
        true => of.base.clone(),
        false => format!("{} (NEW: {})", of.base, of.new),
    }
}

fn block<W: Write>(
    of: &ComparedSourceReport,
    report: &CompareReport,
    page: &mut Page<'_, W>,
) -> io::Result<()> {
    page.paragraph(Ink::Title, "", 2, &name(of))?;
    if !of.metrics.is_empty() {
        let heads = ["", "", "BASE", "NEW", "worse by", "interval"];
        page.line(Ink::Title, &columns(heads))?;
    }
    for metric in &of.metrics {
        let [base, new] = values(metric);
        let shift = metric.shift.as_ref();
        let by = shift.map_or("-".to_owned(), |of| estimate(metric, of));
        let interval = shift
            .and_then(|of| interval(metric, of))
            .unwrap_or_else(|| needs(report.runs_needed));
        let ink = match metric.gate {
            GateName::Pass => Ink::Plain,
            _ => Ink::Warning,
        };
        let line = columns([
            word(metric.gate),
            &metric.metric,
            &base,
            &new,
            &by,
            &interval,
        ]);
        page.line(ink, &line)?;
        let told = told(metric, (report.base.len(), report.new.len()));
        if !told.is_empty() {
            let lead = " ".repeat(INDENT);
            page.paragraph(Ink::Plain, &lead, INDENT, &told.join("; "))?;
        }
    }
    let detects: Vec<String> = of
        .metrics
        .iter()
        .filter_map(|metric| Some(format!("{} {}", metric.metric, fails_from(metric)?)))
        .collect();
    if !detects.is_empty() {
        let text = format!(
            "a shift as large as this would have failed: {}",
            detects.join(", ")
        );
        page.paragraph(Ink::Plain, "  ", 2, &text)?;
    }
    if let Some(text) = left_out(of) {
        page.paragraph(Ink::Plain, "  ", 2, &text)?;
    }
    Ok(())
}

fn columns([gate, metric, base, new, by, interval]: [&str; 6]) -> String {
    format!("  {gate:<8}{metric:<12}{base:>10} {new:>10} {by:>10}  {interval}")
}

/// What was not compared.
pub(in super::super) fn left_out(of: &ComparedSourceReport) -> Option<String> {
    let names = of.left_out.join(", ");
    (!names.is_empty()).then(|| {
        format!(
            "not compared: {names}: too few runs of BASE have exchanges enough (measure longer)"
        )
    })
}

/// What beside its numbers is to be said of a metric.
fn told(of: &ComparedReport, (base, new): (usize, usize)) -> Vec<String> {
    let mut told = Vec::new();
    if of.gate != GateName::Pass {
        told.push(format!("margin {}", margin(of)));
        let estimable = of
            .quantiles
            .iter()
            .filter(|quantile| is_estimable(quantile));
        told.extend(estimable.map(|quantile| {
            format!(
                "{} {}",
                quantile_name(quantile),
                quantile_shift(of, quantile)
            )
        }));
    }
    told.extend(fewer(of, base, new));
    told
}

fn is_estimable(of: &RunsQuantileReport) -> bool {
    of.shift.is_some_and(|shift| shift.interval.is_some())
}

/// How many runs it takes for quantiles that no metric has an interval of, of those that do not pass.
fn quantile_needs(report: &CompareReport) -> Vec<String> {
    let metrics = || {
        let all = report.sources.iter().flat_map(|source| &source.metrics);
        all.filter(|of| of.gate != GateName::Pass)
    };
    let Some(first) = metrics().next() else {
        return Vec::new();
    };
    let lacking = first.quantiles.iter().enumerate().filter(|(place, _)| {
        let mut all = metrics().filter_map(|of| of.quantiles.get(*place));
        !all.any(is_estimable)
    });
    lacking
        .filter_map(|(_, of)| Some(format!("{} {}", quantile_name(of), of.runs_needed?)))
        .collect()
}

/// Runs that have no value, and values that were raised.
pub(in super::super) fn fewer(of: &ComparedReport, base: usize, new: usize) -> Vec<String> {
    let mut told = Vec::new();
    let have = [("BASE", of.base, base), ("NEW", of.new, new)];
    for (side, values, runs) in have {
        let have = values.map_or(0, |of| of.runs);
        if u64::try_from(runs).is_ok_and(|runs| have < runs) {
            told.push(match have {
                0 => format!("none of {runs} runs of {side} has a value"),
                _ => format!("only {have} of {runs} runs of {side} have a value"),
            });
        }
    }
    if of.fewer_of_new && of.gate == GateName::Warn {
        told.push("a smaller share of NEW than of BASE, so it does not pass".to_owned());
    }
    if of.gate == GateName::TooFewRuns && !told.is_empty() {
        told.push("measure longer, or choose others by --metric".to_owned());
    }
    if let Some(least) = of.least_shift {
        told.push(format!(
            "to fail, the median run has to be worse by more than the margin, too, whatever both sides scatter like: \
             it is by {} at least",
            number(of, least, Round::Down)
        ));
    }
    match of.raised {
        0 => (),
        1 => told.push(
            "1 value below 1 ns was taken for 1 ns; a margin in time needs no ratio".to_owned(),
        ),
        n => told.push(format!(
            "{n} values below 1 ns were taken for 1 ns; a margin in time needs no ratio"
        )),
    }
    told
}

/// What is said of a metric.
pub(in super::super) fn word(gate: GateName) -> &'static str {
    match gate {
        GateName::Pass => "pass",
        GateName::Warn => "warn",
        GateName::Fail => "fail",
        GateName::TooFewRuns => "too few",
    }
}

/// The medians of both sides.
pub(in super::super) fn values(of: &ComparedReport) -> [String; 2] {
    [of.base, of.new].map(|side| {
        let Some(side) = side else {
            return "-".to_owned();
        };
        match of.unit.as_str() {
            PPM => bare_percent(side.median),
            _ => plain(side.median),
        }
    })
}

/// The best estimate of a shift.
pub(in super::super) fn estimate(of: &ComparedReport, shift: &ShiftReport) -> String {
    number(of, shift.estimate, Round::Nearest)
}

/// What holds it.
pub(in super::super) fn interval(of: &ComparedReport, shift: &ShiftReport) -> Option<String> {
    let (lower, upper) = shift.interval?;
    Some(format!(
        "{} .. {}",
        number(of, lower, Round::Down),
        number(of, upper, Round::Up)
    ))
}

/// What is not held against new runs.
pub(in super::super) fn margin(of: &ComparedReport) -> String {
    match (of.shift_unit.as_str(), of.unit.as_str()) {
        (PPM, PPM) => format!("{} of all requests", bare_percent(of.margin)),
        (PPM, _) => bare_percent(of.margin),
        _ => exact(of.margin),
    }
}

/// How large a shift would have failed.
pub(in super::super) fn fails_from(of: &ComparedReport) -> Option<String> {
    Some(number(of, of.fails_from?, Round::Up))
}

/// Which runs a quantile is about.
pub(in super::super) fn quantile_name(of: &RunsQuantileReport) -> String {
    match of.quantile_ppm {
        500_000 => "median run".to_owned(),
        ppm => format!("p{} of runs", ppm / 10_000),
    }
}

/// By how much a quantile of runs is worse.
pub(in super::super) fn quantile_shift(
    of: &ComparedReport,
    quantile: &RunsQuantileReport,
) -> String {
    let Some(shift) = &quantile.shift else {
        return "-".to_owned();
    };
    match (interval(of, shift), quantile.runs_needed) {
        (Some(interval), _) => format!("{} ({interval})", estimate(of, shift)),
        // Nothing is wanting where it passes.
        (None, Some(runs)) if of.gate != GateName::Pass => needs(runs),
        (None, _) => "-".to_owned(),
    }
}

/// How many runs an interval takes.
pub(in super::super) fn needs(runs: u64) -> String {
    format!("needs {runs} runs a side")
}

fn number(of: &ComparedReport, shift: i64, round: Round) -> String {
    match of.shift_unit.as_str() {
        PPM => percent(shift, round),
        _ => signed(shift, round, Digits::Four),
    }
}

/// A shift in percent with its sign and two decimals, from parts per million.
fn percent(ppm: i64, round: Round) -> String {
    const IN_HUNDREDTHS: i64 = 100;
    let down = ppm.div_euclid(IN_HUNDREDTHS);
    let rest = ppm.rem_euclid(IN_HUNDREDTHS);
    let hundredths = match round {
        Round::Down => down,
        Round::Up => down + i64::from(rest > 0),
        Round::Nearest => down + i64::from(rest >= IN_HUNDREDTHS / 2),
    };
    let sign = match hundredths {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    let (whole, part) = (
        hundredths.unsigned_abs() / 100,
        hundredths.unsigned_abs() % 100,
    );
    if whole > MOST_PERCENT.unsigned_abs() {
        return format!(">{sign}{MOST_PERCENT} %");
    }
    match whole {
        1_000.. => format!("{sign}{whole} %"),
        _ => format!("{sign}{whole}.{part:02} %"),
    }
}

/// A share in percent with as many decimals as it has, four at most, from parts per million.
fn bare_percent(ppm: i64) -> String {
    const IN_ONE: u64 = 10_000;
    let size = ppm.unsigned_abs();
    let sign = if ppm < 0 { "-" } else { "" };
    let text = format!("{sign}{}.{:04}", size / IN_ONE, size % IN_ONE);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_rounded_outward_and_end_somewhere() {
        for (ppm, down, nearest, up) in [
            (0, "0.00 %", "0.00 %", "0.00 %"),
            (1, "0.00 %", "0.00 %", "+0.01 %"),
            (-1, "-0.01 %", "0.00 %", "0.00 %"),
            (201_250, "+20.12 %", "+20.13 %", "+20.13 %"),
            (-201_250, "-20.13 %", "-20.12 %", "-20.12 %"),
            (12_345_678, "+1234 %", "+1234 %", "+1234 %"),
            (i64::MAX, ">+999999 %", ">+999999 %", ">+999999 %"),
        ] {
            assert_eq!(percent(ppm, Round::Down), down);
            assert_eq!(percent(ppm, Round::Nearest), nearest);
            assert_eq!(percent(ppm, Round::Up), up);
        }
        for (ppm, text) in [
            (0, "0 %"),
            (50_000, "5 %"),
            (1, "0.0001 %"),
            (125_000, "12.5 %"),
            (1_000_000, "100 %"),
            (-10_000, "-1 %"),
        ] {
            assert_eq!(bare_percent(ppm), text);
        }
    }
}
