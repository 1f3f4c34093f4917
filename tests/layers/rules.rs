//! The rules of the house that a scan of the source text can hold.
//!
//! A rule takes a file and returns what breaks it, each with its line.

use crate::doors::Door;
use crate::source::{Kind, PathUse, Source, Token, lex};

/// The floors, and the rooms on each. A room imports from strictly lower floors only.
pub(crate) const FLOORS: &[(u8, &[&str])] = &[
    (8, &["cli"]),
    (7, &["report"]),
    (6, &["fitness"]),
    (5, &["estimate"]),
    (
        4,
        &["sampler", "server", "sim", "recording", "survey", "audit"],
    ),
    (3, &["association", "responder", "watch"]),
    (2, &["wire", "net"]),
    (1, &["sample"]),
    (0, &["time", "stats"]),
];

/// The one file that may hold `unsafe`.
const UNSAFE_FILE: &str = "src/net/sys.rs";

/// The one file that owns stdout and stderr.
const OUTPUT_FILE: &str = "src/cli/output.rs";

/// Lines of code a file may have; the aim is 400, and this is where a split is due.
const MAX_CODE_LINES: usize = 450;

/// Lines `main.rs` may have, all counted: it is a door, not a room.
const MAX_MAIN_LINES: usize = 60;

/// Words of calls that set or steer a clock, refused inside longer words too
/// (`SYS_clock_settime64`); `adjtime` covers `adjtimex`, `clock_adjtime` and `ntp_adjtime`.
const STEERING: &[&str] = &["clock_settime", "settimeofday", "adjtime", "RTC_SET_TIME"];

/// The one exception, letter for letter: how the kernel is asked about its clock. The call that answers
/// is also the one that steers, and what tells the two apart is `modes`. So this is no pattern that
/// something else might fit: it is the whole function, which takes no argument, and in which nothing
/// stands between the zero and the call. Whoever changes it has to change it here as well.
const KERNEL_CLOCK: &str = "
    pub(super) fn kernel_clock() -> io::Result<(libc::c_int, libc::timex)> {
        let nothing = MaybeUninit::<libc::timex>::zeroed();
        let mut clock = unsafe { nothing.assume_init() };
        clock.modes = 0;
        let state = unsafe { libc::adjtimex(&raw mut clock) };
        if state >= 0 {
            Ok((state, clock))
        } else {
            Err(io::Error::last_os_error())
        }
    }
";

/// `stime(2)` only as a whole word: it is part of honest ones.
const STEERING_WHOLE: &str = "stime";
/// No call but a file: hwclock's notes, by name alone. It says whether real-time clocks keep local
/// time.
const HWCLOCK_FILE: &str = "/etc/adjtime";

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) line: usize,
    pub(crate) what: String,
}

fn breach(line: usize, what: impl Into<String>) -> Breach {
    Breach {
        line,
        what: what.into(),
    }
}

fn floor_of(room: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(_, rooms)| rooms.contains(&room))
        .map(|(floor, _)| *floor)
}

/// The room a path leads to, when it leaves from the crate root: by `crate::` or by enough `super`.
fn room_meant(path: &PathUse) -> Option<&str> {
    let mut segments = path.segments.iter().map(String::as_str).peekable();
    segments.next_if_eq(&"self");
    if segments.next_if_eq(&"crate").is_some() {
        return segments.next();
    }
    let mut climbed = 0;
    while segments.next_if_eq(&"super").is_some() {
        climbed += 1;
    }
    if climbed > 0 && climbed >= path.depth {
        segments.next()
    } else {
        None
    }
}

/// Imports point down, to a strictly lower floor; tests obey the same law.
pub(crate) fn imports_point_down(source: &Source) -> Vec<Breach> {
    let room = source.room();
    if matches!(room, "lib" | "main") {
        return Vec::new();
    }
    let Some(own) = floor_of(room) else {
        return vec![breach(
            1,
            format!("room `{room}` has no floor: add it to FLOORS in tests/layers/rules.rs"),
        )];
    };
    source
        .paths()
        .iter()
        .filter_map(|path| Some((path, room_meant(path)?)))
        .filter(|(_, target)| *target != room)
        .filter_map(|(path, target)| {
            let what = match floor_of(target) {
                None => format!("`{}` names no room of the house", path.segments.join("::")),
                Some(floor) if floor >= own => format!(
                    "`{room}` (floor {own}) imports `{target}` (floor {floor}): a room imports \
                     from lower floors only; join the two on a floor above both"
                ),
                Some(_) => return None,
            };
            Some(breach(path.line, what))
        })
        .collect()
}

/// The simulator serves tests and benches; a measurement never comes from it.
pub(crate) fn simulator_only_in_tests(source: &Source) -> Vec<Breach> {
    let what = "`sim` is for tests and benches: import it under #[cfg(test)] only";
    source
        .paths()
        .iter()
        .filter(|path| source.room() != "sim" && !path.in_test)
        .filter(|path| room_meant(path) == Some("sim"))
        .map(|path| breach(path.line, what))
        .collect()
}

