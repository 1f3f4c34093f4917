//! `clockfit check`: verdicts and exit codes of recordings with known truth, and what is refused before a minute
//! is spent on it. `scripts/tests/check.sh` does the same with real servers.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Ended, Serving, clockfit, knows_servers};

const SEC: i64 = 1_000_000_000;
const START: i64 = 1_763_832_000 * SEC;

/// A recording of so many exchanges, one each so many nanoseconds, with servers that are ahead by so much.
pub(crate) struct Recorded {
    pub(crate) path: PathBuf,
    _folder: TempDir,
}

impl Recorded {
    pub(crate) fn new(exchanges: i64, every: i64, servers: &[(&str, i64)]) -> Self {
        let seconds = |nanos: i64| format!("{}.{:09}", nanos / SEC, nanos % SEC);
        let header = json!({
            "clockfit_recording": {"major": 1, "minor": 0}, "tool": "clockfit 0.1.0", "run_id": "0",
            "started": seconds(START), "started_at": 5 * SEC, "arguments": [], "seed": "1",
            "timeout_ns": SEC,
            "environment": {"host": "db1", "boot_id": null, "kernel": null, "clocksource": null,
                "virtualisation": null, "time_daemons": [], "nics": [], "ptp_clocks": [], "privileged": false},
        });
        let mut text = format!("{header}\n");
        let mut say = |line: Value| writeln!(text, "{line}").unwrap();
        for (s, (address, _)) in servers.iter().enumerate() {
            say(
                json!({"k": "src", "s": s, "source": address, "address": address, "port": 123,
                "kind": "ntp", "timescale": "utc"}),
            );
            say(
                json!({"k": "srv", "s": s, "leap": "none", "stratum": 1, "precision": -25,
                "root_delay_ns": 0, "root_dispersion_ns": 100_000, "refid": "50505300"}),
            );
        }
        let clock = |at: i64| {
            json!({"k": "clk", "m": 5 * SEC + at, "e": 100, "t": seconds(START + at),
                "monotonic_ns": SEC + at})
        };
        say(clock(0));
        for k in 0..exchanges {
            for (s, (_, ahead)) in servers.iter().enumerate() {
                let at = k * every + i64::try_from(s).unwrap() * 1_000;
                say(
                    json!({"k": "x", "s": s, "c": "BKK", "t1": seconds(START + at), "u": ahead + 50_000,
                    "r": 10_000, "l": ahead - 50_000, "e": 10, "m": 5 * SEC + at}),
                );
            }
        }
        say(clock(exchanges * every));
        say(json!({"k": "end", "m": 5 * SEC + exchanges * every, "interrupted": false}));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.jsonl");
        fs::write(&path, text).unwrap();
        Self {
            path,
            _folder: folder,
        }
    }

    pub(crate) fn minute(ahead: i64) -> Self {
        Self::new(60, SEC, &[("192.0.2.1", ahead)])
    }

    pub(crate) fn check(&self, args: &[&str]) -> Ended {
        let path = self.path.to_str().unwrap();
        clockfit(["check", "--replay", path].iter().chain(args))
    }
}

#[test]
fn exit_codes_say_the_verdict() {
    let good = Recorded::minute(0);
    let bad = Recorded::minute(50_000_000);
    let short = Recorded::new(20, SEC / 200, &[("192.0.2.1", 0)]);
    for (run, args, own, nagios) in [
        (
            &good,
            &["--for", "etcd,ceph-mon", "--grade", "standard"][..],
            0,
            0,
        ),
        (&good, &[], 0, 0),
        (&bad, &["--for", "ceph-mon"], 1, 2),
        (&bad, &["--for", "etcd-peer-probe"], 0, 0),
        (&bad, &["--for", "zookeeper"], 0, 0),
        (&bad, &[], 1, 2),
        (&short, &["--for", "ceph-mon"], 3, 3),
        (
            &short,
            &["--for", "ceph-mon", "--undetermined-is", "fit"],
            0,
            0,
        ),
        (
            &short,
            &["--for", "ceph-mon", "--undetermined-is", "unfit"],
            1,
            2,
        ),
    ] {
        let told = run.check(args);
        assert_eq!(told.code, own, "{args:?}\n{}{}", told.stdout, told.stderr);
        assert_eq!(told.stderr, "");
        let with: Vec<&str> = args
            .iter()
            .copied()
            .chain(["--exit-codes", "nagios"])
            .collect();
        assert_eq!(run.check(&with).code, nagios, "{args:?}");
    }
    // A service that warns below its limit goes on; a plugin has a word for that.
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("a.toml");
    let text = "schema = 2\n[[service]]\nid = \"ours\"\nname = \"Ours\"\nkind = \"quorum\"\nclock = \"wall\"\n\
                scope = \"pairwise\"\nseverity = \"refuse\"\nconsequence = \"No.\"\nsource = \"ours\"\n\
                between = \"member/member\"\nmax_pairwise_skew_s = 0.2\nwarn_pairwise_skew_s = 0.08\n";
    fs::write(&profile, text).unwrap();
    let args = ["--profile", profile.to_str().unwrap(), "--for", "ours"];
    let told = bad.check(&args);
    assert_eq!(told.code, 0, "{}{}", told.stdout, told.stderr);
    assert!(told.stdout.contains("\n  warns  "), "{}", told.stdout);
    let nagios: Vec<&str> = args.into_iter().chain(["--exit-codes", "nagios"]).collect();
    assert_eq!(bad.check(&nagios).code, 1);
}

