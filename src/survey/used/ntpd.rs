//! ntpd and ntpsec, asked over loopback by control messages (mode 6, RFC 9327), as ntpq asks them: everyone may, unless
//! their settings say `noquery`.

use std::io::ErrorKind;

use super::super::configured::DaemonName;
use super::super::evidence::Evidence;
use super::{Selection, Used};
use crate::net::clock;
use crate::net::local::Asked;
use crate::time::{Monotonic, TimeDelta};
use crate::wire::{
    ControlAnswer, ControlAnswers, ControlError, ControlOpcode, ControlRequest, ControlSelection,
    control_associations, control_variable,
};

const PORT: u16 = 123;
/// For one answer: over loopback it takes less than a millisecond.
const PATIENCE: TimeDelta = TimeDelta::from_secs(1);
/// For all of them.
const PATIENCE_IN_ALL: TimeDelta = TimeDelta::from_secs(5);
/// Servers that are asked for.
const MOST: usize = 200;
/// What is told of a server beside its address.
const TOLD: [&str; 7] = [
    "stratum", "refid", "reach", "hmode", "offset", "delay", "rootdisp",
];
/// Addresses of this network are clocks: 127.127, then the driver and the unit.
const CLOCKS: &str = "127.127.";
const COMMAND: &str = "control messages (mode 6)";

/// What it says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Which of those that call themselves ntpd it is, by its version.
    pub(super) daemon: Option<DaemonName>,
    pub(super) servers: Vec<Used>,
}

/// Why it says nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nobody listens, or answers: it may be another program of that name.
    NoAnswer,
    /// There is an answer, and it is none.
    Broken(String),
}

pub(super) fn ask() -> Result<Told, Silence> {
    for is_v6 in [false, true] {
        match ask_at(PORT, is_v6) {
            Err(Silence::NoAnswer) => {}
            told => return told,
        }
    }
    Err(Silence::NoAnswer)
}

fn ask_at(port: u16, is_v6: bool) -> Result<Told, Silence> {
    let until = clock::counter() + PATIENCE_IN_ALL;
    let asked = Asked::over_loopback(port, is_v6).map_err(|_| Silence::NoAnswer)?;
    let mut conversation = Conversation {
        asked,
        until,
        sequence: 0,
    };
    let system = conversation.ask(ControlOpcode::ReadVariables, 0)?;
    let version = control_variable(&system.data, "version").unwrap_or_default();
    let daemon = daemon(version);
    let all = conversation.ask(ControlOpcode::ReadStatus, 0)?;
    let mut servers = Vec::new();
    for (association, _) in control_associations(&all.data).take(MOST) {
        match conversation.ask(ControlOpcode::ReadVariables, association) {
            Ok(of) => servers.extend(server(association, &of)),
            // It may be gone by now.
            Err(Silence::Broken(_)) => {}
            Err(Silence::NoAnswer) => {
                return Err(Silence::Broken("it stopped answering".to_owned()));
            }
        }
    }
    Ok(Told { daemon, servers })
}

/// Questions, one after the other.
struct Conversation {
    asked: Asked,
    until: Monotonic,
    sequence: u16,
}

impl Conversation {
    fn ask(&mut self, opcode: ControlOpcode, association: u16) -> Result<ControlAnswer, Silence> {
        self.sequence += 1;
        let request = ControlRequest {
            opcode,
            sequence: self.sequence,
            association,
        };
        let mut answers = ControlAnswers::to(request);
        let take = |datagram: &[u8]| -> Option<Result<ControlAnswer, ControlError>> {
            answers.take(datagram).transpose()
        };
        let left = self.until.since(clock::counter()).min(PATIENCE);
        match self.asked.ask(&request.to_bytes(), left, take) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Silence::Broken(error.to_string())),
            Err(error) => match error.kind() {
                ErrorKind::TimedOut | ErrorKind::ConnectionRefused => Err(Silence::NoAnswer),
                _ => Err(Silence::Broken(error.to_string())),
            },
        }
    }
}

/// By its version: `ntpd ntpsec-1.2.2`, `ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)`.
fn daemon(version: &str) -> Option<DaemonName> {
    let rest = version.strip_prefix("ntpd ")?;
    match rest.starts_with("ntpsec") {
        true => Some(DaemonName::Ntpsec),
        false => Some(DaemonName::Ntpd),
    }
}

/// A server in the answer on its association; a pool's, before it stands for one, has no address.
fn server(association: u16, of: &ControlAnswer) -> Option<Used> {
    let variable = |name| control_variable(&of.data, name);
    let address = variable("srcadr").filter(|of| !matches!(*of, "" | "0.0.0.0" | "::"))?;
    let is_clock = address.starts_with(CLOCKS);
    let name = variable("srchost").filter(|of| !of.is_empty());
    // Names of clocks say more than their numbers: GPS_NMEA(0).
    let server = name.filter(|_| is_clock).unwrap_or(address);
    let selection = ControlSelection::of_status(of.status);
    let told = TOLD.iter().filter_map(|name| {
        let value = variable(name)?;
        Some(format!(", {name} {value}"))
    });
    let told: String = told.collect();
    Some(Used {
        server: server.to_owned(),
        name: name
            .filter(|name| !is_clock && *name != address)
            .map(str::to_owned),
        is_clock,
        selection: selection_of(selection),
        evidence: Evidence::file(
            COMMAND,
            &format!("association {association}: {}{told}", selection.name()),
        ),
    })
}

