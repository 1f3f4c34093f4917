//! What to measure, as people name it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use crate::sample::Timescale;

/// The port NTP servers listen at.
pub const NTP_PORT: u16 = 123;
/// The longest name DNS can hold.
const LONGEST_NAME: usize = 253;

/// What stands before the name of a PTP clock.
const PHC_PREFIX: &str = "phc:";
/// What stands before the device of a real-time clock.
const RTC_PREFIX: &str = "rtc:";
/// More than any device or interface is called.
const LONGEST_CLOCK: usize = 255;

/// One source as it was asked for: `host`, `host:port`, `[v6]:port`, a bare IPv6 address, or any of
/// these behind `ntp://`; or `phc:` and the device, interface or name of a PTP clock; or `rtc:` and the
/// device of a real-time clock. An IPv6 address may carry a zone: `fe80::1%eth0`, `%2`, or `%25eth0` in
/// a URL (RFC 6874).
///
/// ```
/// use clockfit::cli::source::{Host, Source};
/// let source: Source = "ntp://[fe80::1%25eth0]:1123".parse().unwrap();
/// assert_eq!(source.port, 1123);
/// assert_eq!(source.host, Host::Address("fe80::1".parse().unwrap(), Some("eth0".into())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The text as it was given.
    pub text: String,
    /// Name or address.
    pub host: Host,
    /// UDP port; 0 for a clock.
    pub port: u16,
}

/// A name to resolve, or an address with its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name.
    Name(String),
    /// An address; only IPv6 has zones.
    Address(IpAddr, Option<String>),
    /// A PTP hardware clock of this host, by device, interface or its own name.
    Phc(String),
    /// A real-time clock of this host, by the path of its device.
    Rtc(String),
}

/// Why a text names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// There is no host in it.
    #[error("no host is named")]
    NoHost,
    /// Another scheme than ntp.
    #[error("only ntp:// is understood, not {0}://")]
    Scheme(String),
    /// A bracket is not closed, or is followed by something that is no port.
    #[error("write IPv6 addresses with a port as [2001:db8::1]:123")]
    Brackets,
    /// The port is no number from 1 to 65535.
    #[error("{0:?} is no port (1 to 65535)")]
    Port(String),
    /// The address in brackets is not IPv6.
    #[error("{0:?} is no IPv6 address")]
    Address(String),
    /// A character that names cannot have, or a name that is too long.
    #[error("{0:?} is no host name")]
    Name(String),
    /// No clock's name.
    #[error("{0:?} names no PTP clock: write phc:/dev/ptp0, phc:eth0 or phc:ptp_kvm")]
    Clock(String),
    /// No device's path.
    #[error("{0:?} names no real-time clock: write rtc:/dev/rtc0")]
    Rtc(String),
    /// A path, query or user name.
    #[error("a source has no path, query or user name")]
    Extra,
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if let Some(name) = text.strip_prefix(PHC_PREFIX) {
            return phc(text, name);
        }
        if let Some(device) = text.strip_prefix(RTC_PREFIX) {
            return rtc(text, device);
        }
        let authority = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("ntp") => {
                rest.strip_suffix('/').unwrap_or(rest)
            }
            Some((scheme, _)) => return Err(SourceError::Scheme(scheme.to_owned())),
            None => text,
        };
        if authority.contains(['/', '?', '#', '@']) {
            return Err(SourceError::Extra);
        }
        let (host, port) = split_port(authority)?;
        Ok(Self {
            text: text.to_owned(),
            host,
            port,
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn rtc(text: &str, device: &str) -> Result<Source, SourceError> {
    let printable = device.chars().all(|c| !c.is_control());
    if !device.starts_with('/') || device.len() > LONGEST_CLOCK || !printable {
        return Err(SourceError::Rtc(device.to_owned()));
    }
    Ok(Source {
        text: text.to_owned(),
        host: Host::Rtc(device.to_owned()),
        port: 0,
    })
}

/// A clock's own name may hold spaces ("KVM virtual PTP").
fn phc(text: &str, name: &str) -> Result<Source, SourceError> {
    let printable = name.chars().all(|c| !c.is_control());
    if name.trim().is_empty() || name.len() > LONGEST_CLOCK || !printable {
        return Err(SourceError::Clock(name.to_owned()));
    }
    Ok(Source {
        text: text.to_owned(),
        host: Host::Phc(name.to_owned()),
        port: 0,
    })
}

fn split_port(authority: &str) -> Result<(Host, u16), SourceError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or(SourceError::Brackets)?;
        let port = match after.strip_prefix(':') {
            Some(port) => parse_port(port)?,
            None if after.is_empty() => NTP_PORT,
            None => return Err(SourceError::Brackets),
        };
        let host = v6(inside).ok_or_else(|| SourceError::Address(inside.to_owned()))?;
        return Ok((host, port));
    }
    if let Some(host) = v6(authority) {
        return Ok((host, NTP_PORT));
    }
    let (host, port) = match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => return Err(SourceError::Brackets),
        Some((host, port)) => (host, parse_port(port)?),
        None => (authority, NTP_PORT),
    };
    Ok((name_or_v4(host)?, port))
}

