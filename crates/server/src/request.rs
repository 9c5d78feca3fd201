//! [`QueryBuffer`]: the bytes that a client has sent, and the commands in them.
//!
//! A command is an array of bulk strings, `*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n`, or a line of words, `GET key\r\n`.
//! A client may send several commands without waiting for replies (*pipelining*), and a command may arrive in
//! several pieces. The parser continues where it stopped, so no argument is parsed twice.
//!
//! ```text
//!   | commands that were taken | found ... | incomplete ... | not parsed yet ... | spare |
//!   0                        begin                         at                  filled
//! ```
//!
//! The parser finds up to [`AHEAD`] commands before the first of them is taken, so the server knows in advance
//! which keys they need.

use crate::args::{Args, Span};
use std::fmt;
use std::io::{self, Read};

/// The maximum number of bytes that are searched for the end of a line. A line is an inline command, or the
/// length of an array or of a bulk string.
const LINE_MAX: usize = 64 * 1_024;
/// The number of bytes that are read at once. In C: `PROTO_IOBUF_LEN`.
const READ_LEN: usize = 16 * 1_024;
/// The number of arguments that an empty buffer keeps room for.
const SPANS: usize = 1_024;
/// The maximum number of bytes of a large string that are read at once.
const BIG_READ_LEN: usize = 256 * 1_024;
/// A bulk string of at least this many bytes gets a buffer of its exact size. In C: `PROTO_MBULK_BIG_ARG`.
const BIG_BULK: usize = 32 * 1_024;
/// A number with at most this many digits is parsed without a search for the end of its line.
const SHORT_NUMBER: usize = 8;
/// The maximum number of commands that are found before the first of them is taken.
pub(crate) const AHEAD: usize = 16;
/// The maximum number of arguments that a client may send before it has authenticated.
const UNAUTHENTICATED_ARGS: i64 = 10;
/// The maximum length of an argument that a client may send before it has authenticated, in bytes.
const UNAUTHENTICATED_BULK: i64 = 16_384;

/// The reason why bytes are not a command. The connection is closed after this error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProtocolError {
    /// An inline command has no end within 64 KiB.
    TooBigInline,
    /// A quote is not closed.
    UnbalancedQuotes,
    /// The length of an array is not a number, or is too large.
    MultibulkLength,
    /// The line with the length of an array has no end within 64 KiB.
    TooBigMultibulkCount,
    /// The line with the length of a bulk string has no end within 64 KiB.
    TooBigBulkCount,
    /// A bulk string begins with this byte instead of `$`.
    ExpectedDollar(u8),
    /// The length of a bulk string is not a number, or is larger than `proto-max-bulk-len`.
    BulkLength,
    /// A client that has not authenticated sends an array of more than 10 arguments.
    UnauthenticatedMultibulk,
    /// A client that has not authenticated sends a bulk string of more than 16 KiB.
    UnauthenticatedBulk,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Protocol error: ")?;
        match self {
            Self::TooBigInline => f.write_str("too big inline request"),
            Self::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
            Self::MultibulkLength => f.write_str("invalid multibulk length"),
            Self::TooBigMultibulkCount => f.write_str("too big mbulk count string"),
            Self::TooBigBulkCount => f.write_str("too big bulk count string"),
            Self::ExpectedDollar(found) => write!(f, "expected '$', got '{}'", char::from(*found)),
            Self::BulkLength => f.write_str("invalid bulk length"),
            Self::UnauthenticatedMultibulk => f.write_str("unauthenticated multibulk length"),
            Self::UnauthenticatedBulk => f.write_str("unauthenticated bulk length"),
        }
    }
}

/// The limits for what a client may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLimits {
    /// The maximum length of a bulk string, in bytes.
    pub(crate) proto_max_bulk_len: usize,
    /// Whether the client has authenticated.
    pub(crate) is_authenticated: bool,
}

/// A command that was found. It begins at the end of the previous command.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// The offset after the command's last byte.
    end: usize,
    /// The index in `spans` after the command's last argument.
    spans_end: usize,
}

/// The bytes that a client has sent.
#[derive(Debug, Default)]
pub(crate) struct QueryBuffer {
    /// The memory of the buffer. It stays initialised, so that a read need not clear it.
    bytes: Vec<u8>,
    /// The end of the bytes that the client has sent.
    filled: usize,
    /// The start of the first command that was not taken.
    begin: usize,
    /// Where the parser continues.
    at: usize,
    /// The number of arguments of the incomplete array that have not been parsed.
    missing: usize,
    /// The length of the incomplete bulk string, if its length has been parsed.
    bulk: Option<usize>,
    /// The commands that were found, including those that were taken.
    found: Vec<Found>,
    /// The number of commands in `found` that were taken.
    taken: usize,
    /// The arguments of the commands that were found, and then those of the incomplete one.
    spans: Vec<Span>,
}