/// What that is in words that all daemons share.
fn selection_of(of: ControlSelection) -> Selection {
    use ControlSelection as C;
    match of {
        C::SystemPeer | C::PulsePeer | C::Candidate => Selection::Used,
        C::Backup | C::Excess | C::Outlier => Selection::Candidate,
        C::Falseticker => Selection::Rejected,
        C::Reject => Selection::Unusable,
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};
    use std::thread;

    use super::*;

    /// An answer in datagrams of this size, as ntpd makes them.
    fn answer(request: &[u8], status: u16, data: &[u8], size: usize) -> Vec<Vec<u8>> {
        let count = data.chunks(size).count().max(1);
        let piece = |n: usize| {
            let data = data.chunks(size).nth(n).unwrap_or_default();
            let more = if n + 1 < count { 0x20 } else { 0 };
            let mut bytes = vec![0x16, 0x80 | more | request[1], request[2], request[3]];
            bytes.extend(status.to_be_bytes());
            bytes.extend(&request[6..8]);
            bytes.extend(u16::try_from(n * size).unwrap().to_be_bytes());
            bytes.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            bytes.extend(data);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        };
        (0..count).map(piece).collect()
    }

    /// Serves this many requests as an ntpd that has these associations: status and variables of each.
    fn ntpd(version: &str, associations: Vec<(u16, &'static str)>) -> u16 {
        let version = format!("version=\"{version}\", processor=\"x86_64\", stratum=3\r\n");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        thread::spawn(move || {
            let mut request = [0; 64];
            for _ in 0..associations.len() + 2 {
                let (_, from) = socket.recv_from(&mut request).unwrap();
                let number = usize::from(u16::from_be_bytes([request[6], request[7]]));
                let mut list = Vec::new();
                for (number, (status, _)) in (1_u16..).zip(&associations) {
                    list.extend(number.to_be_bytes());
                    list.extend(status.to_be_bytes());
                }
                let (status, data) = match (request[1], number) {
                    (1, 0) => (0x0614, list.as_slice()),
                    (_, 0) => (0x0614, version.as_bytes()),
                    (_, n) => (associations[n - 1].0, associations[n - 1].1.as_bytes()),
                };
                for piece in answer(&request, status, data, 40).iter().rev() {
                    socket.send_to(piece, from).unwrap();
                }
            }
        });
        port
    }

    #[test]
    fn servers_and_what_it_thinks_of_them() {
        let told = ask_at(
            ntpd(
                "ntpd ntpsec-1.2.2",
                vec![
                    (
                        0x961a,
                        "srcadr=192.0.2.10, srcport=123, srchost=\"ntp.example\", stratum=2, reach=0xff,\r\noffset=-0.25",
                    ),
                    (0x9414, "srcadr=2001:db8::1, srchost=\"2001:db8::1\""),
                    (0x9124, "srcadr=198.51.100.7, stratum=2"),
                    (0x8011, "srcadr=198.51.100.8, stratum=16"),
                    (0x9324, "srcadr=198.51.100.9"),
                    (0x971a, "srcadr=127.127.20.0, srchost=\"NMEA(0)\""),
                    // A pool that stands for none yet.
                    (0x8811, "srcadr=0.0.0.0, srchost=\"pool.example\""),
                ],
            ),
            false,
        )
        .unwrap();
        assert_eq!(told.daemon, Some(DaemonName::Ntpsec));
        let found = told.servers.iter();
        let found: Vec<_> = found
            .map(|of| {
                let name = of.name.as_deref();
                (of.server.as_str(), name, of.is_clock, of.selection)
            })
            .collect();
        use Selection as S;
        let expected = [
            ("192.0.2.10", Some("ntp.example"), false, S::Used),
            ("2001:db8::1", None, false, S::Used),
            ("198.51.100.7", None, false, S::Rejected),
            ("198.51.100.8", None, false, S::Unusable),
            ("198.51.100.9", None, false, S::Candidate),
            ("NMEA(0)", None, true, S::Used),
        ];
        assert_eq!(found, expected);
        assert_eq!(
            told.servers[0].evidence.text,
            "association 1: sys.peer, stratum 2, reach 0xff, offset -0.25"
        );
    }

    #[test]
    fn who_does_not_answer_is_told_from_who_answers_nonsense() {
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = silent.local_addr().unwrap().port();
        assert_eq!(ask_at(port, false), Err(Silence::NoAnswer));
        drop(silent);
        assert_eq!(ask_at(port, false), Err(Silence::NoAnswer));
        let other = ask_at(ntpd("something else", Vec::new()), false).unwrap();
        assert_eq!((other.daemon, other.servers), (None, Vec::new()));
        let known = ask_at(ntpd("ntpd 4.2.8p15@1.3728-o", Vec::new()), false);
        assert_eq!(known.unwrap().daemon, Some(DaemonName::Ntpd));
    }
}
