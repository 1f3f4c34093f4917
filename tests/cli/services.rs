//! `clockfit services`: names, groups, words, profiles and settings, good and bad.

use std::fs;

use crate::support::clockfit;

#[test]
fn all_are_listed_and_one_is_explained() {
    let all = clockfit(["services"]);
    assert_eq!((all.code, all.stderr.as_str()), (0, ""));
    for id in ["ceph-mon ", "zookeeper ", "etcd-peer-probe ", "standard "] {
        assert!(all.stdout.contains(&format!("\n  {id}")), "{id}");
    }
    let one = clockfit(["services", "ceph-mon"]);
    assert!(one.stdout.starts_with("ceph-mon: "), "{}", one.stdout);
    assert_eq!(one.stdout.matches("\n  source ").count(), 1);
    assert!(one.stdout.contains("mon_clock_drift_allowed"));
}

#[test]
fn a_group_a_grade_and_words_to_search_for() {
    let ids = |args: &[&str]| -> Vec<String> {
        let report = clockfit(["services", "-f", "json"].iter().chain(args)).json();
        let of = |key: &str| report[key].as_array().unwrap().clone();
        let all = of("services").into_iter().chain(of("grades"));
        all.map(|entry| entry["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&[]).len(), 83);
    assert_eq!(ids(&["etcd"]), ["etcd-peer-probe", "etcd-lease"]);
    assert_eq!(ids(&["standard"]), ["standard"]);
    assert_eq!(ids(&["ceph-mon", "basic"]), ["ceph-mon", "basic"]);
    let found = ids(&["Paxos", "lease"]);
    assert!(found.contains(&"ceph-mon-lease".to_owned()), "{found:?}");
    let report = clockfit(["services", "-f", "json", "ceph-mon"]).json();
    assert_eq!(report["schema"], "clockfit-services/1");
    assert_eq!(report["services"][0]["limits"][0]["ns"], 50_000_000);
}

#[test]
fn a_site_s_own_numbers_are_taken_and_shown_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("site.toml");
    let text = "schema = 2\n[[service]]\nid = \"billing\"\nname = \"Billing\"\nkind = \"messaging\"\n\
                clock = \"wall\"\nscope = \"pairwise\"\nseverity = \"incorrect\"\n\
                consequence = \"Bills.\"\nsource = \"ours\"\nbetween = \"a/b\"\n\
                max_pairwise_skew_s = 0.2\n";
    fs::write(&profile, text).unwrap();
    let profile = profile.to_str().unwrap();
    let told = clockfit([
        "services",
        "billing",
        "ceph-mon",
        "--profile",
        profile,
        "--set",
        "ceph-mon.max_pairwise_skew_s=0.1",
    ]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    for words in [
        "200 ms between two",
        "the profile ",
        "100 ms between two",
        "set by this site",
    ] {
        assert!(told.stdout.contains(words), "{words}: {}", told.stdout);
    }
}

#[test]
fn what_nobody_knows_is_refused_with_the_nearest_names() {
    clockfit(["services", "zokeeper"]).refused(&["error:", "\"zokeeper\"", "zookeeper"]);
    clockfit(["services", "standart"]).refused(&["standart"]);
    clockfit(["services", "quorum", "qqq"]).refused(&["no service has all of these words"]);
    let hostile = clockfit(["services", "\u{1b}[2J"]);
    hostile.refused(&["\\u{1b}"]);
    assert_eq!(hostile.stdout, "");
}

#[test]
fn a_bad_profile_or_setting_is_refused_before_anything_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let with = |path: &str| {
        let ended = clockfit(["services", "--profile", path]);
        assert_eq!(ended.stdout, "");
        ended
    };
    with(&file("a.toml", b"schema = 2\n\n[[service]]\nid = \"x\"\n"))
        .refused(&["a.toml, line 3: ", "missing"]);
    with(&file("b.toml", b"schema = 1\n")).refused(&["b.toml, line 1", "schema = 2"]);
    with(&file("c.toml", b"schema = 2\n\xff")).refused(&["c.toml", "UTF-8"]);
    with(&file("d.toml", &vec![b'#'; 2 << 20])).refused(&["d.toml", "longer than"]);
    with(folder.path().to_str().unwrap()).refused(&["cannot be read"]);
    with("/nowhere/e.toml").refused(&["/nowhere/e.toml cannot be opened", "No such file"]);
    // One that never ends.
    with("/dev/zero").refused(&["longer than"]);
    for (set, words) in [
        ("ceph-mon.max_pairwise_skew_s=100ms", "without a unit"),
        ("ceph-mon", "ID.FIELD=NUMBER"),
        ("nobody.max_step_s=1", "no service or grade"),
    ] {
        clockfit(["services", "--set", set]).refused(&["--set", words]);
    }
}
