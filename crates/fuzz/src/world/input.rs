//! The arguments of operations: keys, members, texts, times and counts, decoded from an input.
//!
//! A [`Scale`] decides what the bytes of an input mean. The fuzz target has few keys and small collections,
//! and the soak has many keys and large collections. So both run the same operations.

use crate::harness::Text;
use arbitrary::Arbitrary;
use common::random;
use keyspace::{Expiry, Options};
use std::ops::Range;
use values::ObjectType;

/// The size of the keyspaces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Some 40 keys. All of them are compared after each operation.
    Small,
    /// Thousands of keys, and sometimes a collection of some 10,000 elements.
    Large,
}

/// The number of keys of each type in a large keyspace. All types share as many further keys.
const KEYS: usize = 400;
/// The number of different members, fields and elements of a large collection.
const MEMBERS: u32 = 1 << 14;

/// One of the five types.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    String,
    List,
    Set,
    Hash,
    ZSet,
}

impl Kind {
    pub(crate) fn object_type(self) -> ObjectType {
        match self {
            Self::String => ObjectType::String,
            Self::List => ObjectType::List,
            Self::Set => ObjectType::Set,
            Self::Hash => ObjectType::Hash,
            Self::ZSet => ObjectType::ZSet,
        }
    }
}

/// A key. Seven of eight keys belong to the type of the operation. All types share the others.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Key(u16);

impl Key {
    /// Returns the bytes of the key. Some lengths are near the limits of length fields and
    /// of coded keys.
    pub(crate) fn name(self, kind: Kind, scale: Scale) -> Vec<u8> {
        let letter = if self.0.is_multiple_of(8) { b'k' } else { b"slehz"[kind as usize] };
        if scale == Scale::Small {
            let len = [1, 16, 24, 0, 253, 254, 255, 300][usize::from(self.0 / 8 % 8)];
            return vec![letter; len];
        }
        // Low numbers are more frequent.
        let fraction = f64::from(self.0 / 8) / f64::from(1 << 13);
        let number = (fraction * fraction * KEYS as f64) as usize;
        let mut name = format!("{}:{number}", char::from(letter)).into_bytes();
        let len = [16, 17, 24, 40, 253, 254, 255, 300, 1_000].get(number % 64).copied().unwrap_or(0);
        name.resize(name.len().max(len), b'x');
        if number == 100 { Vec::new() } else { name }
    }
}

/// A member, a field or an element. Most of them come from a few dozen, so that the same one occurs several
/// times.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Member(u16);

impl Member {
    fn number(self, scale: Scale) -> u32 {
        let number = u32::from(self.0);
        match scale {
            Scale::Small => number % 24,
            Scale::Large if number.is_multiple_of(8) => number / 4 % MEMBERS,
            Scale::Large => number % 48,
        }
    }

    /// Returns the bytes of the member in the collection of `key`.
    pub(crate) fn bytes(self, key: &[u8], scale: Scale) -> Vec<u8> {
        member(self.number(scale), key)
    }
}

/// Returns the member with this number. All members of some keys are integers.
fn member(number: u32, key: &[u8]) -> Vec<u8> {
    let wide = i64::from(number);
    if key.last().is_some_and(|last| last % 3 == 0) {
        let integer = match number % 16 {
            0..10 => wide,
            10..12 => -wide,
            12 => wide << 7,
            13 => wide << 18,
            14 => wide << 45,
            _ => !(wide << 49),
        };
        return integer.to_string().into_bytes();
    }
    match number % 8 {
        0..3 => wide.to_string().into_bytes(),
        3 => (wide << (number % 50)).to_string().into_bytes(),
        4 => vec![b'm'; number as usize % 70],
        5 => vec![b'a' + (number % 26) as u8; number as usize % 400],
        _ => format!("member:{number}").into_bytes(),
    }
}

/// Many members with consecutive numbers.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Many {
    from: Member,
    count: Count,
}

impl Many {
    pub(crate) fn members(self, key: &[u8], scale: Scale) -> impl Iterator<Item = Vec<u8>> {
        let from = self.from.number(scale);
        (from..from + self.count.of(scale) as u32).map(move |number| member(number % MEMBERS, key))
    }
}

/// A number of elements. It is mostly small, and sometimes some thousands.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Count(u16);

impl Count {
    pub(crate) fn of(self, scale: Scale) -> usize {
        let count = usize::from(self.0);
        match (scale, count) {
            (Scale::Small, _) => count % 40,
            (Scale::Large, 0..64) => 2_000 + 200 * count,
            (Scale::Large, 64..2_000) => count % 700,
            (Scale::Large, _) => count % 24,
        }
    }
}

/// Decides whether something happens that should be rare.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct OneIn(u16);

