//! [`ConditionsReport`]: under which conditions a clock was measured, beside what is said of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::clean;
use super::quantity::{percent, plain};
use crate::estimate::{Conditions, Evidence, Overcommit, Share, Stolen, Untold};
use crate::sample::{Campaign, Machine};

/// What kind of machine measured, and what its hypervisor and its load left of it meanwhile: so that one image can be
/// compared over several machines. It decides nothing. What is not told is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConditionsReport {
    /// The hypervisor, by its name in systemd-detect-virt(1) where it has one there; `vm` if it hides its name, `none`
    /// on bare metal; in a container followed by a slash and its kind.
    pub virtualisation: Option<String>,
    /// The file that told so.
    pub virtualisation_from: Option<String>,
    /// What the kernel reads time from.
    pub clocksource: Option<String>,
    /// What it could read time from, the one in use included.
    pub clocksources: Option<Vec<String>>,
    /// Whether there is another one to change to.
    pub clocksource_may_change: Option<bool>,
    /// How much of a machine it is.
    pub machine: Machine,
    /// Time that the hypervisor gave to others during the run.
    pub stolen: Option<StolenReport>,
    /// Why that is null: `no_count` (there is none, or it was not read twice), `metal` (it is no guest), `never_any`
    /// (none since boot: many hypervisors never tell, which looks the same) or `inconsistent` (it went back, or
    /// processors came or went).
    pub stolen_not_told: Option<NotTold>,
    /// How long the measuring thread waited for a processor during the run.
    pub run_delay_ns: Option<i64>,
    /// The time in which it did.
    pub run_delay_within_ns: Option<i64>,
    /// The share of its processors' time that the host worked, in parts per million; it is counted by ticks of 10 ms.
    pub busy_ppm: Option<u32>,
    /// The share of the time that some task of the host waited for a processor (pressure stall information).
    pub waiting_ppm: Option<u32>,
    /// In how many periods a limit of a control group of this process was reached.
    pub throttled_periods: Option<u64>,
    /// How long processors were held back by that, in all.
    pub throttled_ns: Option<i64>,
    /// Load average of the last minute of the run, in hundredths of a task.
    pub load_average_hundredths: Option<u32>,
    /// Whether there are hints that the machine below was promised to more guests than it has processors for:
    /// `hinted`, `not_seen` (stolen time is counted, and shows none) or `not_told` (nothing would show it).
    pub overcommit: OvercommitName,
    /// These hints. They are no proof: a guest with a capped flavor, or that uses up its credits, looks the same.
    pub hints: Vec<HintReport>,
}

/// Time that a hypervisor gave to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StolenReport {
    /// Of all processors together.
    pub stolen_ns: i64,
    /// What that may be off by, either way: it is counted by ticks.
    pub error_ns: i64,
    /// In which time.
    pub within_ns: i64,
    /// How many processors there were.
    pub processors: u32,
    /// The share of all processors' time that it is at least, in parts per million.
    pub lower_ppm: u32,
    /// The share that it is at most.
    pub upper_ppm: u32,
}

/// Why nothing is told of stolen time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotTold {
    /// There is no such count, or it was not read twice.
    NoCount,
    /// It is no guest.
    Metal,
    /// None was counted since boot.
    NeverAny,
    /// It went back, or processors came or went.
    Inconsistent,
}

/// Whether there are hints at overcommit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OvercommitName {
    /// There are.
    Hinted,
    /// Stolen time is counted, and shows none.
    NotSeen,
    /// Nothing that would show it is told.
    NotTold,
}

/// A hint at overcommit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HintReport {
    /// `stolen`, `stalls` or `waiting`.
    pub code: String,
    /// For people.
    pub text: String,
}

