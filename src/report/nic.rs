//! [`NicReport`]: what each interface can stamp, in the shape of a published schema.
//!
//! Names and nulls are those of `docs/nic.md`; `docs/nic.schema.json` is generated from these types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clean::clean;
use crate::net::nic::{
    AskError, CardClock, Driver, Interface, Kind, Link, Offer, Outlook, PhcAccess, RxFilter,
    Setting, TxType,
};

/// Name and version of the shape of [`NicReport`]. The version grows when a field changes its
/// meaning or goes; a new field is no new version.
pub const NIC_SCHEMA: &str = "clockfit-nic/1";

/// What the interfaces of this network namespace can stamp, the most interesting first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NicReport {
    /// Name and version of this shape: `clockfit-nic/1`.
    pub schema: String,
    /// Program and version that looked.
    pub tool: String,
    /// One for each interface.
    pub interfaces: Vec<InterfaceReport>,
}

/// One interface. What could not be found out is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InterfaceReport {
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub kind: NicKind,
    /// What clockfit can do with its stamps.
    pub outlook: OutlookReport,
    /// Its link.
    pub link: LinkReport,
    /// Who drives it.
    pub driver: Option<DriverReport>,
    /// For a VLAN, a bond or a bridge: the cards beneath, which are what stamps; else empty.
    pub beneath: Vec<String>,
    /// What it says it can stamp.
    pub offer: Option<OfferReport>,
    /// How it is set to stamp.
    pub setting: Option<SettingReport>,
    /// Why `setting` is null; null if it is not.
    pub setting_error: Option<String>,
    /// Its clock.
    pub clock: Option<ClockReport>,
}

/// What an interface is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NicKind {
    /// A device: a card, or what a hypervisor shows as one.
    Physical,
    /// Software alone.
    Virtual,
    /// The loopback.
    Loopback,
}

/// What clockfit can do with an interface's stamps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutlookReport {
    /// For programs.
    pub code: OutlookCode,
    /// For people.
    pub text: String,
}

/// What clockfit can do with an interface's stamps, by its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutlookCode {
    /// Hardware stamps both ways: set, and the clock can be read.
    HardwareReady,
    /// Hardware stamps both ways are offered, and not set.
    HardwareOffered,
    /// Hardware stamps both ways are offered, and the card is set for something else.
    HardwareInUse,
    /// Hardware stamps both ways are offered, and the driver does not say how the card is set.
    SettingUnknown,
    /// Hardware stamps both ways are set, and the clock cannot be read.
    ClockUnreadable,
    /// Hardware stamps one way only.
    HardwareOneWay,
    /// Kernel stamps both ways, and no hardware stamps.
    Kernel,
    /// Kernel stamps one way only.
    KernelOneWay,
    /// No stamps but the program's own.
    User,
    /// Others stamp: those in `beneath`.
    Beneath,
    /// The interface does not say.
    Unknown,
}

/// The state of a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkReport {
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it hears the other end.
    pub carrier: Option<bool>,
    /// Speed in Mbit/s.
    pub speed_mbit_s: Option<u32>,
    /// `full` or `half`.
    pub duplex: Option<String>,
}

/// Who drives an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriverReport {
    /// Name of the driver.
    pub name: String,
    /// Version of the firmware.
    pub firmware: Option<String>,
    /// Where the device sits, such as a PCI address.
    pub bus: Option<String>,
}

/// What an interface says it can stamp, in the kernel's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OfferReport {
    /// SOF_TIMESTAMPING_* it has.
    pub capabilities: Vec<String>,
    /// HWTSTAMP_TX_* it takes.
    pub tx_types: Vec<String>,
    /// HWTSTAMP_FILTER_* it takes.
    pub rx_filters: Vec<String>,
}

/// How an interface is set to stamp, in the kernel's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingReport {
    /// HWTSTAMP_TX_*: which sent packets are stamped.
    pub tx_type: String,
    /// HWTSTAMP_FILTER_*: which received packets are stamped.
    pub rx_filter: String,
}

/// The clock of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockReport {
    /// N of /dev/ptpN.
    pub phc: u32,
    /// Its device file.
    pub device: String,
    /// What its driver calls it.
    pub name: Option<String>,
    /// Whether this user can read it.
    pub readable: bool,
    /// Why it cannot be read; null if it can.
    pub error: Option<String>,
}

impl NicReport {
    /// The report of a survey, in its order. Text from outside is cleaned here.
    ///
    /// ```
    /// let report = clockfit::report::NicReport::new("clockfit 0.1.0", &[]);
    /// assert_eq!(report.schema, "clockfit-nic/1");
    /// ```
    pub fn new(tool: &str, interfaces: &[Interface]) -> Self {
        Self {
            schema: NIC_SCHEMA.to_owned(),
            tool: clean(tool),
            interfaces: interfaces.iter().map(InterfaceReport::new).collect(),
        }
    }
}

impl InterfaceReport {
    fn new(interface: &Interface) -> Self {
        let setting = interface.setting.as_ref();
        Self {
            name: clean(&interface.name),
            kind: match interface.kind {
                Kind::Physical => NicKind::Physical,
                Kind::Virtual => NicKind::Virtual,
                Kind::Loopback => NicKind::Loopback,
            },
            outlook: OutlookReport::new(interface),
            link: LinkReport::new(&interface.link),
            driver: interface.driver.as_ref().map(DriverReport::new),
            beneath: interface.beneath.iter().map(|name| clean(name)).collect(),
            offer: interface.offer.as_ref().ok().map(OfferReport::new),
            setting: setting.ok().map(SettingReport::new),
            setting_error: setting.err().map(|e| clean(&e.to_string())),
            clock: interface.clock.as_ref().map(ClockReport::new),
        }
    }
}

