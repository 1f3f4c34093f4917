//! NTS key establishment (RFC 8915 section 4): the one request that asks for keys of NTPv4, and what answers it.
//!
//! What is read is whether a server would give keys. Keys themselves are derived from the TLS session, and nobody
//! here does that.

/// The protocol that is agreed on below TLS (RFC 8915 section 4).
pub const NTS_PROTOCOL: &[u8] = b"ntske/1";
/// The TCP port (RFC 8915 section 7.1).
pub const NTS_PORT: u16 = 4460;

/// In the type of a record: whoever does not know it must not go on (RFC 8915 section 4).
const CRITICAL: u16 = 0x8000;
/// Types of records (RFC 8915 sections 4.1.1 to 4.1.8).
const END_OF_MESSAGE: u16 = 0;
const NEXT_PROTOCOL: u16 = 1;
const ERROR: u16 = 2;
const WARNING: u16 = 3;
const AEAD_ALGORITHM: u16 = 4;
const COOKIE: u16 = 5;
const SERVER: u16 = 6;
const PORT: u16 = 7;

/// NTPv4 among the protocols (RFC 8915 section 7.7).
const NTPV4: u16 = 0;
/// `AEAD_AES_SIV_CMAC_256` among the algorithms (RFC 5297): all servers must have it (RFC 8915 section 5.1).
const AES_SIV_CMAC_256: u16 = 15;

/// The longest name DNS can hold; addresses are shorter.
const LONGEST_NAME: usize = 253;

/// What is asked: keys for NTPv4, with the algorithm that every server must have.
///
/// ```
/// use clockfit::wire::nts_request;
/// assert_eq!(nts_request(), [0x80, 1, 0, 2, 0, 0, 0x80, 4, 0, 2, 0, 15, 0x80, 0, 0, 0]);
/// ```
pub fn nts_request() -> Vec<u8> {
    let mut bytes = Vec::new();
    put(NEXT_PROTOCOL, &NTPV4.to_be_bytes(), &mut bytes);
    put(AEAD_ALGORITHM, &AES_SIV_CMAC_256.to_be_bytes(), &mut bytes);
    put(END_OF_MESSAGE, &[], &mut bytes);
    bytes
}

fn put(kind: u16, body: &[u8], bytes: &mut Vec<u8>) {
    // Bodies of the request have two bytes at most.
    let length = u16::try_from(body.len()).unwrap_or(0);
    bytes.extend((CRITICAL | kind).to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
}

/// What a server agreed on that gives keys for NTPv4, and where these are good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NtsAgreement {
    /// How many cookies it gave; at least one.
    pub cookies: usize,
    /// Name or address of the NTP server, as it is written; the one that gave the keys where it says nothing
    /// (RFC 8915 section 4.1.7).
    pub server: Option<String>,
    /// UDP port of that; 123 where it says nothing (RFC 8915 section 4.1.8).
    pub port: Option<u16>,
}

/// Why a server gives no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NtsRefusal {
    /// It says so (RFC 8915 section 4.1.3).
    #[error("error record {0}: {name}", name = error_name(*.0))]
    Error(u16),
    /// It warns: no warning is known, and one that is not is an error (RFC 8915 section 4.1.4).
    #[error("warning record {0}, which nobody knows")]
    Warning(u16),
    /// It demands that a record is understood which nobody knows.
    #[error("a record of the unknown type {0}, which it calls critical")]
    Critical(u16),
    /// What it sends is no answer.
    #[error("its records are malformed: {0}")]
    Malformed(&'static str),
    /// It ends within its answer.
    #[error("its records end before the record that ends them")]
    CutOff,
    /// It has another protocol or none.
    #[error("it does not agree on NTPv4")]
    NoProtocol,
    /// It has another algorithm or none.
    #[error("it does not agree on AEAD_AES_SIV_CMAC_256, which is mandatory")]
    NoAlgorithm,
    /// It has no cookies.
    #[error("it gives no cookie")]
    NoCookie,
}

/// RFC 8915 section 4.1.3.
const fn error_name(code: u16) -> &'static str {
    match code {
        0 => "it does not know a critical record",
        1 => "it calls the request bad",
        2 => "it has an internal error",
        _ => "of an unknown kind",
    }
}

/// What was found in the records so far.
#[derive(Default)]
struct Found {
    protocol: Option<bool>,
    algorithm: Option<bool>,
    cookies: usize,
    server: Option<String>,
    port: Option<u16>,
}

