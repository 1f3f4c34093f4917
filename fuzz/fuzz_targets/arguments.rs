//! Any text as what people write on a command line: sources, durations and rates parse or are
//! refused in words, and what parses is written and parsed again to the same. No command line
//! panics.

#![no_main]

use clap::Parser;
use clockfit::cli::args::Args;
use clockfit::cli::source::{Host, Source};
use clockfit::cli::units::{duration, positive_duration, ppm, signed_duration};
use clockfit::time::TimeDelta;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    source(text);
    units(text);
    // A command line takes a thousand times as long as a value does: one word is tried as a value
    // alone.
    if text.contains(char::is_whitespace) {
        command_line(text);
    }
});

fn command_line(text: &str) {
    let words = std::iter::once("clockfit").chain(text.split_whitespace());
    if let Err(error) = Args::try_parse_from(words) {
        assert!(!error.to_string().is_empty());
    }
}

fn source(text: &str) {
    let source: Source = match text.parse() {
        Ok(source) => source,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(source.to_string(), text);
    let _ = source.timescale();
    if let Host::Phc(name) = &source.host {
        assert_eq!((format!("phc:{name}").as_str(), source.port), (text, 0));
        return;
    }
    if let Host::Rtc(device) = &source.host {
        assert_eq!((format!("rtc:{device}").as_str(), source.port), (text, 0));
        return;
    }
    assert_ne!(source.port, 0);

    let plain = render(&source);
    for text in [format!("ntp://{plain}"), format!("NTP://{plain}/"), plain] {
        // A server of that name takes the scheme to be told from a clock.
        if text.starts_with("phc:") || text.starts_with("rtc:") {
            continue;
        }
        let again: Source = text.parse().unwrap_or_else(|e| panic!("{text:?}: {e}"));
        assert_eq!(again.host, source.host, "{text:?}");
        assert_eq!(again.port, source.port, "{text:?}");
    }
}

/// The source from its parts, in the one form that says everything.
fn render(source: &Source) -> String {
    let port = source.port;
    match &source.host {
        Host::Phc(name) => format!("phc:{name}"),
        Host::Rtc(device) => format!("rtc:{device}"),
        Host::Name(name) => format!("{name}:{port}"),
        Host::Address(address, None) if address.is_ipv4() => format!("{address}:{port}"),
        Host::Address(address, None) => format!("[{address}]:{port}"),
        // A zone that itself starts with 25 can be told from the escape only behind the escape.
        Host::Address(address, Some(zone)) => format!("[{address}%25{zone}]:{port}"),
    }
}

fn units(text: &str) {
    if let Ok(time) = duration(text) {
        assert!(time >= TimeDelta::ZERO);
        assert_eq!(duration(&format!("{}ns", time.as_nanos())), Ok(time));
        assert_eq!(signed_duration(text), Ok(time));
        assert_eq!(signed_duration(&format!("-{text}")), Ok(-time));
        assert_eq!(positive_duration(text).is_ok(), time > TimeDelta::ZERO);
    }
    if let Ok(rate) = ppm(text) {
        let ppb = rate.as_ppb();
        let sign = if ppb < 0 { "-" } else { "" };
        let (whole, thousandths) = (ppb.unsigned_abs() / 1000, ppb.unsigned_abs() % 1000);
        assert_eq!(ppm(&format!("{sign}{whole}.{thousandths:03}")), Ok(rate));
    }
}
