//! [`CaptureReport`]: what of a capture was not used, and why.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Unknown link types that are kept by number; a damaged file could name any number of them.
const MAX_LINK_TYPES: usize = 8;

/// Declares why packets are not used, with what is said of so many of them.
macro_rules! unused {
    ($($(#[$meta:meta])* $variant:ident = $says:literal;)+) => {
        /// Why a packet of a capture is no part of the measurement. Replies that a client would refuse
        /// are not among them: they count as rejected, by source.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Unused { $($(#[$meta])* $variant,)+ }

        impl Unused {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What follows "N packets" in a sentence.
            const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)+ }
            }
        }
    };
}

unused! {
    /// No UDP, or not NTP by port or content.
    Other = "are not NTP";
    /// A Simple Packet Block of pcapng, which has no stamp.
    NoStamp = "have no time stamp (Simple Packet Blocks)";
    /// A stamp that makes no sense, or is beyond 64-bit nanoseconds.
    BadStamp = "have a time stamp that makes no sense";
    /// A block that contradicts itself, or names an interface that was not described.
    BadBlock = "stand in blocks that do not add up";
    /// The interface's stamps cannot be read: its description is too long, or their unit too small.
    BadInterface = "are of interfaces whose description cannot be used";
    /// A link type that is not known here.
    LinkType = "are of a link type that is not read here";
    /// The snap length cut it before the end of the NTP header.
    Cut = "were cut short by the snap length before the end of the NTP header";
    /// A fragment of an IP packet.
    Fragment = "are IP fragments";
    /// IP or UDP headers that contradict themselves.
    Malformed = "have IP or UDP headers that do not add up";
    /// A UDP checksum that does not fit: whoever receives the packet drops it.
    Checksum = "have a wrong UDP checksum, so their receivers drop them";
    /// To or from port 123, but shorter than an NTP header.
    Short = "are too short for NTP";
    /// NTP of a version whose layout is not known here.
    Version = "are of another version of NTP than 1 to 4";
    /// Mode 1 or 2.
    Symmetric = "are of symmetric NTP associations, which are not measured";
    /// Mode 5.
    Broadcast = "are NTP broadcasts, which are not measured";
    /// Modes 6 and 7.
    Control = "are NTP control messages";
    /// Mode 0.
    Reserved = "are of NTP's reserved mode 0";
    /// A packet seen once more, on another interface or a mirror port.
    Copy = "are copies of packets seen just before";
    /// A reply of a server that the capture shows no request to by that client.
    Unasked = "are replies without a request in the capture";
    /// An interleaved reply that completes an exchange which the capture does not hold.
    NotHeld = "are interleaved replies that complete exchanges which the capture does not hold";
    /// A request or reply of a source beyond those that are kept.
    BeyondSources = "are of pairs of client and server beyond the first 100000";
}

/// What of a capture was not used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CaptureReport {
    /// Packets in the capture, a torn last one included.
    pub packets: u64,
    /// Those that were not used, by reason.
    pub unused: BTreeMap<Unused, u64>,
    /// Link types that are not read here, at most 8 of them.
    pub link_types: BTreeSet<u16>,
    /// Whether the capture stops within a packet.
    pub torn: bool,
    /// Where reading had to stop, if not at the end: the packets before it, and what is wrong there.
    pub damage: Option<(u64, String)>,
}

impl CaptureReport {
    /// Whether all was read that the capture holds: packets may still be of no use, but none was
    /// damaged, cut short or in a form that is not known here.
    pub fn is_whole(&self) -> bool {
        let harmless = |unused: &Unused| {
            use Unused::{
                BadBlock, BadInterface, BadStamp, BeyondSources, Checksum, Cut, Fragment, LinkType,
                Malformed, NoStamp,
            };
            !matches!(
                unused,
                NoStamp
                    | BadStamp
                    | BadBlock
                    | BadInterface
                    | LinkType
                    | Cut
                    | Fragment
                    | Malformed
                    | Checksum
                    | BeyondSources
            )
        };
        !self.torn && self.damage.is_none() && self.unused.keys().all(harmless)
    }

    /// What a person should know, one sentence each; none where every packet was used or is not NTP.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((before, what)) = &self.damage {
            lines.push(format!(
                "the capture is damaged after {before} packets and was not read on: {what}"
            ));
        }
        if self.torn {
            lines.push("the last packet is torn and was skipped; those before it are used".into());
        }
        for (unused, count) in &self.unused {
            if *unused == Unused::Other {
                continue;
            }
            let types = if *unused == Unused::LinkType {
                let types: Vec<_> = self.link_types.iter().map(u16::to_string).collect();
                format!(" (LINKTYPE {})", types.join(", "))
            } else {
                String::new()
            };
            lines.push(format!("{count} packets {}{types}", unused.says()));
        }
        lines
    }

    pub(super) fn count(&mut self, unused: Unused) {
        *self.unused.entry(unused).or_default() += 1;
    }

    pub(super) fn count_link(&mut self, link: u16) {
        self.count(Unused::LinkType);
        if self.link_types.len() < MAX_LINK_TYPES {
            self.link_types.insert(link);
        }
    }
}
