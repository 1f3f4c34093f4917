//! Where reports go: one to standard output, others to files, each of which takes the place of an older one at once
//! or not at all.

use std::error::Error as _;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use tempfile::NamedTempFile;

use super::output;
use super::report_format::{ReportFormat, ReportOutput, Told};
use crate::net::pipe;
use crate::report::text::Style;

/// Links that lead to links are followed so far, as the kernel does (path_resolution(7)).
const LINKS: usize = 40;

/// Where the kernel shows what this process has open.
const OPEN_ALREADY: &str = "/proc";

/// Standard streams by their names as files.
pub(super) const STDIN_FILE: &str = "/dev/stdin";
const STDOUT_FILE: &str = "/dev/stdout";

/// Reports that can be written: what would fail has failed already.
pub(super) struct Outputs {
    standard: Option<ReportFormat>,
    files: Vec<(ReportFormat, Place)>,
}

/// Where a report goes.
enum Place {
    /// Beside the file that it will take the place of.
    Beside(NamedTempFile, Led),
    /// What is no file, or open already, and cannot be taken the place of: a pipe, /dev/null.
    Into(File, PathBuf),
}

/// Where a name leads.
struct Led {
    /// As it was given.
    name: PathBuf,
    /// Links followed.
    to: PathBuf,
    /// Whether it is one of this process' own descriptors.
    is_open: bool,
}

/// What tells a file from others, whatever ways there are to name it.
#[derive(PartialEq, Eq)]
enum Identity {
    /// One that exists: its device and number there.
    File(u64, u64),
    /// One that does not exist yet.
    Name(PathBuf),
}

impl Outputs {
    /// Before a minute is spent on measuring. What is `kept` is read or recorded by the command: no report takes
    /// its place.
    pub(super) fn open(wanted: &[ReportOutput], kept: &[&Path]) -> anyhow::Result<Self> {
        let mut outputs = Self {
            standard: None,
            files: Vec::new(),
        };
        for output in wanted.iter().filter(|output| output.file.is_none()) {
            if outputs.standard.replace(output.format).is_some() {
                bail!(
                    "--format: only one report goes to standard output; give the others a file, as in \
                     junit=report.xml"
                );
            }
        }
        let kept: Vec<Identity> = kept.iter().filter_map(|file| Identity::of(file)).collect();
        let standard = outputs
            .standard
            .and_then(|_| Identity::of(Path::new(STDOUT_FILE)));
        let mut taken: Vec<Identity> = standard.into_iter().collect();
        for output in wanted {
            let Some(file) = &output.file else { continue };
            let name = file.display();
            if let Some(own) = Identity::of(file) {
                if kept.contains(&own) {
                    bail!(
                        "--format: {name} is what this command reads or records: give the report another name"
                    );
                }
                if taken.contains(&own) {
                    bail!("--format: two reports cannot go to one file, {name}");
                }
                taken.push(own);
            }
            let place =
                Place::open(file).with_context(|| format!("--format: {name} cannot be written"))?;
            outputs.files.push((output.format, place));
        }
        Ok(outputs)
    }

    /// How standard output is written, if it is.
    pub(super) fn standard(&self) -> Option<ReportFormat> {
        self.standard
    }

    /// All formats that are asked for.
    pub(super) fn formats(&self) -> impl Iterator<Item = ReportFormat> {
        let files = self.files.iter().map(|(format, _)| *format);
        files.chain(self.standard)
    }

    /// Writes all of them.
    pub(super) fn write(self, told: &Told<'_>) -> anyhow::Result<()> {
        self.formats().try_for_each(|format| told.has_for(format))?;
        self.write_by(|format, style, mut out| told.write(format, style, &mut out))
    }

