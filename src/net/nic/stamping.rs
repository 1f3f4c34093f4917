//! [`NicStamping`]: a card set to stamp for as long as the value lives, and then set back.

use super::{AskError, RxFilter, Setting, TxType};

/// Whether a setting that somebody uses may be overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeOver {
    /// Never: say what is set, and leave it.
    No,
    /// It may: whoever set it loses its stamps, or gets others, until it is restored.
    Yes,
}

/// Why a card is not set to stamp, or no longer, or not set back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NicError {
    /// Only Linux has these settings.
    #[error("{interface}: network cards can be set to stamp on Linux only")]
    NotThisSystem {
        /// The interface.
        interface: String,
    },
    /// There is no such interface, or it is gone, and its setting with it.
    #[error("{interface}: there is no such interface, or it has gone")]
    Vanished {
        /// The interface.
        interface: String,
    },
    /// It is a VLAN, a bond, a bridge: others stamp its packets, and are to be set.
    #[error("{interface}: it stands on {}, and that is what stamps", .beneath.join(", "))]
    OnTop {
        /// The interface.
        interface: String,
        /// The cards at the bottom.
        beneath: Vec<String>,
    },
    /// Its driver cannot stamp what is sent; without that nothing can be gained.
    #[error("{interface}: its driver offers no hardware stamps of what is sent")]
    NoHardware {
        /// The interface.
        interface: String,
    },
    /// The driver takes settings and does not tell them.
    #[error(
        "{interface}: its driver does not say how it is set (SIOCGHWTSTAMP), so that it could not \
         be restored; set it yourself (hwstamp_ctl) if nothing else uses it"
    )]
    SettingUnknown {
        /// The interface.
        interface: String,
    },
    /// The process may not.
    #[error(
        "{interface}: not permitted: setting a network card to stamp needs the capability \
         CAP_NET_ADMIN (root, or setcap cap_net_admin+ep)"
    )]
    NotPermitted {
        /// The interface.
        interface: String,
    },
    /// Somebody uses the setting. The kernel does not know who.
    #[error(
        "{interface}: its stamps are in use by another program (set to {set}), and overwriting \
         that could take them away from it"
    )]
    InUse {
        /// The interface.
        interface: String,
        /// How it is set.
        set: Setting,
    },
    /// Somebody else set it meanwhile; theirs is left alone, and nothing is restored.
    #[error(
        "{interface}: somebody else changed how it stamps: set to {set} by this run, now {now}; \
         that is left as it is (found at the start: {found})"
    )]
    ChangedByOther {
        /// The interface.
        interface: String,
        /// As it was before.
        found: Setting,
        /// As it was set by this value.
        set: Setting,
        /// As it is now.
        now: Setting,
    },
    /// The driver took the old setting back, and then reports another.
    #[error("{interface}: its driver did not restore {found}: it says {now}")]
    NotRestored {
        /// The interface.
        interface: String,
        /// As it was before.
        found: Setting,
        /// As it is now.
        now: Setting,
    },
    /// The driver failed.
    #[error("{interface}: its driver failed: {error}")]
    Failed {
        /// The interface.
        interface: String,
        /// What the system says.
        error: String,
    },
}

/// A card as this module sees it: one interface, whatever its name is by now.
pub(super) trait Card: std::fmt::Debug + Send {
    /// Its name, for errors.
    fn name(&self) -> String;
    /// How it is set (SIOCGHWTSTAMP).
    fn setting(&self) -> Result<Setting, AskError>;
    /// Sets it (SIOCSHWTSTAMP); the driver may make something else of it.
    fn set(&self, setting: Setting) -> Result<(), AskError>;
}

/// A card that is set to stamp. It is set back to exactly what was found when the value is dropped,
/// by a panic too; a process that is ended by SIGKILL leaves it set. [`restore`](Self::restore) does
/// the same and says how it went.
///
/// The kernel has no way to change a setting only if nobody else did since it was read. Somebody
/// who changes it within the microseconds between the two calls is not seen; at any later time
/// [`check`](Self::check) sees it, and then nothing is restored.
///
/// ```no_run
/// use clockfit::net::nic::{NicStamping, TakeOver};
/// let stamping = NicStamping::enable("eth0", TakeOver::No)?;
/// println!("every reply is stamped: {}", stamping.receives_all());
/// // ... measure, and now and then:
/// stamping.check()?;
/// stamping.restore()?;
/// # Ok::<(), clockfit::net::nic::NicError>(())
/// ```
#[derive(Debug)]
pub struct NicStamping {
    card: Box<dyn Card>,
    /// As it was before.
    found: Setting,
    /// As the card says it is set, since it was set.
    set: Setting,
    /// Whether there is anything to restore.
    owed: bool,
}

