//! [`ask`]: one question over HTTP/1.1 (RFC 9110, RFC 9112), with an end in sight.
//!
//! Small on purpose: plain text, one question a connection, no redirect is followed, nothing is unpacked, and what is
//! read is bounded in time and in length.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::clock;
use crate::time::TimeDelta;

/// Bytes of a body that are read.
pub const MOST_BODY: usize = 256 * 1024;
/// Bytes of what stands before it, and lines of that.
const MOST_HEAD: usize = 16 * 1024;
const MOST_LINES: usize = 100;
/// Bytes of a line that tells the length of a chunk.
const LONGEST_CHUNK_LINE: usize = 256;

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// `GET`, or `PUT` without a body.
    pub method: &'a str,
    /// Whom to ask.
    pub to: SocketAddr,
    /// For what, beginning with a slash.
    pub path: &'a str,
    /// Further headers.
    pub headers: &'a [(&'a str, &'a str)],
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its status, from 100 to 999.
    pub status: u16,
    /// Names, in lower case, and values of its headers.
    pub headers: Vec<(String, String)>,
    /// Its body, at most [`MOST_BODY`] bytes of it.
    pub body: Vec<u8>,
    /// Whether there was more of that.
    pub is_cut: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Nobody answers.
    #[error("{0}")]
    Network(#[from] io::Error),
    /// It did not end in time.
    #[error("no whole answer in time")]
    Late,
    /// What came is no answer of HTTP/1.1.
    #[error("the answer is no HTTP: {0}")]
    Malformed(&'static str),
}

impl Answer {
    /// The first header of this name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(of, _)| of == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Reads an answer; nothing where it goes on. With `has_ended` nothing more will come.
    ///
    /// ```
    /// use clockfit::net::http::Answer;
    /// let answer = Answer::read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false)?.unwrap();
    /// assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok"[..]));
    /// # Ok::<(), clockfit::net::http::NoAnswer>(())
    /// ```
    ///
    /// # Errors
    ///
    /// It is none, or ends too early.
    pub fn read(bytes: &[u8], has_ended: bool) -> Result<Option<Self>, NoAnswer> {
        let Some((head, rest)) = split_head(bytes) else {
            return match has_ended || bytes.len() > MOST_HEAD {
                true => Err(NoAnswer::Malformed("its headers do not end")),
                false => Ok(None),
            };
        };
        let mut answer = read_head(head)?;
        let is_more = match answer.length()? {
            Length::Known(length) => take(&mut answer, rest, length),
            Length::Chunks => take_chunks(&mut answer, rest)?,
            Length::Connection => {
                let is_more = !has_ended && rest.len() <= MOST_BODY;
                take(&mut answer, rest, rest.len());
                is_more
            }
        };
        match (is_more, has_ended) {
            (false, _) => Ok(Some(answer)),
            (true, false) => Ok(None),
            (true, true) => Err(NoAnswer::Malformed("it is cut off")),
        }
    }

    /// How its body ends (RFC 9112 section 6.3).
    fn length(&self) -> Result<Length, NoAnswer> {
        if matches!(self.status, 100..200 | 204 | 304) {
            return Ok(Length::Known(0));
        }
        if let Some(coding) = self.header("transfer-encoding") {
            return match coding.eq_ignore_ascii_case("chunked") {
                true => Ok(Length::Chunks),
                false => Err(NoAnswer::Malformed("its transfer coding is not known")),
            };
        }
        let mut lengths = self.headers.iter().filter(|(of, _)| of == "content-length");
        let Some((_, length)) = lengths.next() else {
            return Ok(Length::Connection);
        };
        let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || lengths.any(|(_, other)| other != length) {
            return Err(NoAnswer::Malformed("its length is no number"));
        }
        // What is longer than any memory is cut anyway.
        Ok(Length::Known(length.parse().unwrap_or(usize::MAX)))
    }
}

enum Length {
    Known(usize),
    Chunks,
    /// Until the other end closes.
    Connection,
}

/// What stands before the empty line, and what after it.
fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let searched = bytes.get(..MOST_HEAD).unwrap_or(bytes);
    let mut from = 0;
    loop {
        let line = searched.get(from..)?;
        let end = line.iter().position(|byte| *byte == b'\n')?;
        if from > 0 && line.get(..end)?.trim_ascii_end().is_empty() {
            return Some((bytes.get(..from)?, bytes.get(from + end + 1..)?));
        }
        from += end + 1;
    }
}

