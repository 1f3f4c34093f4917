//! Any bytes as what NetworkManager tells of a device: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!("run/NetworkManager/devices/2");
