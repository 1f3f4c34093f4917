//! From what a run told to what is printed: the one path that a run and its replay share.

use super::args::Format;
use super::{Exit, output};
use crate::sample::Campaign;

pub(super) fn report(campaign: &Campaign, _format: Format) -> anyhow::Result<Exit> {
    let mut ok = false;
    for s in &campaign.sources {
        let mut o: Vec<i64> = s
            .samples
            .iter()
            .map(|x| x.exchange.offset().as_nanos())
            .collect();
        let mut a: Vec<i64> = o.iter().map(|x| x.abs()).collect();
        o.sort_unstable();
        a.sort_unstable();
        ok |= !o.is_empty();
        let q = |v: &Vec<i64>, p: usize| {
            v.get((v.len() * p / 1000).min(v.len().saturating_sub(1)))
                .copied()
        };
        let mut classes = std::collections::BTreeMap::new();
        for x in &s.samples {
            *classes.entry(x.class().to_string()).or_insert(0) += 1;
        }
        output::write(|w| {
            writeln!(
                w,
                "{} sent {} valid {} p50 {:?} |p99| {:?} max {:?} {:?} {:?} {:?} {:?}",
                s.info,
                s.sent(),
                o.len(),
                q(&o, 500),
                q(&a, 990),
                a.last(),
                classes,
                s.lost,
                s.rejected,
                s.stamp_faults
            )
        })?;
    }
    Ok(if ok { Exit::Measured } else { Exit::Failed })
}
