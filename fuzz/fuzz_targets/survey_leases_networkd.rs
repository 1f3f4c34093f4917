//! Any bytes as leases and links of systemd-networkd: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "run/systemd/netif/leases/2",
    "run/systemd/netif/links/2",
    "etc/systemd/network/lan.network",
    "sys/class/net/eth0/ifindex",
);
