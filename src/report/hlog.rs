//! Offsets and delays as a log of HDR histograms (`.hlog`, format 1.3), which HdrHistogram's tools read, plot and
//! merge.
//!
//! The log has intervals of ten seconds, and in each a line for every source, class and quantity, by its tag.
//! Values are nanoseconds. HDR histograms have no negative values: those of offsets are in lines of their own, by
//! size, under a tag that ends in `-negative`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::build::stamps_name;
use super::quantity::billionths;
use crate::sample::{Campaign, Class, Mode, SourceInfo, SourceRecord};
use crate::stats::SignedHistogram;
use crate::time::TimeDelta;

/// How long an interval is: as the JSON report has bounds.
const INTERVAL: TimeDelta = TimeDelta::from_secs(10);

/// What the column of maxima is divided by, as readers of the format expect: it is in milliseconds.
const PER_MILLI: u64 = 1_000_000;

/// Writes the log of a campaign.
///
/// ```
/// use clockfit::report::hlog;
/// use clockfit::sample::Campaign;
/// let mut out = Vec::new();
/// hlog::write(&Campaign::default(), &mut out)?;
/// assert!(String::from_utf8_lossy(&out).contains("#[Histogram log format version 1.3]\n"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of `out`.
pub fn write(campaign: &Campaign, out: &mut impl Write) -> io::Result<()> {
    let header = &campaign.header;
    let started = header.started.as_nanos();
    writeln!(out, "#[Logged with {}]", super::clean::clean(&header.tool))?;
    writeln!(out, "#[Histogram log format version 1.3]")?;
    writeln!(
        out,
        "#[StartTime: {} (seconds since epoch), {}]",
        seconds(started),
        header.started.utc()
    )?;
    writeln!(
        out,
        "#[Values are nanoseconds; offset = server - local; Interval_Max is in milliseconds]"
    )?;
    writeln!(
        out,
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
    )?;
    // By interval, then as the sources were asked for.
    let mut lines: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for record in campaign.asked() {
        for (interval, line) in of_source(record, campaign)? {
            lines.entry(interval).or_default().push(line);
        }
    }
    for line in lines.into_values().flatten() {
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Offsets and delays of one interval.
#[derive(Default)]
struct Both {
    offsets: SignedHistogram,
    delays: SignedHistogram,
}

fn of_source(record: &SourceRecord, campaign: &Campaign) -> io::Result<Vec<(i64, String)>> {
    let mut lines = Vec::new();
    let mut now: BTreeMap<Class, Both> = BTreeMap::new();
    let mut at = None;
    for sample in &record.samples {
        let since_start = sample.at.since(campaign.header.started_at).as_nanos();
        let interval = since_start.div_euclid(INTERVAL.as_nanos());
        if let Some(before) = at.replace(interval).filter(|before| *before != interval) {
            flush(record, before, &mut now, &mut lines)?;
        }
        let both = now.entry(sample.class()).or_default();
        both.offsets.record(sample.exchange.offset().as_nanos());
        both.delays.record(sample.exchange.delay().as_nanos());
    }
    if let Some(last) = at {
        flush(record, last, &mut now, &mut lines)?;
    }
    Ok(lines)
}

/// Writes what an interval holds, and begins anew.
fn flush(
    record: &SourceRecord,
    interval: i64,
    now: &mut BTreeMap<Class, Both>,
    lines: &mut Vec<(i64, String)>,
) -> io::Result<()> {
    for (class, both) in std::mem::take(now) {
        let name = tag(&record.info, class);
        let mut all = vec![("offset", &both.offsets)];
        // What another program estimated has no delay.
        if class.mode != Mode::Estimate {
            all.push(("delay", &both.delays));
        }
        for (quantity, histogram) in all {
            let sizes = histogram.encode_sizes().map_err(io::Error::other)?;
            for (half, sign) in sizes.into_iter().zip(["-negative", ""]) {
                let Some(half) = half else { continue };
                let line = format!(
                    "Tag={name}/{quantity}{sign},{},{},{},{}\n",
                    seconds(interval.saturating_mul(INTERVAL.as_nanos())),
                    seconds(INTERVAL.as_nanos()),
                    max_in_millis(half.largest),
                    half.encoded
                );
                lines.push((interval, line));
            }
        }
    }
    Ok(())
}

/// The name of a source's class. A comma, a blank or anything else that a reader might trip over becomes `_`.
fn tag(info: &SourceInfo, class: Class) -> String {
    let path = match info.path {
        0 => String::new(),
        path => format!("/path{path}"),
    };
    let name = format!(
        "{info}{path}/{}/{}",
        class.mode.name(),
        stamps_name(class).replace('/', "-")
    );
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:-/[]%".contains(c);
    let name: String = name.chars().take(200).collect();
    name.replace(|c| !is_plain(c), "_")
}

/// Nanoseconds as seconds with three decimals, cut.
fn seconds(nanos: i64) -> String {
    let mut text = billionths(nanos);
    text.truncate(text.len().saturating_sub(6));
    text
}

fn max_in_millis(nanos: u64) -> String {
    format!("{}.{:06}", nanos / PER_MILLI, nanos % PER_MILLI)
}
