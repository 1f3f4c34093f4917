//! The pcapng format (draft-ietf-opsawg-pcapng): blocks, each with its length at both ends.

use std::io::{self, BufRead};

use super::bytes::Bytes;
use super::container::{BadStart, Found, MAX_CAPTURED, MAX_FRAME, SECTION, Step};
use super::input::Input;
use super::link::Link;
use super::order::ByteOrder;
use super::report::Unused;
use super::resolution::Resolution;

/// Type and length before a block's body, and the length again behind it.
const AROUND: u32 = 12;
/// The longest block that is believed in (libpcap `sf-pcapng.c`, INITIAL_MAX_BLOCKSIZE).
const MAX_BLOCK: u32 = 16 * 1024 * 1024;
/// Interfaces of one section that are kept; the older Packet Block numbers them in 16 bits.
const MAX_INTERFACES: usize = 1 << 16;
/// Bytes of an interface's description that are looked at. Should they not hold all options, its
/// packets are not used: a unit of time that was overlooked would scale every stamp.
const MAX_DESCRIPTION: u64 = 64 * 1024;

/// Block types.
const INTERFACE_DESCRIPTION: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Option codes of an interface's description.
const END_OF_OPTIONS: u16 = 0;
const TIME_RESOLUTION: u16 = 9;
const TIME_OFFSET: u16 = 14;

/// Interface, stamp, captured length and length on the wire, in both kinds of packet blocks.
const PACKET_HEAD: usize = 20;

#[derive(Debug)]
pub(super) struct Ng {
    order: ByteOrder,
    interfaces: Vec<Interface>,
    scratch: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u16,
    /// Unit and seconds to add; none where they cannot be read.
    clock: Option<(Resolution, i64)>,
}

/// What follows a block.
enum Tail {
    Whole,
    Torn,
    Damaged(String),
}

impl Ng {
    /// Reads the first section's header, whose type has been read.
    pub(super) fn start<R: BufRead>(input: &mut Input<R>) -> io::Result<Result<Self, BadStart>> {
        let mut ng = Self {
            order: ByteOrder::Big,
            interfaces: Vec::new(),
            scratch: Vec::new(),
        };
        let Some(length) = input.array()? else {
            return Ok(Err(BadStart::Truncated));
        };
        let started = ng.section(length, input)?;
        Ok(started.map(|()| ng).map_err(|(bad, _)| bad))
    }

    /// The next packet.
    pub(super) fn next<R: BufRead>(
        &mut self,
        input: &mut Input<R>,
        frame: &mut Vec<u8>,
    ) -> io::Result<Step> {
        loop {
            let mut head = [[0; 4]; 2];
            match input.fill(head.as_flattened_mut())? {
                0 => return Ok(Step::End),
                8 => {}
                _ => return Ok(Step::Torn),
            }
            let [kind, length] = head;
            if kind == SECTION {
                match self.section(length, input)? {
                    Ok(()) => continue,
                    Err((BadStart::Truncated, what)) if what.is_empty() => return Ok(Step::Torn),
                    Err((_, what)) => return Ok(Step::Damaged(what)),
                }
            }
            let (kind, length) = (self.order.u32(kind), self.order.u32(length));
            let Some(body) = body_of(length) else {
                return Ok(Step::Damaged(format!("a block claims {length} bytes")));
            };
            let step = match kind {
                INTERFACE_DESCRIPTION => self.interface(body, input)?,
                PACKET | ENHANCED_PACKET => self.packet(kind, body, input, frame)?,
                SIMPLE_PACKET if input.skip(body.into())? => Some(Step::Unused(Unused::NoStamp)),
                SIMPLE_PACKET => Some(Step::Torn),
                _ if input.skip(body.into())? => None,
                _ => Some(Step::Torn),
            };
            if matches!(step, Some(Step::Torn | Step::Damaged(_))) {
                return Ok(step.unwrap_or(Step::Torn));
            }
            match (self.tail(length, input)?, step) {
                (Tail::Torn, _) => return Ok(Step::Torn),
                (Tail::Damaged(what), _) => return Ok(Step::Damaged(what)),
                (Tail::Whole, Some(step)) => return Ok(step),
                (Tail::Whole, None) => {}
            }
        }
    }

    /// A section's header behind its type: a byte order of its own, and no interface yet. What is
    /// wrong is said in words too, but for the end of the input.
    fn section<R: BufRead>(
        &mut self,
        length: [u8; 4],
        input: &mut Input<R>,
    ) -> io::Result<Result<(), (BadStart, String)>> {
        let torn = (BadStart::Truncated, String::new());
        let Some([magic @ .., v0, v1, v2, v3]) = input.array::<8>()? else {
            return Ok(Err(torn));
        };
        let order = match u32::from_be_bytes(magic) {
            0x1a2b_3c4d => ByteOrder::Big,
            0x4d3c_2b1a => ByteOrder::Little,
            _ => {
                let what = "a section's byte order is none".to_owned();
                return Ok(Err((BadStart::Truncated, what)));
            }
        };
        let length = order.u32(length);
        let (major, minor) = (order.u16([v0, v1]), order.u16([v2, v3]));
        // 1.2 is what some wrote for 1.0 (libpcap `sf-pcapng.c`).
        if major != 1 || !matches!(minor, 0 | 2) {
            let what = format!("a section has pcapng version {major}.{minor}");
            return Ok(Err((BadStart::Version(major, minor), what)));
        }
        let Some(rest) = body_of(length).and_then(|body| body.checked_sub(8)) else {
            let what = format!("a section's header claims {length} bytes");
            return Ok(Err((BadStart::Truncated, what)));
        };
        self.order = order;
        self.interfaces.clear();
        if !input.skip(rest.into())? {
            return Ok(Err(torn));
        }
        Ok(match self.tail(length, input)? {
            Tail::Whole => Ok(()),
            Tail::Torn => Err(torn),
            Tail::Damaged(what) => Err((BadStart::Truncated, what)),
        })
    }

