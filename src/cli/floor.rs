//! `clockfit floor`, and the noise floor that `measure --floor` begins with: this host against its
//! own server on loopback. Both ends of each exchange read one clock.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::args::{FloorArgs, Timestamps};
use super::report_file::Outputs;
use super::run::{self, Ready, Recording};
use super::{Exit, present, stamps};
use crate::estimate;
use crate::net::{phc, resolve};
use crate::responder::Config;
use crate::sample::{Mode, SourceInfo, SourceKind, Timescale};
use crate::sampler::{Endpoint, ModePolicy, Pace, Phase, Plan, Target};
use crate::server::{Background, Server};
use crate::time::TimeDelta;

/// The mean interval between requests for the floor. A server that is asked every few milliseconds
/// keeps its caches warm and its processor awake, and errs by less than with the usual second in
/// between: on a virtual machine the median in basic mode was -0.9 us at 1 ms, -5.2 us at 30 ms and
/// -6.4 us at 300 ms (in interleaved mode -0.14, -0.16 and -0.20 us). 30 ms show most of it, and give
/// a floor in 3 seconds where its 72 exchanges are independent; ten seconds leave room for neighbours that
/// are alike.
pub(super) const INTERVAL: TimeDelta = TimeDelta::from_millis(30);
/// Below this the requests of an interleaved client, which has one out at a time, overtake its
/// answers.
const SHORTEST_INTERVAL: TimeDelta = TimeDelta::from_micros(100);
/// How long an answer is waited for: it comes from this very process.
const TIMEOUT: TimeDelta = TimeDelta::from_secs(1);

/// Measures the floor alone.
pub(super) fn run(args: FloorArgs) -> anyhow::Result<Exit> {
    if args.interval < SHORTEST_INTERVAL {
        bail!("--interval: the floor is measured with 100us or more between requests");
    }
    let outputs = Outputs::open(&args.report.formats, args.output.as_deref().as_slice())?;
    let header = run::header(None, TIMEOUT)?;
    let (stamping, unavailable) = stamps::stamping(args.timestamps)?;
    if args.timestamps == Timestamps::Hardware {
        bail!("no packet of a host to itself meets a network card: --interface measures its clock");
    }
    // The card's clock takes the last third.
    let parts = if args.interface.is_some() { 3 } else { 2 };
    let packets = TimeDelta::from_nanos(args.duration.as_nanos() / parts * 2);
    let (own, server) = targets(packets, args.interval)?;
    let mut targets = Vec::from(own);
    if let Some(interface) = &args.interface {
        targets.push(card(interface, packets, args.interval)?);
    }
    let plan = Plan {
        targets,
        count: None,
        duration: Some(args.duration),
        timeout: TIMEOUT,
        stamping,
        hardware: None,
        interface: None,
        seed: header.seed,
        cross_check: false,
    };
    let ready = Ready {
        plan,
        header,
        notes: unavailable.into_iter().collect(),
        afterwards: None,
        _embedded: Some(server),
    };
    let recording = Recording::of(args.output, args.force);
    let measured = run::conduct(ready, &recording)?;
    let plan = estimate::Plan::default();
    let reported = present::report(&measured.campaign, &plan, outputs)?;
    Ok(measured.unless_incomplete(reported))
}

/// What the floor is measured by: the embedded server in each mode, one after the other so that
/// neither disturbs the other, for `length` in all; and the server itself.
pub(super) fn targets(
    length: TimeDelta,
    interval: TimeDelta,
) -> anyhow::Result<([Target; 2], Background)> {
    let server = own_server()?;
    let half = TimeDelta::from_nanos(length.as_nanos() / 2);
    let target = |mode: Mode, policy: ModePolicy, from: TimeDelta| Target {
        info: info(
            &format!("noise floor in {} mode", mode.name()),
            server.address(),
        )
        .into(),
        endpoint: Endpoint::Server(server.address()),
        pace: Pace::Mean(interval),
        mode: policy,
        phase: Phase {
            from,
            length: Some(half),
        },
    };
    let targets = [
        target(Mode::Basic, ModePolicy::Basic, TimeDelta::ZERO),
        target(Mode::Interleaved, ModePolicy::Interleaved, half),
    ];
    Ok((targets, server))
}

/// The clock of a network card, read from `begin` on to the end of the run.
fn card(interface: &str, begin: TimeDelta, interval: TimeDelta) -> anyhow::Result<Target> {
    resolve::interface_index(interface)?;
    let found = phc::find(interface)?;
    let device = PathBuf::from(&found.device);
    phc::Phc::open(&device)?;
    let info = SourceInfo {
        source: format!("clock of {interface}"),
        address: found.device,
        port: 0,
        kind: SourceKind::Phc,
        // What time it keeps is not asked here.
        timescale: Timescale::Unknown,
        path: 0,
        local_clock: None,
    };
    Ok(Target {
        info: info.into(),
        endpoint: Endpoint::Phc {
            device,
            ahead: TimeDelta::ZERO,
        },
        pace: Pace::Mean(interval),
        mode: ModePolicy::default(),
        phase: Phase {
            from: begin,
            length: None,
        },
    })
}

/// Starts the embedded server on loopback.
pub(super) fn own_server() -> anyhow::Result<Background> {
    Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), Config::default())
        .and_then(Server::run_in_background)
        .context("the embedded server could not be started on 127.0.0.1")
}

/// The embedded server as a source of this name.
pub(super) fn info(name: &str, address: SocketAddr) -> SourceInfo {
    SourceInfo {
        source: name.to_owned(),
        address: address.ip().to_string(),
        port: address.port(),
        kind: SourceKind::Embedded,
        timescale: Timescale::Unknown,
        path: 0,
        local_clock: None,
    }
}
