//! `clockfit measure`: sources become targets, a run, a recording and a report.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::args::{MeasureArgs, Mode, PhcTimescale, Timestamps};
use super::progress::Progress;
use super::source::{Host, Source};
use super::units::Correction;
use super::{Exit, output, present};
use crate::net::hardware::{Corrections, HardwareError, How};
use crate::net::nic::{NicError, TakeOver};
use crate::net::{StampedSocket, Stamping, clock, host, phc, resolve, rtc};
use crate::recording::Writer;
use crate::responder::Config;
use crate::sample::{
    Campaign, Event, Note, RunHeader, Sink, SourceInfo, SourceKind, Tee, Timescale,
};
use crate::sampler::{self, Endpoint, Hardware, ModePolicy, Pace, Plan, SamplerError, Target};
use crate::server::{Background, Server};
use crate::time::TimeDelta;

/// How long a run takes if nothing is said.
const DEFAULT_DURATION: TimeDelta = TimeDelta::from_secs(60);
/// The mean interval to private addresses if nothing is said.
const DEFAULT_INTERVAL: TimeDelta = TimeDelta::from_secs(1);
/// The mean interval of readings of a PTP clock, which cost nobody anything.
const CLOCK_INTERVAL: TimeDelta = TimeDelta::from_millis(100);
/// The interval of readings of a real-time clock, and the shortest: it has one edge a second.
const RTC_INTERVAL: TimeDelta = TimeDelta::from_secs(1);
/// How long the embedded server is measured.
const EMBEDDED_DURATION: TimeDelta = TimeDelta::from_secs(10);
/// The mean interval to the embedded server.
const EMBEDDED_INTERVAL: TimeDelta = TimeDelta::from_millis(100);

/// Measures, records and reports.
pub(super) fn run(args: MeasureArgs) -> anyhow::Result<Exit> {
    let ready = prepare(&args)?;
    let (duration, count) = (ready.plan.duration, ready.plan.count);
    let is_empty = ready.plan.targets.is_empty();
    // A run that cannot begin replaces no recording.
    let prepared = sampler::prepare(ready.plan).map_err(explained)?;
    // The file comes before the first packet: what cannot be kept should not be measured in vain.
    let mut recording = match &args.output {
        Some(path) => Some(Writer::create(path, args.force, &ready.header)?),
        None => None,
    };
    let format = args.format;
    // All that the run needs is in its plan; ten thousand sources are megabytes.
    drop(args);
    let mut campaign = Campaign::new(ready.header);
    let mut progress = Progress::new(duration, count);
    let mut sinks: Vec<&mut dyn Sink> = vec![&mut campaign, &mut progress];
    sinks.extend(recording.as_mut().map(|r| r as &mut dyn Sink));
    let mut tee = Tee(sinks);
    let start = clock::counter();
    for note in ready.notes {
        tee.event(&Event::Note(None, start, note));
    }
    let outcome = if is_empty {
        Ok(())
    } else {
        prepared.run(&mut tee).map(drop)
    };
    progress.finish();
    outcome?;
    let kept = finish_recording(recording.as_mut());
    let reported = present::report(&campaign, format)?;
    Ok(if kept { reported } else { Exit::Failed })
}

/// A run that is ready to begin.
struct Ready {
    plan: Plan,
    header: RunHeader,
    /// What is to be told before the first packet.
    notes: Vec<Note>,
    /// Held until the run is over: the server ends with its handle.
    _embedded: Option<Background>,
}

fn prepare(args: &MeasureArgs) -> anyhow::Result<Ready> {
    if let Some(interface) = &args.interface {
        resolve::interface_index(interface)?;
    }
    let header = header(args)?;
    let mut found = Targets::default();
    let embedded = if args.sources.is_empty() {
        Some(found.add_embedded(args)?)
    } else {
        found.add_sources(args)?;
        None
    };
    let (stamping, unavailable) = stamping(args)?;
    found.notes.extend(unavailable);
    let plan = Plan {
        count: args.count,
        duration: duration(args),
        timeout: args.timeout,
        mode: match args.mode {
            Mode::Auto => ModePolicy::Auto,
            Mode::Basic => ModePolicy::Basic,
            Mode::Interleaved => ModePolicy::Interleaved,
        },
        stamping,
        hardware: hardware(args)?,
        interface: args.interface.clone(),
        seed: header.seed,
        cross_check: args.cross_check,
        targets: found.targets,
    };
    Ok(Ready {
        plan,
        header,
        notes: found.notes,
        _embedded: embedded,
    })
}

