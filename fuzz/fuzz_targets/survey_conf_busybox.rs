//! Any bytes as settings of busybox' ntpd, of Alpine and OpenWrt: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "etc/conf.d/ntpd",
    "etc/config/system",
);
