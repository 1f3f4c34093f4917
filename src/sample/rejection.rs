//! [`Rejection`]: why a packet is not a sample; [`StampFault`]: why a stamp was not used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Declares a fieldless enum whose names, texts and order have one home.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal, $says:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $(#[doc = $says] $variant,)+ }

        impl $name {
            /// Every variant, in the order of the tests.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name used in recordings and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// One sentence for a person.
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $says,)+ }
            }
        }
    };
}

named! {
    /// Why a received packet is not a sample. The tests run in this order; the first that fails
    /// names the packet.
    Rejection {
        Oversized = "oversized", "It is longer than any NTP packet this program reads.";
        Truncated = "truncated", "It is shorter than the 48 bytes of an NTP header.";
        BadExtension = "bad_extension", "Its extension fields do not add up (RFC 7822).";
        WrongVersion = "wrong_version", "Its version is not 4, the version that was asked.";
        WrongMode = "wrong_mode", "It is not a server's reply (mode 4).";
        BogusOrigin = "bogus_origin", "Its origin is none of the random numbers sent (RFC 5905 test 2).";
        Duplicate = "duplicate", "It answers the request that was answered last, once more (test 1).";
        Replay = "replay", "It answers an older request that was already finished.";
        TooLate = "too_late", "It answers a request that had been given up.";
        KissRate = "kiss_rate", "Kiss code RATE: the server asks for fewer requests (RFC 5905 section 7.4).";
        KissDeny = "kiss_deny", "Kiss code DENY: the server refuses service.";
        KissRestrict = "kiss_restrict", "Kiss code RSTR: the server refuses service by policy.";
        KissOther = "kiss_other", "Another kiss code; the packet is not a sample.";
        Unsynchronised = "unsynchronised", "The server's clock is not synchronised: leap 3, stratum 0 or above 15 (test 6).";
        ZeroStamp = "zero_stamp", "The server's receive or transmit stamp is zero (test 3).";
        RepeatedStamps = "repeated_stamps", "Both server stamps are those of the reply before (test 1, RFC 9769).";
        RootDistance = "root_distance", "Root delay / 2 + root dispersion is 16 s or more (test 7).";
        StampsReversed = "stamps_reversed", "The reply left the server before the request arrived (T3 before T2).";
        WrongExchange = "wrong_exchange", "An interleaved reply whose transmit stamp is not of the exchange it should complete.";
        ClockStep = "clock_step", "The local clock was stepped between the request and the reading of its reply, so T1 and T4 may not be of one clock.";
        NegativeDelay = "negative_delay", "Delay is negative beyond the error of the stamps: a clock slewed in mid-exchange, or the server lies.";
        TimeOutOfRange = "time_out_of_range", "A server stamp is beyond what 64-bit nanoseconds hold.";
    }
}

named! {
    /// Why a local stamp that was asked for was not used. Without the network card's the exchange
    /// has the kernel's at both ends; without the kernel's a user-space stamp at that end. It is
    /// labelled so.
    StampFault {
        MissingTx = "missing_tx", "The kernel's transmit stamp did not come within 100 ms of the reply.";
        MissingRx = "missing_rx", "The reply came without a kernel receive stamp.";
        OutsideWindow = "outside_window", "The transmit stamp is not between the send call and the reply.";
        UnknownId = "unknown_id", "A transmit stamp came for a packet that is not awaited.";
        NoId = "no_id", "A transmit stamp came without its packet's number, or was cut off.";
        MissingHardwareTx = "missing_hardware_tx", "The network card's transmit stamp did not come within 100 ms of the reply.";
        MissingHardwareRx = "missing_hardware_rx", "The reply came without the network card's receive stamp.";
        HardwareOutsideWindow = "hardware_outside_window", "The network card's stamps are not between the kernel's.";
        NoConversion = "no_conversion", "A stamp of the network card could not be placed on the system clock: its clock was stepped, or could not be read.";
        FailedSend = "failed_send", "The kernel refused to send; a new socket was opened, since older kernels count such a send.";
    }
}

impl Rejection {
    /// Whether the packet answered an open request (its origin matched), which is then over. The
    /// tests before that one leave every request open: anybody can send such packets.
    pub fn ends_request(self) -> bool {
        self >= Self::KissRate
    }
}

impl StampFault {
    /// Whether it is of a network card's stamp, and cost an exchange its hardware stamps.
    pub fn is_of_hardware(self) -> bool {
        matches!(
            self,
            Self::MissingHardwareTx
                | Self::MissingHardwareRx
                | Self::HardwareOutsideWindow
                | Self::NoConversion
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn just_what_only_the_server_can_send_ends_a_request() {
        for r in Rejection::ALL {
            let place = Rejection::ALL.iter().position(|x| x == r);
            let kiss = Rejection::ALL
                .iter()
                .position(|x| *x == Rejection::KissRate);
            assert_eq!(r.ends_request(), place >= kiss, "{r:?}");
        }
        assert!(Rejection::ClockStep.ends_request());
        assert!(!Rejection::TooLate.ends_request());
    }

    #[test]
    fn names_are_the_serialised_ones_and_unique() {
        for r in Rejection::ALL {
            assert_eq!(
                serde_json::to_string(r).unwrap(),
                format!("\"{}\"", r.name())
            );
        }
        for f in StampFault::ALL {
            assert_eq!(
                serde_json::to_string(f).unwrap(),
                format!("\"{}\"", f.name())
            );
        }
    }
}
