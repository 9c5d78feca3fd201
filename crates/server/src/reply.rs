//! [`Reply`]: what a client will be sent, and how replies are written in RESP2 and RESP3.
//!
//! Replies are appended to one buffer. A large string is not copied into it: the reply holds a reference to
//! the string's block, and the socket reads from there.
//!
//! ```text
//!  bytes   | $4\r\nabcd\r\n:1\r\n$100000\r\n | \r\n+OK\r\n |
//!                                            ^
//!  lent                                 (offset, block of 100,000 bytes)
//! ```
//!
//! A reply knows the hard limit of `client-output-buffer-limit`. What is written after the limit is passed has no
//! effect, and the client is closed. Commands whose number of elements the client chooses stop when
//! [`is_over_limit`](Reply::is_over_limit) says so.

use crate::numbers::format_double;
use bytes::Bytes;
use keyspace::StringRef;
use std::collections::VecDeque;
use std::io::{self, IoSlice, Write};
use values::Element;

/// A string of at least this many bytes is not copied into the buffer.
const LENT_MIN: usize = 16 * 1_024;
/// The most pieces that are written at once.
const SLICES: usize = 64;
/// The bytes of a reply that do not count towards `client-output-buffer-limit` before the socket has had a chance
/// to take them. In C: the buffer in the client, `PROTO_REPLY_CHUNK_BYTES`.
pub(crate) const CHUNK: usize = 16 * 1_024;
/// An empty buffer of more bytes is given back.
const KEPT_CAPACITY: usize = 64 * 1_024;

/// The version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// The default.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

/// A place in the reply where a length will be written.
#[derive(Debug)]
#[must_use]
pub(crate) struct Deferred {
    offset: usize,
    lent: usize,
}

/// A moment that the reply can return to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    len: usize,
    lent: usize,
    is_over_limit: bool,
}

/// The bytes that a client will be sent.
#[derive(Debug)]
pub(crate) struct Reply {
    bytes: Vec<u8>,
    /// Large strings, and the offsets in `bytes` at which they are sent.
    lent: VecDeque<(usize, Bytes)>,
    /// How many of the bytes have been sent.
    sent: usize,
    /// The bytes of all strings in `lent`.
    lent_len: usize,
    protocol: Protocol,
    /// The most bytes that may wait to be sent.
    limit: usize,
    /// Whether more bytes than `limit` have waited. The rest of them is missing.
    is_over_limit: bool,
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            lent: VecDeque::new(),
            sent: 0,
            lent_len: 0,
            protocol: Protocol::default(),
            limit: usize::MAX,
            is_over_limit: false,
        }
    }
}