impl NicStamping {
    /// Sets the interface to stamp what is sent, and of what is received as much as its driver
    /// takes: every NTP packet, or every packet, or what was set before, or none.
    ///
    /// An interface that is already set to stamp both ways is used as it is, and left so. The
    /// interface must be the card itself, see [`cards`](super::Interface::cards).
    ///
    /// # Errors
    ///
    /// [`NicError::InUse`] without [`TakeOver::Yes`], [`NicError::NoHardware`],
    /// [`NicError::NotPermitted`], [`NicError::SettingUnknown`], [`NicError::OnTop`],
    /// [`NicError::Vanished`] or what the driver says. The card is then set as it was before.
    pub fn enable(interface: &str, take_over: TakeOver) -> Result<Self, NicError> {
        Self::on(card(interface)?, take_over)
    }

    fn on(card: Box<dyn Card>, take_over: TakeOver) -> Result<Self, NicError> {
        let found = card.setting().map_err(|e| named(&*card, e))?;
        let mut stamping = Self {
            card,
            found,
            set: found,
            owed: false,
        };
        if found.stamps_both_ways() {
            return Ok(stamping);
        }
        if found.in_use() && take_over == TakeOver::No {
            return Err(NicError::InUse {
                interface: stamping.interface(),
                set: found,
            });
        }
        stamping.turn_on()?;
        Ok(stamping)
    }

    /// Tries one receive filter after the other, the most useful first.
    fn turn_on(&mut self) -> Result<(), NicError> {
        let filters = [
            RxFilter::NTP_ALL,
            RxFilter::ALL,
            self.found.rx,
            RxFilter::NONE,
        ];
        for rx in filters {
            let wanted = Setting {
                tx: TxType::ON,
                rx,
                flags: self.found.flags,
            };
            match self.card.set(wanted) {
                Ok(()) => {
                    self.owed = true;
                    // A driver may widen the filter. What it says now is what it will say as long
                    // as nobody changes it, which its answer to the request need not be: e1000e
                    // answers some with `some`.
                    self.set = self.card.setting().map_err(|e| named(&*self.card, e))?;
                    return Ok(());
                }
                Err(AskError::Refused | AskError::Unsupported) => {}
                Err(error) => {
                    self.undo_failure();
                    return Err(named(&*self.card, error));
                }
            }
        }
        Err(NicError::NoHardware {
            interface: self.interface(),
        })
    }

    /// A driver that fails may have done half of it.
    fn undo_failure(&self) {
        if self.card.setting().is_ok_and(|now| now != self.found) {
            let _ = self.card.set(self.found);
        }
    }

    /// The name of the interface, also if it was renamed meanwhile.
    pub fn interface(&self) -> String {
        self.card.name()
    }

    /// How the card was set before.
    pub fn found(&self) -> Setting {
        self.found
    }

    /// How the card is set now, if [`check`](Self::check) says so.
    pub fn setting(&self) -> Setting {
        self.set
    }

    /// Whether the card was set by this value; if not, it was already set to stamp both ways.
    pub fn changed(&self) -> bool {
        self.owed
    }

    /// Whether every received NTP packet is to be stamped. There are cards that say so and do not.
    pub fn receives_all(&self) -> bool {
        self.set.rx.takes_ntp()
    }

    /// Whether sent packets are to be stamped. There are cards that say so and do not.
    pub fn transmits(&self) -> bool {
        self.set.tx != TxType::OFF
    }

    /// Whether the card is still set as it was left.
    ///
    /// # Errors
    ///
    /// [`NicError::ChangedByOther`] or [`NicError::Vanished`]; or the driver failed.
    pub fn check(&self) -> Result<(), NicError> {
        let now = self.now()?;
        if now == self.set {
            return Ok(());
        }
        Err(NicError::ChangedByOther {
            interface: self.interface(),
            found: self.found,
            set: self.set,
            now,
        })
    }

    /// Sets the card back to what was found, now, and says how it went.
    ///
    /// # Errors
    ///
    /// [`NicError::ChangedByOther`] if somebody else changed the setting: theirs is left alone.
    /// [`NicError::Vanished`], [`NicError::NotRestored`]; or the driver failed.
    pub fn restore(mut self) -> Result<(), NicError> {
        self.put_back()
    }

