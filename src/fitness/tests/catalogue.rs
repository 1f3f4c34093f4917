//! What a catalogue takes, and what it refuses with which words.

use proptest::prelude::*;

use super::super::*;
use crate::time::{Frequency, TimeDelta};

/// A service as small as may be, with these lines more.
fn service(more: &str) -> String {
    format!(
        "schema = 2\n[[service]]\nid = \"ours\"\nname = \"Ours\"\nkind = \"quorum\"\nclock = \"wall\"\n\
         scope = \"pairwise\"\nseverity = \"warn\"\nconsequence = \"It warns.\"\nsource = \"ours\"\n{more}\n"
    )
}

const LIMITED: &str = "max_pairwise_skew_s = 0.2\nbetween = \"member/member\"";

fn grade(most: &str) -> String {
    format!(
        "schema = 2\n[[grade]]\nid = \"ours\"\nmax_abs_offset_plus_bound_p999_s = {most}\n\
         window_max_abs_offset_plus_bound_s = 2.0\nmax_jitter_p999_s = 1\nmax_pairwise_skew_p999_s = 1.0\n\
         window_max_pairwise_skew_s = 1.0\nmax_forward_step_s = 1.0\nmax_backward_step_s = 0.0\n\
         max_residual_drift_ppm = 100.0\ncovers = \"ours\"\n"
    )
}

fn taken(profile: &str) -> Catalogue {
    let mut catalogue = Catalogue::builtin();
    catalogue.add_profile("site.toml", profile).unwrap();
    catalogue
}

/// The message for a profile that is refused, of which nothing was taken.
fn refused(profile: &str) -> String {
    let mut catalogue = Catalogue::builtin();
    let error = catalogue.add_profile("site.toml", profile).unwrap_err();
    assert_eq!(catalogue, Catalogue::builtin(), "half of it was used");
    error.to_string()
}

#[test]
fn the_builtin_catalogue_is_whole() {
    let catalogue = Catalogue::builtin();
    assert_eq!(catalogue.services().len(), 80);
    let grades: Vec<&str> = catalogue.grades().iter().map(|g| g.id.as_str()).collect();
    assert_eq!(grades, ["strict", "standard", "basic"]);
    for service in catalogue.services() {
        assert!(!service.source.is_empty() && !service.version.is_empty());
        assert_eq!(service.origin, Origin::Builtin);
        // What a limit is about has to be known to judge by it.
        let skew = service.limits.time(Quantity::PairwiseSkew);
        assert!(
            skew.is_none() || service.between.is_some(),
            "{}",
            service.id
        );
    }
    assert!(
        catalogue
            .grades()
            .iter()
            .all(|grade| !grade.reason.is_empty())
    );
}

/// The numbers that people argue about, as `docs/services.md` gives them.
#[test]
fn what_services_are_known_for() {
    let catalogue = Catalogue::builtin();
    let of = |id: &str| catalogue.service(id).unwrap();
    let skew = |id: &str| of(id).limits.time(Quantity::PairwiseSkew);
    assert_eq!(skew("ceph-mon"), Some(TimeDelta::from_millis(50)));
    assert_eq!(skew("etcd-peer-probe"), Some(TimeDelta::from_secs(1)));
    assert_eq!(skew("cockroachdb"), Some(TimeDelta::from_millis(400)));
    assert_eq!(of("cockroachdb").severity, Severity::Terminate);
    for id in ["zookeeper", "rabbitmq-quorum-queues", "etcd-lease"] {
        assert_eq!(
            (of(id).scope, of(id).has_limit()),
            (Scope::None, false),
            "{id}"
        );
    }
    assert!(of("cassandra").last_write_wins);
    let lease = of("ceph-mon-lease");
    assert_eq!((lease.derived, lease.one_sided), (true, Some(Side::Ahead)));
    let rate = of("kubernetes-leader-election")
        .limits
        .rate(Quantity::Drift);
    assert_eq!(rate, Some(Frequency::from_ppm(500_000)));
    let standard = &catalogue.grade("standard").unwrap().limits;
    assert_eq!(
        standard.time(Quantity::OffsetMostly),
        Some(TimeDelta::from_millis(10))
    );
    assert_eq!(
        standard.rate(Quantity::ResidualDrift),
        Some(Frequency::from_ppm(15))
    );
}

