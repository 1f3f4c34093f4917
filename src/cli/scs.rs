//! `clockfit scs`: answers the test cases of a conformance suite.

use anyhow::Context;

use super::args::ScsArgs;
use super::run::{self, Recording};
use super::{Exit, catalogue, check, output, provider, surveyed};
use crate::estimate;
use crate::fitness::{self, Catalogue, Surveyed};
use crate::report::{ScsReport, write_scs};
use crate::sample::Campaign;

/// Measures, or reads a recording, and answers.
pub(super) fn run(args: ScsArgs) -> anyhow::Result<Exit> {
    if args.list {
        output::write(|out| {
            fitness::testcases()
                .iter()
                .try_for_each(|id| writeln!(out, "{id}"))
        })
        .context("the list could not be written")?;
        return Ok(Exit::Measured);
    }
    let ids = fitness::read_testcases(&args.testcases).context("--testcases")?;
    let catalogue = catalogue::load(&args.catalogue)?;
    let plan = check::plan(args.run.analysis);
    if let Some(file) = &args.replay {
        return answer(&check::read(file)?, &plan, &catalogue, (None, &ids));
    }
    let surveyed = surveyed::host();
    let mut ready = check::prepare(&args.sources, &args.run)?;
    if ids.iter().any(|id| id == fitness::NEEDS_BURST) {
        provider::put_bursts_after(&mut ready, &args.run, provider::BURST_RATE);
    }
    let recording = Recording::of(args.run.output, args.run.force);
    let measured = run::conduct(ready, &recording)?;
    let exit = answer(
        &measured.campaign,
        &plan,
        &catalogue,
        (surveyed.as_ref(), &ids),
    )?;
    Ok(measured.unless_incomplete(exit))
}

fn answer(
    campaign: &Campaign,
    plan: &estimate::Plan,
    catalogue: &Catalogue,
    (surveyed, ids): (Option<&Surveyed>, &[String]),
) -> anyhow::Result<Exit> {
    let assessment = estimate::analyse(campaign, plan);
    let conformance = fitness::conform(campaign, &assessment, catalogue, surveyed, ids)?;
    let report = ScsReport::new(campaign, &conformance);
    output::write(|mut out| write_scs(&report, &mut out))
        .context("the answers could not be written")?;
    Ok(Exit::Measured)
}
