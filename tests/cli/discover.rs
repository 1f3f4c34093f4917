//! `clockfit discover`, over trees of files.

use std::fs;

use crate::support::clockfit;

#[test]
fn this_host_is_told_whatever_it_has() {
    let text = clockfit(["discover"]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    assert!(text.stdout.starts_with("this host "), "{}", text.stdout);
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 80));
    let report = clockfit(["discover", "-f", "json"]).json();
    assert_eq!(report["schema"], "clockfit-discover/1");
    assert_eq!(report["root"], "/");
}

#[test]
fn an_image_is_looked_at_below_its_folder() {
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path().to_str().unwrap();
    fs::create_dir_all(tree.path().join("etc/openntpd")).unwrap();
    fs::write(
        tree.path().join("etc/openntpd/ntpd.conf"),
        "server ntp1.example.org\n",
    )
    .unwrap();
    let file = tree.path().join("report.json");
    let json = format!("json={}", file.display());
    let text = clockfit(["discover", "--root", root, "-f", "text", "-f", &json]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    assert!(
        text.stdout.contains("server ntp1.example.org"),
        "{}",
        text.stdout
    );
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["daemons"][0]["name"], "openntpd");
    assert_eq!(report["conclusion"], "no_daemon");
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    for (root, why) in [
        ("/nonexistent", "No such file"),
        ("/etc/passwd", "Not a directory"),
    ] {
        let ended = clockfit(["discover", "--root", root]);
        ended.refused(&["error:", root, why]);
    }
    clockfit(["discover", "-f", "hlog"]).refused(&["does not tell this", "text, json"]);
    clockfit(["discover", "-f", "json=/nonexistent/x"]).refused(&["/nonexistent"]);
}

#[test]
fn every_format_is_written_at_once_and_told_anew() {
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path().to_str().unwrap();
    let formats = [
        "text",
        "json",
        "html",
        "csv",
        "markdown",
        "junit",
        "nagios",
        "prometheus",
    ];
    let place = |format: &str| tree.path().join(format!("report.{format}"));
    let mut arguments = vec!["discover".to_owned(), "--root".to_owned(), root.to_owned()];
    for format in formats {
        arguments.push("-f".to_owned());
        arguments.push(format!("{format}={}", place(format).display()));
    }
    let told = clockfit(&arguments);
    assert_eq!(
        (told.code, told.stdout.as_str(), told.stderr.as_str()),
        (0, "", "")
    );
    let json = place("json");
    let json = json.to_str().unwrap();
    for format in formats {
        let anew = clockfit(["report", json, "-f", format]);
        assert_eq!((anew.code, anew.stderr.as_str()), (0, ""), "{format}");
        assert_eq!(anew.stdout, fs::read_to_string(place(format)).unwrap());
    }
    for format in ["csv-quantiles", "hlog"] {
        clockfit(["report", json, "-f", format]).refused(&[format, "discover"]);
    }
    clockfit(["report", json, "--window", "1m"]).refused(&["--window"]);
    clockfit(["quorum", json, json, "--for", "etcd"]).refused(&["discover", json]);
    let other = place("other");
    fs::copy(json, &other).unwrap();
    clockfit(["compare", json, "--", other.to_str().unwrap()]).refused(&["discover", json]);
}

/// An empty system starts nothing that keeps its clock.
#[test]
fn a_plugin_tells_by_its_line_and_its_exit_code() {
    let tree = tempfile::tempdir().unwrap();
    let root = tree.path().to_str().unwrap();
    let told = clockfit(["discover", "--root", root, "-f", "nagios"]);
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    assert!(
        told.stdout.starts_with("CLOCKFIT CRITICAL - "),
        "{}",
        told.stdout
    );
    let plugin = ["--exit-codes", "nagios", "-f", "nagios"];
    let with = |root| clockfit([&["discover", "--root", root], &plugin[..]].concat());
    let again = with(root);
    assert_eq!((again.code, again.stdout), (2, told.stdout));
    let lost = with("/nonexistent");
    assert_eq!(lost.code, 3);
    assert!(
        lost.stdout.starts_with("CLOCKFIT UNKNOWN - "),
        "{}",
        lost.stdout
    );
    assert!(lost.stderr.contains("No such file"), "{}", lost.stderr);
}

#[test]
fn asking_is_for_this_host_and_over_interfaces_that_there_are() {
    clockfit(["discover", "--probe-dhcp", "--root", "/"]).refused(&["--root", "--probe-dhcp"]);
    clockfit(["discover", "--probe-metadata", "--root", "/"])
        .refused(&["--root", "--probe-metadata"]);
    clockfit(["discover", "--interface", "lo"]).refused(&["--probe-dhcp"]);
    let unknown = clockfit(["discover", "--probe-dhcp", "--interface", "no-such-if"]);
    unknown.refused(&["no interface no-such-if", "there are:", "lo"]);
    // Over loopback there is nobody: nothing is sent, whoever runs this.
    let lo = clockfit([
        "discover",
        "--probe-dhcp",
        "--interface",
        "lo",
        "-f",
        "json",
    ])
    .json();
    let findings = lo["findings"].as_array().unwrap();
    let said = |of: &serde_json::Value| of["code"] == "probe_failed";
    assert!(findings.iter().any(said), "{findings:?}");
}
