//! [`Replies`]: counts the replies in the bytes that a server sends (RESP2), and finds errors.
//!
//! ```text
//!  *2\r\n$3\r\nabc\r\n:7\r\n     one reply:  an array of two, a string of three bytes, an integer
//! ```
//!
//! The content is skipped. The bytes may be cut anywhere: a line whose end is missing is kept until the next
//! call, and so is the number of bytes to skip.

use anyhow::{Context, Result, bail, ensure};

/// The maximum number of bytes of a line. The text of an error is the longest.
const LINE_LEN_MAX: usize = 64 * 1_024;

/// A counter of replies.
#[derive(Default)]
pub(super) struct Replies {
    /// The beginning of a line whose end has not arrived.
    line: Vec<u8>,
    /// The number of bytes of a string, and of the line end after it, that have not arrived.
    skip: usize,
    /// For each open array, the number of elements that have not arrived.
    open: Vec<usize>,
}

impl Replies {
    /// Reads more bytes. Returns the number of replies that they complete.
    ///
    /// # Errors
    /// If a reply is an error, or the bytes are not RESP2.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<usize> {
        let mut complete = 0;
        while !bytes.is_empty() {
            if self.skip > 0 {
                let skipped = self.skip.min(bytes.len());
                bytes = &bytes[skipped..];
                self.skip -= skipped;
                complete += usize::from(self.skip == 0 && self.end_element());
                continue;
            }
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
                self.line.extend_from_slice(bytes);
                ensure!(self.line.len() <= LINE_LEN_MAX, "the server sends a line without an end");
                break;
            };
            let (part, rest) = bytes.split_at(end + 1);
            bytes = rest;
            let is_complete = if self.line.is_empty() {
                self.read_line(part)?
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(part);
                self.read_line(&line)?
            };
            complete += usize::from(is_complete);
        }
        Ok(complete)
    }

    /// Reads a line with its end. Returns whether it completes a reply.
    fn read_line(&mut self, line: &[u8]) -> Result<bool> {
        let text =
            line.strip_suffix(b"\r\n").context("the server sends a line that does not end with CRLF")?;
        let (kind, text) = text.split_first().context("the server sends an empty line")?;
        match kind {
            b'+' | b':' => Ok(self.end_element()),
            b'-' => bail!("the server answers {}", String::from_utf8_lossy(text)),
            b'$' => Ok(match length(text)? {
                None => self.end_element(),
                Some(len) => {
                    self.skip = len.checked_add(2).context("the server sends an impossible length")?;
                    false
                }
            }),
            b'*' => Ok(match length(text)? {
                None | Some(0) => self.end_element(),
                Some(len) => {
                    self.open.push(len);
                    false
                }
            }),
            other => bail!("the server sends a reply of the unknown kind {:?}", char::from(*other)),
        }
    }

    /// Counts an element that has arrived. Returns whether it completes a reply.
    fn end_element(&mut self) -> bool {
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }
}

/// Parses a length. Returns `None` for -1, which is the length of nil.
fn length(text: &[u8]) -> Result<Option<usize>> {
    if text == b"-1" {
        return Ok(None);
    }
    let len = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    len.map(Some).context("the server sends a length that is not a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: &[u8] = b"+OK\r\n$3\r\na\r\n\r\n*3\r\n:1\r\n*2\r\n$0\r\n\r\n$-1\r\n*0\r\n*-1\r\n:-7\r\n";

    #[test]
    fn replies_are_counted_however_they_are_cut() {
        assert_eq!(Replies::default().feed(FIVE).unwrap(), 5);
        for cut in 0..=FIVE.len() {
            let mut replies = Replies::default();
            let (first, second) = FIVE.split_at(cut);
            let count = replies.feed(first).unwrap() + replies.feed(second).unwrap();
            assert_eq!(count, 5, "cut at {cut}");
        }
        let mut replies = Replies::default();
        let count: usize = FIVE.iter().map(|&byte| replies.feed(&[byte]).unwrap()).sum();
        assert_eq!(count, 5);
    }

    #[test]
    fn an_array_is_complete_with_its_last_element_and_not_before() {
        let mut replies = Replies::default();
        for (part, expected) in [("*2\r\n", 0), ("*1\r\n$2\r\nab", 0), ("\r\n", 0), (":1\r\n", 1)] {
            assert_eq!(replies.feed(part.as_bytes()).unwrap(), expected, "{part:?}");
        }
    }

    #[test]
    fn an_error_is_an_error_wherever_it_is_cut_or_nested() {
        for text in ["-ERR no\r\n", "*2\r\n:1\r\n-ERR no\r\n"] {
            for cut in 0..text.len() {
                let mut replies = Replies::default();
                let (first, second) = text.as_bytes().split_at(cut);
                replies.feed(first).unwrap();
                let error = replies.feed(second).unwrap_err();
                assert_eq!(error.to_string(), "the server answers ERR no", "cut at {cut}");
            }
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for text in ["x\r\n", "\r\n", "+OK\n", "$x\r\n", "*-2\r\n", "$18446744073709551615\r\n"] {
            assert!(Replies::default().feed(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(Replies::default().feed(&[b'+'; LINE_LEN_MAX + 1]).is_err());
    }
}
