//! The one place that owns standard output and standard error.

use std::io::{self, BufWriter, IsTerminal, Write};

use crate::report::escaped;
use crate::report::text::Style;

/// How a report on standard output may look: coloured on a terminal, unless NO_COLOR,
/// `CLICOLOR=0` or `TERM=dumb` objects, and with characters beyond ASCII where the locale has them.
pub fn style() -> Style {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let dumb = set("TERM").is_some_and(|term| term == "dumb");
    let declined = set("NO_COLOR").is_some() || set("CLICOLOR").is_some_and(|value| value == "0");
    let colour = io::stdout().is_terminal() && !declined && !dumb;
    // The first of these that is set decides (POSIX, "Environment Variables", 8.2).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(set)
        .map(|value| value.to_string_lossy().to_ascii_lowercase());
    let unicode = locale.is_some_and(|l| l.ends_with("utf-8") || l.ends_with("utf8"));
    Style { colour, unicode }
}

/// Whether a person watches standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Writes to standard output. A reader that has gone (`clockfit measure | head -3`) is no error: it
/// has seen what it wanted.
///
/// # Errors
///
/// Any other failure to write, such as a full disk behind a redirection.
pub fn write(render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match render(&mut stdout).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Says one line on standard error, with whatever came from outside escaped. Where even that cannot
/// be written there is nobody to tell.
pub fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escaped(line));
}
