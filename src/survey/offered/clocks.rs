//! Clocks that a hypervisor or the machine itself shows: PTP devices without a network, and real-time clocks.

use super::super::evidence::Evidence;
use super::super::files::Files;
use super::{Offer, OfferBy, Standing};

const PTP: &str = "/sys/class/ptp";
const RTC: &str = "/sys/class/rtc";

/// Names of PTP clocks that a hypervisor keeps, by their drivers; others are cards' clocks, which somebody has to
/// steer before they tell the time.
const OF_HYPERVISORS: [&str; 5] = [
    "KVM virtual PTP",
    "hyperv",
    "ena-ptp-",
    "vmclock",
    "ptp_vmw",
];

/// What udev's rules call the device of a clock of this name.
pub(in super::super) fn also_called(clock: &str) -> Option<&'static str> {
    match clock {
        "KVM virtual PTP" => Some("/dev/ptp_kvm"),
        "hyperv" => Some("/dev/ptp_hyperv"),
        clock if clock.starts_with("ena-ptp-") => Some("/dev/ptp_ena"),
        _ => None,
    }
}

pub(super) fn find(files: &mut Files) -> Vec<Offer> {
    let mut found = Vec::new();
    let all = [
        (PTP, "clock_name", OfferBy::Hypervisor),
        (RTC, "name", OfferBy::Machine),
    ];
    for (folder, attribute, by) in all {
        for device in files.list(folder) {
            let file = format!("{folder}/{device}/{attribute}");
            let Some(content) = files.read(&file) else {
                continue;
            };
            let name = String::from_utf8_lossy(content.trim_ascii()).into_owned();
            let is_kept = OF_HYPERVISORS.iter().any(|known| name.starts_with(known));
            if by == OfferBy::Hypervisor && !is_kept {
                continue;
            }
            found.push(Offer {
                by,
                client: "the kernel",
                interface: None,
                server: format!("/dev/{device}"),
                standing: Standing::InForce,
                is_kept: false,
                evidence: Evidence::line(&file, 1, &name),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Tree;
    use super::*;

    #[test]
    fn clocks_of_hypervisors_and_of_the_machine() {
        let tree = Tree::of(&[
            ("sys/class/ptp/ptp0/clock_name", "mlx5_ptp\n"),
            ("sys/class/ptp/ptp1/clock_name", "KVM virtual PTP\n"),
            ("sys/class/rtc/rtc0/name", "rtc_cmos rtc_cmos\n"),
        ]);
        let found = find(&mut tree.files());
        let said: Vec<_> = found.iter().map(|of| (of.by, of.server.as_str())).collect();
        assert_eq!(
            said,
            [
                (OfferBy::Hypervisor, "/dev/ptp1"),
                (OfferBy::Machine, "/dev/rtc0")
            ]
        );
    }
}
