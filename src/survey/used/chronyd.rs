//! chronyd, asked by chronyc: `sources` as comma-separated values (chronyc(1)), which everyone may ask over loopback.
//!
//! Not over the Unix socket: for that chronyc makes files, and it would have all rights. chronyc prints its errors
//! where the answer would be, and quotes nothing.

use std::path::Path;

use super::super::evidence::Evidence;
use super::{Selection, Used};
use crate::net::program::{self, Printed};
use crate::time::TimeDelta;

const PROGRAMS: [&str; 2] = ["/usr/bin/chronyc", "/usr/local/bin/chronyc"];
/// Two tries of each address; chronyc itself would wait for seven seconds. After `-m` stand commands alone.
const OPTIONS: [&str; 3] = ["-c", "-h", "127.0.0.1,::1"];
const COMMANDS: [&str; 4] = ["-m", "timeout 300", "retries 1", "sources"];
const PATIENCE: TimeDelta = TimeDelta::from_secs(5);
/// Columns of `sources`, of which the third, a name, may have commas in it.
const COLUMNS: usize = 10;
const COMMAND: &str = "chronyc -c sources";

pub(super) fn ask() -> Result<Vec<Used>, String> {
    let Some(chronyc) = PROGRAMS.iter().find(|path| Path::new(path).exists()) else {
        return Err("there is no chronyc to ask it by".to_owned());
    };
    let with = |more: &[&str]| {
        let options = OPTIONS.iter().chain(more);
        let all: Vec<&str> = options.chain(&COMMANDS).copied().collect();
        program::ask(chronyc.as_ref(), &all, PATIENCE).map_err(|error| format!("chronyc: {error}"))
    };
    let mut found = sources(&with(&[])?)?;
    // The names of the settings, by those that know them (since chrony 4.0), in the same order.
    let named = with(&["-N"]);
    let named = match named {
        Ok(printed) => sources_of(&printed.text, |_| true).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    if named.len() == found.len() {
        for (of, named) in found.iter_mut().zip(named) {
            of.name = (named.server != of.server).then_some(named.server);
        }
    }
    Ok(found)
}

fn sources(printed: &Printed) -> Result<Vec<Used>, String> {
    let found = sources_of(&printed.text, |server| {
        server.parse::<std::net::IpAddr>().is_ok()
    })?;
    match printed.code {
        Some(0) => Ok(found),
        Some(code) => Err(format!("chronyc ended with {code}, and no answer")),
        None => Err("chronyc did not end in time".to_owned()),
    }
}

/// Reads rows; `is_server` tells what can be a server of a row that is of no clock.
fn sources_of(text: &[u8], is_server: impl Fn(&str) -> bool) -> Result<Vec<Used>, String> {
    let text = String::from_utf8_lossy(text);
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(error) = error_in(line) {
            return Err(format!("chronyd answers: {error}"));
        }
        let columns: Vec<&str> = line.split(',').collect();
        let Some(after) = columns.len().checked_sub(COLUMNS - 3) else {
            continue;
        };
        let (Some([mode, state]), Some(name)) = (columns.first_chunk::<2>(), columns.get(2..after))
        else {
            continue;
        };
        let is_clock = match *mode {
            "#" => true,
            "^" | "=" => false,
            _ => continue,
        };
        let selection = match *state {
            "*" | "+" => Selection::Used,
            "-" => Selection::Candidate,
            "x" | "~" => Selection::Rejected,
            _ => Selection::Unusable,
        };
        let server = name.join(",");
        let address = server.split('%').next().unwrap_or(&server);
        if !server.is_empty() && (is_clock || is_server(address)) {
            found.push(Used {
                server,
                name: None,
                is_clock,
                selection,
                evidence: Evidence::line(COMMAND, number, line),
            });
        }
    }
    Ok(found)
}

/// An error, which stands where the answer would: `506 Cannot talk to daemon`.
fn error_in(line: &str) -> Option<&str> {
    let (code, text) = line.split_once(' ')?;
    let is_code = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
    let is_text = text.starts_with(|c: char| c.is_ascii_uppercase());
    (is_code && is_text).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, code: Option<i32>) -> Result<Vec<(String, Selection)>, String> {
        let printed = Printed {
            text: text.as_bytes().to_vec(),
            code,
        };
        let found = sources(&printed)?.into_iter();
        Ok(found.map(|of| (of.server, of.selection)).collect())
    }

    #[test]
    fn rows_of_servers_and_clocks() {
        let found = said(
            "^,*,192.0.2.10,2,6,377,12,-0.000123456,-0.000150001,0.012345678\n\
             =,+,2001:db8::123,2,6,377,14,0.000223456,0.000223456,0.020000000\n\
             ^,x,198.51.100.7,2,10,377,1,0.0,0.0,0.0\n^,?,198.51.100.8,0,10,0,4294967295,0.0,0.0,0.0\n\
             #,-,PPS0,0,4,377,8,0.000000123,0.000000123,0.000000456\n",
            Some(0),
        );
        let expected = [
            ("192.0.2.10", Selection::Used),
            ("2001:db8::123", Selection::Used),
            ("198.51.100.7", Selection::Rejected),
            ("198.51.100.8", Selection::Unusable),
            ("PPS0", Selection::Candidate),
        ];
        let expected = expected.map(|(server, selection)| (server.to_owned(), selection));
        assert_eq!(found, Ok(expected.to_vec()));
    }

    #[test]
    fn errors_and_what_is_no_answer() {
        for (text, code, why) in [
            ("506 Cannot talk to daemon\n", Some(1), "506 Cannot talk"),
            ("517 Protocol version mismatch\n", Some(1), "517"),
            (
                "501 Not authorised\n^,*,192.0.2.1,2,6,377,1,0,0,0\n",
                Some(0),
                "501",
            ),
            ("", Some(1), "ended with 1"),
            ("", None, "in time"),
        ] {
            let refused = said(text, code).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
        // No rows, a name where an address must be, too few columns, and a mode that nobody knows.
        for text in [
            "",
            "^,*,evil,name.example,2,6,377,12,0.1,0.1,0.1\n",
            "^,*,192.0.2.1\n",
            "?,*,192.0.2.1,2,6,377,1,0,0,0\n",
            "\u{1b}[2J\n",
        ] {
            assert_eq!(said(text, Some(0)), Ok(Vec::new()), "{text:?}");
        }
    }

    #[test]
    fn names_may_have_commas() {
        let found = sources_of(b"^,*,a,b.example,2,6,377,12,0.1,0.1,0.1\n", |_| true).unwrap();
        assert_eq!(found[0].server, "a,b.example");
    }
}
