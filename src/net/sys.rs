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
    tx_types: u32,
    tx_reserved: [u32; 3],
    rx_filters: u32,
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
}

/// Asks an interface what stamps it can give (ETHTOOL_GET_TS_INFO). Needs no privilege and changes
/// nothing.
#[cfg(all(target_os = "linux", not(clockfit_portable)))]
pub(super) fn ethtool_ts_info(interface: &str) -> io::Result<TsInfo> {
    /// linux/ethtool.h.
    const ETHTOOL_GET_TS_INFO: u32 = 0x41;
    let mut name: [libc::c_char; libc::IFNAMSIZ] = [0; libc::IFNAMSIZ];
    // One byte stays free for the NUL at the end.
    if interface.len() >= name.len() || interface.contains('\0') {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    for (to, from) in name.iter_mut().zip(interface.bytes()) {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    let mut info = TsInfo {
        command: ETHTOOL_GET_TS_INFO,
        ..TsInfo::default()
    };
    let mut request = libc::ifreq {
        ifr_name: name,
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_data: (&raw mut info).cast(),
        },
    };
    // Any socket will do: the kernel hands what the family does not know to the device layer.
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    // SAFETY: the descriptor is open; `request` is a live ifreq whose name ends in NUL and whose
    // ifru_data points to a live, initialised TsInfo, which has the layout of ethtool_ts_info. For
    // this command the kernel reads and writes no more than that struct, all of it plain integers.
    let outcome = unsafe {
        libc::ioctl(
            socket.as_raw_fd(),
            libc::SIOCETHTOOL as libc::Ioctl,
            &raw mut request,
        )
    };
    if outcome == 0 {
        Ok(info)
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
