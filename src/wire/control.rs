//! Control messages (mode 6, RFC 9327), by which ntpd tells what it does: those that read, and nothing else.
//!
//! An answer may come in several datagrams, in any order. [`ControlAnswers`] puts them together with limits of its
//! own: no length, offset or count that a datagram claims decides how much is kept.

/// Bytes before the data (RFC 9327 section 2).
pub const CONTROL_HEADER_LEN: usize = 12;

/// The version that requests carry: ntpd since 4.0 and ntpsec answer it, and older ones that of RFC 1305, 3, as well.
const VERSION: u8 = 2;
const MODE: u8 = 6;
/// Bits of the second byte.
const RESPONSE: u8 = 0x80;
const ERROR: u8 = 0x40;
const MORE: u8 = 0x20;
const OPCODE: u8 = 0x1f;

/// Bytes of an answer that are kept: what ntpd says of itself or of a server has 2 kB.
const MOST_BYTES: usize = 32 * 1024;
/// Datagrams of one answer that are kept: ntpd fills them with 468 bytes.
const MOST_PIECES: usize = 80;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlOpcode {
    /// The status of an association; of 0, of all associations.
    ReadStatus,
    /// The variables of an association; of 0, of the system.
    ReadVariables,
}

impl ControlOpcode {
    const fn code(self) -> u8 {
        match self {
            Self::ReadStatus => 1,
            Self::ReadVariables => 2,
        }
    }
}

/// A request that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlRequest {
    /// What for.
    pub opcode: ControlOpcode,
    /// By which its answer is known.
    pub sequence: u16,
    /// Of which association; 0 is the system.
    pub association: u16,
}

impl ControlRequest {
    /// The request as it is sent: it names no variable, and asks for all.
    ///
    /// ```
    /// use clockfit::wire::{ControlOpcode, ControlRequest};
    /// let request = ControlRequest { opcode: ControlOpcode::ReadStatus, sequence: 7, association: 0 };
    /// assert_eq!(request.to_bytes(), [0x16, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0]);
    /// ```
    pub fn to_bytes(self) -> [u8; CONTROL_HEADER_LEN] {
        let [s1, s2] = self.sequence.to_be_bytes();
        let [a1, a2] = self.association.to_be_bytes();
        let first = VERSION << 3 | MODE;
        [first, self.opcode.code(), s1, s2, 0, 0, a1, a2, 0, 0, 0, 0]
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The other side refuses, with this code (RFC 9327 section 3).
    #[error("it refuses, with error {0}")]
    Refused(u8),
    /// Its pieces overlap, or go on behind their end.
    #[error("the pieces of its answer do not fit each other")]
    Misfit,
    /// There are more of them than anybody would send.
    #[error("its answer is too long")]
    TooLong,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlAnswer {
    /// The status word of the association, or of the system.
    pub status: u16,
    /// Its data.
    pub data: Vec<u8>,
}

/// A datagram of an answer.
struct Piece<'a> {
    status: u16,
    is_error: bool,
    is_last: bool,
    offset: usize,
    data: &'a [u8],
}

/// Puts the datagrams together that answer a request.
#[derive(Clone, Debug)]
pub struct ControlAnswers {
    request: ControlRequest,
    /// Where each begins, and what it holds, in this order.
    pieces: Vec<(usize, Vec<u8>)>,
    /// Where the last one ends.
    end: Option<usize>,
    bytes: usize,
}

impl ControlAnswers {
    /// For the answer to this one.
    pub fn to(request: ControlRequest) -> Self {
        Self {
            request,
            pieces: Vec::new(),
            end: None,
            bytes: 0,
        }
    }

