//! [`environment`]: where a run takes place, by the host's own word.
//!
//! Best effort, without privileges or other programs. What the host says is text from outside: it
//! is read up to a limit, and characters that could move a terminal's cursor are taken out.

use std::ffi::CStr;

use crate::sample::Environment;

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod cgroup;
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod linux;
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod machine;
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod virtualisation;

/// The first line of a small file of the kernel's, without control characters.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn one_line(path: &std::path::Path) -> Option<String> {
    linux::read_line(path)
}

/// The folders of this process's control groups, its own first.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn control_groups(root: &std::path::Path) -> Vec<std::path::PathBuf> {
    cgroup::folders(root)
}

/// The beginning of a file of the kernel's.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn beginning(path: &std::path::Path) -> Option<String> {
    linux::read_capped(path)
}

/// What this host says about itself. On systems other than Linux that is little more than its name.
///
/// ```
/// let environment = clockfit::net::host::environment();
/// assert!(environment.kernel.is_some());
/// ```
pub fn environment() -> Environment {
    let uname = rustix::system::uname();
    let kernel = [uname.sysname(), uname.release()].map(CStr::to_string_lossy);
    Environment {
        host: printable(&uname.nodename().to_string_lossy()),
        kernel: printable(&kernel.join(" ")),
        privileged: rustix::process::geteuid().is_root(),
        ptp_clocks: super::phc::all(),
        ..found()
    }
}

/// Programs that steer or step a clock and run, by name; nothing where the processes of others are hidden.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub fn time_daemons() -> Option<Vec<String>> {
    let proc = std::path::Path::new("/proc");
    // The first process is somebody else's, unless everybody may be seen.
    linux::read_line(&proc.join("1/comm"))?;
    Some(linux::time_daemons(proc))
}

/// Programs that steer or step a clock and run, which cannot be told on this system.
#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
pub fn time_daemons() -> Option<Vec<String>> {
    None
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
fn found() -> Environment {
    linux::environment_at(std::path::Path::new("/"), super::sys::ethtool_ts_info)
}

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
fn found() -> Environment {
    Environment::default()
}

/// One line without control characters; none where nothing is left.
fn printable(text: &str) -> Option<String> {
    let kept: String = text.chars().filter(|c| !c.is_control()).collect();
    let kept = kept.trim();
    (!kept.is_empty()).then(|| kept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_host_cannot_move_the_cursor() {
        assert_eq!(printable(" node\u{1b}[2J\n").as_deref(), Some("node[2J"));
        assert_eq!(printable("\n\u{7}"), None);
    }

    #[test]
    fn this_host_has_a_name_and_a_kernel() {
        let environment = environment();
        let kernel = environment.kernel.unwrap();
        assert!(kernel.contains(' '), "{kernel}");
        assert!(environment.host.is_some());
    }
}
