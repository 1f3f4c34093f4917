//! Rust source as the rules see it: tokens without comments, and the paths they spell.
//!
//! Not a parser: a lexer that never takes a word in a comment or a string for code, and just enough
//! structure on top (use trees, inline modules, `#[cfg(test)]` items) to say which path is meant
//! where. It sees text before macros are expanded, so a path that a macro assembles escapes it.

use std::iter::Peekable;
use std::str::Chars;

/// One token, with the line it starts on (from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word: identifier or keyword, without the `r#` of a raw one.
    Word(String),
    /// The text between the quotes of a string or character, escapes left as written.
    Text(String),
    /// A number, as written.
    Number(String),
    /// A lifetime: no rule looks into it.
    Other,
    /// One character of punctuation, `::` being two.
    Mark(char),
}

impl Token {
    /// The word, if it is one.
    pub(crate) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    /// Whether this is that punctuation character.
    pub(crate) fn is_mark(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    /// How many lines the token covers.
    fn line_count(&self) -> usize {
        match &self.kind {
            Kind::Text(text) => 1 + text.matches('\n').count(),
            _ => 1,
        }
    }
}

/// A file, lexed.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file as messages name it: `src/net/sys.rs`.
    pub(crate) path: String,
    pub(crate) tokens: Vec<Token>,
    /// For each token, whether it belongs to an item under `#[cfg(test)]`.
    pub(crate) in_test: Vec<bool>,
}

/// A path as written, a use tree being spread into one path for each leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathUse {
    pub(crate) line: usize,
    pub(crate) in_test: bool,
    /// How many modules inside the crate root the path is written, inline modules included.
    pub(crate) depth: usize,
    pub(crate) segments: Vec<String>,
}

impl Source {
    /// Lexes a file of `src/`; `tests.rs`, or what is in a folder `tests`, is test code as a whole.
    pub(crate) fn new(path: &str, text: &str) -> Source {
        let tokens = lex(text);
        let in_test = if path.ends_with("/tests.rs") || path.contains("/tests/") {
            vec![true; tokens.len()]
        } else {
            mark_tests(&tokens)
        };
        Source {
            path: path.to_owned(),
            tokens,
            in_test,
        }
    }

    /// The room a file belongs to: the first name below `src/`, so `src/sim.rs` is in `sim`.
    pub(crate) fn room(&self) -> &str {
        let below = self.below_src();
        let first = below.split('/').next().unwrap_or(below);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether the file is `place` (`src/sim.rs`) or lies in it (`src/net`).
    pub(crate) fn is_in(&self, place: &str) -> bool {
        match self.path.strip_prefix(place) {
            Some(rest) => rest.is_empty() || rest.starts_with('/') || place.ends_with('/'),
            None => false,
        }
    }

    /// Lines that hold code, comments and tests not counted.
    pub(crate) fn code_lines(&self) -> usize {
        let mut count = 0;
        let mut last = 0;
        for (token, _) in self
            .tokens
            .iter()
            .zip(&self.in_test)
            .filter(|(_, test)| !**test)
        {
            let end = token.line + token.line_count() - 1;
            count += (end + 1).saturating_sub(token.line.max(last + 1));
            last = last.max(end);
        }
        count
    }

    /// Every path the file spells, in imports and inline.
    pub(crate) fn paths(&self) -> Vec<PathUse> {
        let mut found = Vec::new();
        let mut modules = Modules::new(self.file_depth());
        let mut at = 0;
        while at < self.tokens.len() {
            let depth = modules.step(&self.tokens, at);
            let start = at;
            let mut segments = Vec::new();
            if self.tokens[at].is_word("use") {
                at += 1;
                spread_use_tree(&self.tokens, &mut at, &[], &mut segments);
            } else {
                let path = inline_path(&self.tokens, &mut at);
                segments.extend(path.map(|path| (self.tokens[start].line, path)));
            }
            found.extend(segments.into_iter().map(|(line, segments)| PathUse {
                line,
                in_test: self.in_test[start],
                depth,
                segments,
            }));
        }
        found
    }

    fn below_src(&self) -> &str {
        self.path.strip_prefix("src/").unwrap_or(&self.path)
    }

    /// How deep the file's own module lies: 0 for the crate root, 2 for `src/net/sys.rs`.
    fn file_depth(&self) -> usize {
        let below = self.below_src();
        match below {
            "lib.rs" | "main.rs" => 0,
            _ => below.split('/').filter(|name| *name != "mod.rs").count(),
        }
    }
}

/// Keeps the depth of inline modules while tokens pass by.
struct Modules {
    file_depth: usize,
    braces: usize,
    /// The brace level at which each open inline module began.
    open: Vec<usize>,
    /// A `mod name` was seen and its brace may follow.
    pending: bool,
}

impl Modules {
    fn new(file_depth: usize) -> Modules {
        Modules {
            file_depth,
            braces: 0,
            open: Vec::new(),
            pending: false,
        }
    }

