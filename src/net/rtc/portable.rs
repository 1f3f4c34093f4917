//! Where there are no real-time clocks.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::{Edge, RtcError};

/// An RTC, of which there is none here.
#[derive(Debug)]
pub struct Rtc;

impl Rtc {
    /// Opens nothing.
    pub fn open(_: &Path) -> Result<Self, RtcError> {
        Err(RtcError::Unsupported)
    }

    /// Reads nothing.
    pub fn edge(&mut self, _: Option<&Edge>, _: &AtomicBool) -> io::Result<Option<Edge>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Finds nothing.
pub fn find(_: &Path) -> Result<PathBuf, RtcError> {
    Err(RtcError::Unsupported)
}
