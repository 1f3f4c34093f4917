//! `docs/report.schema.json` is what the types say, real output obeys it, and `docs/report.md`
//! speaks of every field.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::PathBuf;
use std::process::Command;
use std::{fs, io};

use clockfit::report::{Report, json};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{campaign, report};

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn rendered(campaign: &clockfit::sample::Campaign) -> String {
    let mut out = Vec::new();
    json::write(&report(campaign), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

pub(super) fn page(name: &str) -> String {
    fs::read_to_string(docs(name)).unwrap()
}

pub(super) fn published(file: &str) -> Value {
    serde_json::from_str(&page(file)).unwrap()
}

/// A schema in docs is what the types say. With `UPDATE_SCHEMA=1` in the environment the file is
/// written anew.
pub(super) fn is_published(file: &str, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) {
    let mut now = Vec::new();
    write(&mut now).unwrap();
    let path = docs(file);
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let published = fs::read(&path).unwrap_or_default();
    assert!(
        published == now,
        "docs/{file} is out of date; run: UPDATE_SCHEMA=1 cargo test --test report"
    );
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    is_published("report.schema.json", json::write_schema);
}

/// What is written of a report obeys a published schema, and reads back as that report.
pub(super) fn obeys<T: DeserializeOwned + PartialEq + Debug>(file: &str, report: &T, text: &str) {
    let schema = published(file);
    let value: Value = serde_json::from_str(text).unwrap();
    check(&schema, &schema, &value, "$");
    let back: T = serde_json::from_str(text).unwrap();
    assert_eq!(back, *report);
}

fn length(value: &Value) -> Option<u64> {
    u64::try_from(value.as_array()?.len()).ok()
}

/// Checks the parts of JSON Schema that schemars writes for these types, and fails on any other, so
/// that nothing passes because it was not looked at.
pub(super) fn check(schema: &Value, root: &Value, value: &Value, path: &str) {
    let Some(schema) = schema.as_object() else {
        assert_eq!(schema, &Value::Bool(true), "{path}");
        return;
    };
    for (keyword, rule) in schema {
        match keyword.as_str() {
            "$ref" => {
                let target = rule.as_str().unwrap().strip_prefix('#').unwrap();
                check(root.pointer(target).unwrap(), root, value, path);
            }
            "type" => {
                let types: Vec<&str> = match rule {
                    Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
                    one => vec![one.as_str().unwrap()],
                };
                let is = match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(n) if n.is_f64() => "number",
                    Value::Number(_) => "integer",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                };
                assert!(types.contains(&is), "{path}: {is}, not one of {types:?}");
            }
            "required" => {
                for key in rule.as_array().unwrap() {
                    let key = key.as_str().unwrap();
                    assert!(value.get(key).is_some(), "{path} lacks {key}");
                }
            }
            "properties" => {
                for (key, inner) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        check(inner, root, value, &format!("{path}.{key}"));
                    }
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                for (key, value) in value.as_object().unwrap() {
                    if known.is_none_or(|known| !known.contains_key(key)) {
                        check(rule, root, value, &format!("{path}.{key}"));
                    }
                }
            }
            "propertyNames" => {
                for key in value.as_object().unwrap().keys() {
                    check(rule, root, &Value::String(key.clone()), path);
                }
            }
            // Of what is no array, as null, this says nothing.
            "items" => {
                for (i, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(rule, root, value, &format!("{path}[{i}]"));
                }
            }
            "prefixItems" => {
                let values = value.as_array().into_iter().flatten();
                for (rule, value) in rule.as_array().unwrap().iter().zip(values) {
                    check(rule, root, value, path);
                }
            }
            // Of what is no array these, too, say nothing.
            "minItems" => assert!(length(value).is_none_or(|n| Some(n) >= rule.as_u64())),
            "maxItems" => assert!(length(value).is_none_or(|n| Some(n) <= rule.as_u64())),
            "enum" => assert!(rule.as_array().unwrap().contains(value), "{path}: {value}"),
            "const" => assert_eq!(rule, value, "{path}"),
            "anyOf" | "oneOf" => {
                let fits = |rule: &Value| {
                    std::panic::catch_unwind(|| check(rule, root, value, path)).is_ok()
                };
                assert!(rule.as_array().unwrap().iter().any(fits), "{path}: {value}");
            }
            "minimum" => assert!(value.as_i64().is_none_or(|v| v >= rule.as_i64().unwrap())),
            "maximum" => assert!(value.as_i64().is_none_or(|v| v <= rule.as_i64().unwrap())),
            "pattern" => {
                let seconds: Result<clockfit::time::Timestamp, _> = value.as_str().unwrap().parse();
                assert!(seconds.is_ok(), "{path}: {value}");
            }
            "$schema" | "$defs" | "title" | "description" | "format" => {}
            other => panic!("{path}: the check does not know {other:?}"),
        }
    }
}

