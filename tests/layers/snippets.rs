//! Each rule caught in the act: a snippet that breaks it, and one that only looks as if.

use crate::doors::{self, Door, Places};
use crate::rules::{self, Breach};
use crate::source::{Kind, Source, lex};

fn lines(breaches: &[Breach]) -> Vec<usize> {
    breaches.iter().map(|breach| breach.line).collect()
}

fn imports(path: &str, text: &str) -> Vec<usize> {
    lines(&rules::imports_point_down(&Source::new(path, text)))
}

fn words_of(text: &str) -> Vec<String> {
    lex(text)
        .into_iter()
        .filter_map(|token| match token.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        })
        .collect()
}

#[test]
fn comments_hold_no_code() {
    let text = "a // unsafe\n/* unsafe /* nested */ unsafe */ b /*/ unsafe */ c /** unsafe **/ d";
    assert_eq!(words_of(text), ["a", "b", "c", "d"]);
}

#[test]
fn strings_hold_no_code() {
    let text =
        r####"a "unsafe \" unsafe" b r#"unsafe " unsafe"# b"unsafe" br"\" c c"unsafe" r#type"####;
    assert_eq!(words_of(text), ["a", "b", "c", "type"]);
}

#[test]
fn quotes_of_characters_and_lifetimes_are_told_apart() {
    let text = r#"'"' a '\'' b b'"' <'x> c '\u{7f}' d '\\' e"#;
    assert_eq!(words_of(text), ["a", "b", "c", "d", "e"]);
}

#[test]
fn lines_are_counted_through_comments_and_strings() {
    let tokens = lex("/* 1\n2 */\n\"3\n4\" five");
    assert_eq!(tokens[0].line, 3);
    assert_eq!(tokens[1].line, 4);
}

#[test]
fn an_import_from_a_higher_floor_is_caught() {
    assert_eq!(
        imports("src/wire/header.rs", "\nuse crate::report::Report;"),
        [2]
    );
    assert_eq!(
        imports("src/report/text.rs", "use crate::wire::Header;"),
        []
    );
}

#[test]
fn an_import_from_the_same_floor_is_caught() {
    assert_eq!(imports("src/time/mod.rs", "use crate::stats::hull;"), [1]);
    assert_eq!(
        imports("src/stats/hull.rs", "use crate::time::Interval;"),
        [1]
    );
    assert_eq!(imports("src/wire/mod.rs", "use crate::wire::Header;"), []);
}

#[test]
fn each_leaf_of_a_use_tree_is_seen() {
    let text =
        "use crate::{\n    time::{Interval, Timestamp},\n    cli::{self, args as a},\n    net,\n};";
    assert_eq!(imports("src/association/mod.rs", text), [3, 3]);
}

#[test]
fn an_inline_path_is_seen() {
    let text = "fn f(x: crate::time::Interval) {\n    let y = crate::cli::run::<u8>(x);\n}";
    assert_eq!(imports("src/net/mod.rs", text), [2]);
    assert_eq!(
        imports(
            "src/net/mod.rs",
            "macro_rules! m { () => { $crate::cli::x() } }"
        ),
        [1]
    );
}

#[test]
fn climbing_out_of_a_room_is_the_same_as_naming_the_crate() {
    assert_eq!(imports("src/time/mod.rs", "use super::stats::hull;"), [1]);
    assert_eq!(
        imports("src/time/delta.rs", "use super::super::stats::hull;"),
        [1]
    );
    assert_eq!(imports("src/time/delta.rs", "use super::stats;"), []);
    let inside = "mod inner {\n    use super::super::cli::run;\n}\nuse super::cli::run;";
    assert_eq!(imports("src/time/mod.rs", inside), [2, 4]);
    assert_eq!(
        imports("src/time/mod.rs", "mod tests { use super::*; }"),
        []
    );
}

#[test]
fn tests_obey_the_law_of_their_room() {
    let text = "#[cfg(test)]\nmod tests {\n    use crate::sim::Path;\n}";
    assert_eq!(imports("src/association/client.rs", text), [3]);
}

#[test]
fn a_room_without_a_floor_is_caught() {
    assert_eq!(imports("src/attic/mod.rs", ""), [1]);
    assert_eq!(imports("src/cli/mod.rs", "use crate::attic::Trunk;"), [1]);
    assert_eq!(imports("src/cli/mod.rs", "use crate::*;"), [1]);
    assert_eq!(
        imports(
            "src/cli/mod.rs",
            "pub(crate) struct A; pub(in crate::cli) fn f() {}"
        ),
        []
    );
}

