//! Whether a server offers Network Time Security: one key establishment (RFC 8915 section 4), whose keys nobody uses.

use std::net::{IpAddr, SocketAddr};

use crate::net::tls::{self, NoAnswer, Question};
use crate::sample::Nts;
use crate::time::TimeDelta;
use crate::wire::{NTS_PORT, NTS_PROTOCOL, NtsAgreement, nts_request};

/// How long it may take in all.
const PATIENCE: TimeDelta = TimeDelta::from_secs(4);
/// Where keys are good for if nothing is said (RFC 8915 section 4.1.8).
const NTP_PORT: u16 = 123;

/// Asks one server, at the address of its NTP.
pub(super) fn ask(server: SocketAddr, name: &str, interface: Option<&str>) -> Nts {
    let mut to = server;
    to.set_port(NTS_PORT);
    ask_at(to, PATIENCE, server, name, interface)
}

fn ask_at(
    to: SocketAddr,
    patience: TimeDelta,
    server: SocketAddr,
    name: &str,
    interface: Option<&str>,
) -> Nts {
    let question = Question {
        to,
        name,
        interface,
        protocol: NTS_PROTOCOL,
        bytes: &nts_request(),
    };
    let why = match tls::ask(&question, patience, |answer, has_ended| {
        NtsAgreement::read(answer, has_ended).transpose()
    }) {
        Ok(Ok(agreed)) => match elsewhere(&agreed, server, name) {
            None => return Nts::Offered,
            Some(place) => format!("its keys are for {place}, which is not what was asked for"),
        },
        Ok(Err(refusal)) => refusal.to_string(),
        Err(no_answer) => said(no_answer, to.port(), patience),
    };
    Nts::NotOffered(why)
}

/// Where keys are good for, if that is somewhere else. No other name is looked up on the word of a server.
fn elsewhere(agreed: &NtsAgreement, server: SocketAddr, name: &str) -> Option<String> {
    let port = agreed.port.unwrap_or(NTP_PORT);
    let is_here = agreed.server.as_deref().is_none_or(|told| {
        let is_name = bare(told).eq_ignore_ascii_case(bare(name));
        is_name || told.parse::<IpAddr>() == Ok(server.ip())
    });
    let place = match (&agreed.server, is_here) {
        (Some(told), false) => told.clone(),
        _ if port == server.port() => return None,
        _ => "it".to_owned(),
    };
    Some(format!("port {port} of {place}"))
}

/// A name without the dot of the root.
fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn said(no_answer: NoAnswer, port: u16, patience: TimeDelta) -> String {
    let seconds = patience.as_nanos() / 1_000_000_000;
    match no_answer {
        NoAnswer::Refused => format!("nothing listens at TCP port {port}"),
        NoAnswer::Unreachable => {
            format!("no connection to TCP port {port} within {seconds} s")
        }
        NoAnswer::Late => format!("no whole answer at TCP port {port} within {seconds} s"),
        NoAnswer::Closed => format!("it closes the connection to TCP port {port}"),
        NoAnswer::NoTls => format!("it does not speak TLS at TCP port {port}"),
        NoAnswer::OldTls => format!("it does not speak TLS 1.3 at TCP port {port}"),
        NoAnswer::OtherProtocol => "it speaks TLS, and not ntske/1".to_owned(),
        NoAnswer::TooLong => format!("it answers with more than {} bytes", tls::MOST),
        NoAnswer::Tls(error) => format!("TLS: {error}"),
        NoAnswer::Network(error) => format!("TCP port {port}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::net::tls::testing::{serve, serve_plain};

    const ASKED: &str = "192.0.2.1:123";
    const GOOD: &[u8] = b"\x80\x01\0\x02\0\0\0\x04\0\x02\0\x0f\0\x05\0\x04abcd";
    const END: &[u8] = b"\x80\0\0\0";

    /// Of a server of NTP at `asked`, whose keys are asked for at `to`.
    fn told(to: SocketAddr, asked: &str) -> Nts {
        let patience = TimeDelta::from_secs(20);
        ask_at(to, patience, asked.parse().unwrap(), "ntp.example", None)
    }

    /// What is made of these records.
    fn of_records(records: &[&[u8]], asked: &str) -> Nts {
        let answer = records.concat();
        let to = serve(&[NTS_PROTOCOL], move |stream| {
            let mut request = [0; 16];
            stream.read_exact(&mut request).unwrap();
            assert_eq!(request.to_vec(), nts_request());
            // It may have been ended after a part of it.
            let _ = stream.write_all(&answer);
        });
        told(to, asked)
    }

    fn not_offered(why: &str) -> Nts {
        Nts::NotOffered(why.to_owned())
    }

    #[test]
    fn keys_for_who_was_asked() {
        assert_eq!(of_records(&[GOOD, END], ASKED), Nts::Offered);
        let there: [(&[u8], &str); 3] = [
            (b"\0\x06\0\x0cNTP.example.", ASKED),
            (b"\0\x06\0\x09192.0.2.1\0\x07\0\x02\0\x7b", ASKED),
            (b"\0\x07\0\x02\x04\x57", "192.0.2.1:1111"),
        ];
        for (place, asked) in there {
            assert_eq!(of_records(&[GOOD, place, END], asked), Nts::Offered);
        }
    }

    #[test]
    fn keys_for_somebody_else() {
        let elsewhere: [(&[u8], &str, &str); 4] = [
            (b"\0\x06\0\x01x", ASKED, "port 123 of x"),
            (b"\0\x06\0\x09192.0.2.2", ASKED, "port 123 of 192.0.2.2"),
            (b"\0\x07\0\x02\x04\x57", ASKED, "port 1111 of it"),
            (b"", "192.0.2.1:1111", "port 123 of it"),
        ];
        for (place, asked, expected) in elsewhere {
            let why = format!("its keys are for {expected}, which is not what was asked for");
            assert_eq!(of_records(&[GOOD, place, END], asked), not_offered(&why));
        }
    }

    #[test]
    fn records_that_are_no_agreement() {
        assert_eq!(
            of_records(&[b"\x80\x02\0\x02\0\x01", END], ASKED),
            not_offered("error record 1: it calls the request bad")
        );
        assert_eq!(
            of_records(&[GOOD], ASKED),
            not_offered("its records end before the record that ends them")
        );
        assert_eq!(
            of_records(&[b"<!DOCTYPE html>"], ASKED),
            not_offered("its records end before the record that ends them")
        );
        let cookies = [b"\0\x05\xff\xf0", &[1; 0xfff0][..]].concat();
        assert_eq!(
            of_records(&[cookies.as_slice(); 16], ASKED),
            not_offered("it answers with more than 65536 bytes")
        );
    }

    #[test]
    fn what_is_no_key_establishment() {
        let to = serve(&[b"h2", b"http/1.1"], |_| {});
        assert_eq!(
            told(to, ASKED),
            not_offered("it speaks TLS, and not ntske/1")
        );
        let to = serve_plain(drop);
        let port = to.port();
        let why = format!("it closes the connection to TCP port {port}");
        assert_eq!(told(to, ASKED), not_offered(&why));
        let why = format!("nothing listens at TCP port {port}");
        assert_eq!(told(to, ASKED), not_offered(&why));

        let to = serve_plain(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
        let why = format!("no whole answer at TCP port {} within 1 s", to.port());
        let asked = ASKED.parse().unwrap();
        let said = ask_at(to, TimeDelta::from_secs(1), asked, "192.0.2.1", None);
        assert_eq!(said, not_offered(&why));
    }
}