/// An IPv6 address with an optional zone. `%25` is how a URL writes `%`; no zone index that is
/// written with two digits is lost by reading it so, since `%25` alone stays zone 25.
fn v6(text: &str) -> Option<Host> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (text, None),
    };
    let address: Ipv6Addr = address.parse().ok()?;
    let zone = match zone.map(|z| {
        z.strip_prefix("25")
            .filter(|rest| !rest.is_empty())
            .unwrap_or(z)
    }) {
        Some("") => return None,
        // A bracket would end the address where it is written with a port.
        Some(zone) if !zone.bytes().all(|b| b.is_ascii_graphic() && b != b']') => return None,
        zone => zone.map(ToOwned::to_owned),
    };
    Some(Host::Address(address.into(), zone))
}

fn parse_port(text: &str) -> Result<u16, SourceError> {
    let wrong = || SourceError::Port(text.to_owned());
    // u16's own parser would take "+123".
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong());
    }
    text.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)
}

fn name_or_v4(host: &str) -> Result<Host, SourceError> {
    if host.is_empty() {
        return Err(SourceError::NoHost);
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Host::Address(address, None));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    if host.len() > LONGEST_NAME || !host.bytes().all(allowed) || host.starts_with('-') {
        return Err(SourceError::Name(host.to_owned()));
    }
    Ok(Host::Name(host.to_owned()))
}

