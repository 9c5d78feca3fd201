//! [`Reader`]: reads a file as a sequence of events, for embedders that have their own store.

use crate::build::{Builder, Partial, Store};
use crate::error::{Error, Fault};
use crate::format::{Family, ValueType, Version, opcode};
use crate::input::Input;
use crate::sink::{Pair, PartError, Sink, SinkResult, check_listpack};
use crate::skip;
use crate::walk::{Walk, emit_all};
use allocator_api2::vec::Vec;
use keyspace::values::{
    Collection, Element, Encoding, EncodingLimits, Hash, List, ObjectType, OwnedElement, Set, ZSet,
};
use keyspace::{RestoreValue, Value};
use std::io::Read;
use zmalloc::Zmalloc;

/// The number of milliseconds in a second.
const SECOND: u64 = 1_000;

/// One entry of a file. Its slices are valid until the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A field about the file: `redis-ver`, `ctime`, `used-mem` and others. In C: `RDB_OPCODE_AUX`.
    Aux {
        /// The name.
        name: &'a [u8],
        /// The value.
        value: &'a [u8],
    },
    /// The keys that follow belong to this database. In C: `RDB_OPCODE_SELECTDB`.
    Database(u64),
    /// About how many keys the database has, and how many of them expire. The numbers have not been checked.
    /// In C: `RDB_OPCODE_RESIZEDB`.
    Resize {
        /// All keys.
        keys: u64,
        /// Keys that expire.
        expires: u64,
    },
    /// How many keys of a slot of a cluster follow. In C: `RDB_OPCODE_SLOT_INFO`.
    Slot {
        /// The slot.
        slot: u64,
        /// All keys.
        keys: u64,
        /// Keys that expire.
        expires: u64,
    },
    /// A library of functions as its source text. In C: `RDB_OPCODE_FUNCTION2`.
    Function(&'a [u8]),
    /// Data that a keyspace cannot hold, and that were skipped: those of a module, functions of a release
    /// candidate of Redis 7, or a migration of slots in Valkey.
    Skipped {
        /// The opcode.
        opcode: u8,
    },
    /// A key. Its value follows: see [`Reader::read_value`], [`Reader::walk_value`] and
    /// [`Reader::skip_value`]. The next call of [`Reader::next_event`] skips a value that has not been read.
    Key(KeyHeader<'a>),
}

/// A key, and what the file has in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyHeader<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The type of the value, and its encoding in the file.
    pub value_type: ValueType,
    /// When the key expires, in milliseconds since 1970.
    pub expiry: Option<u64>,
    /// How many seconds the key had not been used for.
    pub idle_time: Option<u64>,
    /// The logarithmic counter of uses, as LFU eviction keeps it.
    pub freq: Option<u8>,
    /// Where the key begins, in bytes from the start of the file.
    pub offset: u64,
}

