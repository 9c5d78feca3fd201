//! Taking strings apart at a separator, and putting them together.

use crate::Sds;
use core::iter::FusedIterator;
use memchr::memmem::Finder;
use zmalloc::{ReserveError, or_oom};

/// The pieces of `bytes` between separators, as slices of it. In C: `sdssplitlen`.
///
/// `n` separators make `n + 1` pieces, empty ones included; but an empty string has no pieces, and an empty
/// separator is found nowhere. [`join`] is the reverse. O(n) over all pieces; allocates nothing that grows with
/// the string.
///
/// ```
/// let pieces: Vec<_> = sds::split(b"foo_-_bar_-_", b"_-_").collect();
/// assert_eq!(pieces, [&b"foo"[..], b"bar", b""]);
/// ```
pub fn split<'a>(bytes: &'a [u8], separator: &'a [u8]) -> Split<'a> {
    let rest = if bytes.is_empty() { None } else { Some(bytes) };
    Split { rest, finder: Finder::new(separator) }
}

/// The iterator of [`split`].
#[derive(Clone, Debug)]
pub struct Split<'a> {
    /// What no piece was made of yet; `None` after the last piece.
    rest: Option<&'a [u8]>,
    finder: Finder<'a>,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let separator_len = self.finder.needle().len();
        let found = if separator_len == 0 { None } else { self.finder.find(rest) };
        let Some(at) = found else { return Some(rest) };
        self.rest = Some(&rest[at + separator_len..]);
        Some(&rest[..at])
    }
}

impl FusedIterator for Split<'_> {}

/// The parts one after the other, with `separator` between them; one allocation. In C: `sdsjoin`,
/// `sdsjoinsds`.
///
/// ```
/// assert_eq!(sds::join(&["a", "b", "c"], b", "), "a, b, c");
/// ```
pub fn join<T: AsRef<[u8]>>(parts: &[T], separator: &[u8]) -> Sds {
    or_oom(try_join(parts, separator))
}

/// [`join`] that answers an error.
pub fn try_join<T: AsRef<[u8]>>(parts: &[T], separator: &[u8]) -> Result<Sds, ReserveError> {
    let between = separator.len().saturating_mul(parts.len().saturating_sub(1));
    let total = parts.iter().fold(between, |sum, part| sum.saturating_add(part.as_ref().len()));
    let mut joined = Sds::try_with_capacity(total)?;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            joined.try_push_bytes(separator)?;
        }
        // An `as_ref` that answers another slice the second time makes the string grow, no more.
        joined.try_push_bytes(part.as_ref())?;
    }
    Ok(joined)
}
