//! Finding an entry by its bytes. A small hash or set does this for each access to a field or member.
//!
//! The simple version is:
//!
//! ```text
//! at = from
//! loop {
//!     value = the value of the entry at `at`, or return None if there is no entry
//!     if value == needle { return at }
//!     at = the position after this entry and after the next `skip` entries
//! }
//! ```
//!
//! The test `find_is_a_linear_search_for_the_text` compares the code with this version on a vector. The code
//! differs from it in five points:
//!
//! 1. It compares the first byte before anything else. The first byte of a short string contains the length,
//!    so a string of another length is rejected by one comparison.
//! 2. It compares the last eight bytes of a short string before the others, because names often have a common
//!    prefix (`user:1000:name`). A needle of less than eight bytes is compared without a call ([`short_eq`]).
//! 3. It compares integers as integers. The needle is parsed at most once, when the search reaches the first integer.
//! 4. It computes the position of the next entry after a *branch* on the first byte, and not with a table.
//!    The position depends on a byte that must be loaded first. A processor predicts the branch and starts
//!    the loads of the next entries meanwhile. With a table, each load would wait for the one before.
//! 5. It does not decode the entries that it skips.

use crate::entry;
use crate::format::HEADER_LEN;
use crate::integer;
use crate::value::Value;
use crate::view::{Offset, View};

impl View {
    /// Returns the first entry that equals `needle`, at `from` or after it. O(n). In C: `lpFind`.
    ///
    /// After each comparison, `skip` entries are skipped. So with a `skip` of 1, only the fields of
    /// `field, value, field, value` are compared.
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// for text in ["one", "1", "1", "one"] {
    ///     list.push_back(text);
    /// }
    /// let first = list.first().unwrap();
    /// assert_eq!(list.find(first, b"1", 0), list.seek(1));
    /// assert_eq!(list.find(first, b"1", 1), list.seek(2));
    /// ```
    #[inline]
    pub fn find(&self, from: Offset, needle: &[u8], skip: usize) -> Option<Offset> {
        Some(Offset::new(search(self.body(), from.at(), needle, skip)?.0))
    }

    /// Returns the first entry of the list that equals `needle`, as [`find`](Self::find) does, and how many
    /// entries were compared before it. O(n).
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.extend(["a", "1", "b", "2"]);
    /// assert_eq!(list.position(b"b", 1), list.seek(2).map(|at| (at, 1)));
    /// ```
    #[inline]
    pub fn position(&self, needle: &[u8], skip: usize) -> Option<(Offset, usize)> {
        let (at, index) = search(self.body(), HEADER_LEN, needle, skip)?;
        Some((Offset::new(at), index))
    }
}

/// Returns the position of the needle, and how many entries were compared before it.
#[inline]
fn search(body: &[u8], from: usize, needle: &[u8], skip: usize) -> Option<(usize, usize)> {
    match (entry::short_string_head(needle.len()), needle.last_chunk::<8>()) {
        (Some(head), Some(end)) => search_with(body, from, needle, skip, Some(head), |start| {
            let to = start + needle.len();
            Some(body.get(to - end.len()..to)? == end && body[start..to] == *needle)
        }),
        (head, _) => search_with(body, from, needle, skip, head, |start| {
            Some(short_eq(body.get(start..start + needle.len())?, needle))
        }),
    }
}

/// The loop of [`search`].
///
/// `head` is the first byte of an entry that stores the needle as a short string, or `None` if the needle is too long
/// for that. `eq` gets the position where the data of a string as long as the needle begins. It returns whether the
/// data equals the needle, or `None` if the data is cut off.
///
/// Point 4 of the module's documentation explains the branches on `first`.
#[inline(always)] // into `search`, once for each `eq`
fn search_with(
    body: &[u8],
    mut at: usize,
    needle: &[u8],
    skip: usize,
    head: Option<u8>,
    eq: impl Fn(usize) -> Option<bool>,
) -> Option<(usize, usize)> {
    let (mut number, mut index) = (None, 0);
    loop {
        let first = *body.get(at)?;
        if Some(first) == head {
            if eq(at + 1)? {
                return Some((at, index));
            }
            at += needle.len() + 2;
        } else if let Some(len) = entry::short_string_len(first) {
            at += len + 2;
        } else {
            if matches(body, at, first, needle, &mut number) {
                return Some((at, index));
            }
            at = entry::step(body, at, first)?;
        }
        for _ in 0..skip {
            let first = *body.get(at)?;
            at = if first == entry::DOUBLE { at + 10 } else { entry::step(body, at, first)? };
        }
        index += 1;
    }
}

/// Returns whether two strings of the same length, which is less than eight bytes, are equal.
///
/// Most strings differ, so this is inline code and not a call of `memcmp`. For four to seven bytes, the first
/// four and the last four overlap and cover all bytes.
#[inline]
fn short_eq(bytes: &[u8], needle: &[u8]) -> bool {
    if let (Some(one), Some(other)) = (bytes.last_chunk::<4>(), needle.last_chunk::<4>()) {
        return one == other && bytes.first_chunk::<4>() == needle.first_chunk::<4>();
    }
    bytes.iter().eq(needle) // at most three bytes
}

/// Returns whether the entry at `at`, which is not a short string, equals the needle. `number` caches the
/// result of parsing the needle as an integer.
#[inline]
fn matches(body: &[u8], at: usize, first: u8, needle: &[u8], number: &mut Option<Option<i64>>) -> bool {
    match entry::int(body, at, first) {
        Some(value) => *number.get_or_insert_with(|| integer::parse(needle)) == Some(value),
        None => matches!(entry::value_long(body, at, first), Some(Value::Str(bytes)) if bytes == needle),
    }
}
