//! The only `unsafe` of the program: one operation a block, each with its reason.
#![expect(
    unsafe_code,
    reason = "system calls and buffers that no safe wrapper offers"
)]

use std::io;
use std::mem::MaybeUninit;
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
use std::os::fd::{AsRawFd, BorrowedFd};

use socket2::{MaybeUninitSlice, MsgHdrMut, SockAddr, Socket};

/// What `recvmsg` reported beside the bytes themselves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    /// Bytes of data written to the data buffer.
    pub(super) data_len: usize,
    /// Bytes of control messages written to the control buffer.
    pub(super) control_len: usize,
    /// Whether the datagram was longer than the data buffer (MSG_TRUNC).
    pub(super) truncated: bool,
}

/// Sets an integer socket option.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn set_option(
    socket: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(4);
    // SAFETY: the descriptor is open for as long as it is borrowed; the value pointer is to a live
    // c_int on this stack frame and `length` is its size; the kernel only reads it.
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            length,
        )
    };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Receives one datagram, or with `MSG_ERRQUEUE` one message of the error queue, into buffers that
/// are already initialised, so that what was filled can be read as plain bytes.
pub(super) fn receive(
    socket: &Socket,
    from: Option<&mut SockAddr>,
    data: &mut [u8],
    control: &mut [u8],
    flags: libc::c_int,
) -> io::Result<Received> {
    let mut buffers = [MaybeUninitSlice::new(as_uninit(data))];
    let mut message = MsgHdrMut::new()
        .with_buffers(&mut buffers)
        .with_control(as_uninit(control));
    if let Some(from) = from {
        message = message.with_addr(from);
    }
    let data_len = socket.recvmsg(&mut message, flags)?;
    Ok(Received {
        data_len,
        control_len: message.control_len(),
        truncated: message.flags().is_truncated(),
    })
}

/// Initialised bytes as the kind of buffer `recvmsg` writes to. For [`receive`] only: the kernel
/// never un-initialises a byte.
fn as_uninit(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    let (start, length) = (bytes.as_mut_ptr(), bytes.len());
    // SAFETY: same address, length and lifetime as `bytes`, which stays mutably borrowed;
    // MaybeUninit<u8> has the layout of u8. The only writer is recvmsg, which writes initialised
    // bytes, so `bytes` is still initialised when the borrow ends.
    unsafe { std::slice::from_raw_parts_mut(start.cast(), length) }
}

/// What an interface says about time stamps: `struct ethtool_ts_info` of linux/ethtool.h.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TsInfo {
    command: u32,
    /// SOF_TIMESTAMPING_* bits it can do.
    pub(super) so_timestamping: u32,
    /// N of its /dev/ptpN, negative where it has none.
    pub(super) phc_index: i32,
    /// HWTSTAMP_TX_* it takes, each as the bit of its number.
    pub(super) tx_types: u32,
    tx_reserved: [u32; 3],
    /// HWTSTAMP_FILTER_* it takes, each as the bit of its number.
    pub(super) rx_filters: u32,
    rx_reserved: [u32; 3],
}

#[cfg(all(test, target_os = "linux", not(clockfit_portable)))]
impl TsInfo {
    /// An answer that says just this.
    pub(super) fn of(so_timestamping: u32, phc_index: i32) -> Self {
        Self {
            so_timestamping,
            phc_index,
            ..Self::default()
        }
    }

    /// The same with settings that the interface takes.
    pub(super) fn taking(self, tx_types: u32, rx_filters: u32) -> Self {
        Self {
            tx_types,
            rx_filters,
            ..self
        }
    }
}

/// Who drives an interface: `struct ethtool_drvinfo` of linux/ethtool.h. Texts end in NUL, where
/// they do not fill their field.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DriverInfo {
    command: u32,
    /// Name of the driver.
    pub(super) driver: [u8; 32],
    version: [u8; 32],
    /// Version of the firmware.
    pub(super) firmware: [u8; 32],
    /// Where the device sits, such as a PCI address.
    pub(super) bus: [u8; 32],
    expansion_rom: [u8; 32],
    reserved: [u8; 12],
    /// Lengths of other answers of ethtool.
    counts: [u32; 5],
}

