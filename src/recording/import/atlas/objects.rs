//! JSON objects one after the other: elements of an array, or one a line, each in its own piece of text.

use std::io::{self, BufRead};

use super::super::lines::MAX_LINE_BYTES;

/// Where a piece begins, both counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) column: usize,
}

/// What [`Objects::advance`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The end of the input.
    Nothing,
    /// Text from a brace to the one that closes it.
    Object(Place),
    /// The same, beyond [`MAX_LINE_BYTES`]; it was passed over.
    TooLong(Place),
    /// An object that has no end, before another one begins.
    Broken(Place),
    /// An object that has no end before the input's.
    Torn(Place),
    /// Something that is no object; what follows in its line is passed over.
    Stray(Place),
}

/// Takes text apart into objects, in the memory of one. What is between them (commas, brackets, white
/// space) is not looked at, so one that is damaged costs no other.
pub(super) struct Objects<R> {
    input: R,
    object: Vec<u8>,
    /// The line that is being read, from 1, and how many of its bytes were.
    line: u64,
    column: usize,
}

/// Where in an object the text is.
#[derive(Default)]
struct Inside {
    start: Place,
    /// Braces and brackets that are open.
    depth: usize,
    in_string: bool,
    /// Whether the next byte is one that a backslash took the meaning from.
    escaped: bool,
    too_long: bool,
}