    /// Takes a datagram; the answer, once it is whole. What answers something else, is cut short or came before is
    /// passed over.
    ///
    /// ```
    /// use clockfit::wire::{ControlAnswers, ControlOpcode, ControlRequest};
    /// let request = ControlRequest { opcode: ControlOpcode::ReadVariables, sequence: 7, association: 0 };
    /// let mut answers = ControlAnswers::to(request);
    /// let second = [0x16, 0x82, 0, 7, 6, 0x14, 0, 0, 0, 4, 0, 1, b'2', 0, 0, 0];
    /// assert_eq!(answers.take(&second), Ok(None));
    /// let first = [0x16, 0xa2, 0, 7, 6, 0x14, 0, 0, 0, 0, 0, 4, b'a', b'=', b'1', b','];
    /// let whole = answers.take(&first)?.unwrap();
    /// assert_eq!((whole.status, whole.data.as_slice()), (0x614, &b"a=1,2"[..]));
    /// # Ok::<(), clockfit::wire::ControlError>(())
    /// ```
    ///
    /// # Errors
    /// It is refused, or its pieces cannot be those of one answer.
    pub fn take(&mut self, datagram: &[u8]) -> Result<Option<ControlAnswer>, ControlError> {
        let Some(piece) = self.piece(datagram) else {
            return Ok(None);
        };
        if piece.is_error {
            // The code is the first byte of the status word.
            let [code, _] = piece.status.to_be_bytes();
            return Err(ControlError::Refused(code));
        }
        let (start, end) = (piece.offset, piece.offset + piece.data.len());
        let place = self.pieces.partition_point(|(at, _)| *at < start);
        if let Some((at, data)) = self.pieces.get(place)
            && *at == start
        {
            // The same once more; an empty one is the end of what came.
            return match data.as_slice() == piece.data {
                true => Ok(None),
                false => Err(ControlError::Misfit),
            };
        }
        let before = place
            .checked_sub(1)
            .and_then(|place| self.pieces.get(place));
        let after = self.pieces.get(place);
        let is_behind = self.end.is_some_and(|last| end > last || piece.is_last);
        if before.is_some_and(|(at, data)| at + data.len() > start)
            || after.is_some_and(|(at, _)| end > *at || piece.is_last)
            || is_behind
        {
            return Err(ControlError::Misfit);
        }
        self.bytes += piece.data.len();
        if self.bytes > MOST_BYTES || self.pieces.len() >= MOST_PIECES {
            return Err(ControlError::TooLong);
        }
        self.pieces.insert(place, (start, piece.data.to_vec()));
        if piece.is_last {
            self.end = Some(end);
        }
        // They do not overlap: all of them together are whole when nothing lies between them.
        let is_whole = self.end == Some(self.bytes);
        Ok(is_whole.then(|| ControlAnswer {
            status: piece.status,
            data: self
                .pieces
                .iter()
                .flat_map(|(_, data)| data)
                .copied()
                .collect(),
        }))
    }

    /// A datagram that answers the request.
    fn piece<'a>(&self, datagram: &'a [u8]) -> Option<Piece<'a>> {
        let (header, data) = datagram.split_first_chunk::<CONTROL_HEADER_LEN>()?;
        let [first, bits, s1, s2, t1, t2, a1, a2, o1, o2, c1, c2] = *header;
        let number = |high, low| u16::from_be_bytes([high, low]);
        let is_answer = first & 7 == MODE
            && bits & RESPONSE != 0
            && bits & OPCODE == self.request.opcode.code()
            && number(s1, s2) == self.request.sequence
            && number(a1, a2) == self.request.association;
        // Behind the data stand up to three bytes that make words of it, and whoever authenticates.
        let data = data.get(..usize::from(number(c1, c2)))?;
        is_answer.then_some(Piece {
            status: number(t1, t2),
            is_error: bits & ERROR != 0,
            is_last: bits & MORE == 0,
            offset: usize::from(number(o1, o2)),
            data,
        })
    }
}

/// What ntpd thinks of an association: the selection in the high byte of its status word (RFC 9327 section 4.2, and
/// the names of ntpq).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlSelection {
    /// Not valid: it does not answer, or not well enough.
    Reject,
    /// It disagrees with the majority.
    Falseticker,
    /// It is good, and there are enough of them.
    Excess,
    /// It is farther off than others.
    Outlier,
    /// It is combined with others.
    Candidate,
    /// It stands by.
    Backup,
    /// The clock follows it.
    SystemPeer,
    /// The clock follows its pulses.
    PulsePeer,
}

