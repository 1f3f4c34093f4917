//! Standard output that ends early or is full, and text from outside that reaches it.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use clockfit::sample::ReferenceId;

use crate::support::{Fake, analyse, clockfit, measure, shell};

#[test]
fn a_reader_that_goes_is_no_error() {
    for format in ["text", "json"] {
        let ended = shell(&format!(
            "{{ \"$CLOCKFIT\" measure -d 300ms -i 10ms -f {format}; echo \"code $?\" >&2; }} \
             | head -n 1"
        ));
        assert_eq!(ended.code, 0);
        assert_eq!(ended.stdout.lines().count(), 1);
        assert_eq!(ended.stderr, "code 0\n");
    }
    // A reader that was never there.
    let ended = shell("{ sleep 1; \"$CLOCKFIT\" --help; echo \"code $?\" >&2; } | true");
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn a_full_standard_output_is_said() {
    for format in ["text", "json"] {
        let ended = shell(&format!(
            "exec \"$CLOCKFIT\" measure -d 300ms -i 10ms -f {format} >/dev/full"
        ));
        ended.refused(&["error: the report could not be written", "No space left"]);
    }
    shell("exec \"$CLOCKFIT\" measure -d 300ms -i 10ms 2>/dev/full").json_free();
    shell("exec \"$CLOCKFIT\" measure 127.0.0.1:0 >&- 2>&-").silent(2);
}

impl crate::support::Ended {
    /// Measured, with a text report and nothing on standard error.
    fn json_free(&self) {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""));
        assert!(self.stdout.starts_with("No source"));
    }

    fn silent(&self, code: i32) {
        assert_eq!(self.code, code);
        assert_eq!((self.stdout.as_str(), self.stderr.as_str()), ("", ""));
    }
}

#[test]
fn a_reference_id_from_hell_stays_text() {
    // ESC c resets a terminal, and CSI begins its commands. Ended::new fails on an escape.
    for id in [*b"\x1bc\x1b[", *b"\x9b31m", *b"\r\n\x07\x08", [0xff; 4]] {
        for stratum in [1, 2] {
            let fake = Fake::new(move |asked| {
                asked.answer(|h| {
                    h.stratum = stratum;
                    h.reference_id = ReferenceId(id);
                });
            });
            let run = measure(&[&fake.name(), "-n", "2", "-i", "10ms"]);
            assert_eq!(run.ended.code, 0);
            let text = analyse(&run.recording, "text").stdout;
            printable(&text);
            printable(&run.source()["server"]["refid"].to_string());
        }
    }
}

fn printable(text: &str) {
    let odd = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(odd, None, "{text:?}");
}

#[test]
fn a_recording_from_hell_steers_no_terminal() {
    let fake = Fake::honest();
    let run = measure(&[&fake.name(), "-n", "2", "-i", "10ms"]);
    let honest = fs::read_to_string(&run.recording).unwrap();
    let evil = r#"\u001b[31m\u009b2J\u0007\r\u202e"#;
    let mut lines: Vec<String> = honest.lines().map(str::to_owned).collect();
    lines[0] = lines[0]
        .replace(r#""tool":""#, &format!(r#""tool":"{evil}"#))
        .replace(r#""run_id":""#, &format!(r#""run_id":"{evil}"#))
        .replace(r#""measure""#, &format!(r#""{evil}""#))
        .replace(r#""kernel":""#, &format!(r#""kernel":"{evil}"#))
        .replace(r#""host":""#, &format!(r#""host":"{evil}"#));
    lines[1] = lines[1]
        .replace(r#""source":""#, &format!(r#""source":"{evil}"#))
        .replace(r#""address":""#, &format!(r#""address":"{evil}"#));
    lines.push(format!(r#"{{"k":"{evil}"}}"#));
    lines.push(format!(
        r#"{{"k":"note","s":0,"m":1,"note":"unreachable","error":"{evil}"}}"#
    ));
    lines.push(format!(r#"{{"k":"note","m":1,"note":"{evil}"}}"#));
    lines.push(format!(r#"{{"k":"rej","s":0,"m":1,"why":"{evil}","n":1}}"#));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evil\u{1b}[31m.jsonl");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    for format in ["text", "json"] {
        let ended = analyse(&file, format);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stdout.contains("\\u{1b}") || ended.stdout.contains("u{1b}"));
        printable(&ended.stdout);
        printable(&ended.stderr);
        assert!(!ended.stdout.contains('\u{202e}') && !ended.stderr.contains('\u{202e}'));
    }
}

#[test]
fn a_name_from_hell_is_refused_in_printable_words() {
    let name = std::ffi::OsStr::from_bytes(b"\x1b[2Jntp.invalid");
    let ended = clockfit([std::ffi::OsStr::new("measure"), name]);
    assert_eq!(ended.code, 2);
    printable(&ended.stderr);
}