/// `main.rs` hands over to `clockfit::cli` and does nothing else.
pub(crate) fn main_is_a_door(source: &Source, text: &str) -> Vec<Breach> {
    let foreign = source.paths().into_iter().filter_map(|path| {
        let segments: Vec<&str> = path.segments.iter().map(String::as_str).collect();
        let allowed = match segments.as_slice() {
            ["clockfit", rest @ ..] => rest.first() == Some(&"cli"),
            ["crate" | "self" | "super", ..] => false,
            _ => true,
        };
        let what = format!(
            "`{}`: main.rs uses `clockfit::cli` only",
            segments.join("::")
        );
        (!allowed).then(|| breach(path.line, what))
    });
    let modules = words(&source.tokens)
        .filter(|(_, word)| *word == "mod")
        .map(|(line, _)| breach(line, "main.rs has no modules: they live in the library"));
    let lines = text.lines().count();
    let long = (lines >= MAX_MAIN_LINES).then(|| {
        let what = format!("main.rs has {lines} lines, and must stay under {MAX_MAIN_LINES}");
        breach(lines, what)
    });
    foreign.chain(modules).chain(long).collect()
}

/// `unsafe` lives in one file, so that it can be read as a whole.
pub(crate) fn unsafe_in_one_file(source: &Source) -> Vec<Breach> {
    words(&source.tokens)
        .filter(|(_, word)| *word == "unsafe" && source.path != UNSAFE_FILE)
        .map(|(line, _)| breach(line, format!("`unsafe` belongs in {UNSAFE_FILE} alone")))
        .collect()
}

/// A dependency is used only where its comment in `Cargo.toml` says.
pub(crate) fn dependencies_use_their_doors(source: &Source, doors: &[Door]) -> Vec<Breach> {
    source
        .paths()
        .iter()
        .filter_map(|path| {
            let root = path.segments.first()?;
            let door = doors.iter().find(|door| door.name == *root)?;
            (!door.places.admit(source)).then(|| {
                let what = format!(
                    "`{root}` is not for this file: its door in Cargo.toml is {}",
                    door.places
                );
                breach(path.line, what)
            })
        })
        .collect()
}

/// One place owns stdout and stderr.
pub(crate) fn prints_in_one_file(source: &Source) -> Vec<Breach> {
    source
        .tokens
        .windows(2)
        .filter(|pair| pair[1].is_mark('!') && source.path != OUTPUT_FILE)
        .filter_map(|pair| Some((pair[0].line, pair[0].word()?)))
        .filter(|(_, word)| matches!(*word, "print" | "println" | "eprint" | "eprintln" | "dbg"))
        .map(|(line, word)| breach(line, format!("`{word}!`: only {OUTPUT_FILE} prints")))
        .collect()
}

/// A file can be read in one sitting.
pub(crate) fn files_stay_short(source: &Source) -> Vec<Breach> {
    let lines = source.code_lines();
    let what = format!("{lines} lines of code, and {MAX_CODE_LINES} is the most: split the file");
    Vec::from_iter((lines >= MAX_CODE_LINES).then(|| breach(1, what)))
}

/// clockfit only observes: no call that sets or steers a clock is so much as named, strings
/// included. Only [`KERNEL_CLOCK`] may be there, once.
pub(crate) fn no_clock_is_steered(source: &Source) -> Vec<Breach> {
    let excused = kernel_clock(source);
    source
        .tokens
        .iter()
        .enumerate()
        .filter_map(|(index, token)| {
            let text = match &token.kind {
                Kind::Word(text) | Kind::Text(text) => text,
                Kind::Number(_) | Kind::Mark(_) | Kind::Other => return None,
            };
            let word = steering_word(text).filter(|_| !excused.contains(&index))?;
            let what = format!("`{word}`: no code path may set, step or slew a clock");
            Some(breach(token.line, what))
        })
        .collect()
}

/// Where the first [`KERNEL_CLOCK`] of a file stands, if the file may hold it.
fn kernel_clock(source: &Source) -> std::ops::Range<usize> {
    let wanted = lex(KERNEL_CLOCK);
    let found = source.tokens.windows(wanted.len()).position(|window| {
        let alike = |(a, b): (&Token, &Token)| a.kind == b.kind;
        window.iter().zip(&wanted).all(alike)
    });
    match found {
        Some(start) if source.path == UNSAFE_FILE => start..start + wanted.len(),
        _ => 0..0,
    }
}

fn steering_word(text: &str) -> Option<&'static str> {
    if text == HWCLOCK_FILE {
        return None;
    }
    let is_part_of_word = |c: char| c == '_' || c.is_alphanumeric();
    let whole = text
        .split(|c| !is_part_of_word(c))
        .any(|word| word == STEERING_WHOLE);
    let inside = STEERING.iter().find(|word| text.contains(**word)).copied();
    inside.or(whole.then_some(STEERING_WHOLE))
}

fn words(tokens: &[Token]) -> impl Iterator<Item = (usize, &str)> {
    tokens
        .iter()
        .filter_map(|token| Some((token.line, token.word()?)))
}