impl NtsAgreement {
    /// Reads an answer; nothing where it goes on. With `has_ended` nothing more will come.
    ///
    /// ```
    /// use clockfit::wire::NtsAgreement;
    /// let answer = [0x80, 1, 0, 2, 0, 0, 0, 4, 0, 2, 0, 15, 0, 5, 0, 3, 1, 2, 3, 0x80, 0, 0, 0];
    /// assert_eq!(NtsAgreement::read(&answer[..20], false), Ok(None));
    /// assert_eq!(NtsAgreement::read(&answer, false)?.unwrap().cookies, 1);
    /// # Ok::<(), clockfit::wire::NtsRefusal>(())
    /// ```
    ///
    /// # Errors
    /// The server gives no keys, or this is no answer.
    pub fn read(bytes: &[u8], has_ended: bool) -> Result<Option<Self>, NtsRefusal> {
        let mut found = Found::default();
        let mut rest = bytes;
        while let Some((kind, body, behind)) = record(rest) {
            if kind & !CRITICAL == END_OF_MESSAGE {
                return found.agreement().map(Some);
            }
            found.take(kind, body)?;
            rest = behind;
        }
        match has_ended {
            true => Err(NtsRefusal::CutOff),
            false => Ok(None),
        }
    }
}

/// The first record: its type, its body, and what stands behind it; nothing where it goes on (RFC 8915 section 4).
fn record(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let ([k1, k2, l1, l2], rest) = bytes.split_first_chunk::<4>()?;
    let length = u16::from_be_bytes([*l1, *l2]);
    let (body, behind) = rest.split_at_checked(length.into())?;
    Some((u16::from_be_bytes([*k1, *k2]), body, behind))
}

impl Found {
    fn take(&mut self, kind: u16, body: &[u8]) -> Result<(), NtsRefusal> {
        match kind & !CRITICAL {
            NEXT_PROTOCOL => {
                let has = numbers(body)?.any(|of| of == NTPV4);
                once(&mut self.protocol, has)
            }
            ERROR => Err(NtsRefusal::Error(number(body)?)),
            WARNING => Err(NtsRefusal::Warning(number(body)?)),
            AEAD_ALGORITHM => {
                let has = numbers(body)?.eq([AES_SIV_CMAC_256]);
                once(&mut self.algorithm, has)
            }
            COOKIE => {
                self.cookies += usize::from(!body.is_empty());
                Ok(())
            }
            SERVER => once(&mut self.server, name(body)?),
            PORT => once(&mut self.port, number(body)?),
            other if kind & CRITICAL != 0 => Err(NtsRefusal::Critical(other)),
            _ => Ok(()),
        }
    }

    fn agreement(self) -> Result<NtsAgreement, NtsRefusal> {
        if self.protocol != Some(true) {
            return Err(NtsRefusal::NoProtocol);
        }
        if self.algorithm != Some(true) {
            return Err(NtsRefusal::NoAlgorithm);
        }
        if self.cookies == 0 {
            return Err(NtsRefusal::NoCookie);
        }
        Ok(NtsAgreement {
            cookies: self.cookies,
            server: self.server,
            port: self.port,
        })
    }
}

/// What must not be there twice.
fn once<T>(place: &mut Option<T>, value: T) -> Result<(), NtsRefusal> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(NtsRefusal::Malformed("one of them is there twice")),
    }
}

fn number(body: &[u8]) -> Result<u16, NtsRefusal> {
    match *body {
        [high, low] => Ok(u16::from_be_bytes([high, low])),
        _ => Err(NtsRefusal::Malformed("a number is none")),
    }
}

fn numbers(body: &[u8]) -> Result<impl Iterator<Item = u16>, NtsRefusal> {
    let (pairs, rest) = body.as_chunks::<2>();
    match rest.is_empty() {
        true => Ok(pairs.iter().map(|pair| u16::from_be_bytes(*pair))),
        false => Err(NtsRefusal::Malformed("a list of numbers is none")),
    }
}

