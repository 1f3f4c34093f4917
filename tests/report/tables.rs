//! Tables and logs for other programs: read back by what shares nothing with their writers.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clockfit::report::{csv, hlog};
use clockfit::sample::Campaign;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use super::check::renamed;
use super::{campaign, report};

/// Lines and cells by RFC 4180.
fn parse(text: &str) -> Vec<Vec<String>> {
    let mut lines = vec![vec![String::new()]];
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        let line = lines.last_mut().unwrap();
        match (quoted, c) {
            (true, '"') if chars.peek() == Some(&'"') => {
                chars.next();
                line.last_mut().unwrap().push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => line.push(String::new()),
            (false, '\r') => {
                assert_eq!(chars.next(), Some('\n'), "a line ends with CRLF");
                lines.push(vec![String::new()]);
            }
            (false, '\n') => panic!("a bare line feed"),
            (_, c) => line.last_mut().unwrap().push(c),
        }
    }
    assert!(!quoted, "a quote ends");
    assert_eq!(lines.pop(), Some(vec![String::new()]), "the last line ends");
    lines
}

fn exchanges(campaign: &Campaign) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    csv::write_exchanges(campaign, &mut out).unwrap();
    parse(std::str::from_utf8(&out).unwrap())
}

fn quantiles(campaign: &Campaign) -> Vec<Vec<String>> {
    let mut out = Vec::new();
    csv::write_quantiles(&report(campaign), &mut out).unwrap();
    parse(std::str::from_utf8(&out).unwrap())
}

#[test]
fn every_exchange_is_a_line() {
    let two = campaign::two();
    let lines = exchanges(&two);
    let head: Vec<&str> = lines[0].iter().map(String::as_str).collect();
    let place = |name: &str| head.iter().position(|of| *of == name).unwrap();
    let valid: u64 = report(&two).sources.iter().map(|source| source.valid).sum();
    assert_eq!(lines.len() as u64, valid + 1);
    let nanos = |text: &str| {
        let (whole, rest) = text.split_once('.').unwrap();
        assert_eq!(rest.len(), 9, "{text}");
        whole.parse::<i64>().unwrap() * 1_000_000_000 + rest.parse::<i64>().unwrap()
    };
    for line in &lines[1..] {
        assert_eq!(line.len(), head.len());
        let number = |name: &str| line[place(name)].parse::<i64>().unwrap();
        let (upper, lower) = (number("offset_at_most_ns"), number("offset_at_least_ns"));
        assert_eq!(number("delay_ns"), upper - lower);
        assert!((number("offset_ns") * 2 - (upper + lower)).abs() <= 1);
        let passed = nanos(&line[place("t4_s")]) - nanos(&line[place("t1_s")]);
        assert_eq!(passed, number("delay_ns") + number("residence_ns"));
        assert!(nanos(&line[place("since_start_s")]) >= 0);
    }
    let stamps: Vec<&str> = lines[1..]
        .iter()
        .map(|line| line[place("stamps")].as_str())
        .collect();
    assert!(stamps.contains(&"kernel") && stamps.contains(&"user/kernel"));
}

#[test]
fn every_quantile_is_a_line() {
    let two = campaign::two();
    let lines = quantiles(&two);
    assert!(lines.iter().all(|line| line.len() == lines[0].len()));
    let report = report(&two);
    let of = report.sources[0].main.offset_ns.as_ref().unwrap();
    let found = |statistic: &str| {
        let is = |line: &&Vec<String>| {
            line[1] == "10.77.0.2"
                && line[5] == "kernel"
                && line[6] == "offset"
                && line[7] == statistic
        };
        lines.iter().find(is).unwrap()
    };
    assert_eq!(found("p50")[9], of.p50.unwrap().to_string());
    let (lower, upper) = of.ci95["p50"];
    assert_eq!(found("p50")[10..12], [lower.to_string(), upper.to_string()]);
    assert_eq!(
        found("min")[9..12],
        [of.min.to_string(), String::new(), String::new()]
    );
    // The second server has too few for its tails.
    assert!(
        lines
            .iter()
            .any(|line| line[7] == "p99_9" && line[9].is_empty())
    );
}

