//! [`Set`]: sets.
//!
//! | encoding | holds | until |
//! |---|---|---|
//! | `intset` | integers | the first member that is none, or `set_max_intset_entries` |
//! | `listpack` | any members, one behind the other | `set_max_listpack_entries`, or a member beyond `set_max_listpack_value` |
//! | `hashtable` | any members, one block each | |
//!
//! A set never goes back: a large one that has become small stays a hash table, with one exception that is Redis' too
//! ([`Set::try_pop_many`]). The rules of conversion are in `convert`, random members in `random`, what several sets have
//! in common in `algebra`.

mod algebra;
mod convert;
mod iter;
mod random;
mod read;

pub use algebra::{AsView, diff, inter, inter_card, try_diff_store, try_inter_store, try_union_store, union};
pub use iter::Iter;

use crate::collection::{Collection, from_word, into_word, sealed, word_as_ref};
use crate::element::Element;
use crate::error::Error;
use crate::hashtable::StringTable;
use crate::limits::EncodingLimits;
use crate::packed::{Contents, try_intset, try_listpack, view_of_intset, view_of_listpack};
use crate::remains::{Remains, Rest};
use crate::types::{Encoding, ObjectType};
use common::Cursor;
use core::fmt;
use core::ptr::NonNull;
use intset::IntSet;
use listpack::ListPack;
use read::find;
use zmalloc::{ReserveError, or_oom};

/// A set of byte strings; 16 bytes.
///
/// A member is given as an [`Element`]: bytes or an integer, which stands for its decimal form. What may convert the set takes
/// the [`EncodingLimits`]. What allocates has a `try_` form, after whose error the set is as it was; the plain form calls
/// zmalloc's OOM handler.
///
/// ```
/// use values::{Collection, Encoding, EncodingLimits, Set};
/// let limits = EncodingLimits::DEFAULT;
/// let mut set = Set::new();
/// set.insert(7, &limits);
/// set.insert(&b"1000"[..], &limits);
/// assert_eq!(set.encoding(), Encoding::IntSet);
/// set.insert(&b"seven"[..], &limits);
/// assert_eq!((set.encoding(), set.len()), (Encoding::ListPack, 3));
/// assert!(set.contains(&b"7"[..]) && set.contains(1000));
/// ```
pub struct Set(Repr);

/// Its encodings.
enum Repr {
    IntSet(IntSet),
    ListPack(ListPack),
    HashTable(StringTable<1>),
}

/// A [`Set`] to be read, borrowed from wherever it lies. What it lends lives for `'a`.
#[derive(Clone, Copy)]
pub struct SetView<'a>(ReprView<'a>);

#[derive(Clone, Copy)]
enum ReprView<'a> {
    IntSet(&'a intset::View),
    ListPack(&'a listpack::View),
    HashTable(&'a StringTable<1>),
}

/// One member at a time.
impl Set {
    /// Nothing in it, and nothing allocated. It becomes what its first members are; see
    /// [`try_with_hint`](Self::try_with_hint) for one that will be large at once.
    pub const fn new() -> Self {
        Self(Repr::IntSet(IntSet::new()))
    }

    /// The set to be read.
    #[inline]
    pub fn view(&self) -> SetView<'_> {
        SetView(match &self.0 {
            Repr::IntSet(set) => ReprView::IntSet(set),
            Repr::ListPack(list) => ReprView::ListPack(list),
            Repr::HashTable(table) => ReprView::HashTable(table),
        })
    }

    /// Adds `member` and says whether it was not there before. O(1) on average in a hash table, O(n) in the others. In C:
    /// `setTypeAdd`; `SADD`.
    pub fn try_insert<'e>(
        &mut self,
        member: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> Result<bool, ReserveError> {
        let member = member.into();
        match &mut self.0 {
            Repr::IntSet(set) => match member.as_i64() {
                Some(value) if convert::intset_takes_one_more(set, limits) => return set.try_insert(value),
                Some(value) if set.contains(value) => return Ok(false),
                _ => {}
            },
            Repr::ListPack(list) => {
                if find(list, &member.text()).is_some() {
                    return Ok(false);
                }
                if convert::listpack_takes_one_more(list, member, limits) {
                    match list.try_push_back(member.packed()) {
                        Err(ReserveError::TooLong { .. }) => {} // not for a list of any size, so for a table
                        result => return result.map(|()| true),
                    }
                }
            }
            Repr::HashTable(members) => return members.try_insert(&member.text()),
        }
        self.try_convert_and_insert(member, limits).map(|()| true)
    }

    /// [`try_insert`](Self::try_insert), calling the OOM handler if there is no room.
    pub fn insert<'e>(&mut self, member: impl Into<Element<'e>>, limits: &EncodingLimits) -> bool {
        or_oom(self.try_insert(member, limits))
    }

    /// Takes `member` out and says whether it was there. O(1) on average in a hash table, O(n) in the others. In C:
    /// `setTypeRemove`; `SREM`.
    pub fn remove<'e>(&mut self, member: impl Into<Element<'e>>) -> bool {
        let member = member.into();
        match &mut self.0 {
            Repr::IntSet(set) => member.as_i64().is_some_and(|value| set.remove(value)),
            Repr::ListPack(list) => match find(list, &member.text()) {
                Some(offset) => {
                    list.remove(offset);
                    true
                }
                None => false,
            },
            Repr::HashTable(members) => members.remove(&member.text()).is_some(),
        }
    }

    /// Moves `member` from this set to `target`, and says whether it was here. After an error both are as they were. In C:
    /// `SMOVE`.
    ///
    /// ```
    /// use values::{Collection, EncodingLimits, Set};
    /// let limits = EncodingLimits::DEFAULT;
    /// let (mut todo, mut done) = (Set::new(), Set::new());
    /// todo.insert(&b"dishes"[..], &limits);
    /// assert!(todo.try_move(&mut done, &b"dishes"[..], &limits)?);
    /// assert!(todo.is_empty() && done.contains(&b"dishes"[..]));
    /// # Ok::<(), values::ReserveError>(())
    /// ```
    pub fn try_move<'e>(
        &mut self,
        target: &mut Self,
        member: impl Into<Element<'e>>,
        limits: &EncodingLimits,
    ) -> Result<bool, ReserveError> {
        let member = member.into();
        if !self.contains(member) {
            return Ok(false);
        }
        target.try_insert(member, limits)?;
        Ok(self.remove(member))
    }
}