    /// The same by what writes one of them.
    pub(super) fn write_by(
        self,
        write: impl Fn(ReportFormat, Style, &mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        for (format, place) in self.files {
            place.fill(|style, out| write(format, style, out))?;
        }
        let Some(format) = self.standard else {
            return Ok(());
        };
        output::write(|out| write(format, output::style(), out))
            .context("the report could not be written")
    }
}

impl Identity {
    /// Nothing of what is no file, such as a pipe or /dev/null, and of what cannot be told: that is said when it
    /// is opened.
    fn of(file: &Path) -> Option<Self> {
        match file.metadata() {
            Ok(of) if of.is_file() => Some(Self::File(of.dev(), of.ino())),
            Ok(_) => None,
            Err(_) => Some(Self::Name(Led::by(file).ok()?.to)),
        }
    }
}

impl Led {
    /// Follows a name: what it links to need not exist, but the folder in which it would be.
    fn by(file: &Path) -> io::Result<Self> {
        let led = |to, is_open| Self {
            name: file.to_owned(),
            to,
            is_open,
        };
        let mut at = file.to_owned();
        for _ in 0..LINKS {
            let Some(last) = at.file_name() else {
                return at.canonicalize().map(|to| led(to, false));
            };
            let folder = folder_of(&at).canonicalize()?;
            let to = folder.join(last);
            if to.starts_with(OPEN_ALREADY) {
                return Ok(led(to, true));
            }
            match to.read_link() {
                Ok(next) => at = folder.join(next),
                Err(_) => return Ok(led(to, false)),
            }
        }
        Err(io::Error::other("too many symbolic links"))
    }
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

impl Place {
    fn open(file: &Path) -> anyhow::Result<Self> {
        if file.as_os_str().as_bytes().ends_with(b"/") {
            bail!("it is named as a folder");
        }
        let led = Led::by(file)?;
        let old = file.metadata().ok();
        let is_other = old.as_ref().is_some_and(|of| !of.is_file());
        if is_other || led.is_open {
            let is_pipe = old.is_some_and(|of| of.file_type().is_fifo());
            let opened = match is_pipe {
                true => pipe::open(file)?.ok_or_else(|| {
                    anyhow!("it is a pipe, and nobody reads it: start its reader first")
                })?,
                // What others wrote into a file that is open already stays there.
                false => OpenOptions::new()
                    .write(true)
                    .append(led.is_open)
                    .open(file)?,
            };
            return Ok(Self::Into(opened, file.to_owned()));
        }
        // As any new file has it, less what the umask takes: others are to read it.
        let made = tempfile::Builder::new()
            .prefix(".clockfit-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder_of(&led.to));
        // Its own words name a file that nobody asked for.
        let made = made.map_err(|error| match error.source() {
            Some(source) => anyhow!("{source}"),
            None => anyhow!(error.kind()),
        })?;
        if let Some(old) = old {
            made.as_file().set_permissions(old.permissions())?;
        }
        Ok(Self::Beside(made, led))
    }

    fn fill(self, write: impl Fn(Style, &mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
        let style = Style {
            colour: false,
            unicode: true,
        };
        let fill = |out: &mut dyn Write| -> io::Result<()> {
            let mut out = BufWriter::new(out);
            write(style, &mut out)?;
            out.flush()
        };
        match self {
            Self::Beside(mut made, led) => {
                let name = led.name.display();
                fill(made.as_file_mut()).with_context(|| format!("{name} could not be written"))?;
                put(made, &led.to).with_context(|| format!("{name} could not be replaced"))
            }
            Self::Into(mut opened, file) => {
                let name = file.display();
                fill(&mut opened).with_context(|| format!("{name} could not be written"))
            }
        }
    }
}

/// Puts what was made into its place; where nothing can take the place of what is there (a file that is mounted),
/// writes into that; and keeps it beside where that cannot be, either.
fn put(made: NamedTempFile, place: &Path) -> anyhow::Result<()> {
    let Err(refused) = made.persist(place) else {
        return Ok(());
    };
    let mut made = refused.file;
    let copied = copy(made.as_file_mut(), place);
    let Err(error) = copied else {
        return Ok(());
    };
    match made.keep() {
        Ok((_, kept)) => bail!("{error}; the report is in {}", kept.display()),
        Err(_) => Err(error.into()),
    }
}

fn copy(made: &mut File, place: &Path) -> io::Result<()> {
    made.rewind()?;
    let mut out = OpenOptions::new().write(true).truncate(true).open(place)?;
    io::copy(made, &mut out).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn made(folder: &Path) -> NamedTempFile {
        let mut made = tempfile::Builder::new()
            .prefix(".clockfit-")
            .tempfile_in(folder)
            .unwrap();
        made.write_all(b"report").unwrap();
        made
    }

    /// As where a file is mounted, or cannot be changed at all; a folder stands for it, to which neither can be done.
    #[test]
    fn a_report_that_finds_no_place_is_kept_and_named_once() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("place");
        fs::create_dir(&place).unwrap();
        let error = put(made(folder.path()), &place).unwrap_err();
        let error = format!("{error:#}");
        let (why, kept) = error.split_once("; the report is in ").unwrap();
        assert_eq!(why.matches("os error").count(), 1, "{error}");
        assert_eq!(fs::read_to_string(kept).unwrap(), "report");
    }

    /// Nothing takes the place of a file in another file system at once.
    #[test]
    fn what_cannot_be_replaced_is_written_into() {
        let (folder, other) = (tempfile::tempdir().unwrap(), Path::new("/dev/shm"));
        if !other.is_dir() {
            return;
        }
        let place = folder.path().join("place");
        fs::write(&place, "older and longer").unwrap();
        put(made(other), &place).unwrap();
        assert_eq!(fs::read_to_string(&place).unwrap(), "report");
    }
}
