//! The line syntax of redis-cli and of configuration files.
//!
//! ```text
//! line      = blank* ( argument ( blank+ argument )* )? blank*
//! argument  = ( any byte but blanks and quotes )* quoted?         not empty
//! quoted    = '"' ( escape | any byte but '"' )* '"'              then a blank or the end
//!           | "'" ( "\'"   | any byte but "'" )* "'"              then a blank or the end
//! escape    = "\n" "\r" "\t" "\a" "\b" | "\x" hex hex | "\" any   the last one: the byte itself
//! blank     = space, tab, line feed, vertical tab, form feed, carriage return
//! ```
//!
//! Every line of bytes either can be split or has an error with its offset. A zero byte is an ordinary byte;
//! the C function takes a C string and ends there. All blanks end plain text. In C, a vertical tab or form
//! feed ends it only after a quote.

use crate::Sds;
use crate::error::SplitArgsError;
use core::iter::FusedIterator;

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Splits a line into its arguments and resolves quotes and escapes. In C: `sdssplitargs`.
///
/// The list is a `Vec` of the global allocator. [`Args`] is the same as an iterator.
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

/// An iterator over the arguments of a line. It ends after an error.
#[derive(Clone, Debug)]
pub struct Args<'a> {
    line: &'a [u8],
    /// The offset of the next byte.
    at: usize,
}

impl<'a> Args<'a> {
    /// Creates an iterator that starts at the beginning of `line`. Nothing is read yet.
    pub fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// Moves past the bytes for which `wanted` is true, and returns them.
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
        // A blank ends the argument. So does a quoted part, because only a blank may follow it.
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

    /// Appends the text between the quote at `self.at` and its closing quote, and moves past the latter.
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

/// Returns the byte that a backslash and `tail` represent, and how many bytes of the line they take.
fn unescape(tail: &[u8]) -> (u8, usize) {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    if let [b'x', high, low, ..] = tail
        && let (Some(high), Some(low)) = (digit(*high), digit(*low))
    {
        return (high << 4 | low, 4);
    }
    match tail {
        [] => (b'\\', 1), // the quote is unbalanced; the caller reports that
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
