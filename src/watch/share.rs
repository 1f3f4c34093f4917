//! Time that the hypervisor gives to others: told where it is a share of this host that matters.

use crate::sample::{Change, ClockReading, Disturbance, Reading, Steal};
use crate::time::TimeDelta;

use super::between;

/// Parts of a thousand of all processors' time. Below 5 % a host shares its machine as most virtual
/// ones do; above, programs wait often enough to show in the tail of what they measure.
const SHARE: i64 = 50;

/// The shortest time over which a share is taken: the kernel counts in hundredths of a second.
const SHORTEST: TimeDelta = TimeDelta::from_millis(900);

/// After this an account of what goes on is given, so that a run that is killed has it.
const LONGEST: TimeDelta = TimeDelta::from_secs(60);

/// What was stolen so far.
#[derive(Debug, Default)]
pub(super) struct Theft {
    last: Option<(Reading, Steal)>,
    going_on: Option<GoingOn>,
}

/// Stretches that followed each other, each above the share.
#[derive(Debug)]
struct GoingOn {
    began: Reading,
    ended: ClockReading,
    stolen: TimeDelta,
    processors: u32,
}

impl Theft {
    /// Takes a reading; returns what is over.
    pub(super) fn handle(&mut self, reading: &ClockReading) -> Option<Disturbance> {
        let Some(steal) = reading.steal else {
            self.last = None;
            return self.finish();
        };
        let here = (reading.clocks, steal);
        let (began, before) = *self.last.get_or_insert(here);
        let elapsed = reading.clocks.counter.since(began.counter);
        if elapsed < SHORTEST {
            return None;
        }
        self.last = Some(here);
        let stolen = steal.total - before.total;
        let all = elapsed.times(i64::from(steal.processors.max(1)));
        if stolen.times(1_000) <= all.times(SHARE) {
            return self.finish();
        }
        let going_on = self.going_on.get_or_insert_with(|| GoingOn {
            began,
            ended: ClockReading::default(),
            stolen: TimeDelta::ZERO,
            processors: steal.processors,
        });
        going_on.ended = reading.clone();
        going_on.stolen += stolen;
        let within = reading.clocks.counter.since(going_on.began.counter);
        if within < LONGEST {
            return None;
        }
        self.finish()
    }

    /// What goes on is over, or is told as if it were.
    pub(super) fn finish(&mut self) -> Option<Disturbance> {
        let GoingOn {
            began,
            ended,
            stolen,
            processors,
        } = self.going_on.take()?;
        let within = ended.clocks.counter.since(began.counter);
        let change = Change::Steal {
            stolen,
            within,
            processors,
        };
        Some(between(change, began, began, &ended))
    }
}