#[test]
fn json_carries_requirement_observed_interval_reserve_and_source() {
    let report = Recorded::minute(50_000_000)
        .check(&["--for", "ceph-mon", "-f", "json"])
        .json();
    assert_eq!(
        (&report["schema"], &report["verdict"]),
        (&json!("clockfit-check/1"), &json!("unfit"))
    );
    let ceph = &report["services"][0];
    assert!(
        ceph["source"]
            .as_str()
            .unwrap()
            .contains("mon_clock_drift_allowed")
    );
    let check = &ceph["checks"][0];
    assert_eq!(check["claim"], "share");
    assert_eq!(
        check["requirement"],
        json!({"name": "max_pairwise_skew_s", "unit": "ns",
        "limit": 50_000_000, "allowed": 25_000_000, "set": false})
    );
    let observed: Vec<i64> = serde_json::from_value(check["observed"].clone()).unwrap();
    assert!(
        observed[0] <= 50_000_000 && 50_000_000 <= observed[1],
        "{observed:?}"
    );
    assert!(check["reserve"].as_i64().unwrap() < -24_000_000);
    assert_eq!(check["reasons"][0]["code"], "may_share_error");
    assert_eq!(report["reasons"][0]["code"], "one_server");
    assert_eq!(report["measurement"]["schema"], "clockfit-report/1");
}

#[test]
fn two_that_contradict_each_other_are_named() {
    let two = Recorded::new(60, SEC, &[("192.0.2.1", 0), ("192.0.2.2", 50_000_000)]);
    let told = two.check(&["--grade", "standard"]);
    assert_eq!(told.code, 3);
    assert!(
        told.stdout
            .contains("192.0.2.1, 192.0.2.2 contradict each other"),
        "{}",
        told.stdout
    );
}

#[test]
fn a_question_that_cannot_be_answered_is_refused_before_anything_is_measured() {
    let ask = |args: &[&str]| {
        // Nobody answers there, and it would take a minute to find out.
        let ended = clockfit(["check", "192.0.2.1"].iter().chain(args));
        assert!(ended.took.as_secs_f64() < 10.0, "{args:?}");
        assert_eq!(ended.stdout, "");
        ended
    };
    ask(&["--for", "cef-mon"]).refused(&["\"cef-mon\"", "ceph-mon"]);
    ask(&["--for", "ceph-mon,"]).refused(&["a comma too many"]);
    ask(&["--grade", "standart"]).refused(&["no grade", "standard"]);
    ask(&["--set", "ceph-mon.max_pairwise_skew_s=50ms"]).refused(&["without a unit"]);
    let again = "ceph-mon.max_pairwise_skew_s=0.1";
    ask(&["--set", again, "--set", "ceph-mon.max_pairwise_skew_s=0.2"]).refused(&["set already"]);
    ask(&["--profile", "/nowhere"]).refused(&["/nowhere cannot be opened"]);
    ask(&["-o", "/nowhere/run.jsonl"]).refused(&["/nowhere/run.jsonl"]);
    let nagios = ask(&["--for", "cef-mon", "--exit-codes", "nagios"]);
    assert_eq!(nagios.code, 3);
}

