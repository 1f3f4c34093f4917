//! Stamps of network cards, on the system's clock: [`Cards`].
//!
//! A card stamps a frame at the wire, by a clock of its own (a PHC). Such a stamp says something
//! about this host's time only through a second measurement, the card's clock against the system's,
//! which is made beside the exchanges and carried in each stamp's error ([`CardLine`]). Neither clock
//! is steered for that. Whether a card stamps at all is a setting of the whole host: here it is used
//! as it is, or set on express demand and set back in the end ([`NicStamping`](super::nic::NicStamping)).

mod card;
mod line;

use std::io;
use std::net::SocketAddr;

pub use card::{Corrections, Doubt};
pub use line::{CardLine, Converted};

use card::Card;

use super::nic::{self, Interface, Kind, NicError, Outlook, Setting, TakeOver};
use super::phc::PhcError;
use super::{CardStamp, StampedSocket, Stamping, route};
use crate::sample::Stamp;
use crate::time::Monotonic;

/// Why cards cannot be used though they were asked for, and could.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// The card cannot be set to stamp.
    #[error(transparent)]
    Setting(#[from] NicError),
    /// Its clock cannot be read.
    #[error("{interface}: its hardware stamps are of no use without its clock: {error}")]
    Clock {
        /// The interface.
        interface: String,
        /// Why.
        error: PhcError,
    },
    /// Sockets of this system cannot be asked for a card's stamps beside the kernel's.
    #[error("this system gives no hardware stamps ({0}); they take Linux 4.13")]
    System(io::Error),
    /// Which card it would be cannot be found out.
    #[error("which interface leads to {remote} cannot be told ({error}); name it (--interface)")]
    NoRoute {
        /// The first address that was asked about.
        remote: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

/// How cards may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// As they are set; those that are not set to stamp are left so.
    AsSet,
    /// Those that are not set to stamp are set to, and set back in the end.
    Set(TakeOver),
}

/// What became of one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The interface that packets go by.
    pub interface: String,
    /// The cards whose stamps are used, or why none are.
    pub outcome: Result<Vec<Used>, String>,
}

/// A card whose stamps are used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The interface that is the card.
    pub card: String,
    /// Its clock's device.
    pub clock: String,
    /// How it is set.
    pub setting: Setting,
    /// Whether it was set so for this run.
    pub was_set: bool,
}

/// Which of the cards an exchange goes by. One byte, since each of ten thousand servers keeps one;
/// no host has more cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardId(u8);

impl CardId {
    fn of(index: usize) -> Option<Self> {
        u8::try_from(index).ok().map(Self)
    }

    fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The cards whose stamps are used. Those that were set are set back when this is dropped.
#[derive(Debug, Default)]
pub struct Cards {
    cards: Vec<Card>,
    /// By interface number, the cards that stamp its packets: itself, or those beneath it.
    ways: Vec<(u32, Vec<CardId>)>,
    /// The one interface that packets leave by, where one was asked for.
    only: Option<u32>,
}

impl Cards {
    /// Opens the cards by which `remotes` are reached, or those of the interface that `only` names,
    /// and says of each interface what became of it. What a card cannot do is a finding.
    ///
    /// # Errors
    ///
    /// With [`How::Set`] a setting that is in use, or that this process may not change, a clock that
    /// it may not read, or no route.
    pub fn open(
        remotes: impl Iterator<Item = SocketAddr>,
        only: Option<&str>,
        how: How,
        corrections: &Corrections,
    ) -> Result<(Self, Vec<Finding>), HardwareError> {
        let mut opened = Self::default();
        let mut findings = Vec::new();
        let available = StampedSocket::stamps_available(Stamping::Hardware);
        let available = available.map_err(HardwareError::System);
        let interfaces = match (available.and_then(|()| interfaces(remotes, only)), how) {
            (Ok(names), _) => names,
            (Err(_), How::AsSet) => Vec::new(),
            (Err(error), How::Set(_)) => return Err(error),
        };
        for name in interfaces {
            let interface = nic::survey(std::slice::from_ref(&name));
            let Some(interface) = interface.ok().and_then(|mut found| found.pop()) else {
                continue;
            };
            // Nobody expects a card behind loopback.
            if interface.kind == Kind::Loopback && how == How::AsSet {
                continue;
            }
            let outcome = opened.add(&interface, how, corrections)?;
            findings.push(Finding {
                interface: name,
                outcome,
            });
        }
        opened.only = only.and_then(|name| super::resolve::interface_index(name).ok());
        Ok((opened, findings))
    }

