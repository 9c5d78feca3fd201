//! The bytes of a string's block with their names, for drawings.

use crate::Sds;
use crate::layout::HeaderType;
use common::Part;

impl Sds {
    /// Returns the bytes of the string's block as named parts: the header, the bytes, the NUL, and what is not
    /// in use. The NUL is shown as 0 even if code that borrowed the free space has overwritten it. O(n).
    ///
    /// ```
    /// let s = sds::Sds::from("hello");
    /// let names: Vec<_> = s.parts().iter().map(|part| part.name).take(3).collect();
    /// assert_eq!(names, ["flags", "bytes", "NUL"]);
    /// ```
    pub fn parts(&self) -> Vec<Part> {
        let (ty, header) = (self.header_type(), self.header_bytes());
        let (numbers, flags) = header.split_at(ty.header_len() - 1);
        let mut parts = Vec::new();
        if ty == HeaderType::Sds5 {
            parts.push(Part::written("flags", format_args!("{ty:?}, length {}", self.len()), flags));
        } else {
            let (len, alloc) = numbers.split_at(numbers.len() / 2);
            parts.push(Part::written("len", self.len(), len));
            parts.push(Part::written("alloc", self.capacity(), alloc));
            parts.push(Part::written("flags", format_args!("{ty:?}"), flags));
        }
        if !self.is_empty() {
            parts.push(Part::text("bytes", self));
        }
        parts.push(Part::written("NUL", "", &[0]));
        parts.extend((self.avail() > 0).then(|| Part::unused("free", self.avail())));
        let used = ty.block_size(self.capacity());
        let rest = self.usable_size() - used;
        parts.extend((rest > 0).then(|| Part::unused("rest", rest)));
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::PartBytes;

    #[test]
    fn the_parts_are_the_bytes_of_the_block() {
        let longest = if cfg!(miri) { 300 } else { 70_000 };
        for len in [0, 1, 31, 32, 100, 255, 256, longest] {
            let mut s = Sds::from_bytes(&vec![b'x'; len]);
            for _ in 0..2 {
                let parts = s.parts();
                assert_eq!(parts.iter().map(Part::len).sum::<usize>(), s.usable_size(), "{len}");
                assert!(parts.iter().all(|part| !part.is_empty()), "{parts:?}");
                let written = parts.iter().flat_map(|part| match &part.bytes {
                    PartBytes::Written(bytes) | PartBytes::Text(bytes) => bytes.as_slice(),
                    _ => &[],
                });
                let expected = s.header_bytes().iter().chain(s.as_bytes()).chain(&[0]);
                assert!(written.eq(expected), "{len}");
                s.push_bytes(b"y");
            }
        }
    }
}
