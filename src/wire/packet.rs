//! [`Packet`]: a header, the extension fields behind it, and the authenticator at the end.

use super::header::Header;
use crate::sample::Rejection;

/// The longest packet that is looked at, in bytes. An NTP packet travels in one datagram that is
/// not fragmented: 1472 bytes fill an Ethernet frame over IPv4. The next power of two leaves room
/// for links with a larger one, and a socket's buffer of this size plus one byte sees what is cut.
pub const MAX_PACKET_LEN: usize = 2048;

/// The shortest extension field, its four bytes of type and length included (RFC 7822 section 3).
const MIN_EXTENSION_LEN: usize = 16;
/// The shortest last one where no authenticator follows: 24 would pass for one.
const MIN_LAST_EXTENSION_LEN: usize = 28;
/// Type and length in front of an extension field's value.
const EXTENSION_PREFIX_LEN: usize = 4;
/// A key id of zero alone: "your authenticator was not right" (RFC 5905 section 7.3).
const CRYPTO_NAK_LEN: usize = 4;
/// Key id and a digest of 128 bits (MD5, AES-CMAC of RFC 8573).
const SHORT_MAC_LEN: usize = 20;
/// Key id and a digest of 160 bits (SHA-1, or a longer one cut to this).
const LONG_MAC_LEN: usize = 24;

/// Why bytes are not an NTP packet. All offsets are in bytes from the end of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Shorter than the header.
    #[error("{length} bytes are fewer than the 48 of an NTP header")]
    TooShort {
        /// Bytes received.
        length: usize,
    },
    /// Longer than [`MAX_PACKET_LEN`].
    #[error("{length} bytes are more than the {MAX_PACKET_LEN} that are looked at")]
    TooLong {
        /// Bytes received.
        length: usize,
    },
    /// An extension field whose length is not a multiple of four.
    #[error("the extension field at {at} has {length} bytes, which is no multiple of four")]
    ExtensionUnaligned {
        /// Where it starts.
        at: usize,
        /// Its length by its own word.
        length: usize,
    },
    /// An extension field shorter than 16 bytes.
    #[error("the extension field at {at} has {length} bytes, fewer than the least of 16")]
    ExtensionTooShort {
        /// Where it starts.
        at: usize,
        /// Its length by its own word.
        length: usize,
    },
    /// An extension field that claims more than there is.
    #[error("the extension field at {at} claims {length} bytes, but {left} are left")]
    ExtensionBeyondEnd {
        /// Where it starts.
        at: usize,
        /// Its length by its own word.
        length: usize,
        /// What there is.
        left: usize,
    },
    /// Bytes that are too few for a last extension field (28) and are no authenticator (4, 20, 24).
    #[error("the {left} bytes at {at} are neither an extension field nor an authenticator")]
    Stray {
        /// Where they start.
        at: usize,
        /// How many there are.
        left: usize,
    },
}

impl ParseError {
    /// The name under which a reply that does not parse is counted.
    pub const fn rejection(self) -> Rejection {
        match self {
            Self::TooShort { .. } => Rejection::Truncated,
            Self::TooLong { .. } => Rejection::Oversized,
            Self::ExtensionUnaligned { .. }
            | Self::ExtensionTooShort { .. }
            | Self::ExtensionBeyondEnd { .. }
            | Self::Stray { .. } => Rejection::BadExtension,
        }
    }
}

/// An NTP packet, borrowing all but its header from the bytes it was parsed from.
///
/// ```text
/// +--------+-------------------+--------------------------------+
/// | header | extension fields  | authenticator                  |
/// |   48   | 0, 28.. (RFC 7822)| none, 4 (crypto-NAK), 20 or 24 |
/// +--------+-------------------+--------------------------------+
/// ```
///
/// No length says where the authenticator begins. RFC 7822 settles it by size: what is left is an
/// authenticator if it is 4, 20 or 24 bytes long, so the last extension field must have at least
/// 28 where none follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The first 48 bytes.
    pub header: Header,
    extensions: &'a [u8],
    authenticator: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a datagram. Nothing is refused for what the fields say, only for lengths that do not
    /// add up: whether a reply is to be believed is the association's business.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_PACKET_LEN {
            let length = bytes.len();
            return Err(ParseError::TooLong { length });
        }
        let (header, rest) = Header::split_from(bytes)?;
        let (extensions, authenticator) = split_extensions(rest, 0)?;
        Ok(Self {
            header,
            extensions,
            authenticator,
        })
    }

    /// A packet of these parts: `extensions` as [`Extension::write`] leaves them, `authenticator`
    /// of 0, 4, 20 or 24 bytes. Refused where a reader would split it differently, such as a last
    /// extension field of 16 bytes with no authenticator behind.
    pub fn new(
        header: Header,
        extensions: &'a [u8],
        authenticator: &'a [u8],
    ) -> Result<Self, ParseError> {
        let length = super::HEADER_LEN + extensions.len() + authenticator.len();
        if length > MAX_PACKET_LEN {
            return Err(ParseError::TooLong { length });
        }
        let stray = |at, left| ParseError::Stray { at, left };
        if !is_authenticator(authenticator.len()) {
            return Err(stray(extensions.len(), authenticator.len()));
        }
        let (fields, rest) = split_extensions(extensions, authenticator.len())?;
        if !rest.is_empty() {
            return Err(stray(fields.len(), rest.len() + authenticator.len()));
        }
        Ok(Self {
            header,
            extensions,
            authenticator,
        })
    }

    /// Appends the packet as it travels.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.header.to_bytes());
        out.extend_from_slice(self.extensions);
        out.extend_from_slice(self.authenticator);
    }

    /// The extension fields, in order.
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions(self.extensions)
    }

    /// Key id and digest (20 or 24 bytes), a crypto-NAK (4 bytes), or nothing. It is kept, not
    /// checked: there is no key here.
    pub fn authenticator(&self) -> &'a [u8] {
        self.authenticator
    }
}

