//! [`Set`]: sets.
//!
//! | encoding | holds | until |
//! |---|---|---|
//! | `intset` | integers | the first member that is not an integer, or `set_max_intset_entries` |
//! | `listpack` | any members | `set_max_listpack_entries`, or a member beyond `set_max_listpack_value` |
//! | `hashtable` | any members, one block each | |
//!
//! A set never changes back: a hash table that has become small stays one. There is one exception, as in
//! Redis ([`Set::try_pop_many`]). `convert` has the rules of conversion, `random` chooses random members,
//! and `algebra` combines several sets.

mod algebra;
mod convert;
mod iter;
mod random;
mod read;

pub use algebra::{AsView, diff, inter, inter_card, try_diff_store, try_inter_store, try_union_store, union};
pub use iter::Iter;

use crate::element::Element;
use crate::encodings::encodings;
use crate::error::Error;
use crate::hashtable::{StringBlock, StringTable};
use crate::limits::EncodingLimits;
use crate::packed::{
    Contents, PackedShape, check_intset, check_listpack, try_intset, try_listpack, view_of_intset,
    view_of_listpack,
};
use crate::types::Encoding;
use common::{NoRoom, Room};
use intset::IntSet;
use listpack::ListPack;
use read::find;
use zmalloc::{ReserveError, or_oom};

/// A set of byte strings. It takes 16 bytes.
///
/// Taught in the chapter `docs/src/objects.md`.
///
/// A member is an [`Element`]: bytes, or an integer, which stands for its decimal form. Methods that may
/// convert the set take the [`EncodingLimits`]. Methods that allocate have a `try_` form; if it returns an
/// error, the set is unchanged. The plain form calls zmalloc's OOM handler.
///
/// `R` is the type of the [`Room`] in which a packed set may be. Without it, as in `Set`, the set is an
/// owned one. See [`Collection::In`](crate::Collection::In).
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
pub struct Set<R = NoRoom>(Repr<R>);

/// A view of a [`Set`], which may be in any place. What it lends lives for `'a`.
#[derive(Clone, Copy)]
pub struct SetView<'a>(ReprView<'a>);

impl Set {
    /// Creates an empty set, without an allocation. Its first members decide the encoding. For a set that
    /// will be large at once, see [`try_with_hint`](Self::try_with_hint).
    pub const fn new() -> Self {
        Self(Repr::IntSet(IntSet::new()))
    }
}

/// Methods for one member.
impl<R: Room> Set<R> {
    /// Adds `member` and returns whether it is new. O(1) on average in a hash table, O(n) in the other
    /// encodings. In C: `setTypeAdd`; `SADD`.
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
                        Err(ReserveError::TooLong { .. }) => {} // too long for any list, so a table is needed
                        result => return result.map(|()| true),
                    }
                }
            }
            Repr::HashTable(members) => return members.try_insert(&member.text()),
        }
        self.try_convert_and_insert(member, limits).map(|()| true)
    }

    /// Adds a member of `len` bytes and returns whether it is new.
    ///
    /// `fill` writes the member into its place. So a caller that decompresses it needs no second copy. The
    /// set becomes a hash table, so this is for members of more than `set_max_listpack_value` bytes. For
    /// others use [`try_insert`](Self::try_insert).
    ///
    /// ```
    /// use values::{Collection, Encoding, ReserveError, Set};
    /// let mut set = Set::new();
    /// let fill = |place: &mut [u8]| Ok::<(), ReserveError>(place.fill(b'x'));
    /// assert!(set.try_insert_with(1_000, fill)?);
    /// assert!(!set.try_insert_with(1_000, fill)?);
    /// assert!(set.contains(&[b'x'; 1_000]) && set.encoding() == Encoding::HashTable);
    /// # Ok::<(), ReserveError>(())
    /// ```
    ///
    /// # Errors
    /// The error of `fill`, or that of an allocation. The set is then unchanged.
    pub fn try_insert_with<E: From<ReserveError>>(
        &mut self,
        len: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let block = StringBlock::try_new_with([len], |[member]| fill(member))?;
        if let Repr::HashTable(members) = &mut self.0 {
            return Ok(members.try_insert_block(block)?);
        }
        let mut members = self.try_to_table()?;
        let is_new = members.try_insert_block(block)?;
        self.0 = Repr::HashTable(members);
        Ok(is_new)
    }

    /// Does the same as [`try_insert`](Self::try_insert), but calls the OOM handler if there is no memory.
    pub fn insert<'e>(&mut self, member: impl Into<Element<'e>>, limits: &EncodingLimits) -> bool {
        or_oom(self.try_insert(member, limits))
    }

    /// Removes `member` and returns whether it was present. O(1) on average in a hash table, O(n) in the
    /// other encodings. In C: `setTypeRemove`; `SREM`.
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

    /// Moves `member` from this set to `target`, and returns whether it was in this set. On failure both
    /// are unchanged. In C: `SMOVE`.
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
    pub fn try_move<'e, S: Room>(
        &mut self,
        target: &mut Set<S>,
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

impl From<IntSet> for Set {
    /// Makes a set of any number of integers. The limits are checked with the next write.
    fn from(set: IntSet) -> Self {
        Self(Repr::IntSet(set))
    }
}

encodings! {
    Set, SetView;
    IntSet, ListPack; HashTable(StringTable<1>);
    others {
        fn view_of_packed(encoding: Encoding, bytes: &[u8]) -> Result<SetView<'_>, Error> {
            Ok(SetView(match encoding {
                Encoding::IntSet => ReprView::IntSet(view_of_intset(encoding, bytes)?),
                _ => ReprView::ListPack(view_of_listpack(encoding, bytes)?),
            }))
        }

        fn check_packed(encoding: Encoding, bytes: &[u8]) -> Result<PackedShape, Error> {
            match encoding {
                Encoding::IntSet => check_intset(encoding, bytes),
                _ => check_listpack(encoding, bytes, Contents::Members),
            }
        }

        fn try_from_packed(encoding: Encoding, bytes: &[u8]) -> Result<Self, Error> {
            Ok(Self(match encoding {
                Encoding::IntSet => Repr::IntSet(try_intset(encoding, bytes)?),
                _ => Repr::ListPack(try_listpack(encoding, bytes, Contents::Members)?),
            }))
        }
    }
}