fn read_head(head: &[u8]) -> Result<Answer, NoAnswer> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let status = first
        .strip_prefix(b"HTTP/1.0 ")
        .or_else(|| first.strip_prefix(b"HTTP/1.1 "))
        .and_then(|rest| rest.first_chunk::<3>())
        .filter(|digits| digits.iter().all(u8::is_ascii_digit))
        .and_then(|digits| str::from_utf8(digits).ok()?.parse().ok())
        .filter(|status| *status >= 100)
        .ok_or(NoAnswer::Malformed("it begins otherwise"))?;
    let mut headers = Vec::new();
    for line in lines.map(<[u8]>::trim_ascii_end) {
        if line.is_empty() {
            continue;
        }
        if headers.len() >= MOST_LINES {
            return Err(NoAnswer::Malformed("it has too many headers"));
        }
        let line = String::from_utf8_lossy(line);
        let (name, value) = line
            .split_once(':')
            .ok_or(NoAnswer::Malformed("a header has no name"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Answer {
        status,
        headers,
        ..Answer::default()
    })
}

/// Takes so many bytes, or as many as are kept; tells whether more are to come.
fn take(answer: &mut Answer, rest: &[u8], length: usize) -> bool {
    let room = MOST_BODY.saturating_sub(answer.body.len());
    let kept = length.min(room);
    answer.is_cut |= length > room;
    match rest.get(..kept) {
        Some(all) => {
            answer.body.extend_from_slice(all);
            false
        }
        None => {
            answer.body.extend_from_slice(rest);
            true
        }
    }
}

/// Takes chunks (RFC 9112 section 7.1), whose extensions and trailers say nothing here; tells whether more are to come.
fn take_chunks(answer: &mut Answer, mut rest: &[u8]) -> Result<bool, NoAnswer> {
    const WRONG: NoAnswer = NoAnswer::Malformed("a chunk is none");
    loop {
        let Some(end) = rest
            .iter()
            .take(LONGEST_CHUNK_LINE)
            .position(|byte| *byte == b'\n')
        else {
            return match rest.len() >= LONGEST_CHUNK_LINE {
                true => Err(WRONG),
                false => Ok(true),
            };
        };
        let line = rest.get(..end).unwrap_or_default();
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let digits = str::from_utf8(digits.trim_ascii()).map_err(|_| WRONG)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        let length = usize::from_str_radix(digits, 16).unwrap_or(usize::MAX);
        let after = rest.get(end + 1..).unwrap_or_default();
        if length == 0 {
            return Ok(false);
        }
        if take(answer, after, length) {
            return Ok(true);
        }
        if answer.is_cut {
            return Ok(false);
        }
        rest = match after.get(length..).unwrap_or_default() {
            [b'\r', b'\n', rest @ ..] | [b'\n', rest @ ..] => rest,
            [] | [b'\r'] => return Ok(true),
            _ => return Err(WRONG),
        };
    }
}

/// Asks, for `patience` at most.
///
/// # Errors
///
/// Why there is no whole answer.
pub fn ask(question: &Question<'_>, patience: TimeDelta) -> Result<Answer, NoAnswer> {
    let until = clock::counter() + patience;
    let left = || {
        let left = until.since(clock::counter());
        match left > TimeDelta::ZERO {
            true => Ok(left.to_duration()),
            false => Err(NoAnswer::Late),
        }
    };
    let mut stream = TcpStream::connect_timeout(&question.to, left()?).map_err(late)?;
    let mut text = format!(
        "{} {} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nConnection: close\r\n",
        question.method,
        question.path,
        question.to.ip()
    );
    for (name, value) in question.headers {
        text += &format!("{name}: {value}\r\n");
    }
    if question.method == "PUT" {
        text += "Content-Length: 0\r\n";
    }
    text += "\r\n";
    stream.set_write_timeout(Some(left()?))?;
    stream.write_all(text.as_bytes()).map_err(late)?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 16 * 1024];
    loop {
        stream.set_read_timeout(Some(left()?))?;
        let count = match stream.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(late(error)),
        };
        bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        // Chunks may have more around them than in them.
        if bytes.len() > MOST_HEAD + 2 * MOST_BODY {
            return Err(NoAnswer::Malformed("it is too long"));
        }
        if let Some(answer) = Answer::read(&bytes, count == 0)? {
            return Ok(answer);
        }
    }
}

