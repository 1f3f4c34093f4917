//! Any bytes as what the system calls itself, and a unit: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "etc/os-release",
    "etc/systemd/system/chrony.service",
);
