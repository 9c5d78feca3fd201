//! The values of keys: borrowed ([`ValueRef`]), borrowed for editing ([`ValueMut`]), and owned ([`Value`]).

use crate::entry::{EntryString, EntryView, InEntry, StringEdit};
use crate::reading::Reading;
use bytes::Bytes;
use core::fmt;
use values::{
    Element, Hash, HashView, List, ListView, ObjectType, OwnedElement, ReserveError, Set, SetView, StrView,
    WrongType, ZSet, ZSetView,
};

/// The value of a key, borrowed. References from it live as long as the keyspace is borrowed.
///
/// ```
/// use keyspace::{Keyspace, ValueRef};
/// let mut keyspace = Keyspace::new();
/// keyspace.set("answer", 42, 0)?;
/// let Some(ValueRef::String(string)) = keyspace.get("answer", 0) else { panic!() };
/// assert_eq!(string, "42");
/// # Ok::<(), keyspace::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// A string or an integer.
    String(StringRef<'a>),
    /// A list.
    List(ListView<'a>),
    /// A set.
    Set(SetView<'a>),
    /// A sorted set.
    ZSet(ZSetView<'a>),
    /// A hash.
    Hash(HashView<'a>),
}

/// Values are equal if they have the same type and the same elements, whatever their encodings. O(elements).
impl PartialEq for ValueRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(one), Self::String(other)) => one == other,
            (Self::List(one), Self::List(other)) => one == other,
            (Self::Set(one), Self::Set(other)) => one == other,
            (Self::ZSet(one), Self::ZSet(other)) => one == other,
            (Self::Hash(one), Self::Hash(other)) => one == other,
            _ => false,
        }
    }
}

impl<'a> ValueRef<'a> {
    #[inline]
    pub(crate) fn of(entry: EntryView<'a>, reading: &'a Reading) -> Self {
        // Strings are the most frequent values, so they are checked first.
        StringRef::of(entry, reading).map_or_else(|_| Self::of_collection(entry), Self::String)
    }

    #[inline(never)]
    fn of_collection(entry: EntryView<'a>) -> Self {
        let value = match entry.kind().object_type() {
            ObjectType::String => unreachable!("not a string"),
            ObjectType::List => entry.collection::<List>().map(Self::List),
            ObjectType::Set => entry.collection::<Set>().map(Self::Set),
            ObjectType::ZSet => entry.collection::<ZSet>().map(Self::ZSet),
            ObjectType::Hash => entry.collection::<Hash>().map(Self::Hash),
        };
        value.unwrap_or_else(|_| unreachable!("the type was asked for"))
    }

    /// Returns the string, or `None` if the value is a collection.
    #[inline]
    pub fn as_string(self) -> Option<StringRef<'a>> {
        if let Self::String(string) = self { Some(string) } else { None }
    }
}

/// A string value, borrowed.
///
/// A string has one of three forms: an integer, plain bytes, or *coded*, which means compressed with a symbol
/// table. No string is coded unless [`set_symbols`](crate::Keyspace::set_symbols) is called. A string of any
/// form can be compared with text and with other strings.
///
/// ```
/// # let mut keyspace = keyspace::Keyspace::new();
/// keyspace.set("name", "redcore", 0)?;
/// let name = keyspace.get_string("name", 0)?.unwrap();
/// assert_eq!(name, "redcore");
/// let mut buffer = Vec::new(); // is used if the string is coded
/// assert_eq!(&*name.text(&mut buffer)?, b"redcore");
/// # Ok::<(), keyspace::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct StringRef<'a> {
    string: EntryString<'a>,
    reading: &'a Reading,
}

impl<'a> StringRef<'a> {
    #[inline]
    pub(crate) fn of(entry: EntryView<'a>, reading: &'a Reading) -> Result<Self, WrongType> {
        Ok(Self { string: entry.string()?, reading })
    }

    /// Returns the number of bytes of the text. O(1).
    #[inline]
    pub fn len(self) -> usize {
        self.string.len()
    }

    /// Returns `true` if the text has no bytes.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Returns the integer or the bytes without a copy, or `None` if the string is coded. O(1).
    #[inline]
    pub fn plain(self) -> Option<Element<'a>> {
        self.string.plain()
    }

    /// Returns the integer or the bytes. A coded string is decoded into `buffer`, which is cleared first, and
    /// grows to eight bytes more than the text. O(1), or O(len) if the string is coded.
    ///
    /// # Errors
    /// No memory for the buffer.
    #[inline]
    pub fn element<'b>(self, buffer: &'b mut Vec<u8>) -> Result<Element<'b>, ReserveError>
    where
        'a: 'b,
    {
        match self.string.plain() {
            Some(element) => Ok(element),
            None => self.reading.tables.element(self.string, buffer),
        }
    }

    /// Returns the bytes. The digits of an integer are stored in the view itself. A coded string is decoded
    /// into `buffer`, as in [`element`](Self::element).
    ///
    /// # Errors
    /// No memory for the buffer.
    #[inline]
    pub fn text<'b>(self, buffer: &'b mut Vec<u8>) -> Result<StrView<'b>, ReserveError>
    where
        'a: 'b,
    {
        Ok(self.element(buffer)?.text())
    }

    /// Returns a copy of the string. O(len).
    ///
    /// # Errors
    /// No memory.
    pub fn try_to_owned(self) -> Result<OwnedElement, ReserveError> {
        self.reading.tables.try_to_owned(self.string)
    }

    /// Appends the bytes to `out`. O(len).
    ///
    /// # Errors
    /// No memory. `out` is then unchanged.
    #[inline]
    pub fn append_to(self, out: &mut Vec<u8>) -> Result<(), ReserveError> {
        self.reading.tables.append(self.string, out)
    }

    /// Returns the bytes as a reply that outlives the borrow.
    ///
    /// If the string has more than 1,024 bytes and is not coded, the reply shares it instead of copying it,
    /// which is O(1). A later write to the key copies the string first.
    /// [`Keyspace::lent_bytes`](crate::Keyspace::lent_bytes) counts such a reply. All other strings are
    /// copied or decoded, which is O(len).
    pub fn to_bytes(self) -> Bytes {
        match self.string {
            EntryString::Object(object) => self.reading.lent.lend(object),
            EntryString::Coded(coded) => {
                // `SymbolTable::decode` needs eight bytes more than the text, and takes no memory then.
                let mut text = Vec::with_capacity(coded.len() + 8);
                match self.reading.tables.decode(coded, &mut text) {
                    Ok(()) => text.into(),
                    Err(error) => unreachable!("{error}"),
                }
            }
            string => Bytes::copy_from_slice(&string.plain().unwrap_or(Element::Bytes(b"")).text()),
        }
    }
}

