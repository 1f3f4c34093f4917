//! `clockfit services`: what services ask of clocks, as a table or each in full.

use anyhow::{Context, bail};

use super::args::{Format, ServicesArgs};
use super::{Exit, TOOL, catalogue, output};
use crate::fitness::{Catalogue, Grade, Service};
use crate::report::text;
use crate::report::{ServicesReport, json};

/// What was asked for.
struct Asked<'a> {
    services: Vec<&'a Service>,
    grades: Vec<&'a Grade>,
    /// Whether they were asked for by name, so that each is told in full.
    by_name: bool,
}

/// Finds and tells.
pub(super) fn run(args: &ServicesArgs) -> anyhow::Result<Exit> {
    let catalogue = catalogue::load(&args.catalogue)?;
    let asked = find(&catalogue, &args.words)?;
    let report = ServicesReport::of(TOOL, &catalogue, &asked.services, &asked.grades);
    let in_full = asked.by_name || asked.services.len() + asked.grades.len() == 1;
    output::write(|mut out| match args.format {
        Format::Json => json::write_services(&report, &mut out),
        Format::Text if in_full => text::write_explained(&report, output::style(), &mut out),
        Format::Text => text::write_services(&report, output::style(), &mut out),
    })
    .context("the catalogue could not be written")?;
    Ok(Exit::Measured)
}

/// Names as long as all are, else words to search for.
fn find<'a>(catalogue: &'a Catalogue, words: &[String]) -> anyhow::Result<Asked<'a>> {
    if words.is_empty() {
        return Ok(Asked {
            services: catalogue.services().iter().collect(),
            grades: catalogue.grades().iter().collect(),
            by_name: false,
        });
    }
    if let Some(named) = named(catalogue, words) {
        return Ok(named);
    }
    let services = catalogue.search(words);
    if services.is_empty() {
        match words {
            [word] => {
                let Err(unknown) = catalogue.services_named(word) else {
                    bail!("no service is found");
                };
                bail!("{unknown}; clockfit services lists them all");
            }
            words => bail!(
                "no service has all of these words: {}; clockfit services lists them all",
                words.join(", ")
            ),
        }
    }
    Ok(Asked {
        services,
        grades: Vec::new(),
        by_name: false,
    })
}

fn named<'a>(catalogue: &'a Catalogue, words: &[String]) -> Option<Asked<'a>> {
    let mut asked = Asked {
        services: Vec::new(),
        grades: Vec::new(),
        by_name: true,
    };
    for word in words {
        match (catalogue.grade(word), catalogue.services_named(word)) {
            (Ok(grade), _) => asked.grades.push(grade),
            (_, Ok(services)) => asked.services.extend(services),
            _ => return None,
        }
    }
    Some(asked)
}
