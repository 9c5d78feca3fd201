//! Tests of single entries: their bytes, and their changes with and without memory.

use super::content::INLINE_LEN_MAX;
use super::*;
use crate::reading::Tables;
use common::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use symbols::SymbolTable;
use values::string::StringMut;
use values::{EncodingLimits, Hash, List, ReserveError, Set, ZSet};
use zmalloc::{Region, fault};

const LIMITS: EncodingLimits = EncodingLimits::DEFAULT;
const CLOCK: u32 = 0x00AB_CDEF;

fn string(key: &[u8], expiry: Option<u64>, value: &[u8]) -> Entry {
    Entry::try_new(key, expiry, CLOCK, Content::try_string(value.into()).unwrap()).unwrap()
}

fn collection<C: Collection>(key: &[u8], expiry: Option<u64>, mut value: C) -> Entry {
    Entry::try_new(key, expiry, CLOCK, Content::collection(&mut value)).unwrap()
}

fn hash(fields: usize) -> Hash {
    let mut hash = Hash::new();
    for i in 0..fields {
        hash.insert(format!("f{i}").as_bytes(), format!("value {i}").as_bytes(), &LIMITS);
    }
    hash
}

/// Calls [`Entry::try_set`] and similar methods, and checks that they update the sum of bytes.
impl Entry {
    fn counted<T>(&mut self, change: impl FnOnce(&mut Self, &mut usize) -> T) -> T {
        let mut held = 1_000_000 + self.allocation_size();
        let result = change(self, &mut held);
        assert_eq!(held, 1_000_000 + self.allocation_size());
        result
    }

    fn set(&mut self, expiry: Option<u64>, content: Content<'_>) -> Result<(), ReserveError> {
        self.counted(|entry, held| entry.try_set(expiry, content, held))
    }

    fn set_expiry(&mut self, expiry: Option<u64>) -> Result<(), ReserveError> {
        self.counted(|entry, held| entry.try_set_expiry(expiry, held))
    }

