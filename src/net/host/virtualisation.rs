//! Which hypervisor runs this host, from what anybody may read.

/// What was found; each absent where there is no such file.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// /sys/hypervisor/type: only Xen has it.
    pub(super) hypervisor_type: Option<String>,
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

/// Makers and models that exist in virtual machines only.
const MACHINES: [(&str, &str); 10] = [
    ("VMware", "vmware"),
    ("VirtualBox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("Parallels", "parallels"),
    ("BHYVE", "bhyve"),
    ("Apple Virtualization", "apple"),
    ("Firecracker", "firecracker"),
    ("Xen", "xen"),
    ("HVM domU", "xen"),
    ("KVM", "kvm"),
];

/// Clock sources that a hypervisor offers to its guests.
const CLOCKS: [(&str, &str); 4] = [
    ("kvm-clock", "kvm"),
    ("hyperv_clocksource_tsc_page", "hyper-v"),
    ("hyperv_clocksource_msr", "hyper-v"),
    ("xen", "xen"),
];

/// The hypervisor's name, `vm` where only its presence shows, `none` on bare metal, absent where
/// nothing tells; within a container `/` and its kind follow.
pub(super) fn name(hints: &Hints) -> Option<String> {
    let hypervisor = hypervisor(hints);
    match &hints.container {
        Some(container) => Some(format!("{}/{container}", hypervisor.unwrap_or("unknown"))),
        None => hypervisor.map(str::to_owned),
    }
}

fn hypervisor(hints: &Hints) -> Option<&'static str> {
    if hints.hypervisor_type.as_deref() == Some("xen") {
        return Some("xen");
    }
    let flag = hints.cpuinfo.as_deref().and_then(hypervisor_flag);
    if flag == Some(false) {
        // A cloud's metal machines carry the cloud's name and are no guests.
        return Some("none");
    }
    let said = |text: &Option<String>, word: &str| {
        let text = text.as_deref().unwrap_or_default();
        text.contains(word)
    };
    let machine = MACHINES
        .iter()
        .find(|(word, _)| said(&hints.vendor, word) || said(&hints.product, word))
        .map(|(_, name)| *name);
    let hyper_v = said(&hints.vendor, "Microsoft") && said(&hints.product, "Virtual Machine");
    let clock = hints.clocksources.as_deref().and_then(|offered| {
        let offers = |clock| offered.split_ascii_whitespace().any(|c| c == clock);
        CLOCKS
            .iter()
            .find(|(clock, _)| offers(*clock))
            .map(|(_, name)| *name)
    });
    // QEMU without an accelerator has no clock to offer; with KVM the clock says so.
    let qemu = said(&hints.vendor, "QEMU").then_some("qemu");
    machine
        .or(hyper_v.then_some("hyper-v"))
        .or(clock)
        .or(qemu)
        .or((flag == Some(true)).then_some("vm"))
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
                Some("hyper-v"),
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
                Some("kvm"),
            ),
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