    /// Takes one token in and returns the depth there.
    fn step(&mut self, tokens: &[Token], at: usize) -> usize {
        match &tokens[at].kind {
            Kind::Word(word) if word == "mod" => self.pending = true,
            Kind::Mark(';') => self.pending = false,
            Kind::Mark('{') => {
                if self.pending {
                    self.open.push(self.braces);
                    self.pending = false;
                }
                self.braces += 1;
            }
            Kind::Mark('}') => {
                self.braces = self.braces.saturating_sub(1);
                if self.open.last() == Some(&self.braces) {
                    self.open.pop();
                }
            }
            _ => {}
        }
        self.file_depth + self.open.len()
    }
}

fn is_double_colon(tokens: &[Token], at: usize) -> bool {
    matches!(tokens.get(at..at + 2), Some([a, b]) if a.is_mark(':') && b.is_mark(':'))
}

/// Reads a use tree from `at` (behind `use`, `,` or `{`) up to its end, one entry a leaf.
fn spread_use_tree(
    tokens: &[Token],
    at: &mut usize,
    prefix: &[String],
    leaves: &mut Vec<(usize, Vec<String>)>,
) {
    let mut path = prefix.to_vec();
    let line = tokens.get(*at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(*at) {
        if is_double_colon(tokens, *at) {
            *at += 2;
        } else if token.is_mark('{') {
            *at += 1;
            while tokens.get(*at).is_some_and(|token| !token.is_mark('}')) {
                if tokens[*at].is_mark(',') {
                    *at += 1;
                } else {
                    let before = *at;
                    spread_use_tree(tokens, at, &path, leaves);
                    // Text that is no use tree must not hold the scanner up.
                    *at = (*at).max(before + 1);
                }
            }
            *at += 1;
            return;
        } else if token.is_word("as") {
            *at += 2;
        } else if let Some(word) = token.word() {
            path.push(word.to_owned());
            *at += 1;
        } else if token.is_mark('*') {
            path.push("*".to_owned());
            *at += 1;
        } else {
            break;
        }
    }
    // `impl Trait + use<'a>` is no import.
    if !path.is_empty() {
        leaves.push((line, path));
    }
}

/// Reads `a::b::c` when a path of at least two segments begins at `at`; moves on by one token at
/// least.
fn inline_path(tokens: &[Token], at: &mut usize) -> Option<Vec<String>> {
    let first = tokens[*at].word();
    *at += 1;
    let mut path = vec![first?.to_owned()];
    while is_double_colon(tokens, *at) {
        match tokens.get(*at + 2).and_then(Token::word) {
            Some(word) => path.push(word.to_owned()),
            // `Vec::<u8>::new`: what follows the type is no room and no crate.
            None => break,
        }
        *at += 3;
    }
    (path.len() > 1).then_some(path)
}

/// Marks the tokens of every item that carries `#[cfg(test)]`, the attribute included.
fn mark_tests(tokens: &[Token]) -> Vec<bool> {
    let mut marks = vec![false; tokens.len()];
    let mut at = 0;
    while at < tokens.len() {
        if is_cfg_test(tokens, at) {
            let end = item_end(tokens, at);
            marks[at..end].fill(true);
            at = end;
        } else {
            at += 1;
        }
    }
    marks
}

/// Whether `#[cfg(test)]` or `#[cfg(all(test, ...))]` begins at `at`.
fn is_cfg_test(tokens: &[Token], at: usize) -> bool {
    let Some([hash, open, cfg, paren, rest @ ..]) = tokens.get(at..) else {
        return false;
    };
    hash.is_mark('#')
        && open.is_mark('[')
        && cfg.is_word("cfg")
        && paren.is_mark('(')
        && match rest {
            [all, paren, test, ..] if all.is_word("all") => {
                paren.is_mark('(') && test.is_word("test")
            }
            [test, ..] => test.is_word("test"),
            [] => false,
        }
}

/// The index behind the item that begins at `at`: behind its `;` or its closing brace.
fn item_end(tokens: &[Token], at: usize) -> usize {
    let mut nesting = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            Kind::Mark('{' | '(' | '[') => nesting += 1,
            Kind::Mark(')' | ']') => nesting = nesting.saturating_sub(1),
            Kind::Mark('}') => {
                nesting = nesting.saturating_sub(1);
                if nesting == 0 {
                    return index + 1;
                }
            }
            Kind::Mark(';') if nesting == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Splits source text into tokens; comments vanish here.
pub(crate) fn lex(text: &str) -> Vec<Token> {
    Lexer {
        rest: text.chars().peekable(),
        line: 1,
        tokens: Vec::new(),
    }
    .run()
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn run(mut self) -> Vec<Token> {
        while let Some(next) = self.bump() {
            let line = self.line;
            let kind = match next {
                '\n' => continue,
                '/' if self.peek() == Some('/') => {
                    self.take_while(|c| c != '\n');
                    continue;
                }
                '/' if self.peek() == Some('*') => {
                    self.block_comment();
                    continue;
                }
                '"' => Kind::Text(self.string()),
                '\'' => self.character_or_lifetime(),
                c if c.is_whitespace() => continue,
                c if is_word_start(c) => self.word_or_prefixed_string(c),
                c if c.is_ascii_digit() => {
                    Kind::Number(format!("{c}{}", self.take_while(is_word_part)))
                }
                c => Kind::Mark(c),
            };
            self.tokens.push(Token { line, kind });
        }
        self.tokens
    }

    fn peek(&mut self) -> Option<char> {
        self.rest.peek().copied()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.rest.next();
        if next == Some('\n') {
            self.line += 1;
        }
        next
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(next) = self.peek().filter(|c| keep(*c)) {
            taken.push(next);
            self.bump();
        }
        taken
    }

    /// Behind `/`, at `*`: block comments nest in Rust.
    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        let mut previous = '/';
        while let Some(next) = self.bump() {
            match (previous, next) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    previous = next;
                    continue;
                }
            }
            if depth == 0 {
                return;
            }
            // Neither half of a mark may serve in the next one: `/*/` opens only.
            previous = ' ';
        }
    }

