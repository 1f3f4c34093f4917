//! Which runs count, and what of BASE is compared with what of NEW.

use std::collections::{BTreeMap, BTreeSet};

use super::difference::{About, Difference};
use super::question::{CannotCompare, Pair, Question};
use super::run::Run;
use crate::time::Timestamp;

pub(super) fn each_once(base: &[Run], new: &[Run]) -> Result<(), CannotCompare> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    let mut unnamed: BTreeMap<Timestamp, Vec<&Run>> = BTreeMap::new();
    for run in base.iter().chain(new) {
        let Some(id) = &run.id else {
            let others = unnamed.entry(run.started).or_default();
            if let Some(first) = others.iter().find(|other| other.sources == run.sources) {
                return Err(CannotCompare::Alike {
                    first: first.name.clone(),
                    second: run.name.clone(),
                });
            }
            others.push(run);
            continue;
        };
        if let Some(first) = seen.insert(id, &run.name) {
            return Err(CannotCompare::Twice {
                id: id.clone(),
                first: first.to_owned(),
                second: run.name.clone(),
            });
        }
    }
    Ok(())
}

fn names(runs: &[Run]) -> BTreeSet<&String> {
    runs.iter().flat_map(|run| run.sources.keys()).collect()
}

fn owned(names: BTreeSet<&String>) -> Vec<String> {
    names.into_iter().cloned().collect()
}

/// What is compared with what, each once.
pub(super) fn pairs(
    base: &[Run],
    new: &[Run],
    question: &Question,
) -> Result<BTreeSet<Pair>, CannotCompare> {
    let (of_base, of_new) = (names(base), names(new));
    if question.pairs.is_empty() {
        let common: BTreeSet<Pair> = of_base
            .intersection(&of_new)
            .map(|name| Pair {
                base: (*name).clone(),
                new: (*name).clone(),
            })
            .collect();
        return match common.is_empty() {
            true => Err(CannotCompare::NothingInCommon {
                base: owned(of_base),
                new: owned(of_new),
            }),
            false => Ok(common),
        };
    }
    for pair in &question.pairs {
        for (side, name, has) in [("BASE", &pair.base, &of_base), ("NEW", &pair.new, &of_new)] {
            if !has.contains(name) {
                return Err(CannotCompare::NoSuchSource {
                    side,
                    name: name.clone(),
                    has: owned(has.clone()),
                });
            }
        }
    }
    Ok(question.pairs.iter().cloned().collect())
}

/// Sources that old runs asked and new ones did not, where nobody said which to compare.
pub(super) fn missing(base: &[Run], new: &[Run], question: &Question) -> Vec<String> {
    match question.pairs.is_empty() {
        true => owned(names(base).difference(&names(new)).copied().collect()),
        false => Vec::new(),
    }
}

/// Sources that only one side asked, where nobody said which to compare.
pub(super) fn one_sided(base: &[Run], new: &[Run], question: &Question) -> Option<Difference> {
    let (of_base, of_new) = (names(base), names(new));
    let only = |these: &BTreeSet<&String>, others: &BTreeSet<&String>| {
        owned(these.difference(others).copied().collect())
    };
    (question.pairs.is_empty() && of_base != of_new).then(|| Difference {
        about: About::Source,
        source: None,
        base: only(&of_base, &of_new),
        new: only(&of_new, &of_base),
    })
}
