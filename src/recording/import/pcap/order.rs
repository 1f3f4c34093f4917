//! [`ByteOrder`]: which end of a number a capture's writer put first.

use super::bytes::Bytes;

/// The order of bytes in the headers of a file or section: that of the machine which wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Big,
    Little,
}

impl ByteOrder {
    pub(super) const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Big => u16::from_be_bytes(bytes),
            Self::Little => u16::from_le_bytes(bytes),
        }
    }

    pub(super) const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Big => u32::from_be_bytes(bytes),
            Self::Little => u32::from_le_bytes(bytes),
        }
    }

    pub(super) const fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Big => i64::from_be_bytes(bytes),
            Self::Little => i64::from_le_bytes(bytes),
        }
    }

    pub(super) fn take_u16(self, bytes: &mut Bytes<'_>) -> Option<u16> {
        bytes.array().map(|b| self.u16(b))
    }

    pub(super) fn take_u32(self, bytes: &mut Bytes<'_>) -> Option<u32> {
        bytes.array().map(|b| self.u32(b))
    }
}