impl Reply {
    /// Returns the version of the protocol.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Changes the version of the protocol.
    pub(crate) fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// Returns the number of bytes that have not been sent.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.sent + self.lent_len
    }

    /// Returns whether all bytes have been sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len() && self.lent.is_empty()
    }

    /// Returns the bytes of memory that the reply holds.
    pub(crate) fn allocation_size(&self) -> usize {
        self.bytes.capacity() + self.lent_len
    }

    /// Returns an empty reply for what is sent after this one, in the same protocol and with the same limit.
    pub(crate) fn next(&self) -> Self {
        Self { protocol: self.protocol, limit: self.limit, ..Self::default() }
    }

    /// Sets the number of bytes that may wait to be sent, or no limit if it is 0. A [`CHUNK`] more is allowed.
    pub(crate) fn set_limit(&mut self, hard: usize) {
        self.limit = if hard == 0 { usize::MAX } else { hard.saturating_add(CHUNK) };
    }

    /// Returns whether the reply has passed its limit, so that the client is to be closed. Nothing more is written.
    /// In C: `checkClientOutputBufferLimits`, after each append.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.is_over_limit
    }

    /// Returns the present end.
    pub(crate) fn mark(&self) -> Mark {
        Mark { len: self.bytes.len(), lent: self.lent.len(), is_over_limit: self.is_over_limit }
    }

    /// Removes everything that was written after a mark.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.bytes.truncate(mark.len);
        for (_, string) in self.lent.drain(mark.lent..) {
            self.lent_len -= string.len();
        }
        self.is_over_limit = mark.is_over_limit;
    }

    /// Appends bytes that are already a reply, unless the limit is passed.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        if !self.is_over_limit {
            self.bytes.extend_from_slice(bytes);
            self.is_over_limit = self.len() > self.limit;
        }
    }

    /// Appends another reply, of which nothing has been sent.
    pub(crate) fn append(&mut self, other: Self) {
        if self.is_over_limit {
            return;
        }
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.lent.extend(other.lent.into_iter().map(|(at, string)| (offset + at, string)));
        self.lent_len += other.lent_len;
        self.is_over_limit = other.is_over_limit || self.len() > self.limit;
    }

    fn head(&mut self, kind: u8, number: i64) {
        if self.is_over_limit {
            return;
        }
        self.bytes.push(kind);
        self.bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        self.raw(b"\r\n");
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        if self.is_over_limit {
            return;
        }
        self.bytes.push(kind);
        // A line ends at its first line break, so there must be none in the text.
        self.bytes.extend(text.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }));
        self.raw(b"\r\n");
    }

    /// Writes `+OK`.
    pub(crate) fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// Writes a short text.
    pub(crate) fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// Writes an error. The text begins with its code, such as `ERR`.
    pub(crate) fn error(&mut self, text: &[u8]) {
        self.line(b'-', text);
    }

    /// Writes an integer.
    pub(crate) fn integer(&mut self, number: i64) {
        self.head(b':', number);
    }

    /// Writes a number of elements or of bytes.
    pub(crate) fn count(&mut self, number: usize) {
        self.integer(i64::try_from(number).unwrap_or(i64::MAX));
    }

    /// Writes 1 or 0.
    pub(crate) fn flag(&mut self, is_set: bool) {
        self.integer(is_set.into());
    }

    /// Writes a string.
    pub(crate) fn bulk(&mut self, bytes: &[u8]) {
        if self.is_over_limit {
            return;
        }
        self.bytes.reserve(bytes.len() + 24);
        self.head(b'$', bytes.len() as i64);
        self.bytes.extend_from_slice(bytes);
        self.raw(b"\r\n");
    }

    /// Writes an element of a collection as a string.
    pub(crate) fn element(&mut self, element: Element<'_>) {
        self.bulk(&element.text());
    }

    /// Writes the value of a key. A large one is not copied.
    pub(crate) fn string(&mut self, string: StringRef<'_>) -> Result<(), values::ReserveError> {
        if self.is_over_limit {
            return Ok(());
        }
        let len = string.len();
        self.head(b'$', len as i64);
        if len < LENT_MIN {
            string.append_to(&mut self.bytes)?;
        } else {
            let block = string.to_bytes();
            self.lent_len += block.len();
            self.lent.push_back((self.bytes.len(), block));
        }
        self.raw(b"\r\n");
        Ok(())
    }

    /// Writes the absence of a value.
    pub(crate) fn null(&mut self) {
        self.raw(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// Writes the absence of an array.
    pub(crate) fn null_array(&mut self) {
        self.raw(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// Begins an array of `len` elements.
    pub(crate) fn array(&mut self, len: usize) {
        self.head(b'*', len as i64);
    }

    /// Begins a map of `len` pairs. In RESP2, it is an array of twice as many elements.
    pub(crate) fn map(&mut self, len: usize) {
        if self.is_resp3() { self.head(b'%', len as i64) } else { self.head(b'*', 2 * len as i64) }
    }

    /// Begins a set of `len` elements. In RESP2, it is an array.
    pub(crate) fn set(&mut self, len: usize) {
        self.head(if self.is_resp3() { b'~' } else { b'*' }, len as i64);
    }

    /// Begins a message of `len` parts that no command has asked for. In RESP2, it is an array.
    pub(crate) fn push(&mut self, len: usize) {
        self.head(if self.is_resp3() { b'>' } else { b'*' }, len as i64);
    }

    /// Begins the pairs of a reply that RESP3 nests: an array of `len` arrays of two elements. In RESP2, it
    /// is one array of all elements; then [`pair`](Self::pair) writes nothing.
    pub(crate) fn pairs(&mut self, len: usize) {
        self.array(if self.is_resp3() { len } else { 2 * len });
    }

    /// Begins a pair of [`pairs`](Self::pairs).
    pub(crate) fn pair(&mut self) {
        if self.is_resp3() {
            self.array(2);
        }
    }

    /// Writes a number. In RESP2, it is a string.
    pub(crate) fn double(&mut self, number: f64) {
        let text = format_double(number);
        if self.is_resp3() { self.line(b',', text.as_bytes()) } else { self.bulk(text.as_bytes()) }
    }

    /// Writes yes or no. In RESP2, it is 1 or 0.
    pub(crate) fn boolean(&mut self, value: bool) {
        if self.is_resp3() {
            self.raw(if value { b"#t\r\n" } else { b"#f\r\n" });
        } else {
            self.flag(value);
        }
    }

    /// Writes a text for people. In RESP2, it is a string.
    pub(crate) fn verbatim(&mut self, text: &[u8]) {
        if self.is_resp3() {
            self.head(b'=', text.len() as i64 + 4);
            self.raw(b"txt:");
            self.raw(text);
            self.raw(b"\r\n");
        } else {
            self.bulk(text);
        }
    }

    /// Notes a place for an array, a map or a set whose length is not yet known.
    pub(crate) fn defer(&mut self) -> Deferred {
        Deferred { offset: self.bytes.len(), lent: self.lent.len() }
    }

    /// Writes the length of an array at its place.
    pub(crate) fn end_array(&mut self, at: Deferred, len: usize) {
        self.end(at, |head| head.array(len));
    }

    /// Writes the length of a map at its place.
    pub(crate) fn end_map(&mut self, at: Deferred, len: usize) {
        self.end(at, |head| head.map(len));
    }

    /// Writes the length of a set at its place.
    pub(crate) fn end_set(&mut self, at: Deferred, len: usize) {
        self.end(at, |head| head.set(len));
    }

    /// Writes the start of the reply of a scan at its place: the next cursor, and the number of the elements.
    pub(crate) fn end_scan(&mut self, at: Deferred, next: u64, len: usize) {
        self.end(at, |head| {
            head.array(2);
            head.bulk(itoa::Buffer::new().format(next).as_bytes());
            head.array(len);
        });
    }

    fn end(&mut self, at: Deferred, write: impl FnOnce(&mut Self)) {
        let mut head = Self { protocol: self.protocol, ..Self::default() };
        write(&mut head);
        let len = head.bytes.len();
        self.bytes.splice(at.offset..at.offset, head.bytes);
        self.lent.range_mut(at.lent..).for_each(|(offset, _)| *offset += len);
    }

    /// Gives the buffer back if all bytes have been sent and it has more than `capacity` bytes.
    pub(crate) fn shrink(&mut self, capacity: usize) {
        if self.is_empty() && self.bytes.capacity() > capacity {
            self.bytes = Vec::new();
        }
    }

    /// Writes as much as the socket takes, and stops after about `limit` bytes. Returns the number of bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if the socket takes no more at present.
    pub(crate) fn write_to(&mut self, to: &mut impl Write, limit: usize) -> io::Result<usize> {
        let mut total = 0;
        while !self.is_empty() && total < limit {
            let written = match self.lent.front() {
                None => to.write(&self.bytes[self.sent..]),
                Some(_) => self.write_pieces(to),
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    total += written;
                    self.advance(written);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && total > 0 => return Ok(total),
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }

    fn write_pieces(&self, to: &mut impl Write) -> io::Result<usize> {
        let mut slices = Vec::with_capacity(SLICES);
        let mut at = self.sent;
        for (offset, string) in self.lent.iter().take(SLICES / 2 - 1) {
            slices.push(IoSlice::new(&self.bytes[at..*offset]));
            slices.push(IoSlice::new(string));
            at = *offset;
        }
        to.write_vectored(&slices)
    }

    /// Removes the first `written` bytes of what is to be sent.
    fn advance(&mut self, mut written: usize) {
        while written > 0 {
            let before_lent = self.lent.front().map_or(self.bytes.len(), |(offset, _)| *offset) - self.sent;
            let of_buffer = written.min(before_lent);
            self.sent += of_buffer;
            written -= of_buffer;
            if written > 0
                && let Some((_, string)) = self.lent.front_mut()
            {
                let of_string = written.min(string.len());
                let _sent = string.split_to(of_string);
                self.lent_len -= of_string;
                written -= of_string;
                if string.is_empty() {
                    self.lent.pop_front();
                }
            }
        }
        // What was sent is removed before it takes more memory than the rest, so each byte moves at most once.
        if self.sent > KEPT_CAPACITY && self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.lent.iter_mut().for_each(|(offset, _)| *offset -= self.sent);
            self.sent = 0;
        }
        if self.is_empty() {
            self.sent = 0;
            self.bytes.clear();
            self.shrink(KEPT_CAPACITY);
        }
    }
}

#[cfg(test)]
mod tests;
