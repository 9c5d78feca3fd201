//! [`ClassicRedis`]: computes the memory of keys in Redis 7.0, with values of any type.
//!
//! ```text
//!  string     | object 16 | ...                                              as in `classic`
//!  listpack   | object 16 | -> | listpack |                                  hash, sorted set
//!  intset     | object 16 | -> | header 8 | width 2, 4 or 8 a member |       set
//!  quicklist  | object 16 | -> | list 40 | -> | node 40 | -> | listpack |    list
//!  hashtable  | object 16 | -> | dict 56 | -> | buckets | -> | entry 24 | -> | string | -> | string |
//!  skiplist   | object 16 | -> | two pointers | -> dict as above, whose entries point at nodes
//!                                               -> | list 32 | -> | node 24, 16 a level | -> | string |
//! ```
//!
//! The encoding follows from the elements and the limits, as it does when Redis loads the value from a dump.
//! The bytes are exact for all encodings except skiplists. The height of a skiplist's node is random, so the
//! expected size of a node is used.
//!
//! Limits: Redis 7.2 and later store small sets in listpacks and small lists without a quicklist. In some
//! tables, an entry and its key share one block. Such values take less memory there.
//!
//! Learned from: the structures of Redis 7.0, and its code that loads a dump.

use super::Quantum;
use super::classic::{self, OBJECT, POINTER};
use crate::value::ValueRef;
use listpack::{Value as Packed, encoded_len};
use values::list::NodeLimit;
use values::{Element, Encoding, EncodingLimits, HashView, ListView, SetView, ZSetView};

/// The size of a table's entry: key, value, next. In C: `dictEntry`.
const ENTRY: u64 = 3 * POINTER;

/// In C: `dict`.
const DICT: u64 = 56;

/// The size of a listpack's header and end.
const LISTPACK: u64 = 7;

/// In C: `intset`.
const INTSET: u64 = 8;

/// In C: `quicklist`.
const QUICKLIST: u64 = 40;

/// In C: `quicklistNode`.
const QUICKLIST_NODE: u64 = 40;

/// The bytes that an element adds to a listpack beside its own, by the estimate of Redis. In C:
/// `SIZE_ESTIMATE_OVERHEAD`.
const OVERHEAD_ESTIMATE: usize = 8;

/// In C: `zset`.
const ZSET: u64 = 2 * POINTER;

/// In C: `zskiplist`.
const SKIPLIST: u64 = 32;

/// The size of a node without levels: member, score, backward. In C: `zskiplistNode`.
const SKIPLIST_NODE: u64 = 24;

/// In C: `zskiplistLevel`.
const LEVEL: u64 = 16;

/// The largest number of levels, which the first node has. In C: `ZSKIPLIST_MAXLEVEL`.
const LEVELS_MAX: u64 = 32;

/// The probability that a node has one more level. In C: `ZSKIPLIST_P`.
const LEVEL_PROBABILITY: f64 = 0.25;

/// The encoding and the memory of a value in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassicValue {
    /// The encoding, as `OBJECT ENCODING` returns it.
    pub encoding: Encoding,
    /// The sum of all blocks in their size classes, in bytes.
    pub bytes: u64,
}

/// Computes the memory that keys and values take in Redis 7.0 on a 64-bit machine.
///
/// ```
/// use keyspace::Keyspace;
/// use keyspace::estimate::{ClassicRedis, Quantum};
/// use values::Encoding;
///
/// let mut keyspace = Keyspace::new();
/// keyspace.hset("user:1", "name", "Ada", 0)?;
/// let redis = ClassicRedis::new(Quantum::Sixteen);
/// let value = redis.value(keyspace.get("user:1", 0).unwrap());
/// // An object of 16 bytes, and a listpack of 7 + 6 + 5 bytes in a block of 32.
/// assert_eq!((value.encoding, value.bytes), (Encoding::ListPack, 16 + 32));
/// // An entry of 24 bytes in a block of 32, and the key with its header and its NUL.
/// assert_eq!(redis.key(6, false), 32 + 8);
/// # Ok::<(), keyspace::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassicRedis {
    quantum: Quantum,
    limits: EncodingLimits,
}

impl ClassicRedis {
    /// Returns a calculator with the default limits of redis.conf.
    pub const fn new(quantum: Quantum) -> Self {
        Self::with_limits(quantum, EncodingLimits::DEFAULT)
    }

