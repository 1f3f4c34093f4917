//! The embedded server: as the default of `measure`, and by itself.

use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use clockfit::net::clock;
use clockfit::time::{TimeDelta, Timestamp};
use clockfit::wire::{Header, Packet, Rounding};
use serde_json::Value;

use crate::support::{Serving, clockfit, knows_servers, measure, number};

#[test]
fn without_a_source_it_measures_its_own_server_and_says_so_first() {
    // Where this host has none to offer itself; `scripts/tests/survey.sh` shows the other.
    if knows_servers() {
        return;
    }
    let text = clockfit(["measure", "-d", "300ms", "-i", "10ms"]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    let first = text.stdout.lines().next().unwrap();
    assert!(first.contains("No source was given"), "{first}");
    assert!(text.stdout.lines().all(|l| l.chars().count() <= 80));

    let run = measure(&["-d", "300ms", "-i", "10ms"]);
    assert_eq!(run.ended.code, 0);
    assert_eq!(run.source()["kind"], "embedded");
    assert!(run.number("/bound_ns/lower") <= 0 && 0 <= run.number("/bound_ns/upper"));
}

#[test]
fn it_lies_by_exactly_what_it_says() {
    for (args, truth) in [
        (&["--offset", "50ms"][..], 50_000_000),
        (&["--offset", "-3h"], -3 * 3_600_000_000_000),
    ] {
        let server = Serving::new("127.0.0.1:0", args);
        let run = measure(&[&server.address.to_string(), "-n", "20", "-i", "10ms"]);
        let (lower, upper) = (run.number("/bound_ns/lower"), run.number("/bound_ns/upper"));
        assert!(lower <= truth && truth <= upper, "{lower} {truth} {upper}");
        assert!(upper - lower < 20_000_000, "{lower} {upper}");
        assert!(server.end().contains("LIES"));
    }
}

#[test]
fn it_drifts_by_exactly_what_it_says() {
    // 0.1 %. With much more a reply that it kept for long seems to have come before its request.
    let gained = |since: Timestamp, until: Timestamp| until.since(since).as_nanos() / 1_000;
    let before = clock::wall();
    let server = Serving::new("127.0.0.1:0", &["--drift", "1000"]);
    let after = clock::wall();
    clock::sleep(TimeDelta::from_secs(2));
    let run = measure(&[&server.address.to_string(), "-n", "20", "-i", "20ms"]);
    assert_eq!(run.ended.code, 0);
    assert!(server.end().contains("LIES"));
    let recording = fs::read_to_string(&run.recording).unwrap();
    let mut proven = 0;
    for line in recording.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["k"] != "x" {
            continue;
        }
        let t1 = line["t1"].as_str().unwrap().replace('.', "").parse();
        let t1 = Timestamp::from_nanos(t1.unwrap());
        let (upper, lower) = (number(&line, "/u"), number(&line, "/l"));
        // It began between the two readings; 1 ns for each of its stamps and of ours.
        assert!(upper + 4 >= gained(after, t1), "{line}");
        let t4 = t1 + TimeDelta::from_nanos(upper + number(&line, "/r") - lower);
        assert!(lower - 4 <= gained(before, t4), "{line}");
        proven += i32::from(lower > 1_000_000);
    }
    assert!(proven > 0, "nothing shows a drift of 2 ms: {recording}");
}

#[test]
fn an_honest_one_does_not_claim_to_lie() {
    let server = Serving::new("127.0.0.1:0", &["--stratum", "3"]);
    let run = measure(&[&server.address.to_string(), "-n", "3", "-i", "10ms"]);
    assert_eq!(run.source()["server"]["stratum"], 3);
    let said = server.end();
    assert!(!said.contains("LIES"), "{said}");
    assert!(said.contains("answered 3, refused 0"), "{said}");
}

fn ask(socket: &UdpSocket, bytes: &[u8]) -> Option<usize> {
    socket.send(bytes).unwrap();
    socket.recv(&mut [0; 4096]).ok()
}