#[test]
fn the_simulator_is_caught_outside_tests() {
    let text = "use crate::sim::Path;\n#[cfg(test)]\nmod tests {\n    use crate::sim::Path;\n}";
    let found = rules::simulator_only_in_tests(&Source::new("src/estimate/mod.rs", text));
    assert_eq!(lines(&found), [1]);
    let in_tests = Source::new("src/estimate/tests.rs", "use crate::sim::Path;");
    assert_eq!(rules::simulator_only_in_tests(&in_tests), []);
}

#[test]
fn main_with_more_than_one_errand_is_caught() {
    let check = |text: &str| {
        lines(&rules::main_is_a_door(
            &Source::new("src/main.rs", text),
            text,
        ))
    };
    assert_eq!(
        check("fn main() -> ExitCode {\n    clockfit::cli::main()\n}"),
        []
    );
    assert_eq!(check("use clockfit::{cli, net};"), [1]);
    assert_eq!(check("mod helper;"), [1]);
    assert_eq!(check(&"\n".repeat(60)), [60]);
    assert_eq!(check(&"\n".repeat(59)), []);
}

#[test]
fn unsafe_outside_its_file_is_caught() {
    let text = "// unsafe\nlet x = \"unsafe\";\nunsafe { f() }";
    let check = |path| lines(&rules::unsafe_in_one_file(&Source::new(path, text)));
    assert_eq!(check("src/net/socket.rs"), [3]);
    assert_eq!(check("src/net/sys.rs"), []);
}

#[test]
fn doors_are_read_from_the_manifest() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n\
        # src/a, src/b.rs: because.\n# more: words\none-two = \"1\"\nthree = { version = \"1\" }\n\
        # every floor: e.\nfour = \"1\"\n# every floor but src/c: e.\nfive = \"1\"\n\
        [dev-dependencies]\n# no door\nsix = \"1\"\n";
    let only = Places::Only(vec!["src/a".to_owned(), "src/b.rs".to_owned()]);
    let but = Places::EverywhereBut(vec!["src/c".to_owned()]);
    let door = |name: &str, places| Door {
        name: name.to_owned(),
        places,
    };
    let expected = vec![
        door("one_two", only.clone()),
        door("three", only),
        door("four", Places::EverywhereBut(Vec::new())),
        door("five", but),
    ];
    assert_eq!(doors::read(manifest), Ok(expected));
}

#[test]
fn a_dependency_without_a_door_is_caught() {
    assert!(doors::read("[dependencies]\nx = \"1\"").is_err_and(|what| what.contains(":2: x")));
    assert!(doors::read("[dependencies]\n# for speed\nx = \"1\"").is_err());
    assert!(doors::read("# src/a: r\n[dependencies]\nx = \"1\"").is_err());
}

#[test]
fn a_dependency_outside_its_door_is_caught() {
    let manifest = "[dependencies]\n# src/net: e\nlibc = \"0\"\n# src/stats/histogram.rs: e\n\
        hdrhistogram = \"7\"\n# every floor but src/wire: e\nserde = \"1\"\n";
    let doors = doors::read(manifest).expect("three doors");
    let check = |path: &str, text: &str| {
        lines(&rules::dependencies_use_their_doors(
            &Source::new(path, text),
            &doors,
        ))
    };
    assert_eq!(check("src/cli/mod.rs", "use libc::c_int;"), [1]);
    assert_eq!(check("src/cli/mod.rs", "use libc;"), [1]);
    assert_eq!(check("src/cli/mod.rs", "use ::libc as c;"), [1]);
    assert_eq!(check("src/cli/mod.rs", "use {std::fmt, libc};"), [1]);
    assert_eq!(check("src/cli/mod.rs", "type T = ::libc::c_int;"), [1]);
    assert_eq!(check("src/network.rs", "use libc::c_int;"), [1]);
    assert_eq!(check("src/net/sys.rs", "use libc::c_int;"), []);
    assert_eq!(
        check("src/stats/hull.rs", "use hdrhistogram::Histogram;"),
        [1]
    );
    assert_eq!(
        check("src/stats/histogram.rs", "use hdrhistogram::Histogram;"),
        []
    );
    assert_eq!(
        check("src/wire/mod.rs", "#[derive(serde::Serialize)] struct S;"),
        [1]
    );
    assert_eq!(
        check("src/time/mod.rs", "#[derive(serde::Serialize)] struct S;"),
        []
    );
    assert_eq!(
        check("src/cli/mod.rs", "// use libc::c_int;\nlet libc = 1;"),
        []
    );
}

#[test]
fn a_print_outside_its_file_is_caught() {
    let text =
        "println!(\"a\");\neprint!(\"b\");\nwriteln!(out, \"println!\");\nprint(1);\ndbg!(x);";
    let check = |path| lines(&rules::prints_in_one_file(&Source::new(path, text)));
    assert_eq!(check("src/report/text.rs"), [1, 2, 5]);
    assert_eq!(check("src/cli/output.rs"), []);
}

