//! Any bytes as settings of openntpd: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!("etc/openntpd/ntpd.conf");
