//! The kernel's words for stamps: what an interface offers ([`Offer`]) and how it is set
//! ([`Setting`]). Numbers and names are those of linux/net_tstamp.h, names in lower case and without
//! their prefix.

/// Capabilities by bit, from bit 0 (SOF_TIMESTAMPING_*).
const CAPABILITIES: [&str; 19] = [
    "tx_hardware",
    "tx_software",
    "rx_hardware",
    "rx_software",
    "software",
    "sys_hardware",
    "raw_hardware",
    "opt_id",
    "tx_sched",
    "tx_ack",
    "opt_cmsg",
    "opt_tsonly",
    "opt_stats",
    "opt_pktinfo",
    "opt_tx_swhw",
    "bind_phc",
    "opt_id_tcp",
    "opt_rx_filter",
    "tx_completion",
];

/// Transmit settings by number (HWTSTAMP_TX_*).
const TX_TYPES: [&str; 4] = ["off", "on", "onestep_sync", "onestep_p2p"];

/// Receive filters by number (HWTSTAMP_FILTER_*).
const RX_FILTERS: [&str; 16] = [
    "none",
    "all",
    "some",
    "ptp_v1_l4_event",
    "ptp_v1_l4_sync",
    "ptp_v1_l4_delay_req",
    "ptp_v2_l4_event",
    "ptp_v2_l4_sync",
    "ptp_v2_l4_delay_req",
    "ptp_v2_l2_event",
    "ptp_v2_l2_sync",
    "ptp_v2_l2_delay_req",
    "ptp_v2_event",
    "ptp_v2_sync",
    "ptp_v2_delay_req",
    "ntp_all",
];

const SOF_TX_HARDWARE: u32 = 1;
const SOF_TX_SOFTWARE: u32 = 1 << 1;
const SOF_RX_HARDWARE: u32 = 1 << 2;
const SOF_RX_SOFTWARE: u32 = 1 << 3;
const SOF_SOFTWARE: u32 = 1 << 4;
const SOF_RAW_HARDWARE: u32 = 1 << 6;

/// The names of the bits that are set; `bit_N` for those that are younger than this program.
pub(in crate::net) fn capabilities(bits: u32) -> Vec<String> {
    set_bits(bits)
        .map(|bit| name(&CAPABILITIES, bit, "bit"))
        .collect()
}

fn set_bits(bits: u32) -> impl Iterator<Item = i32> {
    (0..32).filter(move |bit| bits >> bit & 1 == 1)
}

fn name(known: &[&str], number: i32, what: &str) -> String {
    let known = usize::try_from(number).ok().and_then(|n| known.get(n));
    known.map_or_else(|| format!("{what}_{number}"), |name| (*name).to_owned())
}

/// How sent packets are stamped: a number of HWTSTAMP_TX_*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TxType(pub i32);

impl TxType {
    /// No sent packet is stamped.
    pub const OFF: Self = Self(0);
    /// Each sent packet that asks for it is stamped.
    pub const ON: Self = Self(1);

    /// The kernel's name; `type_N` where it is younger than this program.
    pub fn name(self) -> String {
        name(&TX_TYPES, self.0, "type")
    }
}

/// Which received packets are stamped: a number of HWTSTAMP_FILTER_*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RxFilter(pub i32);

impl RxFilter {
    /// No received packet is stamped.
    pub const NONE: Self = Self(0);
    /// Every received packet is stamped.
    pub const ALL: Self = Self(1);
    /// Every NTP packet over UDP is stamped, by its port.
    pub const NTP_ALL: Self = Self(15);

    /// The kernel's name; `filter_N` where it is younger than this program.
    pub fn name(self) -> String {
        name(&RX_FILTERS, self.0, "filter")
    }

    /// Whether every NTP packet is stamped.
    pub fn takes_ntp(self) -> bool {
        self == Self::ALL || self == Self::NTP_ALL
    }
}

/// How a network card is set to stamp: `struct hwtstamp_config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setting {
    /// Sent packets.
    pub tx: TxType,
    /// Received packets.
    pub rx: RxFilter,
    /// HWTSTAMP_FLAG_*: kept as found.
    pub flags: i32,
}

impl Setting {
    /// Nothing is stamped: how cards start.
    pub const OFF: Self = Self {
        tx: TxType::OFF,
        rx: RxFilter::NONE,
        flags: 0,
    };

    /// Whether somebody uses it: anything is stamped.
    pub fn in_use(self) -> bool {
        self.tx != TxType::OFF || self.rx != RxFilter::NONE
    }

    /// Whether both packets of an NTP exchange are stamped.
    pub fn stamps_both_ways(self) -> bool {
        self.tx != TxType::OFF && self.rx.takes_ntp()
    }
}

impl std::fmt::Display for Setting {
    /// `transmit on, receive ptp_v2_event`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "transmit {}, receive {}", self.tx.name(), self.rx.name())
    }
}

/// What an interface says it can stamp (ETHTOOL_GET_TS_INFO). It is a claim: there are cards that
/// claim all of it and never deliver a stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// SOF_TIMESTAMPING_* bits.
    pub capabilities: u32,
    /// HWTSTAMP_TX_* it takes, each as the bit of its number.
    pub tx_types: u32,
    /// HWTSTAMP_FILTER_* it takes, each as the bit of its number.
    pub rx_filters: u32,
    /// N of its /dev/ptpN, where it has one.
    pub phc: Option<u32>,
}