/// Strings are equal if their bytes are equal, whatever their forms. O(len). Allocates nothing.
impl PartialEq for StringRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = match (self.string, other.string) {
            (EntryString::Coded(one), EntryString::Coded(other_coded)) => {
                let [one, other] = [(self, one), (other, other_coded)]
                    .map(|(string, coded)| string.reading.tables.pieces(coded).flatten());
                return one.eq(other);
            }
            (EntryString::Coded(_), other) => (self, other),
            (one, _) => (other, one),
        };
        other.plain().is_some_and(|other| one.reading.tables.is_equal(one.string, other))
    }
}

macro_rules! string_eq {
    ($($Text:ty),*) => { $(
        impl PartialEq<$Text> for StringRef<'_> {
            fn eq(&self, other: &$Text) -> bool {
                self.reading.tables.is_equal(self.string, Element::from(other))
            }
        }
    )* };
}

string_eq!([u8], str);

impl<T: ?Sized> PartialEq<&T> for StringRef<'_>
where
    Self: PartialEq<T>,
{
    fn eq(&self, other: &&T) -> bool {
        *self == **other
    }
}

impl<const N: usize> PartialEq<[u8; N]> for StringRef<'_> {
    fn eq(&self, other: &[u8; N]) -> bool {
        *self == other[..]
    }
}

impl fmt::Debug for StringRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("StringRef");
        match self.string {
            EntryString::Coded(coded) => {
                let text: Vec<u8> = self.reading.tables.pieces(coded).flatten().copied().collect();
                tuple.field(&Element::Bytes(&text))
            }
            string => tuple.field(&string.plain()),
        };
        tuple.finish()
    }
}

/// The value of a key, borrowed to be edited in place. See [`Keyspace::edit`](crate::Keyspace::edit).
#[derive(Debug)]
#[non_exhaustive]
pub enum ValueMut<'a, 'e> {
    /// There is no such key. If the closure stores a value here, the key is added with that value and without
    /// an expiry. An empty collection adds no key, but an empty string does.
    Absent(&'a mut Option<Value>),
    /// A string or an integer.
    String(&'a mut StringEdit<'e>),
    /// A list.
    List(&'a mut List<InEntry<'e>>),
    /// A set.
    Set(&'a mut Set<InEntry<'e>>),
    /// A sorted set.
    ZSet(&'a mut ZSet<InEntry<'e>>),
    /// A hash.
    Hash(&'a mut Hash<InEntry<'e>>),
}

/// The value of a key, owned.
#[derive(Debug)]
pub enum Value {
    /// A string or an integer.
    String(OwnedElement),
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A sorted set.
    ZSet(ZSet),
    /// A hash.
    Hash(Hash),
}

impl Value {
    /// Returns `true` if the value is a collection without elements, which no key can have. Returns `false`
    /// for every string.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::String(_) => false,
            Self::List(list) => list.is_empty(),
            Self::Set(set) => set.is_empty(),
            Self::ZSet(zset) => zset.is_empty(),
            Self::Hash(hash) => hash.is_empty(),
        }
    }
}

macro_rules! object_type_of {
    ($($Value:ty),*) => { $(
        impl $Value {
            /// Returns the type of the value. In C: `TYPE`.
            pub fn object_type(&self) -> ObjectType {
                match self {
                    Self::String(_) => ObjectType::String,
                    Self::List(_) => ObjectType::List,
                    Self::Set(_) => ObjectType::Set,
                    Self::ZSet(_) => ObjectType::ZSet,
                    Self::Hash(_) => ObjectType::Hash,
                }
            }
        }
    )* };
}

object_type_of!(ValueRef<'_>, Value);

macro_rules! value_from {
    ($($C:ident),*) => { $(
        impl From<$C> for Value {
            fn from(collection: $C) -> Self {
                Self::$C(collection)
            }
        }
    )* };
}

value_from!(List, Set, ZSet, Hash);

impl From<OwnedElement> for Value {
    fn from(string: OwnedElement) -> Self {
        Self::String(string)
    }
}
