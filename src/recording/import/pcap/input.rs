//! [`Input`]: a stream of bytes, taken by count, of which nothing is kept but what was asked for.

use std::io::{self, BufRead, ErrorKind, Read};

/// Bytes from outside. No count that they claim decides how much memory is taken.
#[derive(Debug)]
pub(super) struct Input<R>(R);

impl<R: BufRead> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Self(inner)
    }

    /// Fills `buffer` as far as the input goes, and says how far that was.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.0.read(rest) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }

    /// The next `N` bytes; `None` where fewer are left.
    pub(super) fn array<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        let filled = self.fill(&mut bytes)?;
        Ok((filled == N).then_some(bytes))
    }

    /// Replaces what `kept` holds with the next `length` bytes, of which at most `most` are kept and
    /// the others passed over. Says whether there were that many.
    pub(super) fn take(&mut self, length: u64, most: u64, kept: &mut Vec<u8>) -> io::Result<bool> {
        kept.clear();
        let wanted = length.min(most);
        // Grows with what comes, not with what is claimed.
        let got = (&mut self.0).take(wanted).read_to_end(kept)?;
        Ok(u64::try_from(got).is_ok_and(|got| got == wanted) && self.skip(length - wanted)?)
    }

    /// Passes over `length` bytes, and says whether there were that many.
    pub(super) fn skip(&mut self, mut length: u64) -> io::Result<bool> {
        while length > 0 {
            let there = match self.0.fill_buf() {
                Ok(there) => there.len(),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            if there == 0 {
                return Ok(false);
            }
            let step = usize::try_from(length).unwrap_or(usize::MAX).min(there);
            self.0.consume(step);
            length -= u64::try_from(step).unwrap_or(length);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_beyond_the_end_is_told_and_takes_no_memory() {
        let mut kept = Vec::new();
        let mut input = Input::new(&[7u8; 100][..]);
        assert!(input.take(60, 10, &mut kept).unwrap());
        assert_eq!(kept, [7; 10]);
        assert!(!input.take(u64::MAX, u64::MAX, &mut kept).unwrap());
        assert_eq!(kept.len(), 40);
        assert!(kept.capacity() < 1000);
        assert_eq!(input.array::<1>().unwrap(), None);
        assert!(!input.skip(u64::MAX).unwrap());
        assert!(input.skip(0).unwrap());
    }
}
