//! `clockfit provider`: measures a provider's servers, presses those that may be pressed, and judges.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::bail;

use super::args::{ProviderArgs, RunArgs};
use super::report_file::Outputs;
use super::report_format::ReportFormat;
use super::run::{self, Afterwards, Ready, Recording};
use super::source::{Host, Source};
use super::targets::{self, Targets};
use super::{Exit, catalogue, check};
use crate::audit;
use crate::estimate;
use crate::fitness::provide;
use crate::report::{ProviderReport, json, markdown, text};
use crate::sample::{Audited, Campaign, Note, SourceId};
use crate::sampler::Endpoint;
use crate::time::{NANOS_PER_SEC, TimeDelta};

/// How often servers are asked in a burst, where nobody says: as eight guests that begin together would.
pub(super) const BURST_RATE: u16 = 8;

/// Judges, and says so by the exit code.
pub(super) fn run(args: ProviderArgs) -> anyhow::Result<Exit> {
    let catalogue = catalogue::load(&args.catalogue)?;
    let plan = check::plan(args.run.analysis);
    let files = [&args.replay, &args.run.output].into_iter().flatten();
    let kept: Vec<&Path> = files
        .chain(&args.catalogue.profile)
        .map(PathBuf::as_path)
        .collect();
    let outputs = Outputs::open(&args.formats, &kept)?;
    let (campaign, measured) = match &args.replay {
        Some(file) => (check::read(file)?, None),
        None => {
            let ready = prepare(&args.sources, &args.run, args.burst_rate)?;
            let recording = Recording::of(args.run.output, args.run.force);
            let measured = run::conduct(ready, &recording)?;
            (Campaign::clone(&measured.campaign), Some(measured))
        }
    };
    let assessment = estimate::analyse(&campaign, &plan);
    let judged = provide(&campaign, &assessment, &catalogue)?;
    let report = ProviderReport::new(&campaign, &judged);
    outputs.write_by(|format, style, mut out| match format {
        ReportFormat::Json => json::write_provider(&report, &mut out),
        ReportFormat::Markdown => markdown::write_provider(&report, &mut out),
        _ => text::write_provider(&report, style, &mut out),
    })?;
    let exit = check::exit(judged.verdict, args.undetermined_is);
    Ok(measured.map_or(exit, |measured| measured.unless_incomplete(exit)))
}

/// A run in which servers are measured, and then pressed.
fn prepare(sources: &[Source], args: &RunArgs, burst_rate: u16) -> anyhow::Result<Ready> {
    run::check(args)?;
    for source in sources {
        if matches!(source.host, Host::Phc(_) | Host::Rtc(_)) {
            bail!(
                "{}: it is servers that are judged, and this is a clock of this host",
                source.text
            );
        }
    }
    if args.count.is_some() && burst_rate > 0 {
        bail!(
            "-n: it is not known when so many requests are over and a burst may begin; say how long, -d 60s"
        );
    }
    let mut found = Targets::default();
    found.add_sources(sources, args)?;
    let servers: Vec<Server> = (0..)
        .map(SourceId)
        .zip(&found.targets)
        .filter(|(_, of)| of.info.path <= 1)
        .filter_map(|(id, of)| match of.endpoint {
            Endpoint::Server(address) => Some(Server {
                id,
                address,
                name: name(sources, &of.info.source, address),
            }),
            Endpoint::Phc { .. } | Endpoint::Rtc(_) => None,
        })
        .collect();
    let duration = run::duration(args, run::DURATION);
    let mut ready = run::ready(found, args, duration, None)?;
    put_bursts_after(&mut ready, args, burst_rate);
    ready.afterwards = Some(afterwards(servers, args));
    Ok(ready)
}

/// Has servers asked in a burst after a run of which it is known when it ends.
pub(super) fn put_bursts_after(ready: &mut Ready, args: &RunArgs, burst_rate: u16) {
    let plan = &mut ready.plan;
    if let Some(length) = plan
        .duration
        .filter(|_| burst_rate > 0 && args.count.is_none())
    {
        let interval = TimeDelta::from_nanos(NANOS_PER_SEC / i64::from(burst_rate));
        targets::put_bursts_after(&mut plan.targets, length, interval, args.own_servers);
    }
}

/// A server that is asked for more than the time.
struct Server {
    id: SourceId,
    address: SocketAddr,
    /// As it was asked for, without its port.
    name: String,
}

/// What a server is called that was asked for by this text.
fn name(sources: &[Source], text: &str, address: SocketAddr) -> String {
    let named = sources.iter().filter(|of| of.text == text);
    let mut names = named.filter_map(|of| match &of.host {
        Host::Name(name) => Some(name.clone()),
        Host::Address(..) | Host::Phc(_) | Host::Rtc(_) => None,
    });
    names.next().unwrap_or_else(|| address.ip().to_string())
}

fn afterwards(servers: Vec<Server>, args: &RunArgs) -> Afterwards {
    let (interface, own) = (args.interface.clone(), args.own_servers);
    Box::new(move || {
        let interface = interface.as_deref();
        let addresses: Vec<SocketAddr> = servers.iter().map(|of| of.address).collect();
        let ttls = audit::ttls(&addresses, interface);
        let may = |address: &SocketAddr| targets::may_be_pressed(*address, own);
        let pressed: Vec<SocketAddr> = addresses.iter().copied().filter(may).collect();
        let mut odd = audit::odd_answers(&pressed, interface).into_iter();
        let named: Vec<(SocketAddr, String)> = servers
            .iter()
            .map(|of| (of.address, of.name.clone()))
            .collect();
        let nts = audit::nts(&named, interface);
        let told = servers.iter().zip(ttls).zip(nts).map(|((of, ttl), nts)| {
            let odd = match may(&of.address) {
                true => odd.next().unwrap_or_default(),
                false => Vec::new(),
            };
            (of.id, Note::Audited(Audited { ttl, odd, nts }))
        });
        told.collect()
    })
}