/// What took too long is no error of the network.
fn late(error: io::Error) -> NoAnswer {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => NoAnswer::Late,
        _ => NoAnswer::Network(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use proptest::prelude::*;

    fn body(text: &str) -> String {
        let answer = Answer::read(text.as_bytes(), true).unwrap().unwrap();
        String::from_utf8(answer.body).unwrap()
    }

    #[test]
    fn bodies_end_in_three_ways() {
        assert_eq!(
            body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"),
            "abc"
        );
        assert_eq!(body("HTTP/1.0 200 OK\n\nabc\n"), "abc\n");
        assert_eq!(body("HTTP/1.1 204 \r\nContent-Length: 3\r\n\r\n"), "");
        let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                      2;a=b\r\nab\r\n0a\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
        assert_eq!(body(chunks), "ab0123456789");
    }

    #[test]
    fn each_part_of_an_answer_is_waited_for() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        ] {
            for end in 0..text.len() {
                let part = text.get(..end).unwrap().as_bytes();
                assert!(Answer::read(part, false).unwrap().is_none(), "{end}");
                assert!(Answer::read(part, true).is_err(), "{end}");
            }
            assert_eq!(body(text), "abc");
        }
    }

    #[test]
    fn what_is_no_answer() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for text in [
            "SSH-2.0-OpenSSH\r\n\r\n".to_owned(),
            "HTTP/2 200\r\n\r\n".to_owned(),
            "HTTP/1.1 20x OK\r\n\r\n".to_owned(),
            "HTTP/1.1 099 OK\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\nno header\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(200)),
            format!("HTTP/1.1 200 OK\r\na: {}", "b".repeat(20_000)),
            format!("{chunked}x\r\n"),
            format!("{chunked}\r\n"),
            format!("{chunked}3\r\nabcdef"),
            format!("{chunked}{}", "0".repeat(300)),
        ] {
            let said = Answer::read(text.as_bytes(), false);
            assert!(
                matches!(said, Err(NoAnswer::Malformed(_))),
                "{text}: {said:?}"
            );
        }
    }

    #[test]
    fn long_bodies_are_cut() {
        let long = "x".repeat(MOST_BODY + 10);
        let length = long.len();
        let huge = "9".repeat(40);
        for text in [
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{long}"),
            format!("HTTP/1.1 200 OK\r\nContent-Length: {huge}\r\n\r\n{long}"),
            format!("HTTP/1.1 200 OK\r\n\r\n{long}"),
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{long}"),
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{long}"
            ),
        ] {
            let answer = Answer::read(text.as_bytes(), false).unwrap().unwrap();
            assert_eq!((answer.body.len(), answer.is_cut), (MOST_BODY, true));
        }
    }

    #[test]
    fn a_question_as_it_is_sent_and_one_that_takes_too_long() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let teller = thread::spawn(move || {
            let (mut first, _) = listener.accept().unwrap();
            let mut asked = [0; 1_000];
            let length = first.read(&mut asked).unwrap();
            first
                .write_all(
                    b"HTTP/1.1 301 Moved\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n",
                )
                .unwrap();
            let (second, _) = listener.accept().unwrap();
            (
                String::from_utf8_lossy(&asked[..length]).into_owned(),
                second,
            )
        });
        let question = Question {
            method: "PUT",
            to,
            path: "/latest/api/token",
            headers: &[("X-A", "60")],
        };
        let answer = ask(&question, TimeDelta::from_secs(20)).unwrap();
        assert_eq!(
            (answer.status, answer.header("location")),
            (301, Some("http://x/"))
        );
        let began = clock::counter();
        let late = ask(&question, TimeDelta::from_millis(100));
        assert!(matches!(late, Err(NoAnswer::Late)), "{late:?}");
        assert!(clock::counter().since(began) < TimeDelta::from_secs(10));
        let (asked, _) = teller.join().unwrap();
        assert_eq!(
            asked,
            "PUT /latest/api/token HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nConnection: close\r\n\
             X-A: 60\r\nContent-Length: 0\r\n\r\n"
        );
        // Nobody is there any more.
        assert!(matches!(
            ask(&question, TimeDelta::from_secs(5)),
            Err(NoAnswer::Network(_))
        ));
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(
            lines in proptest::collection::vec("[ -~]{0,20}", 0..6),
            body in proptest::collection::vec(any::<u8>(), 0..200),
            kind in 0usize..4,
            has_ended in any::<bool>(),
        ) {
            let head = ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
                        "HTTP/1.0 500 \r\nContent-Length: 100\r\n"];
            let mut bytes = head[kind].as_bytes().to_vec();
            for line in lines {
                bytes.extend(line.as_bytes());
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"\r\n");
            bytes.extend(&body);
            if let Ok(Some(answer)) = Answer::read(&bytes, has_ended) {
                prop_assert!(answer.body.len() <= body.len() + bytes.len());
            }
        }
    }
}
