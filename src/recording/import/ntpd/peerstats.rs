//! `peerstats`: the exchange that ntpd's clock filter picked, each time that it picked a new one.

use super::super::error::Trouble;
use super::super::lines::{Fields, LineFormat, any_line_fits};
use super::super::number::{Halves, nanos_nearest};
use super::super::output::{Output, estimate, on_local_clock};
use super::{ADDRESS, OFFSET, instant, is_clock, source};
use crate::sample::{Exchange, Mode, Rejection, Sample, StampSource};
use crate::time::TimeDelta;

/// Columns of xntpd, and of ntpd with the jitter.
const OLD_COLUMNS: usize = 7;
const NEW_COLUMNS: usize = 8;

/// How much of an exchange's own dispersion is in the one that is logged: the filter adds up those of its
/// eight stages, each weighing half of the one before it (RFC 5905 section 10). So the picked exchange's
/// is at most twice as much.
const DISPERSION_TIMES: u8 = 2;

/// The inverse of PHI, 15 ppm, by which a dispersion grows with age (RFC 5905 figure 2), rounded up.
const SECONDS_PER_DISPERSION: i64 = 66_667;

const SIZES: &str = "numbers below 292 years, and no dispersion below 0";

/// Whether a file with this start is one.
pub(in crate::recording) fn claims(start: &[u8]) -> bool {
    any_line_fits(start, Peerstats)
}

/// The format.
#[derive(Debug)]
pub(in crate::recording) struct Peerstats;

impl LineFormat for Peerstats {
    fn take(&mut self, mut fields: Fields<'_>, out: &mut Output) -> Result<(), Trouble> {
        if ![OLD_COLUMNS, NEW_COLUMNS].contains(&fields.count_left()) {
            return Err(fields.trouble("a line of 7 or 8 columns"));
        }
        let (at, at_error) = instant(&mut fields)?;
        let address = fields.field().name(ADDRESS)?;
        fields
            .field()
            .hexadecimal("a status word in hexadecimal digits")?;
        let field = fields.field();
        let offset = field.decimal(OFFSET)?;
        let delay = fields.field().decimal("a delay in seconds")?;
        let dispersion = fields.field().decimal("a dispersion in seconds")?;
        if let Some(jitter) = fields.next() {
            jitter.decimal("a jitter in seconds")?;
        }
        let halves = Halves::of(offset, delay, dispersion, DISPERSION_TIMES);
        let middle = offset.parts().and_then(|(down, _)| nanos_nearest(down));
        let numbers = halves.zip(middle).zip(offset.half_a_digit());
        let ((halves, middle), half_a_digit) = numbers.ok_or_else(|| field.trouble(SIZES))?;

        let id = out.source(address, || source(address));
        if delay.is_negative() {
            out.reject(id, at, Rejection::NegativeDelay);
        } else if is_clock(address) {
            out.sample(id, estimate(at, at_error, middle, half_a_digit));
        } else {
            let exchange = Exchange {
                t1: at,
                upper: halves.upper,
                residence: TimeDelta::ZERO,
                lower: halves.lower,
                tx: StampSource::Foreign,
                rx: StampSource::Foreign,
                error: halves.error,
            };
            out.sample(
                id,
                Sample {
                    exchange,
                    mode: Mode::Basic,
                    at: on_local_clock(at),
                    // It may be as old as its dispersion says.
                    at_error: at_error + halves.error.times(SECONDS_PER_DISPERSION),
                },
            );
        }
        Ok(())
    }

    fn meaning(&self) -> String {
        "Exchanges that ntpd's clock filter picked, each the one of least delay among the last eight: slow \
         ones are missing, and each may be eight polls older than its line. The local clock is the \
         system's, which ntpd steers. Twice ntpd's dispersion is in each error. Reference clocks are \
         estimates that prove nothing. Of servers nothing is told, so no bound is proven."
            .to_owned()
    }
}
