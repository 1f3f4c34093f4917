//! Any bytes as settings of timemaster, and clocks by their names: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "etc/linuxptp/timemaster.conf",
    "sys/class/ptp/ptp0/clock_name",
);
