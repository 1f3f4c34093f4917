//! This host: what disturbed its clock, and where it was measured.

use std::io;

use super::super::quantity::{plain, ppm, signed_ppm, utc};
use super::super::text::conditions;
use super::super::text::local::say;
use super::super::text::stamped_by;
use super::markup::Markup;
use super::table;
use crate::report::{FloorReport, LocalClockReport, Report};
use crate::sample::Axis;

/// What disturbed the clock, by the numbers that stand in the pictures over time.
pub(super) fn disturbances(m: &mut Markup<'_>, clock: &LocalClockReport) -> io::Result<()> {
    m.within("section", &[], |m| {
        m.say("h2", &[("id", "clock")], "What disturbed this host's clock")?;
        if clock.readings == 0 {
            m.say("p", &[], "The clock was not watched.")?;
        } else if clock.disturbances.is_empty() {
            let text = format!("Nothing: it was looked at {} times.", clock.readings);
            m.say("p", &[], &text)?;
        }
        if !clock.disturbances.is_empty() {
            let rows = clock.disturbances.iter().enumerate().map(|(index, one)| {
                vec![
                    (index + 1).to_string(),
                    plain(one.since_start_ns),
                    utc(one.at.as_nanos()),
                    say(one),
                ]
            });
            let columns = [
                ("number", true),
                ("since start", true),
                ("local clock", false),
                ("what happened", false),
            ];
            let caption = format!("disturbances, by {} readings", clock.readings);
            table::write(m, &caption, &columns, rows)?;
        }
        match clock.more_disturbances {
            0 => Ok(()),
            more => m.say("p", &[], &format!("{more} more were not kept.")),
        }
    })
}

/// The noise floor, where it was measured.
pub(super) fn floors(m: &mut Markup<'_>, floors: &[FloorReport]) -> io::Result<()> {
    if floors.is_empty() {
        return Ok(());
    }
    m.within("section", &[], |m| {
        m.say("h2", &[("id", "floor")], "Noise floor of this host")?;
        let known = |value: Option<i64>| value.map_or("-".to_owned(), plain);
        let rows = floors.iter().map(|floor| {
            vec![
                format!("{} ({} mode)", floor.class.stamps, floor.class.mode.name()),
                floor.offset_ns.n.to_string(),
                known(floor.offset_ns.p50),
                known(floor.abs_offset_ns.p95),
                known(floor.limit_ns),
            ]
        });
        let columns = [
            ("stamped by", false),
            ("exchanges", true),
            ("median offset", true),
            ("95 % of sizes below", true),
            ("floor", true),
        ];
        table::write(
            m,
            "what this host measures where the true offset is 0",
            &columns,
            rows,
        )
    })
}

/// Where, when and how.
pub(super) fn environment(m: &mut Markup<'_>, report: &Report) -> io::Result<()> {
    let (host, run) = (&report.host, &report.run);
    let mut told: Vec<(&'static str, String)> = Vec::new();
    let mut tell = |label, text: &str| {
        if !text.is_empty() {
            told.push((label, text.to_owned()));
        }
    };
    let text = |of: &Option<String>| of.clone().unwrap_or_default();
    tell("host", &text(&host.name));
    tell("kernel", &text(&host.kernel));
    match &report.conditions {
        Some(found) => {
            for (label, fact) in conditions::facts(found) {
                tell(label, &fact);
            }
        }
        // A report of a version that did not look.
        None => {
            tell("clocksource", &text(&host.clocksource));
            tell("virtualisation", &text(&host.virtualisation));
            if let Some(stolen) = report.local_clock.stolen_ns {
                tell("stolen time", &plain(stolen));
            }
        }
    }
    tell("time daemons", &host.time_daemons.join(", "));
    let nics = host.nics.iter().map(|nic| match &nic.driver {
        Some(driver) => format!("{} ({driver})", nic.name),
        None => nic.name.clone(),
    });
    tell("interfaces", &nics.collect::<Vec<_>>().join(", "));
    let clocks = host.ptp_clocks.iter().map(|clock| match &clock.name {
        Some(name) => format!("{} ({name})", clock.device),
        None => clock.device.clone(),
    });
    tell("PTP clocks", &clocks.collect::<Vec<_>>().join(", "));
    for stamping in &run.stamping {
        tell("stamps", &stamped_by(stamping));
    }
    tell(
        "privileges",
        if host.privileged { "user id 0" } else { "none" },
    );
    if let Some(kernel) = &report.local_clock.kernel {
        let by_kernel = format!(
            "{}, off by at most {}, rate {}",
            kernel.leap.name(),
            plain(kernel.max_error_ns),
            signed_ppm(kernel.rate_ppb)
        );
        tell("kernel's clock", &by_kernel);
    }
    tell("boot", &text(&host.boot_id));
    tell("command", &format!("clockfit {}", run.arguments.join(" ")));
    tell("started", &utc(run.started.as_nanos()));
    let ended = match (run.interrupted, run.truncated) {
        (true, _) => ", ended by a signal",
        (_, true) => ", the recording stops before its end",
        _ => "",
    };
    if let Some(lasted) = run.duration_ns {
        tell("duration", &format!("{}{ended}", plain(lasted)));
    } else {
        tell("duration", &format!("not recorded{ended}"));
    }
    tell("run", &run.id);
    tell("seed", &run.seed);
    tell("answers awaited for", &plain(run.timeout_ns));
    tell("drift assumed", &ppm(run.drift_ppb));
    let axis = match run.axis {
        Axis::Counter => "this host's unsteered counter",
        Axis::LocalClock => "this host's clock: it was recorded without a counter",
    };
    tell("instants count on", axis);
    if let Some(imported) = &run.imported {
        tell("recorded by another program", &imported.format);
        tell("what that means", &imported.meaning);
    }
    m.within("section", &[], |m| {
        m.say(
            "h2",
            &[("id", "environment")],
            "Where and how it was measured",
        )?;
        table::facts(m, &told)
    })
}
