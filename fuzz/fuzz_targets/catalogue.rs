//! A profile is refused with a reason, or taken as a whole; so is a setting. What is taken has names that
//! fit a table, and numbers that are limits.

#![no_main]

use std::sync::LazyLock;

use clockfit::fitness::Catalogue;
use libfuzzer_sys::fuzz_target;

/// Read once: reading it takes longer than all that follows.
static BUILTIN: LazyLock<Catalogue> = LazyLock::new(Catalogue::builtin);

fuzz_target!(|text: &str| {
    let mut catalogue = BUILTIN.clone();
    match catalogue.add_profile("profile", text) {
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_eq!(catalogue, *BUILTIN, "half of it was used");
        }
        Ok(()) => {
            for service in catalogue.services() {
                assert!(!service.id.is_empty() && service.id.len() <= 40);
                assert!(service.limits.iter().all(|(_, value)| value >= 0));
            }
        }
    }
    let mut catalogue = BUILTIN.clone();
    let _ = catalogue.set(text);
});