    /// Returns a calculator with other limits. It ignores the limits of sets in listpacks and of compressed
    /// lists.
    pub const fn with_limits(quantum: Quantum, limits: EncodingLimits) -> Self {
        Self { quantum, limits }
    }

    /// Returns the limits.
    pub const fn limits(&self) -> &EncodingLimits {
        &self.limits
    }

    /// Returns the bytes of a key and of its entries in the tables. The buckets are not included; see
    /// [`tables`](Self::tables).
    pub fn key(&self, key_len: u64, expires: bool) -> u64 {
        let entries = if expires { 2 } else { 1 };
        (entries * self.class(ENTRY)).saturating_add(self.sds(key_len))
    }

    /// Returns the bytes of the buckets of a database with `keys` keys, of which `expires` have an expiry. No
    /// rehash is in progress.
    pub fn tables(&self, keys: u64, expires: u64) -> u64 {
        self.buckets(keys).saturating_add(self.buckets(expires))
    }

    /// Returns the encoding and the memory of a string or an integer. O(1).
    pub fn string(&self, string: Element<'_>) -> ClassicValue {
        const INT_LEN_MAX: usize = 20;
        let len = string.len();
        let number = if len <= INT_LEN_MAX { string.as_i64() } else { None };
        let (encoding, bytes) = match number {
            Some(number) if (0..self.limits.shared_integers.into()).contains(&number) => (Encoding::Int, 0),
            Some(_) => (Encoding::Int, self.class(OBJECT)),
            None => return self.text(len),
        };
        ClassicValue { encoding, bytes }
    }

    /// Returns the encoding and the memory of a string of `len` bytes that is not an integer.
    fn text(&self, len: usize) -> ClassicValue {
        let (encoding, bytes) = if len <= self.limits.embstr_size_limit {
            (Encoding::EmbStr, self.class(OBJECT + 3 + len as u64 + 1))
        } else {
            (Encoding::Raw, self.class(OBJECT).saturating_add(self.sds(len as u64)))
        };
        ClassicValue { encoding, bytes }
    }

    /// Returns the encoding and the memory of a value of any type. O(elements), and O(1) for strings.
    pub fn value(&self, value: ValueRef<'_>) -> ClassicValue {
        let (encoding, bytes) = match value {
            ValueRef::String(string) => {
                return string.plain().map_or_else(|| self.text(string.len()), |plain| self.string(plain));
            }
            ValueRef::List(list) => (Encoding::QuickList, self.list(list)),
            ValueRef::Set(set) => self.set(set),
            ValueRef::Hash(hash) => self.hash(hash),
            ValueRef::ZSet(zset) => self.zset(zset),
        };
        ClassicValue { encoding, bytes: bytes.saturating_add(self.class(OBJECT)) }
    }

    fn class(&self, size: u64) -> u64 {
        self.quantum.class(size)
    }

    /// Returns the bytes of a string in its own block.
    fn sds(&self, len: u64) -> u64 {
        self.class(classic::header(len).saturating_add(len).saturating_add(1))
    }

    fn element(&self, element: Element<'_>) -> u64 {
        self.sds(element.len() as u64)
    }

    fn buckets(&self, entries: u64) -> u64 {
        if entries == 0 { 0 } else { self.class(classic::buckets(entries).saturating_mul(POINTER)) }
    }

    /// Returns the bytes of a table with its entries, without the keys and values.
    fn dict(&self, entries: usize) -> u64 {
        let entries = entries as u64;
        self.class(DICT) + self.buckets(entries) + entries * self.class(ENTRY)
    }

    fn list(&self, list: ListView<'_>) -> u64 {
        let limit = NodeLimit::new(self.limits.list_max_listpack_size);
        let (mut sum, mut bytes, mut elements) = (0, 0, 0);
        for item in list {
            let element = item.element();
            if elements > 0 && !limit.allows(bytes + element.len() + OVERHEAD_ESTIMATE, elements + 1) {
                sum += self.class(QUICKLIST_NODE) + self.class(bytes as u64);
                (bytes, elements) = (0, 0);
            }
            if elements == 0 {
                bytes = LISTPACK as usize;
            }
            bytes += packed_len(element) as usize;
            elements += 1;
        }
        self.class(QUICKLIST) + sum + self.class(QUICKLIST_NODE) + self.class(bytes as u64)
    }

