//! The bytes of a block with their names, for drawings.

use super::{CLOCK_SHIFT, EXPIRES, Entry, KEY_HEADER_AT, Kind, LOOSE, SNAPSHOT, Storage, length, word};
use crate::reading::Tables;
use common::Part;

impl Entry {
    /// Returns the bytes of the block as named parts, in the words of the drawing at the top of `entry`. `tables`
    /// must be those of the keyspace.
    pub(crate) fn block_parts(&self, tables: &Tables) -> Vec<Part> {
        let (layout, form) = (self.layout(), self.form());
        let head = form.to_le_bytes();
        let mut flags = kind_name(layout.kind);
        for (bit, name) in [(LOOSE, ", loose"), (EXPIRES, ", expires"), (SNAPSHOT, ", snapshot")] {
            flags += if form & bit != 0 { name } else { "" };
        }
        let mut parts = vec![
            Part::written("form", flags, &head[..1]),
            Part::written("clock", form >> CLOCK_SHIFT, &head[1..]),
        ];
        let key = self.key(tables);
        let key_meaning = if layout.key.slot().is_some() { "codes of the key" } else { "bytes of the key" };
        let header = self.part_bytes(KEY_HEADER_AT, layout.key.header_len());
        parts.push(Part::written("len", format_args!("{} {key_meaning}", layout.key.len()), header));
        if let Some(expiry) = self.expiry() {
            let bytes = self.part_bytes(layout.expiry_at(), layout.key_at() - layout.expiry_at());
            parts.push(Part::written("expiry", format_args!("{expiry} ms"), bytes));
        }
        if layout.key.len() > 0 {
            let bytes = self.part_bytes(layout.key_at(), layout.key.len());
            parts.push(Part::written("key", key.text().escape_ascii(), bytes));
        }
        self.value_parts(&mut parts);
        let used: usize = parts.iter().map(Part::len).sum();
        let rest = self.capacity(self.byte_len()).saturating_sub(used);
        parts.extend((rest > 0).then(|| Part::unused("rest", rest)));
        parts
    }

    fn value_parts(&self, parts: &mut Vec<Part>) {
        let layout = self.layout();
        let (at, len) = (layout.value_at(), self.value_len(layout));
        match layout.kind.storage() {
            Storage::Int => {
                let value = self.plain().and_then(|value| value.as_i64()).unwrap_or_default();
                parts.push(Part::written("int", value, self.part_bytes(at, len)));
            }
            Storage::Bytes => {
                // SAFETY: a string has its length in front of it (E2).
                let (text_len, _) = unsafe { length::read(self.value(layout)) };
                let text_at = at + length::size(text_len);
                parts.push(Part::written("len", text_len, self.part_bytes(at, text_at - at)));
                parts.extend((text_len > 0).then(|| Part::text("value", self.part_bytes(text_at, text_len))));
            }
            Storage::Coded => {
                // SAFETY: a coded string has two lengths in front of its codes (E2).
                let (text_len, codes_len) = unsafe {
                    let (text_len, next) = length::read(self.value(layout));
                    (text_len, length::read(next).0)
                };
                let codes_len_at = at + length::size(text_len);
                let codes_at = codes_len_at + length::size(codes_len);
                parts.push(Part::written("len", text_len, self.part_bytes(at, codes_len_at - at)));
                let bytes = self.part_bytes(codes_len_at, codes_at - codes_len_at);
                parts.push(Part::written("codes", codes_len, bytes));
                parts.push(Part::written("value", "coded", self.part_bytes(codes_at, codes_len)));
            }
            Storage::Packed => {
                parts.push(Part::written("value", layout.kind.encoding(), self.part_bytes(at, len)));
                let padding = layout.value_room(len) - len;
                parts.extend((padding > 0).then(|| Part::unused("room", padding)));
            }
            Storage::Word => {
                let padding = at - layout.key_end();
                parts.extend((padding > 0).then(|| Part::unused("pad", padding)));
                parts.push(Part::pointer("value", layout.kind.encoding(), word::SIZE));
            }
        }
    }

    /// Returns `len` bytes of the block, beginning at offset `at`. They must not be padding, a word, or the
    /// head.
    fn part_bytes(&self, at: usize, len: usize) -> &[u8] {
        debug_assert!(at >= KEY_HEADER_AT && at + len <= self.byte_len());
        // SAFETY: these bytes are initialised (E1), and nothing changes them while `self` is borrowed (E4).
        unsafe { self.bytes(at, len) }
    }
}

/// Returns what the kind says about the value.
fn kind_name(kind: Kind) -> String {
    match kind.int_width() {
        Some(1) => "int of 1 byte".into(),
        Some(width) => format!("int of {width} bytes"),
        None if kind.slot().is_some() => "coded string".into(),
        None if kind == Kind::BYTES => "string".into(),
        None => format!("{}, {}", kind.object_type(), kind.encoding()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;

    #[test]
    fn the_parts_have_the_size_of_the_block() {
        let tables = Tables::default();
        let values: [&[u8]; 6] = [b"", b"7", b"-70000", b"some text", &[b'x'; 254], &[b'x'; 2_000]];
        for value in values {
            for key_len in [0, 1, 9, 300] {
                for expiry in [None, Some(1_700_000_000_000)] {
                    let content = Content::try_string(value.into()).unwrap();
                    let key = vec![b'k'; key_len];
                    let entry = Entry::try_new(&key, expiry, 0, content).unwrap();
                    let parts = entry.block_parts(&tables);
                    let size = parts.iter().map(Part::len).sum::<usize>();
                    assert_eq!(size, entry.capacity(entry.byte_len()), "{parts:?}");
                    assert!(parts.iter().all(|part| !part.is_empty()), "{parts:?}");
                }
            }
        }
    }
}
