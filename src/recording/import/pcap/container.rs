//! [`Container`]: a capture file as a row of stamped frames, whatever its format.

use std::io::{self, BufRead};

use super::classic::Classic;
use super::error::CaptureError;
use super::input::Input;
use super::link::Link;
use super::ng::Ng;
use super::order::ByteOrder;
use super::report::Unused;
use super::resolution::Resolution;
use crate::time::{TimeDelta, Timestamp};

/// Bytes of a frame that are kept: room for headers of every kind and the longest NTP packet that is
/// looked at.
pub(super) const MAX_FRAME: u64 = 4096;

/// The longest frame that a capture of the link types read here holds (libpcap `pcap-int.h`,
/// MAXIMUM_SNAPLEN): a longer one is a damaged length.
pub(super) const MAX_CAPTURED: u32 = 262_144;

/// What stands next in a capture.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A packet; its frame is in the buffer that was handed in.
    Packet(Found),
    /// A packet that cannot be used.
    Unused(Unused),
    /// A packet of a link type that is not known here.
    Link(u16),
    /// The end.
    End,
    /// The end, within a packet.
    Torn,
    /// Bytes behind which nothing can be found any more.
    Damaged(String),
}

/// A frame's place in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) at: Timestamp,
    /// What the clock may have read beyond `at`.
    pub(super) error: TimeDelta,
    pub(super) link: Link,
    /// Whether there was more of the frame on the wire than is at hand.
    pub(super) cut: bool,
}

/// How a file starts, by its first four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Magic {
    Classic(ByteOrder, Resolution),
    Ng,
    /// A variant that is refused, by its name.
    Variant(&'static str),
}

/// The first block of pcapng; it reads the same from both ends.
pub(super) const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

impl Magic {
    pub(super) fn of(bytes: [u8; 4]) -> Option<Self> {
        use ByteOrder::{Big, Little};
        if bytes == SECTION {
            return Some(Self::Ng);
        }
        [Big, Little]
            .into_iter()
            .find_map(|order| match order.u32(bytes) {
                0xa1b2_c3d4 => Some(Self::Classic(order, Resolution::MICROSECONDS)),
                0xa1b2_3c4d => Some(Self::Classic(order, Resolution::NANOSECONDS)),
                0xa1b2_cd34 => Some(Self::Variant("Kuznetzov's modified pcap")),
                0x1c00_01ac | 0x1c00_01ab => Some(Self::Variant("Ixia's lcap")),
                _ => None,
            })
    }
}

/// A capture behind its first header.
#[derive(Debug)]
pub(super) struct Container<R> {
    input: Input<R>,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Classic(Classic),
    Ng(Ng),
}

/// Why a first header cannot be used.
pub(super) enum BadStart {
    Truncated,
    Version(u16, u16),
}

impl<R: BufRead> Container<R> {
    pub(super) fn open(inner: R, name: &str) -> Result<Self, CaptureError> {
        let failed = |error| CaptureError::Read {
            name: name.to_owned(),
            error,
        };
        let mut input = Input::new(inner);
        let magic = input.array().map_err(failed)?.and_then(Magic::of);
        let format = match magic {
            None => Err(CaptureError::NotACapture {
                name: name.to_owned(),
            })?,
            Some(Magic::Variant(variant)) => Err(CaptureError::Variant {
                name: name.to_owned(),
                variant,
            })?,
            Some(Magic::Classic(order, resolution)) => {
                let started = Classic::start(order, resolution, &mut input);
                started.map_err(failed)?.map(Format::Classic)
            }
            Some(Magic::Ng) => Ng::start(&mut input).map_err(failed)?.map(Format::Ng),
        };
        let format = format.map_err(|bad| match bad {
            BadStart::Truncated => CaptureError::Truncated {
                name: name.to_owned(),
            },
            BadStart::Version(major, minor) => CaptureError::Version {
                name: name.to_owned(),
                format: if magic == Some(Magic::Ng) {
                    "pcapng"
                } else {
                    "pcap"
                },
                major,
                minor,
            },
        })?;
        Ok(Self { input, format })
    }

    pub(super) fn format(&self) -> &'static str {
        match self.format {
            Format::Classic(_) => "pcap",
            Format::Ng(_) => "pcapng",
        }
    }

    /// The next packet, its frame in `frame`. After anything but a packet or an unused one there is
    /// nothing more to ask for.
    pub(super) fn next(&mut self, frame: &mut Vec<u8>) -> io::Result<Step> {
        match &mut self.format {
            Format::Classic(classic) => classic.next(&mut self.input, frame),
            Format::Ng(ng) => ng.next(&mut self.input, frame),
        }
    }
}