    /// Behind the opening quote.
    fn string(&mut self) -> String {
        let mut text = String::new();
        while let Some(next) = self.bump() {
            match next {
                '"' => break,
                '\\' => {
                    text.push(next);
                    text.extend(self.bump());
                }
                _ => text.push(next),
            }
        }
        text
    }

    /// Behind the `r` of a raw string, at its first `#` or quote.
    fn raw_string(&mut self, hashes: usize) -> String {
        let end = format!("\"{}", "#".repeat(hashes));
        let mut text = String::new();
        while let Some(next) = self.bump() {
            text.push(next);
            if text.ends_with(&end) {
                text.truncate(text.len() - end.len());
                break;
            }
        }
        text
    }

    /// Behind a `'`: `'a'` and `'\n'` are characters, `'a` is a lifetime.
    fn character_or_lifetime(&mut self) -> Kind {
        match self.bump() {
            Some('\\') => {
                let mut text = String::from('\\');
                text.extend(self.bump());
                text.push_str(&self.take_while(|c| c != '\''));
                self.bump();
                Kind::Text(text)
            }
            Some(first) if self.peek() == Some('\'') => {
                self.bump();
                Kind::Text(first.to_string())
            }
            Some(_) => {
                self.take_while(is_word_part);
                Kind::Other
            }
            None => Kind::Other,
        }
    }

    /// A word, unless it turns out to be the prefix of a string (`b"`, `r#"`, `cr"`) or of a raw
    /// identifier (`r#type`).
    fn word_or_prefixed_string(&mut self, first: char) -> Kind {
        let mut word = String::from(first);
        word.push_str(&self.take_while(is_word_part));
        let raw = matches!(word.as_str(), "r" | "br" | "cr");
        match self.peek() {
            Some('"') if raw => {
                self.bump();
                Kind::Text(self.raw_string(0))
            }
            Some('"') if matches!(word.as_str(), "b" | "c") => {
                self.bump();
                Kind::Text(self.string())
            }
            Some('\'') if word == "b" => {
                self.bump();
                self.character_or_lifetime()
            }
            Some('#') if raw => {
                let hashes = self.take_while(|c| c == '#').len();
                if self.peek() == Some('"') {
                    self.bump();
                    Kind::Text(self.raw_string(hashes))
                } else {
                    Kind::Word(self.take_while(is_word_part))
                }
            }
            _ => Kind::Word(word),
        }
    }
}

fn is_word_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_word_part(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}
