//! Kiss codes: RATE slows down for good, DENY and RSTR end it, and none is ever a sample.

use clockfit::sample::ReferenceId;
use clockfit::time::TimeDelta;
use clockfit::wire::Header;

use crate::support::{Fake, measure};

fn kiss(code: [u8; 4]) -> impl Fn(&mut Header) {
    move |h| {
        h.stratum = 0;
        h.reference_id = ReferenceId(code);
    }
}

#[test]
fn rate_slows_down_and_stays_slow() {
    let fake = Fake::new(|asked| match asked.number {
        0 => asked.answer(kiss(*b"RATE")),
        _ => asked.answer(|_| {}),
    });
    let run = measure(&[&fake.name(), "-d", "5s", "-i", "20ms"]);
    // 250 were wanted. The next comes after 2 s, and from then on at least 1 s lies in between; two
    // more may have been on their way.
    assert!((2..=6).contains(&fake.asked()), "{}", fake.asked());
    assert_eq!(run.ended.code, 0);
    assert_eq!(run.count("/sent"), fake.asked());
    assert_eq!(run.count("/rejected/kiss_rate"), 1);
    assert!(run.warns("slowed"));
}

#[test]
fn a_server_that_only_says_rate_is_asked_ever_less() {
    let fake = Fake::new(|asked| asked.answer(kiss(*b"RATE")));
    let run = measure(&[&fake.name(), "-d", "5s", "-i", "20ms"]);
    run.ended.refused(&["error: nothing was measured"]);
    // At 0 s and 2 s, and then not before 6 s; two more may have been on their way.
    assert!(fake.asked() <= 4, "{}", fake.asked());
    assert_eq!(run.count("/rejected/kiss_rate"), fake.asked());
}

#[test]
fn deny_and_rstr_end_it_at_once() {
    for (code, name) in [(*b"DENY", "kiss_deny"), (*b"RSTR", "kiss_restrict")] {
        let fake = Fake::new(move |asked| match asked.number {
            0..3 => asked.answer(|_| {}),
            _ => asked.answer(kiss(code)),
        });
        let run = measure(&[&fake.name(), "-n", "100", "-i", "100ms"]);
        assert!(fake.asked() <= 6, "{name}: {}", fake.asked());
        assert!(run.ended.took < TimeDelta::from_secs(8), "{:?}", run.ended);
        // What was measured before is kept.
        assert_eq!((run.ended.code, run.count("/valid")), (0, 3));
        assert!(run.count(&format!("/rejected/{name}")) >= 1);
        assert!(run.warns("stopped"));
        assert!(run.ended.stderr.contains("not asked any more"));
    }
}

#[test]
fn other_kisses_are_no_samples_either() {
    let fake = Fake::new(|asked| asked.answer(kiss(*b"INIT")));
    let run = measure(&[&fake.name(), "-n", "4", "-i", "20ms"]);
    run.ended.refused(&["error: nothing was measured"]);
    assert_eq!(run.count("/rejected/kiss_other"), 4);
    assert_eq!(run.count("/valid"), 0);
}