#[test]
fn no_clock_is_judged_against_itself() {
    let server = Serving::new("127.0.0.1:0", &[]);
    let address = server.address.to_string();
    clockfit(["check", &address]).refused(&[&address, "is this host itself"]);
    clockfit(["check", "[::1]:1"]).refused(&["is this host itself"]);
    clockfit(["check", "phc:eth0"]).refused(&["phc:eth0", "judged by NTP servers"]);
    // Where this host has none to offer itself.
    if !knows_servers() {
        clockfit(["check"]).refused(&["no server is named", "clockfit discover"]);
    }
    let own = Recorded::new(60, SEC, &[("127.0.0.1", 0)]);
    own.check(&[])
        .refused(&["127.0.0.1 shares this host's clock"]);
    let plugin = own.check(&["--exit-codes", "nagios"]);
    assert_eq!(plugin.code, 3, "UNKNOWN");
    let nothing = Recorded::new(0, SEC, &[("192.0.2.1", 0)]);
    nothing.check(&[]).refused(&["no server answered"]);
    clockfit(["check", "--replay", "/nowhere"]).refused(&["/nowhere"]);
    clockfit(["check", "--replay", "x", "192.0.2.1"]).refused(&["cannot be used with"]);
    clockfit(["check", "--replay", "x", "-d", "5s"]).refused(&["cannot be used with"]);
}

#[test]
fn several_reports_go_to_files_and_one_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let junit = format!("junit={}", place("a.xml"));
    let metrics = format!("prometheus={}", place("a.prom"));
    fs::write(place("a.xml"), "an older one that is longer than nothing").unwrap();
    let run = Recorded::minute(0);
    let args = [
        "--for",
        "ceph-mon",
        "-f",
        "nagios",
        "-f",
        &junit,
        "-f",
        &metrics,
        "-f",
        "json=/dev/null",
    ];
    let told = run.check(&args);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert!(
        told.stdout.starts_with("CLOCKFIT OK - FIT for ceph-mon"),
        "{}",
        told.stdout
    );
    assert!(
        fs::read_to_string(place("a.xml"))
            .unwrap()
            .starts_with("<?xml")
    );
    assert!(
        fs::read_to_string(place("a.prom"))
            .unwrap()
            .contains("clockfit_fit 1\n")
    );
    // Nothing is left of what was written on the way.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place("a.prom")).unwrap().permissions().mode();
        assert_eq!(mode & 0o444, 0o444, "others read it");
    }
    // All to files: standard output stays empty.
    let told = run.check(&["--for", "ceph-mon", "-f", &junit]);
    assert_eq!((told.code, told.stdout.as_str()), (0, ""));
    assert!(told.stderr.is_empty());
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_measured() {
    let ask = |args: &[&str], words: &[&str]| {
        let ended = clockfit(["check", "192.0.2.1"].iter().chain(args));
        assert!(ended.took.as_secs_f64() < 10.0, "{args:?}");
        ended.refused(words);
    };
    ask(
        &["-f", "junit=/nowhere/a.xml"],
        &["/nowhere/a.xml cannot be written"],
    );
    ask(&["-f", "junit=/"], &["cannot be written"]);
    ask(
        &["-f", "text", "-f", "json"],
        &["only one report goes to standard output"],
    );
    ask(
        &["-f", "junit=/tmp/x", "-f", "json=/tmp/x"],
        &["two reports cannot go to one file"],
    );
    ask(&["-f", "junit="], &["name of a file is missing"]);
    ask(&["-f", "yaml"], &["no format", "junit"]);
    // A slip of the pen is no critical state.
    for bad in [
        &["--exit-codes", "nagios", "--bogus"][..],
        &["--exit-codes=nagios"],
    ] {
        let ended = clockfit(["check"].iter().chain(bad));
        assert_eq!(ended.code, 3, "{bad:?}");
    }
    clockfit(["check", "--bogus"]).refused(&["--bogus"]);
    assert_eq!(clockfit(["check", "--help"]).code, 0);
    let plugin = clockfit([
        "check",
        "127.0.0.1",
        "-f",
        "nagios",
        "--exit-codes",
        "nagios",
    ]);
    assert_eq!(plugin.code, 3);
    assert!(
        plugin.stdout.starts_with("CLOCKFIT UNKNOWN - 127.0.0.1"),
        "{}",
        plugin.stdout
    );
}