/// A question to an interface, with the struct that the kernel reads and fills: request and struct
/// come together, so that no call can mix them up.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
enum DeviceRequest<'a> {
    DriverInfo(&'a mut DriverInfo),
    TsInfo(&'a mut TsInfo),
    GetStamping(&'a mut libc::hwtstamp_config),
    SetStamping(&'a mut libc::hwtstamp_config),
}

/// Asks an interface what stamps it can give (ETHTOOL_GET_TS_INFO). Needs no privilege and changes
/// nothing.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn ethtool_ts_info(interface: &str) -> io::Result<TsInfo> {
    /// linux/ethtool.h.
    const ETHTOOL_GET_TS_INFO: u32 = 0x41;
    let mut info = TsInfo {
        command: ETHTOOL_GET_TS_INFO,
        ..TsInfo::default()
    };
    ask(interface, DeviceRequest::TsInfo(&mut info)).map(|()| info)
}

/// Asks an interface who drives it (ETHTOOL_GDRVINFO). Needs no privilege and changes nothing.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn ethtool_driver_info(interface: &str) -> io::Result<DriverInfo> {
    /// linux/ethtool.h.
    const ETHTOOL_GDRVINFO: u32 = 0x3;
    let mut info = DriverInfo {
        command: ETHTOOL_GDRVINFO,
        ..DriverInfo::default()
    };
    ask(interface, DeviceRequest::DriverInfo(&mut info)).map(|()| info)
}

/// How an interface is set to stamp (SIOCGHWTSTAMP). Needs no privilege and changes nothing.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn stamping(interface: &str) -> io::Result<libc::hwtstamp_config> {
    let mut config = libc::hwtstamp_config {
        flags: 0,
        tx_type: 0,
        rx_filter: 0,
    };
    ask(interface, DeviceRequest::GetStamping(&mut config)).map(|()| config)
}

/// Sets how an interface stamps (SIOCSHWTSTAMP). The driver may choose a wider filter: ask again.
/// Needs CAP_NET_ADMIN.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn set_stamping(interface: &str, mut config: libc::hwtstamp_config) -> io::Result<()> {
    ask(interface, DeviceRequest::SetStamping(&mut config))
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
fn ask(interface: &str, request: DeviceRequest<'_>) -> io::Result<()> {
    let mut name: [libc::c_char; libc::IFNAMSIZ] = [0; libc::IFNAMSIZ];
    // One byte stays free for the NUL at the end.
    if interface.len() >= name.len() || interface.contains('\0') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in name.iter_mut().zip(interface.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let (number, data): (_, *mut libc::c_char) = match request {
        DeviceRequest::DriverInfo(info) => (libc::SIOCETHTOOL, (&raw mut *info).cast()),
        DeviceRequest::TsInfo(info) => (libc::SIOCETHTOOL, (&raw mut *info).cast()),
        DeviceRequest::GetStamping(config) => (libc::SIOCGHWTSTAMP, (&raw mut *config).cast()),
        DeviceRequest::SetStamping(config) => (libc::SIOCSHWTSTAMP, (&raw mut *config).cast()),
    };
    let mut request = libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_data: data },
    };
    // Any socket will do: the kernel hands what the family does not know to the device layer.
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    // SAFETY: the descriptor is open; `request` is a live ifreq whose name ends in NUL and whose
    // ifru_data points to an initialised struct, mutably borrowed until this function returns. The
    // kernel reads and writes no more than the struct that belongs to the request: for SIOCETHTOOL
    // the one that its first field names, which only the functions above write, each into the
    // struct of that layout; for the others an hwtstamp_config. All of it is plain integers.
    let outcome =
        unsafe { libc::ioctl(socket.as_raw_fd(), number as libc::Ioctl, &raw mut request) };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What the kernel fills when it reads a PTP clock; each struct knows the request it belongs to, so