#[test]
fn a_profile_adds_and_overrides_whole_entries() {
    let added = taken(&service(LIMITED));
    assert_eq!(added.services().len(), 81);
    let ours = added.service("ours").unwrap();
    assert_eq!(
        ours.limits.time(Quantity::PairwiseSkew),
        Some(TimeDelta::from_millis(200))
    );
    assert_eq!(ours.origin, Origin::Profile("site.toml".to_owned()));
    assert_eq!((ours.verified, ours.config_key.as_str()), (false, "none"));

    let other = service(LIMITED).replace("\"ours\"\nname", "\"ceph-mon\"\nname");
    let overridden = taken(&other);
    assert_eq!(overridden.services().len(), 80);
    let first = &overridden.services()[0];
    assert_eq!(
        (first.id.as_str(), first.name.as_str()),
        ("ceph-mon", "Ours")
    );
    // Nothing is left of the one before.
    assert_eq!(first.note, "");
}

#[test]
fn grades_are_ordered_by_what_they_ask() {
    let order = |most: &str| {
        let catalogue = taken(&grade(most));
        catalogue
            .grades()
            .iter()
            .position(|grade| grade.id == "ours")
    };
    assert_eq!(
        [order("0.0001"), order("0.05"), order("1")],
        [Some(0), Some(2), Some(3)]
    );
    let mut catalogue = Catalogue::builtin();
    let set = "basic.max_abs_offset_plus_bound_p999_s=0.0001";
    catalogue.set(set).unwrap();
    assert_eq!(catalogue.grades()[0].id, "basic");
}

#[test]
fn a_bad_profile_is_refused_with_line_and_reason() {
    let line = |more: &str| service(more).lines().count();
    for (more, words) in [
        (
            "max_pairwise_skew_ms = 50",
            "there is no such field; max_pairwise_skew_s is the nearest",
        ),
        (
            "max_pairwise_skew_s = \"50ms\"",
            "a number of seconds is expected, without a unit",
        ),
        ("max_pairwise_skew_s = -0.1", "a limit is not negative"),
        (
            "max_pairwise_skew_s = 50000000000",
            "is it in another unit?",
        ),
        (
            "max_pairwise_skew_s = nan",
            "a number of seconds is expected",
        ),
        (
            "max_pairwise_skew_s = true",
            "a number of seconds is expected",
        ),
        ("max_drift_ppm = 0x10", "parts per million is expected"),
        ("max_pairwise_skew_s = 0.1", "between must say whose clocks"),
        (
            "one_sided = \"ahead\"",
            "max_pairwise_skew_s, which is missing",
        ),
        (
            "one_sided = \"above\"",
            "\"above\" is none of ahead, behind",
        ),
        (
            "warn_pairwise_skew_s = 0.1",
            "max_pairwise_skew_s, which is missing",
        ),
        ("between = \"members\"", "two parts are expected"),
        ("verified = \"yes\"", "true or false is expected"),
        ("name = \"twice\"", "duplicate key"),
        ("note = 5", "a text in quotes is expected"),
        ("note = \"", "invalid"),
    ] {
        let error = refused(&service(more));
        assert!(error.contains(words), "{more}: {error}");
        let place = format!("site.toml, line {}: ", line(more));
        assert!(error.starts_with(&place), "{more}: {error}, not in {place}");
    }
    let long = format!("note = \"{}\"", "x".repeat(2_001));
    assert!(refused(&service(&long)).contains("longer than 2000"));
    let warned = format!("{LIMITED}\nwarn_pairwise_skew_s = 0.3");
    assert!(refused(&service(&warned)).contains("which it should warn of"));
    let scope = service("max_step_s = 1.0").replace("scope = \"pairwise\"", "scope = \"none\"");
    assert!(refused(&scope).contains("line 7: ours: scope: none means that no clock matters"));
}