    /// Once: a failure is not tried again by the drop that follows.
    fn put_back(&mut self) -> Result<(), NicError> {
        if !std::mem::take(&mut self.owed) {
            return Ok(());
        }
        self.check()?;
        self.card
            .set(self.found)
            .map_err(|e| named(&*self.card, e))?;
        let now = self.now()?;
        if now == self.found {
            return Ok(());
        }
        Err(NicError::NotRestored {
            interface: self.interface(),
            found: self.found,
            now,
        })
    }

    fn now(&self) -> Result<Setting, NicError> {
        self.card.setting().map_err(|e| named(&*self.card, e))
    }
}

impl Drop for NicStamping {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.put_back();
    }
}

/// A refusal under its name.
fn named(card: &dyn Card, error: AskError) -> NicError {
    let interface = card.name();
    match error {
        AskError::Unsupported => NicError::NoHardware { interface },
        AskError::NotPermitted => NicError::NotPermitted { interface },
        AskError::Vanished => NicError::Vanished { interface },
        AskError::Failed(error) => NicError::Failed { interface, error },
        AskError::Refused => NicError::Failed {
            interface,
            error: error.to_string(),
        },
    }
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
use linux::card;

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
fn card(interface: &str) -> Result<Box<dyn Card>, NicError> {
    Err(NicError::NotThisSystem {
        interface: interface.to_owned(),
    })
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod linux {
    use std::io;
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;

    use rustix::net::netdevice;

    use super::super::linux::{Kernel, beneath, files, list, setting};
    use super::{AskError, Card, NicError, Setting};
    use crate::net::{resolve, sys};

    /// An interface by its number: its name may change, and come to mean another.
    #[derive(Debug)]
    struct Interface {
        index: u32,
        /// The name it had at the start, for when it is gone.
        name: String,
    }

    pub(super) fn card(interface: &str) -> Result<Box<dyn Card>, NicError> {
        let vanished = || NicError::Vanished {
            interface: interface.to_owned(),
        };
        // The kernel may take a name that it does not know for that of a module to load.
        let existing = list(Path::new("/")).map_err(|e| NicError::Failed {
            interface: interface.to_owned(),
            error: e.to_string(),
        })?;
        if !existing.iter().any(|name| name == interface) {
            return Err(vanished());
        }
        let index = resolve::interface_index(interface).map_err(|_| vanished())?;
        let files = files(Path::new("/"), &Kernel, interface);
        let beneath = files.map_or_else(Vec::new, |files| beneath(&files));
        if !beneath.is_empty() {
            return Err(NicError::OnTop {
                interface: interface.to_owned(),
                beneath,
            });
        }
        // A driver that takes no setting and one that does not tell it both answer EOPNOTSUPP; what
        // is offered tells them apart.
        let info = sys::ethtool_ts_info(interface);
        let offers =
            info.is_ok_and(|i| i.so_timestamping & libc::SOF_TIMESTAMPING_TX_HARDWARE != 0);
        let card = Interface {
            index,
            name: interface.to_owned(),
        };
        match (offers, card.setting()) {
            (false, _) => Err(NicError::NoHardware {
                interface: card.name,
            }),
            (true, Err(AskError::Unsupported | AskError::Refused)) => {
                Err(NicError::SettingUnknown {
                    interface: card.name,
                })
            }
            _ => Ok(Box::new(card)),
        }
    }

    impl Interface {
        fn current_name(&self) -> io::Result<String> {
            let any = UnixDatagram::unbound()?;
            Ok(netdevice::index_to_name(&any, self.index)?)
        }
    }

    impl Card for Interface {
        fn name(&self) -> String {
            self.current_name().unwrap_or_else(|_| self.name.clone())
        }

        fn setting(&self) -> Result<Setting, AskError> {
            let name = self.current_name().map_err(|e| AskError::from(&e))?;
            sys::stamping(&name)
                .map(setting)
                .map_err(|e| AskError::from(&e))
        }

        fn set(&self, wanted: Setting) -> Result<(), AskError> {
            let name = self.current_name().map_err(|e| AskError::from(&e))?;
            let config = libc::hwtstamp_config {
                flags: wanted.flags,
                tx_type: wanted.tx.0,
                rx_filter: wanted.rx.0,
            };
            sys::set_stamping(&name, config).map_err(|e| AskError::from(&e))
        }
    }
}

#[cfg(test)]
mod tests;
