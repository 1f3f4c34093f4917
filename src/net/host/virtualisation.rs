//! Which hypervisor runs this host, from what anybody may read.

/// What was found; each absent where there is no such file.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// /sys/hypervisor/type: only Xen has it.
    pub(super) hypervisor_type: Option<String>,
    /// What a hypervisor is compatible with, by firmware that describes the machine by a tree: Arm.
    pub(super) device_tree: Option<String>,
    /// Maker of the machine by its firmware (DMI).
    pub(super) vendor: Option<String>,
    /// The machine's model by its firmware.
    pub(super) product: Option<String>,
    /// /proc/cpuinfo.
    pub(super) cpuinfo: Option<String>,
    /// Clock sources the kernel found, with blanks between.
    pub(super) clocksources: Option<String>,
    /// The container engine.
    pub(super) container: Option<String>,
}

/// The files the hints are read from, below the root.
pub(super) const XEN: &str = "sys/hypervisor/type";
pub(super) const DEVICE_TREE: &str = "proc/device-tree/hypervisor/compatible";
pub(super) const VENDOR: &str = "sys/class/dmi/id/sys_vendor";
pub(super) const PRODUCT: &str = "sys/class/dmi/id/product_name";
pub(super) const CPUINFO: &str = "proc/cpuinfo";
pub(super) const CLOCKSOURCES: &str =
    "sys/devices/system/clocksource/clocksource0/available_clocksource";

/// Makers and models that exist in virtual machines only, by the names of systemd-detect-virt(1); it
/// has none for Firecracker.
const MACHINES: [(&str, &str); 10] = [
    ("VMware", "vmware"),
    ("VirtualBox", "oracle"),
    ("innotek", "oracle"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Apple Virtualization", "apple"),
    ("Firecracker", "firecracker"),
    ("Xen", "xen"),
    ("HVM domU", "xen"),
    ("KVM", "kvm"),
];

/// Clouds that let machines of metal as well under the same name: what tells a guest is something else.
const CLOUDS: [(&str, &str); 2] = [("Amazon EC2", "amazon"), ("Google", "google")];

/// Clock sources that a hypervisor offers to its guests.
const CLOCKS: [(&str, &str); 4] = [
    ("kvm-clock", "kvm"),
    ("hyperv_clocksource_tsc_page", "microsoft"),
    ("hyperv_clocksource_msr", "microsoft"),
    ("xen", "xen"),
];

/// What firmware says of a hypervisor where it describes the machine by a tree.
const TREES: [(&str, &str); 3] = [
    ("linux,kvm", "kvm"),
    ("xen,xen", "xen"),
    ("vmware", "vmware"),
];

/// The hypervisor's name, `vm` where only its presence shows, `none` on bare metal, absent where
/// nothing tells; within a container `/` and its kind follow.
pub(super) fn name(hints: &Hints) -> Option<String> {
    let hypervisor = hypervisor(hints).map(|(name, _)| name);
    match &hints.container {
        Some(container) => Some(format!("{}/{container}", hypervisor.unwrap_or("unknown"))),
        None => hypervisor.map(str::to_owned),
    }
}

/// The file that tells the hypervisor, or that there is none, below the root.
pub(super) fn read_from(hints: &Hints) -> Option<&'static str> {
    hypervisor(hints).map(|(_, file)| file)
}

fn hypervisor(hints: &Hints) -> Option<(&'static str, &'static str)> {
    if hints.hypervisor_type.as_deref() == Some("xen") {
        return Some(("xen", XEN));
    }
    let flag = hints.cpuinfo.as_deref().and_then(hypervisor_flag);
    if flag == Some(false) {
        // A cloud's metal machines carry the cloud's name and are no guests.
        return Some(("none", CPUINFO));
    }
    let said = |text: &Option<String>, word: &str| {
        let text = text.as_deref().unwrap_or_default();
        text.contains(word)
    };
    let of_firmware = |known: &[(&'static str, &'static str)]| {
        known.iter().find_map(|(word, name)| match () {
            () if said(&hints.vendor, word) => Some((*name, VENDOR)),
            () if said(&hints.product, word) => Some((*name, PRODUCT)),
            () => None,
        })
    };
    let tree = hints.device_tree.as_deref().map(|compatible| {
        let known = TREES.iter().find(|(word, _)| compatible.contains(word));
        (known.map_or("vm", |(_, name)| *name), DEVICE_TREE)
    });
    let cloud = of_firmware(&CLOUDS).filter(|_| flag == Some(true) || tree.is_some());
    let hyper_v = said(&hints.vendor, "Microsoft") && said(&hints.product, "Virtual Machine");
    let clock = hints.clocksources.as_deref().and_then(|offered| {
        let offers = |clock| offered.split_ascii_whitespace().any(|c| c == clock);
        let known = CLOCKS.iter().find(|(clock, _)| offers(*clock));
        known.map(|(_, name)| (*name, CLOCKSOURCES))
    });
    // QEMU without an accelerator has no clock to offer; with KVM the clock says so.
    let qemu = said(&hints.vendor, "QEMU").then_some(("qemu", VENDOR));
    of_firmware(&MACHINES)
        .or(cloud)
        .or(hyper_v.then_some(("microsoft", PRODUCT)))
        .or(tree)
        .or(clock)
        .or(qemu)
        .or((flag == Some(true)).then_some(("vm", CPUINFO)))
}