impl Offer {
    /// Capabilities by name: `tx_hardware`, `rx_software`...
    pub fn capability_names(&self) -> Vec<String> {
        capabilities(self.capabilities)
    }

    /// Transmit settings it takes.
    pub fn tx_types(&self) -> Vec<TxType> {
        set_bits(self.tx_types).map(TxType).collect()
    }

    /// Receive filters it takes.
    pub fn rx_filters(&self) -> Vec<RxFilter> {
        set_bits(self.rx_filters).map(RxFilter).collect()
    }

    /// Whether the kernel can stamp what is sent.
    pub fn kernel_transmit(&self) -> bool {
        self.has(SOF_TX_SOFTWARE | SOF_SOFTWARE)
    }

    /// Whether the kernel can stamp what is received.
    pub fn kernel_receive(&self) -> bool {
        self.has(SOF_RX_SOFTWARE | SOF_SOFTWARE)
    }

    /// Whether the card can stamp what is sent.
    pub fn hardware_transmit(&self) -> bool {
        self.has(SOF_TX_HARDWARE | SOF_RAW_HARDWARE) && self.tx_types().contains(&TxType::ON)
    }

    /// Whether the card can stamp every NTP packet that is received.
    pub fn hardware_receive(&self) -> bool {
        self.has(SOF_RX_HARDWARE | SOF_RAW_HARDWARE)
            && self.rx_filters().into_iter().any(RxFilter::takes_ntp)
    }

    fn has(&self, bits: u32) -> bool {
        self.capabilities & bits == bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the igb driver answers for an 82576: it cannot stamp every received packet.
    const IGB: Offer = Offer {
        capabilities: 0x5f,
        tx_types: 0b11,
        rx_filters: 1 | 1 << 4 | 1 << 5 | 1 << 12,
        phc: Some(0),
    };

    #[test]
    fn names_are_those_of_the_kernel() {
        assert_eq!(TxType::ON.name(), "on");
        assert_eq!(RxFilter::NTP_ALL.name(), "ntp_all");
        assert_eq!(RxFilter(12).name(), "ptp_v2_event");
        assert_eq!(RxFilter(16).name(), "filter_16");
        assert_eq!(TxType(-1).name(), "type_-1");
        assert_eq!(Setting::OFF.to_string(), "transmit off, receive none");
        let names = capabilities(0x8000_005f);
        assert_eq!(names.first().map(String::as_str), Some("tx_hardware"));
        assert_eq!(names.last().map(String::as_str), Some("bit_31"));
        assert_eq!(names.len(), 7);
    }

    #[test]
    #[cfg(all(target_os = "linux", not(clockfit_portable)))]
    fn numbers_are_those_of_the_kernel() {
        let number = |n: libc::c_uint| i32::try_from(n).unwrap();
        assert_eq!(TxType::ON.0, number(libc::HWTSTAMP_TX_ON));
        assert_eq!(RxFilter::ALL.0, number(libc::HWTSTAMP_FILTER_ALL));
        assert_eq!(RxFilter::NTP_ALL.0, number(libc::HWTSTAMP_FILTER_NTP_ALL));
        let event = number(libc::HWTSTAMP_FILTER_PTP_V2_EVENT);
        assert_eq!(RxFilter(event).name(), "ptp_v2_event");
        assert_eq!(SOF_RAW_HARDWARE, libc::SOF_TIMESTAMPING_RAW_HARDWARE);
        assert_eq!(SOF_SOFTWARE, libc::SOF_TIMESTAMPING_SOFTWARE);
    }

    #[test]
    fn an_offer_is_read_bit_by_bit() {
        assert!(IGB.hardware_transmit() && IGB.kernel_transmit() && IGB.kernel_receive());
        assert!(!IGB.hardware_receive(), "only PTP is stamped on the way in");
        let filters: Vec<_> = IGB.rx_filters().into_iter().map(RxFilter::name).collect();
        let expected = [
            "none",
            "ptp_v1_l4_sync",
            "ptp_v1_l4_delay_req",
            "ptp_v2_event",
        ];
        assert_eq!(filters, expected);
        let all = Offer {
            rx_filters: 0b11,
            ..IGB
        };
        assert!(all.hardware_receive());
        // A card that takes the setting but has no raw stamps to give.
        let hollow = Offer {
            capabilities: 0x1f,
            ..all
        };
        assert!(!hollow.hardware_receive() && !hollow.hardware_transmit());
        // vmxnet3: no stamp of what is sent.
        let vmxnet3 = Offer {
            capabilities: 0x18,
            ..Offer::default()
        };
        assert!(vmxnet3.kernel_receive() && !vmxnet3.kernel_transmit());
    }

    #[test]
    fn one_way_is_in_use_but_not_both_ways() {
        let transmit = Setting {
            tx: TxType::ON,
            ..Setting::OFF
        };
        assert!(transmit.in_use() && !transmit.stamps_both_ways());
        let ptp = Setting {
            rx: RxFilter(12),
            ..transmit
        };
        assert!(ptp.in_use() && !ptp.stamps_both_ways());
        let ntp = Setting {
            rx: RxFilter::NTP_ALL,
            ..transmit
        };
        assert!(ntp.stamps_both_ways() && !Setting::OFF.in_use());
    }
}
