//! Finding an entry by its bytes: what a small hash or set does for each field.
//!
//! ```text
//!  for each entry:   a short string:   the first byte tells the length; another length, another string.
//!                                      Then the last byte, in which names with a common prefix differ. Then all.
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
                if Some(first) == head && bytes.last() == needle.last() && bytes == needle {
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

/// Whether the entry at `at`, which is no short string, equals the needle. `number` is the integer that the needle spells,
/// once it is known whether it does.
#[inline]
fn matches(body: &[u8], at: usize, first: u8, needle: &[u8], number: &mut Option<Option<i64>>) -> bool {
    match entry::value(body, at, first) {
        Some(Value::Int(value)) => *number.get_or_insert_with(|| integer::parse(needle)) == Some(value),
        Some(Value::Str(bytes)) => bytes == needle,
        Some(Value::Double(_)) | None => false,
    }
}
