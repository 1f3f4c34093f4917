//! [`NicStamping`] on a real card, seen by a second program.
//!
//! It takes a card that stamps, and the right to set it: the emulated NICs of the test bed. There
//! `scripts/tests/guest/nic.sh` runs the one test here, which holds a setting until it
//! is told to end, and looks at the card with other programs before, meanwhile and after.

#![cfg(target_os = "linux")]

use std::env;

use clockfit::net::nic::{NicStamping, TakeOver};
use clockfit::net::{Poller, clock};
use clockfit::time::TimeDelta;

/// Nobody comes later than that.
const PATIENCE: TimeDelta = TimeDelta::from_secs(60);

/// Sets the card CLOCKFIT_NIC, says how it is set, waits for SIGTERM, says whether it is still set
/// so, and ends as CLOCKFIT_END says: `return`, `panic`, or `restore` to say how that went. With
/// CLOCKFIT_TAKE_OVER set, a setting in use is overwritten.
#[test]
#[ignore = "needs a card that stamps and a second program that looks at it"]
fn hold() {
    // The test's own name stands on the line by now.
    println!();
    let card = env::var("CLOCKFIT_NIC").expect("CLOCKFIT_NIC names the card");
    let end = env::var("CLOCKFIT_END").unwrap_or_default();
    let take_over = match env::var_os("CLOCKFIT_TAKE_OVER") {
        Some(_) => TakeOver::Yes,
        None => TakeOver::No,
    };
    let mut poller = Poller::new().unwrap();
    poller.catch_signals().unwrap();
    let stamping = match NicStamping::enable(&card, take_over) {
        Ok(stamping) => stamping,
        Err(error) => {
            println!("refused: {error}");
            return;
        }
    };
    println!(
        "set: {} (both ways: {})",
        stamping.setting(),
        stamping.transmits() && stamping.receives_all()
    );
    let deadline = clock::counter() + PATIENCE;
    let mut ready = Vec::new();
    while poller.wait(Some(deadline), &mut ready).unwrap().signals == 0 {
        assert!(clock::counter() < deadline, "no signal came");
    }
    match stamping.check() {
        Ok(()) => println!("check: unchanged"),
        Err(error) => println!("check: {error}"),
    }
    match end.as_str() {
        "panic" => panic!("on purpose"),
        "restore" => match stamping.restore() {
            Ok(()) => println!("restored"),
            Err(error) => println!("restore: {error}"),
        },
        _ => {}
    }
}