#[test]
fn real_output_obeys_the_published_schema() {
    let schema = published("report.schema.json");
    for campaign in [
        campaign::two(),
        campaign::embedded(),
        campaign::floor_alone(),
        campaign::floor_and_card(),
        campaign::beside_floor(),
        campaign::many(12),
        campaign::disturbed(),
        Default::default(),
    ] {
        let value: Value = serde_json::from_str(&rendered(&campaign)).unwrap();
        check(&schema, &schema, &value, "$");
    }
}

/// What other programs were promised, by name.
#[test]
fn the_promised_keys_are_there() {
    let value: Value = serde_json::from_str(&rendered(&campaign::two())).unwrap();
    assert_eq!(value["schema"], "clockfit-report/1");
    let keys = [
        "schema",
        "tool",
        "host",
        "run",
        "local_clock",
        "warnings",
        "sources",
    ];
    for key in keys {
        assert!(value.get(key).is_some(), "{key}");
    }
    for source in value["sources"].as_array().unwrap() {
        for key in [
            "source",
            "address",
            "kind",
            "sent",
            "valid",
            "lost",
            "rejected",
            "timescale",
            "root_distance_ns",
            "bound_series",
            "jitter_ns",
            "other_classes",
        ] {
            assert!(source.get(key).is_some(), "{key}");
        }
        for path in [
            "/stamps/tx/hardware",
            "/stamps/rx/kernel",
            "/stamps/tx/user",
            "/server/stratum",
            "/server/refid",
            "/server/leap",
            "/server/precision",
            "/server/root_delay_ns",
            "/server/root_dispersion_ns",
            "/bound_ns/lower",
            "/bound_ns/upper",
            "/bound_ns/at",
            "/bound_ns/drift_ppb",
            "/bound_series/0/at",
            "/class/mode",
            "/class/stamps",
            "/histogram/positive",
            "/abs_offset_ns/p50",
        ] {
            assert!(source.pointer(path).is_some(), "{path}");
        }
        for distribution in ["offset_ns", "delay_ns"] {
            for key in [
                "n", "min", "p1", "p5", "p50", "p95", "p99", "p99_9", "max", "mean", "rms",
            ] {
                assert!(
                    source[distribution].get(key).is_some(),
                    "{distribution}.{key}"
                );
            }
        }
    }
    let bad = &value["sources"][1];
    assert_eq!(bad["offset_ns"]["p99"], Value::Null);
    // 368 if they were independent.
    assert!(bad["offset_ns"]["needed"]["p99"].as_u64() >= Some(368));
    assert_eq!(bad["rejected"]["bogus_origin"], 2);
    assert_eq!(bad["lost_by"]["timeout"], 3);
    assert_eq!(bad["other_classes"][0]["class"]["stamps"], "user/kernel");
    assert!(bad["bound_ns"]["at"].is_string());
    assert!(
        value["sources"][0]["cross_check"]["consistent"]
            .as_bool()
            .unwrap()
    );
}