/// Whether the first processor knows that it is virtual; x86 alone has such a flag.
fn hypervisor_flag(cpuinfo: &str) -> Option<bool> {
    let flags = cpuinfo.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim_end() == "flags").then_some(value)
    })?;
    Some(flags.split_ascii_whitespace().any(|f| f == "hypervisor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUEST: &str = "processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\nbugs\t\t:\n";
    const METAL: &str = "processor\t: 0\nflags\t\t: fpu vme nohypervisorhere lahf_lm\n";

    fn hints(vendor: &str, product: &str, cpuinfo: &str, clocks: &str) -> Hints {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Hints {
            vendor: some(vendor),
            product: some(product),
            cpuinfo: some(cpuinfo),
            clocksources: some(clocks),
            ..Hints::default()
        }
    }

    #[test]
    fn machines_are_told_by_what_they_say() {
        let arm = "processor\t: 0\nFeatures\t: fp asimd\n";
        for (vendor, product, cpuinfo, clocks, expected) in [
            ("VMware, Inc.", "VMware7,1", GUEST, "tsc", Some("vmware")),
            (
                "Microsoft Corporation",
                "Virtual Machine",
                GUEST,
                "hyperv_clocksource_tsc_page",
                Some("microsoft"),
            ),
            (
                "Microsoft Corporation",
                "Surface",
                METAL,
                "tsc hpet",
                Some("none"),
            ),
            (
                "QEMU",
                "Standard PC (Q35 + ICH9, 2009)",
                GUEST,
                "kvm-clock tsc",
                Some("kvm"),
            ),
            (
                "QEMU",
                "Standard PC (Q35 + ICH9, 2009)",
                GUEST,
                "tsc hpet",
                Some("qemu"),
            ),
            ("Amazon EC2", "m5.metal", METAL, "tsc", Some("none")),
            (
                "Amazon EC2",
                "m5.large",
                GUEST,
                "kvm-clock tsc",
                Some("amazon"),
            ),
            (
                "Google",
                "Google Compute Engine",
                GUEST,
                "kvm-clock tsc",
                Some("google"),
            ),
            // Arm has no flag, and the cloud lets machines of metal under that name.
            ("Amazon EC2", "m7g.large", arm, "arch_sys_counter", None),
            ("innotek GmbH", "VirtualBox", GUEST, "tsc", Some("oracle")),
            ("Xen", "HVM domU", GUEST, "xen tsc", Some("xen")),
            (
                "OpenStack Foundation",
                "OpenStack Nova",
                GUEST,
                "tsc",
                Some("vm"),
            ),
            ("", "", GUEST, "tsc", Some("vm")),
            ("Dell Inc.", "PowerEdge R640", METAL, "tsc", Some("none")),
            ("", "", arm, "arch_sys_counter", None),
            ("QEMU", "QEMU Virtual Machine", arm, "", Some("qemu")),
            ("", "", "", "", None),
        ] {
            let found = name(&hints(vendor, product, cpuinfo, clocks));
            assert_eq!(found.as_deref(), expected, "{vendor} {product} {clocks}");
        }
    }

    #[test]
    fn a_tree_tells_where_there_is_no_flag() {
        let arm = "processor\t: 0\nFeatures\t: fp asimd\n";
        for (vendor, compatible, expected) in [
            ("", "linux,kvm\0", ("kvm", DEVICE_TREE)),
            ("", "xen,xen-4.14\0xen,xen\0", ("xen", DEVICE_TREE)),
            ("", "\u{fffd}\0", ("vm", DEVICE_TREE)),
            ("Amazon EC2", "linux,kvm\0", ("amazon", VENDOR)),
        ] {
            let mut found = hints(vendor, "", arm, "arch_sys_counter");
            found.device_tree = Some(compatible.to_owned());
            assert_eq!(hypervisor(&found), Some(expected), "{vendor} {compatible}");
        }
    }

    #[test]
    fn where_it_was_read_is_told() {
        for (vendor, product, cpuinfo, clocks, file) in [
            ("VMware, Inc.", "", GUEST, "", Some(VENDOR)),
            ("Red Hat", "KVM", GUEST, "", Some(PRODUCT)),
            ("", "", GUEST, "kvm-clock", Some(CLOCKSOURCES)),
            ("", "", GUEST, "tsc", Some(CPUINFO)),
            ("VMware, Inc.", "", METAL, "", Some(CPUINFO)),
            ("", "", "", "", None),
        ] {
            let found = hints(vendor, product, cpuinfo, clocks);
            assert_eq!(read_from(&found), file, "{vendor} {product}");
        }
    }

    #[test]
    fn a_container_is_told_beside_its_machine() {
        let mut found = hints("", "", GUEST, "");
        found.container = Some("docker".into());
        assert_eq!(name(&found).as_deref(), Some("vm/docker"));
        found.cpuinfo = None;
        assert_eq!(name(&found).as_deref(), Some("unknown/docker"));
        found.hypervisor_type = Some("xen".into());
        assert_eq!(name(&found).as_deref(), Some("xen/docker"));
    }
}
