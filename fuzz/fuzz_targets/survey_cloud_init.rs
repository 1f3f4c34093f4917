//! Any bytes as what a platform handed cloud-init: the claim is that of `discover`'s files in `README.md`.

#![no_main]

clockfit_fuzz::survey_target!(
    "var/lib/cloud/instance/vendor-data.txt",
    "var/lib/cloud/instance/user-data.txt",
    "mnt/config/openstack/latest/vendor_data.json",
);
