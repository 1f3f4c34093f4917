//! Where reports go: one to standard output, others to files, each of which takes the place of an older one at once
//! or not at all.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use super::output;
use crate::report::text;
use crate::report::{CheckReport, json, junit, markdown, nagios, prometheus};

/// A report, and where it goes: `json`, `junit=report.xml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output<F> {
    /// How it is written.
    pub format: F,
    /// Where to; nothing is standard output.
    pub file: Option<PathBuf>,
}

/// The formats of one kind of report.
pub trait Format: Copy + 'static {
    /// All of them, with their names.
    const ALL: &'static [(&'static str, Self)];
}

/// How what was judged is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckFormat {
    /// For a person.
    Text,
    /// For programs.
    Json,
    /// For tickets and summaries of CI jobs.
    Markdown,
    /// For CI servers.
    Junit,
    /// For Nagios, Icinga and their like: one line.
    Nagios,
    /// For the textfile collector of Prometheus' node exporter.
    Prometheus,
}

impl Format for CheckFormat {
    const ALL: &'static [(&'static str, Self)] = &[
        ("text", Self::Text),
        ("json", Self::Json),
        ("markdown", Self::Markdown),
        ("junit", Self::Junit),
        ("nagios", Self::Nagios),
        ("prometheus", Self::Prometheus),
    ];
}

impl<F: Format> FromStr for Output<F> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("the name of a file is missing after =".to_owned()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let known = F::ALL.iter().find(|(of, _)| *of == name);
        let (_, format) = known.ok_or_else(|| {
            let names: Vec<&str> = F::ALL.iter().map(|(name, _)| *name).collect();
            format!("there is no format {name:?}: {} are", names.join(", "))
        })?;
        Ok(Self {
            format: *format,
            file,
        })
    }
}

/// Reports that can be written: what would fail has failed already.
pub(super) struct Outputs<F> {
    standard: Option<F>,
    files: Vec<(F, Place)>,
}

/// Where a report goes.
enum Place {
    /// Beside the file that it will take the place of.
    Beside(NamedTempFile, PathBuf),
    /// What is no file, and cannot be taken the place of: a pipe, /dev/null.
    Into(File, PathBuf),
}

impl<F: Format> Outputs<F> {
    /// Before a minute is spent on measuring.
    pub(super) fn open(wanted: &[Output<F>]) -> anyhow::Result<Self> {
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

    /// Writes all of them by what writes one.
    pub(super) fn write_by(
        self,
        write: impl Fn(F, text::Style, &mut dyn Write) -> io::Result<()>,
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

    fn fill(
        self,
        write: impl Fn(text::Style, &mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let style = text::Style {
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

/// Writes what was judged.
pub(super) fn write_check(
    report: &CheckReport,
    format: CheckFormat,
    style: text::Style,
    mut out: &mut dyn Write,
) -> io::Result<()> {
    let out = &mut out;
    match format {
        CheckFormat::Text => text::write_check(report, style, out),
        CheckFormat::Json => json::write_check(report, out),
        CheckFormat::Markdown => markdown::write_check(report, out),
        CheckFormat::Junit => junit::write_check(report, out),
        CheckFormat::Nagios => nagios::write_check(report, out),
        CheckFormat::Prometheus => prometheus::write_check(report, out),
    }
}
