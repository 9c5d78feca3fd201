//! Adding members and changing scores, under conditions: `ZADD` and `ZINCRBY`.

use super::{Repr, ZSet, packed};
use crate::element::Element;
use crate::error::{AddError, Error};
use crate::limits::EncodingLimits;
use common::Room;
use listpack::View;
use zindex::{Member, ZTable};

/// The options of `ZADD`, under their names in Redis. All are off by default. A member is written only if
/// `nx`, `xx`, `gt` and `lt` all allow it. Redis refuses some combinations ([`AddOptions::are_compatible`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddOptions {
    /// Only add members that are absent. In C: `ZADD_IN_NX`.
    pub nx: bool,
    /// Only update members that are present. In C: `ZADD_IN_XX`.
    pub xx: bool,
    /// Do not update a member that is present unless this raises its score. In C: `ZADD_IN_GT`.
    pub gt: bool,
    /// Do not update a member that is present unless this lowers its score. In C: `ZADD_IN_LT`.
    pub lt: bool,
    /// Add the given score to that of the member. In C: `ZADD_IN_INCR`.
    pub incr: bool,
}

impl AddOptions {
    /// Returns whether `ZADD` accepts this combination. `NX` excludes `XX`, `GT` and `LT`, and `GT`
    /// excludes `LT`.
    pub fn are_compatible(self) -> bool {
        !(self.nx && (self.xx || self.gt || self.lt) || self.gt && self.lt)
    }
}

/// The result of adding a member.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Added {
    /// The member was absent, and has this score now. In C: `ZADD_OUT_ADDED`.
    Added(f64),
    /// The member was present, and has this new score now. In C: `ZADD_OUT_UPDATED`.
    Updated(f64),
    /// The member was present and keeps its score, which equals this one. The sign of a zero may differ: if a
    /// score of -0 is incremented by 0, this value is 0, but the member keeps -0, as in Redis.
    Unchanged(f64),
    /// A condition did not allow the change, so nothing was done. In C: `ZADD_OUT_NOP`.
    Skipped,
}

/// Returns the result of adding a member whose score was `old`, or `None` if it was absent.
fn decide(old: Option<f64>, score: f64, options: AddOptions) -> Result<Added, AddError> {
    if score.is_nan() {
        return Err(AddError::NotANumber);
    }
    let Some(old) = old else {
        return Ok(if options.xx { Added::Skipped } else { Added::Added(score) });
    };
    if options.nx {
        return Ok(Added::Skipped);
    }
    let new = if options.incr { old + score } else { score };
    if new.is_nan() {
        return Err(AddError::NotANumber);
    }
    if options.lt && new >= old || options.gt && new <= old {
        return Ok(Added::Skipped);
    }
    Ok(if new == old { Added::Unchanged(new) } else { Added::Updated(new) })
}

impl Added {
    /// Returns the score to write, if there is one.
    fn written(self) -> Option<f64> {
        match self {
            Self::Added(score) | Self::Updated(score) => Some(score),
            Self::Unchanged(_) | Self::Skipped => None,
        }
    }

    /// Returns the member's score afterwards, or `None` if the member was skipped. This is the reply of
    /// `ZADD ... INCR`.
    pub fn score(self) -> Option<f64> {
        match self {
            Self::Added(score) | Self::Updated(score) | Self::Unchanged(score) => Some(score),
            Self::Skipped => None,
        }
    }
}