impl OneIn {
    /// Returns `true` once in four times in a small keyspace, and once in `n` times in a large one.
    pub(crate) fn one_in(self, n: u16, scale: Scale) -> bool {
        self.0.is_multiple_of(if scale == Scale::Small { 4 } else { n })
    }
}

/// A string: an integer, a text that looks like an integer, another number, or bytes.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Word {
    Small(i8),
    /// An integer of any width.
    Int(i64, u8),
    Edge(u8),
    Bytes(Text),
    Text(Text),
}

/// Texts that look like integers, and other numbers.
const EDGES: [&str; 10] =
    ["007", "-0", "+1", " 1", "3.25", "-0.5", "1e3", "", "9223372036854775807", "9223372036854775808"];

impl Word {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Small(number) => number.to_string().into_bytes(),
            Self::Int(number, shift) => (number >> (shift % 64)).to_string().into_bytes(),
            Self::Edge(edge) => EDGES[usize::from(*edge) % EDGES.len()].as_bytes().to_vec(),
            Self::Bytes(Text(bytes)) | Self::Text(Text(bytes)) => bytes.clone(),
        }
    }
}

/// An expiry time of a command. It is mostly within about a minute.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct When {
    form: u8,
    value: u16,
}

impl When {
    pub(crate) fn expiry(self, now: u64) -> Expiry {
        let (now, value) = (now as i64, i64::from(self.value));
        let extreme = [i64::MIN, -1, 0, i64::MAX / 1_000, i64::MAX / 1_000 + 1, i64::MAX];
        let extreme = (self.form < 8).then(|| extreme[self.value as usize % extreme.len()]);
        let (seconds, millis) = (value % 64 - 1, value - 500);
        match self.form % 4 {
            0 => Expiry::InSeconds(extreme.unwrap_or(seconds)),
            1 => Expiry::InMillis(extreme.unwrap_or(millis)),
            2 => Expiry::AtSeconds(extreme.unwrap_or(now / 1_000 + seconds)),
            _ => Expiry::AtMillis(extreme.unwrap_or(now + millis)),
        }
    }
}

/// The time that passes. It is mostly short in a large keyspace, so that many keys with an expiry are alive.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Wait(u16);

impl Wait {
    pub(crate) fn millis(self, scale: Scale) -> u64 {
        let millis = u64::from(self.0);
        if scale == Scale::Small || millis.is_multiple_of(64) { millis } else { millis % 128 }
    }
}

/// Two indexes of a command.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Indexes {
    start: Index,
    end: Index,
}

impl Indexes {
    pub(crate) fn of(self, len: usize) -> (i64, i64) {
        (self.start.of(len), self.end.of(len))
    }
}

/// An index of a command. It is near one of the ends, anywhere, or out of range.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Index(i16);

impl Index {
    pub(crate) fn of(self, len: usize) -> i64 {
        let index = i64::from(self.0);
        match index % 4 {
            0 => index % (len as i64 + 2),
            _ => index % 40,
        }
    }
}

/// Returns the positions between two indexes of a command.
pub(crate) fn span((start, end): (i64, i64), len: usize) -> Range<usize> {
    let from_start = |index: i64| if index < 0 { index + len as i64 } else { index };
    let start = (from_start(start).max(0) as usize).min(len);
    let end = (from_start(end) + 1).max(0) as usize;
    start..end.min(len).max(start)
}

/// A source of uniform numbers.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Source(u64);

impl Source {
    pub(crate) fn numbers(mut self) -> impl FnMut() -> u64 {
        move || {
            self.0 = self.0.wrapping_add(1);
            random::mix(self.0)
        }
    }
}

/// Limits of encodings, which decide when a collection is converted.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub(crate) struct Limits {
    entries: u8,
    bytes: u8,
    list: i8,
    depth: u8,
}

impl Limits {
    /// Returns the options with these limits.
    pub(crate) fn within(self, options: Options) -> Options {
        let entries =
            usize::from(if self.entries.is_multiple_of(8) { self.entries } else { self.entries % 16 });
        let bytes = usize::from(self.bytes);
        let list = if self.list < 0 { i32::from(self.list % 5) } else { i32::from(self.list % 16) };
        options
            .hash_max_listpack_entries(entries)
            .hash_max_listpack_value(bytes)
            .list_max_listpack_size(list)
            .list_compress_depth([0, 0, 0, 1, 3][usize::from(self.depth % 5)])
            .set_max_intset_entries(entries)
            .set_max_listpack_entries(entries / 2)
            .set_max_listpack_value(bytes)
            .zset_max_listpack_entries(entries)
            .zset_max_listpack_value(bytes)
            .proto_max_bulk_len(LEN_MAX)
    }
}

/// The maximum length of a string, in bytes. `proto-max-bulk-len` accepts no smaller value.
pub(crate) const LEN_MAX: usize = 1 << 20;