impl ConditionsReport {
    pub(super) fn new(campaign: &Campaign, found: &Conditions) -> Self {
        let host = &campaign.header.environment;
        let text = |t: &Option<String>| t.as_deref().map(clean);
        let machine = &host.machine;
        let ppm = |share: Share| share.as_ppm();
        Self {
            virtualisation: text(&host.virtualisation),
            virtualisation_from: text(&host.virtualisation_from),
            clocksource: text(&host.clocksource),
            clocksources: host
                .clocksources
                .as_ref()
                .map(|all| all.iter().map(|one| clean(one)).collect()),
            clocksource_may_change: host.clocksources.as_ref().map(|all| all.len() > 1),
            machine: Machine {
                vendor: text(&machine.vendor),
                product: text(&machine.product),
                cpu: text(&machine.cpu),
                ..*machine
            },
            stolen: found.stolen.ok().map(StolenReport::from),
            stolen_not_told: found.stolen.err().map(NotTold::from),
            run_delay_ns: found.run_delay.map(|(waited, _)| waited.as_nanos()),
            run_delay_within_ns: found.run_delay.map(|(_, within)| within.as_nanos()),
            busy_ppm: found.busy.map(ppm),
            waiting_ppm: found.waiting.map(ppm),
            throttled_periods: found.throttled.map(|of| of.periods),
            throttled_ns: found.throttled.map(|of| of.total.as_nanos()),
            load_average_hundredths: found.average_hundredths,
            overcommit: found.overcommit().into(),
            hints: found.evidence.iter().map(HintReport::new).collect(),
        }
    }

    /// The ends of the share that was stolen.
    pub(super) fn stolen_ends(&self) -> Option<(u32, u32)> {
        self.stolen.map(|of| (of.lower_ppm, of.upper_ppm))
    }
}

impl From<Stolen> for StolenReport {
    fn from(of: Stolen) -> Self {
        Self {
            stolen_ns: of.total.as_nanos(),
            error_ns: of.error.as_nanos(),
            within_ns: of.within.as_nanos(),
            processors: of.processors,
            lower_ppm: of.lower.as_ppm(),
            upper_ppm: of.upper.as_ppm(),
        }
    }
}

impl From<Untold> for NotTold {
    fn from(why: Untold) -> Self {
        match why {
            Untold::NoCount => Self::NoCount,
            Untold::Metal => Self::Metal,
            Untold::NeverAny => Self::NeverAny,
            Untold::Inconsistent => Self::Inconsistent,
        }
    }
}

impl From<Overcommit> for OvercommitName {
    fn from(of: Overcommit) -> Self {
        match of {
            Overcommit::Hinted => Self::Hinted,
            Overcommit::NotSeen => Self::NotSeen,
            Overcommit::NotTold => Self::NotTold,
        }
    }
}

impl OvercommitName {
    /// In words; none where nothing is told.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::Hinted => Some("hinted"),
            Self::NotSeen => Some("not seen"),
            Self::NotTold => None,
        }
    }
}

impl HintReport {
    fn new(of: &Evidence) -> Self {
        let (code, text) = match *of {
            Evidence::Stolen { lower } => (
                "stolen",
                format!(
                    "the hypervisor gave at least {} of this guest's processor time to others",
                    part(lower.as_ppm())
                ),
            ),
            Evidence::Stalls { times, longest } => {
                let times = match times {
                    1 => "once".to_owned(),
                    n => format!("{n} times"),
                };
                let text = format!(
                    "this program was held up while time was stolen, {times}, for up to {}",
                    plain(longest.as_nanos())
                );
                ("stalls", text)
            }
            Evidence::Waiting { waiting, busy } => (
                "waiting",
                format!(
                    "some task waited for a processor {} of the time, while they worked only {} of it",
                    part(waiting.as_ppm()),
                    part(busy.as_ppm())
                ),
            ),
        };
        Self {
            code: code.to_owned(),
            text,
        }
    }
}

/// A share in percent, rounded down.
pub(super) fn part(ppm: u32) -> String {
    percent(u64::from(ppm), 1_000_000)
}

