//! Foreign recordings: logs of other time daemons and results of other measurements, read as if this
//! program had recorded them.
//!
//! A file is known by its content ([`Format::recognise`]). [`Importer`] reads it piece by piece, in the
//! memory of one line, and hands the same events to a [`Sink`] that a run of our own would. What it
//! cannot use is counted in a [`ReadReport`], the first with line and column.
//!
//! None of these formats was made for bounds: their numbers are rounded, and their instants count on the
//! local clock. So what a number lost when it was printed becomes part of the error of its exchange, what
//! is not said is not made up, and a note ([`Note::Imported`]) says in words what the numbers mean.
//! Series of plain numbers, for stability analysis, are another thing: see [`columns`].
//!
//! ```
//! use clockfit::recording::import::{Format, Importer};
//! use clockfit::sample::Campaign;
//! use clockfit::time::TimeDelta;
//!
//! let log = "61369 73239.345 10.77.0.3 10.77.0.1 4004626839.344900316 4004626839.394984327 \
//!            4004626839.395053485 4004626839.345063071 0 4 4 1 0 -25 0.000015 0.000015 .OFFS. 0 0 0\n";
//! let format = Format::recognise(log.as_bytes()).expect("rawstats of ntpd");
//! let importer = Importer::new(format, log.as_bytes(), "rawstats")?;
//! let mut campaign = Campaign::new(importer.header().clone());
//! let report = importer.read_into(&mut campaign)?;
//! assert!(report.is_whole());
//! let sample = campaign.sources[0].samples.iter().next().expect("one exchange");
//! assert_eq!(sample.exchange.upper, TimeDelta::from_nanos(50_084_011)); // T2 - T1
//! assert_eq!(sample.exchange.lower, TimeDelta::from_nanos(49_990_414)); // T3 - T4
//! # Ok::<(), clockfit::recording::import::ImportError>(())
//! ```

mod atlas;
mod chrony;
pub mod columns;
mod date;
mod error;
mod lines;
mod ntpd;
mod number;
mod output;
pub mod pcap;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::BufRead;

pub use error::{ImportError, Trouble};

use self::lines::{Account, LinePieces, Pieces};
use self::output::{Output, on_local_clock};
use crate::recording::ReadReport;
use crate::sample::{
    Axis, Environment, Event, Leap, Note, Rejection, RunEnd, RunHeader, ServerInfo, Sink,
};
use crate::time::TimeDelta;
use crate::wire::KissCode;

/// Bytes of a file that [`Format::recognise`] looks at, at most.
pub const RECOGNISED_BYTES: usize = 64 * 1024;

/// A kind of foreign recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `measurements.log` of chronyd, by `log measurements` or `log rawmeasurements`: exchanges.
    ChronyMeasurements,
    /// `statistics.log` of chronyd: its estimate of the offset to each source.
    ChronyStatistics,
    /// `tracking.log` of chronyd: its estimate of the error of the clock it steers.
    ChronyTracking,
    /// `rawstats` of ntpd: exchanges.
    NtpdRawstats,
    /// `peerstats` of ntpd: the exchanges that its clock filter picked.
    NtpdPeerstats,
    /// `loopstats` of ntpd: its estimate of the error of the clock it steers.
    NtpdLoopstats,
    /// Results of NTP measurements by RIPE Atlas, as a JSON array or one object a line: exchanges.
    RipeAtlas,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [
        Self::ChronyMeasurements,
        Self::ChronyStatistics,
        Self::ChronyTracking,
        Self::NtpdRawstats,
        Self::NtpdPeerstats,
        Self::NtpdLoopstats,
        Self::RipeAtlas,
    ];

    /// The format of a file with this start, of which the first [`RECOGNISED_BYTES`] count. Its name
    /// plays no part.
    pub fn recognise(start: &[u8]) -> Option<Self> {
        let start = start.get(..RECOGNISED_BYTES).unwrap_or(start);
        let claims = |format: &Self| match format {
            Self::ChronyMeasurements => chrony::measurements::claims(start),
            Self::ChronyStatistics => chrony::statistics::claims(start),
            Self::ChronyTracking => chrony::tracking::claims(start),
            Self::NtpdRawstats => ntpd::rawstats::claims(start),
            Self::NtpdPeerstats => ntpd::peerstats::claims(start),
            Self::NtpdLoopstats => ntpd::loopstats::claims(start),
            Self::RipeAtlas => atlas::claims(start),
        };
        Self::ALL.into_iter().find(claims)
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChronyMeasurements => "chrony measurements.log",
            Self::ChronyStatistics => "chrony statistics.log",
            Self::ChronyTracking => "chrony tracking.log",
            Self::NtpdRawstats => "ntpd rawstats",
            Self::NtpdPeerstats => "ntpd peerstats",
            Self::NtpdLoopstats => "ntpd loopstats",
            Self::RipeAtlas => "RIPE Atlas NTP results",
        }
    }

    /// The program that writes it.
    const fn tool(self) -> &'static str {
        match self {
            Self::ChronyMeasurements | Self::ChronyStatistics | Self::ChronyTracking => "chronyd",
            Self::NtpdRawstats | Self::NtpdPeerstats | Self::NtpdLoopstats => "ntpd",
            Self::RipeAtlas => "RIPE Atlas",
        }
    }

    /// The time daemon that ran where it was written.
    fn daemons(self) -> Vec<String> {
        match self {
            Self::RipeAtlas => Vec::new(),
            _ => vec![self.tool().to_owned()],
        }
    }

    fn open<'a>(self, input: impl BufRead + 'a) -> Box<dyn Pieces + 'a> {
        match self {
            Self::ChronyMeasurements => Box::new(LinePieces::new(
                input,
                chrony::measurements::Measurements::default(),
            )),
            Self::ChronyStatistics => {
                Box::new(LinePieces::new(input, chrony::statistics::Statistics))
            }
            Self::ChronyTracking => Box::new(LinePieces::new(input, chrony::tracking::Tracking)),
            Self::NtpdRawstats => Box::new(LinePieces::new(input, ntpd::rawstats::Rawstats)),
            Self::NtpdPeerstats => Box::new(LinePieces::new(input, ntpd::peerstats::Peerstats)),
            Self::NtpdLoopstats => Box::new(LinePieces::new(input, ntpd::loopstats::Loopstats)),
            Self::RipeAtlas => Box::new(atlas::Results::new(input)),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Reads a foreign recording. Memory is bounded by its longest line, or JSON object, of 1 MiB, and by
/// the names of its sources.
pub struct Importer<'a> {
    format: Format,
    name: String,
    pieces: Box<dyn Pieces + 'a>,
    header: RunHeader,
    /// What the first piece told that could be used.
    out: Output,
    account: Account,
}

