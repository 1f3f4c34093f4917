//! Any bytes as messages that dhcpcd keeps, of DHCPv4 and DHCPv6: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "var/lib/dhcpcd/eth0.lease",
    "var/lib/dhcpcd/eth0.lease6",
);
