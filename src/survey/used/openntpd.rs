//! openntpd, asked by ntpctl: its control socket is open to root, and often to nobody else.

use std::net::IpAddr;
use std::path::Path;

use super::super::evidence::Evidence;
use super::{Selection, Used};
use crate::net::program::{self, Printed};
use crate::time::TimeDelta;

const PROGRAMS: [&str; 3] = [
    "/usr/sbin/ntpctl",
    "/usr/local/sbin/ntpctl",
    "/usr/bin/ntpctl",
];
const PATIENCE: TimeDelta = TimeDelta::from_secs(2);
const COMMAND: &str = "ntpctl -s all";

/// Whether there is somebody to ask it by.
pub(super) fn is_there() -> bool {
    PROGRAMS.iter().any(|path| Path::new(path).exists())
}

pub(super) fn ask() -> Result<Vec<Used>, String> {
    let Some(ntpctl) = PROGRAMS.iter().find(|path| Path::new(path).exists()) else {
        return Err("there is no ntpctl to ask it by".to_owned());
    };
    let printed = program::ask(ntpctl.as_ref(), &["-s", "all"], PATIENCE)
        .map_err(|error| format!("ntpctl: {error}"))?;
    told(&printed)
}

fn told(printed: &Printed) -> Result<Vec<Used>, String> {
    match printed.code {
        Some(0) => Ok(servers(&String::from_utf8_lossy(&printed.text))),
        Some(code) => Err(format!(
            "ntpctl ended with {code}, and no answer: root alone may ask it, as a rule"
        )),
        None => Err("ntpctl did not end in time".to_owned()),
    }
}

/// What a line is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Status,
    Peers,
    Sensors,
}

/// A line names a peer or a sensor, and the indented one below says how it is; the one that the clock follows has a star.
fn servers(text: &str) -> Vec<Used> {
    let mut found: Vec<Used> = Vec::new();
    let mut block = Block::Status;
    // One without a name that is known has no state, either.
    let mut is_named = false;
    for (number, line) in (1..).zip(text.lines()) {
        let is_indented = line.starts_with([' ', '\t']);
        block = match (is_indented, line.trim_end()) {
            (false, "peer") => Block::Peers,
            (false, "sensor") => Block::Sensors,
            (false, _) if block != Block::Status => {
                let of = named(line, block == Block::Sensors, number);
                is_named = of.is_some();
                found.extend(of);
                continue;
            }
            (true, said) if is_named && block != Block::Status => {
                if let Some(of) = found.last_mut() {
                    of.selection = selection(said.trim_start());
                    of.evidence = Evidence::line(COMMAND, number, line);
                }
                is_named = false;
                continue;
            }
            _ => continue,
        };
        is_named = false;
    }
    found
}

/// `192.0.2.10`, `192.0.2.10 ntp.example.org`, `192.0.2.10 from pool pool.ntp.org`, or what a sensor is called.
fn named(line: &str, is_clock: bool, number: u32) -> Option<Used> {
    let mut words = line.split_ascii_whitespace();
    let server = words.next()?;
    if !is_clock && server.parse::<IpAddr>().is_err() {
        return None;
    }
    Some(Used {
        server: server.to_owned(),
        name: words.next_back().filter(|_| !is_clock).map(str::to_owned),
        is_clock,
        selection: Selection::Unusable,
        evidence: Evidence::line(COMMAND, number, line),
    })
}

fn selection(said: &str) -> Selection {
    match said {
        of if of.starts_with('*') => Selection::Used,
        of if of.contains("not valid") => Selection::Unusable,
        of if of.starts_with(|c: char| c.is_ascii_digit()) => Selection::Candidate,
        _ => Selection::Unusable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, Option<String>, Selection)> {
        let found = servers(text).into_iter();
        found.map(|of| (of.server, of.name, of.selection)).collect()
    }

    #[test]
    fn peers_and_sensors() {
        let text = "3/4 peers valid, 1/1 sensors valid, clock synced, stratum 3\n\npeer\n   \
                    wt tl st  next  poll          offset       delay      jitter\n\
                    192.0.2.10 from pool pool.example.org\n *  1 10  2   21s   33s        -0.120ms    23.400ms     1.200ms\n\
                    2001:db8::1\n    1 10  2    4s   30s         0.100ms    20.000ms     1.000ms\n\
                    198.51.100.7 ntp.example.org\n    1  2  -  201s  300s             ---- peer not valid ----\n\n\
                    sensor\n   wt gd st  next  poll          offset  correction\nnmea0  GPS\n    1  1  0    5s   15s         0.100ms     0.000ms\n";
        let is = |server: &str, name: Option<&str>, selection| {
            (server.to_owned(), name.map(str::to_owned), selection)
        };
        assert_eq!(
            said(text),
            [
                is("192.0.2.10", Some("pool.example.org"), Selection::Used),
                is("2001:db8::1", None, Selection::Candidate),
                is("198.51.100.7", Some("ntp.example.org"), Selection::Unusable),
                is("nmea0", None, Selection::Candidate),
            ]
        );
        assert!(servers(text)[3].is_clock);
    }

    #[test]
    fn what_is_no_answer() {
        let printed = |text: &str, code| Printed {
            text: text.as_bytes().to_vec(),
            code,
        };
        assert!(told(&printed("", Some(1))).unwrap_err().contains("root"));
        assert!(told(&printed("", None)).unwrap_err().contains("in time"));
        // A head that is none, a peer that is no address, states of nobody, and a name of its own.
        for text in [
            "",
            "peers\n192.0.2.1\n *  1 10\n",
            "peer\nevil.example x\n *  1 10\n",
            "peer\n *  1 10\n    1\n",
            "\u{1b}[2J\n",
        ] {
            assert_eq!(said(text), [], "{text:?}");
        }
        // Without a state it is not known to be of use.
        assert_eq!(said("peer\n192.0.2.1\n")[0].2, Selection::Unusable);
    }
}
