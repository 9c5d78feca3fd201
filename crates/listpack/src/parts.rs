//! The bytes of a list with their names, for drawings.

use crate::entry;
use crate::format::{COUNT_UNKNOWN, HEADER_LEN};
use crate::value::Value;
use crate::view::View;
use common::Part;

impl View {
    /// Returns the bytes of the list as named parts: the header, the encoding, data and backlen of each entry,
    /// and the end byte. The bytes of a damaged entry, and all bytes after it, are one part. O(n).
    ///
    /// ```
    /// let mut list = listpack::ListPack::new();
    /// list.push_back(b"a");
    /// list.push_back(7_i64);
    /// let names: Vec<_> = list.parts().iter().map(|part| part.name).collect();
    /// assert_eq!(names, ["byte_len", "count", "string", "data", "back", "int", "back", "end"]);
    /// ```
    pub fn parts(&self) -> Vec<Part> {
        let (body, bytes) = (self.body(), self.as_bytes());
        let (byte_len, count) = bytes[..HEADER_LEN].split_at(4);
        let known = self.known_len().map_or_else(|| format!("{COUNT_UNKNOWN}: unknown"), |n| n.to_string());
        let mut parts =
            vec![Part::written("byte_len", self.byte_len(), byte_len), Part::written("count", known, count)];
        let mut at = HEADER_LEN;
        while let Some((value, next)) = entry::decode(body, at) {
            let Some(back_at) = entry::backlen_at(body, at, next) else { break };
            match value {
                Value::Str(data) => {
                    let data_at = back_at - data.len();
                    let len = data.len();
                    parts.push(Part::written("string", format_args!("length {len}"), &body[at..data_at]));
                    parts.extend((len > 0).then(|| Part::text("data", data)));
                }
                Value::Int(value) => parts.push(Part::written("int", value, &body[at..back_at])),
                Value::Double(value) => parts.push(Part::written("double", value, &body[at..back_at])),
            }
            parts.push(Part::written("back", back_at - at, &body[back_at..next]));
            at = next;
        }
        if at < body.len() {
            parts.push(Part::written("damaged", "", &body[at..]));
        }
        parts.push(Part::written("end", "", &bytes[body.len()..]));
        parts
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use crate::ListPack;
    use common::PartBytes;

    #[test]
    fn the_parts_are_the_bytes_of_the_list() {
        let mut list = ListPack::new();
        for len in [0, 1, 63, 64, 125, 126, 4_095, 4_096, 16_380, 16_381, 20_000] {
            list.push_back(Value::raw(&vec![b'x'; len]));
        }
        for value in [0, 127, 128, -4_096, 4_096, 40_000, 1 << 23, 1 << 31, i64::MIN] {
            list.push_back(value);
        }
        list.push_back(Value::Double(0.5));
        let parts = list.parts();
        let bytes: Vec<u8> = parts
            .iter()
            .flat_map(|part| match &part.bytes {
                PartBytes::Written(bytes) | PartBytes::Text(bytes) => bytes.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(bytes, list.as_bytes());
        assert_eq!(parts.iter().filter(|part| part.name == "back").count(), list.len());
        assert!(parts.iter().all(|part| part.name != "damaged"));
    }

    #[test]
    fn a_damaged_entry_is_one_part_with_all_bytes_behind_it() {
        let names =
            |bytes| View::new(bytes).unwrap().parts().into_iter().map(|part| part.name).collect::<Vec<_>>();
        // The string is longer than the list.
        assert_eq!(names(b"\x0A\0\0\0\x01\0\x85ab\xFF"), ["byte_len", "count", "damaged", "end"]);
        // The backlen is wrong.
        assert_eq!(names(b"\x0B\0\0\0\x01\0\x82ab\x63\xFF"), ["byte_len", "count", "damaged", "end"]);
        // The second entry is damaged.
        let names = names(b"\x0C\0\0\0\x02\0\x07\x01\x85ab\xFF");
        assert_eq!(names, ["byte_len", "count", "int", "back", "damaged", "end"]);
    }
}