/// One extension field (RFC 7822): a type, and a value whose padding to four bytes is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    kind: u16,
    value: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The field `kind` with a value of at least 12 bytes and a multiple of four.
    pub fn new(kind: u16, value: &'a [u8]) -> Result<Self, ParseError> {
        let length = value.len() + EXTENSION_PREFIX_LEN;
        check_length(0, length)?;
        if length > MAX_PACKET_LEN - super::HEADER_LEN {
            return Err(ParseError::TooLong { length });
        }
        Ok(Self { kind, value })
    }

    /// The field type, as registered with IANA.
    pub const fn kind(self) -> u16 {
        self.kind
    }

    /// The value with its padding.
    pub const fn value(self) -> &'a [u8] {
        self.value
    }

    /// Appends the field as it travels.
    pub fn write(self, out: &mut Vec<u8>) {
        let length = u16::try_from(self.value.len() + EXTENSION_PREFIX_LEN).unwrap_or(u16::MAX);
        out.extend_from_slice(&self.kind.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(self.value);
    }
}

/// The extension fields of one packet, in order.
#[derive(Clone, Debug)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        // The lengths were checked when the packet was made; should they ever not fit, it ends.
        let (kind, length) = prefix(self.0)?;
        let (field, rest) = self.0.split_at_checked(length)?;
        let (_, value) = field.split_at_checked(EXTENSION_PREFIX_LEN)?;
        self.0 = rest;
        Some(Extension { kind, value })
    }
}

/// Whether this many bytes at the end of a packet are no extension field but its authenticator.
const fn is_authenticator(length: usize) -> bool {
    matches!(length, 0 | CRYPTO_NAK_LEN | SHORT_MAC_LEN | LONG_MAC_LEN)
}

/// Splits `bytes`, behind which `more` further ones follow, into extension fields and the rest.
fn split_extensions(bytes: &[u8], more: usize) -> Result<(&[u8], &[u8]), ParseError> {
    let mut rest = bytes;
    while !is_authenticator(rest.len() + more) {
        let at = bytes.len() - rest.len();
        let left = rest.len() + more;
        let stray = ParseError::Stray { at, left };
        if left < MIN_LAST_EXTENSION_LEN {
            return Err(stray);
        }
        let (_, length) = prefix(rest).ok_or(stray)?;
        check_length(at, length)?;
        let beyond = ParseError::ExtensionBeyondEnd { at, length, left };
        (_, rest) = rest.split_at_checked(length).ok_or(beyond)?;
    }
    Ok(bytes.split_at(bytes.len() - rest.len()))
}

/// Type and length of the extension field that `bytes` begin with.
fn prefix(bytes: &[u8]) -> Option<(u16, usize)> {
    let &[kind_hi, kind_lo, length_hi, length_lo] = bytes.first_chunk()?;
    let kind = u16::from_be_bytes([kind_hi, kind_lo]);
    let length = u16::from_be_bytes([length_hi, length_lo]);
    Some((kind, usize::from(length)))
}

/// What RFC 7822 asks of every extension field's length, its prefix included.
const fn check_length(at: usize, length: usize) -> Result<(), ParseError> {
    if length < MIN_EXTENSION_LEN {
        return Err(ParseError::ExtensionTooShort { at, length });
    }
    if !length.is_multiple_of(4) {
        return Err(ParseError::ExtensionUnaligned { at, length });
    }
    Ok(())
}
