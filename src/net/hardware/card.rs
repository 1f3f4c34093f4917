//! One card: its setting, its clock, and what its stamps have to be corrected by.

use std::path::PathBuf;

use super::line::CardLine;
use super::{HardwareError, How, Used, name_of};
use crate::net::nic::{self, AskError, Interface, NicError, NicStamping, Setting};
use crate::net::{clock, phc, resolve};
use crate::sample::{Stamp, StampSource};
use crate::time::{Monotonic, TimeDelta, Timestamp};

/// The least time between two readings of a card's clock: both clocks can run apart by 0.6 us at the very
/// most meanwhile.
const LEAST_PAUSE: TimeDelta = TimeDelta::from_millis(1);
/// A reading goes over the bus of the card and holds its driver's lock; it may take this part of the
/// time, one in so many.
const SHARE_OF_TIME: i64 = 20;
/// Readings to begin with: the first ones of a clock that was not read for long are slow.
const FIRST_READINGS: u32 = 8;
/// An error from which on the kernel's stamp is the better one, however busy the host.
const USELESS: TimeDelta = TimeDelta::from_micros(100);
/// Steps of a card's clock that are told one by one; further ones say nothing new.
const STEPS_TOLD: u32 = 5;

/// Ethernet: addresses and type before the packet (IEEE 802.3), without a VLAN tag.
const ETHERNET_HEADER: usize = 14;
/// Ethernet: the frame check sequence behind it.
const ETHERNET_CHECK: usize = 4;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const UDP_HEADER: usize = 8;

/// What stamps of a card are off by, beyond its clock: by interface, or for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corrections {
    /// From the transmit stamp to the packet's leaving; added.
    pub transmit: Vec<(Option<String>, TimeDelta)>,
    /// From the packet's arrival to the receive stamp; taken off.
    pub receive: Vec<(Option<String>, TimeDelta)>,
}

impl Corrections {
    /// That of one interface: by its name, else that for all, else none.
    fn of(list: &[(Option<String>, TimeDelta)], interface: &str) -> TimeDelta {
        let named = list.iter().rfind(|(n, _)| n.as_deref() == Some(interface));
        let for_all = || list.iter().rfind(|(n, _)| n.is_none());
        named
            .or_else(for_all)
            .map_or(TimeDelta::ZERO, |(_, correction)| *correction)
    }
}

/// What makes a card's stamps doubtful from some moment on, or no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The interface has gone.
    Vanished,
    /// Somebody else changed its setting, to this.
    Changed(Setting),
    /// Its clock cannot be read.
    Unreadable(String),
    /// Its clock and the system's moved against each other by this much; one of them was stepped.
    Stepped(TimeDelta),
    /// It stamps as before.
    Recovered,
}

#[derive(Debug)]
pub(super) struct Card {
    /// Number of the interface: its name may change.
    index: u32,
    name: String,
    device: PathBuf,
    /// Or why it cannot be read.
    clock: Result<phc::Phc, String>,
    line: CardLine,
    /// Held while it is set to stamp for this run.
    stamping: Option<NicStamping>,
    setting: Setting,
    /// Mbit/s.
    speed: Option<u32>,
    transmit_correction: TimeDelta,
    receive_correction: TimeDelta,
    /// Resolution of the system's clock.
    precision: TimeDelta,
    read_at: Option<Monotonic>,
    pause: TimeDelta,
    /// Why it is not working, if it is not.
    trouble: Option<Doubt>,
    steps: u32,
    doubts: Vec<Doubt>,
}

