//! Values, to be read where they lie ([`ValueRef`]) or taken out ([`Value`]).

use crate::entry::{EntryString, EntryView, InEntry, StringEdit};
use crate::lent::Lent;
use bytes::Bytes;
use core::fmt;
use values::{
    Element, Hash, HashView, List, ListView, ObjectType, OwnedElement, Set, SetView, StrView, WrongType,
    ZSet, ZSetView,
};

/// The value of a key, borrowed. What it lends lives as long as the keyspace is borrowed.
///
/// ```
/// use keyspace::{Keyspace, ValueRef};
/// let mut keyspace = Keyspace::new();
/// keyspace.set("answer", 42, 0)?;
/// let Some(ValueRef::String(string)) = keyspace.get("answer", 0) else { panic!() };
/// assert_eq!(&*string.text(), b"42");
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
            (Self::String(one), Self::String(other)) => one.element() == other.element(),
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
    pub(crate) fn of(entry: EntryView<'a>, lent: &'a Lent) -> Self {
        // Strings are the most frequent values, and a look at the kind is all that they need.
        StringRef::of(entry, lent).map_or_else(|_| Self::of_collection(entry), Self::String)
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

    /// The string, if it is one.
    #[inline]
    pub fn as_string(self) -> Option<StringRef<'a>> {
        if let Self::String(string) = self { Some(string) } else { None }
    }
}

/// A string value, borrowed.
#[derive(Clone, Copy)]
pub struct StringRef<'a> {
    string: EntryString<'a>,
    /// The counter of what is lent.
    lent: &'a Lent,
}

impl<'a> StringRef<'a> {
    #[inline]
    pub(crate) fn of(entry: EntryView<'a>, lent: &'a Lent) -> Result<Self, WrongType> {
        Ok(Self { string: entry.string()?, lent })
    }

    /// The string as it is stored: an integer, or bytes.
    #[inline]
    pub fn element(self) -> Element<'a> {
        self.string.element()
    }

    /// The bytes. An integer is spelled out in the view itself. Constant time, never allocates.
    #[inline]
    pub fn text(self) -> StrView<'a> {
        self.element().text()
    }

    /// The bytes as a reply that outlives the borrow. A string of more than 1,024 bytes is not copied: the
    /// reply shares it, and a later write copies it first. O(1) then, else O(len).
    /// [`Keyspace::lent_bytes`](crate::Keyspace::lent_bytes) counts it.
    pub fn to_bytes(self) -> Bytes {
        match self.string {
            EntryString::Object(object) => self.lent.lend(object),
            EntryString::Int(_) | EntryString::Bytes(_) => Bytes::copy_from_slice(&self.text()),
        }
    }
}

impl fmt::Debug for StringRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StringRef").field(&self.element()).finish()
    }
}

/// The value of a key, lent to be changed where it lies. See [`Keyspace::edit`](crate::Keyspace::edit).
#[derive(Debug)]
#[non_exhaustive]
pub enum ValueMut<'a, 'e> {
    /// There is no such key. A value that is put here becomes the key's, without an expiry. An empty collection
    /// makes no key; an empty string does.
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
    /// Whether it is a collection without elements, which no key can have. A string is never empty in this
    /// sense.
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
            /// What `TYPE` says.
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
