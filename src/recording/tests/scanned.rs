//! The scan of exchange lines against the parser of JSON.

use proptest::prelude::*;

use super::{instant, sample};
use crate::recording::exchange::{parse_any_exchange, write_exchange};
use crate::recording::scan_exchange;
use crate::sample::{Sample, SourceId};
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// Numbers of every length, which uniform ones hardly ever have.
fn any_length() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0..64u32).prop_map(|(n, shift)| n >> shift)
}

prop_compose! {
    /// Samples whose numbers have any length, as those of the field do.
    fn any_sample()(
        mut sample in sample(), t1 in any_length(), at in any_length(),
        (upper, residence, lower) in (any_length(), any_length(), any_length()),
        error in prop_oneof![Just(1), any_length()], at_error in prop_oneof![Just(100), any_length()],
    ) -> Sample {
        let ns = TimeDelta::from_nanos;
        sample.exchange.t1 = Timestamp::from_nanos(t1);
        sample.at = Monotonic::from_nanos(at);
        (sample.exchange.upper, sample.exchange.residence) = (ns(upper), ns(residence));
        (sample.exchange.lower, sample.exchange.error) = (ns(lower), ns(error));
        sample.at_error = ns(at_error.max(100));
        sample
    }
}

fn line(source: u32, sample: &Sample) -> Vec<u8> {
    let mut line = Vec::new();
    write_exchange(SourceId(source), sample, &mut line);
    line
}

/// What the parser of JSON makes of a line, if anything.
fn parsed(line: &[u8]) -> Option<(SourceId, Sample)> {
    parse_any_exchange(line).ok()
}

#[derive(Clone, Debug)]
enum Edit {
    Change(u8),
    Insert(u8),
    Remove,
}

fn edit() -> impl Strategy<Value = Edit> {
    // Bytes that may stand in a line, and may so make another valid one.
    let meant = prop::sample::select(br#"0123456789-+.,:"{}egsmurltxkBKHUIR eE"#.to_vec());
    let byte = || prop_oneof![4 => meant.clone(), 1 => any::<u8>()];
    prop_oneof![
        byte().prop_map(Edit::Change),
        byte().prop_map(Edit::Insert),
        Just(Edit::Remove)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_is_written_is_scanned(
        sample in prop_oneof![sample(), any_sample()], source: u32, rest: Vec<u8>,
    ) {
        let mut text = line(source, &sample);
        text.extend_from_slice(&rest);
        let (found, scanned, after) = scan_exchange(&text).unwrap();
        prop_assert_eq!((found, scanned), (SourceId(source), sample));
        prop_assert_eq!(after.split_first(), Some((&b'\n', rest.as_slice())));
    }

    #[test]
    fn what_is_scanned_means_the_same_to_a_parser_of_json(
        sample in any_sample(), source in any::<u32>().prop_map(|n| n >> (n % 32)),
        edits in prop::collection::vec((any::<prop::sample::Index>(), edit()), 0..4),
    ) {
        let mut text = line(source, &sample);
        prop_assert_eq!(text.pop(), Some(b'\n'));
        for (at, edit) in edits {
            let place = at.index(text.len());
            match edit {
                Edit::Change(byte) => text[place] = byte,
                Edit::Insert(byte) => text.insert(place, byte),
                Edit::Remove => { text.remove(place); }
            }
        }
        // Where the scan gives up, the parser decides: there is nothing to disagree about.
        if let Some((source, sample, [])) = scan_exchange(&text) {
            prop_assert_eq!(Some((source, sample)), parsed(&text));
        }
    }

    #[test]
    fn any_instant_is_scanned_as_it_is_parsed(
        seconds in "-?[0-9]{0,12}", decimals in "[0-9]{8,10}", at in instant(),
    ) {
        let m = at.as_nanos();
        let text = format!(
            r#"{{"k":"x","s":0,"c":"BKK","t1":"{seconds}.{decimals}","u":1,"r":1,"l":1,"m":{m}}}"#
        );
        let scanned = scan_exchange(text.as_bytes()).map(|(source, sample, _)| (source, sample));
        prop_assert_eq!(scanned, parsed(text.as_bytes()));
    }

    #[test]
    fn any_number_is_scanned_as_it_is_parsed(number in "-?[0-9]{0,21}") {
        for key in ["s", "u", "r", "l", "e", "m", "g"] {
            let usual = r#"{"k":"x","s":1,"c":"BKK","t1":"1763832000.123456789","u":1,"r":1,"l":1,"e":1,"m":1,"g":1}"#;
            let text = usual.replace(&format!(r#""{key}":1"#), &format!(r#""{key}":{number}"#));
            let scanned = scan_exchange(text.as_bytes()).map(|(source, sample, _)| (source, sample));
            prop_assert_eq!(scanned, parsed(text.as_bytes()), "{}", text);
        }
    }
}

#[test]
fn numbers_at_their_limits_are_scanned_as_they_are_parsed() {
    for number in [
        "0",
        "-0",
        "00",
        "01",
        "-01",
        "9",
        "12345678",
        "123456789",
        "00000000",
        "000000001",
        "1234567812345678",
        "12345678123456789",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "9999999999999999999",
        "18446744073709551616",
        "99999999999999999999",
        "1e3",
        "1.0",
        "+1",
        "- 1",
        " 1",
        "1 ",
        "",
        "-",
    ] {
        for key in ["s", "u", "m", "g"] {
            let usual = r#"{"k":"x","s":1,"c":"BKK","t1":"1763832000.123456789","u":1,"r":1,"l":1,"m":1,"g":1}"#;
            let text = usual.replace(&format!(r#""{key}":1"#), &format!(r#""{key}":{number}"#));
            let scanned = scan_exchange(text.as_bytes());
            let exact = number.bytes().all(|b| b == b'-' || b.is_ascii_digit());
            let expected = parsed(text.as_bytes()).filter(|_| exact);
            assert_eq!(scanned.map(|(id, x, _)| (id, x)), expected, "{text}");
        }
    }
}