    fn set(&self, set: SetView<'_>) -> (Encoding, u64) {
        // The widest member determines the width of all members.
        let mut width = (set.len() <= self.limits.set_max_intset_entries).then_some(2);
        let mut strings = 0;
        for member in set.iter() {
            strings += self.element(member);
            width = width.and_then(|width: u64| Some(width.max(int_width(member.as_i64()?))));
        }
        match width {
            Some(width) => (Encoding::IntSet, self.class(INTSET + width * set.len() as u64)),
            None => (Encoding::HashTable, self.dict(set.len()) + strings),
        }
    }

    fn hash(&self, hash: HashView<'_>) -> (Encoding, u64) {
        let limits = &self.limits;
        let (mut packed, mut strings, mut longest) = (LISTPACK, 0, 0);
        for (field, value) in hash {
            packed += packed_len(field) + packed_len(value);
            strings += self.element(field) + self.element(value);
            longest = longest.max(field.len()).max(value.len());
        }
        if hash.len() <= limits.hash_max_listpack_entries && longest <= limits.hash_max_listpack_value {
            (Encoding::ListPack, self.class(packed))
        } else {
            (Encoding::HashTable, self.dict(hash.len()) + strings)
        }
    }

    fn zset(&self, zset: ZSetView<'_>) -> (Encoding, u64) {
        let limits = &self.limits;
        let is_short = zset.len() <= limits.zset_max_listpack_entries;
        let (mut packed, mut strings, mut longest) = (LISTPACK, 0, 0);
        for (member, score) in zset {
            if is_short {
                packed += packed_len(member) + score_len(score);
            }
            strings += self.element(member);
            longest = longest.max(member.len());
        }
        if is_short && longest <= limits.zset_max_listpack_value {
            return (Encoding::ListPack, self.class(packed));
        }
        let head = self.class(ZSET) + self.class(SKIPLIST) + self.skiplist_node(LEVELS_MAX);
        (Encoding::SkipList, head + self.dict(zset.len()) + self.skiplist_nodes(zset.len()) + strings)
    }

    fn skiplist_node(&self, levels: u64) -> u64 {
        self.class(SKIPLIST_NODE + levels * LEVEL)
    }

    /// Returns the expected bytes of `count` nodes.
    fn skiplist_nodes(&self, count: usize) -> u64 {
        let (mut bytes, mut higher) = (0.0, 1.0);
        for levels in 1..LEVELS_MAX {
            bytes += higher * (1.0 - LEVEL_PROBABILITY) * self.skiplist_node(levels) as f64;
            higher *= LEVEL_PROBABILITY;
        }
        bytes += higher * self.skiplist_node(LEVELS_MAX) as f64;
        (bytes * count as f64).round() as u64
    }
}

/// Returns the bytes of an element in a listpack, which stores it as an integer if possible.
fn packed_len(element: Element<'_>) -> u64 {
    let packed = match element {
        Element::Int(number) => Packed::Int(number),
        Element::Bytes(bytes) => Packed::from(bytes),
    };
    encoded_len(packed) as u64
}

/// Returns the bytes of a score in a listpack, which stores an integer or the text of `%.17g`.
fn score_len(score: f64) -> u64 {
    // Redis stores a whole number up to half of the largest integer as an integer, and -0 as 0.
    const INTEGER_MAX: f64 = (i64::MAX / 2) as f64;
    if score.fract() == 0.0 && score.abs() <= INTEGER_MAX {
        return encoded_len(Packed::Int(score as i64)) as u64;
    }
    const DIGITS: [u8; 32] = [b'0'; 32];
    encoded_len(Packed::raw(&DIGITS[..general_len(score)])) as u64
}

