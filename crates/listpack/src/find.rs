//! Finding an entry by its bytes: what a small hash or set does for each field.
//!
//! ```text
//!  for each entry:   a short string:   the first byte tells the length; another length, another string.
//!                                      Then the last eight bytes, where names with a common prefix differ; then all.
//!                    a long string:    length, then all.
//!                    an integer:       the needle's integer, which is parsed when the first integer is met.
//! ```

use crate::entry;
use crate::format::HEADER_LEN;
use crate::integer;
use crate::value::Value;
use crate::view::{Offset, View};

impl View {
    /// The first entry from `from` on that equals `needle`; after each comparison, `skip` entries are skipped, so that with
    /// 1 only the fields of `field, value, field, value` are seen. O(n). In C: `lpFind`.
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

    /// The first entry of all that equals `needle`, found as by [`find`](Self::find), and how many entries it was compared
    /// with before. O(n).
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.extend(["a", "1", "b", "2"]);
    /// assert_eq!(list.position(b"b", 1), list.seek(2).map(|at| (at, 1)));
    /// ```
    #[inline]
    pub fn position(&self, needle: &[u8], skip: usize) -> Option<(Offset, usize)> {
        let (at, passed) = search(self.body(), HEADER_LEN, needle, skip)?;
        Some((Offset::new(at), passed))
    }
}

/// Where the needle is, and how many comparisons failed before.
#[inline]
fn search(body: &[u8], from: usize, needle: &[u8], skip: usize) -> Option<(usize, usize)> {
    match (entry::short_string_head(needle.len()), needle.last_chunk::<8>()) {
        (Some(head), Some(end)) => walk(body, from, needle, skip, Some(head), |start| {
            let to = start + needle.len();
            Some(body.get(to - end.len()..to)? == end && body[start..to] == *needle)
        }),
        (head, _) => walk(body, from, needle, skip, head, |start| {
            Some(same_few(body.get(start..start + needle.len())?, needle))
        }),
    }
}

/// [`search`], with the first byte of the needle if it is a short string, and whether a string as long as it, given its start, is
/// the same; `None` if it is cut off.
///
/// Where the next entry begins is said by a branch where it can be, not by a table: a branch is foreseen, so that the walk does not
/// wait for each entry's first byte to arrive before it goes on to the next one.
#[inline(always)] // once for each `same`
fn walk(
    body: &[u8],
    mut at: usize,
    needle: &[u8],
    skip: usize,
    head: Option<u8>,
    same: impl Fn(usize) -> Option<bool>,
) -> Option<(usize, usize)> {
    let (mut number, mut passed) = (None, 0);
    loop {
        let first = *body.get(at)?;
        if Some(first) == head {
            if same(at + 1)? {
                return Some((at, passed));
            }
            at += needle.len() + 2;
        } else if let Some(len) = entry::short_string_len(first) {
            at += len + 2;
        } else {
            if matches(body, at, first, needle, &mut number) {
                return Some((at, passed));
            }
            at = entry::step(body, at, first)?;
        }
        for _ in 0..skip {
            let first = *body.get(at)?;
            at = if first == entry::DOUBLE { at + 10 } else { entry::step(body, at, first)? };
        }
        passed += 1;
    }
}

/// Whether two strings of one length below eight are the same: mostly they are not, and that is to be said without a call.
#[inline]
fn same_few(bytes: &[u8], needle: &[u8]) -> bool {
    if let (Some(one), Some(other)) = (bytes.last_chunk::<4>(), needle.last_chunk::<4>()) {
        return one == other && bytes.first_chunk::<4>() == needle.first_chunk::<4>();
    }
    bytes.iter().eq(needle) // three at most
}

/// Whether the entry at `at`, which is no short string, equals the needle. `number` is the integer that the needle spells,
/// once it is known whether it does.
#[inline]
fn matches(body: &[u8], at: usize, first: u8, needle: &[u8], number: &mut Option<Option<i64>>) -> bool {
    match entry::int(body, at, first) {
        Some(value) => *number.get_or_insert_with(|| integer::parse(needle)) == Some(value),
        None => matches!(entry::value_long(body, at, first), Some(Value::Str(bytes)) if bytes == needle),
    }
}
