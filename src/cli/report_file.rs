//! Where reports go: one to standard output, others to files, each of which takes the place of an older one at once
//! or not at all.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use super::output;
use super::report_format::{ReportFormat, ReportOutput, Told};
use crate::report::text::Style;

/// Reports that can be written: what would fail has failed already.
pub(super) struct Outputs {
    standard: Option<ReportFormat>,
    files: Vec<(ReportFormat, Place)>,
}

/// Where a report goes.
enum Place {
    /// Beside the file that it will take the place of.
    Beside(NamedTempFile, PathBuf),
    /// What is no file, and cannot be taken the place of: a pipe, /dev/null.
    Into(File, PathBuf),
}

impl Outputs {
    /// Before a minute is spent on measuring.
    pub(super) fn open(wanted: &[ReportOutput]) -> anyhow::Result<Self> {
        let mut outputs = Self {
            standard: None,
            files: Vec::new(),
        };
        for (place, output) in wanted.iter().enumerate() {
            match &output.file {
                None if outputs.standard.is_some() => bail!(
                    "--format: only one report goes to standard output; give the others a file, as in \
                     junit=report.xml"
                ),
                None => outputs.standard = Some(output.format),
                Some(file) => {
                    let others = wanted.get(..place).unwrap_or_default();
                    if others.iter().any(|other| other.file.as_ref() == Some(file)) {
                        bail!(
                            "--format: two reports cannot go to one file, {}",
                            file.display()
                        );
                    }
                    outputs.files.push((output.format, Place::open(file)?));
                }
            }
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

impl Place {
    fn open(file: &Path) -> anyhow::Result<Self> {
        let name = file.display();
        let is_other = file.metadata().is_ok_and(|of| !of.is_file());
        if is_other {
            let opened = OpenOptions::new().write(true).open(file);
            let opened = opened.with_context(|| format!("--format: {name} cannot be written"))?;
            return Ok(Self::Into(opened, file.to_owned()));
        }
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // As any new file has it, less what the umask takes: others are to read it.
        let made = tempfile::Builder::new()
            .prefix(".clockfit-")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder);
        let made = made.with_context(|| format!("--format: {name} cannot be written"))?;
        Ok(Self::Beside(made, file.to_owned()))
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
            Self::Beside(mut made, file) => {
                let name = file.display();
                fill(&mut made).with_context(|| format!("{name} could not be written"))?;
                made.persist(&file)
                    .with_context(|| format!("{name} could not be put in its place"))?;
            }
            Self::Into(mut opened, file) => {
                let name = file.display();
                fill(&mut opened).with_context(|| format!("{name} could not be written"))?;
            }
        }
        Ok(())
    }
}