/// What stands beside the sources is in a list of its own, and in each source what it says of it.
#[test]
fn the_floor_is_no_source() {
    let value: Value = serde_json::from_str(&rendered(&campaign::beside_floor())).unwrap();
    let sources = value["sources"].as_array().unwrap();
    let kinds: Vec<_> = sources
        .iter()
        .map(|s| s["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["ntp", "ntp", "ntp", "phc"]);
    let resolution = |n: usize| &sources[n]["floor"]["resolution"];
    assert_eq!(resolution(0), "below");
    assert_eq!(resolution(1), "above");
    assert_eq!(resolution(2), "undetermined");
    assert_eq!(sources[2]["floor"]["needed"], 72);
    assert_eq!(sources[2]["floor"]["limit_ns"], Value::Null);
    assert_eq!(sources[3]["floor"], Value::Null);
    let floors = value["floors"].as_array().unwrap();
    assert_eq!(floors.len(), 2);
    let basic = &floors[0];
    assert_eq!(basic["class"]["mode"], "basic");
    // The same numbers, wherever they are told.
    assert_eq!(basic["limit_ns"], basic["abs_offset_ns"]["ci95"]["p95"][1]);
    let told = &sources[0]["floor"];
    assert_eq!(told["limit_ns"], basic["limit_ns"]);
    assert_eq!(told["ci95_ns"], basic["abs_offset_ns"]["ci95"]["p95"]);
    assert_eq!(told["p95_ns"], basic["abs_offset_ns"]["p95"]);
    assert_eq!(
        (&told["n"], &told["class"]),
        (&basic["offset_ns"]["n"], &basic["class"])
    );

    let alone: Value = serde_json::from_str(&rendered(&campaign::floor_alone())).unwrap();
    assert_eq!(alone["sources"].as_array().unwrap().len(), 2);
    assert_eq!(alone["floors"], value["floors"]);
}

#[test]
fn a_report_reads_back_as_it_was_written() {
    for campaign in [
        campaign::two(),
        campaign::disturbed(),
        campaign::beside_floor(),
    ] {
        let text = rendered(&campaign);
        let back: Report = serde_json::from_str(&text).unwrap();
        assert_eq!(back, report(&campaign));
        assert!(text.ends_with("}\n"));
        assert!(!text.contains("\\u001b"), "a control character got through");
    }
}

#[test]
fn what_disturbed_the_clock_is_listed_with_instant_and_size() {
    let value: Value = serde_json::from_str(&rendered(&campaign::disturbed())).unwrap();
    let clock = &value["local_clock"];
    assert_eq!(clock["readings"], 15);
    assert_eq!(clock["kernel"]["rate_ppb"], -12_336);
    assert_eq!(clock["kernel"]["tai_ns"], 37_000_000_000i64);
    assert_eq!(
        (&clock["stolen_ns"], &clock["run_delay_ns"]),
        (&14_000_000.into(), &140_000.into())
    );
    let listed = clock["disturbances"].as_array().unwrap();
    assert_eq!(listed.len(), 14);
    let step = &listed[0];
    assert_eq!(step["what"], "step");
    assert_eq!(step["at"], "1763832000.500000000");
    assert_eq!(step["since_start_ns"], 500_000_000);
    assert_eq!(
        (&step["at_error_ns"], &step["size_ns"]),
        (&5_000_000.into(), &5_000_021.into())
    );
    assert_eq!(step["from_ppb"], Value::Null);
    let warnings = value["warnings"].as_array().unwrap().iter();
    let codes: Vec<_> = warnings.map(|w| w["code"].as_str().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "local_clock_stepped",
            "suspended",
            "stalled",
            "time_stolen",
            "clocksource_changed",
            "leap_second",
            "few_samples",
            "mixed_stamps"
        ]
    );
}

#[test]
fn one_two_and_sixteen_threads_write_the_same_bytes() {
    let campaign = campaign::many(30);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| rendered(&campaign))
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(16));
}

/// A page of docs speaks of every field of a schema, of which there are at least so many.
pub(super) fn is_documented(file: &str, text: &str, at_least: usize) {
    fn names(schema: &Value, found: &mut BTreeSet<String>) {
        match schema {
            Value::Object(map) => {
                if let Some(Value::Object(properties)) = map.get("properties") {
                    found.extend(properties.keys().cloned());
                }
                map.values().for_each(|inner| names(inner, found));
            }
            Value::Array(many) => many.iter().for_each(|inner| names(inner, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    names(&published(file), &mut found);
    assert!(found.len() >= at_least, "{found:?}");
    let said = page(text);
    let missing: Vec<_> = found
        .iter()
        .filter(|f| !said.contains(&format!("`{f}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/{text} does not mention {missing:?}"
    );
}

#[test]
fn every_field_is_documented() {
    is_documented("report.schema.json", "report.md", 80);
}

/// The examples for jq in `docs/report.md` run on a real report, each with a result.
#[test]
fn the_jq_examples_work() {
    let have_jq = Command::new("jq").arg("--version").output().is_ok();
    if !have_jq {
        assert!(std::env::var_os("CI").is_none(), "jq is not installed");
        eprintln!("not run: jq is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("report.json"),
        rendered(&campaign::two()),
    )
    .unwrap();
    let text = fs::read_to_string(docs("report.md")).unwrap();
    let examples: Vec<&str> = text.lines().filter(|l| l.starts_with("jq ")).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        let run = Command::new("sh")
            .args(["-c", example])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "{example}\n{}",
            String::from_utf8_lossy(&run.stderr)
        );
        assert!(!run.stdout.is_empty(), "{example}");
    }
}