/// Returns the length of the text that C's `%.17g` prints.
fn general_len(number: f64) -> usize {
    const PRECISION: i32 = 17;
    if !number.is_finite() {
        return if number == f64::NEG_INFINITY { 4 } else { 3 };
    }
    let text = format!("{number:.*e}", PRECISION as usize - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = usize::from(number.is_sign_negative());
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let zeros = mantissa.bytes().rev().take_while(|byte| *byte == b'0' || *byte == b'.');
    let zeros = zeros.filter(|byte| *byte == b'0').count();
    let significant = (digits - zeros).max(1);
    if !(-4..PRECISION).contains(&exponent) {
        let exponent_len = if exponent.abs() >= 100 { 3 } else { 2 };
        return sign + significant + usize::from(significant > 1) + 2 + exponent_len; // e, its sign
    }
    let exponent_digits = exponent.unsigned_abs() as usize;
    if exponent < 0 {
        return sign + 1 + exponent_digits + significant; // 0.000123: "0." and the zeros
    }
    let before_point = exponent_digits + 1;
    sign + significant.max(before_point) + usize::from(significant > before_point)
}

/// Returns the bytes of a member of an intset.
fn int_width(number: i64) -> u64 {
    match number {
        -0x8000..=0x7FFF => 2,
        -0x8000_0000..=0x7FFF_FFFF => 4,
        _ => 8,
    }
}

#[cfg(all(test, not(miri)))] // no unsafe code
mod tests {
    use super::*;
    use crate::{Error, Keyspace};
    use values::list::Side;
    use values::zset::AddOptions;

    const SIXTEEN: ClassicRedis = ClassicRedis::new(Quantum::Sixteen);
    const EIGHT: ClassicRedis = ClassicRedis::new(Quantum::Eight);

    /// Returns the encoding and the memory of the value of `k` after `fill`, for both quanta.
    fn bytes(fill: impl Fn(&mut Keyspace) -> Result<(), Error>) -> [(Encoding, u64); 2] {
        let mut keyspace = Keyspace::new();
        fill(&mut keyspace).unwrap();
        [SIXTEEN, EIGHT].map(|redis| {
            let value = redis.value(keyspace.get("k", 0).unwrap());
            (value.encoding, value.bytes)
        })
    }

    #[test]
    fn strings_are_integers_or_embedded_or_long() {
        let string = |text: &str| {
            let value = SIXTEEN.string(text.into());
            (value.encoding, value.bytes)
        };
        assert_eq!(string("9999"), (Encoding::Int, 0));
        assert_eq!(string("10000"), (Encoding::Int, 16));
        assert_eq!(string("-1"), (Encoding::Int, 16));
        assert_eq!(string("007"), (Encoding::EmbStr, 32)); // 16 + 3 + 3 + 1
        assert_eq!(string(&"x".repeat(44)), (Encoding::EmbStr, 64));
        assert_eq!(string(&"x".repeat(45)), (Encoding::Raw, 16 + 64)); // 3 + 45 + 1
        assert_eq!(EIGHT.string("x".repeat(45).as_str().into()).bytes, 16 + 56);
        assert_eq!(string(&"x".repeat(300)), (Encoding::Raw, 16 + 320)); // 5 + 300 + 1
    }

    #[test]
    fn keys_have_an_entry_in_each_table() {
        assert_eq!(SIXTEEN.key(7, false), 32 + 16);
        assert_eq!(SIXTEEN.key(7, true), 2 * 32 + 16);
        assert_eq!(EIGHT.key(31, true), 2 * 24 + 40); // 1 + 31 + 1
        assert_eq!(EIGHT.key(32, false), 24 + 40); // 3 + 32 + 1
        assert_eq!(SIXTEEN.tables(90_000, 0), 131_072 * 8);
        assert_eq!(SIXTEEN.tables(3, 5), 4 * 8 + 8 * 8);
        assert_eq!(SIXTEEN.tables(0, 0), 0);
    }

    #[test]
    fn a_hash_is_a_listpack_up_to_its_limits() {
        // Two entries of 1 + 64 + 1 bytes and 1 + 1 + 1.
        let [sixteen, _] = bytes(|k| k.hset("k", &"f".repeat(64), "v", 0).map(|_| ()));
        assert_eq!(sixteen, (Encoding::ListPack, 16 + 80)); // 7 + 67 + 3 = 77
        // dict 56, 4 buckets, an entry of 24, 3 + 65 + 1 bytes, 1 + 1 + 1 bytes.
        let [sixteen, eight] = bytes(|k| k.hset("k", &"f".repeat(65), "v", 0).map(|_| ()));
        assert_eq!(sixteen, (Encoding::HashTable, 16 + 64 + 32 + 32 + 80 + 8));
        assert_eq!(eight, (Encoding::HashTable, 16 + 56 + 32 + 24 + 80 + 8));
        let [sixteen, _] = bytes(|k| (0..513).try_for_each(|n: i64| k.hset("k", n, n, 0).map(|_| ())));
        // Fields and values of up to three digits, in 8 bytes each.
        assert_eq!(sixteen, (Encoding::HashTable, 16 + 64 + 1_024 * 8 + 513 * (32 + 8 + 8)));
    }

    #[test]
    fn a_set_is_an_intset_or_a_table() {
        let set = |from: i64, to: i64| {
            bytes(move |k| (from..=to).try_for_each(|n: i64| k.sadd("k", n, 0).map(|_| ())))[0]
        };
        assert_eq!(set(1, 5), (Encoding::IntSet, 16 + 32)); // 8 + 5 * 2 = 18
        assert_eq!(set(32_767, 32_768), (Encoding::IntSet, 16 + 16)); // 8 + 2 * 4
        assert_eq!(set(i64::MAX - 1, i64::MAX), (Encoding::IntSet, 16 + 32)); // 8 + 2 * 8
        assert_eq!(set(100, 611), (Encoding::IntSet, 16 + 1_280)); // 8 + 512 * 2 = 1,032
        assert_eq!(set(100, 612), (Encoding::HashTable, 16 + 64 + 1_024 * 8 + 513 * (32 + 8)));
        let [word, _] = bytes(|k| k.sadd("k", "word", 0).map(|_| ()));
        assert_eq!(word, (Encoding::HashTable, 16 + 64 + 32 + 32 + 8));
    }

    #[test]
    fn a_list_is_filled_node_by_node() {
        // An entry takes 2 + 998 + 2 bytes. A node with seven entries has 7 + 7 * 1,002 = 7,021 bytes. An
        // eighth entry fits, because 7,021 + 998 + 8 is at most 8,192. A ninth entry does not fit.
        let list = |elements: usize| {
            bytes(|k| (0..elements).try_for_each(|_| k.push("k", Side::Back, &[b'x'; 998], 0).map(|_| ())))
        };
        let [sixteen, eight] = list(8);
        assert_eq!(sixteen, (Encoding::QuickList, 16 + 48 + 48 + 8_192)); // 8,023
        assert_eq!(eight, (Encoding::QuickList, 16 + 40 + 40 + 8_192));
        assert_eq!(list(9)[0].1, 16 + 48 + 48 + 8_192 + 48 + 1_024); // 1,009
    }

    #[test]
    fn a_sorted_set_is_a_listpack_or_a_skiplist() {
        let [sixteen, _] = bytes(|k| k.zadd("k", "m", 1.5, AddOptions::default(), 0).map(|_| ()));
        assert_eq!(sixteen, (Encoding::ListPack, 16 + 16)); // 7 + 3 + 5
        let zset = |k: &mut Keyspace| {
            (0..129).try_for_each(|n: i64| k.zadd("k", n, 1.0, AddOptions::default(), 0).map(|_| ()))
        };
        // Heights 1, 2, 3 ...: nodes of 40, 56, 72, 88 bytes ... with probabilities 3/4, 3/16, 3/64 ...
        let classes = [48.0, 64.0, 80.0, 96.0, 112.0, 128.0, 160.0, 160.0, 192.0, 192.0, 224.0];
        let expected: f64 = (1..).zip(classes).map(|(k, class)| 3.0 * 0.25_f64.powi(k) * class).sum();
        let head = 16 + 16 + 32 + 640 + 64 + 256 * 8; // object, zset, list, first node, dict, buckets
        let [sixteen, _] = bytes(zset);
        assert_eq!(sixteen.0, Encoding::SkipList);
        assert_eq!(sixteen.1, head + 129 * (32 + 8) + (129.0 * expected).round() as u64);
    }

    #[test]
    fn scores_have_the_length_that_c_prints() {
        for (score, text) in [
            (0.1, "0.10000000000000001"),
            (1.5, "1.5"),
            (-2.25, "-2.25"),
            (0.0001, "0.0001"),
            (0.00001, "1.0000000000000001e-05"),
            (1e17, "1e+17"),
            (1e16, "10000000000000000"),
            (-0.0, "-0"),
            (1.5e300, "1.5000000000000001e+300"),
            (123.456, "123.456"),
            (12345678.9, "12345678.9"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(general_len(score), text.len(), "{text}");
        }
        assert_eq!(score_len(3.0), 2);
        assert_eq!(score_len(-3.0), 3);
        assert_eq!(score_len(1.5), 1 + 3 + 1);
    }
}
