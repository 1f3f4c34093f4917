//! One result: what one probe saw of one server in up to three packets.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::error::Trouble;
use super::super::lines::Account;
use super::super::output::Output;
use super::objects::Place;
use super::packet::{Packet, Seen};
use super::server::Fields;
use crate::sample::{LossCause, Note, SourceId, SourceInfo, SourceKind, Timescale};
use crate::time::{NANOS_PER_SEC, Timestamp};

/// NTP's port, where the result does not say another.
const PORT: u16 = 123;
/// The longest address or name that is taken: that of host names.
const MAX_NAME_BYTES: usize = 255;
/// Characters of a reason that are kept.
const MAX_REASON_CHARS: usize = 120;

/// Just enough to know whether it is of use.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct ResultObject<'a> {
    prb_id: u64,
    /// When it began, in seconds since 1970.
    timestamp: i64,
    #[serde(borrow)]
    dst_addr: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dst_name: Option<Cow<'a, str>>,
    dst_port: Option<u16>,
    /// Seconds since the probe's clock was found to agree with its controller's; -1 if that is not known.
    lts: Option<i64>,
    #[serde(borrow)]
    result: Vec<&'a RawValue>,
}

/// What the results so far tell of the probes' clocks.
#[derive(Debug, Default)]
pub(super) struct Told {
    results: u64,
    /// The shortest and the longest time since a clock was found to agree.
    agreed: Option<(i64, i64)>,
    /// Results of clocks of which that is not known.
    unknown: u64,
}

impl Told {
    fn count(&mut self, lts: Option<i64>) {
        self.results += 1;
        match lts.filter(|lts| *lts >= 0) {
            None => self.unknown += 1,
            Some(lts) => {
                let (least, most) = self.agreed.unwrap_or((lts, lts));
                self.agreed = Some((least.min(lts), most.max(lts)));
            }
        }
    }

    /// What the numbers of the results mean.
    pub(super) fn meaning(&self) -> String {
        let mut text = "Exchanges by probes of RIPE Atlas. Each source is one server seen by one probe, \
            and the local clock is that probe's, not this host's. Stamps are by gettimeofday and kept as \
            doubles; each error allows for both (2 us with all digits). Offsets are server minus probe, \
            unlike in the results."
            .to_owned();
        let (unknown, results) = (self.unknown, self.results);
        let agreed = match self.agreed {
            None => " Of no probe is it known that its clock was right (lts).".to_owned(),
            Some((least, most)) if unknown == 0 => {
                format!(" Clocks were found right {least} to {most} s before (lts).")
            }
            Some((least, most)) => format!(
                " Clocks were found right {least} to {most} s before (lts), unknown in {unknown} of {results} \
                 results."
            ),
        };
        text.push_str(&agreed);
        text
    }
}

/// Takes up one object.
pub(super) fn take(
    text: &[u8],
    place: Place,
    told: &mut Told,
    out: &mut Output,
    account: &mut Account,
) {
    let read = || {
        let Kind { kind } = serde_json::from_slice(text)?;
        if let Some(kind) = kind.filter(|kind| kind != "ntp") {
            return Ok(Err(kind));
        }
        let object: ResultObject<'_> = serde_json::from_slice(text)?;
        let first: Fields<'_> = serde_json::from_slice(text)?;
        Ok(Ok((object, first)))
    };
    match read() {
        Ok(Ok((object, first))) => {
            told.count(object.lts);
            if let Err((found, expected)) = object.tell(&first, out) {
                account.count(
                    place.line,
                    Trouble::new(place.column, expected, found.as_bytes()),
                );
            }
        }
        Ok(Err(kind)) => account.pass_over(&format!("type:{kind}")),
        Err(error) => {
            let (line, column) = within(place, &error);
            let expected = format!("a result of an NTP measurement ({})", reason(&error));
            account.count(line, Trouble::new(column, expected, text));
        }
    }
}

/// Where in the file an error of one object is.
fn within(place: Place, error: &serde_json::Error) -> (u64, usize) {
    match error.line().saturating_sub(1) {
        0 => (place.line, place.column + error.column().saturating_sub(1)),
        down => (
            place.line + u64::try_from(down).unwrap_or(0),
            error.column(),
        ),
    }
}

/// What is wrong, without the place that counts from the start of the object.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let reason = text
        .rsplit_once(" at line ")
        .map_or(&*text, |split| split.0);
    reason.chars().take(MAX_REASON_CHARS).collect()
}

/// A piece of a result, and what should be there instead.
type Missing<'a> = (&'a str, &'static str);

impl<'a> ResultObject<'a> {
    /// Tells the packets. One that makes no sense costs no other; the first of them is returned.
    fn tell(&self, first: &Fields<'_>, out: &mut Output) -> Result<(), Missing<'a>> {
        let began = self.timestamp.checked_mul(NANOS_PER_SEC);
        let began = began.ok_or(("", "a timestamp between 1677 and 2262"))?;
        let began = Timestamp::from_nanos(began);
        let fits = |name: &&str| (1..=MAX_NAME_BYTES).contains(&name.len());
        let address = self.dst_addr.as_deref().filter(fits);
        let name = self.dst_name.as_deref().filter(fits).or(address);
        let name = name.ok_or(("", "dst_name or dst_addr, of 1 to 255 bytes"))?;

        let packets: Vec<_> = self.result.iter().map(|text| Packet::read(text)).collect();
        // Zeros at the end are not printed, so the finest stamp shows how many decimals there were.
        let finest = packets.iter().flatten().map(Packet::decimals).max();
        let mut result = Ok(());
        for (text, packet) in self.result.iter().zip(&packets) {
            let seen = match packet {
                Some(packet) => packet.see(first, began, finest.unwrap_or(0)),
                None => Err("a packet with its stamps, \"x\" or \"error\""),
            };
            match (seen, address) {
                (Err(expected), _) => result = result.and(Err((text.get(), expected))),
                // Without an address nothing was sent.
                (Ok(Seen::Error(error)), _) if address.is_none() || error.starts_with("name ") => {
                    let (source, error) = (name.to_owned(), error.to_owned());
                    out.note(began, Note::Unresolved { source, error });
                }
                (Ok(seen), address) => {
                    let id = self.source(name, address.unwrap_or(name), out);
                    tell(seen, id, began, out);
                }
            }
        }
        result
    }

    fn source(&self, name: &str, address: &str, out: &mut Output) -> SourceId {
        let probe = self.prb_id;
        out.source(&format!("{probe} {address}"), || SourceInfo {
            source: format!("{name} by probe {probe}"),
            address: address.to_owned(),
            port: self.dst_port.unwrap_or(PORT),
            kind: SourceKind::Ntp,
            timescale: Timescale::Unknown,
            path: 0,
            local_clock: Some(format!("probe {probe}")),
        })
    }
}

fn tell(seen: Seen<'_>, id: SourceId, began: Timestamp, out: &mut Output) {
    match seen {
        Seen::Timeout => out.lose(id, began, LossCause::Timeout),
        Seen::Error(_) => out.lose(id, began, LossCause::Refused),
        Seen::Rejected(at, why) => out.reject(id, at, why),
        Seen::Sample(info, sample) => {
            out.describe(id, info);
            out.sample(id, sample);
        }
    }
}
