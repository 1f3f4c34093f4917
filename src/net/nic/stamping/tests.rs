//! A card of software that behaves like real drivers, well and badly.

use std::sync::{Arc, Mutex};

use super::*;

const PTP: RxFilter = RxFilter(12);

/// What a card does, and what was done to it.
#[derive(Debug, Default)]
struct State {
    /// Receive filters that it takes; others are refused and change nothing.
    takes: Vec<RxFilter>,
    /// A filter that is taken and widened to `all`, as real drivers do.
    widens: bool,
    now: Option<Setting>,
    /// Each setting that was asked for.
    asked: Vec<Setting>,
    /// Fails from here on.
    failing: Option<AskError>,
}

#[derive(Clone, Debug)]
struct Emulated(Arc<Mutex<State>>);

impl Emulated {
    fn new(takes: &[RxFilter], now: Setting) -> Self {
        Self(Arc::new(Mutex::new(State {
            takes: takes.to_vec(),
            now: Some(now),
            ..State::default()
        })))
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.lock().unwrap())
    }

    fn now(&self) -> Setting {
        self.with(|s| s.now.unwrap())
    }

    fn enable(&self, take_over: TakeOver) -> Result<NicStamping, NicError> {
        NicStamping::on(Box::new(self.clone()), take_over)
    }
}

impl Card for Emulated {
    fn name(&self) -> String {
        "eth0".to_owned()
    }

    fn setting(&self) -> Result<Setting, AskError> {
        self.with(|s| match (&s.failing, s.now) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(now)) => Ok(now),
            (None, None) => Err(AskError::Vanished),
        })
    }

    fn set(&self, setting: Setting) -> Result<(), AskError> {
        self.with(|s| {
            s.asked.push(setting);
            if let Some(error) = &s.failing {
                return Err(error.clone());
            }
            if !s.takes.contains(&setting.rx) {
                return Err(AskError::Refused);
            }
            let rx = match setting.rx {
                RxFilter::NTP_ALL if s.widens => RxFilter::ALL,
                rx => rx,
            };
            let set = Setting { rx, ..setting };
            s.now = Some(set);
            Ok(())
        })
    }
}

fn setting(tx: TxType, rx: RxFilter) -> Setting {
    Setting { tx, rx, flags: 0 }
}

#[test]
fn ntp_alone_is_the_first_choice_and_off_comes_back() {
    let card = Emulated::new(
        &[RxFilter::NONE, RxFilter::ALL, RxFilter::NTP_ALL],
        Setting::OFF,
    );
    let stamping = card.enable(TakeOver::No).unwrap();
    assert!(stamping.changed() && stamping.receives_all() && stamping.transmits());
    assert_eq!(card.now(), setting(TxType::ON, RxFilter::NTP_ALL));
    assert_eq!(stamping.check(), Ok(()));
    drop(stamping);
    assert_eq!(card.now(), Setting::OFF);
}

#[test]
fn a_wider_filter_than_asked_for_is_ours_all_the_same() {
    let card = Emulated::new(&[RxFilter::NONE, RxFilter::NTP_ALL], Setting::OFF);
    card.with(|s| s.widens = true);
    let stamping = card.enable(TakeOver::No).unwrap();
    assert_eq!(stamping.setting().rx, RxFilter::ALL);
    assert_eq!(stamping.check(), Ok(()));
    assert_eq!(stamping.restore(), Ok(()));
    assert_eq!(card.now(), Setting::OFF);
}

#[test]
fn refused_filters_are_followed_by_the_next_down_to_none() {
    let card = Emulated::new(&[RxFilter::NONE, RxFilter::ALL], Setting::OFF);
    assert!(card.enable(TakeOver::No).unwrap().receives_all());
    let card = Emulated::new(&[RxFilter::NONE, PTP], Setting::OFF);
    let stamping = card.enable(TakeOver::No).unwrap();
    assert!(stamping.transmits() && !stamping.receives_all());
    assert_eq!(card.now(), setting(TxType::ON, RxFilter::NONE));
    let asked: Vec<_> = card.with(|s| s.asked.iter().map(|a| a.rx).collect());
    assert_eq!(asked, [RxFilter::NTP_ALL, RxFilter::ALL, RxFilter::NONE]);
    drop(stamping);
    assert_eq!(card.now(), Setting::OFF);
    let none = Emulated::new(&[], Setting::OFF).enable(TakeOver::No);
    assert!(matches!(none, Err(NicError::NoHardware { .. })));
}

#[test]
fn a_setting_in_use_is_overwritten_only_by_word() {
    for used in [
        setting(TxType::ON, RxFilter::NONE),
        setting(TxType::OFF, RxFilter::ALL),
        setting(TxType::ON, PTP),
    ] {
        let card = Emulated::new(&[RxFilter::NONE, RxFilter::ALL, PTP], used);
        let refused = card.enable(TakeOver::No).unwrap_err();
        assert!(matches!(&refused, NicError::InUse { set, .. } if *set == used));
        assert!(refused.to_string().contains(&used.to_string()), "{refused}");
        assert_eq!(card.with(|s| s.asked.len()), 0, "nothing may be tried");
        let stamping = card.enable(TakeOver::Yes).unwrap();
        assert_eq!(stamping.found(), used);
        assert!(stamping.receives_all());
        drop(stamping);
        assert_eq!(card.now(), used);
    }
}

