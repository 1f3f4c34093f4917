//! The pcap format (draft-ietf-opsawg-pcap): one header, then records until the end.

use std::io::{self, BufRead};

use super::bytes::Bytes;
use super::container::{BadStart, Found, MAX_CAPTURED, MAX_FRAME, Step};
use super::input::Input;
use super::link::Link;
use super::order::ByteOrder;
use super::report::Unused;
use super::resolution::Resolution;

/// The file header behind its magic number.
const HEADER_LEN: usize = 20;
/// Seconds, fraction, captured length, length on the wire.
const RECORD_LEN: usize = 16;
/// The only version written for thirty years; in those before it the two lengths changed places.
const VERSION: (u16, u16) = (2, 4);
/// Of the link type's 32 bits these name it; above are the length of a checksum at the end of each
/// frame and reserved bits.
const LINK_MASK: u32 = 0x03ff_ffff;

#[derive(Debug)]
pub(super) struct Classic {
    order: ByteOrder,
    resolution: Resolution,
    link: u32,
}

impl Classic {
    /// Reads the file header that follows the magic number.
    pub(super) fn start<R: BufRead>(
        order: ByteOrder,
        resolution: Resolution,
        input: &mut Input<R>,
    ) -> io::Result<Result<Self, BadStart>> {
        let Some(header) = input.array::<HEADER_LEN>()? else {
            return Ok(Err(BadStart::Truncated));
        };
        let mut header = Bytes(&header);
        let version = order
            .take_u16(&mut header)
            .zip(order.take_u16(&mut header))
            .filter(|version| *version != VERSION);
        if let Some((major, minor)) = version {
            return Ok(Err(BadStart::Version(major, minor)));
        }
        // The zone of the stamps and their accuracy, zero in every file; the snap length, which each
        // record tells as well.
        let link = header.skip(12).and_then(|()| order.take_u32(&mut header));
        Ok(link.ok_or(BadStart::Truncated).map(|link| Self {
            order,
            resolution,
            link: link & LINK_MASK,
        }))
    }

    pub(super) fn next<R: BufRead>(
        &mut self,
        input: &mut Input<R>,
        frame: &mut Vec<u8>,
    ) -> io::Result<Step> {
        let mut head = [0; RECORD_LEN];
        match input.fill(&mut head)? {
            0 => return Ok(Step::End),
            RECORD_LEN => {}
            _ => return Ok(Step::Torn),
        }
        let mut words = head.as_chunks().0.iter().map(|word| self.order.u32(*word));
        let mut word = || words.next().unwrap_or(0);
        let (seconds, fraction, captured, original) = (word(), word(), word(), word());
        if captured > MAX_CAPTURED {
            return Ok(Step::Damaged(format!("a packet claims {captured} bytes")));
        }
        if !input.take(captured.into(), MAX_FRAME, frame)? {
            return Ok(Step::Torn);
        }
        let Some(link) = Link::of(self.link) else {
            let link = u16::try_from(self.link).unwrap_or(u16::MAX);
            return Ok(Step::Link(link));
        };
        // Seconds are unsigned: they reach to 2106.
        let unit = self.resolution;
        let at = Some(u64::from(fraction))
            .filter(|fraction| *fraction < unit.ticks_per_second())
            .and_then(|fraction| unit.instant(fraction, seconds.into()));
        Ok(at.map_or(Step::Unused(Unused::BadStamp), |at| {
            Step::Packet(Found {
                at,
                error: unit.error(),
                link,
                cut: captured < original || u64::from(captured) > MAX_FRAME,
            })
        }))
    }
}
