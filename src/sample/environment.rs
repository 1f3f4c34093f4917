//! [`Environment`]: where a run took place, so that its numbers can be compared with others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::TimeDelta;

/// What the host said about itself before the first packet. Text that cannot be read is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Host name.
    pub host: Option<String>,
    /// Linux boot id: two runs with one boot id share a MONOTONIC_RAW axis.
    pub boot_id: Option<String>,
    /// Operating system and kernel release.
    pub kernel: Option<String>,
    /// What the kernel reads time from: tsc, kvm-clock, hpet...
    pub clocksource: Option<String>,
    /// What it could read time from instead, the one in use included; absent in recordings of
    /// versions that did not look.
    #[serde(default)]
    pub clocksources: Option<Vec<String>>,
    /// The hypervisor, by its name in systemd-detect-virt(1) where it has one there; `vm` if it hides
    /// its name, `none` on bare metal, absent if unknown; in a container followed by a slash and the
    /// kind of container (`kvm/docker`).
    pub virtualisation: Option<String>,
    /// The file that told the hypervisor, or that there is none.
    #[serde(default)]
    pub virtualisation_from: Option<String>,
    /// How much of a machine this is; empty in recordings of versions that did not look.
    #[serde(default)]
    pub machine: Machine,
    /// Names of time daemons seen running; from within a container only its own are seen.
    pub time_daemons: Vec<String>,
    /// Interfaces that are up, loopback included.
    pub nics: Vec<Nic>,
    /// PTP hardware clocks; absent in recordings of versions that did not look for them.
    #[serde(default)]
    pub ptp_clocks: Vec<PtpClock>,
    /// Whether the process runs with user id 0.
    pub privileged: bool,
}

/// How much of a machine a host is: a cloud calls that its flavor. What cannot be read is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Who made it, by its firmware: of a guest often the cloud.
    pub vendor: Option<String>,
    /// Its model by its firmware: of a guest often the flavor.
    pub product: Option<String>,
    /// Model of its first processor.
    pub cpu: Option<String>,
    /// Processors that are online.
    pub processors: Option<u32>,
    /// How many of them this process may run on.
    pub usable: Option<u32>,
    /// The tightest limit of processor time that a control group (version 2) sets this process.
    pub quota: Option<Quota>,
    /// Memory that the kernel manages, in bytes.
    pub memory_bytes: Option<u64>,
}

/// A limit of processor time: so much in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Quota {
    /// Time of all processors together, in nanoseconds.
    #[serde(rename = "quota_ns")]
    #[schemars(with = "i64")]
    pub quota: TimeDelta,
    /// The period, in nanoseconds.
    #[serde(rename = "period_ns")]
    #[schemars(with = "i64")]
    pub period: TimeDelta,
}

/// A PTP hardware clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PtpClock {
    /// Its device: `/dev/ptp0`.
    pub device: String,
    /// What its driver calls it (`KVM virtual PTP`), where it can be read.
    pub name: Option<String>,
}

/// A network interface and the stamps it says it can give.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nic {
    /// Interface name.
    pub name: String,
    /// Kernel driver, where one is named.
    pub driver: Option<String>,
    /// SOF_TIMESTAMPING capabilities by name (`tx_software`, `rx_hardware`...); absent if the
    /// interface cannot be asked.
    pub stamps: Option<Vec<String>>,
    /// Index N of its /dev/ptpN, where it has one.
    pub phc: Option<u32>,
}
