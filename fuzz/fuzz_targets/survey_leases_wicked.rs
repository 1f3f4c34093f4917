//! Any bytes as leases of wicked: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!("run/wicked/leaseinfo.eth0.dhcp.ipv4");