    fn edited<C: Collection, T>(&mut self, f: impl FnOnce(&mut C::In<InEntry<'_>>) -> T) -> Option<T> {
        let edited = self.counted(|entry, held| entry.edit::<C, T>(held, f));
        edited.map(|(result, is_empty)| {
            assert_eq!(is_empty, self.is_empty());
            result
        })
    }

    fn append(&mut self, bytes: &[u8]) -> usize {
        self.counted(|entry, held| StringEdit::new(entry, held).try_append_bytes(bytes)).unwrap()
    }
}

/// Returns a hash that is a table, because one of its values is too long for a listpack.
fn hash_table() -> Hash {
    let mut hash = hash(2);
    hash.insert("long", &[b'x'; 65], &LIMITS);
    hash
}

/// Returns a list that is a quicklist, because one of its elements is too long for a listpack.
fn quicklist() -> List {
    let mut list = List::new();
    list.push_back("short", &LIMITS);
    list.push_back(&[b'x'; 9_000], &LIMITS);
    list
}

/// Returns all bytes in use.
fn bytes(entry: &Entry) -> Vec<u8> {
    // SAFETY: this many bytes are in use, and these entries have no padding.
    unsafe { entry.bytes(0, entry.byte_len()) }.to_vec()
}

/// Returns the head with this kind and these flags, in the machine's byte order.
fn head(kind: Kind, flags: u32) -> [u8; 4] {
    (kind.bits() | flags | CLOCK << 8).to_ne_bytes()
}

#[test]
fn the_bytes_are_those_of_the_drawing() {
    let entry = string(b"key", None, b"some text");
    assert_eq!(bytes(&entry), [&head(Kind::BYTES, 0)[..], b"\x03key", b"\x09some text"].concat());

    let entry = string(b"key", Some(0x0102_0304_0506_0708), b"-2");
    let expiry = [8, 7, 6, 5, 4, 3, 2, 1];
    assert_eq!(bytes(&entry), [&head(Kind::int(1), EXPIRES)[..], b"\x03", &expiry, b"key", b"\xFE"].concat());

    let (key, value) = ([b'k'; 300], [b'v'; 254]);
    let entry = string(&key, None, &value);
    let parts = [&head(Kind::BYTES, 0)[..], b"\xFF\x2C\x01\0\0", &key, b"\xFE\xFE\0", &value];
    assert_eq!(bytes(&entry), parts.concat());

    let mut set = Set::new();
    (1..=4).for_each(|member| {
        set.insert(member * 1_000, &LIMITS);
    });
    let kind = Kind::collection(ObjectType::Set, Encoding::IntSet, Storage::Packed).unwrap();
    let packed = set.as_packed().unwrap().to_vec();
    assert_eq!(bytes(&collection(b"set", None, set)), [&head(kind, 0)[..], b"\x03set", &packed].concat());
}

#[test]
fn a_key_stays_the_same_while_it_is_coded_decoded_and_its_entry_changes() {
    let table = SymbolTable::from_symbols(["session:", "user"]).unwrap();
    let mut tables = Tables::default();
    tables.set(Slot::Second, Some(table.into()));
    let (text, codes) = (b"session:session:user", b"\x00\x00\x01");
    let coded = StoredKey::coded(Slot::Second, codes, text.len()).unwrap();
    let is_same = |entry: &Entry| {
        entry.has_key(text, &tables)
            && !entry.has_key(b"session:session:User", &tables)
            && !entry.has_key(b"\x00\x00\x01", &tables)
            && *entry.key(&tables).text() == *text
    };
    let region = Region::start();
    for expiry in [None, Some(0x0102_0304_0506_0708)] {
        let mut values = vec![string(text, expiry, b"7"), string(text, expiry, b"some text")];
        values.push(string(text, expiry, &[b'v'; 3_000]));
        values.push(collection(text, expiry, hash(3)));
        values.push(collection(text, expiry, hash_table()));
        for mut entry in values {
            let mut total_bytes = entry.allocation_size();
            let (plain_len, effort) = (entry.byte_len(), entry.free_effort());
            for _round in 0..2 {
                entry.try_set_key_form(coded, &mut total_bytes).unwrap();
                assert!(is_same(&entry) && entry.byte_len() < plain_len);
                assert_eq!((entry.expiry(), entry.view().clock()), (expiry, CLOCK));
                entry.try_set_key_form(StoredKey::plain(text), &mut total_bytes).unwrap();
                assert!(is_same(&entry));
                assert_eq!((entry.byte_len(), entry.free_effort()), (plain_len, effort));
            }
            entry.try_set_key_form(coded, &mut total_bytes).unwrap();
            if expiry.is_none() && entry.plain() == Some(Element::Int(7)) {
                let bytes_of_drawing = [&head(Kind::int(1), 0)[..], b"\xFE\x83\x00\x00\x01\x07"].concat();
                assert_eq!(bytes(&entry), bytes_of_drawing);
            }
            for expiry in [Some(9), None, Some(10), Some(11)] {
                entry.try_set_expiry(expiry, &mut total_bytes).unwrap();
                assert!(is_same(&entry) && entry.expiry() == expiry);
                assert_eq!(
                    (entry.is_expired(9), entry.is_expired(11)),
                    (expiry == Some(9), expiry.is_some())
                );
            }
            entry.check();
            for value in [&[b'v'; 2_000][..], b"-1", b"short", &[b'v'; 1_000]] {
                let content = Content::try_string(Element::Bytes(value)).unwrap();
                entry.try_set(Some(12), content, &mut total_bytes).unwrap();
                assert!(is_same(&entry) && entry.expiry() == Some(12));
                assert_eq!(total_bytes, entry.allocation_size());
            }
        }
    }
    assert_eq!(region.held(), 0);
}

/// Returns the parts of an entry's coded string: the slot of its table, the length of its text, and its
/// codes.
fn coded_parts(entry: &Entry) -> (Slot, usize, Vec<u8>) {
    match entry.string() {
        Ok(string @ EntryString::Coded(coded)) => {
            assert_eq!((string.len(), entry.plain().is_none()), (coded.len(), true));
            (coded.slot(), string.len(), coded.get().codes.to_vec())
        }
        _ => panic!("another value"),
    }
}

#[test]
fn a_coded_string_stays_the_same_while_its_entry_changes() {
    let region = Region::start();
    let entry = |key: &[u8], expiry, slot, len, codes: &[u8]| {
        Entry::try_new(key, expiry, CLOCK, Content::Coded(CodedString { slot, len, codes })).unwrap()
    };
    let small = entry(b"key", None, Slot::Second, 9, b"\x01\xFF\x02");
    let parts = [&head(Kind::coded(Slot::Second), 0)[..], b"\x03key", b"\x09\x03\x01\xFF\x02"];
    assert_eq!(bytes(&small), parts.concat());
    drop(small);
    for slot in [Slot::First, Slot::Second] {
        for (len, codes_len) in [(8, 1), (253, 253), (254, 254), (16_384, 5_000)] {
            let codes = vec![b'c'; codes_len];
            let parts = (slot, len as usize, codes.clone());
            let mut coded = entry(b"key", None, slot, len, &codes);
            assert_eq!(
                coded.usable_size(),
                Entry::size_of_coded(KeyLayout::plain(3), false, &CodedString { slot, len, codes: &codes })
            );
            let encoding = if len > 44 { Encoding::Raw } else { Encoding::EmbStr };
            assert_eq!((coded.encoding(44), coded.free_effort(), coded.len()), (encoding, 1, None));
            assert!(!coded.overwrite(&codes, SnapshotBit::default()), "it is no string of that length");
            for expiry in [Some(5), Some(6), None] {
                coded.set_expiry(expiry).unwrap();
                coded.check();
                assert_eq!((coded_parts(&coded), coded.expiry()), (parts.clone(), expiry));
            }
            let address = coded.address();
            relocate(&mut coded, |_, _| true);
            assert_ne!(coded.address(), address);
            assert_eq!(coded_parts(&coded), parts);
            let block_only = coded.try_renamed(StoredKey::plain(&[b'n'; 300])).unwrap();
            // SAFETY: the old entry becomes a `BlockOnlyEntry` at once, so it gives up the value.
            let mut renamed = unsafe { block_only.into_entry() };
            drop(BlockOnlyEntry::of(coded));
            assert_eq!(
                (renamed.stored_key().bytes, coded_parts(&renamed)),
                (&[b'n'; 300][..], parts.clone())
            );
            for text in [&b"a text"[..], &[b'x'; INLINE_LEN_MAX + 1]] {
                renamed.set(Some(7), Content::try_string(text.into()).unwrap()).unwrap();
                assert_eq!(&*renamed.plain().unwrap().text(), text);
                renamed.set(None, Content::Coded(CodedString { slot, len, codes: &codes })).unwrap();
                renamed.check();
                assert_eq!(coded_parts(&renamed), parts);
            }
            let _plan = fault::fail_from(1);
            assert!(renamed.set_expiry(None).is_ok());
            assert_eq!(coded_parts(&renamed), parts);
        }
    }
    assert_eq!(region.held(), 0);
}

#[test]
fn a_string_comes_back_in_every_form() {
    let long = vec![b'x'; INLINE_LEN_MAX + 1];
    let texts =
        ["", "0", "-1", "127", "128", "-32769", "9223372036854775807", "-9223372036854775808", "01", "+1"];
    let bytes = texts.map(str::as_bytes).into_iter().chain([
        &long[..253],
        &long[..254],
        &long[..INLINE_LEN_MAX],
        &long,
    ]);
    for text in bytes {
        for (key, expiry) in [(&b""[..], None), (&long[..300], Some(7))] {
            let entry = string(key, expiry, text);
            entry.check();
            assert_eq!(
                (entry.stored_key().bytes, entry.expiry(), entry.view().clock()),
                (key, expiry, CLOCK)
            );
            assert_eq!(&*entry.plain().unwrap().text(), text);
            assert_eq!(entry.object().is_some(), text.len() > INLINE_LEN_MAX);
            assert!(entry.collection::<Hash>().is_err());
        }
    }
}

#[test]
fn every_value_takes_the_place_of_every_other_with_and_without_an_expiry() {
    type Make = fn(&[u8], Option<u64>) -> Entry;
    let makes: [Make; 6] = [
        |key, expiry| string(key, expiry, b"12345"),
        |key, expiry| string(key, expiry, b"a text of some length, in the block"),
        |key, expiry| string(key, expiry, &[b'x'; INLINE_LEN_MAX + 1]),
        |key, expiry| collection(key, expiry, hash(3)),
        |key, expiry| collection(key, expiry, hash_table()),
        |key, expiry| collection(key, expiry, quicklist()),
    ];
    let region = Region::start();
    for make in makes {
        for other in makes {
            let all = [[None, Some(5)], [Some(5), None], [None, None], [Some(5), Some(6)]];
            for expiries in &all[..if cfg!(miri) { 1 } else { 4 }] {
                let mut entry = make(b"key", expiries[0]);
                let other = other(b"key", expiries[1]);
                by_type!(other.object_type(), string => {
                    let text = other.plain().unwrap().text().to_vec();
                    entry.set(expiries[1], Content::try_string(text[..].into()).unwrap()).unwrap();
                    assert_eq!(&*entry.plain().unwrap().text(), &text[..]);
                }, C => {
                    let mut copy = other.try_to_owned::<C>().unwrap();
                    entry.set(expiries[1], Content::collection(&mut copy)).unwrap();
                    assert_eq!(entry.collection::<C>().unwrap(), other.collection::<C>().unwrap());
                });
                entry.check();
                assert_eq!(
                    (entry.expiry(), entry.view().clock(), entry.stored_key().bytes),
                    (expiries[1], CLOCK, &b"key"[..])
                );
                let [block, other_block] = [&entry, &other].map(|it| it.block_allocation_size(it.byte_len()));
                assert_eq!(block, other_block);
                entry.set_expiry(expiries[0]).unwrap();
                entry.check();
                assert_eq!((entry.expiry(), entry.stored_key().bytes), (expiries[0], &b"key"[..]));
            }
        }
    }
    assert_eq!(region.held(), 0);
}

#[test]
fn a_collection_is_edited_in_its_block_until_it_needs_a_word() {
    let mut entry = collection(b"key", Some(9), hash(3));
    for i in 0..if cfg!(miri) { 8 } else { 40 } {
        let field = format!("field {i}");
        assert_eq!(entry.edited::<Hash, _>(|hash| hash.try_insert(&*field, i, &LIMITS)), Some(Ok(true)));
        entry.check();
        assert_eq!(entry.kind().storage(), Storage::Packed);
    }
    assert_eq!(entry.edited::<Hash, _>(|hash| hash.try_insert("long", &[b'x'; 65], &LIMITS)), Some(Ok(true)));
    entry.check();
    assert_eq!((entry.kind().encoding(), entry.kind().storage()), (Encoding::HashTable, Storage::Word));
    assert_eq!(entry.edited::<Hash, _>(|hash| hash.remove("long")), Some(true));
    assert_eq!(entry.edited::<Set, _>(|_| ()), None, "another type");
    entry.check();
    assert_eq!(
        (entry.stored_key().bytes, entry.expiry(), entry.view().clock()),
        (&b"key"[..], Some(9), CLOCK)
    );
}

/// The smallest packed value is shorter than a word with its padding.
#[test]
fn a_packed_value_becomes_a_word_where_there_is_no_memory_for_another_block() {
    for key_len in (0..16).step_by(if cfg!(miri) { 5 } else { 1 }) {
        let (key, mut set) = (vec![b'k'; key_len], Set::new());
        set.insert(1, &LIMITS);
        let mut entry = collection(&key, None, set);
        // There is memory for the closure, but none for the entry.
        let mut nothing = None;
        let limits = EncodingLimits { set_max_listpack_entries: 0, ..LIMITS };
        entry.edited::<Set, _>(|set| {
            set.try_insert("text", &limits).unwrap();
            nothing = Some(fault::fail_from(1));
        });
        drop(nothing);
        entry.check();
        assert_eq!(
            (entry.kind().encoding(), entry.len(), entry.stored_key().bytes),
            (Encoding::HashTable, Some(2), &key[..])
        );
    }
}

#[test]
fn what_becomes_shorter_never_fails_and_what_becomes_longer_fails_whole() {
    let region = Region::start();
    let mut entry = collection(b"key", Some(1), hash(20));
    let before = bytes(&entry);
    {
        let _no_memory = fault::fail_from(1);
        assert!(entry.edited::<Hash, _>(|hash| hash.try_insert("f", &[b'v'; 60], &LIMITS)).unwrap().is_err());
        assert_eq!(bytes(&entry), before);
        for i in 0..19 {
            assert_eq!(entry.edited::<Hash, _>(|hash| hash.remove(format!("f{i}").as_bytes())), Some(true));
            assert_eq!(entry.collection::<Hash>().unwrap().len(), 19 - i);
        }
        entry.set_expiry(None).unwrap();
        assert_eq!(entry.collection::<Hash>().unwrap().get("f19"), Some("value 19".into()));
        entry.set(None, Content::Int(5)).unwrap();
        entry.check();
        assert!(entry.is_loose());
        assert!(entry.set(None, Content::Bytes(&[b'x'; 900])).is_err());
        assert_eq!(entry.plain().unwrap(), Element::Int(5));
    }
    assert!(region.held() > 100, "the block is as large as it was");
    entry.set(None, Content::Int(6)).unwrap();
    assert!(!entry.is_loose());
    drop(entry);
    assert_eq!(region.held(), 0);
}

#[test]
fn a_string_grows_in_the_block_and_then_in_an_object() {
    let mut entry = string(b"key", Some(3), b"-17");
    let mut text = b"-17".to_vec();
    for piece in [&b""[..], b"abc", &[b'x'; 249], b"1", &[b'y'; 700], &[b'z'; 100], b"!"] {
        text.extend_from_slice(piece);
        assert_eq!(entry.append(piece), text.len());
        entry.check();
        assert_eq!((&*entry.plain().unwrap().text(), entry.expiry()), (&text[..], Some(3)));
    }
    assert!(entry.object().is_some());
    let mut entry = string(b"key", None, b"ab");
    for len in [5, 3] {
        entry.counted(|entry, held| {
            assert_eq!(StringEdit::new(entry, held).try_make_len(len).unwrap(), b"ab\0\0\0");
        });
    }
    entry.check();
}

#[test]
fn an_entry_is_renamed_and_copied_with_its_value() {
    let region = Region::start();
    let mut zset = ZSet::new();
    zset.insert("member", 1.5, &LIMITS).unwrap();
    for entry in [
        string(b"old", Some(4), b"text"),
        collection(b"old", Some(4), hash_table()),
        collection(b"old", None, zset),
    ] {
        let copy = entry.try_copied(b"a copy", entry.expiry(), 1).unwrap();
        copy.check();
        assert_eq!(
            (copy.stored_key().bytes, copy.expiry(), copy.view().clock()),
            (&b"a copy"[..], entry.expiry(), 1)
        );
        let block_only = entry.try_renamed(StoredKey::plain(&[b'n'; 300])).unwrap();
        let expiry = entry.expiry();
        // SAFETY: the old entry becomes a `BlockOnlyEntry` at once, so it gives up the value.
        let renamed = unsafe { block_only.into_entry() };
        drop(BlockOnlyEntry::of(entry));
        renamed.check();
        assert_eq!(
            (renamed.stored_key().bytes, renamed.expiry(), renamed.view().clock()),
            (&[b'n'; 300][..], expiry, CLOCK)
        );
        by_type!(renamed.object_type(), string => assert_eq!(renamed.plain(), copy.plain()), C => {
            assert_eq!(renamed.collection::<C>().unwrap(), copy.collection::<C>().unwrap());
        });
    }
    assert_eq!(region.held(), 0);
}

#[test]
fn an_entry_is_dropped_in_steps_or_replaced_whole() {
    let region = Region::start();
    for entry in one_of_each() {
        let mut held = entry.allocation_size();
        let (mut slot, size) = (entry, held);
        let (old, freed) = slot.replace(string(b"key", None, b"new"), &mut held);
        assert_eq!((freed, held), (size, slot.allocation_size()));
        assert_eq!(&*slot.plain().unwrap().text(), b"new");
        let mut left = old.drop_in_steps(1);
        while let Some(remains) = left {
            left = remains.drop_in_steps(1);
        }
    }
    assert_eq!(region.held(), 0);
}

#[test]
fn an_integer_of_every_width_comes_back() {
    for width in 1..=8 {
        let most = i64::MAX >> (64 - 8 * width);
        let values = [most, -most - 1, most - 1, -most, most / 3, -most / 3];
        for value in values.into_iter().take(if cfg!(miri) { 2 } else { 6 }) {
            let entry = string(b"key", None, value.to_string().as_bytes());
            assert_eq!(entry.kind().int_width(), Some(content::int_width(value)), "{value}");
            let Some(Element::Int(read)) = entry.plain() else {
                panic!("{value} is not stored as an integer")
            };
            assert_eq!(read, value);
        }
    }
}

#[test]
fn keys_that_differ_in_one_byte_or_in_their_length_are_told_apart() {
    let tables = Tables::default();
    for len in (0..=20).step_by(if cfg!(miri) { 5 } else { 1 }).chain([253, 254, 256]) {
        let key = vec![b'k'; len];
        for expiry in [None, Some(1)] {
            let entry = string(&key, expiry, b"value");
            let view = entry.view_of(&key, &tables).expect("the key is this one");
            assert!(matches!(view.string(), Ok(EntryString::Bytes(b"value"))), "{len}");
            assert_eq!((view.is_expired(0), view.is_expired(1)), (false, expiry.is_some()), "{len}");
            for at in (0..len).step_by(if cfg!(miri) { 1 + len / 4 } else { 1 }) {
                let mut other = key.clone();
                other[at] ^= 0x80;
                assert!(!entry.has_key(&other, &tables), "{len}, {at}");
            }
            assert!(!entry.has_key(&vec![b'k'; len + 1], &tables), "{len}");
            assert!(len == 0 || !entry.has_key(&key[1..], &tables), "{len}");
        }
    }
}

/// Returns entries with values of every type, in the block and outside of it.
fn one_of_each() -> Vec<Entry> {
    let mut set = Set::new();
    let mut zset = ZSet::new();
    let few = EncodingLimits { set_max_listpack_entries: 0, zset_max_listpack_entries: 0, ..LIMITS };
    for n in 0..if cfg!(miri) { 10 } else { 300_i64 } {
        set.insert(format!("member {n}").as_bytes(), &few);
        zset.insert(n, n as f64, &few).unwrap();
    }
    vec![
        string(b"key", None, b"12345"),
        string(b"key", Some(5), b"a text"),
        string(b"key", Some(5), &[b'x'; INLINE_LEN_MAX + 1]),
        collection(b"key", None, hash(3)),
        collection(b"key", Some(5), hash_table()),
        collection(b"key", None, quicklist()),
        collection(b"key", None, set),
        collection(b"key", None, zset),
    ]
}

/// Moves all blocks of an entry for which `moves` returns `true`.
fn relocate(entry: &mut Entry, mut moves: impl FnMut(NonNull<u8>, usize) -> bool) {
    entry.counted(|entry, held| {
        entry.relocate_block(&mut moves, held);
        let mut cursor = entry.relocate_value(Cursor::START, &mut moves, held);
        while !cursor.is_start() {
            cursor = entry.relocate_value(cursor, &mut moves, held);
        }
    });
}

fn assert_is_copy(entry: &Entry, copy: &Entry) {
    entry.check();
    assert_eq!((entry.stored_key().bytes, entry.expiry()), (copy.stored_key().bytes, copy.expiry()));
    by_type!(copy.object_type(), string => assert_eq!(entry.plain(), copy.plain()), C => {
        assert_eq!(entry.collection::<C>().unwrap(), copy.collection::<C>().unwrap());
    });
}

#[test]
fn every_block_of_an_entry_moves_with_what_it_holds() {
    let region = Region::start();
    for mut entry in one_of_each() {
        let (copy, address) = (entry.try_copied(b"key", entry.expiry(), 1).unwrap(), entry.address());
        let (size, mut asked) = (entry.allocation_size(), 0);
        relocate(&mut entry, |_, size| {
            asked += size;
            true
        });
        // (A table reports the size that it requested, not the size that it got, and its larger blocks do not
        // move.)
        assert!(size * 3 / 4 < asked && asked <= size, "{asked} of {size} bytes");
        assert_ne!(entry.address(), address);
        assert_eq!(entry.view().clock(), CLOCK);
        assert_is_copy(&entry, &copy);
        relocate(&mut entry, |_, _| false);
        assert_is_copy(&entry, &copy);
    }
    assert_eq!(region.held(), 0);
}

#[test]
fn a_string_that_a_reply_holds_too_does_not_move() {
    let mut entry = string(b"key", None, &[b'x'; INLINE_LEN_MAX + 1]);
    let reply = entry.object().unwrap().clone();
    let mut asked = 0;
    relocate(&mut entry, |_, _| {
        asked += 1;
        true
    });
    assert_eq!(asked, 1, "only the entry's own block");
    assert!(entry.object().unwrap().ptr_eq(&reply));
    drop(reply);
    relocate(&mut entry, |_, _| true);
    entry.check();
}

#[test]
fn a_loose_block_has_its_size_class_when_it_has_moved() {
    let mut entry = collection(b"key", None, hash(20));
    {
        let _no_memory = fault::fail_from(1);
        entry.set(None, Content::Int(5)).unwrap();
        assert!(entry.is_loose());
        relocate(&mut entry, |_, _| true);
        assert!(entry.is_loose(), "without memory it stays");
    }
    let before = entry.allocation_size();
    relocate(&mut entry, |_, _| true);
    assert!(!entry.is_loose() && entry.allocation_size() < before);
    assert_eq!(entry.plain().unwrap(), Element::Int(5));
}

#[test]
fn without_memory_every_block_stays_where_it_is() {
    for nth in 1..if cfg!(miri) { 5 } else { 60 } {
        for mut entry in one_of_each() {
            let copy = entry.try_copied(b"key", entry.expiry(), 1).unwrap();
            let plan = if nth % 2 == 0 { fault::fail_from(nth / 2) } else { fault::fail_nth(nth / 2 + 1) };
            relocate(&mut entry, |_, _| true);
            drop(plan);
            assert_is_copy(&entry, &copy);
        }
    }
}

#[test]
fn a_question_that_panics_leaves_a_value_whole() {
    for nth in 1..if cfg!(miri) { 4 } else { 40 } {
        for mut entry in one_of_each() {
            let copy = entry.try_copied(b"key", entry.expiry(), 1).unwrap();
            let mut held = entry.allocation_size();
            let mut asked = 0;
            let mut moves = |_, _| {
                asked += 1;
                assert!(asked < nth, "no answer");
                true
            };
            let _ = catch_unwind(AssertUnwindSafe(|| {
                entry.relocate_value(Cursor::START, &mut moves, &mut held);
                entry.relocate_block(&mut moves, &mut held);
            }));
            assert_eq!(held, entry.allocation_size());
            assert_is_copy(&entry, &copy);
        }
    }
}