impl QueryBuffer {
    /// Returns the number of bytes after the last command that was taken.
    pub(crate) fn len(&self) -> usize {
        self.filled - self.begin
    }

    /// Returns the number of free bytes in the buffer.
    pub(crate) fn spare(&self) -> usize {
        self.bytes.capacity() - self.filled
    }

    /// Returns the size of the buffer in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns the number of arguments of the incomplete command that have arrived, and their total length.
    pub(crate) fn pending_args(&self) -> (usize, usize) {
        let pending = &self.spans[self.spans_end(self.found.len())..];
        (pending.len(), pending.iter().map(|span| span.len).sum())
    }

    /// Returns the number of arguments that the first `found` commands have together.
    fn spans_end(&self, found: usize) -> usize {
        found.checked_sub(1).map_or(0, |last| self.found[last].spans_end)
    }

    /// Reads once. Returns the number of bytes read, which is 0 at the end of the stream, and whether there may
    /// be more to read.
    ///
    /// The memory for a large string is reserved when its length is known. A part of this memory is first
    /// written when its bytes are read, so a client that only claims a length takes no physical memory.
    pub(crate) fn read_from(&mut self, from: &mut impl Read) -> io::Result<(usize, bool)> {
        let needed = self.big_bulk_end().saturating_sub(self.filled);
        let room = if needed > 0 { needed.min(BIG_READ_LEN) } else { READ_LEN };
        if self.bytes.len() - self.filled < room {
            if needed > 0 {
                let more = self.filled + needed - self.bytes.len();
                self.bytes.try_reserve_exact(more).map_err(|_| io::ErrorKind::OutOfMemory)?;
            }
            self.bytes.resize(self.filled + room, 0);
        }
        let read = from.read(&mut self.bytes[self.filled..self.filled + room])?;
        self.filled += read;
        Ok((read, read == room))
    }

    /// Returns the end of the incomplete large string, or 0 if there is none.
    fn big_bulk_end(&self) -> usize {
        self.bulk.filter(|len| *len >= BIG_BULK).map_or(0, |len| self.at + len + 2)
    }

    /// Looks for commands if all commands that were found have been taken. Returns whether there is a command
    /// to take.
    ///
    /// It finds only one command at a time before the client has authenticated, because the limits may change
    /// after this command.
    ///
    /// # Errors
    /// Returns an error if the next bytes are not a command. Commands before such bytes are found first, without
    /// an error.
    pub(crate) fn find(&mut self, limits: RequestLimits) -> Result<bool, ProtocolError> {
        if self.taken < self.found.len() {
            return Ok(true);
        }
        self.spans.drain(..self.spans_end(self.found.len()));
        self.found.clear();
        self.taken = 0;
        let most = if limits.is_authenticated { AHEAD } else { 1 };
        while self.found.len() < most {
            match self.parse(limits) {
                Ok(true) => self.found.push(Found { end: self.at, spans_end: self.spans.len() }),
                Ok(false) => break,
                // The parser has not moved, so the next call finds the error again.
                Err(_) if !self.found.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(!self.found.is_empty())
    }

    /// Takes the next command that was found, whose arguments [`args`](Self::args) then returns. Returns
    /// `false` if all of them were taken.
    pub(crate) fn take(&mut self) -> bool {
        let Some(found) = self.found.get(self.taken) else { return false };
        self.begin = found.end;
        self.taken += 1;
        true
    }

    /// Returns the arguments of the command that was taken last. An empty line and an empty array have no
    /// arguments.
    pub(crate) fn args(&self) -> Args<'_> {
        self.args_of(self.taken.saturating_sub(1))
    }

    fn args_of(&self, index: usize) -> Args<'_> {
        Args::new(&self.bytes, &self.spans[self.spans_end(index)..self.spans_end(index + 1)])
    }