impl Source {
    /// Which time scale the server serves. NTP is UTC (RFC 5905 section 6); a few large services say
    /// in their documentation that they smear leap seconds, which no field of the protocol tells.
    pub fn timescale(&self) -> Timescale {
        /// developers.google.com/time/smear; docs.aws.amazon.com, "Amazon Time Sync Service";
        /// engineering.fb.com, "Building a more accurate time service" (2020).
        const SMEARED: [&str; 5] = [
            "time.google.com",
            "time.android.com",
            "metadata.google.internal",
            "time.aws.com",
            "time.facebook.com",
        ];
        const SMEARED_ADDRESSES: [&str; 2] = ["169.254.169.123", "fd00:ec2::123"];
        let smears = match &self.host {
            Host::Name(name) => {
                // time1.google.com to time4, time1.facebook.com to time5.
                let plain: String = name
                    .trim_end_matches('.')
                    .to_ascii_lowercase()
                    .split('.')
                    .enumerate()
                    .map(|(n, label)| match n {
                        0 => label.trim_end_matches(|c: char| c.is_ascii_digit()),
                        _ => label,
                    })
                    .collect::<Vec<_>>()
                    .join(".");
                SMEARED.contains(&plain.as_str())
            }
            Host::Phc(_) | Host::Rtc(_) => false,
            Host::Address(address, _) => SMEARED_ADDRESSES.contains(&address.to_string().as_str()),
        };
        if smears {
            Timescale::Smeared
        } else {
            Timescale::Utc
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str, zone: Option<&str>) -> Host {
        Host::Address(text.parse().unwrap(), zone.map(ToOwned::to_owned))
    }

    #[test]
    fn clocks_have_names_of_several_kinds() {
        for name in ["/dev/ptp0", "eth0", "ptp_kvm", "KVM virtual PTP"] {
            let source: Source = format!("phc:{name}").parse().unwrap();
            assert_eq!((source.host, source.port), (Host::Phc(name.into()), 0));
        }
        for bad in ["phc:", "phc: ", "phc:\u{1b}[2J"] {
            let error = bad.parse::<Source>().unwrap_err();
            assert!(matches!(error, SourceError::Clock(_)), "{bad:?}");
        }
        let source: Source = "rtc:/dev/rtc0".parse().unwrap();
        assert_eq!(
            (source.host, source.port),
            (Host::Rtc("/dev/rtc0".into()), 0)
        );
        let long = format!("rtc:/{}", "r".repeat(255));
        for bad in ["rtc:", "rtc:rtc0", "rtc:0", "rtc:/dev/rtc0\u{1b}[2J", &long] {
            let error = bad.parse::<Source>().unwrap_err();
            assert!(matches!(error, SourceError::Rtc(_)), "{bad:?}");
        }
        // A server of that name can still be asked.
        let server: Source = "ntp://phc:123".parse().unwrap();
        assert_eq!(server.host, Host::Name("phc".into()));
    }

    #[test]
    fn every_documented_form_is_understood() {
        let name = || Host::Name("ntp.example.org".into());
        for (text, host, port) in [
            ("ntp.example.org", name(), 123),
            ("ntp.example.org:1123", name(), 1123),
            ("ntp://ntp.example.org", name(), 123),
            ("NTP://ntp.example.org:1123/", name(), 1123),
            ("192.0.2.1", address("192.0.2.1", None), 123),
            ("192.0.2.1:1123", address("192.0.2.1", None), 1123),
            ("2001:db8::1", address("2001:db8::1", None), 123),
            ("[2001:db8::1]", address("2001:db8::1", None), 123),
            ("[2001:db8::1]:1123", address("2001:db8::1", None), 1123),
            ("fe80::1%eth0", address("fe80::1", Some("eth0")), 123),
            ("fe80::1%2", address("fe80::1", Some("2")), 123),
            ("fe80::1%25", address("fe80::1", Some("25")), 123),
            (
                "[fe80::1%eth0]:1123",
                address("fe80::1", Some("eth0")),
                1123,
            ),
            (
                "ntp://[fe80::1%25eth0]",
                address("fe80::1", Some("eth0")),
                123,
            ),
        ] {
            let source: Source = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((source.host, source.port), (host, port), "{text}");
        }
    }

    #[test]
    fn what_is_no_source_is_refused_by_name() {
        use SourceError as E;
        for (text, error) in [
            ("", E::NoHost),
            ("ntp://", E::NoHost),
            (":123", E::NoHost),
            ("http://a", E::Scheme("http".into())),
            ("[2001:db8::1", E::Brackets),
            ("[2001:db8::1]123", E::Brackets),
            ("a:1:2", E::Brackets),
            ("a:", E::Port(String::new())),
            ("a:0", E::Port("0".into())),
            ("a:65536", E::Port("65536".into())),
            ("a:+1", E::Port("+1".into())),
            ("[192.0.2.1]", E::Address("192.0.2.1".into())),
            ("fe80::1%", E::Brackets),
            ("fe80::1%a]b", E::Brackets),
            ("a b", E::Name("a b".into())),
            ("-rf", E::Name("-rf".into())),
            ("a\u{1b}[2J", E::Name("a\u{1b}[2J".into())),
            ("user@host", E::Extra),
            ("ntp://host/path", E::Extra),
        ] {
            assert_eq!(text.parse::<Source>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn smearing_services_are_known_by_name() {
        let scale = |text: &str| text.parse::<Source>().unwrap().timescale();
        assert_eq!(scale("time3.google.com"), Timescale::Smeared);
        assert_eq!(scale("TIME.google.com."), Timescale::Smeared);
        assert_eq!(scale("fd00:ec2::123"), Timescale::Smeared);
        assert_eq!(scale("nottime.google.com"), Timescale::Utc);
        assert_eq!(scale("ntp.example.org"), Timescale::Utc);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(ntp://)?[\\[\\]:%.a-f0-9@/-]{0,40}|.{0,40}") {
            let _ = text.parse::<Source>();
        }
    }
}