/// What machines are like, in words.
pub(super) mod words {
    use crate::sample::Machine;

    const KIB: u64 = 1_024;
    const GIB: u64 = KIB * KIB * KIB;

    /// Who made it, and its model.
    pub(in super::super) fn model(of: &Machine) -> Option<String> {
        let named: Vec<&str> = [&of.vendor, &of.product]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        (!named.is_empty()).then(|| named.join(" "))
    }

    /// How many processors, of which model, and how many may be used.
    pub(in super::super) fn processors(of: &Machine) -> Option<String> {
        let count = of.processors.map(|n| match n {
            1 => "1 CPU".to_owned(),
            n => format!("{n} CPUs"),
        });
        let usable = of.usable.filter(|usable| Some(*usable) != of.processors);
        let usable = usable.map(|n| format!("{n} usable by this program"));
        let named: Vec<String> = [count, of.cpu.clone(), usable]
            .into_iter()
            .flatten()
            .collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    /// How much memory: to tenths of a GiB, below one to whole MiB, since kernels keep unlike parts for themselves.
    pub(in super::super) fn memory(of: &Machine) -> Option<String> {
        let bytes = of.memory_bytes?;
        Some(match bytes {
            GIB.. => {
                let tenths = (u128::from(bytes) * 10 + u128::from(GIB / 2)) / u128::from(GIB);
                format!("{}.{} GiB", tenths / 10, tenths % 10)
            }
            _ => format!("{} MiB", bytes / (KIB * KIB)),
        })
    }

    /// The limit of processor time, in processors.
    pub(in super::super) fn limit(of: &Machine) -> Option<String> {
        let quota = of.quota?;
        let (part, period) = (quota.quota.as_nanos(), quota.period.as_nanos());
        // A recording may claim any period.
        let hundredths = (i128::from(part) * 100).checked_div(i128::from(period))?;
        Some(format!(
            "{}.{:02} CPUs",
            hundredths / 100,
            (hundredths % 100).abs()
        ))
    }

    /// The same, or that none is seen by one that looked.
    pub(in super::super) fn quota(of: &Machine) -> Option<String> {
        let looked = of.processors.is_some();
        limit(of).or_else(|| looked.then(|| "none seen".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::words::{limit, memory, model, processors, quota};
    use super::*;
    use crate::sample::Quota;
    use crate::time::TimeDelta;

    #[test]
    fn a_machine_in_words() {
        let of = |bytes| Machine {
            memory_bytes: Some(bytes),
            ..Machine::default()
        };
        assert_eq!(memory(&of(24_683_656 * 1_024)).as_deref(), Some("23.5 GiB"));
        assert_eq!(memory(&of(512 << 20)).as_deref(), Some("512 MiB"));
        assert_eq!(memory(&of(u64::MAX)).as_deref(), Some("17179869184.0 GiB"));
        let mut machine = Machine::default();
        assert_eq!((processors(&machine), model(&machine)), (None, None));
        assert_eq!(quota(&machine), None);
        machine.processors = Some(1);
        machine.usable = Some(1);
        machine.product = Some("small".to_owned());
        assert_eq!(processors(&machine).as_deref(), Some("1 CPU"));
        assert_eq!(model(&machine).as_deref(), Some("small"));
        assert_eq!(quota(&machine).as_deref(), Some("none seen"));
        machine.processors = Some(8);
        let told = processors(&machine);
        assert_eq!(told.as_deref(), Some("8 CPUs, 1 usable by this program"));
        let mut limited = |quota, period| {
            machine.quota = Some(Quota {
                quota: TimeDelta::from_nanos(quota),
                period: TimeDelta::from_nanos(period),
            });
            limit(&machine)
        };
        assert_eq!(limited(150, 100).as_deref(), Some("1.50 CPUs"));
        assert_eq!(limited(150, 0), None);
        assert!(limited(i64::MIN, -1).is_some());
    }
}
