//! Many servers and few descriptors; who stamps; both address families.

use std::net::UdpSocket;

use crate::support::{Fake, Serving, clockfit, measure, shell};

#[test]
fn too_few_descriptors_are_said_before_the_first_packet() {
    let watch = UdpSocket::bind("127.1.0.1:0").unwrap();
    watch.set_nonblocking(true).unwrap();
    let port = watch.local_addr().unwrap().port();
    let ended = shell(&format!(
        "ulimit -n 256; exec \"$CLOCKFIT\" measure \
         $(for a in 0 1 2 3; do seq -f \"127.1.$a.%g:{port}\" 1 250; done) -n 1 -i 10ms"
    ));
    ended.refused(&["error: 1032 file descriptors", "256", "ulimit -n 1032"]);
    assert_eq!(ended.stdout, "");
    assert!(watch.recv(&mut [0; 100]).is_err(), "a packet was sent");
}

#[test]
fn a_soft_limit_is_raised() {
    let server = Serving::new("0.0.0.0:0", &[]);
    let port = server.address.port();
    let ended = shell(&format!(
        "ulimit -S -n 256; exec \"$CLOCKFIT\" measure \
         $(for a in 0 1; do seq -f \"127.1.$a.%g:{port}\" 1 200; done) -n 2 -i 200ms -f json"
    ));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let report = ended.json();
    crate::support::adds_up(&report);
    let sources = report["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 400);
    // A busy machine may drop packets; a server that got no descriptor would have none at all.
    assert!(sources.iter().all(|s| s["valid"].as_u64() > Some(0)));
}

#[test]
fn who_stamps_is_chosen_and_told() {
    let fake = Fake::honest();
    for (chosen, seen) in [("user", "user"), ("kernel", "kernel"), ("auto", "kernel")] {
        let run = measure(&[
            &fake.name(),
            "-n",
            "20",
            "-i",
            "5ms",
            "--timestamps",
            chosen,
        ]);
        assert_eq!(run.ended.code, 0);
        assert_eq!(run.source()["class"]["stamps"], seen);
        assert_eq!(run.source()["class"]["mode"], "basic");
        for end in ["tx", "rx"] {
            assert_eq!(run.count(&format!("/stamps/{end}/{seen}")), 20, "{chosen}");
        }
    }
}

#[test]
fn the_cross_check_stands_beside_it() {
    let fake = Fake::honest();
    let run = measure(&[&fake.name(), "-n", "10", "-i", "50ms", "--cross-check"]);
    assert_eq!((run.ended.code, run.count("/valid")), (0, 10));
    let check = &run.source()["cross_check"];
    assert!(check["by"].as_str().unwrap().contains("rsntp"), "{check}");
    assert!(check["offset_ns"]["n"].as_u64() >= Some(1), "{check}");
    assert_eq!(check["consistent"], true, "{check}");
}

#[test]
fn a_cross_check_of_a_silent_server_neither_hangs_nor_hides() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let name = silent.local_addr().unwrap().to_string();
    let run = measure(&[
        &name,
        "-n",
        "2",
        "-i",
        "10ms",
        "-t",
        "200ms",
        "--cross-check",
    ]);
    run.ended.refused(&["error: nothing was measured"]);
    assert!(
        run.warns("cross_check_failed"),
        "{}",
        run.report["warnings"]
    );
}

#[test]
fn ipv6_and_its_zones_are_kept_as_asked() {
    let fake = Fake::at("[::1]:0", |asked| asked.answer(|_| {}));
    let port = fake.address.port();
    for (asked, address) in [
        (format!("[::1]:{port}"), "::1"),
        (format!("[::1%lo]:{port}"), "::1%lo"),
        (format!("ntp://[::1%25lo]:{port}"), "::1%lo"),
        (format!("[::1%1]:{port}"), "::1%1"),
    ] {
        let run = measure(&[&asked, "-n", "3", "-i", "10ms"]);
        assert_eq!((run.ended.code, run.count("/valid")), (0, 3), "{asked}");
        assert_eq!(run.source()["source"], *asked);
        assert_eq!(run.source()["address"], address);
        assert_eq!(run.source()["port"], port);
    }
    clockfit(["measure", "-4", &fake.name(), "-n", "1"]).refused(&["error:", "other family"]);
}
