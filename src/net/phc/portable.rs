//! Where there are no PTP clocks.

use std::io;
use std::path::Path;

use super::{PhcError, Reading};
use crate::sample::PtpClock;

/// A PHC, of which there is none here.
#[derive(Debug)]
pub struct Phc;

impl Phc {
    /// Opens nothing.
    pub fn open(_: &Path) -> Result<Self, PhcError> {
        Err(PhcError::Unsupported)
    }

    /// Reads nothing.
    pub fn read(&self) -> io::Result<Reading> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// No clocks.
pub fn all() -> Vec<PtpClock> {
    Vec::new()
}

/// Finds nothing.
pub fn find(_: &str) -> Result<PtpClock, PhcError> {
    Err(PhcError::Unsupported)
}