/// A part of a value, for [`Reader::walk_value`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Item<'a> {
    /// The whole string.
    String(Element<'a>),
    /// An element of a list.
    Element(Element<'a>),
    /// A member of a set.
    Member(Element<'a>),
    /// A member of a sorted set, and its score.
    Scored(Element<'a>, f64),
    /// A field of a hash, and its value.
    Field(Element<'a>, Element<'a>, Expiring),
}

/// When a field of a hash expires, in milliseconds since 1970.
pub type Expiring = Option<u64>;

/// The data that a file has in front of a key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyAttributes {
    pub(crate) expiry: Option<u64>,
    pub(crate) idle_time: Option<u64>,
    pub(crate) freq: Option<u8>,
}

/// Reads a file event by event, in a bounded buffer.
///
/// ```
/// use rdb::{Event, Reader, WriteOptions, Writer};
/// use rdb::keyspace::Keyspace;
/// let mut keyspace = Keyspace::new();
/// keyspace.set("greeting", "hello", 0)?;
/// let file = rdb::save(&keyspace, Vec::new(), &WriteOptions::default(), 0)?;
///
/// let mut reader = Reader::new(&file[..])?;
/// let mut keys = 0;
/// while let Some(event) = reader.next_event()? {
///     if let Event::Key(header) = event {
///         assert_eq!(header.key, b"greeting");
///         keys += 1;
///         reader.walk_value(|item| assert_eq!(item, rdb::Item::String("hello".into())))?;
///     }
/// }
/// assert_eq!(keys, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reader<R> {
    pub(crate) input: Input<R>,
    pub(crate) version: Version,
    pub(crate) walk: Walk,
    pub(crate) key: Vec<u8, Zmalloc>,
    value: Vec<u8, Zmalloc>,
    /// The data in front of the next key that have been read so far.
    attributes: KeyAttributes,
    checks: bool,
    is_complete: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the magic and the version.
    ///
    /// # Errors
    /// [`Error::Malformed`] with [`Fault::Magic`] or [`Fault::Truncated`]; [`Error::Version`]; [`Error::Io`];
    /// [`Error::Keyspace`] if there is no memory for the buffer of 64 KiB.
    pub fn new(read: R) -> Result<Self, Error> {
        let mut input = Input::try_new(read)?;
        let header = input.array::<9>()?;
        let (magic, digits) = match &header {
            [b'R', b'E', b'D', b'I', b'S', digits @ ..] => (Family::Redis, digits.as_slice()),
            [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => (Family::Valkey, digits.as_slice()),
            _ => return input.fault(0, Fault::Magic),
        };
        let number =
            core::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = number.and_then(|digits| digits.parse().ok()) else {
            return input.fault(0, Fault::Magic);
        };
        let version = Version::new(number).filter(|version| version.family() == magic);
        let offset = (header.len() - digits_len(magic)) as u64;
        let version = version.ok_or(Error::Version { offset, version: number })?;
        let walk = Walk::done(version);
        let (key, value) = (Vec::new_in(Zmalloc), Vec::new_in(Zmalloc));
        let attributes = KeyAttributes::default();
        Ok(Self { input, version, walk, key, value, attributes, checks: true, is_complete: false })
    }

    /// Sets whether the checksum is compared at the end. The default is `true`. In C: `rdbchecksum`.
    #[must_use]
    pub fn check_checksum(mut self, checks: bool) -> Self {
        self.checks = checks;
        self
    }

    /// Returns the version of the file.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns how many bytes have been read.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// Reads the next event. Returns `None` at the end of the file, after comparing the checksum. Bytes
    /// after the checksum are ignored.
    ///
    /// # Errors
    /// [`Error`]. Nothing can be read after an error.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        self.skip_value()?;
        if self.is_complete {
            return Ok(None);
        }
        loop {
            let attributes = &mut self.attributes;
            let offset = self.input.offset();
            let opcode = self.input.byte()?;
            match opcode {
                opcode::EXPIRETIME => {
                    let seconds = i32::from_le_bytes(self.input.array()?);
                    attributes.expiry = Some(u64::try_from(seconds).unwrap_or(0) * SECOND);
                }
                // A time before 1970 becomes 0, which is in the past too.
                opcode::EXPIRETIME_MS => {
                    attributes.expiry = Some(u64::try_from(self.input.u64_le()? as i64).unwrap_or(0));
                }
                opcode::IDLE => attributes.idle_time = Some(self.input.len()?),
                opcode::FREQ => attributes.freq = Some(self.input.byte()?),
                _ if self.walk.restart(opcode, offset) => return self.key().map(Some),
                opcode::EOF => {
                    self.finish()?;
                    return Ok(None);
                }
                _ => return self.opcode(opcode, offset).map(Some),
            }
        }
    }

    fn key(&mut self) -> Result<Event<'_>, Error> {
        let offset = self.input.offset();
        self.input.read_into(&mut self.key)?;
        let KeyAttributes { expiry, idle_time, freq } = core::mem::take(&mut self.attributes);
        let value_type = self.walk.value_type();
        Ok(Event::Key(KeyHeader { key: &self.key, value_type, expiry, idle_time, freq, offset }))
    }

    fn opcode(&mut self, opcode: u8, offset: u64) -> Result<Event<'_>, Error> {
        let input = &mut self.input;
        Ok(match opcode {
            opcode::SELECTDB => Event::Database(input.len()?),
            opcode::RESIZEDB => Event::Resize { keys: input.len()?, expires: input.len()? },
            opcode::AUX => {
                input.read_into(&mut self.key)?;
                input.read_into(&mut self.value)?;
                Event::Aux { name: &self.key, value: &self.value }
            }
            opcode::SLOT_INFO => {
                Event::Slot { slot: input.len()?, keys: input.len()?, expires: input.len()? }
            }
            opcode::FUNCTION2 => {
                input.read_into(&mut self.value)?;
                Event::Function(&self.value)
            }
            opcode::FUNCTION_PRE_GA => {
                input.skip_text()?; // name
                input.skip_text()?; // engine
                if input.len()? != 0 {
                    input.skip_text()?; // description
                }
                input.skip_text()?; // source
                Event::Skipped { opcode }
            }
            opcode::MODULE_AUX => {
                const UINT: u64 = 2;
                input.len()?; // the module's name and version
                let at = input.offset();
                if input.len()? != UINT {
                    return input.fault(at, Fault::ModuleOpcode);
                }
                input.len()?; // before or after the keys
                skip::module(input)?;
                Event::Skipped { opcode }
            }
            opcode::SLOT_IMPORT if self.version.family() == Family::Valkey => {
                input.skip_text()?; // the job's name
                for _ in 0..input.len()? {
                    input.len()?; // first slot
                    input.len()?; // last slot
                }
                Event::Skipped { opcode }
            }
            242 | opcode::SLOT_IMPORT => {
                return Err(Error::Unsupported { offset, code: opcode, version: self.version });
            }
            _ => return input.fault(offset, Fault::Opcode),
        })
    }

    /// Reads the end of the file, and compares the checksum. A checksum of 0 means that none was computed.
    fn finish(&mut self) -> Result<(), Error> {
        self.is_complete = true;
        if !self.version.has_checksum() {
            return Ok(());
        }
        let computed = self.input.checksum();
        let offset = self.input.offset();
        let stored = self.input.u64_le()?;
        if self.checks && stored != 0 && stored != computed {
            return Err(Error::Checksum { offset, stored, computed });
        }
        Ok(())
    }

    /// Skips the value of the last key, or the rest of it. Checks only lengths, and decompresses nothing.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a type whose length is not known.
    pub fn skip_value(&mut self) -> Result<(), Error> {
        if self.walk.is_done() { Ok(()) } else { self.walk.skip(&mut self.input) }
    }

    /// Builds the value of the last key, and validates all its bytes. The value gets the encoding that the
    /// limits ask for.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for streams and modules, and for a value that has been read already.
    /// [`skip_value`](Self::skip_value) can still skip the values of these types. [`Error::Malformed`] with
    /// [`Fault::Empty`] for a collection without elements. All other [`Error`]s, if the input is damaged or
    /// there is no memory.
    pub fn read_value(&mut self, limits: &EncodingLimits) -> Result<Value, Error> {
        if !self.walk.is_at_start() || self.walk.value_type().object_type().is_none() {
            return Err(self.walk.unsupported());
        }
        let (mut partial, mut value) = (Partial::default(), None);
        let store = ValueStore(&mut value);
        let mut builder = Builder { partial: &mut partial, limits, store, drops_expired_at: None };
        let offset = self.input.offset();
        self.walk.finish(&mut self.input, &mut builder)?;
        value.map_or_else(|| self.input.fault(offset, Fault::Empty), Ok)
    }

    /// Calls `each` for every part of the value of the last key, in the order of the file. A packed value is
    /// checked first. A member that occurs twice is an error only in a packed value.
    ///
    /// # Errors
    /// The same as [`read_value`](Self::read_value), except that a collection without elements is not an
    /// error.
    pub fn walk_value(&mut self, each: impl FnMut(Item<'_>)) -> Result<(), Error> {
        if !self.walk.is_at_start() || self.walk.value_type().object_type().is_none() {
            return Err(self.walk.unsupported());
        }
        let is_list = self.walk.value_type().object_type() == Some(ObjectType::List);
        let mut sink = Each { each, is_list };
        self.walk.finish(&mut self.input, &mut sink)
    }
}

