//! [`CaptureError`]: why nothing can be measured from a capture.

use std::io;

/// Why a packet capture gives no measurement at all.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Reading failed.
    #[error("cannot read {name}: {error}")]
    Read {
        /// The file.
        name: String,
        /// The system's error.
        error: io::Error,
    },
    /// It starts like no capture.
    #[error("{name} is no packet capture in the formats pcap or pcapng")]
    NotACapture {
        /// The file.
        name: String,
    },
    /// A variant of pcap whose records have another layout.
    #[error(
        "{name} is a capture in {variant}, which is not read here; \
         rewrite it as pcapng: editcap {name} NEW.pcapng"
    )]
    Variant {
        /// The file.
        name: String,
        /// What the variant is known as.
        variant: &'static str,
    },
    /// A version of the format whose layout is not known here.
    #[error("{name} is a capture of {format} version {major}.{minor}, which is not read here")]
    Version {
        /// The file.
        name: String,
        /// The format.
        format: &'static str,
        /// Its major version.
        major: u16,
        /// Its minor version.
        minor: u16,
    },
    /// It stops within its first header.
    #[error("{name} stops within its header, before any packet")]
    Truncated {
        /// The file.
        name: String,
    },
    /// There are packets, but none that could be used.
    #[error(
        "{name} holds no NTP request or reply among {packets} packets{why}; \
         capture with: tcpdump -i any --time-stamp-precision=nano -w FILE udp port 123"
    )]
    NoNtp {
        /// The file.
        name: String,
        /// Packets in it.
        packets: u64,
        /// What is known of them: empty, or led in by a colon.
        why: String,
    },
}
