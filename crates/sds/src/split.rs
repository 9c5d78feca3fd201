//! Splits strings at a separator, and joins them.

use crate::Sds;
use core::iter::FusedIterator;
use memchr::memmem::Finder;
use zmalloc::{ReserveError, or_oom};

/// Returns an iterator over the pieces of `bytes` between separators, as slices of `bytes`. In C:
/// `sdssplitlen`.
///
/// `n` separators give `n + 1` pieces, including empty ones. An empty string has no pieces, and an empty
/// separator is never found. [`join`] is the reverse. All pieces together take O(n), and the memory does not
/// depend on the length of `bytes`.
///
/// ```
/// let pieces: Vec<_> = sds::split(b"foo_-_bar_-_", b"_-_").collect();
/// assert_eq!(pieces, [&b"foo"[..], b"bar", b""]);
/// ```
pub fn split<'a>(bytes: &'a [u8], separator: &'a [u8]) -> Split<'a> {
    let rest = if bytes.is_empty() { None } else { Some(bytes) };
    Split { rest, finder: Finder::new(separator) }
}

/// The iterator that [`split`] returns.
#[derive(Clone, Debug)]
pub struct Split<'a> {
    /// The bytes after the last returned piece, or `None` after the end.
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

/// Joins the parts, with `separator` between them. Allocates once. O(n) in the length of the result. In C:
/// `sdsjoin`, `sdsjoinsds`.
///
/// ```
/// assert_eq!(sds::join(&["a", "b", "c"], b", "), "a, b, c");
/// ```
pub fn join<T: AsRef<[u8]>>(parts: &[T], separator: &[u8]) -> Sds {
    or_oom(try_join(parts, separator))
}

/// The fallible form of [`join`].
pub fn try_join<T: AsRef<[u8]>>(parts: &[T], separator: &[u8]) -> Result<Sds, ReserveError> {
    let between = separator.len().saturating_mul(parts.len().saturating_sub(1));
    let total = parts.iter().fold(between, |sum, part| sum.saturating_add(part.as_ref().len()));
    let mut joined = Sds::try_with_capacity(total)?;
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            joined.try_push_bytes(separator)?;
        }
        // If `as_ref` returns another slice the second time, the string grows.
        joined.try_push_bytes(part.as_ref())?;
    }
    Ok(joined)
}
