//! [`Environment`]: where a run took place, so that its numbers can be compared with others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// The hypervisor, `vm` if it hides its name, `none` on bare metal, absent if unknown; in a
    /// container followed by a slash and the kind of container (`kvm/docker`).
    pub virtualisation: Option<String>,
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
