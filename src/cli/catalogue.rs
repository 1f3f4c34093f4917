//! The catalogue that a command goes by: the program's, a site's profiles, and its settings.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use super::args::CatalogueArgs;
use crate::fitness::Catalogue;

/// No profile that somebody wrote is longer; what is, is another file.
const LONGEST_PROFILE: u64 = 1 << 20;

/// All of it, or the reason why some of it cannot be used.
pub(super) fn load(args: &CatalogueArgs) -> anyhow::Result<Catalogue> {
    let mut catalogue = Catalogue::builtin();
    for path in &args.profile {
        catalogue.add_profile(&path.display().to_string(), &read(path)?)?;
    }
    for set in &args.set {
        catalogue.set(set).context("--set")?;
    }
    Ok(catalogue)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("{name} cannot be opened"))?;
    let mut text = Vec::new();
    file.take(LONGEST_PROFILE + 1)
        .read_to_end(&mut text)
        .with_context(|| format!("{name} cannot be read"))?;
    if u64::try_from(text.len()).is_ok_and(|len| len > LONGEST_PROFILE) {
        bail!("{name} is no profile: it is longer than {LONGEST_PROFILE} bytes");
    }
    String::from_utf8(text).with_context(|| format!("{name} is no profile: it is not UTF-8"))
}