/// Returns how many digits the version has after the magic.
const fn digits_len(magic: Family) -> usize {
    match magic {
        Family::Redis => 4,
        Family::Valkey => 3,
    }
}

/// Keeps the value that a builder stores.
pub(crate) struct ValueStore<'v>(pub(crate) &'v mut Option<Value>);

impl Store for ValueStore<'_> {
    fn store(&mut self, value: RestoreValue<'_>) -> Result<(), keyspace::Error> {
        *self.0 = Some(match value {
            RestoreValue::String(string) => Value::String(OwnedElement::try_from(string)?),
            RestoreValue::Built(value) => core::mem::replace(value, Value::String(OwnedElement::Int(0))),
            RestoreValue::Packed(ObjectType::List, encoding, bytes) => {
                List::try_from_packed(encoding, bytes)?.into()
            }
            RestoreValue::Packed(ObjectType::Set, encoding, bytes) => {
                Set::try_from_packed(encoding, bytes)?.into()
            }
            RestoreValue::Packed(ObjectType::ZSet, encoding, bytes) => {
                ZSet::try_from_packed(encoding, bytes)?.into()
            }
            RestoreValue::Packed(_, encoding, bytes) => Hash::try_from_packed(encoding, bytes)?.into(),
            _ => unreachable!("a builder stores these"),
        });
        Ok(())
    }

    fn store_empty(&mut self) -> SinkResult {
        Err(PartError::Packed(Fault::Empty, 0))
    }
}

