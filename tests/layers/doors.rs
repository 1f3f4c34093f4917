//! The dependency doors, read from the comments in `Cargo.toml`.

use std::fmt;

use crate::source::Source;

/// Where one dependency may be used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Door {
    /// The crate as code names it, with `_` for `-`.
    pub(crate) name: String,
    pub(crate) places: Places,
}

/// The places a door opens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// Only these folders and files.
    Only(Vec<String>),
    /// All of `src/` but these.
    EverywhereBut(Vec<String>),
}

impl Places {
    /// Whether a file lies behind the door.
    pub(crate) fn admit(&self, source: &Source) -> bool {
        match self {
            Places::Only(places) => places.iter().any(|place| source.is_in(place)),
            Places::EverywhereBut(places) => !places.iter().any(|place| source.is_in(place)),
        }
    }
}

impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Places::Only(places) => f.write_str(&places.join(", ")),
            Places::EverywhereBut(places) => {
                write!(f, "every floor but {}", places.join(", "))
            }
        }
    }
}

/// Reads the doors of `[dependencies]`.
///
/// A door is the first comment line above a dependency, up to its colon: `src/a, src/b.rs: why`,
/// `every floor: why` or `every floor but src/a: why`. A dependency without a comment of its own
/// shares the one above it.
///
/// # Errors
///
/// The line and what is wrong with it, when a dependency has no door or one in no such form.
pub(crate) fn read(manifest: &str) -> Result<Vec<Door>, String> {
    let mut doors = Vec::new();
    let mut in_section = false;
    let mut comment: Option<&str> = None;
    let mut comment_is_open = false;
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            in_section = line == "[dependencies]" || line.ends_with(".dependencies]");
            comment = None;
        } else if let Some(text) = line.strip_prefix('#') {
            if !comment_is_open {
                comment = Some(text.trim());
            }
        } else if let Some((name, _)) = line.split_once('=').filter(|_| in_section) {
            let name = name.trim();
            let at = format!("Cargo.toml:{}: {name}", index + 1);
            let text =
                comment.ok_or_else(|| format!("{at}: no comment says which folder uses it"))?;
            let places = parse_places(text).ok_or_else(|| {
                format!(
                    "{at}: the comment above is no door: write \"src/folder: why\", not {text:?}"
                )
            })?;
            doors.push(Door {
                name: name.replace('-', "_"),
                places,
            });
        }
        comment_is_open = line.starts_with('#');
    }
    Ok(doors)
}

fn parse_places(comment: &str) -> Option<Places> {
    let (door, _why) = comment.split_once(": ")?;
    match door.strip_prefix("every floor") {
        Some("") => Some(Places::EverywhereBut(Vec::new())),
        Some(rest) => parse_list(rest.strip_prefix(" but ")?).map(Places::EverywhereBut),
        None => parse_list(door).map(Places::Only),
    }
}

fn parse_list(list: &str) -> Option<Vec<String>> {
    let place = |name: &str| {
        name.trim()
            .starts_with("src/")
            .then(|| name.trim().to_owned())
    };
    list.split(',').map(place).collect()
}
