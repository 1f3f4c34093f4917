//! [`lines`]: text files of others, line by line, whatever is in them.

use std::borrow::Cow;

/// Bytes of a line that are looked at; no program writes longer ones about a time server.
const LONGEST: usize = 4_096;
/// Lines of a file that are looked at.
const MOST: usize = 50_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// From 1.
    pub number: u32,
    /// Without its end and without white space around it; what is no UTF-8 is replaced.
    pub text: Cow<'a, str>,
}

/// The lines of a file. Of one that is longer than 4096 bytes the beginning is given, up to a whole word: half a name
/// is another one.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let numbered = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    numbered.take(MOST).map(|(number, line)| Line {
        number,
        text: String::from_utf8_lossy(beginning(line).trim_ascii()),
    })
}

fn beginning(line: &[u8]) -> &[u8] {
    let Some(cut) = line.get(..LONGEST) else {
        return line;
    };
    if line.len() == LONGEST {
        return line;
    }
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
    let whole = cut.iter().rposition(is_between);
    whole.and_then(|end| cut.get(..end)).unwrap_or(cut)
}

/// What is not looked at of a file's lines.
pub(super) fn too_much(bytes: &[u8]) -> Option<String> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    if lines.any(|line| line.len() > LONGEST) {
        return Some(format!(
            "has a line that is longer than {LONGEST} bytes: the rest of it was not looked at"
        ));
    }
    let count = bytes.iter().filter(|byte| **byte == b'\n').count();
    (count > MOST).then(|| format!("has more than {MOST} lines: the others were not looked at"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_have_lines() {
        let found: Vec<_> = lines(b"a\r\n\n  b\xfc c \n")
            .map(|line| line.text.into_owned())
            .collect();
        assert_eq!(found, ["a", "", "b\u{fffd} c", ""]);
        let long = vec![b'x'; 1 << 20];
        assert_eq!(lines(&long).next().unwrap().text.len(), LONGEST);
        let words = "192.0.2.123 ".repeat(400);
        let whole = lines(words.as_bytes()).next().unwrap();
        assert!(whole.text.split(' ').all(|word| word == "192.0.2.123"));
        assert!(too_much(&long).is_some() && too_much(words.as_bytes()).is_some());
        assert!(too_much(&vec![b'\n'; MOST + 1]).is_some() && too_much(b"a\nb").is_none());
        assert_eq!(lines(&vec![b'\n'; 1 << 20]).count(), MOST);
        assert_eq!(lines(b"").map(|line| line.number).collect::<Vec<_>>(), [1]);
    }
}
