//! Results of NTP measurements by RIPE Atlas, as its API gives them: a JSON array, or one object a line.
//!
//! The fields are those of the documentation of result formats 4610 to 5000 (atlas.ripe.net/docs) and of
//! `eperd/ntp.c` of the probes' program, which says what the documentation leaves out: a field of the
//! server stands beside the stamps again where a later reply changed it; stamps went through a double;
//! and the offset has the other sign.

mod objects;
mod packet;
mod result;
mod server;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead};

use self::objects::{Found, Objects, Place};
use self::result::Told;
use super::error::Trouble;
use super::lines::{Account, Pieces};
use super::output::Output;

/// What names a result of an NTP measurement: its type, or the stamps that no other has.
const NAMES: [&[u8]; 4] = [
    b"\"type\":\"ntp\"",
    b"\"type\": \"ntp\"",
    b"\"origin-ts\"",
    b"\"msm_name\":\"Ntp\"",
];

/// Whether a file with this start is one.
pub(in crate::recording) fn claims(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let json = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
    let named = |name: &[u8]| text.windows(name.len()).any(|window| window == name);
    json && NAMES.into_iter().any(named)
}

/// A file of results.
pub(in crate::recording) struct Results<R> {
    objects: Objects<R>,
    told: Told,
}

impl<R: BufRead> Results<R> {
    pub(in crate::recording) fn new(input: R) -> Self {
        Self {
            objects: Objects::new(input),
            told: Told::default(),
        }
    }
}

impl<R: BufRead> Pieces for Results<R> {
    fn advance(&mut self, out: &mut Output, account: &mut Account) -> io::Result<bool> {
        let found = self.objects.advance()?;
        account.report.lines = self.objects.lines();
        let text = self.objects.object();
        let mut count = |place: Place, expected| {
            let trouble = Trouble::new(place.column, expected, text);
            account.count(place.line, trouble);
        };
        match found {
            Found::Nothing => return Ok(false),
            Found::Object(place) => result::take(text, place, &mut self.told, out, account),
            Found::TooLong(place) => count(place, "a result below 1 MiB"),
            Found::Broken(place) => count(place, "a result that ends"),
            Found::Stray(place) => count(place, "a result in braces"),
            Found::Torn(_) => account.tear(),
        }
        Ok(true)
    }

    fn meaning(&self) -> String {
        self.told.meaning()
    }
}
