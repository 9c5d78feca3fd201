//! Reading a hash: the methods of a view, and the same methods of a hash.

use super::{Hash, HashView, Iter, ReprView};
use crate::element::Element;
use crate::hashtable::{AheadLookup, BATCH};
use common::Room;
use core::array;
use core::fmt;

/// Methods that read one field or several. [`Hash`](struct@Hash) documents them.
impl<'a> HashView<'a> {
    /// Returns the number of fields. In C: `hashTypeLength`; `HLEN`.
    #[inline]
    pub fn len(self) -> usize {
        match self.0 {
            ReprView::ListPack(list) => list.len() / 2,
            ReprView::HashTable(table) => table.len(),
        }
    }

    /// Returns whether there are no fields.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// See [`Hash::get`].
    #[inline]
    pub fn get<'e>(self, field: impl Into<Element<'e>>) -> Option<Element<'a>> {
        let field = field.into();
        match self.0 {
            ReprView::ListPack(list) => {
                let offset = find(list, &field.text())?;
                list.get(list.next(offset)?).map(Element::from_packed)
            }
            ReprView::HashTable(table) => table.get(&field.text()).map(|pair| Element::Bytes(pair.value())),
        }
    }

    /// Returns the look-up of a field that runs later, and prefetches what it reads first. Returns `None` if this
    /// would cost more than it saves, because the hash is small or packed. Constant time.
    #[inline]
    pub fn look_ahead(self, field: &[u8]) -> Option<AheadLookup<'a>> {
        match self.0 {
            ReprView::HashTable(table) => table.look_ahead(field),
            ReprView::ListPack(_) => None,
        }
    }

    /// See [`Hash::get_many`].
    pub fn get_many(self, fields: &[Element<'_>]) -> impl Iterator<Item = Option<Element<'a>>> {
        fields.chunks(BATCH).flat_map(move |batch| self.get_batch(batch).into_iter().take(batch.len()))
    }

    /// Returns the values of at most [`BATCH`] fields. The places after them are not meaningful.
    fn get_batch(self, fields: &[Element<'_>]) -> [Option<Element<'a>>; BATCH] {
        match self.0 {
            ReprView::HashTable(table) if fields.len() > 1 => {
                let texts: [_; BATCH] =
                    array::from_fn(|i| fields.get(i).copied().unwrap_or(Element::Bytes(b"")).text());
                let found = table.get_many(array::from_fn(|i| &*texts[i]));
                found.map(|pair| pair.map(|pair| Element::Bytes(pair.value())))
            }
            _ => array::from_fn(|i| self.get(*fields.get(i)?)),
        }
    }

    /// See [`Hash::contains_key`].
    #[inline]
    pub fn contains_key<'e>(self, field: impl Into<Element<'e>>) -> bool {
        let field = field.into();
        match self.0 {
            ReprView::ListPack(list) => find(list, &field.text()).is_some(),
            ReprView::HashTable(table) => table.get(&field.text()).is_some(),
        }
    }

    /// See [`Hash::value_len`].
    pub fn value_len<'e>(self, field: impl Into<Element<'e>>) -> Option<usize> {
        self.get(field).map(Element::len)
    }

    /// See [`Hash::keys`].
    pub fn keys(self) -> impl ExactSizeIterator<Item = Element<'a>> {
        self.iter().map(|(field, _)| field)
    }

    /// See [`Hash::values`].
    pub fn values(self) -> impl ExactSizeIterator<Item = Element<'a>> {
        self.iter().map(|(_, value)| value)
    }
}

/// Methods that read one field or several.
impl<R: Room> Hash<R> {
    /// Returns the field's value. O(1) on average in a hash table, O(n) in a listpack. In C:
    /// `hashTypeGetValue`; `HGET`.
    #[inline]
    pub fn get<'e>(&self, field: impl Into<Element<'e>>) -> Option<Element<'_>> {
        self.view().get(field)
    }

    /// Returns an iterator over the values of these fields, in the same order. The cache misses of the
    /// look-ups overlap. In C: `HMGET`.
    ///
    /// ```
    /// use values::{Element, EncodingLimits, Hash};
    /// let mut hash = Hash::new();
    /// hash.insert("a", 1, &EncodingLimits::DEFAULT);
    /// let fields = [Element::Bytes(b"a"), Element::Bytes(b"b")];
    /// assert!(hash.get_many(&fields).eq([Some(Element::Int(1)), None]));
    /// ```
    pub fn get_many<'a>(&'a self, fields: &[Element<'_>]) -> impl Iterator<Item = Option<Element<'a>>> {
        self.view().get_many(fields)
    }

    /// Returns whether the field exists. O(1) on average in a hash table, O(n) in a listpack. In C:
    /// `hashTypeExists`; `HEXISTS`.
    #[inline]
    pub fn contains_key<'e>(&self, field: impl Into<Element<'e>>) -> bool {
        self.view().contains_key(field)
    }

    /// Returns the length of the field's value in bytes. O(1) on average in a hash table, O(n) in a listpack.
    /// In C: `hashTypeGetValueLength`; `HSTRLEN`, which returns 0 if there is no such field.
    pub fn value_len<'e>(&self, field: impl Into<Element<'e>>) -> Option<usize> {
        self.view().value_len(field)
    }

    /// Returns an iterator over fields and values. A listpack has the order of insertion, and a hash table
    /// has no order. In C: `hashTypeInitIterator`; `HGETALL`.
    pub fn iter(&self) -> Iter<'_> {
        self.view().iter()
    }

    /// Returns an iterator over the fields, in the order of [`iter`](Self::iter). In C: `HKEYS`.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = Element<'_>> {
        self.view().keys()
    }

    /// Returns an iterator over the values, in the order of [`iter`](Self::iter). In C: `HVALS`.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Element<'_>> {
        self.view().values()
    }
}

/// Returns the position of a field in a listpack of fields and values, if the field is there. O(n).
#[inline]
pub(super) fn find(list: &listpack::View, field: &[u8]) -> Option<listpack::Offset> {
    list.find(list.first()?, field, 1)
}

/// Two hashes are equal if they have the same fields with the same values, whatever the encodings. O(n) on
/// average for hash tables.
impl PartialEq for HashView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(field, value)| other.get(field) == Some(value))
    }
}

impl Eq for HashView<'_> {}

impl fmt::Debug for HashView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().fmt(f)
    }
}
