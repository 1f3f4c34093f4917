//! Any bytes as what a metadata service answers, and as a text for cloud-init: no panic; an answer of HTTP that is whole
//! is the same whatever comes after it, its body is bounded, and what was waited for is found when the rest comes; what a
//! text names is a bounded number of names that stand where it says.

#![no_main]

use clockfit::net::http::{Answer, MOST_BODY};
use clockfit::survey::cloud_config;
use libfuzzer_sys::fuzz_target;

/// Servers of one text that are told.
const MOST: usize = 256;

fuzz_target!(|input: (usize, &[u8])| {
    let (cut, bytes) = input;
    let whole = Answer::read(bytes, true);
    if let Ok(Some(answer)) = &whole {
        assert!((100..1_000).contains(&answer.status));
        assert!(answer.body.len() <= MOST_BODY.min(bytes.len()));
    }
    // Only what goes on to the end of the connection has none of its own.
    let part = &bytes[..cut.min(bytes.len())];
    if let (Ok(Some(early)), Ok(Some(late))) = (Answer::read(part, false), &whole) {
        assert_eq!(early, *late);
    }
    assert!(!matches!(whole, Ok(None)));

    let headed = [b"#cloud-config\n", bytes].concat();
    for text in [bytes, &headed] {
        let found = cloud_config(text);
        assert!(found.servers.len() <= MOST);
        for named in found.servers {
            assert!(named.server.bytes().all(|byte| byte.is_ascii_graphic()));
            let Some(line) = named.line else {
                continue;
            };
            let line = usize::try_from(line).expect("lines fit into memory") - 1;
            let line = text.split(|byte| *byte == b'\n').nth(line).expect("a line");
            let line = String::from_utf8_lossy(line);
            assert!(line.contains(&named.server), "{line}");
        }
    }
});
