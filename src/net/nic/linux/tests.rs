//! Interfaces from files and answers as real machines give them.

use std::os::unix::fs::symlink;

use super::*;
use crate::net::nic::Outlook;

/// A machine: an 82576 card with a VLAN and a bond on it, a veth, and the loopback.
struct Machine {
    root: tempfile::TempDir,
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const INTERFACES: [(&str, &str); 7] = [
    ("lo", "0x9"),
    ("veth3", "0x1003"),
    ("eth10", "0x1003"),
    ("eth2", "0x1003"),
    ("bond0", "0x1403"),
    ("eth2.7", "0x1003"),
    ("eth11", "0x1002"),
];

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let path = root.path();
        let mut list = String::from(
            "Inter-|   Receive                            |  Transmit\n \
             face |bytes    packets errs drop fifo frame|bytes    packets\n",
        );
        for (n, (name, flags)) in INTERFACES.iter().enumerate() {
            list += &format!("{name:>6}: 123 4 0 0\n");
            let net = format!("sys/class/net/{name}");
            put(path, &format!("{net}/flags"), &format!("{flags}\n"));
            put(path, &format!("{net}/ifindex"), &format!("{}\n", n + 1));
        }
        put(path, "proc/self/net/dev", &list);
        let net = path.join("sys/class/net");
        for card in ["eth2", "eth10", "eth11"] {
            fs::create_dir_all(net.join(card).join("device")).unwrap();
        }
        for (upper, lower) in [("bond0", "eth2"), ("bond0", "eth10"), ("eth2.7", "bond0")] {
            let link = net.join(upper).join(format!("lower_{lower}"));
            symlink(net.join(lower), link).unwrap();
        }
        put(path, "sys/class/net/eth2/speed", "1000\n");
        put(path, "sys/class/net/eth2/duplex", "full\n");
        put(path, "sys/class/net/eth2/carrier", "1\n");
        put(path, "sys/class/net/veth3/speed", "-1\n");
        put(path, "sys/class/net/veth3/duplex", "unknown\n");
        put(path, "sys/class/ptp/ptp2/clock_name", "00:1b:21:00:00:01\n");
        fs::create_dir(path.join("dev")).unwrap();
        symlink("/dev/null", path.join("dev/ptp2")).unwrap();
        symlink(
            "../../bus/pci/drivers/virtio_net",
            net.join("eth10/device/driver"),
        )
        .unwrap();
        Self { root }
    }

    fn survey(&self, names: &[&str]) -> Result<Vec<Interface>, SurveyError> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        look(self.root.path(), self, &names)
    }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::Error::from_raw_os_error(libc::EOPNOTSUPP))
}

impl Answers for Machine {
    fn ts_info(&self, interface: &str) -> io::Result<sys::TsInfo> {
        match interface {
            "eth2" => Ok(sys::TsInfo::of(0x5f, 2).taking(0b11, 0b1_0000_0011_0001)),
            "eth11" => Err(io::Error::from_raw_os_error(libc::ENODEV)),
            _ => Ok(sys::TsInfo::of(0x1a, -1)),
        }
    }

    fn driver_info(&self, interface: &str) -> io::Result<sys::DriverInfo> {
        let mut info = sys::DriverInfo::default();
        let mut fill = |driver: &[u8], firmware: &[u8]| {
            info.driver[..driver.len()].copy_from_slice(driver);
            info.firmware[..firmware.len()].copy_from_slice(firmware);
        };
        match interface {
            "eth2" => fill(b"igb\0left over", b"1.2.3"),
            "veth3" => fill(&[b'v'; 32], b"N/A"),
            _ => return unsupported(),
        }
        Ok(info)
    }

    fn stamping(&self, interface: &str) -> io::Result<libc::hwtstamp_config> {
        match interface {
            "eth2" => Ok(libc::hwtstamp_config {
                flags: 0,
                tx_type: 1,
                rx_filter: 12,
            }),
            "eth10" => Err(io::Error::from_raw_os_error(libc::EPERM)),
            _ => unsupported(),
        }
    }

    fn index(&self, interface: &str) -> io::Result<u32> {
        let at = INTERFACES.iter().position(|(name, _)| *name == interface);
        Ok(u32::try_from(at.unwrap()).unwrap() + 1)
    }
}

/// Names in the order of a survey.
fn in_order(mut found: Vec<Interface>) -> Vec<String> {
    crate::net::nic::sort(&mut found);
    found.into_iter().map(|i| i.name).collect()
}

#[test]
fn devices_first_by_what_they_stamp_then_software_then_loopback() {
    let found = Machine::new().survey(&[]).unwrap();
    let names = in_order(found);
    let expected = ["eth2", "eth10", "eth11", "veth3", "bond0", "eth2.7", "lo"];
    assert_eq!(names, expected);
}

