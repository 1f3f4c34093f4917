//! `clockfit measure`: sources become targets, a run, a recording and a report.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::args::{Format, MeasureArgs, Mode, PhcTimescale, Timestamps};
use super::progress::Progress;
use super::source::{Host, Source};
use super::{Exit, floor, output, present};
use crate::net::{StampedSocket, Stamping, clock, host, phc, resolve};
use crate::recording::Writer;
use crate::sample::{
    Campaign, Event, Note, RunHeader, Sink, SourceInfo, SourceKind, Tee, Timescale,
};
use crate::sampler::{self, Endpoint, ModePolicy, Pace, Phase, Plan, Target};
use crate::server::Background;
use crate::time::TimeDelta;

/// How long a run takes if nothing is said.
const DEFAULT_DURATION: TimeDelta = TimeDelta::from_secs(60);
/// The mean interval to private addresses if nothing is said.
const DEFAULT_INTERVAL: TimeDelta = TimeDelta::from_secs(1);
/// The mean interval of readings of a PTP clock, which cost nobody anything.
const CLOCK_INTERVAL: TimeDelta = TimeDelta::from_millis(100);
/// How long the embedded server is measured.
const EMBEDDED_DURATION: TimeDelta = TimeDelta::from_secs(10);
/// The mean interval to the embedded server.
const EMBEDDED_INTERVAL: TimeDelta = TimeDelta::from_millis(100);

/// Measures what was asked for.
pub(super) fn run(args: MeasureArgs) -> anyhow::Result<Exit> {
    let ready = prepare(&args)?;
    let results = Results {
        format: args.format,
        recording: args.output,
        force: args.force,
    };
    // All that the run needs is in its plan; ten thousand sources are megabytes.
    drop(args.sources);
    conduct(ready, &results)
}

/// Where the results of a run go.
pub(super) struct Results {
    pub(super) format: Format,
    pub(super) recording: Option<PathBuf>,
    /// Whether an existing file may be replaced.
    pub(super) force: bool,
}

/// Measures, records and reports.
pub(super) fn conduct(ready: Ready, results: &Results) -> anyhow::Result<Exit> {
    // A run that cannot begin replaces no recording.
    sampler::reserve(&ready.plan)?;
    // The file comes before the first packet: what cannot be kept should not be measured in vain.
    let mut recording = match &results.recording {
        Some(path) => Some(Writer::create(path, results.force, &ready.header)?),
        None => None,
    };
    let mut campaign = Campaign::new(ready.header);
    let mut progress = Progress::new(ready.plan.duration, ready.plan.count);
    let mut sinks: Vec<&mut dyn Sink> = vec![&mut campaign, &mut progress];
    sinks.extend(recording.as_mut().map(|r| r as &mut dyn Sink));
    let mut tee = Tee(sinks);
    let start = clock::counter();
    for note in ready.notes {
        tee.event(&Event::Note(None, start, note));
    }
    let outcome = if ready.plan.targets.is_empty() {
        Ok(())
    } else {
        sampler::run(ready.plan, &mut tee).map(drop)
    };
    progress.finish();
    outcome?;
    let kept = finish_recording(recording.as_mut());
    let reported = present::report(&campaign, results.format)?;
    Ok(if kept { reported } else { Exit::Failed })
}

/// A run that is ready to begin.
pub(super) struct Ready {
    pub(super) plan: Plan,
    pub(super) header: RunHeader,
    /// What is to be told before the first packet.
    pub(super) notes: Vec<Note>,
    /// Held until the run is over: the server ends with its handle.
    pub(super) _embedded: Option<Background>,
}

fn prepare(args: &MeasureArgs) -> anyhow::Result<Ready> {
    if let Some(interface) = &args.interface {
        resolve::interface_index(interface)?;
    }
    let header = header(args.seed, args.timeout)?;
    let mut found = Targets::default();
    let mut embedded = None;
    let mut before = TimeDelta::ZERO;
    if args.sources.is_empty() {
        if args.floor.is_some() {
            bail!(
                "--floor stands beside sources: name one, or measure the floor alone: clockfit floor"
            );
        }
        embedded = Some(found.add_embedded(args)?);
    } else {
        found.add_sources(args)?;
        if let Some(length) = args.floor {
            embedded = found.put_after_floor(length);
            before = embedded.as_ref().map_or(TimeDelta::ZERO, |_| length);
        }
    }
    let (stamping, unavailable) = stamping(args.timestamps)?;
    found.notes.extend(unavailable);
    let plan = Plan {
        count: args.count,
        duration: duration(args).map(|asked| before + asked),
        timeout: args.timeout,
        stamping,
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

pub(super) fn header(seed: Option<u64>, timeout: TimeDelta) -> anyhow::Result<RunHeader> {
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
        seed: seed.unwrap_or(identity.seed),
        timeout,
        environment: host::environment(),
    })
}

fn policy(mode: Mode) -> ModePolicy {
    match mode {
        Mode::Auto => ModePolicy::Auto,
        Mode::Basic => ModePolicy::Basic,
        Mode::Interleaved => ModePolicy::Interleaved,
    }
}

fn duration(args: &MeasureArgs) -> Option<TimeDelta> {
    let default = if args.sources.is_empty() {
        EMBEDDED_DURATION
    } else {
        DEFAULT_DURATION
    };
    args.duration.or(args.count.is_none().then_some(default))
}

/// Who stamps; and for `auto`, why not the kernel.
pub(super) fn stamping(wanted: Timestamps) -> anyhow::Result<(Stamping, Option<Note>)> {
    if wanted == Timestamps::User {
        return Ok((Stamping::User, None));
    }
    match (StampedSocket::kernel_stamps_available(), wanted) {
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
        let server = floor::own_server()?;
        self.targets.push(Target {
            info: floor::info("embedded server", server.address()).into(),
            endpoint: Endpoint::Server(server.address()),
            pace: Pace::Mean(args.interval.unwrap_or(EMBEDDED_INTERVAL)),
            mode: policy(args.mode),
            phase: Phase::default(),
        });
        Ok(server)
    }

    /// Puts the noise floor before all targets. Where it cannot be measured they are all the same,
    /// and that is noted.
    fn put_after_floor(&mut self, length: TimeDelta) -> Option<Background> {
        match floor::targets(length, floor::INTERVAL) {
            Ok((floor, server)) => {
                for target in &mut self.targets {
                    target.phase.from = length;
                }
                self.targets.splice(0..0, floor);
                Some(server)
            }
            Err(error) => {
                let error = format!("{error:#}");
                self.notes.push(Note::NoFloor { error });
                None
            }
        }
    }

    fn add_sources(&mut self, args: &MeasureArgs) -> anyhow::Result<()> {
        let names: Vec<_> = args
            .sources
            .iter()
            .filter_map(|source| match &source.host {
                Host::Name(name) => Some((name.clone(), source.port)),
                Host::Address(..) | Host::Phc(_) => None,
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
            mode: policy(args.mode),
            phase: Phase::default(),
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
            mode: policy(args.mode),
            phase: Phase::default(),
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
