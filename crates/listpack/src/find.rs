//! Finding an entry by its bytes: what a small hash or set does for each field.
//!
//! ```text
//!  for each entry:   a short string:   the first byte tells the length; another length, another string.
//!                                      Then the last eight bytes, where names with a common prefix differ; then all.
//!                    a long string:    length, then all.
//!                    an integer:       the needle's integer, which is parsed when the first integer is met.
//! ```

use crate::entry;
use crate::integer;
use crate::list::{ListPack, Offset};
use crate::value::Value;

impl ListPack {
    /// The first entry from `from` on that equals `needle`; after each comparison `skip` entries are passed by, so that with
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
        let body = self.body();
        let head = entry::short_string_head(needle.len());
        let mut number = None;
        let mut at = from.at();
        loop {
            let first = *body.get(at)?;
            let mut next = if let Some(len) = entry::short_string_len(first) {
                let bytes = body.get(at + 1..at + 1 + len)?;
                if Some(first) == head && same(bytes, needle) {
                    return Some(Offset::new(at));
                }
                at + len + 2
            } else {
                if matches(body, at, first, needle, &mut number) {
                    return Some(Offset::new(at));
                }
                entry::skip(body, at)?
            };
            for _ in 0..skip {
                next = entry::skip(body, next)?;
            }
            at = next;
        }
    }
}

/// Whether two strings of one length are the same: mostly they are not, and that is to be said without a call.
#[inline]
fn same(bytes: &[u8], needle: &[u8]) -> bool {
    if let (Some(one), Some(other)) = (bytes.last_chunk::<8>(), needle.last_chunk::<8>()) {
        return one == other && bytes == needle;
    }
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
