//! The bytes of a block with their names, for drawings.

use super::{CLOCK_SHIFT, EXPIRES, EXPIRY_SIZE, Entry, Kind, LOOSE, SNAPSHOT, Storage, length, word};
use crate::reading::Tables;
use common::Part;

/// The parts up to an offset of the block.
struct Parts<'a> {
    entry: &'a Entry,
    parts: Vec<Part>,
    /// The number of bytes of these parts.
    len: usize,
}

impl<'a> Parts<'a> {
    /// Returns the next `len` bytes of the block.
    ///
    /// # Safety
    /// They must be in the block and be initialised.
    unsafe fn next(&mut self, len: usize) -> &'a [u8] {
        // SAFETY: by contract.
        let bytes = unsafe { self.entry.bytes(self.len, len) };
        self.len += len;
        bytes
    }

    /// Adds the next `len` bytes, unless there are none.
    ///
    /// # Safety
    /// They must be in the block and be initialised.
    unsafe fn push(&mut self, name: &'static str, meaning: impl ToString, len: usize) {
        // SAFETY: by contract.
        let bytes = unsafe { self.next(len) };
        self.parts.extend((len > 0).then(|| Part::written(name, meaning, bytes)));
    }

    /// Adds the next `len` bytes as a text, unless there are none.
    ///
    /// # Safety
    /// They must be in the block and be initialised.
    unsafe fn push_text(&mut self, name: &'static str, len: usize) {
        // SAFETY: by contract.
        let bytes = unsafe { self.next(len) };
        self.parts.extend((len > 0).then(|| Part::text(name, bytes)));
    }

    /// Adds bytes that are not in use, up to the offset `end`.
    fn unused_until(&mut self, name: &'static str, end: usize) {
        if end > self.len {
            self.parts.push(Part::unused(name, end - self.len));
            self.len = end;
        }
    }

    fn pointer(&mut self, name: &'static str, meaning: impl ToString) {
        self.parts.push(Part::pointer(name, meaning, word::SIZE));
        self.len += word::SIZE;
    }
}

impl Entry {
    /// Returns the bytes of the block as named parts, in the words of the drawing at the top of `entry`.
    /// `tables` must be those of the keyspace.
    pub(crate) fn block_parts(&self, tables: &Tables) -> Vec<Part> {
        let layout = self.layout();
        let mut parts = Parts { entry: self, parts: Vec::new(), len: 0 };
        self.head_parts(&mut parts);
        let what = if layout.key.slot().is_some() { "codes of the key" } else { "length of the key" };
        // SAFETY: the header of the key, the expiry and the key are after the head, and are initialised (E1, E2).
        unsafe {
            parts.push("len", format_args!("{what}: {}", layout.key.len()), layout.key.header_len());
            if let Some(expiry) = self.expiry() {
                parts.push("expiry", format_args!("{expiry} ms"), EXPIRY_SIZE);
            }
            if layout.key.slot().is_some() {
                let text = self.key(tables).text();
                parts.push("key", format_args!("coded: {}", text.escape_ascii()), layout.key.len());
            } else {
                parts.push_text("key", layout.key.len());
            }
        }
        self.value_parts(&mut parts);
        parts.unused_until("rest", self.capacity(self.byte_len()));
        parts.parts
    }

    /// Adds the head. It is one number in the byte order of the machine.
    fn head_parts(&self, parts: &mut Parts<'_>) {
        let form = self.form();
        let mut meaning = kind_name(self.kind());
        for (bit, name) in [(LOOSE, ", loose"), (EXPIRES, ", expires"), (SNAPSHOT, ", snapshot")] {
            meaning += if form & bit != 0 { name } else { "" };
        }
        let bytes = form.to_ne_bytes();
        let (form_at, clock_at) = if cfg!(target_endian = "little") { (0, 1) } else { (3, 0) };
        let mut head = [
            (form_at, Part::written("form", meaning, &bytes[form_at..form_at + 1])),
            (clock_at, Part::written("clock", form >> CLOCK_SHIFT, &bytes[clock_at..clock_at + 3])),
        ];
        head.sort_by_key(|(at, _)| *at);
        parts.parts.extend(head.map(|(_, part)| part));
        parts.len += bytes.len();
    }

    fn value_parts(&self, parts: &mut Parts<'_>) {
        let layout = self.layout();
        let len = self.value_len(layout);
        // SAFETY: the value is after the key, has this kind and these lengths, and is initialised except for
        // padding, which `unused_until` skips (E1, E2).
        unsafe {
            match layout.kind.storage() {
                Storage::Int => {
                    let value = self.plain().and_then(|value| value.as_i64());
                    parts.push("int", value.expect("a value of this kind is an integer"), len);
                }
                Storage::Bytes => {
                    let (text_len, _) = length::read(self.value(layout));
                    parts.push("len", text_len, length::size(text_len));
                    parts.push_text("value", text_len);
                }
                Storage::Coded => {
                    let (text_len, next) = length::read(self.value(layout));
                    let (codes_len, _) = length::read(next);
                    parts.push("len", text_len, length::size(text_len));
                    parts.push("codes", codes_len, length::size(codes_len));
                    parts.push("value", "coded", codes_len);
                }
                Storage::Packed => {
                    parts.push("value", layout.kind.encoding(), len);
                    parts.unused_until("room", layout.value_at() + layout.value_room(len));
                }
                Storage::Word => {
                    parts.unused_until("pad", layout.value_at());
                    parts.pointer("value", layout.kind.encoding());
                }
            }
        }
    }
}

