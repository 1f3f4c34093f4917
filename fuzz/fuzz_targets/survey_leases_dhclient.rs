//! Any bytes as leases of dhclient: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!("var/lib/dhcp/dhclient.eth0.leases");
