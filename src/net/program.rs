//! [`ask`]: what another program prints, with an end in sight.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::clock;
use crate::time::{Monotonic, NANOS_PER_SEC, TimeDelta};

/// Bytes that are read of what it prints.
const MOST: usize = 64 * 1024;
/// How often it is looked whether a program that prints no more has ended.
const LOOK_AGAIN: TimeDelta = TimeDelta::from_millis(5);

/// What a program printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// Its standard output, at most 64 KiB of it.
    pub text: Vec<u8>,
    /// What it ended with; absent where it was ended: it took too long, or printed too much.
    pub code: Option<i32>,
}

/// Runs a program with these arguments, and nothing else of ours: no input, an environment that makes it speak
/// English, the root as its folder. After `patience` it is ended.
///
/// ```
/// use clockfit::net::program::ask;
/// use clockfit::time::TimeDelta;
/// let said = ask("/bin/echo".as_ref(), &["12"], TimeDelta::from_secs(5)).unwrap();
/// assert_eq!((said.text.as_slice(), said.code), (&b"12\n"[..], Some(0)));
/// ```
///
/// # Errors
/// It cannot be run.
pub fn ask(program: &Path, arguments: &[&str], patience: TimeDelta) -> io::Result<Printed> {
    let until = clock::counter() + patience;
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut text = Vec::new();
    let read = read_all(&mut child, until, &mut text);
    let code = match read {
        Ok(true) => ended(&mut child, until),
        Ok(false) | Err(_) => None,
    };
    if code.is_none() {
        // It may have ended by itself meanwhile.
        let _ = child.kill();
        let _ = child.wait();
    }
    read?;
    Ok(Printed { text, code })
}

/// Reads until it prints no more; tells whether that was before its time, and not too much.
fn read_all(child: &mut Child, until: Monotonic, text: &mut Vec<u8>) -> io::Result<bool> {
    let Some(output) = &mut child.stdout else {
        return Ok(true);
    };
    let mut piece = [0; 4_096];
    while text.len() < MOST {
        let left = until.since(clock::counter());
        if left <= TimeDelta::ZERO {
            return Ok(false);
        }
        let timeout = Timespec {
            tv_sec: left.as_nanos() / NANOS_PER_SEC,
            tv_nsec: left.as_nanos() % NANOS_PER_SEC,
        };
        let mut fds = [PollFd::from_borrowed_fd(output.as_fd(), PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Ok(false),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let count = output.read(&mut piece)?;
        if count == 0 {
            return Ok(true);
        }
        text.extend_from_slice(piece.get(..count).unwrap_or_default());
    }
    text.truncate(MOST);
    Ok(false)
}

fn ended(child: &mut Child, until: Monotonic) -> Option<i32> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return status.code();
        }
        if clock::counter() >= until {
            return None;
        }
        clock::sleep(LOOK_AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, millis: i64) -> Printed {
        ask(
            "/bin/sh".as_ref(),
            &["-c", script],
            TimeDelta::from_millis(millis),
        )
        .unwrap()
    }

    #[test]
    fn a_program_that_never_ends_is_ended() {
        let began = clock::counter();
        assert_eq!(shell("echo a; exec sleep 60", 200).code, None);
        assert_eq!(shell("exec >&-; exec sleep 60", 200).code, None);
        assert!(clock::counter().since(began) < TimeDelta::from_secs(20));
    }

    #[test]
    fn what_it_prints_is_bounded() {
        let flood = shell("exec cat /dev/zero", 20_000);
        assert_eq!((flood.text.len(), flood.code), (MOST, None));
    }

    #[test]
    fn it_has_nothing_of_ours() {
        let said = shell("env; pwd; cat; exit 3", 20_000);
        let text = String::from_utf8(said.text).unwrap();
        assert!(
            text.contains("LC_ALL=C\n") && text.ends_with("/\n"),
            "{text}"
        );
        assert!(!text.contains("HOME=") && !text.contains("CARGO"), "{text}");
        assert_eq!(said.code, Some(3));
        assert!(ask("/nonexistent".as_ref(), &[], TimeDelta::from_secs(1)).is_err());
    }
}