/// The recording may have ended before the run did: that is said, and no reason to lose the report.
fn finish_recording(recording: Option<&mut Writer<File>>) -> bool {
    let Some(recording) = recording else {
        return true;
    };
    recording.flush();
    let Some(failure) = recording.failure() else {
        return true;
    };
    output::complain(&format!("error: the recording is incomplete: {failure}"));
    false
}

fn header(args: &MeasureArgs) -> anyhow::Result<RunHeader> {
    let identity = sampler::Identity::new()?;
    let start = clock::paired();
    Ok(RunHeader {
        tool: super::TOOL.to_owned(),
        run_id: identity.run_id,
        started: start.wall,
        started_at: start.counter,
        // What the shell passed may not be text; what it cannot say is replaced.
        arguments: std::env::args_os()
            .skip(1)
            .map(|a| a.to_string_lossy().into_owned())
            .collect(),
        seed: args.seed.unwrap_or(identity.seed),
        timeout: args.timeout,
        environment: host::environment(),
    })
}

fn duration(args: &MeasureArgs) -> Option<TimeDelta> {
    let default = if args.sources.is_empty() {
        EMBEDDED_DURATION
    } else {
        DEFAULT_DURATION
    };
    args.duration.or(args.count.is_none().then_some(default))
}

/// A run that cannot begin, and which option would let it.
fn explained(error: SamplerError) -> anyhow::Error {
    let in_use = matches!(
        error,
        SamplerError::Hardware(HardwareError::Setting(NicError::InUse { .. }))
    );
    let error = anyhow::Error::new(error);
    if in_use {
        error.context(
            "a network card is in use (--take-over-nic overwrites its setting for this run; \
             --timestamps auto uses what is set)",
        )
    } else {
        error
    }
}

/// Whether and how cards stamp.
fn hardware(args: &MeasureArgs) -> anyhow::Result<Option<Hardware>> {
    let how = match (args.timestamps, args.take_over_nic) {
        (Timestamps::Hardware, false) => How::Set(TakeOver::No),
        (Timestamps::Hardware, true) => How::Set(TakeOver::Yes),
        (_, true) => bail!("--take-over-nic goes with --timestamps hardware alone"),
        (Timestamps::Auto, false) => How::AsSet,
        (Timestamps::Kernel | Timestamps::User, false) => return Ok(None),
    };
    let listed = |given: &[Correction]| given.iter().map(|c| (c.interface.clone(), c.by)).collect();
    let corrections = Corrections {
        transmit: listed(&args.tx_correction),
        receive: listed(&args.rx_correction),
    };
    Ok(Some(Hardware { how, corrections }))
}

/// Who stamps; and for `auto`, why not the kernel.
fn stamping(args: &MeasureArgs) -> anyhow::Result<(Stamping, Option<Note>)> {
    if args.timestamps == Timestamps::User {
        return Ok((Stamping::User, None));
    }
    match (
        StampedSocket::stamps_available(Stamping::Kernel),
        args.timestamps,
    ) {
        (Ok(()), _) => Ok((Stamping::Kernel, None)),
        (Err(error), Timestamps::Kernel) => Err(error).context(
            "no kernel timestamps on this system (--timestamps auto or user does without)",
        ),
        (Err(error), _) => {
            let note = Note::StampsUnavailable {
                error: error.to_string(),
            };
            Ok((Stamping::User, Some(note)))
        }
    }
}

/// What will be measured, and what could not be made a target.
#[derive(Default)]
struct Targets {
    targets: Vec<Target>,
    notes: Vec<Note>,
    /// Which source an address is measured as: a server is not asked twice under two names.
    measured: HashMap<Measured, String>,
}