/// A sink that gives each part to a closure.
struct Each<F> {
    each: F,
    is_list: bool,
}

impl<F: FnMut(Item<'_>)> Sink for Each<F> {
    fn string(&mut self, string: Element<'_>) -> SinkResult {
        (self.each)(Item::String(string));
        Ok(())
    }

    fn long_string(&mut self, string: OwnedElement) -> SinkResult {
        (self.each)(Item::String(string.as_element()));
        Ok(())
    }

    fn begin(&mut self, _object_type: ObjectType, _len: u64) -> SinkResult {
        Ok(())
    }

    fn element(&mut self, element: Element<'_>) -> SinkResult {
        (self.each)(if self.is_list { Item::Element(element) } else { Item::Member(element) });
        Ok(())
    }

    fn scored(&mut self, member: Element<'_>, score: f64) -> SinkResult {
        (self.each)(Item::Scored(member, score));
        Ok(())
    }

    fn pair(&mut self, (field, value, expiry): Pair<'_>) -> SinkResult {
        (self.each)(Item::Field(field, value, expiry));
        Ok(())
    }

    fn packed(&mut self, object_type: ObjectType, encoding: Encoding, bytes: &[u8]) -> SinkResult {
        if encoding == Encoding::IntSet {
            let checked = Set::check_packed(encoding, bytes);
            checked.map_err(|error| PartError::of_packed(error, Fault::Intset))?;
            let set =
                intset::View::new(bytes).map_err(|error| PartError::Packed(Fault::Intset, error.offset))?;
            return set.iter().try_for_each(|member| self.element(Element::Int(member)));
        }
        check_listpack(object_type, bytes)?;
        let list = listpack::View::new(bytes);
        let list = list.map_err(|error| PartError::Packed(Fault::Listpack, error.offset))?;
        emit_all(list.iter(), object_type, self)
    }

    fn plain(&mut self, element: &[u8]) -> SinkResult {
        self.element(Element::Bytes(element))
    }

    fn end(&mut self) -> SinkResult {
        Ok(())
    }
}