    /// Opens what stamps the packets of one interface.
    fn add(
        &mut self,
        interface: &Interface,
        how: How,
        corrections: &Corrections,
    ) -> Result<Result<Vec<Used>, String>, HardwareError> {
        let names: Vec<String> = interface.cards().into_iter().map(str::to_owned).collect();
        let found = nic::survey(&names).unwrap_or_default();
        let before = self.cards.len();
        let mut ways = Vec::new();
        let mut used = Vec::new();
        for card in &found {
            match self.open_card(card, how, corrections)? {
                Ok(id) => {
                    ways.push(id);
                    used.extend(self.card(id).map(Card::used));
                }
                Err(reason) => {
                    // All of them or none: those that were set for this are set back.
                    self.cards.truncate(before);
                    return Ok(Err(said(interface, card, &reason)));
                }
            }
        }
        if ways.is_empty() {
            return Ok(Err("the cards beneath it could not be looked at".to_owned()));
        }
        for name in names.iter().chain([&interface.name]) {
            let Ok(index) = super::resolve::interface_index(name) else {
                continue;
            };
            let own = |id: &CardId| self.card(*id).is_some_and(|card| card.name() == *name);
            let mine: Vec<CardId> = match ways.iter().copied().find(own) {
                Some(id) => vec![id],
                None => ways.clone(),
            };
            if !self.ways.iter().any(|(known, _)| *known == index) {
                self.ways.push((index, mine));
            }
        }
        Ok(Ok(used))
    }

