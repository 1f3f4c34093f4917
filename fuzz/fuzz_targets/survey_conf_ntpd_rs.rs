//! Any bytes as settings of ntpd-rs: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!("etc/ntpd-rs/ntp.toml");
