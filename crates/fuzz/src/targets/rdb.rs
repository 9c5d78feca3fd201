//! Loads snapshot files and DUMP payloads: arbitrary bytes, and own files that are changed at places that the
//! input chooses.
//!
//! Each file is loaded at once, in slices, and with allocations that fail. The loader must read or refuse the
//! file without a panic. Its memory must be bounded by the length of the file. All ways of loading must have
//! the same result. The loaded keyspace is saved and loaded again, and must be equal.

use crate::harness::{Faults, LeakCheck, Plan, Text};
use ::keyspace::symbols::SymbolTable;
use ::keyspace::{Key, Keyspace, Options, Value};
use ::rdb::{
    DumpOptions, Error, Event, LoadOptions, LoadStats, Loader, Reader, SaveError, UnsupportedValue,
    WriteOptions, WriteVersion, dump, restore,
};
use ::values::{Element, EncodingLimits, Hash, List, ReserveError, Set, ZSet};
use ::zmalloc::fault;
use arbitrary::{Arbitrary, Unstructured};
use std::ops::Range;
use std::sync::Arc;

/// The current time. No key has expired at this time. An earlier expiry is stored as 1.
const NOW: u64 = 0;

/// The length of the end of a payload, in bytes: version and checksum.
const FOOTER: usize = 10;

/// The kind of the input.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    File,
    /// The bytes between header and checksum.
    Body {
        version: u8,
    },
    /// The type and value of a payload.
    Payload {
        version: u8,
    },
    Keyspace,
}

/// The description of an own file and payload, and of the changes to them.
#[derive(Arbitrary, Debug)]
struct Own {
    options: Written,
    limits: Limits,
    /// The number of symbols in the table of the keyspace. Without any, there is no table.
    symbols: u8,
    changes: Vec<Change>,
    keys: Vec<(Text, Option<u32>, Content)>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Written {
    version: u8,
    compression: bool,
    checksum: bool,
}

impl Written {
    fn version(self) -> WriteVersion {
        [WriteVersion::V10, WriteVersion::V11, WriteVersion::V12][usize::from(self.version % 3)]
    }

    fn file(self) -> WriteOptions {
        let mut options = WriteOptions::default();
        (options.version, options.compression, options.checksum) =
            (self.version(), self.compression, self.checksum);
        options
    }

    fn payload(self) -> DumpOptions {
        let mut options = DumpOptions::default();
        (options.version, options.compression) = (self.version(), self.compression);
        options
    }
}

/// Limits near the sizes that inputs reach.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Limits {
    entries: u8,
    value: u8,
    list: i8,
    depth: u8,
}

impl Limits {
    fn options(self) -> Options {
        let (entries, value) = (usize::from(self.entries % 40), usize::from(self.value));
        Options::new()
            .list_max_listpack_size(i32::from(self.list % 20))
            .list_compress_depth(u16::from(self.depth % 3))
            .set_max_intset_entries(entries)
            .set_max_listpack_entries(entries / 2)
            .set_max_listpack_value(value)
            .hash_max_listpack_entries(entries)
            .hash_max_listpack_value(value)
            .zset_max_listpack_entries(entries)
            .zset_max_listpack_value(value)
    }
}

/// An element, a member, a field, or the value of a field.
#[derive(Arbitrary, Clone, Debug)]
enum Name {
    Small(i8),
    Int(i64),
    Bytes(Text),
}