/// Returns what the kind says about the value.
fn kind_name(kind: Kind) -> String {
    match kind.int_width() {
        Some(1) => "int of 1 byte".into(),
        Some(width) => format!("int of {width} bytes"),
        None if kind.slot().is_some() => "coded string".into(),
        None if kind == Kind::BYTES => "string".into(),
        None if kind == Kind::EDITED => "edited string".into(),
        None => format!("{}, {}", kind.object_type(), kind.encoding()),
    }
}

#[cfg(test)]
mod tests {
    use crate::Keyspace;
    use common::PartBytes;
    use std::sync::Arc;
    use symbols::SymbolTable;

    /// Checks that the parts are the bytes of the block, and returns their names.
    fn names(keyspace: &Keyspace, key: &[u8]) -> Vec<&'static str> {
        let entry = keyspace.peek(&key.into(), 0).expect("the key exists");
        let parts = entry.block_parts(&keyspace.reading.tables);
        let mut at = 0;
        for part in &parts {
            assert!(!part.is_empty(), "{part:?}");
            if let PartBytes::Written(bytes) | PartBytes::Text(bytes) = &part.bytes {
                // SAFETY: the part says that the structure has written these bytes.
                assert_eq!(bytes, unsafe { entry.bytes(at, bytes.len()) }, "{part:?}");
            }
            at += part.len();
        }
        assert_eq!(at, entry.capacity(entry.byte_len()));
        parts.iter().map(|part| part.name).filter(|name| *name != "rest").collect()
    }

    /// The names of the parts of the head, in the order of memory.
    const HEAD: [&str; 2] =
        if cfg!(target_endian = "little") { ["form", "clock"] } else { ["clock", "form"] };

    #[test]
    fn the_parts_of_an_entry_are_the_bytes_of_its_block() {
        let mut keyspace = Keyspace::new();
        let long = vec![b'x'; 2_000];
        let values: [(&[u8], &[&str]); 6] = [
            (b"", &["len"]),
            (b"7", &["int"]),
            (b"-70000", &["int"]),
            (b"some text", &["len", "value"]),
            (&[b'x'; 254], &["len", "value"]),
            (&long, &["value"]),
        ];
        for (value, of_value) in values {
            for key_len in [0, 1, 9, 300] {
                let key = vec![b'k'; key_len];
                keyspace.set(&key, value, 0).unwrap();
                let mut found = names(&keyspace, &key);
                found.retain(|name| *name != "pad");
                let of_key = if key_len == 0 { &["len"][..] } else { &["len", "key"] };
                assert_eq!(found, [&HEAD, of_key, of_value].concat(), "{key_len}, {}", value.len());
            }
        }
    }

    #[test]
    fn packed_values_and_pointers_have_parts_of_their_own() {
        let mut keyspace = Keyspace::new();
        keyspace.set("some key", "text", 0).unwrap();
        keyspace.expire("some key", crate::Expiry::InSeconds(9), crate::ExpireOptions::default(), 0).unwrap();
        assert_eq!(
            names(&keyspace, b"some key"),
            [&HEAD[..], &["len", "expiry", "key", "len", "value"]].concat()
        );
        keyspace.hset("h", "field", "value", 0).unwrap();
        assert_eq!(names(&keyspace, b"h"), [&HEAD[..], &["len", "key", "value"]].concat());
        let long = vec![b'x'; 1_000];
        for n in 0..20 {
            keyspace.hset("h", n.to_string().as_str(), long.as_slice(), 0).unwrap();
        }
        let parts = keyspace.block_parts("h", 0).unwrap();
        assert!(parts.iter().any(|part| matches!(part.bytes, PartBytes::Pointer(_))), "{parts:?}");
        names(&keyspace, b"h");
    }

    #[test]
    fn codes_are_not_shown_as_text() {
        let mut keyspace = Keyspace::new();
        let table = SymbolTable::from_symbols([&b"session:"[..], b"country", b"value"]).unwrap();
        keyspace.set_symbols(Some(Arc::new(table))).unwrap();
        keyspace.set("session:session:session:1", "countryvaluecountryvaluecountryvalue", 0).unwrap();
        let parts = keyspace.block_parts("session:session:session:1", 0).unwrap();
        assert!(parts.iter().all(|part| !matches!(part.bytes, PartBytes::Text(_))), "{parts:?}");
        let found = names(&keyspace, b"session:session:session:1");
        assert_eq!(found, [&HEAD[..], &["len", "key", "len", "codes", "value"]].concat());
    }
}
