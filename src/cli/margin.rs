//! What `clockfit compare` is told: metrics, margins, confidence and which sources belong together.

use std::str::FromStr;

use super::units;
use crate::fitness::compare::{Margin, Metric, Pair};
use crate::stats::Probability;

/// A margin, for one metric or for all that are times: `5%`, `10us`, `jitter_p99=10%`.
///
/// ```
/// use clockfit::cli::margin::MarginOf;
/// use clockfit::fitness::compare::{Margin, Metric};
/// let own: MarginOf = "loss=0.5%".parse().unwrap();
/// assert_eq!((own.metric, own.margin), (Some(Metric::Loss), Margin::Share(5_000)));
/// assert!("5".parse::<MarginOf>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginOf {
    /// For which.
    pub metric: Option<Metric>,
    /// How much.
    pub margin: Margin,
}

impl FromStr for MarginOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (of, text) = match text.split_once('=') {
            Some((name, margin)) => (Some(metric(name)?), margin),
            None => (None, text),
        };
        let margin = match text.strip_suffix('%') {
            Some(percent) => Margin::Share(ppm(percent)?),
            None => Margin::Time(
                units::duration(text).map_err(|error| format!("{error}; or a share, as in 5%"))?,
            ),
        };
        Ok(Self { metric: of, margin })
    }
}

/// A metric by its name.
///
/// # Errors
/// A sentence that names those there are.
pub fn metric(name: &str) -> Result<Metric, String> {
    Metric::named(name).ok_or_else(|| {
        let names = Metric::ALL.map(Metric::name);
        format!("there is no metric {name:?}: {} are", names.join(", "))
    })
}

/// A confidence in percent, with two decimals at most: `95%`, `99.9`.
///
/// ```
/// use clockfit::{cli::margin::confidence, stats::Probability};
/// assert_eq!(confidence("95%"), Ok(Probability::P95));
/// assert!(confidence("100%").is_err());
/// ```
///
/// # Errors
/// A sentence that says what is wrong.
pub fn confidence(text: &str) -> Result<Probability, String> {
    let wrong = || {
        format!(
            "expected more than 0 % and less than 100 %, with two decimals at most, as in 95%, not {text:?}"
        )
    };
    const IN_ONE_PART: i64 = 100;
    let parts = ppm(text.strip_suffix('%').unwrap_or(text)).map_err(|_| wrong())?;
    let is_whole = parts % IN_ONE_PART == 0;
    u32::try_from(parts / IN_ONE_PART)
        .ok()
        .filter(|parts| is_whole && (1..Probability::WHOLE).contains(parts))
        .and_then(Probability::from_parts)
        .ok_or_else(wrong)
}

/// A source on both sides, or one of BASE and one of NEW: `ntp1`, `ntp1=ntp2`.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn pair(text: &str) -> Result<Pair, String> {
    let (base, new) = text.split_once('=').unwrap_or((text, text));
    if base.is_empty() || new.is_empty() {
        return Err("a name is missing: NAME, or NAME of BASE=NAME of NEW".to_owned());
    }
    Ok(Pair {
        base: base.to_owned(),
        new: new.to_owned(),
    })
}

/// Percent with four decimals at most in parts per million.
fn ppm(percent: &str) -> Result<i64, String> {
    const DECIMALS: usize = 4;
    /// As many digits before the point as anybody needs.
    const WHOLE: usize = 6;
    let percent = percent.trim();
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = (1..=WHOLE).contains(&whole.len()) && fraction.len() <= DECIMALS;
    let wrong = || format!("expected a share such as 5% or 0.25%, not \"{percent}%\"");
    if !fits || !are_digits(whole) || !are_digits(fraction) {
        return Err(wrong());
    }
    format!("{whole}{fraction:0<DECIMALS$}")
        .parse()
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::TimeDelta;

    #[test]
    fn margins_are_shares_or_times() {
        let margin = |text: &str| text.parse::<MarginOf>().map(|of| (of.metric, of.margin));
        assert_eq!(margin("5%"), Ok((None, Margin::Share(50_000))));
        assert_eq!(margin("0%"), Ok((None, Margin::Share(0))));
        assert_eq!(margin("12.3456%"), Ok((None, Margin::Share(123_456))));
        assert_eq!(
            margin("delay_p99=10us"),
            Ok((
                Some(Metric::DelayP99),
                Margin::Time(TimeDelta::from_micros(10))
            ))
        );
        for bad in [
            "", "5", "-5%", "%", ".%", "5 ms%", "1.23456%", "1234567%", "+5%", "p99=5%", "=5%",
            "loss=", "5%%", "-10us",
        ] {
            assert!(margin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_confidence_is_between_nothing_and_all() {
        assert_eq!(confidence("99.9"), Ok(Probability::P99_9));
        for bad in [
            "", "0", "0%", "100", "101%", "95.001%", "-95%", "high", "1e1",
        ] {
            assert!(confidence(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sources_belong_together_by_name() {
        let names = |text| pair(text).map(|of| (of.base, of.new));
        assert_eq!(names("a"), Ok(("a".to_owned(), "a".to_owned())));
        assert_eq!(names("a=b"), Ok(("a".to_owned(), "b".to_owned())));
        assert!(names("").is_err() && names("a=").is_err() && names("=b").is_err());
    }
}
