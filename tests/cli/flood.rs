//! A flood of answers that nobody asked for.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use clockfit::net::clock;
use clockfit::time::TimeDelta;

use crate::support::{CLOCKFIT, Ended, Fake, adds_up, analyse};

/// Forged answers sent during one run.
const FLOOD: usize = 100_000;
/// Sent in one go. A socket's default receive buffer holds some 250.
const SURGE: usize = 100;
/// A run of some hundred exchanges needs a tenth of that, whatever arrives.
const MEMORY_KB: u64 = 64 * 1024;

#[test]
fn a_flood_costs_neither_memory_nor_disk_nor_the_good_answers() {
    let fake = Fake::new(|asked| {
        if asked.number == 0 {
            let socket = asked.socket.try_clone().unwrap();
            let (mut forged, to) = (asked.honest, asked.from);
            thread::spawn(move || {
                for n in 0..FLOOD {
                    forged.origin.0 = forged.origin.0.wrapping_mul(6_364_136_223_846_793_005) | 1;
                    let _ = socket.send_to(&forged.to_bytes(), to);
                    if n % SURGE == 0 {
                        clock::sleep(TimeDelta::from_millis(2));
                    }
                }
            });
        }
        asked.answer(|_| {});
    });
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("run.jsonl");
    let mut child = Command::new(CLOCKFIT)
        .args([
            "measure",
            &fake.name(),
            "-d",
            "4s",
            "-i",
            "20ms",
            "-f",
            "json",
            "-o",
        ])
        .arg(&recording)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let start = clock::counter();
    while child.try_wait().unwrap().is_none() {
        if let Some(kb) = resident_peak(child.id()) {
            peak = kb;
        }
        assert!(clock::counter().since(start) < TimeDelta::from_secs(60));
        clock::sleep(Duration::from_millis(20).into());
    }
    let took = clock::counter().since(start);
    let output = child.wait_with_output().unwrap();
    let ended = Ended::new(output.status.code(), output.stdout, output.stderr, took);
    assert_eq!(ended.code, 0);
    let report = ended.json();
    adds_up(&report);
    assert_eq!(analyse(&recording, "json").stdout, ended.stdout);

    let source = &report["sources"][0];
    let n = |pointer: &str| source.pointer(pointer).unwrap().as_u64().unwrap();
    assert!(n("/rejected/bogus_origin") >= 10_000, "{source}");
    // Some are lost to a full receive buffer; the flood lasts 2 of the 4 seconds.
    assert!(n("/valid") * 2 >= n("/sent"), "{source}");
    assert!(n("/valid") >= 50, "{source}");
    assert!(peak > 0 && peak < MEMORY_KB, "{peak} kB");
    let size = fs::metadata(&recording).unwrap().len();
    assert!(size < 200_000, "{size} bytes");
}

/// The most memory a process has had resident, in kB.
fn resident_peak(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
