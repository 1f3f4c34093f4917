//! The page: well formed, safe whatever names say, bounded however long the run, and every number as text.

use clockfit::report::{CheckReport, Report, Saved, html, json, text};
use clockfit::sample::Campaign;

use super::campaign;
use super::check::{checked, renamed};
use super::report;

/// What a page of 100 000 exchanges may have.
const LARGEST: usize = 1_500_000;

/// Elements without content.
const VOID: [&str; 2] = ["meta", "br"];

pub(super) fn page(campaign: &Campaign) -> String {
    let report = report(campaign);
    let exchanges = html::Exchanges::new(campaign, &report);
    let mut out = Vec::new();
    html::write(&report, &exchanges, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn judged(campaign: &Campaign, report: &CheckReport) -> String {
    let exchanges = html::Exchanges::new(campaign, &report.measurement);
    let mut out = Vec::new();
    html::write_check(report, &exchanges, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Everything between `<` and `>`, as it stands there.
pub(super) fn tags(page: &str) -> Vec<&str> {
    let pieces = page.split('<').skip(1);
    pieces
        .map(|piece| piece.split_once('>').unwrap().0)
        .collect()
}

/// Elements close in the order in which they opened, attributes are quoted, names are given once and
/// headings skip no level. Returns the elements.
pub(super) fn well_formed(page: &str) -> Vec<&str> {
    let (style, rest) = page
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap();
    assert!(!style.contains('<') && !style.contains("url("), "{style}");
    assert!(!rest.contains("<style"));
    let mut open = Vec::new();
    let mut names = Vec::new();
    let mut level = 0;
    let mut elements = Vec::new();
    for tag in tags(page) {
        if tag == "!doctype html" {
            continue;
        }
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "in {open:?}");
            continue;
        }
        let (element, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(
            element
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()),
            "{tag}"
        );
        elements.push(element);
        assert_eq!(attributes.matches('"').count() % 2, 0, "{tag}");
        for (index, part) in attributes.split('"').enumerate() {
            // Names and = stand outside of quotes.
            assert!(
                index % 2 == 1 || part.is_empty() || part.ends_with('='),
                "{tag}"
            );
        }
        if let Some((_, name)) = attributes.split_once("id=\"") {
            let name = name.split('"').next().unwrap();
            assert!(!names.contains(&name), "{name} twice");
            names.push(name);
        }
        if let Some(now) = element
            .strip_prefix('h')
            .and_then(|level| level.parse::<u32>().ok())
        {
            assert!(now <= level + 1, "h{now} after h{level}");
            level = now;
        }
        if !VOID.contains(&element) {
            open.push(element);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for target in page.split("href=\"#").skip(1) {
        let target = target.split('"').next().unwrap();
        assert!(names.contains(&target), "nothing is called {target}");
    }
    for label in page.split("aria-labelledby=\"").skip(1) {
        let label = label.split('"').next().unwrap();
        assert!(
            label.split(' ').all(|name| names.contains(&name)),
            "{label}"
        );
    }
    elements
}

#[test]
fn a_small_report_as_it_is() {
    let page = page(&campaign::disturbed());
    // The style is a file of its own.
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    insta::assert_snapshot!("html", format!("{head}<style></style>{body}"));
}

#[test]
fn every_page_is_well_formed_and_fetches_nothing() {
    let minute = campaign::minute();
    let mut pages = vec![
        judged(&minute, &checked(&minute, &[], None, &[])),
        judged(
            &minute,
            &checked(
                &minute,
                &["ceph-mon", "cassandra", "zookeeper"],
                Some("strict"),
                &[],
            ),
        ),
    ];
    for campaign in [
        campaign::two(),
        campaign::embedded(),
        campaign::disturbed(),
        campaign::floor_and_card(),
        campaign::beside_floor(),
        campaign::many(30),
        Campaign::default(),
    ] {
        pages.push(page(&campaign));
    }
    for page in &pages {
        let elements = well_formed(page);
        for element in ["script", "link", "img", "iframe", "object", "form", "base"] {
            assert!(!elements.contains(&element), "{element}");
        }
        // No namespace is needed, so that no address is left to look for.
        assert!(!page.contains("http:") && !page.contains("https:"));
        assert!(page.contains("default-src 'none'") || page.contains("default-src &#39;none&#39;"));
        for part in [
            "<main id=\"main\">",
            "lang=\"en\"",
            "id=\"environment\"",
            "id=\"result\"",
        ] {
            assert!(page.contains(part), "{part}");
        }
    }
    assert!(pages[0].find("Verdict").unwrap() < pages[0].find("Offset over time").unwrap());
}

/// Every picture has a table that says the same, and a name and a description of its own.
#[test]
fn every_number_is_text() {
    let campaign = campaign::two();
    let page = page(&campaign);
    assert_eq!(
        page.matches("role=\"img\"").count(),
        page.matches("<desc").count()
    );
    assert!(
        page.matches("role=\"img\"").count() >= 8,
        "{}",
        page.matches("role=\"img\"").count()
    );
    let report = report(&campaign);
    for source in &report.sources {
        let of = source.main.offset_ns.as_ref().unwrap();
        for exact in [of.min, of.max, of.mean]
            .into_iter()
            .chain(of.p50)
            .chain(of.p5)
        {
            assert!(
                page.contains(&format!("<td class=\"number\">{exact}</td>")),
                "{exact}"
            );
        }
        let bounds = page
            .split("<caption>proven offset over time</caption>")
            .skip(1);
        assert_eq!(bounds.count(), report.sources.len());
    }
    for table in [
        "all distributions",
        "offsets by delay",
        "all deviations",
        "estimates, by stretches",
    ] {
        assert!(page.contains(&format!("<caption>{table}")), "{table}");
    }
}

#[test]
fn nothing_from_outside_is_markup() {
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title></style></svg><h1>",
        "\u{202e}evil\u{1b}[2J\u{7f}\0\u{9b}",
        "&lt;b&gt;]]><!--",
        "javascript:alert(1)",
    ] {
        let mut hostile = renamed(campaign::disturbed(), name);
        hostile.header.environment.host = Some(name.to_owned());
        hostile.header.environment.clocksource = Some(name.to_owned());
        hostile.header.arguments = vec![name.to_owned()];
        hostile.header.tool = name.to_owned();
        let minute = renamed(campaign::minute(), name);
        let verdict = checked(&minute, &["ceph-mon"], None, &[]);
        // A file can hold what no run would write.
        let mut text = Vec::new();
        json::write(&report(&campaign::two()), &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let quoted = serde_json::to_string(name).unwrap();
        let text = text
            .replace("\"10.77.0.2\"", &quoted)
            .replace("\"ntp2.example\"", &quoted);
        let Ok(Saved::Measured(saved)) = Saved::read(text.as_bytes()) else {
            panic!("not read: {name}");
        };
        let mut from_file = Vec::new();
        html::write(&saved, &html::Exchanges::default(), &mut from_file).unwrap();
        let from_file = String::from_utf8(from_file).unwrap();
        let plain = tags(&page(&campaign::disturbed())).len();
        let told = page(&hostile);
        assert_eq!(tags(&told).len(), plain, "{name}");
        for page in [told, judged(&minute, &verdict), from_file] {
            well_formed(&page);
            assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "{name}");
            assert!(
                !page.contains('\u{202e}') && !page.contains("<img") && !page.contains("<script")
            );
        }
    }
}

#[test]
fn a_hundred_thousand_exchanges_are_a_small_page() {
    let long = campaign::long(100_000);
    let page = page(&long);
    well_formed(&page);
    assert!(page.len() < LARGEST / 2, "{}", page.len());
    assert!(
        page.contains(
            "99600 of 100000 exchanges, those of the main class, are drawn in 480 columns"
        ),
        "thinning is said"
    );
    // And of check, which looks each second, with more sources than are drawn.
    let many = campaign::many(700);
    let page = self::page(&many);
    well_formed(&page);
    assert!(page.len() < LARGEST, "{}", page.len());
}

/// Numbers of a file may be any.
#[test]
fn no_number_is_too_large() {
    let mut out = Vec::new();
    json::write(&report(&campaign::two()), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    for extreme in ["9223372036854775807", "-9223372036854775808", "0"] {
        let mut wild = String::new();
        for line in text.lines() {
            let number = line.trim_end_matches(',').rsplit(' ').next().unwrap_or("");
            let is_large = number.parse::<i64>().is_ok_and(|n| n.abs() > 255);
            match is_large {
                true => wild.push_str(&line.replace(number, extreme)),
                false => wild.push_str(line),
            }
            wild.push('\n');
        }
        match Saved::read(wild.as_bytes()) {
            Ok(Saved::Measured(report)) => {
                let report: &Report = &report;
                let mut page = Vec::new();
                html::write(report, &html::Exchanges::default(), &mut page).unwrap();
                well_formed(std::str::from_utf8(&page).unwrap());
            }
            // What is a count is not negative.
            Err(error) => assert!(error.to_string().contains("line"), "{error}"),
            Ok(other) => panic!("{other:?}"),
        }
    }
}

/// What a report says of itself is the same after it was read back.
#[test]
fn a_saved_report_is_read_back() {
    for campaign in [
        campaign::two(),
        campaign::disturbed(),
        campaign::beside_floor(),
    ] {
        let report = report(&campaign);
        let mut out = Vec::new();
        json::write(&report, &mut out).unwrap();
        let saved = Saved::read(&out).unwrap();
        assert_eq!(saved, Saved::Measured(Box::new(report)));
        // Cut off anywhere it is broken, and says where.
        let cut = Saved::read(&out[..out.len() / 2]).unwrap_err().to_string();
        assert!(cut.contains("broken") && cut.contains("line"), "{cut}");
    }
    let checked = checked(&campaign::minute(), &["ceph-mon"], None, &[]);
    let mut out = Vec::new();
    json::write_check(&checked, &mut out).unwrap();
    assert_eq!(Saved::read(&out).unwrap(), Saved::Judged(Box::new(checked)));
}

/// A page of the report of two servers after a hand changed it.
fn changed(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut text = Vec::new();
    json::write(&report(&campaign::two()), &mut text).unwrap();
    let mut value = serde_json::from_slice(&text).unwrap();
    change(&mut value);
    let Ok(Saved::Measured(saved)) = Saved::read(value.to_string().as_bytes()) else {
        panic!("not read: {value}");
    };
    let mut told = Vec::new();
    text::write(&saved, text::Style::default(), &mut told).unwrap();
    let mut page = Vec::new();
    html::write(&saved, &html::Exchanges::default(), &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// Numbers from a file may be any that fit.
#[test]
fn no_drift_is_too_large() {
    for ppb in [i64::MIN, i64::MAX] {
        let page = changed(|report| {
            report["sources"][0]["drift"]["upper_ppb"] = ppb.into();
            report["sources"][0]["drift"]["lower_ppb"] = ppb.into();
        });
        well_formed(&page);
    }
}

#[test]
fn what_has_no_median_is_given_none() {
    let page = changed(|report| {
        for of in ["offset_ns", "delay_ns"] {
            report["sources"][0][of]["p50"] = serde_json::Value::Null;
            report["sources"][0][of]["mean"] = 123_456_789.into();
        }
        report["sources"][0]["estimate"] = serde_json::Value::Null;
    });
    let rows = page.split("<caption>sources;").nth(1).unwrap();
    let row = rows.split("<tr>").nth(2).unwrap();
    assert_eq!(
        row.matches("<td class=\"number\">-</td>").count(),
        2,
        "{row}"
    );
    assert!(!row.contains("123."), "{row}");
}

/// A name does not push numbers off the page.
#[test]
fn a_long_name_is_broken() {
    let name = "n".repeat(160);
    let page = changed(|report| report["sources"][0]["source"] = name.clone().into());
    assert!(page.contains(&format!("<th scope=\"row\" class=\"long\">{name}</th>")));
}

#[test]
fn what_is_proven_and_drawn_is_said() {
    let told = page(&campaign::two());
    assert!(!told.contains("The band holds the true offset"));
    assert!(told.contains("Straight lines join the steps, and prove nothing in between."));
    // The band reaches to the last exchange.
    let last = report(&campaign::two());
    let last = last.sources[0].bound_ns.unwrap();
    let series = changed(|_| ());
    let rows = series
        .split("<caption>proven offset over time</caption>")
        .nth(1)
        .unwrap();
    let rows = rows.split("</table>").next().unwrap();
    let at = last.at.as_nanos();
    assert!(rows.contains(&of_day(at)), "{rows} has no {}", of_day(at));
    let one = changed(|report| {
        for source in report["sources"].as_array_mut().unwrap() {
            source["bound_series"] = serde_json::Value::Array(Vec::new());
        }
    });
    assert!(one.contains("within the band at one exchange"));
    assert!(!one.contains("Straight lines join"));
}

/// Time of day, as a page has it.
fn of_day(nanos: i64) -> String {
    let seconds = nanos.div_euclid(1_000_000_000).rem_euclid(86_400);
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}