impl<'a> From<&'a Set> for SetView<'a> {
    #[inline]
    fn from(set: &'a Set) -> Self {
        set.view()
    }
}

impl Default for Set {
    fn default() -> Self {
        Self::new()
    }
}

impl From<IntSet> for Set {
    /// A set of integers, as large as it may be: limits are looked at when it is next written to.
    fn from(set: IntSet) -> Self {
        Self(Repr::IntSet(set))
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

/// Equal members, whatever the encodings. O(n) look-ups.
impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.view() == other.view()
    }
}

impl Eq for Set {}

impl sealed::Sealed for Set {}

impl Collection for Set {
    const TYPE: ObjectType = ObjectType::Set;
    const EMPTY: Self = Self::new();

    type View<'a> = SetView<'a>;

    #[inline]
    fn view(&self) -> SetView<'_> {
        self.view()
    }

    #[inline]
    unsafe fn view_of_raw(encoding: Encoding, word: &NonNull<u8>) -> SetView<'_> {
        // SAFETY: by contract, the encoding says whose word it is.
        unsafe {
            SetView(match encoding {
                Encoding::IntSet => ReprView::IntSet(word_as_ref::<IntSet>(word)),
                Encoding::ListPack => ReprView::ListPack(word_as_ref::<ListPack>(word)),
                _ => ReprView::HashTable(word_as_ref(word)),
            })
        }
    }

    fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<SetView<'_>, Error> {
        Ok(SetView(match encoding {
            Encoding::IntSet => ReprView::IntSet(view_of_intset(encoding, bytes)?),
            _ => ReprView::ListPack(view_of_listpack(encoding, bytes)?),
        }))
    }

    fn as_packed(&self) -> Option<&[u8]> {
        match &self.0 {
            Repr::IntSet(set) => Some(set.as_bytes()),
            Repr::ListPack(list) => Some(list.as_bytes()),
            Repr::HashTable(_) => None,
        }
    }

    fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self(match encoding {
            Encoding::IntSet => Repr::IntSet(try_intset(encoding, bytes)?),
            _ => Repr::ListPack(try_listpack(encoding, bytes, Contents::Members)?),
        }))
    }

    #[inline]
    fn encoding(&self) -> Encoding {
        self.view().encoding()
    }

    #[inline]
    fn len(&self) -> usize {
        self.view().len()
    }

    fn allocation_size(&self) -> usize {
        match &self.0 {
            Repr::IntSet(inner) => inner.allocation_size(),
            Repr::ListPack(inner) => inner.allocation_size(),
            Repr::HashTable(inner) => inner.allocation_size(),
        }
    }

    fn free_effort(&self) -> usize {
        match &self.0 {
            Repr::IntSet(_) | Repr::ListPack(_) => 1,
            Repr::HashTable(inner) => inner.len(),
        }
    }

    fn drop_in_steps(self, n: usize) -> Option<Remains> {
        match self.0 {
            Repr::IntSet(_) | Repr::ListPack(_) => None, // one block
            Repr::HashTable(inner) => Remains(Rest::Set(inner.into_table())).drop_in_steps(n),
        }
    }

    fn relocate(&mut self, cursor: Cursor, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> Cursor {
        match &mut self.0 {
            Repr::IntSet(inner) => {
                inner.relocate(moves);
                Cursor::START
            }
            Repr::ListPack(inner) => {
                inner.relocate(moves);
                Cursor::START
            }
            Repr::HashTable(inner) => inner.relocate(cursor, moves),
        }
    }

    fn try_clone(&self) -> Result<Self, ReserveError> {
        self.view().try_to_owned()
    }

    fn into_raw(self) -> (Encoding, NonNull<u8>) {
        let encoding = self.encoding();
        let word = match self.0 {
            Repr::IntSet(inner) => into_word(inner),
            Repr::ListPack(inner) => into_word(inner),
            Repr::HashTable(inner) => into_word(inner),
        };
        (encoding, word)
    }

    unsafe fn from_raw(encoding: Encoding, pointer: NonNull<u8>) -> Self {
        // SAFETY: by contract, the encoding says whose word the pointer is.
        unsafe {
            Self(match encoding {
                Encoding::IntSet => Repr::IntSet(from_word(pointer)),
                Encoding::ListPack => Repr::ListPack(from_word(pointer)),
                _ => Repr::HashTable(from_word(pointer)),
            })
        }
    }
}
