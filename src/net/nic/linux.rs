//! What Linux says about interfaces: its list in /proc, files in /sys, and ioctls.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{
    AskError, CardClock, Driver, Interface, Kind, Link, Offer, PhcAccess, RxFilter, Setting,
    SurveyError, TxType,
};
use crate::net::sys;

/// The most that is read of the list: some 120 bytes an interface.
const MAX_LIST_BYTES: u64 = 4 * 1024 * 1024;
/// The most that is read of a file that holds one value.
const MAX_VALUE_BYTES: u64 = 4096;
/// Interfaces that are looked at.
const MAX_INTERFACES: usize = 4096;
/// How many interfaces may stand on each other, and how many are looked at below one.
const MAX_BENEATH: usize = 256;
/// IFF_UP and IFF_LOOPBACK of linux/if.h.
const IFF_UP: u32 = 1;
const IFF_LOOPBACK: u32 = 8;

/// What only the kernel itself can answer about an interface, by name.
pub(super) trait Answers {
    fn ts_info(&self, interface: &str) -> io::Result<sys::TsInfo>;
    fn driver_info(&self, interface: &str) -> io::Result<sys::DriverInfo>;
    fn stamping(&self, interface: &str) -> io::Result<libc::hwtstamp_config>;
    fn index(&self, interface: &str) -> io::Result<u32>;
}

/// The running kernel.
pub(super) struct Kernel;

impl Answers for Kernel {
    fn ts_info(&self, interface: &str) -> io::Result<sys::TsInfo> {
        sys::ethtool_ts_info(interface)
    }

    fn driver_info(&self, interface: &str) -> io::Result<sys::DriverInfo> {
        sys::ethtool_driver_info(interface)
    }

    fn stamping(&self, interface: &str) -> io::Result<libc::hwtstamp_config> {
        sys::stamping(interface)
    }

    fn index(&self, interface: &str) -> io::Result<u32> {
        crate::net::resolve::interface_index(interface)
    }
}

/// The interfaces of these names, or all, in no order: files below `root`, and these answers.
pub(super) fn look(
    root: &Path,
    kernel: &impl Answers,
    names: &[String],
) -> Result<Vec<Interface>, SurveyError> {
    let existing = list(root).map_err(SurveyError::NoList)?;
    let wanted = if names.is_empty() { &existing } else { names };
    let mut found: Vec<Interface> = Vec::new();
    for name in wanted {
        // Never ask the kernel for a name that is not on its list: with the privilege to load
        // modules it would take the name for that of a module (dev_load in net/core/dev_ioctl.c).
        if !existing.contains(name) {
            return Err(SurveyError::Unknown {
                name: name.clone(),
                existing,
            });
        }
        if !found.iter().any(|f| f.name == *name) {
            found.push(interface(root, kernel, name));
        }
    }
    Ok(found)
}

/// Names of the interfaces of this process's network namespace. /sys may be mounted from another
/// one; /proc/self/net never is.
pub(super) fn list(root: &Path) -> io::Result<Vec<String>> {
    let text = read_capped(&root.join("proc/self/net/dev"), MAX_LIST_BYTES)?;
    let name = |line: &[u8]| {
        let end = line.iter().position(|b| *b == b':')?;
        // A name that is not UTF-8 cannot be told to anybody.
        let name = std::str::from_utf8(line.get(..end)?).ok()?;
        // Neither white space nor `/` can be in a name (dev_valid_name in net/core/dev.c), and no
        // list may lead out of /sys.
        let name = name.trim();
        (!name.is_empty() && !name.contains(['/', '|']) && name != "." && name != "..")
            .then(|| name.to_owned())
    };
    // Two lines of headings, without a colon.
    Ok(text
        .split(|b| *b == b'\n')
        .filter_map(name)
        .take(MAX_INTERFACES)
        .collect())
}

fn interface(root: &Path, kernel: &impl Answers, name: &str) -> Interface {
    let files = files(root, kernel, name);
    let files = files.as_deref();
    let info = kernel.ts_info(name);
    let offer = info.as_ref().map(offer).map_err(AskError::from);
    let flags = files.and_then(|f| hexadecimal(&read_line(&f.join("flags"))?));
    let flags = flags.unwrap_or(0);
    let phc = offer.as_ref().ok().and_then(|o| o.phc);
    Interface {
        name: name.to_owned(),
        kind: match files {
            _ if flags & IFF_LOOPBACK != 0 || name == "lo" => Kind::Loopback,
            Some(files) if files.join("device").exists() => Kind::Physical,
            _ => Kind::Virtual,
        },
        driver: driver(kernel, name, files),
        link: files.map_or_else(Link::default, |files| link(files, flags)),
        offer,
        setting: kernel
            .stamping(name)
            .map(setting)
            .map_err(|e| AskError::from(&e)),
        clock: phc.map(|index| phc_at(root, index)),
        beneath: files.map_or_else(Vec::new, beneath),
    }
}

