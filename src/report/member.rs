//! From a report to a member of a set of hosts.

use super::model::{Report, SourceReport};
use crate::estimate::Drift;
use crate::fitness::{Bound, HostTold, Member, Move, NoMember, SourceTold, claims_utc, refuse_own};
use crate::sample::{DisturbanceKind, ReferenceSpell, SPELLS_KEPT, SourceKind, Timescale};
use crate::time::{Frequency, Interval, TimeDelta};

impl Report {
    /// What it says of its host's clock, to be held against other hosts'.
    ///
    /// # Errors
    ///
    /// It says nothing of it.
    pub fn member(&self) -> Result<Member, NoMember> {
        let ntp = |of: &&SourceReport| of.kind == SourceKind::Ntp;
        for source in &self.sources {
            refuse_own(source.kind, &source.source, &source.address)?;
        }
        let usable = |of: &&SourceReport| of.timescale != Timescale::Tai;
        let sources = self.sources.iter().filter(ntp).filter(usable);
        let nanos = TimeDelta::from_nanos;
        let clock = &self.local_clock;
        Member::new(HostTold {
            name: self.host.name.clone().unwrap_or_default(),
            run_id: self.run.id.clone(),
            boot_id: self.host.boot_id.clone(),
            started: self.run.started,
            duration: self.run.duration_ns.map(nanos),
            readings: clock.readings,
            moves: clock
                .disturbances
                .iter()
                .map(|of| Move {
                    kind: of.what,
                    since_start: nanos(of.since_start_ns),
                    error: nanos(of.at_error_ns),
                    by: match (of.size_ns, of.leap) {
                        (Some(by), _) if of.what == DisturbanceKind::Step => {
                            Some((nanos(by), nanos(of.size_error_ns.unwrap_or(0))))
                        }
                        (_, Some(leap)) if of.what == DisturbanceKind::LeapSecond => {
                            Move::of_leap(leap)
                        }
                        _ => None,
                    },
                    rates: of
                        .from_ppb
                        .zip(of.to_ppb)
                        .map(|(from, to)| (Frequency::from_ppb(from), Frequency::from_ppb(to))),
                })
                .collect(),
            sources: sources.map(told).collect(),
        })
    }
}

fn told(source: &SourceReport) -> SourceTold {
    let nanos = TimeDelta::from_nanos;
    let series = source.bound_series.iter().filter_map(|of| {
        Some(Bound {
            at: of.at,
            since_start: nanos(of.since_start_ns),
            offset: Interval::new(nanos(of.lower), nanos(of.upper))?,
        })
    });
    let series: Vec<Bound> = series.collect();
    let server = source.server.as_ref();
    let claims = server.is_some_and(|of| claims_utc(of.leap, of.stratum));
    let classes = std::iter::once(&source.main).chain(&source.other_classes);
    let delays = classes.filter_map(|class| Some(class.delay_ns.as_ref()?.max));
    SourceTold {
        source: source.source.clone(),
        address: source.address.clone(),
        port: source.port,
        exchanges: source.valid,
        series,
        breaks: source.breaks.iter().map(|of| of.at).collect(),
        drift: Drift {
            lower: Frequency::from_ppb(source.drift.lower_ppb),
            upper: Frequency::from_ppb(source.drift.upper_ppb),
        },
        delay: nanos(delays.max().unwrap_or(0)),
        distance: source.root_distance_ns.map(nanos).filter(|_| claims),
        references: source
            .references
            .iter()
            .take(SPELLS_KEPT)
            .filter_map(|of| {
                Some(ReferenceSpell {
                    time: of.reftime,
                    stratum: of.stratum,
                    id: of.refid.parse().ok()?,
                    from: of.from,
                    to: of.to,
                })
            })
            .collect(),
    }
}
