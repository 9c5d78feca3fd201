//! The peer that needs the least memory: all elements are in one `Vec<u8>`, each after a byte with its
//! length.
//!
//! This is a simple solution for small collections. It can be read only from the front, it grows like a
//! vector, and all its elements are text.

use std::ops::Range;

/// Elements of up to 255 bytes, one after the other.
#[derive(Default)]
pub(super) struct Packed(pub(super) Vec<u8>);

impl Packed {
    /// The name of the type in the tables.
    pub(super) const NAME: &str = "packed Vec<u8>";

    /// Returns the places of all elements, in order. The length of an element is in the byte before its
    /// place.
    #[inline]
    pub(super) fn places(&self) -> impl Iterator<Item = Range<usize>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = next + 1;
            let end = start + usize::from(*self.0.get(next)?);
            next = end;
            Some(start..end)
        })
    }

    /// Returns all elements, in order.
    #[inline]
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.places().map(|place| &self.0[place])
    }

    /// Returns the place of the first element that is equal to `bytes`. Compares only every `step`-th
    /// element.
    #[inline]
    pub(super) fn find(&self, bytes: &[u8], step: usize) -> Option<Range<usize>> {
        self.places().step_by(step).find(|place| self.0[place.clone()] == *bytes)
    }

    /// Returns the element after the one at `place`.
    #[inline]
    pub(super) fn after(&self, place: Range<usize>) -> &[u8] {
        &self.0[place.end + 1..][..usize::from(self.0[place.end])]
    }

    #[inline]
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.push(bytes.len() as u8);
        self.0.extend_from_slice(bytes);
    }

    /// Inserts an element at the offset of the length byte of another one, or at the end.
    #[inline]
    pub(super) fn insert(&mut self, at: usize, bytes: &[u8]) {
        let (old, new) = (self.0.len(), self.0.len() + 1 + bytes.len());
        self.0.resize(new, 0);
        self.0.copy_within(at..old, at + 1 + bytes.len());
        self.0[at] = bytes.len() as u8;
        self.0[at + 1..at + 1 + bytes.len()].copy_from_slice(bytes);
    }

    /// Removes the element at `place`.
    #[inline]
    pub(super) fn remove(&mut self, place: Range<usize>) {
        self.0.drain(place.start - 1..place.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_where_they_were_put() {
        let mut packed = Packed::default();
        packed.push(b"bb");
        packed.push(b"ccc");
        packed.insert(0, b"a");
        packed.insert(2, b"");
        assert_eq!(packed.iter().collect::<Vec<_>>(), [b"a".as_slice(), b"", b"bb", b"ccc"]);
        assert_eq!(packed.find(b"bb", 1), Some(4..6));
        assert_eq!(packed.find(b"", 2), None, "the second of four is not looked at");
        packed.remove(4..6);
        assert_eq!(packed.iter().collect::<Vec<_>>(), [b"a".as_slice(), b"", b"ccc"]);
    }
}