#[test]
fn a_card_tells_its_driver_link_offer_setting_and_clock() {
    let [card] = &Machine::new().survey(&["eth2"]).unwrap()[..] else {
        panic!("one was asked for");
    };
    assert_eq!(card.kind, Kind::Physical);
    let driver = card.driver.as_ref().unwrap();
    assert_eq!(
        (driver.name.as_str(), driver.firmware.as_deref()),
        ("igb", Some("1.2.3"))
    );
    assert_eq!(driver.bus, None);
    let link = &card.link;
    assert_eq!(
        (link.up, link.carrier, link.speed),
        (true, Some(true), Some(1000))
    );
    assert_eq!(link.duplex.as_deref(), Some("full"));
    let offer = card.offer.as_ref().unwrap();
    assert!(offer.hardware_transmit() && !offer.hardware_receive());
    assert_eq!(offer.phc, Some(2));
    let setting = card.setting.as_ref().unwrap();
    assert_eq!(
        (setting.tx, setting.rx.name()),
        (TxType::ON, "ptp_v2_event".into())
    );
    let clock = card.clock.as_ref().unwrap();
    assert_eq!(clock.name.as_deref(), Some("00:1b:21:00:00:01"));
    assert_eq!(clock.access, PhcAccess::Readable);
    assert_eq!(card.outlook(), Outlook::HardwareOneWay);
}

#[test]
fn what_is_not_told_is_absent_or_named() {
    let found = Machine::new().survey(&["veth3", "eth10", "eth11"]).unwrap();
    let [veth, virtio, gone] = &found[..] else {
        panic!("{found:?}");
    };
    assert_eq!(virtio.setting, Err(AskError::NotPermitted));
    assert_eq!(virtio.driver.as_ref().unwrap().name, "virtio_net");
    assert_eq!(gone.offer, Err(AskError::Vanished));
    assert!(!gone.link.up && gone.clock.is_none());
    assert_eq!(veth.setting, Err(AskError::Unsupported));
    assert_eq!(veth.link.speed, None);
    assert_eq!(veth.link.duplex, None);
    let driver = veth.driver.as_ref().unwrap();
    assert_eq!((driver.name.len(), &driver.firmware), (32, &None));
    assert_eq!(veth.outlook(), Outlook::Kernel);
}

#[test]
fn on_top_of_cards_the_cards_are_named() {
    let found = Machine::new()
        .survey(&["eth2.7", "bond0", "veth3"])
        .unwrap();
    let beneath = |name: &str| &found.iter().find(|i| i.name == name).unwrap().beneath;
    assert_eq!(beneath("bond0")[..], ["eth10", "eth2"]);
    assert_eq!(beneath("eth2.7")[..], ["eth10", "eth2"]);
    assert!(beneath("veth3").is_empty());
}

#[test]
fn a_circle_of_interfaces_ends() {
    let machine = Machine::new();
    let net = machine.root.path().join("sys/class/net");
    symlink(net.join("eth2.7"), net.join("bond0/lower_eth2.7")).unwrap();
    let found = machine.survey(&["bond0"]).unwrap();
    assert_eq!(found[0].beneath, ["eth10", "eth2"]);
}

#[test]
fn an_unknown_name_reaches_no_ioctl() {
    for name in ["eth9", "", "../../etc", "lo\0", "eth2\n", "face |bytes"] {
        // The machine panics when it is asked for an index that it does not have.
        let refused = Machine::new().survey(&["lo", name]).unwrap_err();
        let SurveyError::Unknown { existing, .. } = refused else {
            panic!("{refused}");
        };
        assert_eq!(existing.len(), INTERFACES.len());
    }
}

#[test]
fn files_of_another_network_namespace_are_not_believed() {
    let machine = Machine::new();
    put(machine.root.path(), "sys/class/net/eth2/ifindex", "77\n");
    let [card] = &machine.survey(&["eth2"]).unwrap()[..] else {
        panic!("one was asked for");
    };
    assert_eq!(
        (card.kind, card.link.clone()),
        (Kind::Virtual, Link::default())
    );
    assert_eq!(
        card.offer.as_ref().unwrap().phc,
        Some(2),
        "the kernel's own answer"
    );
}

#[test]
fn a_clock_is_readable_missing_or_no_device() {
    let root = tempfile::tempdir().unwrap();
    let missing = phc_at(root.path(), 0);
    assert_eq!((missing.access, missing.name), (PhcAccess::NoDevice, None));
    put(root.path(), "dev/ptp1", "");
    assert!(matches!(
        phc_at(root.path(), 1).access,
        PhcAccess::Failed(_)
    ));
    // A pipe that nobody writes to must not hold the survey up.
    let pipe = root.path().join("dev/ptp2");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert!(matches!(
        phc_at(root.path(), 2).access,
        PhcAccess::Failed(_)
    ));
}

#[test]
fn this_machine_has_a_loopback_that_the_kernel_stamps() {
    let [lo] = &crate::net::nic::survey(&["lo".to_owned()]).unwrap()[..] else {
        panic!("one was asked for");
    };
    assert_eq!(lo.kind, Kind::Loopback);
    assert_eq!(lo.outlook(), Outlook::Kernel);
    assert_eq!(
        (&lo.clock, lo.setting.clone()),
        (&None, Err(AskError::Unsupported))
    );
    let all = crate::net::nic::survey(&[]).unwrap();
    assert_eq!(all.last(), Some(lo));
}