impl Card {
    /// Opens a card that stamps both ways, or can be set to; or says why it is of no use after all.
    pub(super) fn open(
        interface: &Interface,
        how: How,
        corrections: &Corrections,
    ) -> Result<Result<Self, String>, HardwareError> {
        let name = interface.name.clone();
        let Some(found) = &interface.clock else {
            return Ok(Err("its card has no clock to read".to_owned()));
        };
        let Ok(index) = resolve::interface_index(&name) else {
            return Ok(Err("it has gone".to_owned()));
        };
        let device = PathBuf::from(format!("/dev/ptp{}", found.index));
        // The clock first: a card whose clock cannot be read need not be set.
        let clock = match (phc::Phc::open(&device), how) {
            (Ok(clock), _) => clock,
            (Err(error), How::AsSet) => return Ok(Err(error.to_string())),
            (Err(error), How::Set(_)) => {
                let interface = name;
                return Err(HardwareError::Clock { interface, error });
            }
        };
        let stamping = match how {
            How::AsSet => None,
            How::Set(take_over) => Some(NicStamping::enable(&name, take_over)?),
        };
        let set = stamping.as_ref().map(NicStamping::setting);
        let setting = set
            .or(interface.setting.clone().ok())
            .unwrap_or(Setting::OFF);
        if !setting.stamps_both_ways() {
            // Dropping `stamping` sets it back.
            return Ok(Err(format!(
                "its card cannot be set to stamp both ways ({setting})"
            )));
        }
        let mut card = Self {
            transmit_correction: Corrections::of(&corrections.transmit, &name),
            receive_correction: Corrections::of(&corrections.receive, &name),
            index,
            name,
            device,
            clock: Ok(clock),
            line: CardLine::default(),
            stamping,
            setting,
            speed: interface.link.speed,
            precision: clock::precision(),
            read_at: None,
            pause: LEAST_PAUSE,
            trouble: None,
            steps: 0,
            doubts: Vec::new(),
        };
        for _ in 0..FIRST_READINGS {
            card.read(clock::counter());
        }
        Ok(Ok(card))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn used(&self) -> Used {
        Used {
            card: self.name.clone(),
            clock: self.device.display().to_string(),
            setting: self.setting,
            was_set: self.stamping.as_ref().is_some_and(NicStamping::changed),
        }
    }

    pub(super) fn is_working(&self) -> bool {
        self.trouble.is_none() && self.clock.is_ok()
    }

    pub(super) fn take_doubts(&mut self) -> Vec<Doubt> {
        std::mem::take(&mut self.doubts)
    }

    /// Reads the clock unless it was read just now.
    pub(super) fn read_if_due(&mut self, now: Monotonic) {
        if self.read_at.is_none_or(|at| now.since(at) >= self.pause) {
            self.read(now);
        }
    }

    fn read(&mut self, now: Monotonic) {
        let Ok(phc) = &self.clock else { return };
        let begun = clock::counter();
        let outcome = phc.read();
        let cost = clock::counter().since(begun);
        self.pause = LEAST_PAUSE.max(cost.times(SHARE_OF_TIME));
        self.read_at = Some(now);
        match outcome {
            Ok(reading) => {
                if let Some(by) = self.line.add(&reading) {
                    self.steps += 1;
                    if self.steps <= STEPS_TOLD {
                        self.doubts.push(Doubt::Stepped(by));
                    }
                }
            }
            Err(error) => {
                // What is behind it is found out by the next `check`.
                self.clock = Err(error.to_string());
                self.line = CardLine::default();
            }
        }
    }

    pub(super) fn transmitted(&mut self, at: Timestamp, now: Monotonic) -> Option<Stamp> {
        let mut stamp = self.convert(at, now)?;
        stamp.at = stamp.at + self.transmit_correction;
        Some(stamp)
    }

    /// T4 is when the whole frame has arrived, as for whoever stamps above the wire (RFC 5905, and
    /// what servers do); a card stamps its beginning.
    pub(super) fn received(
        &mut self,
        at: Timestamp,
        frame: usize,
        now: Monotonic,
    ) -> Option<Stamp> {
        let mut stamp = self.convert(at, now)?;
        stamp.at = stamp.at + (-self.receive_correction) + self.on_the_wire(frame);
        Some(stamp)
    }

    fn convert(&mut self, at: Timestamp, now: Monotonic) -> Option<Stamp> {
        if self.line.newest().is_none_or(|newest| newest < at) {
            // A reading on the far side of the stamp closes it in.
            self.read_if_due(now);
        }
        let converted = self.line.convert(at)?;
        (converted.error < USELESS).then_some(Stamp {
            at: converted.at,
            source: StampSource::Hardware,
            error: converted.error.max(self.precision),
        })
    }

    /// How long a frame takes to pass; nothing where the speed is not known.
    fn on_the_wire(&self, frame: usize) -> TimeDelta {
        let bits = i64::try_from((frame + ETHERNET_CHECK) * 8).unwrap_or(0);
        match self.speed {
            // Mbit/s are bits in 1000 ns.
            Some(speed) if speed > 0 => TimeDelta::from_nanos(bits * 1000 / i64::from(speed)),
            _ => TimeDelta::ZERO,
        }
    }

    /// Whether all is as it was.
    pub(super) fn check(&mut self, now: Monotonic) {
        if self.clock.is_err() {
            self.clock = phc::Phc::open(&self.device).map_err(|e| e.to_string());
        }
        self.read_if_due(now);
        let doubt = match self.look() {
            None => Some(Doubt::Vanished),
            // Another setting that stamps both ways serves as well; it is told when it is not
            // restored in the end.
            Some(Ok(set)) if !set.stamps_both_ways() => Some(Doubt::Changed(set)),
            Some(Err(AskError::Vanished)) => Some(Doubt::Vanished),
            Some(_) => self.clock.as_ref().err().cloned().map(Doubt::Unreadable),
        };
        match doubt {
            Some(doubt) => self.fall_into(doubt),
            None if self.trouble.take().is_some() => self.doubts.push(Doubt::Recovered),
            None => {}
        }
    }

    /// How it is set now, under its present name; nothing where it is gone.
    fn look(&mut self) -> Option<Result<Setting, AskError>> {
        self.name = name_of(self.index).ok()?;
        let found = nic::survey(std::slice::from_ref(&self.name)).ok()?.pop()?;
        self.speed = found.link.speed.or(self.speed);
        Some(found.setting)
    }

    fn fall_into(&mut self, doubt: Doubt) {
        if self.trouble.as_ref() != Some(&doubt) {
            self.doubts.push(doubt.clone());
            self.trouble = Some(doubt);
        }
    }

    pub(super) fn restore(self) -> Result<(), NicError> {
        match self.stamping.map_or(Ok(()), NicStamping::restore) {
            // Its setting went with it.
            Err(NicError::Vanished { .. }) => Ok(()),
            outcome => outcome,
        }
    }
}

/// Bytes of the Ethernet frame around a datagram, without its check sequence.
pub(super) fn frame_of(datagram: usize, is_v6: bool) -> usize {
    let ip = if is_v6 { IPV6_HEADER } else { IPV4_HEADER };
    ETHERNET_HEADER + ip + UDP_HEADER + datagram
}
