//! What a server says of itself in a result.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::number::{Decimal, PARTS_PER_SEC, nanos_up};
use crate::sample::{Leap, ReferenceId, Rejection, ServerInfo};
use crate::time::TimeDelta;

/// The fields of the first reply, or those that a later reply changed.
#[derive(Default, Deserialize)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    li: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mode: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stratum: Option<&'a RawValue>,
    #[serde(borrow)]
    precision: Option<&'a RawValue>,
    #[serde(borrow, rename = "root-delay")]
    root_delay: Option<&'a RawValue>,
    #[serde(borrow, rename = "root-dispersion")]
    root_dispersion: Option<&'a RawValue>,
    #[serde(borrow, rename = "ref-id")]
    reference_id: Option<Cow<'a, str>>,
}

impl Fields<'_> {
    /// What the server said in a reply that changed `self` of what `first` had said; the name of a field
    /// that is missing or makes no sense.
    pub(super) fn over(&self, first: &Self) -> Result<ServerInfo, &'static str> {
        let leap = self.li.as_ref().or(first.li.as_ref());
        let stratum = self.stratum.or(first.stratum).and_then(stratum);
        let precision = number(self.precision.or(first.precision));
        let root_delay = short(self.root_delay.or(first.root_delay));
        let root_dispersion = short(self.root_dispersion.or(first.root_dispersion));
        let id = self.reference_id.as_ref().or(first.reference_id.as_ref());
        Ok(ServerInfo {
            leap: match leap.map(Cow::as_ref).ok_or("li")? {
                "no" => Leap::None,
                "61" => Leap::Insert,
                "59" => Leap::Delete,
                _ => Leap::Unsynchronised,
            },
            stratum: stratum.ok_or("stratum")?,
            precision: precision.and_then(Decimal::log2_up).ok_or("precision")?,
            root_delay: root_delay.ok_or("root-delay")?,
            root_dispersion: root_dispersion.ok_or("root-dispersion")?,
            reference_id: id.map(|id| reference_id(id)).unwrap_or_default(),
            reference_time: None,
        })
    }

    /// Why a reply in this mode is no sample. What does not say its mode is taken for a server's reply.
    pub(super) fn wrong_mode(&self, first: &Self) -> Option<Rejection> {
        let mode = self.mode.as_ref().or(first.mode.as_ref());
        let server = mode.is_none_or(|mode| mode == "server");
        (!server).then_some(Rejection::WrongMode)
    }
}

fn number(value: Option<&RawValue>) -> Option<Decimal> {
    Decimal::parse(value?.get().as_bytes())
}

/// A number, or what the probe writes for others: `invalid` is 0, `unsynchronized` 16.
fn stratum(value: &RawValue) -> Option<u8> {
    match value.get() {
        "\"invalid\"" => Some(0),
        "\"unsynchronized\"" => Some(16),
        text => {
            let reserved = text
                .strip_prefix("\"reserved (")
                .and_then(|t| t.strip_suffix(")\""));
            reserved.unwrap_or(text).parse().ok()
        }
    }
}

/// Root delay or dispersion. The wire has 16 bits for the part of a second, and the probe prints six
/// digits of it without zeros at the end: so the nearest number that the wire can hold was meant. Rounded
/// up to nanoseconds, as from the wire.
fn short(value: Option<&RawValue>) -> Option<TimeDelta> {
    // A whole number of parts.
    const UNIT: i128 = PARTS_PER_SEC / (1 << 16);
    let number = number(value).filter(|n| !n.is_negative())?;
    let (down, _) = number.parts()?;
    let units = (down + UNIT / 2).div_euclid(UNIT);
    nanos_up(units * UNIT)
}

