//! The line syntax of redis-cli and of configuration files.
//!
//! ```text
//! line      = blank* ( argument ( blank+ argument )* )? blank*
//! argument  = ( any byte but blank and quotes )* quoted?          not empty
//! quoted    = '"' ( escape | any byte but '"' )* '"'              then blank or end
//!           | "'" ( "\'"   | any byte but "'" )* "'"              then blank or end
//! escape    = "\n" "\r" "\t" "\a" "\b" | "\x" hex hex | "\" any   the last: that byte itself
//! blank     = space, tab, line feed, vertical tab, form feed, carriage return
//! ```
//!
//! Every line of bytes either splits or has an error with its offset. A zero byte is a byte like others; the
//! C function, which takes a C string, ends there. All blanks end plain text; in C vertical tab and form feed
//! do so only behind a quote.

use crate::Sds;
use crate::error::SplitArgsError;
use core::iter::FusedIterator;

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The arguments of a line, quotes and escapes resolved. In C: `sdssplitargs`.
///
/// The list itself is a plain `Vec`; [`Args`] is the same without it.
///
/// ```
/// use sds::{SplitArgsError, split_args};
/// let args = split_args(br#"SET "my key" 'it\'s' "\x41\n""#)?;
/// assert_eq!(args, ["SET", "my key", "it's", "A\n"]);
/// assert_eq!(split_args(b"GET \"open"), Err(SplitArgsError::UnbalancedQuotes { offset: 4 }));
/// # Ok::<(), SplitArgsError>(())
/// ```
pub fn split_args(line: &[u8]) -> Result<Vec<Sds>, SplitArgsError> {
    Args::new(line).collect()
}

/// The arguments of a line one by one; after an error there are no more.
#[derive(Clone, Debug)]
pub struct Args<'a> {
    line: &'a [u8],
    /// The offset of the next byte to look at.
    at: usize,
}

impl<'a> Args<'a> {
    /// Starts at the beginning of `line`. Nothing is read yet.
    pub fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// Moves past the bytes that `wanted` holds for, and returns them.
    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.line[self.at..];
        let taken = &rest[..rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    fn argument(&mut self) -> Result<Sds, SplitArgsError> {
        let plain = self.take_while(|byte| !is_blank(byte) && byte != b'"' && byte != b'\'');
        let mut argument = Sds::try_with_capacity(plain.len())?;
        argument.try_push_bytes(plain)?;
        // A blank ends the argument, and so does a quoted part, which nothing but a blank may follow.
        if let Some(&quote @ (b'"' | b'\'')) = self.line.get(self.at) {
            self.quoted(quote, &mut argument)?;
            if let Some(next) = self.line.get(self.at)
                && !is_blank(*next)
            {
                return Err(SplitArgsError::TextAfterQuote { offset: self.at });
            }
        }
        Ok(argument)
    }

    /// Appends what stands between the quote at `self.at` and its partner, and moves past that.
    fn quoted(&mut self, quote: u8, argument: &mut Sds) -> Result<(), SplitArgsError> {
        let unbalanced = SplitArgsError::UnbalancedQuotes { offset: self.at };
        self.at += 1;
        loop {
            argument.try_push_bytes(self.take_while(|byte| byte != quote && byte != b'\\'))?;
            let (byte, len) = match &self.line[self.at..] {
                [] => return Err(unbalanced),
                [b'\\', tail @ ..] if quote == b'"' => unescape(tail),
                [b'\\', b'\'', ..] => (b'\'', 2),
                [b'\\', ..] => (b'\\', 1),
                _ => {
                    self.at += 1;
                    return Ok(());
                }
            };
            argument.try_push(byte)?;
            self.at += len;
        }
    }
}

/// The byte that a backslash and `tail` stand for, and how many bytes of the line they take.
fn unescape(tail: &[u8]) -> (u8, usize) {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    if let [b'x', high, low, ..] = tail
        && let (Some(high), Some(low)) = (digit(*high), digit(*low))
    {
        return (high << 4 | low, 4);
    }
    match tail {
        [] => (b'\\', 1), // the quote is unbalanced, which the caller finds next
        [b'n', ..] => (b'\n', 2),
        [b'r', ..] => (b'\r', 2),
        [b't', ..] => (b'\t', 2),
        [b'a', ..] => (0x07, 2),
        [b'b', ..] => (0x08, 2),
        [byte, ..] => (*byte, 2),
    }
}

impl Iterator for Args<'_> {
    type Item = Result<Sds, SplitArgsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.take_while(is_blank);
        if self.at == self.line.len() {
            return None;
        }
        let argument = self.argument();
        if argument.is_err() {
            self.at = self.line.len();
        }
        Some(argument)
    }
}

impl FusedIterator for Args<'_> {}