/// that no call can mix them up.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) trait PtpReadings {
    /// The request that fills it.
    const REQUEST: libc::Ioctl;
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
impl PtpReadings for libc::ptp_sys_offset_precise {
    const REQUEST: libc::Ioctl = libc::PTP_SYS_OFFSET_PRECISE;
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
impl PtpReadings for libc::ptp_sys_offset_extended {
    const REQUEST: libc::Ioctl = libc::PTP_SYS_OFFSET_EXTENDED;
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
impl PtpReadings for libc::ptp_sys_offset {
    const REQUEST: libc::Ioctl = libc::PTP_SYS_OFFSET;
}

/// Reads a PTP clock beside the system's. Changes nothing: the requests that could are not named
/// here, and the clock is opened for reading only.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn read_ptp_clock<T: PtpReadings>(
    clock: BorrowedFd<'_>,
    readings: &mut T,
) -> io::Result<()> {
    // SAFETY: the descriptor is open for as long as it is borrowed; the pointer is to a live,
    // initialised struct of the layout that belongs to the request (the trait ties them together),
    // and the kernel reads and writes no more than that struct, all of it plain integers. Another
    // kind of file answers ENOTTY.
    let outcome =
        unsafe { libc::ioctl(clock.as_raw_fd(), T::REQUEST, std::ptr::from_mut(readings)) };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// A calendar date of a real-time clock: `struct rtc_time` of linux/rtc.h.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RtcTime {
    /// 0 to 59.
    pub(super) second: libc::c_int,
    /// 0 to 59.
    pub(super) minute: libc::c_int,
    /// 0 to 23.
    pub(super) hour: libc::c_int,
    /// 1 to 31.
    pub(super) day: libc::c_int,
    /// 0 to 11.
    pub(super) month: libc::c_int,
    /// Since 1900.
    pub(super) year: libc::c_int,
    /// Day of the week, day of the year, daylight saving time: drivers need not fill them.
    unused: [libc::c_int; 3],
}

#[cfg(all(test, target_os = "linux", not(clockfit_portable)))]
impl RtcTime {
    /// Year, month 1 to 12, day, hour, minute, second.
    pub(super) fn of([year, month, day, hour, minute, second]: [libc::c_int; 6]) -> Self {
        Self {
            second,
            minute,
            hour,
            day,
            month: month - 1,
            year: year - 1900,
            unused: [0; 3],
        }
    }
}

/// Reads a real-time clock (RTC_RD_TIME). Changes nothing: the requests that could are not named
/// here, and the clock is opened for reading only.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn read_rtc(clock: BorrowedFd<'_>) -> io::Result<RtcTime> {
    /// linux/rtc.h.
    const RTC_RD_TIME: libc::Ioctl = libc::_IOR::<RtcTime>(b'p' as u32, 0x09);
    let mut time = RtcTime::default();
    // SAFETY: the descriptor is open for as long as it is borrowed; the pointer is to a live struct
    // of the layout that belongs to the request, nine integers, and the kernel writes no more than
    // that. Another kind of file answers ENOTTY.
    let outcome = unsafe { libc::ioctl(clock.as_raw_fd(), RTC_RD_TIME, &raw mut time) };
    if outcome == 0 {
        Ok(time)
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Asks for an interrupt at each new second of a real-time clock, or no longer (RTC_UIE_ON,
/// RTC_UIE_OFF). The clock goes on as it did.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn tell_rtc_updates(clock: BorrowedFd<'_>, on: bool) -> io::Result<()> {
    /// linux/rtc.h.
    const RTC_UIE_ON: libc::Ioctl = libc::_IO(b'p' as u32, 0x03);
    const RTC_UIE_OFF: libc::Ioctl = libc::_IO(b'p' as u32, 0x04);
    let request = if on { RTC_UIE_ON } else { RTC_UIE_OFF };
    // SAFETY: the descriptor is open for as long as it is borrowed, and the requests take no
    // argument. Another kind of file answers ENOTTY.
    let outcome = unsafe { libc::ioctl(clock.as_raw_fd(), request) };
    if outcome == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What the kernel does to its clock, and in which state that is (TIME_OK .. TIME_ERROR of
/// adjtimex(2)). With `modes` 0 the call sets nothing, and needs no privilege. This function is the one
/// exception to the rule that no such call is named; `tests/layers/rules.rs` holds it letter for letter.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
#[expect(
    clippy::disallowed_methods,
    reason = "with modes 0 it only answers, and there is no other way to ask"
)]
pub(super) fn kernel_clock() -> io::Result<(libc::c_int, libc::timex)> {
    let nothing = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: the struct holds nothing but integers, of which zero is a value.
    let mut clock = unsafe { nothing.assume_init() };
    clock.modes = 0;
    // SAFETY: the pointer is to a live, initialised struct of the layout the kernel expects, which
    // nothing else refers to; it reads `modes` and writes the other fields, all of them integers.
    let state = unsafe { libc::adjtimex(&raw mut clock) };
    if state >= 0 {
        Ok((state, clock))
    } else {
        Err(io::Error::last_os_error())
    }
}
