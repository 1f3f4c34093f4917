//! The rules of the house, held against the source text of `src/` (see `CONTRIBUTING.md`).
//!
//! Each rule has a test here over the whole tree, and tests in `layers/snippets.rs` that show it
//! catching a breach. A failure names every breach as `file:line: what to do`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test reports by panicking, and its helpers are part of it"
)]

use std::fs;
use std::path::{Path, PathBuf};

use rules::Breach;
use source::Source;

#[path = "layers/doors.rs"]
mod doors;
#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/snippets.rs"]
mod snippets;
#[path = "layers/source.rs"]
mod source;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(project().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file below a folder of the project, as a path from the project's root.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a folder lists its entries").path());
    let mut files = Vec::new();
    for path in entries {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn tree() -> Vec<Source> {
    let files = rust_files(&project().join("src"));
    assert!(
        files.len() >= 10,
        "src/ was not found: {} files",
        files.len()
    );
    files
        .iter()
        .map(|file| {
            let below = file
                .strip_prefix(project())
                .expect("src/ is in the project");
            let name = below.to_str().expect("names in src/ are UTF-8");
            Source::new(name, &read(name))
        })
        .collect()
}

fn hold(rule: impl Fn(&Source) -> Vec<Breach>) {
    let mut breaches: Vec<String> = tree()
        .iter()
        .flat_map(|source| {
            rule(source)
                .into_iter()
                .map(|Breach { line, what }| format!("{}:{line}: {what}", source.path))
        })
        .collect();
    // One use tree can break a rule with every leaf of it.
    breaches.dedup();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn imports_point_down() {
    hold(rules::imports_point_down);
}

#[test]
fn the_simulator_is_imported_in_tests_only() {
    hold(rules::simulator_only_in_tests);
}

#[test]
fn main_only_calls_the_command_line() {
    let text = read("src/main.rs");
    hold(|source| match source.path.as_str() {
        "src/main.rs" => rules::main_is_a_door(source, &text),
        _ => Vec::new(),
    });
}

#[test]
fn unsafe_stays_in_one_file() {
    hold(rules::unsafe_in_one_file);
}

#[test]
fn dependencies_are_used_through_their_doors() {
    let doors = doors::read(&read("Cargo.toml")).unwrap_or_else(|what| panic!("{what}"));
    assert!(!doors.is_empty(), "Cargo.toml lists dependencies");
    hold(|source| rules::dependencies_use_their_doors(source, &doors));
}

#[test]
fn one_file_prints() {
    hold(rules::prints_in_one_file);
}

#[test]
fn files_stay_short() {
    hold(rules::files_stay_short);
}

#[test]
fn no_clock_is_steered() {
    hold(rules::no_clock_is_steered);
}

/// The sentence about floors in the crate's documentation is what people read first.
#[test]
fn the_crate_documentation_shows_the_same_floors() {
    let lib = read("src/lib.rs");
    let shown: Vec<&str> = lib
        .lines()
        .filter(|line| line.starts_with("//! | "))
        .collect();
    for (floor, rooms) in rules::FLOORS {
        let row = shown
            .iter()
            .find(|row| row.starts_with(&format!("//! | {floor} |")));
        for room in *rooms {
            let declared = lib.contains(&format!("pub mod {room};"));
            let in_row = row.is_some_and(|row| row.contains(&format!("[`{room}`]")));
            assert_eq!(
                declared, in_row,
                "src/lib.rs: the row of floor {floor} and `{room}`"
            );
        }
    }
}
