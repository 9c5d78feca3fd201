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

pub use algebra::{diff, inter, inter_card, try_diff_store, try_inter_store, try_union_store, union};
pub use iter::Iter;

use crate::collection::{Collection, from_word, into_word, sealed};
use crate::element::Element;
use crate::limits::EncodingLimits;
use crate::members::Members;
use crate::remains::{Remains, Rest};
use crate::types::{Encoding, ObjectType};
use core::fmt;
use core::ptr::NonNull;
use intset::IntSet;
use listpack::ListPack;
use zmalloc::{ReserveError, or_oom};

/// A set of byte strings; 16 bytes.
///
/// A member is given as an [`Element`]: bytes or an integer, which stands for its decimal form. What may convert the set takes
/// the [`EncodingLimits`]. What allocates has a `try_` form, after whose error the set is as it was; the plain form calls
/// zmalloc's OOM handler.
///
/// ```
/// use robj::{Collection, Encoding, EncodingLimits, Set};
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
    HashTable(Members<1>),
}

/// One member at a time.
impl Set {
    /// Nothing in it, and nothing allocated. It becomes what its first members are; see
    /// [`try_with_hint`](Self::try_with_hint) for one that will be large at once.
    pub const fn new() -> Self {
        Self(Repr::IntSet(IntSet::new()))
    }

    /// Whether `member` is in the set. O(1) on average in a hash table, O(log n) in an intset, O(n) in a listpack. In C:
    /// `setTypeIsMember`; `SISMEMBER`.
    #[inline]
    pub fn contains<'e>(&self, member: impl Into<Element<'e>>) -> bool {
        let member = member.into();
        match &self.0 {
            Repr::IntSet(set) => member.as_i64().is_some_and(|value| set.contains(value)),
            Repr::ListPack(list) => find(list, &member.text()).is_some(),
            Repr::HashTable(members) => members.get(&member.text()).is_some(),
        }
    }

    /// Which of `members` are in the set, in their order: their cache misses overlap. In C: `SMISMEMBER`.
    ///
    /// ```
    /// use robj::{Element, EncodingLimits, Set};
    /// let mut set = Set::new();
    /// set.insert(5, &EncodingLimits::DEFAULT);
    /// let asked = [Element::Int(5), Element::Bytes(b"six")];
    /// assert!(set.contains_many(&asked).eq([true, false]));
    /// ```
    pub fn contains_many(&self, members: &[Element<'_>]) -> impl Iterator<Item = bool> {
        members.chunks(iter::BATCH).flat_map(|batch| self.contains_batch(batch).into_iter().take(batch.len()))
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
    /// use robj::{Collection, EncodingLimits, Set};
    /// let limits = EncodingLimits::DEFAULT;
    /// let (mut todo, mut done) = (Set::new(), Set::new());
    /// todo.insert(&b"dishes"[..], &limits);
    /// assert!(todo.try_move(&mut done, &b"dishes"[..], &limits)?);
    /// assert!(todo.is_empty() && done.contains(&b"dishes"[..]));
    /// # Ok::<(), robj::ReserveError>(())
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

    /// The members: ascending in an intset, in the order of insertion in a listpack, in no order in a hash table. In C:
    /// `setTypeInitIterator`; `SMEMBERS`.
    pub fn iter(&self) -> Iter<'_> {
        Iter::new(self)
    }

    /// Visits some members and answers where to go on; 0 starts and ends. A member that is there from the start to the end comes
    /// at least once. A small set comes whole. In C: `SSCAN`.
    pub fn scan<'a>(&'a self, cursor: u64, mut each: impl FnMut(Element<'a>)) -> u64 {
        match &self.0 {
            Repr::HashTable(members) => members.scan(cursor, |member| each(Element::Bytes(member.key()))),
            _ => {
                self.iter().for_each(each);
                0
            }
        }
    }
}

/// Where a member stands.
#[inline]
fn find(list: &ListPack, member: &[u8]) -> Option<listpack::Offset> {
    list.find(list.first()?, member, 0)
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

impl<'a> IntoIterator for &'a Set {
    type Item = Element<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

/// Equal members, whatever the encodings. O(n) look-ups.
impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|member| other.contains(member))
    }
}

impl Eq for Set {}

impl sealed::Sealed for Set {}

impl Collection for Set {
    const TYPE: ObjectType = ObjectType::Set;
    const EMPTY: Self = Self::new();

    fn encoding(&self) -> Encoding {
        match self.0 {
            Repr::IntSet(_) => Encoding::IntSet,
            Repr::ListPack(_) => Encoding::ListPack,
            Repr::HashTable(_) => Encoding::HashTable,
        }
    }

    fn len(&self) -> usize {
        match &self.0 {
            Repr::IntSet(inner) => inner.len(),
            Repr::ListPack(inner) => inner.len(),
            Repr::HashTable(inner) => inner.len(),
        }
    }

    fn memory_usage(&self) -> usize {
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

    fn relocate(&mut self, cursor: u64, moves: &mut impl FnMut(NonNull<u8>, usize) -> bool) -> u64 {
        match &mut self.0 {
            Repr::IntSet(inner) => {
                inner.relocate(moves);
                0
            }
            Repr::ListPack(inner) => {
                inner.relocate(moves);
                0
            }
            Repr::HashTable(inner) => inner.relocate(cursor, moves),
        }
    }

    fn try_clone(&self) -> Result<Self, ReserveError> {
        Ok(Self(match &self.0 {
            Repr::IntSet(inner) => Repr::IntSet(inner.try_clone()?),
            Repr::ListPack(inner) => Repr::ListPack(inner.try_clone()?),
            Repr::HashTable(inner) => Repr::HashTable(inner.try_clone()?),
        }))
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