#[test]
fn taking_over_never_takes_away_the_filter_that_was_there() {
    let used = setting(TxType::OFF, PTP);
    let card = Emulated::new(&[RxFilter::NONE, PTP], used);
    let stamping = card.enable(TakeOver::Yes).unwrap();
    assert_eq!(card.now(), setting(TxType::ON, PTP));
    drop(stamping);
    assert_eq!(card.now(), used);
}

#[test]
fn a_card_that_already_stamps_both_ways_is_left_alone() {
    let used = setting(TxType::ON, RxFilter::ALL);
    let card = Emulated::new(&[RxFilter::NONE], used);
    let stamping = card.enable(TakeOver::No).unwrap();
    assert!(stamping.receives_all() && !stamping.changed());
    // Whoever set it turns it off: said, and not undone.
    card.with(|s| s.now = Some(Setting::OFF));
    assert!(matches!(
        stamping.check(),
        Err(NicError::ChangedByOther { .. })
    ));
    drop(stamping);
    assert_eq!(card.with(|s| s.asked.len()), 0);
}

#[test]
fn what_somebody_else_set_meanwhile_stays() {
    let card = Emulated::new(&[RxFilter::NONE, RxFilter::ALL], Setting::OFF);
    let stamping = card.enable(TakeOver::No).unwrap();
    let theirs = setting(TxType::ON, PTP);
    card.with(|s| s.now = Some(theirs));
    let expected = NicError::ChangedByOther {
        interface: "eth0".into(),
        found: Setting::OFF,
        set: setting(TxType::ON, RxFilter::ALL),
        now: theirs,
    };
    assert_eq!(stamping.check(), Err(expected.clone()));
    assert_eq!(stamping.restore(), Err(expected));
    assert_eq!(card.now(), theirs);
}

#[test]
fn a_panic_restores_too() {
    let card = Emulated::new(&[RxFilter::NONE, RxFilter::ALL], Setting::OFF);
    let inner = card.clone();
    let panicked = std::thread::spawn(move || {
        let _stamping = inner.enable(TakeOver::No).unwrap();
        assert_ne!(inner.now(), Setting::OFF);
        panic!("on purpose");
    })
    .join();
    assert!(panicked.is_err());
    assert_eq!(card.now(), Setting::OFF);
}

/// A build that aborts on a panic would leave the card set.
#[test]
fn every_profile_unwinds() {
    let manifest = include_str!("../../../../Cargo.toml");
    assert!(manifest.contains("[profile.release]"));
    assert!(
        !manifest.contains("\"abort\""),
        "remove it from the profile"
    );
}

#[test]
fn failures_are_told_by_name_and_undone() {
    let refused = |error: AskError| {
        let card = Emulated::new(&[RxFilter::NONE], Setting::OFF);
        card.with(|s| s.failing = Some(error));
        card.enable(TakeOver::No).unwrap_err()
    };
    let permission = refused(AskError::NotPermitted);
    assert!(permission.to_string().contains("CAP_NET_ADMIN"));
    let gone = refused(AskError::Vanished);
    assert!(matches!(gone, NicError::Vanished { .. }));
    let failed = refused(AskError::Failed("I/O error".into()));
    assert!(failed.to_string().contains("I/O error"));
}

/// A driver that does what it is told, and says that it failed.
#[derive(Debug)]
struct HalfDone(Emulated);

impl Card for HalfDone {
    fn name(&self) -> String {
        self.0.name()
    }

    fn setting(&self) -> Result<Setting, AskError> {
        self.0.setting()
    }

    fn set(&self, setting: Setting) -> Result<(), AskError> {
        let done = self.0.set(setting);
        match setting.in_use() {
            true => Err(AskError::Failed("timed out".into())),
            false => done,
        }
    }
}

#[test]
fn what_a_failing_driver_did_halfway_is_undone() {
    let card = Emulated::new(&[RxFilter::NONE, RxFilter::NTP_ALL], Setting::OFF);
    let failed = NicStamping::on(Box::new(HalfDone(card.clone())), TakeOver::No);
    assert!(matches!(failed, Err(NicError::Failed { .. })));
    assert_eq!(card.with(|s| s.asked.len()), 2);
    assert_eq!(card.now(), Setting::OFF);
}

#[test]
fn an_interface_that_vanished_has_nothing_to_restore() {
    let card = Emulated::new(&[RxFilter::NONE, RxFilter::ALL], Setting::OFF);
    let stamping = card.enable(TakeOver::No).unwrap();
    card.with(|s| s.now = None);
    let gone = NicError::Vanished {
        interface: "eth0".into(),
    };
    assert_eq!(stamping.check(), Err(gone.clone()));
    assert_eq!(stamping.restore(), Err(gone));
}

#[test]
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
fn the_loopback_has_no_hardware_and_a_made_up_name_no_interface() {
    let refused = NicStamping::enable("lo", TakeOver::Yes).unwrap_err();
    assert!(matches!(refused, NicError::NoHardware { .. }), "{refused}");
    let unknown = NicStamping::enable("no-such-nic0", TakeOver::No).unwrap_err();
    assert!(matches!(unknown, NicError::Vanished { .. }), "{unknown}");
}

#[test]
fn an_interface_on_top_of_others_names_them() {
    let error = NicError::OnTop {
        interface: "bond0".into(),
        beneath: vec!["eth0".into(), "eth1".into()],
    };
    assert!(error.to_string().contains("eth0, eth1"));
}