impl<R: BufRead> Objects<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            object: Vec::new(),
            line: 1,
            column: 0,
        }
    }

    /// The text of the object that was found.
    pub(super) fn object(&self) -> &[u8] {
        &self.object
    }

    /// Lines so far; one of no bytes is none.
    pub(super) fn lines(&self) -> u64 {
        self.line - u64::from(self.column == 0)
    }

    /// Goes on to the next object.
    pub(super) fn advance(&mut self) -> io::Result<Found> {
        self.object.clear();
        let Some(start) = self.seek()? else {
            return Ok(Found::Nothing);
        };
        if self.peek()? != Some(b'{') {
            self.skip_line()?;
            return Ok(Found::Stray(start));
        }
        let mut inside = Inside {
            start,
            ..Inside::default()
        };
        loop {
            let Some(byte) = self.peek()? else {
                return Ok(Found::Torn(start));
            };
            // Inside of an object that is spread over lines its parts are indented.
            let another = byte == b'{' && self.column == 0 && inside.depth > 0;
            if another || byte == b'\n' && inside.in_string {
                return Ok(Found::Broken(start));
            }
            self.pass(byte);
            if let Some(found) = self.take(byte, &mut inside) {
                return Ok(found);
            }
        }
    }

    /// Goes to the first byte that may be of an object.
    fn seek(&mut self) -> io::Result<Option<Place>> {
        /// What stands between objects, and what some editors put before all.
        const BETWEEN: &[u8] = b" \t\r\n,[]\xef\xbb\xbf";
        while let Some(byte) = self.peek()? {
            if !BETWEEN.contains(&byte) {
                let (line, column) = (self.line, self.column + 1);
                return Ok(Some(Place { line, column }));
            }
            self.pass(byte);
        }
        Ok(None)
    }

    fn skip_line(&mut self) -> io::Result<()> {
        while let Some(byte) = self.peek()? {
            self.pass(byte);
            if byte == b'\n' {
                break;
            }
        }
        Ok(())
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.input.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Leaves the byte that was peeked at behind.
    fn pass(&mut self, byte: u8) {
        self.input.consume(1);
        if byte == b'\n' {
            self.line += 1;
            self.column = 0;
        } else {
            self.column += 1;
        }
    }

    /// Takes one more byte into the object; what was found where it ends.
    fn take(&mut self, byte: u8, inside: &mut Inside) -> Option<Found> {
        if self.object.len() < MAX_LINE_BYTES {
            self.object.push(byte);
        } else {
            inside.too_long = true;
        }
        if inside.in_string {
            inside.in_string = inside.escaped || byte != b'"';
            inside.escaped = !inside.escaped && byte == b'\\';
            return None;
        }
        match byte {
            b'"' => inside.in_string = true,
            b'{' | b'[' => inside.depth += 1,
            b'}' | b']' => inside.depth -= 1,
            _ => {}
        }
        let found = if inside.too_long {
            Found::TooLong(inside.start)
        } else {
            Found::Object(inside.start)
        };
        (inside.depth == 0).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &[u8]) -> Vec<(Found, String)> {
        // A buffer of three bytes, so that everything is cut somewhere.
        let mut objects = Objects::new(io::BufReader::with_capacity(3, text));
        let mut found = Vec::new();
        loop {
            match objects.advance().unwrap() {
                Found::Nothing => return found,
                what => found.push((what, String::from_utf8_lossy(objects.object()).into_owned())),
            }
        }
    }

    fn place(line: u64, column: usize) -> Place {
        Place { line, column }
    }

    #[test]
    fn elements_of_an_array_and_objects_of_lines_are_the_same() {
        for text in [
            "[{\"a\":1},\n {\"b\":\"}{\\\"\"}]\n",
            "{\"a\":1}\n {\"b\":\"}{\\\"\"}",
        ] {
            let found = all(text.as_bytes());
            assert_eq!(found[0].1, "{\"a\":1}", "{text}");
            assert_eq!(
                found[1],
                (Found::Object(place(2, 2)), "{\"b\":\"}{\\\"\"}".into()),
                "{text}"
            );
            assert_eq!(found.len(), 2, "{text}");
        }
        let pretty = "[\n  {\n    \"a\": [\n      {\n        \"b\": 1\n      }\n    ]\n  }\n]\n";
        assert_eq!(all(pretty.as_bytes())[0].0, Found::Object(place(2, 3)));
        assert_eq!(all(pretty.as_bytes()).len(), 1);
        assert_eq!(all(b"\xef\xbb\xbf[]"), []);
    }

    #[test]
    fn what_is_damaged_costs_no_other() {
        // Cut outside of a text, and within one; then something that is no object; then the end is cut.
        let text =
            "{\"a\":1,\n{\"b\":2}\n{\"c\":\"x\n{\"d\":4}\nhello {\"no\":0}\n{\"e\":5}\n{\"f\":6";
        let found: Vec<_> = all(text.as_bytes()).into_iter().map(|f| f.0).collect();
        assert_eq!(
            found,
            [
                Found::Broken(place(1, 1)),
                Found::Object(place(2, 1)),
                Found::Broken(place(3, 1)),
                Found::Object(place(4, 1)),
                Found::Stray(place(5, 1)),
                Found::Object(place(6, 1)),
                Found::Torn(place(7, 1)),
            ]
        );
    }

    #[test]
    fn a_long_object_is_passed_over_in_the_memory_of_its_limit() {
        let text = format!("{{\"a\":\"{}\"}}\n{{}}\n", "x".repeat(3 * MAX_LINE_BYTES));
        let mut objects = Objects::new(text.as_bytes());
        assert_eq!(objects.advance().unwrap(), Found::TooLong(place(1, 1)));
        assert_eq!(objects.object().len(), MAX_LINE_BYTES);
        assert_eq!(objects.advance().unwrap(), Found::Object(place(2, 1)));
        assert_eq!((objects.object(), objects.lines()), (b"{}".as_slice(), 2));
    }

    proptest! {
        #[test]
        fn any_bytes_come_to_an_end(text: Vec<u8>) {
            let found = all(&text);
            let taken: usize = found.iter().map(|f| f.1.len().min(text.len())).sum();
            prop_assert!(found.len() <= text.len() && taken <= 3 * text.len());
        }

        #[test]
        fn objects_come_back(names in proptest::collection::vec(any::<String>(), 0..6)) {
            let objects: Vec<_> = names.iter().map(|n| serde_json::json!({n: [{"x": n}]}).to_string()).collect();
            let found: Vec<_> = all(objects.join(",\n").as_bytes()).into_iter().map(|f| f.1).collect();
            prop_assert_eq!(found, objects);
        }
    }
}
