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
    clockfit(["discover", "-f", "junit"]).refused(&["does not tell this", "text, json"]);
    clockfit(["discover", "-f", "json=/nonexistent/x"]).refused(&["/nonexistent"]);
}
