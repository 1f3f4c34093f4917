//! Any bytes as settings of ntpd and ntpsec: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "etc/ntp.conf",
    "etc/ntpsec/ntp.conf",
    "run/ntpsec/ntp.conf.dhcp",
    "etc/default/ntpsec",
    "etc/ntpsec/ntp.d/site.conf",
);
