//! [`Outlook`]: from what an interface offers and how it is set to what can be done with it.

use super::{AskError, Interface, Kind, PhcAccess};

/// What can be done with an interface's stamps, by its own word. The best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outlook {
    /// The card is set to stamp both ways, and its clock can be read.
    HardwareReady,
    /// The card offers to stamp both ways, and nobody uses it.
    HardwareOffered,
    /// The card offers to stamp both ways, and is set for something else, such as PTP.
    HardwareInUse,
    /// The card offers to stamp both ways, but its driver does not say how it is set, so that what
    /// was there could not be restored.
    SettingUnknown,
    /// The card is set to stamp both ways, but its clock cannot be read.
    ClockUnreadable,
    /// The card stamps NTP packets one way only, and an exchange needs both.
    HardwareOneWay,
    /// The kernel stamps both ways, and the card does not.
    Kernel,
    /// The kernel stamps one way only; the program does the other.
    KernelOneWay,
    /// Nobody but the program stamps.
    User,
    /// The interface stands on others; they stamp.
    Beneath,
    /// The interface does not say what it can stamp.
    Unknown,
}

impl Interface {
    /// The cards that stamp its packets: those beneath it, or itself.
    pub fn cards(&self) -> Vec<&str> {
        match self.beneath.as_slice() {
            [] => vec![&self.name],
            beneath => beneath.iter().map(String::as_str).collect(),
        }
    }

    /// What can be done with its stamps, by its own word.
    pub fn outlook(&self) -> Outlook {
        if !self.beneath.is_empty() {
            return Outlook::Beneath;
        }
        let Ok(offer) = &self.offer else {
            return Outlook::Unknown;
        };
        // A stamp of a clock that nobody can read says nothing about this host's time.
        let has_clock = self.clock.is_some();
        match (offer.hardware_transmit(), offer.hardware_receive()) {
            (true, true) if has_clock => self.hardware(),
            (true, _) | (_, true) if has_clock && self.kernel() == Outlook::Kernel => {
                Outlook::HardwareOneWay
            }
            _ => self.kernel(),
        }
    }

    fn hardware(&self) -> Outlook {
        let readable = self
            .clock
            .as_ref()
            .is_some_and(|clock| clock.access == PhcAccess::Readable);
        match &self.setting {
            Ok(set) if set.stamps_both_ways() && readable => Outlook::HardwareReady,
            Ok(set) if set.stamps_both_ways() => Outlook::ClockUnreadable,
            Ok(set) if set.in_use() => Outlook::HardwareInUse,
            Ok(_) => Outlook::HardwareOffered,
            Err(AskError::Vanished) => Outlook::Unknown,
            Err(_) => Outlook::SettingUnknown,
        }
    }

    fn kernel(&self) -> Outlook {
        let offer = self.offer.as_ref().ok();
        let transmit = offer.is_some_and(super::Offer::kernel_transmit);
        let receive = offer.is_some_and(super::Offer::kernel_receive);
        match (transmit, receive) {
            (true, true) => Outlook::Kernel,
            (false, false) => Outlook::User,
            _ => Outlook::KernelOneWay,
        }
    }

    /// The order of a survey: smallest first. A card made of software counts as a device.
    pub(super) fn rank(&self) -> impl Ord + use<> {
        let outlook = self.outlook();
        let kind = match self.kind {
            Kind::Virtual if outlook <= Outlook::HardwareOneWay => Kind::Physical,
            kind => kind,
        };
        (kind, !self.link.up, outlook)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CardClock, Link, Offer, RxFilter, Setting, TxType};
    use super::*;

    fn card() -> Interface {
        Interface {
            name: "eth0".into(),
            kind: Kind::Physical,
            driver: None,
            link: Link::default(),
            offer: Ok(Offer {
                capabilities: 0x5f,
                tx_types: 0b11,
                rx_filters: 0b11,
                phc: Some(0),
            }),
            setting: Ok(Setting::OFF),
            clock: Some(CardClock {
                index: 0,
                name: None,
                access: PhcAccess::Readable,
            }),
            beneath: Vec::new(),
        }
    }

    fn with(change: impl FnOnce(&mut Interface)) -> Outlook {
        let mut card = card();
        change(&mut card);
        card.outlook()
    }

    #[test]
    fn each_outlook_has_its_reason() {
        let set = |tx, rx| Setting {
            tx,
            rx,
            ..Setting::OFF
        };
        let both = set(TxType::ON, RxFilter::NTP_ALL);
        assert_eq!(with(|_| {}), Outlook::HardwareOffered);
        assert_eq!(with(|c| c.setting = Ok(both)), Outlook::HardwareReady);
        let ptp = set(TxType::ON, RxFilter(12));
        assert_eq!(with(|c| c.setting = Ok(ptp)), Outlook::HardwareInUse);
        let silent = |c: &mut Interface| c.setting = Err(AskError::Unsupported);
        assert_eq!(with(silent), Outlook::SettingUnknown);
        for access in [PhcAccess::Denied, PhcAccess::NoDevice] {
            let closed = with(|c| {
                c.setting = Ok(both);
                c.clock.as_mut().unwrap().access = access;
            });
            assert_eq!(closed, Outlook::ClockUnreadable);
        }
        let offer = |change: fn(&mut Offer)| with(|c| change(c.offer.as_mut().unwrap()));
        assert_eq!(offer(|o| o.rx_filters = 1), Outlook::HardwareOneWay);
        assert_eq!(offer(|o| o.tx_types = 1), Outlook::HardwareOneWay);
        assert_eq!(offer(|o| o.capabilities = 0x1a), Outlook::Kernel);
        assert_eq!(offer(|o| o.capabilities = 0x18), Outlook::KernelOneWay);
        assert_eq!(offer(|o| o.capabilities = 0), Outlook::User);
        assert_eq!(with(|c| c.clock = None), Outlook::Kernel);
        let gone = |c: &mut Interface| c.offer = Err(AskError::Vanished);
        assert_eq!(with(gone), Outlook::Unknown);
        assert_eq!(with(|c| c.beneath = vec!["eth1".into()]), Outlook::Beneath);
    }

    #[test]
    fn devices_come_first_and_loopback_last() {
        let mut loopback = card();
        loopback.kind = Kind::Loopback;
        let mut bridge = card();
        bridge.kind = Kind::Virtual;
        bridge.beneath = vec!["eth0".into()];
        let mut emulated = card();
        emulated.kind = Kind::Virtual;
        emulated.link.up = true;
        let mut plain = card();
        plain.link.up = true;
        plain.clock = None;
        assert!(emulated.rank() < plain.rank(), "it stamps better");
        assert!(plain.rank() < card().rank(), "it is up");
        assert!(card().rank() < bridge.rank());
        assert!(bridge.rank() < loopback.rank());
    }
}