impl OutlookReport {
    fn new(interface: &Interface) -> Self {
        let outlook = interface.outlook();
        Self {
            code: OutlookCode::from(outlook),
            text: sentence(interface, outlook),
        }
    }
}

impl From<Outlook> for OutlookCode {
    fn from(outlook: Outlook) -> Self {
        match outlook {
            Outlook::HardwareReady => Self::HardwareReady,
            Outlook::HardwareOffered => Self::HardwareOffered,
            Outlook::HardwareInUse => Self::HardwareInUse,
            Outlook::SettingUnknown => Self::SettingUnknown,
            Outlook::ClockUnreadable => Self::ClockUnreadable,
            Outlook::HardwareOneWay => Self::HardwareOneWay,
            Outlook::Kernel => Self::Kernel,
            Outlook::KernelOneWay => Self::KernelOneWay,
            Outlook::User => Self::User,
            Outlook::Beneath => Self::Beneath,
            Outlook::Unknown => Self::Unknown,
        }
    }
}

/// What can be done, and how.
fn sentence(interface: &Interface, outlook: Outlook) -> String {
    let clock = interface.clock.as_ref();
    let unread = clock.and_then(|clock| Some((device(clock.index), hindrance(&clock.access)?)));
    let also = match (&unread, outlook) {
        (_, Outlook::ClockUnreadable) | (None, _) => String::new(),
        (Some((device, why)), _) => format!("; it takes {device} too, and {why}"),
    };
    match outlook {
        Outlook::HardwareReady => "hardware stamps both ways: set, clock readable".to_owned(),
        Outlook::HardwareOffered => {
            format!(
                "kernel stamps: hardware stamps are offered, and not set (measure --timestamps \
                 hardware does){also}"
            )
        }
        Outlook::HardwareInUse => format!(
            "kernel stamps: hardware stamps are offered, and set for something else, such as PTP \
             (--take-over-nic overrides){also}"
        ),
        Outlook::SettingUnknown => "hardware stamps offered, but the driver does not say how they \
             are set, so that clockfit could not restore it: kernel stamps"
            .to_owned(),
        Outlook::ClockUnreadable => {
            let (device, why) = unread.unwrap_or_default();
            format!(
                "kernel stamps: hardware stamps are set both ways, but {device} gives their time, \
                 and {why}"
            )
        }
        Outlook::HardwareOneWay => {
            let transmit = interface.offer.as_ref().is_ok_and(Offer::hardware_transmit);
            let way = if transmit { "sent" } else { "received" };
            format!("kernel stamps: hardware stamps {way} NTP packets only, an exchange needs both")
        }
        Outlook::Kernel => "kernel stamps only: driver offers no hardware".to_owned(),
        Outlook::KernelOneWay => {
            let transmit = interface.offer.as_ref().is_ok_and(Offer::kernel_transmit);
            let way = if transmit { "received" } else { "sent" };
            format!("kernel stamps one way only: {way} packets are stamped by clockfit itself")
        }
        Outlook::User => "no stamps but clockfit's own: driver offers none".to_owned(),
        Outlook::Beneath => format!(
            "stamped by what is beneath: {}",
            clean(&interface.beneath.join(", "))
        ),
        Outlook::Unknown => {
            let why = interface.offer.as_ref().err();
            let why = why.map_or_else(|| AskError::Vanished.to_string(), AskError::to_string);
            format!("unknown what it stamps: {}", clean(&why))
        }
    }
}

fn device(index: u32) -> String {
    format!("/dev/ptp{index}")
}

/// What stands between this user and a clock.
fn hindrance(access: &PhcAccess) -> Option<String> {
    match access {
        PhcAccess::Readable => None,
        PhcAccess::Denied => Some("this user may not read it".to_owned()),
        PhcAccess::NoDevice => Some("there is no such file here".to_owned()),
        PhcAccess::Failed(why) => Some(clean(why)),
    }
}

impl LinkReport {
    fn new(link: &Link) -> Self {
        Self {
            up: link.up,
            carrier: link.carrier,
            speed_mbit_s: link.speed,
            duplex: link.duplex.as_deref().map(clean),
        }
    }
}

impl DriverReport {
    fn new(driver: &Driver) -> Self {
        Self {
            name: clean(&driver.name),
            firmware: driver.firmware.as_deref().map(clean),
            bus: driver.bus.as_deref().map(clean),
        }
    }
}

impl OfferReport {
    fn new(offer: &Offer) -> Self {
        Self {
            capabilities: offer.capability_names(),
            tx_types: offer.tx_types().into_iter().map(TxType::name).collect(),
            rx_filters: offer.rx_filters().into_iter().map(RxFilter::name).collect(),
        }
    }
}

impl SettingReport {
    fn new(setting: &Setting) -> Self {
        Self {
            tx_type: setting.tx.name(),
            rx_filter: setting.rx.name(),
        }
    }
}

impl ClockReport {
    fn new(clock: &CardClock) -> Self {
        Self {
            phc: clock.index,
            device: device(clock.index),
            name: clock.name.as_deref().map(clean),
            readable: clock.access == PhcAccess::Readable,
            error: hindrance(&clock.access),
        }
    }
}