impl<R: Room> ZSet<R> {
    /// Sets the score of a member, and adds the member if it is absent. If a new member does not fit a
    /// listpack, the set becomes a skiplist. O(log n), or O(n) in a listpack. In C: `zsetAdd`; `ZADD`,
    /// `ZINCRBY`.
    ///
    /// # Errors
    /// The score is NaN, or an allocation fails. The set is then unchanged.
    pub fn try_add<'e>(
        &mut self,
        member: impl Into<Element<'e>>,
        score: f64,
        options: AddOptions,
        limits: &EncodingLimits,
    ) -> Result<Added, AddError> {
        let member = member.into().text();
        let list = match &mut self.0 {
            Repr::ListPack(list) => list,
            Repr::SkipList(table) => return try_add_to_table(table, &member, score, options),
        };
        let found = packed::find(list, &member);
        let outcome = decide(found.as_ref().map(|found| found.score), score, options)?;
        match (outcome.written(), found) {
            (None, _) => {}
            (Some(score), Some(found)) => packed::try_update(list, &found, score)?,
            (Some(score), None) if fits(list, member.len(), limits) => {
                packed::try_insert(list, score, &member)?;
            }
            (Some(score), None) => {
                let mut table = packed::try_to_table(list)?;
                table.try_insert(&member, score)?;
                self.0 = Repr::SkipList(table);
            }
        }
        Ok(outcome)
    }

    /// Adds a member of `len` bytes and returns whether it is new. If it is present, it keeps its score.
    /// O(log n), or O(n log n) if the set is a listpack.
    ///
    /// `fill` writes the bytes of the member into the new block. So a caller that decompresses the member
    /// needs no second copy. A listpack becomes a skiplist, so this is for members of more than
    /// `zset_max_listpack_value` bytes. For others use [`try_add`](Self::try_add).
    ///
    /// ```
    /// use values::zset::AddError;
    /// use values::{Collection, Encoding, ZSet};
    /// let mut zset = ZSet::new();
    /// let fill = |place: &mut [u8]| Ok::<(), AddError>(place.fill(b'x'));
    /// assert!(zset.try_add_with(1_000, 2.5, fill)?);
    /// assert!(!zset.try_add_with(1_000, 3.5, fill)?);
    /// assert_eq!((zset.score(&[b'x'; 1_000]), zset.encoding()), (Some(2.5), Encoding::SkipList));
    /// # Ok::<(), AddError>(())
    /// ```
    ///
    /// # Errors
    /// The error of `fill`, or [`AddError`]. The set is then unchanged.
    pub fn try_add_with<E: From<AddError>>(
        &mut self,
        len: usize,
        score: f64,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let list = match &mut self.0 {
            Repr::SkipList(table) => return try_add_filled(table, len, score, fill),
            Repr::ListPack(list) => list,
        };
        let mut table = packed::try_to_table(list).map_err(AddError::from)?;
        let is_new = try_add_filled(&mut table, len, score, fill)?;
        self.0 = Repr::SkipList(table);
        Ok(is_new)
    }

    /// Does the same as [`try_add`](Self::try_add) without conditions, but calls the OOM handler if an
    /// allocation fails. Returns whether the member is new.
    ///
    /// # Errors
    /// The score is NaN.
    pub fn insert<'e>(
        &mut self,
        member: impl Into<Element<'e>>,
        score: f64,
        limits: &EncodingLimits,
    ) -> Result<bool, AddError> {
        let outcome = Error::or_oom(self.try_add(member, score, AddOptions::default(), limits))?;
        Ok(matches!(outcome, Added::Added(_)))
    }

    /// Returns whether the set may be a listpack, if its longest member has `longest` bytes.
    pub(super) fn is_small(&self, longest: usize, limits: &EncodingLimits) -> bool {
        self.len() <= limits.zset_max_listpack_entries && longest <= limits.zset_max_listpack_value
    }
}

/// Returns whether a listpack may take one more member, of `len` bytes.
fn fits(list: &View, len: usize, limits: &EncodingLimits) -> bool {
    list.len() / 2 < limits.zset_max_listpack_entries
        && len <= limits.zset_max_listpack_value
        && list.byte_len().saturating_add(len) < LISTPACK_BYTES_MAX
}

/// The size in bytes from which a listpack takes no more members, whatever the limits are. In C:
/// `LISTPACK_MAX_SAFETY_LIMIT`.
const LISTPACK_BYTES_MAX: usize = 1 << 30;

fn try_add_filled<E: From<AddError>>(
    table: &mut ZTable,
    len: usize,
    score: f64,
    fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
) -> Result<bool, E> {
    let mut member = Member::try_zeroed(len, score).map_err(AddError::from)?;
    fill(member.as_mut_bytes())?;
    Ok(table.try_insert_member(member).map_err(AddError::from)?)
}

fn try_add_to_table(
    table: &mut ZTable,
    member: &[u8],
    score: f64,
    options: AddOptions,
) -> Result<Added, AddError> {
    let mut outcome = Ok(Added::Skipped);
    table.try_upsert(member, |old| {
        outcome = decide(old, score, options);
        outcome.ok().and_then(Added::written)
    })?;
    outcome
}