impl ControlSelection {
    /// That of a status word.
    ///
    /// ```
    /// use clockfit::wire::ControlSelection;
    /// assert_eq!(ControlSelection::of_status(0x961a), ControlSelection::SystemPeer);
    /// ```
    pub const fn of_status(status: u16) -> Self {
        match status >> 8 & 7 {
            0 => Self::Reject,
            1 => Self::Falseticker,
            2 => Self::Excess,
            3 => Self::Outlier,
            4 => Self::Candidate,
            5 => Self::Backup,
            6 => Self::SystemPeer,
            _ => Self::PulsePeer,
        }
    }

    /// As ntpq calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Falseticker => "falsetick",
            Self::Excess => "excess",
            Self::Outlier => "outlier",
            Self::Candidate => "candidate",
            Self::Backup => "backup",
            Self::SystemPeer => "sys.peer",
            Self::PulsePeer => "pps.peer",
        }
    }
}

/// The associations in the data of [`ControlOpcode::ReadStatus`] of the system: the number of each, and its status.
pub fn control_associations(data: &[u8]) -> impl Iterator<Item = (u16, u16)> {
    let pairs = data.chunks_exact(4);
    pairs.filter_map(|pair| {
        let [i1, i2, s1, s2] = *pair.first_chunk::<4>()?;
        Some((u16::from_be_bytes([i1, i2]), u16::from_be_bytes([s1, s2])))
    })
}