#[test]
fn no_name_is_a_formula_or_breaks_a_line() {
    let plain = exchanges(&campaign::embedded()).len();
    for name in [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-1",
        "@SUM(A1)",
        " =1",
        "\u{ff1d}1",
        "a,b\"c\r\n=1",
        "\t=1",
        "\u{1b}[2J\u{202e}",
        "'=1",
    ] {
        let hostile = renamed(campaign::embedded(), name);
        for (lines, expected) in [
            (exchanges(&hostile), Some(plain)),
            (quantiles(&hostile), None),
        ] {
            assert!(expected.is_none_or(|n| n == lines.len()), "{name}");
            for line in &lines {
                assert_eq!(line.len(), lines[0].len(), "{name}");
                for cell in &line[..2] {
                    let begun = cell.trim_start().chars().next().unwrap();
                    assert!(!"=+-@\u{ff1d}".contains(begun), "{cell}");
                    assert!(!cell.chars().any(char::is_control), "{cell}");
                }
            }
        }
    }
}

/// A line of a log: its tag, start, length, maximum and histogram.
struct Line {
    tag: String,
    start: f64,
    max: String,
    histogram: Histogram<u64>,
}

fn log(campaign: &Campaign) -> Vec<Line> {
    let mut out = Vec::new();
    hlog::write(campaign, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("#[Logged with "));
    assert!(text.contains(
        "\n#[Histogram log format version 1.3]\n#[StartTime: 1763832000.000 (seconds since epoch), "
    ));
    let lines = text.lines().filter(|line| !line.starts_with(['#', '"']));
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [tag, start, length, max, encoded] = cells[..] else {
            panic!("{line}")
        };
        assert_eq!(length, "10.000");
        let bytes = STANDARD.decode(encoded).unwrap();
        Line {
            tag: tag.strip_prefix("Tag=").unwrap().to_owned(),
            start: start.parse().unwrap(),
            max: max.to_owned(),
            histogram: Deserializer::new()
                .deserialize(&mut bytes.as_slice())
                .unwrap(),
        }
    };
    lines.map(line).collect()
}

/// The log holds every exchange, each within a thousandth of its value, and zero as zero.
#[test]
fn a_log_reads_back() {
    for campaign in [campaign::two(), campaign::embedded(), campaign::long(400)] {
        let lines = log(&campaign);
        assert!(
            lines.windows(2).all(|w| w[0].start <= w[1].start),
            "ascending"
        );
        let mut read: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for line in &lines {
            let (tag, sign) = match line.tag.strip_suffix("-negative") {
                Some(tag) => (tag, -1),
                None => (line.tag.as_str(), 1),
            };
            let values = read.entry(tag.to_owned()).or_default();
            for step in line.histogram.iter_recorded() {
                let value = i64::try_from(step.value_iterated_to()).unwrap() * sign;
                let count = usize::try_from(step.count_at_value()).unwrap();
                values.extend(std::iter::repeat_n(value, count));
            }
            // In milliseconds, with all of its digits.
            let max: u64 = line.max.replace('.', "").parse().unwrap();
            assert!(
                max.abs_diff(line.histogram.max()) <= max / 1_000 + 1,
                "{max}"
            );
        }
        for record in &campaign.sources {
            for (quantity, of) in [("offset", 0), ("delay", 1)] {
                let tag = format!("{}/basic/kernel/{quantity}", record.info);
                let mut read = read[&tag].clone();
                let own = record.samples.iter().filter(|s| s.class().is_pure());
                let mut own: Vec<i64> = own
                    .map(|s| [s.exchange.offset(), s.exchange.delay()][of].as_nanos())
                    .collect();
                read.sort_unstable();
                own.sort_unstable();
                assert_eq!(read.len(), own.len(), "{tag}");
                for (read, own) in read.iter().zip(&own) {
                    assert!(
                        read.abs_diff(*own) <= own.unsigned_abs() / 1_000 + 1,
                        "{tag}: {read} {own}"
                    );
                }
            }
        }
    }
    let starts: Vec<f64> = log(&campaign::long(400))
        .iter()
        .map(|line| line.start)
        .collect();
    assert_eq!((starts.first(), starts.last()), (Some(&0.0), Some(&90.0)));
}

#[test]
fn no_name_breaks_a_log() {
    let hostile = renamed(campaign::embedded(), "a,b \"c\"\r\n#[x]\u{202e}=1");
    for line in log(&hostile) {
        assert!(
            line.tag.is_ascii() && !line.tag.contains([',', ' ', '"', '#']),
            "{}",
            line.tag
        );
    }
}
