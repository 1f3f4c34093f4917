//! Any bytes as settings of systemd-timesyncd: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "etc/systemd/timesyncd.conf",
    "run/systemd/timesyncd.conf.d/01-dhclient.conf",
);