#[derive(PartialEq, Eq, Hash)]
enum Measured {
    Server(SocketAddr),
    Clock(String),
}

impl Targets {
    fn add_embedded(&mut self, args: &MeasureArgs) -> anyhow::Result<Background> {
        if args.ipv6 {
            bail!("the embedded server listens at 127.0.0.1: name a source, or leave out -6");
        }
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Config::default())
            .and_then(Server::run_in_background)
            .context("the embedded server could not be started on 127.0.0.1")?;
        let address = server.address();
        let info = SourceInfo {
            source: "embedded server".to_owned(),
            address: address.ip().to_string(),
            port: address.port(),
            kind: SourceKind::Embedded,
            timescale: Timescale::Unknown,
        };
        let pace = Pace::Mean(args.interval.unwrap_or(EMBEDDED_INTERVAL));
        self.targets.push(Target {
            info: info.into(),
            endpoint: Endpoint::Server(address),
            pace,
        });
        Ok(server)
    }

    fn add_sources(&mut self, args: &MeasureArgs) -> anyhow::Result<()> {
        let names: Vec<_> = args
            .sources
            .iter()
            .filter_map(|source| match &source.host {
                Host::Name(name) => Some((name.clone(), source.port)),
                Host::Address(..) | Host::Phc(_) | Host::Rtc(_) => None,
            })
            .collect();
        let mut resolved = resolve::names(&names).into_iter();
        for source in &args.sources {
            match &source.host {
                Host::Address(address, zone) => {
                    let address = resolve::zoned(*address, zone.as_deref(), source.port)?;
                    self.add(source, address, zone.as_deref(), args);
                }
                Host::Phc(name) => self.add_clock(source, name, args)?,
                Host::Rtc(device) => self.add_rtc(source, device, args)?,
                Host::Name(_) => match resolved.next() {
                    Some(Ok(addresses)) => self.add_resolved(source, &addresses, args),
                    Some(Err(error)) => self.unresolved(source, &error.to_string()),
                    None => self.unresolved(source, "the resolver gave no answer"),
                },
            }
        }
        if let (true, Some(Note::Unresolved { source, error })) =
            (self.targets.is_empty(), self.notes.first())
        {
            bail!("there is nothing to measure; {source}: {error}");
        }
        Ok(())
    }

    fn add_resolved(&mut self, source: &Source, addresses: &[SocketAddr], args: &MeasureArgs) {
        let wanted = |a: &&SocketAddr| !(args.ipv4 && a.is_ipv6() || args.ipv6 && a.is_ipv4());
        let mut any = false;
        for address in addresses.iter().filter(wanted) {
            any = true;
            self.add(source, *address, None, args);
        }
        if !any {
            let family = if args.ipv4 { "IPv4" } else { "IPv6" };
            self.unresolved(source, &format!("the name has no {family} address"));
        }
    }

    fn add(
        &mut self,
        source: &Source,
        address: SocketAddr,
        zone: Option<&str>,
        args: &MeasureArgs,
    ) {
        if args.ipv4 && address.is_ipv6() || args.ipv6 && address.is_ipv4() {
            return self.unresolved(
                source,
                "it is an address of the other family than asked for",
            );
        }
        if self.is_measured_already(Measured::Server(address), source) {
            return;
        }
        let interval = match args.interval {
            Some(interval) => interval,
            None if sampler::pacing::is_local(address.ip()) || args.own_servers => DEFAULT_INTERVAL,
            None => TimeDelta::ZERO,
        };
        let pace = Pace::towards(address.ip(), interval, args.own_servers);
        let info = SourceInfo {
            source: source.text.clone(),
            address: say_address(address, zone),
            port: address.port(),
            kind: SourceKind::Ntp,
            timescale: source.timescale(),
        };
        self.targets.push(Target {
            info: info.into(),
            endpoint: Endpoint::Server(address),
            pace,
        });
    }

    fn add_clock(&mut self, source: &Source, name: &str, args: &MeasureArgs) -> anyhow::Result<()> {
        let (ahead, timescale) = match args.phc_timescale {
            PhcTimescale::Utc => (TimeDelta::ZERO, Timescale::Utc),
            PhcTimescale::Tai => match clock::tai_minus_utc() {
                Some(ahead) => (ahead, Timescale::Tai),
                None => bail!(
                    "--phc-timescale tai: this host's kernel does not know TAI - UTC; a time daemon \
                     tells it (chrony: leapsectz), until then only utc works"
                ),
            },
        };
        let found = phc::find(name).and_then(|clock| {
            // Whether it can be read is better known now than after a run.
            phc::Phc::open(Path::new(&clock.device)).map(|_| clock)
        });
        let found = match found {
            Ok(clock) => clock,
            Err(error) => {
                self.unresolved(source, &error.to_string());
                return Ok(());
            }
        };
        if self.is_measured_already(Measured::Clock(found.device.clone()), source) {
            return Ok(());
        }
        let info = SourceInfo {
            source: source.text.clone(),
            address: found.device.clone(),
            port: 0,
            kind: SourceKind::Phc,
            timescale,
        };
        self.targets.push(Target {
            info: info.into(),
            endpoint: Endpoint::Phc {
                device: PathBuf::from(found.device),
                ahead,
            },
            pace: Pace::Mean(args.interval.unwrap_or(CLOCK_INTERVAL)),
        });
        Ok(())
    }

    fn add_rtc(&mut self, source: &Source, device: &str, args: &MeasureArgs) -> anyhow::Result<()> {
        let interval = args.interval.unwrap_or(RTC_INTERVAL);
        if interval < RTC_INTERVAL {
            bail!(
                "{source} can be read once a second: -i takes 1s or longer with a real-time clock"
            );
        }
        let device = match rtc::find(Path::new(device)) {
            Ok(device) => device,
            Err(error) => {
                self.unresolved(source, &error.to_string());
                return Ok(());
            }
        };
        let address = device.display().to_string();
        // Before it is opened: one program at a time can do that, and the earlier source is this one.
        if self.is_measured_already(Measured::Clock(address.clone()), source) {
            return Ok(());
        }
        if let Err(error) = rtc::Rtc::open(&device) {
            self.unresolved(source, &error.to_string());
            return Ok(());
        }
        let info = SourceInfo {
            source: source.text.clone(),
            address,
            port: 0,
            kind: SourceKind::Rtc,
            timescale: Timescale::Utc,
        };
        self.targets.push(Target {
            info: info.into(),
            endpoint: Endpoint::Rtc(device),
            pace: Pace::Mean(whole_seconds(interval)),
        });
        Ok(())
    }

    /// Whether an earlier source is the same; notes it.
    fn is_measured_already(&mut self, what: Measured, source: &Source) -> bool {
        match self.measured.entry(what) {
            Entry::Occupied(earlier) => {
                self.notes.push(Note::SameAddress {
                    source: source.text.clone(),
                    measured_as: earlier.get().clone(),
                });
                true
            }
            Entry::Vacant(place) => {
                place.insert(source.text.clone());
                false
            }
        }
    }

    fn unresolved(&mut self, source: &Source, error: &str) {
        let error = error.to_owned();
        self.notes.push(Note::Unresolved {
            source: source.text.clone(),
            error,
        });
    }
}

/// Rounded up: an edge that comes between is none to be read.
fn whole_seconds(interval: TimeDelta) -> TimeDelta {
    let second = RTC_INTERVAL.as_nanos();
    let whole = interval.as_nanos().saturating_add(second - 1) / second;
    RTC_INTERVAL.times(whole)
}

/// The address with its zone as it was given, or as the resolver gave it.
fn say_address(address: SocketAddr, zone: Option<&str>) -> String {
    match (address.ip(), zone, address) {
        (IpAddr::V6(ip), Some(zone), _) => format!("{ip}%{zone}"),
        (IpAddr::V6(ip), None, SocketAddr::V6(v6)) if v6.scope_id() != 0 => {
            format!("{ip}%{}", v6.scope_id())
        }
        (ip, ..) => ip.to_string(),
    }
}
