//! Strings as text that a person can read and [`split_args`](crate::split_args) can read back.
//!
//! The text is in double quotes. Printable ASCII stays as it is. Other bytes are written as
//! `\\ \" \n \r \t \a \b` or as `\xhh`. The text identifies every byte, so `Display` and `Debug` of an
//! [`Sds`] write it too. redis-cli and the logs of Redis show the same text.

use crate::Sds;
use core::fmt;
use zmalloc::{ReserveError, or_oom};

/// Returns whether a byte is written as itself between the quotes.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

/// Returns the text for a byte that is not plain, and the length of that text.
fn escape(byte: u8) -> ([u8; 4], usize) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x07 => b'a',
        0x08 => b'b',
        _ => return ([b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]], 4),
    };
    ([b'\\', letter, 0, 0], 2)
}

/// Passes the representation to `write` in pieces. Every piece is ASCII.
fn write_repr<E>(bytes: &[u8], mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    write(b"\"")?;
    let mut rest = bytes;
    loop {
        let plain = rest.iter().position(|byte| !is_plain(*byte)).unwrap_or(rest.len());
        write(&rest[..plain])?;
        let Some((special, tail)) = rest[plain..].split_first() else { break };
        let (text, len) = escape(*special);
        write(&text[..len])?;
        rest = tail;
    }
    write(b"\"")
}

/// Returns the length of the representation in bytes.
fn repr_len(bytes: &[u8]) -> usize {
    let escaped = |byte: &u8| if is_plain(*byte) { 1 } else { escape(*byte).1 };
    bytes.iter().map(escaped).fold(2, usize::saturating_add)
}

/// Returns whether `bytes` should be quoted.
///
/// If the result is `false`, [`split_args`](crate::split_args) reads the plain bytes on a line back as one
/// argument. The result is `true` also for bytes that a person could not read, such as unprintable ones and
/// the backslash.
///
/// O(n). In C: `sdsneedsrepr`, which returns `false` for a single quote and for the empty string.
///
/// ```
/// assert!(!sds::needs_repr(b"user:1000"));
/// assert!(sds::needs_repr(b"two words"));
/// assert!(sds::needs_repr(b"it's"));
/// ```
pub fn needs_repr(bytes: &[u8]) -> bool {
    bytes.is_empty() || bytes.iter().any(|byte| !is_plain(*byte) || matches!(byte, b' ' | b'\''))
}

impl Sds {
    /// Appends `bytes` in quotes and escapes everything unprintable. O(n). Allocates at most once. In C:
    /// `sdscatrepr`.
    ///
    /// ```
    /// let mut s = sds::Sds::from("key=");
    /// s.push_repr(b"a\x00b\n\"c\"");
    /// assert_eq!(s, r#"key="a\x00b\n\"c\"""#);
    /// ```
    pub fn push_repr(&mut self, bytes: &[u8]) {
        or_oom(self.try_push_repr(bytes));
    }

    /// The fallible form of [`push_repr`](Self::push_repr). After an error the string is unchanged.
    pub fn try_push_repr(&mut self, bytes: &[u8]) -> Result<(), ReserveError> {
        self.try_make_room_for(repr_len(bytes))?;
        write_repr(bytes, |piece| self.try_push_bytes(piece))
    }
}

/// Writes the representation of [`Sds::push_repr`].
impl fmt::Display for Sds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every piece is ASCII, so the conversion neither loses nor copies bytes.
        write_repr(self, |piece| f.write_str(&String::from_utf8_lossy(piece)))
    }
}

/// Writes the representation of [`Sds::push_repr`].
impl fmt::Debug for Sds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