/// Eight hexadecimal digits, or at strata 0 and 1 up to four characters, with `\x1b` for those that do
/// not show.
fn reference_id(text: &str) -> ReferenceId {
    if text.len() == 8
        && let Some(id) = hexadecimal(text)
    {
        return ReferenceId(id.to_be_bytes());
    }
    let mut id = [0; 4];
    let mut rest = text;
    for place in &mut id {
        let escaped = rest
            .strip_prefix("\\x")
            .and_then(|hex| hex.split_at_checked(2));
        let byte = |hex| u8::try_from(hexadecimal(hex)?).ok();
        let byte = escaped.and_then(|(hex, after)| Some((byte(hex)?, after)));
        let mut chars = rest.chars();
        let plain = chars.next().and_then(|c| u8::try_from(c).ok());
        let Some((byte, after)) = byte.or_else(|| Some((plain?, chars.as_str()))) else {
            break;
        };
        (*place, rest) = (byte, after);
    }
    ReferenceId(id)
}

/// Hexadecimal digits and nothing else.
fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields<'_> {
        serde_json::from_str(json).expect(json)
    }

    const FIRST: &str = r#"{"li":"no","mode":"server","stratum":1,"precision":0.0000038147,
        "root-delay":0,"root-dispersion":0.00108337,"ref-id":"GPS","poll":8}"#;

    #[test]
    fn a_later_reply_says_only_what_changed() {
        let (first, same) = (fields(FIRST), fields("{}"));
        let info = same.over(&first).unwrap();
        let expected = ServerInfo {
            leap: Leap::None,
            stratum: 1,
            precision: -18,
            root_delay: TimeDelta::ZERO,
            // 71 / 65536 s.
            root_dispersion: TimeDelta::from_nanos(1_083_375),
            reference_id: ReferenceId(*b"GPS\0"),
            reference_time: None,
        };
        assert_eq!(info, expected);
        let changed =
            fields(r#"{"li":"unknown","stratum":"invalid","ref-id":"RATE","precision":1}"#);
        let info = changed.over(&first).unwrap();
        let expected = ServerInfo {
            leap: Leap::Unsynchronised,
            stratum: 0,
            precision: 0,
            reference_id: ReferenceId(*b"RATE"),
            ..expected
        };
        assert_eq!(info, expected);
        assert_eq!(fields("{}").over(&same).unwrap_err(), "li");
    }

    #[test]
    fn strata_modes_and_names_as_the_probe_writes_them() {
        let first = fields(FIRST);
        let stratum = |json: &str| fields(json).over(&first).map(|info| info.stratum);
        assert_eq!(stratum(r#"{"stratum":"unsynchronized"}"#), Ok(16));
        assert_eq!(stratum(r#"{"stratum":"reserved (17)"}"#), Ok(17));
        for bad in [
            r#"{"stratum":"reserved (256)"}"#,
            r#"{"stratum":-1}"#,
            r#"{"stratum":[]}"#,
        ] {
            assert_eq!(stratum(bad), Err("stratum"), "{bad}");
        }
        let wrong = |json: &str| fields(json).wrong_mode(&first);
        assert_eq!(wrong("{}"), None);
        assert_eq!(wrong(r#"{"mode":"broadcast"}"#), Some(Rejection::WrongMode));
        for (text, id) in [
            ("c11e78f5", [0xc1, 0x1e, 0x78, 0xf5]),
            ("GPS", *b"GPS\0"),
            ("GPSs", *b"GPSs"),
            ("\\x1b[2J", *b"\x1b[2J"),
            ("\\x1", *b"\\x1\0"),
            ("\\x+1a", *b"\\x+1"),
            ("caf\u{e9}", [b'c', b'a', b'f', 0xe9]),
            ("\u{20ac}", [0; 4]),
            ("", [0; 4]),
        ] {
            assert_eq!(reference_id(text), ReferenceId(id), "{text:?}");
        }
    }

    #[test]
    fn root_delays_are_those_of_the_wire() {
        let read = |text: &str| {
            let value = RawValue::from_string(text.to_owned()).unwrap();
            short(Some(&value)).map(TimeDelta::as_nanos)
        };
        for (text, nanos) in [
            ("0", 0),
            ("1.52588e-05", 15_259),
            ("0.25", 250_000_000),
            ("65535.9", 65_535_899_993_897),
        ] {
            assert_eq!(read(text), Some(nanos), "{text}");
        }
        for bad in ["\"0\"", "null", "1e30", "[]", "-0.5"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