/// The folder of an interface in /sys, if that is the interface this process sees under the name.
pub(super) fn files(root: &Path, kernel: &impl Answers, name: &str) -> Option<PathBuf> {
    let files = root.join("sys/class/net").join(name);
    let index = read_line(&files.join("ifindex"))?.parse::<u32>().ok()?;
    (kernel.index(name).ok()? == index).then_some(files)
}

fn offer(info: &sys::TsInfo) -> Offer {
    Offer {
        capabilities: info.so_timestamping,
        tx_types: info.tx_types,
        rx_filters: info.rx_filters,
        phc: u32::try_from(info.phc_index).ok(),
    }
}

/// How the kernel's struct reads.
pub(super) fn setting(config: libc::hwtstamp_config) -> Setting {
    Setting {
        tx: TxType(config.tx_type),
        rx: RxFilter(config.rx_filter),
        flags: config.flags,
    }
}

fn driver(kernel: &impl Answers, name: &str, files: Option<&Path>) -> Option<Driver> {
    if let Ok(info) = kernel.driver_info(name)
        && let Some(name) = text(&info.driver)
    {
        return Some(Driver {
            name,
            // What drivers say that have none.
            firmware: text(&info.firmware).filter(|f| f != "N/A"),
            bus: text(&info.bus).filter(|b| b != "N/A"),
        });
    }
    let linked = fs::read_link(files?.join("device/driver")).ok()?;
    Some(Driver {
        name: linked.file_name()?.to_string_lossy().into_owned(),
        firmware: None,
        bus: None,
    })
}

/// The text of a field that ends in NUL or is full.
fn text(field: &[u8]) -> Option<String> {
    let text = field.split(|b| *b == 0).next()?;
    let text = String::from_utf8_lossy(text).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn link(files: &Path, flags: u32) -> Link {
    // Reading these of an interface that is down is an error (EINVAL), and -1 is "unknown".
    let value = |file: &str| read_line(&files.join(file));
    Link {
        up: flags & IFF_UP != 0,
        carrier: value("carrier").map(|c| c == "1"),
        speed: value("speed")
            .and_then(|s| s.parse().ok())
            .filter(|s| *s > 0),
        duplex: value("duplex").filter(|d| d == "full" || d == "half"),
    }
}

fn phc_at(root: &Path, index: u32) -> CardClock {
    let device = format!("ptp{index}");
    CardClock {
        index,
        name: read_line(&root.join("sys/class/ptp").join(&device).join("clock_name")),
        access: access(&root.join("dev").join(&device)),
    }
}

/// Whether a device can be opened for reading, which is all that it takes to read its clock.
fn access(device: &Path) -> PhcAccess {
    // Never wait: what stands under this name might be anything.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(device)
        .and_then(|file| file.metadata());
    match opened {
        Ok(metadata) if metadata.file_type().is_char_device() => PhcAccess::Readable,
        Ok(_) => PhcAccess::Failed("it is no device".to_owned()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => PhcAccess::NoDevice,
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => PhcAccess::Denied,
        Err(e) => PhcAccess::Failed(e.to_string()),
    }
}

/// The interfaces at the bottom of what this one stands on. The kernel links each to those directly
/// below (`lower_NAME`), as far as they are in the same network namespace.
pub(super) fn beneath(files: &Path) -> Vec<String> {
    let Some(net) = files.parent() else {
        return Vec::new();
    };
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut bottom: BTreeSet<(bool, String)> = BTreeSet::new();
    let mut open = lower(files);
    while let Some(name) = open.pop() {
        // The limit also ends a circle, which the kernel does not allow.
        if seen.len() >= MAX_BENEATH || !seen.insert(name.clone()) {
            continue;
        }
        let files = net.join(&name);
        let below = lower(&files);
        if below.is_empty() {
            bottom.insert((!files.join("device").exists(), name));
        }
        open.extend(below);
    }
    // A bridge of containers has hundreds of virtual ports: where there is a device, it is meant.
    let devices = bottom.iter().any(|(is_virtual, _)| !is_virtual);
    bottom
        .into_iter()
        .filter(|(is_virtual, _)| !(devices && *is_virtual))
        .map(|(_, name)| name)
        .collect()
}

fn lower(files: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(files) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| name.strip_prefix("lower_").map(str::to_owned))
        .take(MAX_BENEATH)
        .collect()
}

fn read_capped(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first line of a file; none where it is empty or cannot be read.
fn read_line(path: &Path) -> Option<String> {
    let bytes = read_capped(path, MAX_VALUE_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

#[cfg(test)]
mod tests;
