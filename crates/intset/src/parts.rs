//! The bytes of a set with their names, for drawings.

use crate::header::HEADER_LEN;
use crate::view::View;
use common::Part;

impl View {
    /// Returns the bytes of the set as named parts: the encoding, the length, and each integer. O(n).
    ///
    /// ```
    /// let set = intset::IntSet::from_iter([7, 256]);
    /// let names: Vec<_> = set.parts().iter().map(|part| part.name).collect();
    /// assert_eq!(names, ["encoding", "length", "int", "int"]);
    /// ```
    pub fn parts(&self) -> Vec<Part> {
        let (header, integers) = self.as_bytes().split_at(HEADER_LEN);
        let size = self.encoding().size();
        let mut parts = vec![
            Part::written("encoding", format_args!("{size} bytes an integer"), &header[..4]),
            Part::written("length", self.len(), &header[4..]),
        ];
        let integers = integers.chunks_exact(size);
        parts.extend(integers.zip(self.iter()).map(|(bytes, value)| Part::written("int", value, bytes)));
        parts
    }
}

#[cfg(test)]
mod tests {
    use crate::IntSet;
    use common::PartBytes;

    #[test]
    fn the_parts_are_the_bytes_of_the_set() {
        for values in [&[][..], &[7, -1], &[7, 70_000], &[i64::MIN, 0, i64::MAX]] {
            let set: IntSet = values.iter().copied().collect();
            let bytes = set.parts().into_iter().flat_map(|part| match part.bytes {
                PartBytes::Written(bytes) => bytes,
                other => panic!("{other:?}"),
            });
            assert_eq!(bytes.collect::<Vec<_>>(), set.as_bytes());
        }
    }
}
