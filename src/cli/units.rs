//! Durations and rates as people write them.

use crate::time::{Frequency, TimeDelta};

/// A duration such as `5ms`, `3s`, `1h` or `1m 30s`; zero may be written without a unit.
///
/// ```
/// use clockfit::cli::units::duration;
/// use clockfit::time::TimeDelta;
/// assert_eq!(duration("5ms"), Ok(TimeDelta::from_millis(5)));
/// assert_eq!(duration("0"), Ok(TimeDelta::ZERO));
/// assert!(duration("5").unwrap_err().contains("5s"));
/// ```
///
/// # Errors
///
/// A sentence that says what is wrong, and how to write it.
pub fn duration(text: &str) -> Result<TimeDelta, String> {
    if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() && text != "0" {
        return Err(format!(
            "a unit is missing: {text}s, {text}ms, {text}us, {text}ns?"
        ));
    }
    let parsed = humantime::parse_duration(text)
        .map_err(|e| format!("{e} (durations are written as 5ms, 3s or 1h)"))?;
    if parsed > TimeDelta::MAX.to_duration() {
        return Err("it is longer than 292 years".to_owned());
    }
    Ok(parsed.into())
}

/// A duration above zero.
///
/// # Errors
///
/// As [`duration`].
pub fn positive_duration(text: &str) -> Result<TimeDelta, String> {
    match duration(text)? {
        TimeDelta::ZERO => Err("it must be longer than nothing".to_owned()),
        duration => Ok(duration),
    }
}

/// A duration with an optional sign: `-50ms`, `+1s`.
///
/// # Errors
///
/// As [`duration`].
pub fn signed_duration(text: &str) -> Result<TimeDelta, String> {
    match text.strip_prefix('-') {
        Some(rest) => duration(rest).map(|d| -d),
        None => duration(text.strip_prefix('+').unwrap_or(text)),
    }
}

/// A correction of stamps, for one interface or for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The interface; none for all.
    pub interface: Option<String>,
    /// By how much.
    pub by: TimeDelta,
}

/// A duration with an optional sign, for all interfaces or for one: `120ns`, `eth0=-35ns`.
///
/// ```
/// use clockfit::cli::units::correction;
/// assert_eq!(correction("eth0=120ns").unwrap().interface.as_deref(), Some("eth0"));
/// assert!(correction("=120ns").is_err());
/// ```
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn correction(text: &str) -> Result<Correction, String> {
    let (interface, time) = match text.split_once('=') {
        Some(("", _)) => return Err("the name of an interface is missing before =".to_owned()),
        Some((interface, time)) => (Some(interface.to_owned()), time),
        None => (None, text),
    };
    let by = signed_duration(time)?;
    // Cables and cards take nanoseconds to microseconds; a whole second is a slip of the pen.
    if by.abs() >= TimeDelta::from_secs(1) {
        return Err("a correction is shorter than a second".to_owned());
    }
    Ok(Correction { interface, by })
}

/// A rate in parts per million with up to three decimals: `10`, `-2.5`.
///
/// ```
/// use clockfit::cli::units::ppm;
/// use clockfit::time::Frequency;
/// assert_eq!(ppm("-2.5"), Ok(Frequency::from_ppb(-2500)));
/// assert!(ppm("0.0001").is_err());
/// ```
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn ppm(text: &str) -> Result<Frequency, String> {
    let wrong = || format!("expected parts per million such as 10 or -2.5, not {text:?}");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 6 || !all_digits(whole) || !all_digits(fraction) {
        return Err(wrong());
    }
    if fraction.len() > 3 {
        return Err("parts per million take at most three decimals (1 ppb)".to_owned());
    }
    let ppb: i64 = format!("{whole}{fraction:0<3}")
        .parse()
        .map_err(|_| wrong())?;
    Ok(Frequency::from_ppb(sign * ppb))
}

/// A rate that bounds others: as [`ppm`], and not negative.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn allowance(text: &str) -> Result<Frequency, String> {
    if text.starts_with('-') {
        return Err("a clock may run off either way: give the size, without a sign".to_owned());
    }
    ppm(text).map_err(|error| error.replace("10 or -2.5", "10 or 0.5"))
}

/// The longest name of a host (RFC 1123 section 2.1, with its domain).
const LONGEST_HOST: usize = 255;

/// What a host is called: text without control characters.
///
/// ```
/// use clockfit::cli::units::host_name;
/// assert_eq!(host_name("node-1.example"), Ok("node-1.example".to_owned()));
/// assert!(host_name(" ").is_err());
/// ```
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn host_name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("a name of a host is text on one line, such as node-1".to_owned());
    }
    if text.len() > LONGEST_HOST {
        return Err(format!("a name of a host has {LONGEST_HOST} bytes at most"));
    }
    Ok(text.to_owned())
}

/// A host, and the server that is its clock: `node-1=10.0.0.1`.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub fn peer(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((host, server)) if !server.is_empty() => Ok((host_name(host)?, server.to_owned())),
        _ => Err("expected a host and how the others asked it, such as node-1=10.0.0.1".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_what_people_write() {
        assert_eq!(duration("1m 30s"), Ok(TimeDelta::from_secs(90)));
        assert_eq!(duration("250us"), Ok(TimeDelta::from_micros(250)));
        assert_eq!(signed_duration("-50ms"), Ok(TimeDelta::from_millis(-50)));
        assert_eq!(signed_duration("+1s"), Ok(TimeDelta::from_secs(1)));
        for bad in [
            "",
            "5",
            "ms",
            "-1s",
            "1 fortnight",
            "999999999h",
            "1e3s",
            "∞",
        ] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
        assert!(positive_duration("0s").is_err());
        assert!(signed_duration("--1s").is_err());
    }

    #[test]
    fn rates_are_exact() {
        assert_eq!(ppm("10"), Ok(Frequency::from_ppm(10)));
        assert_eq!(ppm("+0.001"), Ok(Frequency::from_ppb(1)));
        for bad in ["", "-", ".5", "1e3", "1.2345", "9999999", "ten", "1.5ppm"] {
            assert!(ppm(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_them_panic(text in ".{0,40}") {
            let _ = (signed_duration(&text), positive_duration(&text), ppm(&text));
        }
    }
}