    /// Opens a card, unless it is open already; or says why it is of no use.
    fn open_card(
        &mut self,
        card: &Interface,
        how: How,
        corrections: &Corrections,
    ) -> Result<Result<CardId, String>, HardwareError> {
        let known = |open: &Card| open.name() == card.name;
        if let Some(id) = self.cards.iter().position(known).and_then(CardId::of) {
            return Ok(Ok(id));
        }
        let Some(id) = CardId::of(self.cards.len()) else {
            return Ok(Err("there are too many cards".to_owned()));
        };
        if let Some(reason) = unusable(card, how) {
            return Ok(Err(reason));
        }
        Ok(Card::open(card, how, corrections)?.map(|open| {
            self.cards.push(open);
            id
        }))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// The card by which packets to `remote` go, as the routes are now. Of several below one
    /// interface, the first speaks for all: they were opened together.
    pub fn towards(&self, remote: SocketAddr) -> Option<CardId> {
        if self.is_empty() {
            return None;
        }
        let interface = match self.only {
            Some(only) => only,
            None => route::interface_to(remote).ok()?,
        };
        self.beneath(interface)?.first().copied()
    }

    /// Whether the card is set to stamp and its clock can be read, as of the last look.
    pub fn is_working(&self, id: CardId) -> bool {
        self.card(id).is_some_and(Card::is_working)
    }

    /// Reads each card's clock, where the last reading is old enough for another to be worth it.
    pub fn read(&mut self, now: Monotonic) {
        for card in &mut self.cards {
            card.read_if_due(now);
        }
    }

    /// The stamp of a packet that left, on the system's clock. `None` where it cannot be placed
    /// there: by a card that is not used, whose clock was stepped since, or could not be read.
    pub fn transmitted(&mut self, stamp: &CardStamp, now: Monotonic) -> Option<Stamp> {
        self.stamped_by(stamp)?.transmitted(stamp.at, now)
    }

    /// The stamp of a datagram of `length` bytes that arrived over IPv6 or IPv4.
    pub fn received(
        &mut self,
        stamp: &CardStamp,
        length: usize,
        is_v6: bool,
        now: Monotonic,
    ) -> Option<Stamp> {
        let frame = usize::try_from(stamp.frame).ok().filter(|f| *f > 0);
        let frame = frame.unwrap_or_else(|| card::frame_of(length, is_v6));
        self.stamped_by(stamp)?.received(stamp.at, frame, now)
    }

    /// Looks whether each card is still there, set as it was, and readable. Call it each second or
    /// so. Tells what changed.
    pub fn check(&mut self, now: Monotonic) -> Vec<(String, Doubt)> {
        let mut doubts = Vec::new();
        for card in &mut self.cards {
            card.check(now);
            let name = card.name().to_owned();
            doubts.extend(card.take_doubts().into_iter().map(|d| (name.clone(), d)));
        }
        doubts
    }

    /// Sets back what was set, and says what could not be.
    pub fn restore(self) -> Vec<NicError> {
        self.cards
            .into_iter()
            .filter_map(|card| card.restore().err())
            .collect()
    }

    fn stamped_by(&mut self, stamp: &CardStamp) -> Option<&mut Card> {
        let id = match self.beneath(stamp.interface) {
            Some([one]) => *one,
            // On top of several cards the kernel did not say which one it was.
            Some(_) => return None,
            None if stamp.interface == 0 && self.cards.len() == 1 => CardId(0),
            None => return None,
        };
        self.cards.get_mut(id.index())
    }

    fn beneath(&self, interface: u32) -> Option<&[CardId]> {
        let known = self.ways.iter().find(|(index, _)| *index == interface);
        known.map(|(_, ids)| ids.as_slice())
    }

    fn card(&self, id: CardId) -> Option<&Card> {
        self.cards.get(id.index())
    }
}

/// Names of the interfaces that packets will leave by, each once. An address that cannot be reached
/// now may be later; it is an error if that is so for all of them.
fn interfaces(
    remotes: impl Iterator<Item = SocketAddr>,
    only: Option<&str>,
) -> Result<Vec<String>, HardwareError> {
    if let Some(only) = only {
        return Ok(vec![only.to_owned()]);
    }
    let mut seen: Vec<u32> = Vec::new();
    let mut unreachable = None;
    for remote in remotes {
        match route::interface_to(remote) {
            Ok(index) if seen.contains(&index) => {}
            Ok(index) => seen.push(index),
            Err(error) => {
                unreachable.get_or_insert(HardwareError::NoRoute { remote, error });
            }
        }
    }
    match unreachable {
        Some(error) if seen.is_empty() => Err(error),
        _ => Ok(seen.into_iter().filter_map(|i| name_of(i).ok()).collect()),
    }
}

/// The present name of an interface.
fn name_of(index: u32) -> io::Result<String> {
    let any = std::os::unix::net::UnixDatagram::unbound()?;
    Ok(rustix::net::netdevice::index_to_name(&any, index)?)
}

/// Why a card's stamps are of no use, as it is or as it may be set; nothing where they are.
fn unusable(card: &Interface, how: How) -> Option<String> {
    let reason = match (card.outlook(), how) {
        (Outlook::HardwareReady, _) => return None,
        (Outlook::HardwareOffered | Outlook::HardwareInUse, How::Set(_)) => return None,
        (Outlook::HardwareOffered, How::AsSet) => "its card offers them, and is not set to",
        (Outlook::HardwareInUse, How::AsSet) => "its card is set to stamp for something else",
        (Outlook::SettingUnknown, _) => "its driver does not say how the card is set",
        (Outlook::ClockUnreadable, _) => {
            return Some(format!(
                "its card stamps, but the card's clock cannot be read{}",
                card.clock
                    .as_ref()
                    .map(|c| format!(" (/dev/ptp{})", c.index))
                    .unwrap_or_default()
            ));
        }
        (Outlook::HardwareOneWay, _) => "its card stamps NTP packets one way only",
        (Outlook::Kernel | Outlook::KernelOneWay | Outlook::User, _) => "its driver offers none",
        (Outlook::Beneath | Outlook::Unknown, _) => "it does not say what it can stamp",
    };
    Some(reason.to_owned())
}

/// A reason, with the card where that is not the interface itself.
fn said(interface: &Interface, card: &Interface, reason: &str) -> String {
    if interface.name == card.name {
        reason.to_owned()
    } else {
        format!("{} beneath it: {reason}", card.name)
    }
}