    fn interface<R: BufRead>(
        &mut self,
        body: u32,
        input: &mut Input<R>,
    ) -> io::Result<Option<Step>> {
        if !input.take(body.into(), MAX_DESCRIPTION, &mut self.scratch)? {
            return Ok(Some(Step::Torn));
        }
        let mut bytes = Bytes(&self.scratch);
        let link = self.order.take_u16(&mut bytes);
        let whole = u64::from(body) <= MAX_DESCRIPTION;
        // Reserved bytes and the snap length.
        let clock = bytes.skip(6).and_then(|()| clock(self.order, bytes, whole));
        let Some(link) = link else {
            return Ok(Some(Step::Damaged(
                "an interface is described in too few bytes".into(),
            )));
        };
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(Interface { link, clock });
        }
        Ok(None)
    }

    fn packet<R: BufRead>(
        &mut self,
        kind: u32,
        body: u32,
        input: &mut Input<R>,
        frame: &mut Vec<u8>,
    ) -> io::Result<Option<Step>> {
        const HEAD: u32 = 20;
        let Some(room) = body.checked_sub(HEAD) else {
            let what = format!("a packet's block has {body} bytes inside");
            return Ok(Some(Step::Damaged(what)));
        };
        let Some(head) = input.array::<PACKET_HEAD>()? else {
            return Ok(Some(Step::Torn));
        };
        let [number, high, low, captured, original] = head.as_chunks().0 else {
            return Ok(Some(Step::Torn));
        };
        let [n0, n1, _, _] = *number;
        let order = self.order;
        let number = if kind == PACKET {
            // Behind the interface stands how many packets were dropped.
            order.u16([n0, n1]).into()
        } else {
            order.u32(*number)
        };
        let ticks = u64::from(order.u32(*high)) << 32 | u64::from(order.u32(*low));
        let (captured, original) = (order.u32(*captured), order.u32(*original));
        let fits = captured <= room.min(MAX_CAPTURED);
        let taken = if fits { captured } else { 0 };
        if !input.take(taken.into(), MAX_FRAME, frame)? || !input.skip((room - taken).into())? {
            return Ok(Some(Step::Torn));
        }
        if !fits {
            return Ok(Some(Step::Unused(Unused::BadBlock)));
        }
        let interface = usize::try_from(number)
            .ok()
            .and_then(|number| self.interfaces.get(number));
        let Some(&Interface { link, clock }) = interface else {
            return Ok(Some(Step::Unused(Unused::BadBlock)));
        };
        let Some(link) = Link::of(link.into()) else {
            return Ok(Some(Step::Link(link)));
        };
        let Some((unit, offset)) = clock else {
            return Ok(Some(Step::Unused(Unused::BadInterface)));
        };
        Ok(Some(unit.instant(ticks, offset).map_or(
            Step::Unused(Unused::BadStamp),
            |at| {
                Step::Packet(Found {
                    at,
                    error: unit.error(),
                    link,
                    cut: captured < original || u64::from(captured) > MAX_FRAME,
                })
            },
        )))
    }

    /// The length that stands behind a block once more.
    fn tail<R: BufRead>(&self, length: u32, input: &mut Input<R>) -> io::Result<Tail> {
        Ok(match input.array()?.map(|bytes| self.order.u32(bytes)) {
            None => Tail::Torn,
            Some(again) if again == length => Tail::Whole,
            Some(again) => Tail::Damaged(format!(
                "a block's length is {length} at its start and {again} at its end"
            )),
        })
    }
}

/// Bytes of a block's body, where its length can be true.
fn body_of(length: u32) -> Option<u32> {
    (length.is_multiple_of(4) && length <= MAX_BLOCK)
        .then(|| length.checked_sub(AROUND))
        .flatten()
}

/// Unit and offset of an interface's stamps, by its options. `whole`: that these are all of them.
fn clock(order: ByteOrder, mut options: Bytes<'_>, whole: bool) -> Option<(Resolution, i64)> {
    let (mut unit, mut offset) = (Resolution::MICROSECONDS, 0);
    while let Some((code, length)) = order
        .take_u16(&mut options)
        .zip(order.take_u16(&mut options))
    {
        let length = usize::from(length);
        if code == END_OF_OPTIONS {
            return Some((unit, offset));
        }
        let value = options.slice(length)?;
        let padding = length.next_multiple_of(4) - length;
        match (code, value) {
            (TIME_RESOLUTION, &[byte]) => unit = Resolution::from_option(byte)?,
            (TIME_OFFSET, _) => offset = order.i64(value.try_into().ok()?),
            (TIME_RESOLUTION, _) => return None,
            _ => {}
        }
        if options.skip(padding).is_none() {
            break;
        }
    }
    whole.then_some((unit, offset))
}