impl fmt::Debug for Importer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer")
            .field("format", &self.format)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<'a> Importer<'a> {
    /// Reads up to the first piece that tells when it was. `name` is what errors call the input.
    ///
    /// # Errors
    /// The input cannot be read, or nothing in it can be used.
    pub fn new(
        format: Format,
        input: impl BufRead + 'a,
        name: impl Into<String>,
    ) -> Result<Self, ImportError> {
        let name = name.into();
        let mut pieces = format.open(input);
        let (mut out, mut account) = (Output::default(), Account::default());
        let started = loop {
            if let Some(first) = out.first {
                break first;
            }
            let more = pieces.advance(&mut out, &mut account);
            if !more.map_err(|error| read_error(&name, error))? {
                return Err(nothing_of(format, name, account));
            }
        };
        let header = RunHeader {
            tool: format.tool().to_owned(),
            run_id: "imported".to_owned(),
            started,
            started_at: on_local_clock(started),
            axis: Axis::LocalClock,
            environment: Environment {
                time_daemons: format.daemons(),
                ..Environment::default()
            },
            ..RunHeader::default()
        };
        Ok(Self {
            format,
            name,
            pieces,
            header,
            out,
            account,
        })
    }

    /// What it is read as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What can be said before the first event. The arguments and the time-out of a foreign run are not
    /// known, and its random name is always `imported`.
    pub fn header(&self) -> &RunHeader {
        &self.header
    }

    /// Hands every event to `sink`, in the order of the file: at the end a [`Note::Imported`] with what
    /// the numbers mean, and the end of the run.
    ///
    /// # Errors
    /// [`ImportError::Read`] where the system cannot read on; `sink` keeps what it was given.
    pub fn read_into(mut self, sink: &mut dyn Sink) -> Result<ReadReport, ImportError> {
        loop {
            for event in self.out.events.drain(..) {
                sink.event(&event);
            }
            let more = self.pieces.advance(&mut self.out, &mut self.account);
            if !more.map_err(|error| read_error(&self.name, error))? {
                break;
            }
        }
        let at = self.out.last.map_or(self.header.started_at, on_local_clock);
        let note = Note::Imported {
            format: self.format.name().to_owned(),
            meaning: self.pieces.meaning(),
        };
        sink.event(&Event::Note(None, at, note));
        sink.event(&Event::End(RunEnd {
            at,
            interrupted: false,
        }));
        Ok(self.account.report)
    }
}

fn read_error(name: &str, error: std::io::Error) -> ImportError {
    ImportError::Read {
        name: name.to_owned(),
        error,
    }
}

fn nothing_of(format: Format, name: String, account: Account) -> ImportError {
    match account.first {
        Some((line, trouble)) => ImportError::Unusable {
            name,
            format,
            line,
            trouble,
        },
        None => ImportError::Nothing { name, format },
    }
}

/// The most that root delay / 2 + root dispersion may be (MAXDISP of RFC 5905 figure 22), where the
/// sampler draws the line, too.
const MAX_ROOT_DISTANCE: TimeDelta = TimeDelta::from_secs(16);

/// Why a reply of this server is no sample, whatever its stamps are: the tests that the sampler makes,
/// in its order.
fn refused(info: &ServerInfo) -> Option<Rejection> {
    if info.stratum == 0 {
        Some(KissCode::from_reference_id(info.reference_id).rejection())
    } else if info.leap == Leap::Unsynchronised || info.stratum > 15 {
        Some(Rejection::Unsynchronised)
    } else if info.root_distance() >= MAX_ROOT_DISTANCE {
        Some(Rejection::RootDistance)
    } else {
        None
    }
}
