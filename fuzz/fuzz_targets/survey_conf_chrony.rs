//! Any bytes as settings of chrony: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "etc/chrony/chrony.conf",
    "run/chrony-dhcp/eth0.sources",
    "etc/chrony/conf.d/site.conf",
);