/// A name or an address: ASCII, and nothing in it that is not seen.
fn name(body: &[u8]) -> Result<String, NtsRefusal> {
    let is_name = (1..=LONGEST_NAME).contains(&body.len()) && body.iter().all(u8::is_ascii_graphic);
    match str::from_utf8(body) {
        Ok(name) if is_name => Ok(name.to_owned()),
        _ => Err(NtsRefusal::Malformed("the name of a server is none")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (kind, body) in records {
            bytes.extend(kind.to_be_bytes());
            bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
            bytes.extend(*body);
        }
        bytes
    }

    /// The records of an answer as chronyd 4.3 gives it, but for the cookies' length.
    const GOOD: [(u16, &[u8]); 5] = [
        (0x8001, &[0, 0]),
        (4, &[0, 15]),
        (5, &[7; 100]),
        (5, &[8; 100]),
        (0x8000, &[]),
    ];

    fn with(place: usize, kind: u16, body: &[u8]) -> Result<Option<NtsAgreement>, NtsRefusal> {
        let mut records = GOOD.to_vec();
        records[place] = (kind, body);
        NtsAgreement::read(&answer(&records), true)
    }

    #[test]
    fn keys_are_given_and_where_they_are_good_for() {
        let told = with(3, 0x8006, b"ntp.example.org").unwrap().unwrap();
        let expected = NtsAgreement {
            cookies: 1,
            server: Some("ntp.example.org".to_owned()),
            port: None,
        };
        assert_eq!(told, expected);
        let told = with(3, 7, &[0x12, 0x34]).unwrap().unwrap();
        assert_eq!((told.cookies, told.port), (1, Some(0x1234)));
        // What nobody knows, and need not.
        let told = with(3, 0x4000, b"x").unwrap().unwrap();
        assert_eq!((told.server, told.port), (None, None));
    }

    #[test]
    fn each_reason_against_it_is_told() {
        let twice = || NtsRefusal::Malformed("one of them is there twice");
        let none = || NtsRefusal::Malformed("the name of a server is none");
        let long = [b'a'; 254];
        let cases: [(usize, u16, &[u8], NtsRefusal); 18] = [
            (0, 0x8001, &[], NtsRefusal::NoProtocol),
            (0, 0x8001, &[0, 1], NtsRefusal::NoProtocol),
            (0, 0x4000, &[0, 0], NtsRefusal::NoProtocol),
            (1, 4, &[], NtsRefusal::NoAlgorithm),
            (1, 4, &[0, 30], NtsRefusal::NoAlgorithm),
            (1, 4, &[0, 15, 0, 30], NtsRefusal::NoAlgorithm),
            (0, 0x8002, &[0, 0], NtsRefusal::Error(0)),
            (2, 0x8002, &[1, 2], NtsRefusal::Error(0x102)),
            (2, 0x8003, &[0, 9], NtsRefusal::Warning(9)),
            (2, 0xc000, &[], NtsRefusal::Critical(0x4000)),
            (2, 0x8001, &[0, 0], twice()),
            (2, 4, &[0, 15], twice()),
            (2, 6, &[], none()),
            (2, 6, b"a b", none()),
            (2, 6, b"\xc3\xa4", none()),
            (2, 6, &long, none()),
            (2, 7, &[1], NtsRefusal::Malformed("a number is none")),
            (
                0,
                1,
                &[0, 0, 0],
                NtsRefusal::Malformed("a list of numbers is none"),
            ),
        ];
        for (place, kind, body, expected) in cases {
            assert_eq!(with(place, kind, body), Err(expected), "{kind:#x} {body:?}");
        }
        let mut dry = GOOD.to_vec();
        dry.truncate(2);
        dry.extend([(5, &[][..]), (0x8000, &[])]);
        let told = NtsAgreement::read(&answer(&dry), true);
        assert_eq!(told, Err(NtsRefusal::NoCookie));
    }

    #[test]
    fn each_part_of_an_answer_is_waited_for() {
        let whole = answer(&GOOD);
        for end in 0..whole.len() {
            let part = &whole[..end];
            assert_eq!(NtsAgreement::read(part, false), Ok(None), "{end}");
            assert_eq!(
                NtsAgreement::read(part, true),
                Err(NtsRefusal::CutOff),
                "{end}"
            );
        }
        let told = NtsAgreement::read(&whole, false).unwrap().unwrap();
        assert_eq!(told.cookies, 2);
    }

    proptest! {
        /// Whatever comes, what was said of a part of it stands.
        #[test]
        fn what_is_read_stands(
            kinds in proptest::collection::vec((0u16..10, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..5)), 0..8),
            noise in proptest::collection::vec(any::<u8>(), 0..20),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut bytes = Vec::new();
            for (kind, is_critical, body) in &kinds {
                let kind = if *is_critical { CRITICAL | kind } else { *kind };
                bytes.extend(answer(&[(kind, body)]));
            }
            bytes.extend(&noise);
            let whole = NtsAgreement::read(&bytes, true);
            prop_assert!(whole != Ok(None));
            match NtsAgreement::read(&bytes[..cut.index(bytes.len() + 1)], false) {
                Ok(None) => {}
                said => prop_assert_eq!(said, whole),
            }
        }
    }
}
