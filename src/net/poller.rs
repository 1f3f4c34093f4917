//! Waiting for sockets, a deadline and signals at once.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};

use super::{StampedSocket, clock};
use crate::time::{Monotonic, TimeDelta};

const TIMER: Token = Token(usize::MAX);
const SIGNALS: Token = Token(usize::MAX - 1);
/// Sockets reported by one wait; the others are reported by the next.
const EVENTS: usize = 256;

/// Why a wait ended, beside ready sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// How many SIGINT or SIGTERM came.
    pub signals: usize,
    /// Whether the error queue of a ready socket holds something: transmit stamps, as a rule.
    pub reports: bool,
}

/// Waits for sockets, a deadline and, if asked, signals.
#[derive(Debug)]
pub struct Poller {
    poll: Poll,
    events: Events,
    timer: timer::Timer,
    /// What the timer is set to, so that it is not set again for a later deadline.
    armed: Option<Monotonic>,
    signals: Option<UnixStream>,
}

impl Poller {
    /// A poller that watches nothing yet.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let timer = timer::Timer::new(&poll)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            timer,
            armed: None,
            signals: None,
        })
    }

    /// From here on SIGINT and SIGTERM end a wait instead of the program.
    pub fn catch_signals(&mut self) -> io::Result<()> {
        let (receiver, sender) = UnixStream::pair()?;
        receiver.set_nonblocking(true)?;
        sender.set_nonblocking(true)?;
        signal_hook::low_level::pipe::register(SIGINT, sender.try_clone()?)?;
        signal_hook::low_level::pipe::register(SIGTERM, sender)?;
        // A recording that grows beyond the limit of file sizes shall fail to write, not end the
        // program; whoever writes sees the error.
        signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        self.watch_fd(receiver.as_raw_fd(), SIGNALS)?;
        self.signals = Some(receiver);
        Ok(())
    }

    /// Reports `key` whenever `socket` has something new, on either of its queues. Reports come
    /// once for each arrival: read until nothing is left.
    pub fn watch(&self, socket: &StampedSocket, key: usize) -> io::Result<()> {
        self.watch_fd(socket.as_raw_fd(), Token(key))
    }

    /// Reports nothing of `socket` any more.
    pub fn unwatch(&self, socket: &StampedSocket) -> io::Result<()> {
        self.poll
            .registry()
            .deregister(&mut SourceFd(&socket.as_raw_fd()))
    }

    /// Reports key 0 whenever the server's socket has something new.
    pub fn watch_server(&self, socket: &super::ServerSocket) -> io::Result<()> {
        self.watch_fd(socket.as_raw_fd(), Token(0))
    }

    fn watch_fd(&self, fd: std::os::fd::RawFd, token: Token) -> io::Result<()> {
        self.poll
            .registry()
            .register(&mut SourceFd(&fd), token, Interest::READABLE)
    }

    /// Waits until a watched socket is ready, `deadline` has come or a signal was caught; with no
    /// deadline, as long as it takes. The keys of ready sockets are put into `ready`. It may return
    /// early with nothing.
    pub fn wait(
        &mut self,
        deadline: Option<Monotonic>,
        ready: &mut Vec<usize>,
    ) -> io::Result<Wake> {
        ready.clear();
        let timeout = match deadline {
            None => None,
            Some(deadline) => self.timeout_until(deadline)?,
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            outcome => outcome?,
        }
        let mut wake = Wake::default();
        for event in &self.events {
            match event.token() {
                TIMER => self.armed = None,
                SIGNALS => wake.signals += self.signals.as_mut().map_or(0, caught),
                Token(key) => {
                    wake.reports |= event.is_error();
                    ready.push(key);
                }
            }
        }
        Ok(wake)
    }

    /// Arms the timer, and gives the time-out `poll` itself needs.
    fn timeout_until(&mut self, deadline: Monotonic) -> io::Result<Option<std::time::Duration>> {
        let now = clock::counter();
        let left = deadline.since(now);
        if left <= TimeDelta::ZERO {
            return Ok(Some(std::time::Duration::ZERO));
        }
        // A timer set to an earlier deadline only wakes too soon, which costs less than setting it
        // anew for each packet.
        let is_set = self
            .armed
            .is_some_and(|armed| now < armed && armed <= deadline);
        if !timer::RUNS_ON || !is_set {
            self.armed = Some(deadline);
            return self.timer.arm(left);
        }
        Ok(None)
    }
}

fn caught(signals: &mut UnixStream) -> usize {
    let mut bytes = [0; 16];
    let mut total = 0;
    while let Ok(n @ 1..) = signals.read(&mut bytes) {
        total += n;
    }
    total
}

#[cfg(all(target_os = "linux", not(clockfit_portable)))]
mod timer {
    //! A timer descriptor: the time-out of `epoll_wait` itself is rounded up to milliseconds.

    use std::io;
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::time::Duration;

    use mio::unix::SourceFd;
    use mio::{Interest, Poll};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    use crate::time::{NANOS_PER_SEC, TimeDelta};

    /// Once set, it ends a later wait too.
    pub(super) const RUNS_ON: bool = true;

    #[derive(Debug)]
    pub(super) struct Timer(OwnedFd);

    impl Timer {
        pub(super) fn new(poll: &Poll) -> io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            poll.registry().register(
                &mut SourceFd(&fd.as_raw_fd()),
                super::TIMER,
                Interest::READABLE,
            )?;
            Ok(Self(fd))
        }

        /// Setting the timer also clears an expiry nobody read.
        pub(super) fn arm(&self, left: TimeDelta) -> io::Result<Option<Duration>> {
            let nanos = left.as_nanos();
            let it_value = Timespec {
                tv_sec: nanos / NANOS_PER_SEC,
                tv_nsec: nanos % NANOS_PER_SEC,
            };
            let it_interval = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let spec = Itimerspec {
                it_interval,
                it_value,
            };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &spec)?;
            Ok(None)
        }
    }
}

#[cfg(not(all(target_os = "linux", not(clockfit_portable))))]
mod timer {
    //! Without timer descriptors the poll's own time-out has to do, in whole milliseconds.

    use std::io;
    use std::time::Duration;

    use mio::Poll;

    use crate::time::TimeDelta;

    /// It is the time-out of one wait, and ends with it.
    pub(super) const RUNS_ON: bool = false;

    #[derive(Debug)]
    pub(super) struct Timer;

    impl Timer {
        #[expect(clippy::unnecessary_wraps, reason = "the Linux timer can fail")]
        pub(super) fn new(_: &Poll) -> io::Result<Self> {
            Ok(Self)
        }

        #[expect(clippy::unnecessary_wraps, reason = "the Linux timer can fail")]
        pub(super) fn arm(&self, left: TimeDelta) -> io::Result<Option<Duration>> {
            Ok(Some(left.to_duration()))
        }
    }
}