impl Name {
    fn element(&self) -> Element<'_> {
        match self {
            Self::Small(value) => Element::Int(i64::from(*value)),
            Self::Int(value) => Element::Int(*value),
            Self::Bytes(Text(bytes)) => Element::Bytes(bytes),
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Content {
    String(Name),
    List(Vec<Name>),
    Set(Vec<Name>),
    /// A few or many integers.
    Ints(i32, u8),
    Hash(Vec<(Name, Name)>),
    ZSet(Vec<(Name, f64)>),
}

impl Content {
    fn value(&self, limits: &EncodingLimits) -> Result<Value, ReserveError> {
        Ok(match self {
            Self::String(string) => Value::String(string.element().try_into()?),
            Self::List(elements) => {
                let mut list = List::new();
                elements.iter().for_each(|element| list.push_back(element.element(), limits));
                list.into()
            }
            Self::Set(members) => {
                let mut set = Set::new();
                for member in members {
                    set.insert(member.element(), limits);
                }
                set.into()
            }
            Self::Ints(step, count) => {
                let mut set = Set::new();
                for n in 0..i64::from(*count) {
                    set.insert(n * i64::from(*step), limits);
                }
                set.into()
            }
            Self::Hash(pairs) => {
                let mut hash = Hash::new();
                for (field, value) in pairs {
                    hash.insert(field.element(), value.element(), limits);
                }
                hash.into()
            }
            Self::ZSet(members) => {
                let mut zset = ZSet::new();
                for (member, score) in members {
                    let _ = zset.insert(member.element(), *score, limits); // NaN is refused
                }
                zset.into()
            }
        })
    }
}

/// A change of bytes. Each place is taken modulo the length of the file.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Change {
    Flip {
        at: u16,
        bit: u8,
    },
    Overwrite {
        at: u16,
        byte: u8,
    },
    Insert {
        at: u16,
        byte: u8,
    },
    Delete {
        at: u16,
        len: u8,
    },
    Repeat {
        at: u16,
        len: u8,
        to: u16,
    },
    /// Writes an extreme length, or one that a string cannot have.
    Length {
        at: u16,
        which: u8,
    },
    Truncate {
        at: u16,
    },
}

impl Change {
    fn apply(self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let place = |at: u16| usize::from(at) % (len + 1);
        let range = |at: u16, count: u8| -> Range<usize> {
            let start = place(at);
            start..(start + usize::from(count)).min(len)
        };
        match self {
            Self::Flip { at, bit } => {
                if let Some(byte) = bytes.get_mut(place(at)) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Overwrite { at, byte } => {
                if let Some(place) = bytes.get_mut(place(at)) {
                    *place = byte;
                }
            }
            Self::Insert { at, byte } => bytes.insert(place(at), byte),
            Self::Delete { at, len } => drop(bytes.drain(range(at, len))),
            Self::Repeat { at, len, to } => {
                let part = bytes[range(at, len)].to_vec();
                let to = place(to);
                drop(bytes.splice(to..to, part));
            }
            Self::Length { at, which } => {
                const LENS: [&[u8]; 8] = [
                    b"\x3F",
                    b"\x7F\xFF",
                    b"\x80\xFF\xFF\xFF\xFF",
                    b"\x80\x00\x00\x00\x00",
                    b"\x81\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                    b"\x81\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                    b"\xC3",
                    b"\xFF",
                ];
                let (len, start) = (LENS[usize::from(which) % LENS.len()], place(at));
                drop(bytes.splice(start..(start + len.len()).min(bytes.len()), len.iter().copied()));
            }
            Self::Truncate { at } => bytes.truncate(place(at)),
        }
    }
}

/// Runs the case that `data` encodes.
pub fn run(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let _ = run_input(&mut input); // an input that ends too early is ignored
}

fn run_input(input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let (kind, plan, budget): (Kind, Plan, u8) = input.arbitrary()?;
    let _leak_check = LeakCheck::open();
    let case = Case { plan, budget: usize::from(budget), options: Options::new(), written: None };
    let mut rest = || input.bytes(input.len());
    match kind {
        Kind::File => case.check_file(rest()?),
        Kind::Body { version } => {
            let body = rest()?;
            let version = version % 15 + 2;
            let mut file = match version {
                16 => b"VALKEY080".to_vec(),
                _ => format!("REDIS{version:04}").into_bytes(),
            };
            file.extend(body);
            file.push(0xFF);
            file.extend([0; 8]);
            case.check_file(&file);
        }
        Kind::Payload { version } => case.check_payload(rest()?, u16::from(version % 20)),
        Kind::Keyspace => case.check_own(&input.arbitrary()?),
    }
    Ok(())
}

/// The parameters of the checks.
struct Case {
    plan: Plan,
    budget: usize,
    options: Options,
    /// The options of an own file.
    written: Option<Written>,
}

fn load_options() -> LoadOptions {
    let mut options = LoadOptions::default();
    options.checks_checksum = false;
    options.drops_expired = false;
    options.unsupported = UnsupportedValue::Skip;
    options
}

/// Loads a file into a keyspace in slices. Also checks that a loader refuses further calls after an error.
fn load(bytes: &[u8], keyspace: &mut Keyspace, slice: usize) -> Result<LoadStats, Error> {
    let mut loader = Loader::new(bytes, load_options())?;
    loop {
        match loader.load_some(keyspace, slice, NOW) {
            Ok(stats) if stats.is_complete => return Ok(stats),
            Ok(_) => {}
            Err(error) => {
                assert!(error.offset() <= bytes.len() as u64, "{error}");
                assert!(matches!(loader.load(keyspace, NOW), Err(Error::Io { .. })));
                return Err(error);
            }
        }
    }
}

/// Checks that both keyspaces have equal keys, expiries and values. Ignores keys that have expired, because
/// no file has them.
fn assert_equal_keyspaces(one: &Keyspace, other: &Keyspace) {
    assert_eq!(one.records(NOW).count(), other.records(NOW).count());
    for record in one.records(NOW) {
        let other = other.get_record(Key::new(&record.key.text()), NOW).expect("a key of the other keyspace");
        assert_eq!(record.expiry, other.expiry);
        assert_eq!(record.value, other.value);
    }
}

impl Case {
    fn keyspace(&self) -> Keyspace {
        Keyspace::with_options(self.options)
    }