#[test]
fn a_long_file_is_caught_and_its_tests_are_free() {
    let code = |n| "let x = 1;\n// why\n\n".repeat(n);
    let check = |text: &str| rules::files_stay_short(&Source::new("src/wire/mod.rs", text)).len();
    assert_eq!(check(&code(449)), 0);
    assert_eq!(check(&code(450)), 1);
    let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}", code(449), code(100));
    assert_eq!(check(&tested), 0);
    let behind = format!("#[cfg(test)]\nuse a::b;\n{}", code(450));
    assert_eq!(check(&behind), 1, "code behind a test item counts");
    let text = format!("let x = \"{}\";", "\n".repeat(449));
    assert_eq!(check(&text), 1, "a string of many lines counts as lines");
}

#[test]
fn steering_is_caught_by_any_of_its_names() {
    let check = |text: &str| {
        let source = Source::new("src/net/clock.rs", text);
        lines(&rules::no_clock_is_steered(&source))
    };
    for word in [
        "clock_settime",
        "settimeofday",
        "adjtimex",
        "clock_adjtime",
        "ntp_adjtime",
        "stime",
        "SYS_clock_settime64",
        "RTC_SET_TIME",
    ] {
        assert_eq!(check(&format!("\n{word}(x);")), [2], "{word}");
        assert_eq!(check(&format!("dlsym(\"{word}\");")), [1], "{word}");
        assert_eq!(check(&format!("// {word}")), [], "{word}");
    }
    assert_eq!(check("let utime_and_stime = timestimes;"), []);
    assert_eq!(check("open(\"/etc/adjtime\");"), [], "a file's name");
    for near in [
        "/etc/adjtimex",
        "/etc/adjtime adjtimex",
        "adjtime",
        "/usr/etc/adjtime",
    ] {
        assert_eq!(check(&format!("open(\"{near}\");")), [1], "{near}");
    }
}

/// A file with just the one function that may ask the kernel about its clock.
const ASKING: &str = "
#[cfg(all(target_os = \"linux\", not(clockfit_portable)))]
pub(super) fn kernel_clock() -> io::Result<(libc::c_int, libc::timex)> {
    let nothing = MaybeUninit::<libc::timex>::zeroed();
    // SAFETY: why
    let mut clock = unsafe { nothing.assume_init() };
    clock.modes = 0;
    let state = unsafe { libc::adjtimex(&raw mut clock) };
    if state >= 0 { Ok((state, clock)) } else { Err(io::Error::last_os_error()) }
}
";

fn steers(path: &str, text: &str) -> Vec<usize> {
    lines(&rules::no_clock_is_steered(&Source::new(path, text)))
}

#[test]
fn the_kernel_may_be_asked_about_its_clock_in_one_function() {
    assert_eq!(steers("src/net/sys.rs", ASKING), []);
    assert_eq!(steers("src/net/clock.rs", ASKING), [8]);
    assert_eq!(steers("src/net/sys/tests.rs", ASKING), [8]);
}

#[test]
fn asking_the_kernel_in_any_other_way_is_caught() {
    for (from, to) in [
        ("modes = 0", "modes = 1"),
        ("modes = 0", "modes = 0x8000"),
        ("modes = 0", "modes = MODES"),
        ("modes = 0", "modes = 0 | 2"),
        ("clock.modes = 0;", ""),
        ("clock.modes = 0;", "clock.modes = 0; clock.modes = 2;"),
        ("clock.modes = 0;", "clock.modes = 0; clock.freq = 1;"),
        ("kernel_clock()", "kernel_clock(modes: u32)"),
        ("pub(super)", "pub"),
        ("let state", "let other = clock; let state"),
        ("libc::adjtimex(", "libc::clock_adjtime(0, "),
    ] {
        let changed = ASKING.replacen(from, to, 1);
        assert_ne!(changed, ASKING, "{from}");
        assert_eq!(steers("src/net/sys.rs", &changed), [8], "{to}");
    }
}

#[test]
fn a_second_question_is_caught() {
    let again = format!("{ASKING}{ASKING}");
    assert_eq!(steers("src/net/sys.rs", &again), [18]);
    let beside = format!("{ASKING}fn f(x: *mut libc::timex) {{ libc::adjtimex(x); }}");
    assert_eq!(steers("src/net/sys.rs", &beside), [11]);
    let named = format!("{ASKING}const NAME: &str = \"adjtimex\";");
    assert_eq!(steers("src/net/sys.rs", &named), [11]);
}