    /// Returns the arguments of the commands that were found and not taken.
    pub(crate) fn ahead(&self) -> impl ExactSizeIterator<Item = Args<'_>> {
        (self.taken..self.found.len()).map(|index| self.args_of(index))
    }

    /// Parses the rest of a command. Returns `false` if the command is incomplete.
    fn parse(&mut self, limits: RequestLimits) -> Result<bool, ProtocolError> {
        if self.missing == 0 {
            match self.bytes[..self.filled].get(self.at) {
                None => return Ok(false),
                Some(b'*') => {
                    if !self.parse_array_len(limits)? {
                        return Ok(false);
                    }
                }
                Some(_) => return self.parse_inline(),
            }
        }
        while self.missing > 0 {
            if !self.parse_bulk(limits)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes the commands that were taken, if they have at least as many bytes as the rest. So no more bytes
    /// are moved than removed, even if the client blocks after each of many commands.
    pub(crate) fn compact(&mut self) {
        if self.begin == 0 || self.begin < self.len() {
            return;
        }
        let spans = self.spans_end(self.taken);
        self.spans.drain(..spans);
        self.found.drain(..self.taken);
        self.taken = 0;
        let begin = std::mem::take(&mut self.begin);
        self.bytes.copy_within(begin..self.filled, 0);
        self.filled -= begin;
        self.at -= begin;
        self.spans.iter_mut().for_each(|span| span.start -= begin);
        for found in &mut self.found {
            found.end -= begin;
            found.spans_end -= spans;
        }
    }

    /// Frees unused memory beyond `capacity` bytes. It does not free the memory that is reserved for an
    /// incomplete large string.
    pub(crate) fn shrink(&mut self, capacity: usize) {
        let kept = capacity.max(self.filled).max(self.big_bulk_end());
        if self.bytes.capacity() > kept {
            self.bytes.truncate(kept);
            self.bytes.shrink_to(kept);
        }
        if self.len() == 0 && self.spans.capacity() > SPANS {
            self.spans.clear();
            self.spans.shrink_to(SPANS);
        }
    }

    /// Returns the line at the parser's position without its `\n`, or `None` if the line is incomplete.
    fn line(&self) -> Option<&[u8]> {
        let rest = &self.bytes[self.at..self.filled];
        memchr::memchr(b'\n', rest).map(|end| &rest[..end])
    }

    /// Parses a line that begins with `*` or `$`. Returns the number in it and the length of the line with its
    /// end. The number is `None` if the text is not an integer. Returns `None` if the line is incomplete.
    fn number(&self) -> Option<(Option<i64>, usize)> {
        // Most numbers are short, so the loop parses them without a search for the end of the line.
        let rest = self.bytes.get(self.at + 1..self.filled)?;
        let mut number = 0;
        for (digits, byte) in rest.iter().take(SHORT_NUMBER + 1).enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                let is_whole = *byte == b'\r' && rest.get(digits + 1) == Some(&b'\n');
                if is_whole && (digits == 1 || digits > 1 && rest[0] != b'0') {
                    return Some((Some(number), digits + 3));
                }
                break;
            }
            number = number * 10 + i64::from(digit);
        }
        let line = self.line()?;
        let digits = line[1..].strip_suffix(b"\r").unwrap_or(&line[1..]);
        Some((values::Element::Bytes(digits).as_i64(), line.len() + 1))
    }

    fn parse_array_len(&mut self, limits: RequestLimits) -> Result<bool, ProtocolError> {
        let Some((number, len)) = self.number() else {
            let is_long = self.filled - self.at > LINE_MAX;
            return if is_long { Err(ProtocolError::TooBigMultibulkCount) } else { Ok(false) };
        };
        let number = number.filter(|number| *number <= i32::MAX.into());
        let number = number.ok_or(ProtocolError::MultibulkLength)?;
        if number > UNAUTHENTICATED_ARGS && !limits.is_authenticated {
            return Err(ProtocolError::UnauthenticatedMultibulk);
        }
        self.at += len;
        self.missing = number.max(0) as usize;
        Ok(true)
    }

    fn parse_bulk(&mut self, limits: RequestLimits) -> Result<bool, ProtocolError> {
        let len = match self.bulk {
            Some(len) => len,
            None => {
                match self.bytes[..self.filled].get(self.at) {
                    None => return Ok(false),
                    Some(b'$') => {}
                    Some(other) => return Err(ProtocolError::ExpectedDollar(*other)),
                }
                let Some((number, line_len)) = self.number() else {
                    let is_long = self.filled - self.at > LINE_MAX;
                    return if is_long { Err(ProtocolError::TooBigBulkCount) } else { Ok(false) };
                };
                let number = number.filter(|number| *number >= 0).ok_or(ProtocolError::BulkLength)?;
                if number as u64 > limits.proto_max_bulk_len as u64 {
                    return Err(ProtocolError::BulkLength);
                }
                if number > UNAUTHENTICATED_BULK && !limits.is_authenticated {
                    return Err(ProtocolError::UnauthenticatedBulk);
                }
                self.at += line_len;
                self.bulk = Some(number as usize);
                number as usize
            }
        };
        if self.filled - self.at < len + 2 {
            return Ok(false);
        }
        self.spans.push(Span { start: self.at, len });
        self.at += len + 2;
        self.bulk = None;
        self.missing -= 1;
        Ok(true)
    }

    /// Parses an inline command. The words overwrite the line, because quoted words differ from their text.
    fn parse_inline(&mut self) -> Result<bool, ProtocolError> {
        let Some(line) = self.line() else {
            let is_long = self.filled - self.at > LINE_MAX;
            return if is_long { Err(ProtocolError::TooBigInline) } else { Ok(false) };
        };
        let len = line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let words = sds::split_args(line).map_err(|_| ProtocolError::UnbalancedQuotes)?;
        let mut to = self.at;
        for word in &words {
            // A word is never longer than its text in the line.
            self.bytes[to..to + word.len()].copy_from_slice(word);
            self.spans.push(Span { start: to, len: word.len() });
            to += word.len();
        }
        self.at += len;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