    fn check_file(&self, bytes: &[u8]) {
        // The bound holds for the default limits. With other limits, each element may have its own block.
        let budget = 128 * bytes.len() + (1 << 20);
        let plan = fault::fail_above(budget);
        let _ = load(bytes, &mut Keyspace::new(), usize::MAX);
        assert_eq!(plan.failures(), 0, "more than {budget} bytes for {}", bytes.len());
        drop(plan);

        let mut keyspace = self.keyspace();
        let loaded = load(bytes, &mut keyspace, usize::MAX);
        keyspace.check();
        let mut sliced = self.keyspace();
        let loaded_in_slices = load(bytes, &mut sliced, self.budget);
        assert_eq!(keyspace.len(), sliced.len());
        assert_equal_keyspaces(&keyspace, &sliced);
        match (&loaded, &loaded_in_slices) {
            (Ok(one), Ok(other)) => assert_eq!(one, other),
            (one, other) => assert_eq!(one.is_ok(), other.is_ok(), "{one:?}, {other:?}"),
        }
        self.walk(bytes, loaded.is_ok());
        self.load_with_failures(bytes, &loaded, &keyspace);
        if loaded.is_ok() {
            self.save_and_load(&keyspace);
        }
    }

    /// Checks that the values of a file that loads can also be skipped and walked.
    fn walk(&self, bytes: &[u8], is_loaded: bool) {
        for skips in [true, false] {
            let walked = (|| {
                let mut reader = Reader::new(bytes)?.check_checksum(false);
                let mut items = 0_u64;
                while let Some(event) = reader.next_event()? {
                    if let Event::Key(header) = event
                        && header.value_type.object_type().is_some()
                        && !skips
                    {
                        reader.walk_value(|_| items += 1)?;
                    }
                }
                Ok::<_, Error>(items)
            })();
            assert!(walked.is_ok() || !is_loaded, "{walked:?}");
        }
    }

    /// Loads with failing allocations. A failure must be the only reason for an error, and the keyspace must
    /// be valid afterwards.
    fn load_with_failures(&self, bytes: &[u8], loaded: &Result<LoadStats, Error>, keyspace: &Keyspace) {
        let mut other = self.keyspace();
        let mut faults = Faults::new();
        faults.follow(self.plan);
        let (result, has_failed) = faults.watch(|| load(bytes, &mut other, self.budget.max(1)));
        drop(faults);
        other.check();
        match (result, loaded) {
            (Ok(stats), Ok(expected)) => {
                assert_eq!(stats, *expected);
                assert_equal_keyspaces(&other, keyspace);
            }
            (Err(error), Ok(_)) => assert!(has_failed && error.reserve_error().is_some(), "{error}"),
            (Ok(_), Err(error)) => panic!("{error}, unless an allocation fails"),
            (Err(_), Err(_)) => {}
        }
    }

