//! Servers that are not there, or do not answer.

use std::net::UdpSocket;

use clockfit::time::TimeDelta;

use crate::support::{Fake, clockfit, measure};

/// A name that never resolves (RFC 6761 section 6.4).
const NOWHERE: &str = "no-such-host.invalid";

/// A port nobody listens at. The address is one that no other test binds: a port that was free a
/// moment ago may be handed out again.
fn closed_port() -> String {
    let socket = UdpSocket::bind("127.77.0.1:0").unwrap();
    socket.local_addr().unwrap().to_string()
}

#[test]
fn an_unknown_host_alone_cannot_be_measured() {
    clockfit(["measure", NOWHERE, "-n", "1"]).refused(&["error:", NOWHERE, "nothing to measure"]);
}

#[test]
fn an_unknown_host_beside_a_good_one_is_a_warning() {
    let fake = Fake::honest();
    let run = measure(&[NOWHERE, &fake.name(), "-n", "3", "-i", "10ms"]);
    assert_eq!((run.ended.code, run.count("/valid")), (0, 3));
    assert!(run.warns("unresolved"));
    assert!(run.ended.stderr.contains(NOWHERE), "{}", run.ended.stderr);
}

#[test]
fn a_closed_port_is_said_at_once_and_given_up() {
    for stamps in ["kernel", "user"] {
        let closed = closed_port();
        let run = measure(&[
            &closed,
            "-n",
            "50",
            "-i",
            "50ms",
            "-t",
            "20s",
            "--timestamps",
            stamps,
        ]);
        run.ended
            .refused(&["error: nothing was measured", "every request was refused"]);
        run.ended.refused(&[&closed, "refused"]);
        assert!(run.ended.took < TimeDelta::from_secs(10), "{:?}", run.ended);
        assert!(
            run.count("/lost_by/refused") >= 3,
            "{stamps}: {}",
            run.source()
        );
        assert_eq!(run.count("/sent"), run.count("/lost"));
        assert!(run.warns("unreachable") && run.warns("given_up"));
    }
}

#[test]
fn a_closed_port_beside_a_good_one_leaves_it_alone() {
    let fake = Fake::honest();
    let run = measure(&[&closed_port(), &fake.name(), "-n", "10", "-i", "20ms"]);
    assert_eq!(run.ended.code, 0);
    assert_eq!(run.report["sources"][0]["valid"], 0);
    assert_eq!(run.report["sources"][1]["valid"], 10);
}

#[test]
fn a_silent_server_is_waited_for_as_long_as_said() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let name = silent.local_addr().unwrap().to_string();
    let run = measure(&[&name, "-n", "3", "-i", "10ms", "-t", "200ms"]);
    run.ended
        .refused(&["error: nothing was measured", "no source answered"]);
    assert_eq!((run.count("/sent"), run.count("/lost_by/timeout")), (3, 3));
    assert!(run.ended.took < TimeDelta::from_secs(10), "{:?}", run.ended);
}

#[test]
fn a_server_that_falls_silent_keeps_what_it_gave() {
    let fake = Fake::new(|asked| {
        if asked.number < 10 {
            asked.answer(|_| {});
        }
    });
    let run = measure(&[&fake.name(), "-n", "20", "-i", "10ms", "-t", "200ms"]);
    assert_eq!((run.ended.code, run.count("/valid")), (0, 10));
    assert_eq!(run.count("/lost"), 10);
    assert!(run.warns("lost"));
}

#[test]
fn an_interface_that_is_not_there_is_said() {
    let fake = Fake::honest();
    clockfit([
        "measure",
        &fake.name(),
        "-n",
        "3",
        "-i",
        "10ms",
        "-I",
        "nosuchif0",
    ])
    .refused(&["nosuchif0"]);
    assert_eq!(fake.asked(), 0);
}