#[test]
fn conditions_stand_beside_the_verdict() {
    let mut run = Recorded::minute(0);
    // What versions before did not record is nothing to tell.
    let before = run.check(&["--for", "ceph-mon"]).stdout;
    assert!(!before.contains("conditions"), "{before}");
    let text = fs::read_to_string(&run.path).unwrap();
    let lines: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(n, line)| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            if n == 0 {
                let host = &mut line["environment"];
                host["clocksource"] = json!("tsc");
                host["clocksources"] = json!(["tsc", "kvm-clock"]);
                host["virtualisation"] = json!("kvm");
                host["virtualisation_from"] = json!("/sys/class/dmi/id/product_name");
                host["machine"] = json!({"vendor": "Cloud", "product": "c.2", "cpu": "EPYC",
                    "processors": 2, "usable": 2, "quota": {"quota_ns": 150, "period_ns": 100},
                    "memory_bytes": 4_000_000_000_u64});
            }
            if line["k"] == "clk" {
                let at = line["m"].as_i64().unwrap() - 5 * SEC;
                line["steal_ns"] = json!(SEC + at / 25);
                line["processors"] = json!(2);
                line["run_delay_ns"] = json!(at / 1_000);
                line["load"] = json!({"busy_ns": at / 2, "idle_ns": at, "guest_ns": 0,
                    "waited_ns": at / 10, "average_hundredths": 205,
                    "throttled": {"periods": at / SEC, "total_ns": at / 100}});
            }
            line.to_string()
        })
        .collect();
    fs::write(&run.path, lines.join("\n") + "\n").unwrap();
    let told = run.check(&["--for", "ceph-mon"]);
    assert_eq!(told.code, 0, "evidence is no verdict\n{}", told.stdout);
    let block = "\nconditions\n\
                 \x20 machine       guest of kvm (by product_name), Cloud c.2, 2 CPUs, EPYC, limited\n\
                 \x20               to 1.50 CPUs by a control group, 3.7 GiB\n\
                 \x20 clocksource   tsc; may be changed to kvm-clock\n\
                 \x20 stolen        2.00 % of CPU time (1.97 % to 2.03 %, by the kernel's ticks)\n\
                 \x20 waiting       the measuring thread waited 60.00 ms of 60.00 s for a processor;\n\
                 \x20               some task waited 10.00 % of the time; processors worked 33.33 %\n\
                 \x20               of it; load average 2.05; a limit held it back in 60 periods,\n\
                 \x20               600.0 ms in all\n\
                 \x20 overcommit    hint: the hypervisor gave at least 1.97 % of this guest's\n\
                 \x20               processor time to others\n\n";
    assert!(told.stdout.contains(block), "{}", told.stdout);
    assert!(told.stdout.lines().all(|line| line.len() <= 80));
    let report = run.check(&["--for", "ceph-mon", "-f", "json"]).json();
    let found = &report["conditions"];
    assert_eq!(*found, report["measurement"]["conditions"]);
    assert_eq!(found["stolen"]["error_ns"], 30_000_000);
    assert_eq!(found["stolen"]["lower_ppm"], 19_750);
    assert_eq!(found["overcommit"], "hinted");
    assert_eq!(found["hints"][0]["code"], "stolen");
    // A report that was kept says the same, in all formats that people read.
    let kept = run.path.with_file_name("check.json");
    fs::write(&kept, report.to_string()).unwrap();
    for format in ["text", "markdown", "html"] {
        let again = clockfit(["report", kept.to_str().unwrap(), "-f", format]).stdout;
        // The page has pictures of the recording as well.
        let first = run.check(&["--for", "ceph-mon", "-f", format]).stdout;
        assert!(format == "html" || again == first, "{format}: {again}");
        let said = again.replace('\n', " ").replace("&#39;", "'");
        assert!(said.contains("2.00 % of CPU time"), "{format}: {again}");
    }
    run.path = kept;
    // One of a version that did not look is read, and says nothing of them.
    let mut old = report;
    old.as_object_mut().unwrap().remove("conditions");
    old["measurement"]
        .as_object_mut()
        .unwrap()
        .remove("conditions");
    fs::write(&run.path, old.to_string()).unwrap();
    let again = clockfit(["report", run.path.to_str().unwrap(), "-f", "text"]);
    assert!(!again.stdout.contains("conditions"), "{}", again.stdout);
    assert_eq!(again.code, 0);
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
#[test]
fn a_run_tells_its_conditions_and_so_does_its_recording() {
    let server = Serving::new("127.0.0.1:0", &[]);
    // It holds the replay to the same bytes.
    let run = crate::support::measure(&[&server.address.to_string(), "-n", "20", "-i", "50ms"]);
    let found = &run.report["conditions"];
    let machine = &found["machine"];
    let processors = machine["processors"].as_u64().unwrap();
    let usable = machine["usable"].as_u64().unwrap();
    assert!(1 <= usable && usable <= processors, "{machine}");
    assert!(machine["memory_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(found["busy_ppm"].as_u64().unwrap() <= 1_000_000, "{found}");
    assert!(found["run_delay_ns"].as_i64() <= found["run_delay_within_ns"].as_i64());
    assert_ne!(
        found["stolen"].is_null(),
        found["stolen_not_told"].is_null()
    );
    let text = fs::read_to_string(&run.recording).unwrap();
    let looks = text
        .lines()
        .filter(|line| line.contains("\"load\":{"))
        .count();
    assert_eq!(looks, 2, "at the start and at the end");
}