/// The value of a variable in the data of [`ControlOpcode::ReadVariables`], `name=value, name="value"`; what stands
/// between quotes is no variable.
///
/// ```
/// use clockfit::wire::control_variable;
/// let said = b"version=\"ntpd, offset=3\", stratum=2,\r\noffset=-0.25\r\n";
/// assert_eq!(control_variable(said, "version"), Some("ntpd, offset=3"));
/// assert_eq!(control_variable(said, "offset"), Some("-0.25"));
/// assert_eq!(control_variable(said, "rat"), None);
/// ```
pub fn control_variable<'a>(data: &'a [u8], name: &str) -> Option<&'a str> {
    let mut is_quoted = false;
    let parts = data.split(move |byte| {
        is_quoted ^= *byte == b'"';
        *byte == b',' && !is_quoted
    });
    let mut found = parts.filter_map(|part| {
        let (known, value) = str::from_utf8(part).ok()?.split_once('=')?;
        (known.trim() == name).then(|| value.trim().trim_matches('"'))
    });
    found.next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUEST: ControlRequest = ControlRequest {
        opcode: ControlOpcode::ReadVariables,
        sequence: 0x1234,
        association: 0x2b67,
    };

    fn datagram(offset: u16, data: &[u8], more: bool) -> Vec<u8> {
        let count = u16::try_from(data.len()).unwrap();
        let bits = 0x82 | if more { MORE } else { 0 };
        let mut bytes = vec![0x16, bits, 0x12, 0x34, 0x96, 0x1a, 0x2b, 0x67];
        bytes.extend(offset.to_be_bytes());
        bytes.extend(count.to_be_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn what_answers_something_else_is_passed_over() {
        let right = datagram(0, b"a=1", false);
        for (place, bits) in [
            (0, 1),
            (1, RESPONSE),
            (1, 1),
            (2, 1),
            (3, 1),
            (6, 1),
            (7, 1),
        ] {
            let mut other = right.clone();
            other[place] ^= bits;
            assert_eq!(
                ControlAnswers::to(REQUEST).take(&other),
                Ok(None),
                "{place}"
            );
        }
        for length in 0..CONTROL_HEADER_LEN + 3 {
            let taken = ControlAnswers::to(REQUEST).take(&right[..length]);
            assert_eq!(taken, Ok(None), "{length}");
        }
        let taken = ControlAnswers::to(REQUEST).take(&right).unwrap().unwrap();
        assert_eq!((taken.status, taken.data), (0x961a, b"a=1".to_vec()));
    }

    #[test]
    fn a_refusal_has_its_code() {
        let mut refused = datagram(0, b"", false);
        refused[1] |= ERROR;
        refused[4] = 7;
        let taken = ControlAnswers::to(REQUEST).take(&refused);
        assert_eq!(taken, Err(ControlError::Refused(7)));
    }

    #[test]
    fn pieces_that_do_not_fit_are_refused() {
        let is_misfit = |all: &[Vec<u8>]| {
            let mut answers = ControlAnswers::to(REQUEST);
            let taken = all.iter().try_for_each(|one| {
                let taken = answers.take(one)?;
                assert_eq!(taken, None);
                Ok(())
            });
            assert_eq!(taken, Err(ControlError::Misfit));
        };
        // Overlaps at both ends, another content, two ends, and one behind the end or before what came.
        is_misfit(&[datagram(0, b"abc", true), datagram(2, b"de", true)]);
        is_misfit(&[datagram(2, b"de", true), datagram(0, b"abc", true)]);
        is_misfit(&[datagram(0, b"abc", true), datagram(0, b"abd", true)]);
        is_misfit(&[datagram(4, b"e", false), datagram(8, b"e", false)]);
        is_misfit(&[datagram(4, b"e", false), datagram(5, b"f", true)]);
        is_misfit(&[datagram(8, b"x", true), datagram(4, b"e", false)]);
    }

    #[test]
    fn an_answer_has_an_end() {
        let mut answers = ControlAnswers::to(REQUEST);
        let taken = (0..=u16::MAX).try_for_each(|n| {
            answers
                .take(&datagram(n.saturating_mul(2), b"x", true))
                .map(drop)
        });
        assert_eq!(taken, Err(ControlError::TooLong));
        let mut answers = ControlAnswers::to(REQUEST);
        let taken = (0..8).try_for_each(|n| {
            let long = datagram(n * 8_000, &[b'x'; 8_000], true);
            answers.take(&long).map(drop)
        });
        assert_eq!(taken, Err(ControlError::TooLong));
    }

    #[test]
    fn associations_and_their_selection() {
        let data = [0x2b, 0x67, 0x96, 0x1a, 0x2b, 0x68, 0x91, 0x14, 9];
        let found: Vec<(u16, u16)> = control_associations(&data).collect();
        assert_eq!(found, [(0x2b67, 0x961a), (0x2b68, 0x9114)]);
        let selected = found.iter().map(|(_, of)| ControlSelection::of_status(*of));
        let names: Vec<&str> = selected.map(ControlSelection::name).collect();
        assert_eq!(names, ["sys.peer", "falsetick"]);
    }

    proptest! {
        #[test]
        fn pieces_in_any_order_and_twice_are_one_answer(
            data in proptest::collection::vec(any::<u8>(), 1..2_000),
            size in 50_usize..500,
            order in any::<u64>(),
        ) {
            let count = data.chunks(size).count();
            let mut pieces: Vec<Vec<u8>> = data.chunks(size).enumerate().map(|(n, piece)| {
                datagram(u16::try_from(n * size).unwrap(), piece, n + 1 < count)
            }).collect();
            let mut order = order;
            for place in (1..pieces.len()).rev() {
                let other = usize::try_from(order % u64::try_from(place + 1).unwrap()).unwrap();
                pieces.swap(place, other);
                order = order.rotate_left(7) ^ 0x9e37_79b9_7f4a_7c15;
            }
            let mut answers = ControlAnswers::to(REQUEST);
            let (last, before) = pieces.split_last().unwrap();
            for piece in before {
                prop_assert_eq!(answers.take(piece), Ok(None));
                prop_assert_eq!(answers.take(piece), Ok(None));
            }
            let whole = answers.take(last).unwrap().unwrap();
            prop_assert_eq!(whole.data, data);
        }

        #[test]
        fn nothing_that_comes_panics_or_grows(
            all in proptest::collection::vec(
                (any::<u16>(), proptest::collection::vec(any::<u8>(), 0..50), any::<bool>()),
                0..200,
            ),
        ) {
            let mut answers = ControlAnswers::to(REQUEST);
            for (offset, data, more) in &all {
                match answers.take(&datagram(*offset, data, *more)) {
                    Ok(Some(whole)) => prop_assert!(whole.data.len() <= MOST_BYTES),
                    Ok(None) => {}
                    Err(_) => break,
                }
                prop_assert!(answers.pieces.len() <= MOST_PIECES);
            }
        }

        #[test]
        fn any_text_has_variables_or_none(data in any::<Vec<u8>>(), name in "[a-z]{1,3}") {
            let _ = control_variable(&data, &name);
            let _ = control_associations(&data).count();
        }
    }
}
