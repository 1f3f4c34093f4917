//! Recordings of other programs, read as if they were ours.

pub mod pcap;