#[test]
fn it_answers_clients_only_and_never_with_more_than_it_was_sent() {
    let server = Serving::new("127.0.0.1:0", &[]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let request = Header::client_request(7).to_bytes();
    for mode in [0, 1, 2, 4, 5, 6, 7] {
        let mut other = request;
        other[0] = other[0] & !7 | mode;
        assert_eq!(ask(&socket, &other), None, "mode {mode}");
    }
    assert_eq!(ask(&socket, &request[..47]), None);
    assert_eq!(ask(&socket, &[]), None);
    // A long wait is right for what must be answered, on whatever machine.
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    assert_eq!(ask(&socket, &request), Some(48));
    let mut long = request.to_vec();
    long.extend([0x02, 0x04, 0x02, 0x00]);
    long.resize(48 + 512, 0);
    assert_eq!(ask(&socket, &long), Some(48));
    let said = server.end();
    assert!(said.contains("answered 2, refused 9"), "{said}");
}

#[test]
fn a_wildcard_answers_from_the_address_it_was_asked_at() {
    for (listen, asked) in [
        ("0.0.0.0:0", "127.9.8.7:0"),
        ("[::]:0", "[::1]:0"),
        ("[::]:0", "127.0.0.1:0"),
    ] {
        let server = Serving::new(listen, &[]);
        let mut address: SocketAddr = asked.parse().unwrap();
        address.set_port(server.address.port());
        // The socket of a measurement is connected: it hears nobody else.
        let run = measure(&[&address.to_string(), "-n", "3", "-i", "10ms"]);
        assert_eq!((run.ended.code, run.count("/valid")), (0, 3), "{listen}");
    }
}

/// Asks a server on loopback as an interleaved client does: each reply is followed by the next
/// request. Gives the replies, and when each had come.
fn converse(server: SocketAddr, count: u64) -> Vec<(Header, Timestamp)> {
    let any: SocketAddr = if server.is_ipv4() {
        "127.0.0.1:0".parse().unwrap()
    } else {
        "[::1]:0".parse().unwrap()
    };
    let socket = UdpSocket::bind(any).unwrap();
    socket.connect(server).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut request = Header::client_request(1 << 32);
    (0..count)
        .map(|n| {
            socket.send(&request.to_bytes()).unwrap();
            let mut bytes = [0; 64];
            let length = socket.recv(&mut bytes).unwrap();
            let come = clock::wall();
            let reply = Packet::parse(&bytes[..length]).unwrap().header;
            let interleaved = reply.origin == request.receive;
            assert!(interleaved || reply.origin == request.transmit);
            request = Header::interleaved_request((n + 2) << 32, reply.receive);
            (reply, come)
        })
        .collect()
}

#[test]
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
fn an_interleaved_client_is_told_when_the_reply_before_really_left() {
    for (listen, asked) in [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("[::]:0", "[::1]:0"),
        ("[::]:0", "127.0.0.1:0"),
    ] {
        let server = Serving::new(listen, &[]);
        let mut address: SocketAddr = asked.parse().unwrap();
        address.set_port(server.address.port());
        let replies = converse(address, 200);
        let mut interleaved = 0;
        for (n, pair) in replies.windows(2).enumerate() {
            let [(before, come), (reply, _)] = pair else {
                panic!("two by two")
            };
            // The transmit fields of the requests are even, their complements odd.
            if reply.origin.0 % 2 == 0 {
                continue;
            }
            interleaved += 1;
            let t3 = reply.transmit.to_timestamp(*come, Rounding::Down).unwrap();
            let read = before.transmit.to_timestamp(*come, Rounding::Down).unwrap();
            let t2 = before.receive.to_timestamp(*come, Rounding::Up).unwrap();
            // What it carried itself was read before it was sent, or belonged to one before it.
            assert!(read < t3, "{listen}: reply {n}");
            assert!(t2 < t3 && t3 <= *come, "{listen}: reply {n}");
        }
        // The others came before the stamp they would have told.
        assert!(interleaved > 100, "{listen}: {interleaved}");
        let said = server.end();
        let counted = format!("; {interleaved} answers were interleaved");
        assert!(said.contains(&counted), "{said}");
    }
}

/// User space alone has no transmit stamp to tell.
#[test]
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
fn without_kernel_stamps_every_answer_is_basic() {
    let server = Serving::new("127.0.0.1:0", &[]);
    for (n, (reply, _)) in converse(server.address, 20).iter().enumerate() {
        assert_eq!(reply.origin.0, (n as u64 + 1) << 32);
    }
    let said = server.end();
    assert!(said.contains("; 0 answers were interleaved"), "{said}");
}

#[test]
fn an_address_in_use_is_said() {
    let server = Serving::new("127.0.0.1:0", &[]);
    let address = server.address.to_string();
    clockfit(["serve", "--listen", &address]).refused(&["cannot listen", &address, "in use"]);
}