    fn save_and_load(&self, keyspace: &Keyspace) {
        let written = self.written.unwrap_or(Written { version: 1, compression: true, checksum: true });
        let save = || ::rdb::save(keyspace, Vec::new(), &written.file(), NOW);
        let again = |file: &[u8]| {
            let mut copy = self.keyspace();
            load(file, &mut copy, usize::MAX).expect("a file of our own");
            copy.check();
            assert_equal_keyspaces(keyspace, &copy);
        };
        again(&save().expect("a vector takes everything"));
        let mut faults = Faults::new();
        faults.follow(self.plan);
        let (saved, has_failed) = faults.watch(save);
        drop(faults);
        match saved {
            Ok(file) => again(&file),
            Err(error) => assert!(has_failed && matches!(error, SaveError::Memory(_)), "{error}"),
        }
        for (_, value) in keyspace.iter(NOW).take(4) {
            let payload = dump(value, written.payload()).expect("a vector takes everything");
            let restored = restore(&payload, self.options.encoding_limits()).expect("a payload of our own");
            let mut copy = self.keyspace();
            copy.insert("key", restored.value, None, NOW).expect("a key");
            assert_eq!(value, copy.get("key", NOW).expect("the key of just now"));
        }
    }

    /// Adds a version and the right checksum to the type and value of a payload, and checks the payload.
    fn check_payload(&self, body: &[u8], version: u16) {
        let mut payload = body.to_vec();
        payload.extend(version.to_le_bytes());
        payload.extend(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Redis, &payload).to_le_bytes());
        let budget = 128 * payload.len() + (1 << 20);
        let plan = fault::fail_above(budget);
        drop(restore(&payload, &EncodingLimits::DEFAULT));
        assert_eq!(plan.failures(), 0, "more than {budget} bytes for {}", payload.len());
        drop(plan);

        let restored = restore(&payload, self.options.encoding_limits());
        let mut faults = Faults::new();
        faults.follow(self.plan);
        let (other, has_failed) = faults.watch(|| restore(&payload, self.options.encoding_limits()));
        drop(faults);
        match (restored, other) {
            (Ok(restored), other) => {
                assert!(other.is_ok() || has_failed && other.is_err_and(|e| e.reserve_error().is_some()));
                let mut keyspace = self.keyspace();
                keyspace.insert("key", restored.value, None, NOW).expect("a key");
                keyspace.check();
                self.save_and_load(&keyspace);
            }
            (Err(error), other) => {
                assert!(error.offset() <= payload.len() as u64, "{error}");
                assert!(other.is_err(), "{error}, unless an allocation fails");
            }
        }
    }

    fn check_own(self, own: &Own) {
        let options = own.limits.options();
        let case = Self { options, written: Some(own.options), ..self };
        let mut keyspace = case.keyspace();
        for (Text(key), expiry, content) in &own.keys {
            let value = content.value(options.encoding_limits()).expect("memory");
            let expiry = expiry.map(|expiry| u64::from(expiry).max(1));
            keyspace.insert(key, value, expiry, NOW).expect("a key of the input");
        }
        if own.symbols > 0 {
            let symbols = (0..own.symbols).map(|byte| [byte; 2]);
            let table = SymbolTable::from_symbols(symbols).expect("at most 255 symbols, and memory");
            keyspace.set_symbols(Some(Arc::new(table))).expect("there is no other table");
        }
        case.save_and_load(&keyspace);
        let mut file = ::rdb::save(&keyspace, Vec::new(), &own.options.file(), NOW).expect("memory");
        own.changes.iter().for_each(|change| change.apply(&mut file));
        case.check_file(&file);
        if let Some((_, value)) = keyspace.iter(NOW).next() {
            let mut payload = dump(value, own.options.payload()).expect("memory");
            payload.truncate(payload.len() - FOOTER);
            own.changes.iter().for_each(|change| change.apply(&mut payload));
            case.check_payload(&payload, own.options.version().number());
        }
    }
}
