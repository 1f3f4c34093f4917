//! What `measure` was asked for as targets of a run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::args::{Mode, PhcTimescale, RunArgs};
use super::floor;
use super::source::{Host, Source};
use crate::net::{clock, phc, resolve, rtc};
use crate::sample::{Note, SourceInfo, SourceKind, Timescale};
use crate::sampler::{Endpoint, ModePolicy, Pace, Phase, Target, pacing};
use crate::server::Background;
use crate::time::TimeDelta;

/// The mean interval to private addresses if nothing is said.
const DEFAULT_INTERVAL: TimeDelta = TimeDelta::from_secs(1);
/// The mean interval of readings of a PTP clock, which cost nobody anything.
const CLOCK_INTERVAL: TimeDelta = TimeDelta::from_millis(100);
/// The interval of readings of a real-time clock, and the shortest: it has one edge a second.
const RTC_INTERVAL: TimeDelta = TimeDelta::from_secs(1);
/// The mean interval to the embedded server.
const EMBEDDED_INTERVAL: TimeDelta = TimeDelta::from_millis(100);

/// How long a burst lasts.
pub(super) const BURST: TimeDelta = TimeDelta::from_secs(10);
/// How long servers are left alone before it.
const BEFORE_BURST: TimeDelta = TimeDelta::from_secs(1);

/// Whether more may be asked of a server than of strangers: it is near, or the user's own.
pub(super) fn may_be_pressed(address: SocketAddr, own: bool) -> bool {
    own || pacing::is_local(address.ip())
}

/// What will be measured, and what could not be made a target.
#[derive(Default)]
pub(super) struct Targets {
    pub(super) targets: Vec<Target>,
    pub(super) notes: Vec<Note>,
    /// Which source an address is measured as: a server is not asked twice under two names.
    measured: HashMap<Measured, String>,
}

#[derive(PartialEq, Eq, Hash)]
enum Measured {
    Server(SocketAddr),
    Clock(String),
}

impl Targets {
    pub(super) fn add_embedded(&mut self, args: &RunArgs) -> anyhow::Result<Background> {
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
    pub(super) fn put_after_floor(&mut self, length: TimeDelta) -> Option<Background> {
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

    pub(super) fn add_sources(&mut self, sources: &[Source], args: &RunArgs) -> anyhow::Result<()> {
        let names: Vec<_> = sources
            .iter()
            .filter_map(|source| match &source.host {
                Host::Name(name) => Some((name.clone(), source.port)),
                Host::Address(..) | Host::Phc(_) | Host::Rtc(_) => None,
            })
            .collect();
        let mut resolved = resolve::names(&names).into_iter();
        for source in sources {
            match &source.host {
                Host::Address(address, zone) => {
                    let address = resolve::zoned(*address, zone.as_deref(), source.port)?;
                    self.add(source, address, zone.as_deref(), args)?;
                }
                Host::Phc(name) => self.add_clock(source, name, args)?,
                Host::Rtc(device) => self.add_rtc(source, device, args)?,
                Host::Name(_) => match resolved.next() {
                    Some(Ok(addresses)) => self.add_resolved(source, &addresses, args)?,
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

    fn add_resolved(
        &mut self,
        source: &Source,
        addresses: &[SocketAddr],
        args: &RunArgs,
    ) -> anyhow::Result<()> {
        let wanted = |a: &&SocketAddr| !(args.ipv4 && a.is_ipv6() || args.ipv6 && a.is_ipv4());
        let mut any = false;
        for address in addresses.iter().filter(wanted) {
            any = true;
            self.add(source, *address, None, args)?;
        }
        if !any {
            let family = if args.ipv4 { "IPv4" } else { "IPv6" };
            self.unresolved(source, &format!("the name has no {family} address"));
        }
        Ok(())
    }

    fn add(
        &mut self,
        source: &Source,
        address: SocketAddr,
        zone: Option<&str>,
        args: &RunArgs,
    ) -> anyhow::Result<()> {
        if args.ipv4 && address.is_ipv6() || args.ipv6 && address.is_ipv4() {
            self.unresolved(
                source,
                "it is an address of the other family than asked for",
            );
            return Ok(());
        }
        if self.is_measured_already(Measured::Server(address), source) {
            return Ok(());
        }
        if args.ports.is_some() && !pacing::is_local(address.ip()) && !args.own_servers {
            bail!(
                "--ports asks {address} from many ports, as if by many clients: for a public address say \
                 that the server is yours (--own-servers)"
            );
        }
        let interval = match args.interval {
            Some(interval) => interval,
            None if pacing::is_local(address.ip()) || args.own_servers => DEFAULT_INTERVAL,
            None => TimeDelta::ZERO,
        };
        // All paths together ask the server as often as one would.
        let share = interval.times(args.ports.unwrap_or(1).into());
        let pace = Pace::towards(address.ip(), share, args.own_servers);
        let paths = match args.ports {
            None => 0..=0,
            Some(ports) => 1..=ports,
        };
        for path in paths {
            let info = SourceInfo {
                source: source.text.clone(),
                address: say_address(address, zone),
                port: address.port(),
                kind: SourceKind::Ntp,
                timescale: source.timescale(),
                path,
                local_clock: None,
            };
            self.targets.push(Target {
                info: info.into(),
                endpoint: Endpoint::Server(address),
                pace,
                mode: policy(args.mode),
                phase: Phase::default(),
            });
        }
        Ok(())
    }

    fn add_clock(&mut self, source: &Source, name: &str, args: &RunArgs) -> anyhow::Result<()> {
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
            path: 0,
            local_clock: None,
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

    fn add_rtc(&mut self, source: &Source, device: &str, args: &RunArgs) -> anyhow::Result<()> {
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
            path: 0,
            local_clock: None,
        };
        self.targets.push(Target {
            info: info.into(),
            endpoint: Endpoint::Rtc(device),
            pace: Pace::Mean(whole_seconds(interval)),
            mode: ModePolicy::default(),
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

/// Has each server asked in a burst, once the run of this length is over, that may be asked so; and all of them as
/// gently at first as they can be asked, so that the two can be told apart.
pub(super) fn put_bursts_after(
    targets: &mut Vec<Target>,
    length: TimeDelta,
    interval: TimeDelta,
    own: bool,
) {
    let mut bursts = Vec::new();
    for target in targets.iter_mut() {
        target.pace = target.pace.eased();
        let Endpoint::Server(address) = target.endpoint else {
            continue;
        };
        // Of several paths to a server the first one will do.
        if may_be_pressed(address, own) && target.info.path <= 1 {
            let info = SourceInfo {
                kind: SourceKind::Burst,
                path: 0,
                ..SourceInfo::clone(&target.info)
            };
            bursts.push(Target {
                info: info.into(),
                pace: Pace::Mean(interval),
                phase: Phase {
                    from: length + BEFORE_BURST,
                    length: Some(BURST),
                },
                ..target.clone()
            });
        }
    }
    targets.extend(bursts);
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

fn policy(mode: Mode) -> ModePolicy {
    match mode {
        Mode::Auto => ModePolicy::Auto,
        Mode::Basic => ModePolicy::Basic,
        Mode::Interleaved => ModePolicy::Interleaved,
    }
}
