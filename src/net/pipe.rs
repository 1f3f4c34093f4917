//! Pipes that have a name in the file system.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a pipe to write into it; nothing where nobody has it open to read, for whom a plain open would wait without
/// end (fifo(7)).
///
/// # Errors
/// It cannot be opened at all.
pub fn open(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.write(true);
    let asked = options.clone().custom_flags(libc::O_NONBLOCK).open(path);
    match asked {
        // A reader that is slow is waited for: this one would be told to try again.
        Ok(_reads) => options.open(path).map(Some),
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pipe_is_an_error_or_a_file() {
        assert!(open(Path::new("/nowhere/pipe")).is_err());
        assert!(matches!(open(Path::new("/dev/null")), Ok(Some(_))));
    }
}