#[test]
fn what_is_missing_is_named() {
    for field in [
        "id",
        "name",
        "kind",
        "clock",
        "scope",
        "severity",
        "consequence",
        "source",
    ] {
        let whole = service("");
        let without: Vec<&str> = whole
            .lines()
            .filter(|line| !line.starts_with(&format!("{field} = ")))
            .collect();
        let error = refused(&without.join("\n"));
        assert!(error.contains(&format!("{field} is missing")), "{error}");
        assert!(error.starts_with("site.toml, line 2: "), "{error}");
    }
    for field in Quantity::OF_GRADES {
        let whole = grade("1.0");
        let without: Vec<&str> = whole
            .lines()
            .filter(|line| !line.starts_with(field.name()))
            .collect();
        let error = refused(&without.join("\n"));
        assert!(
            error.contains(&format!("{} is missing", field.name())),
            "{error}"
        );
    }
    assert!(refused("").contains("schema = 2 is missing"));
    assert!(refused("schema = 3").contains("line 1: schema = 2 is the one"));
    assert!(
        refused("schema = 2\n[service]\nid = \"a\"")
            .contains("line 2: each is written as [[service]]")
    );
    assert!(refused("schema = 2\n\n[[services]]").contains("line 3: there is no services"));
    assert!(refused("schema = 2\nservice = [5]").contains("a table with fields is expected"));
    assert!(refused("schema = 2\nservice = \n").starts_with("site.toml, line 2: "));
}

#[test]
fn one_name_means_one_thing() {
    let twice = service(LIMITED) + &service(LIMITED).replace("schema = 2", "");
    assert!(refused(&twice).contains("in this file twice"));
    let mut catalogue = taken(&service(LIMITED));
    let error = catalogue
        .add_profile("b.toml", &service(LIMITED))
        .unwrap_err();
    assert!(
        error.to_string().contains("site.toml has it, too"),
        "{error}"
    );
    let named =
        |text: String, name: &str| text.replace("id = \"ours\"", &format!("id = \"{name}\""));
    assert!(refused(&named(service(LIMITED), "standard")).contains("a grade has this name"));
    assert!(refused(&named(grade("1.0"), "etcd-lease")).contains("a service has this name"));
    for bad in ["Ours", "a b", "-a", "a.b", "\u{fc}", &"a".repeat(41)] {
        assert!(
            refused(&named(service(LIMITED), bad)).contains("a-z, 0-9 and dashes"),
            "{bad}"
        );
    }
    assert!(refused(&grade("3.0")).contains("most of the time allows more than ever does"));
}

#[test]
fn a_setting_is_taken_and_known_as_one() {
    let mut catalogue = Catalogue::builtin();
    catalogue.set("ceph-mon.max_pairwise_skew_s=0.1").unwrap();
    let limits = &catalogue.service("ceph-mon").unwrap().limits;
    assert_eq!(
        limits.time(Quantity::PairwiseSkew),
        Some(TimeDelta::from_millis(100))
    );
    assert!(limits.is_set(Quantity::PairwiseSkew));
    assert!(
        !Catalogue::builtin().services()[0]
            .limits
            .is_set(Quantity::PairwiseSkew)
    );
    for (set, words) in [
        ("ceph-mon", "ID.FIELD=NUMBER is expected"),
        ("ceph-mon=0.1", "ID.FIELD=NUMBER is expected"),
        ("ceph-mom.max_pairwise_skew_s=0.1", "\"ceph-mom\"; ceph-mon"),
        (
            "ceph.max_pairwise_skew_s=0.1",
            "there is no service or grade \"ceph\"",
        ),
        (
            "ceph-mon.max_pairwise_skew=0.1",
            "max_pairwise_skew_s is the nearest",
        ),
        ("ceph-mon.x=0.1", "it has max_pairwise_skew_s"),
        ("ceph-mon.max_pairwise_skew_s=100ms", "without a unit"),
        ("ceph-mon.max_pairwise_skew_s=", "a number of seconds"),
        (
            "zookeeper.max_pairwise_skew_s=0.1",
            "none means that no clock matters",
        ),
        (
            "standard.max_abs_offset_plus_bound_p999_s=1",
            "more than ever does",
        ),
        // It is a number of services, and no grade has it.
        (
            "standard.max_pairwise_skew_s=0.01",
            "max_pairwise_skew_p999_s is the nearest",
        ),
    ] {
        let error = Catalogue::builtin().set(set).unwrap_err().to_string();
        assert!(error.contains(words), "{set}: {error}");
    }
    let again = catalogue
        .set("ceph-mon.max_pairwise_skew_s=0.2")
        .unwrap_err();
    assert!(again.to_string().contains("set already"), "{again}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", more in "[a-z_]{1,20} = ?[-0-9.e\"a-z\\[\\]{}]{0,20}") {
        let mut catalogue = Catalogue::builtin();
        let _ = catalogue.add_profile("a", &text);
        let _ = catalogue.add_profile("a", &service(&more));
        let _ = catalogue.set(&text);
        let _ = catalogue.set(&format!("ceph-mon.{more}"));
    }
}
