//! The shared integers: one object for each integer from 0 to 9999, made at compile time.
//!
//! ```text
//!  INTEGERS  [ header of 0 ][ header of 1 ] ... [ header of 9999 ]     160,000 bytes of the data segment
//! ```
//!
//! Small integers are the most common values (counters, flags, scores). All objects of the same integer are
//! alike, so one is enough. The table is a `static` that the compiler fills in. So nothing is allocated or
//! set up at the start, and the system does not load pages of it that are not used.
//!
//! The headers are immortal: their count says so and never changes. So threads that share them do not
//! compete for their cache lines. Their clock is never written for the same reason. A caller whose eviction
//! policy reads the clock of each object therefore has to turn them off
//! ([`EncodingLimits::NO_SHARED_INTEGERS`](values::EncodingLimits::NO_SHARED_INTEGERS)).
//!
//! Learned from: Redis' `createSharedObjects` and `shared.integers`.

use crate::header::Header;
use core::ptr::NonNull;
use values::OBJ_SHARED_INTEGERS;

static INTEGERS: [Header; OBJ_SHARED_INTEGERS as usize] = {
    let mut table = [const { Header::shared_integer(0) }; OBJ_SHARED_INTEGERS as usize];
    let mut i = 0;
    while i < table.len() {
        table[i] = Header::shared_integer(i as i64);
        i += 1;
    }
    table
};

/// Returns the immortal header of `value`, if `value` is below `limit` and in the table.
#[inline]
pub(crate) fn integer(value: i64, limit: u32) -> Option<NonNull<Header>> {
    // As a `u64`, a negative value is above every limit.
    if value as u64 >= u64::from(limit.min(OBJ_SHARED_INTEGERS)) {
        return None;
    }
    // The pointer is raw, because Miri would check all of the table for a reference to it.
    // SAFETY: `value` is below the length of the table.
    Some(unsafe { NonNull::from(&*(&raw const INTEGERS).cast::<Header>().add(value as usize)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use values::Encoding;

    #[test]
    fn every_slot_holds_its_own_number() {
        let step = if cfg!(miri) { 101 } else { 1 };
        for value in (0..i64::from(OBJ_SHARED_INTEGERS)).step_by(step) {
            // SAFETY: the pointer is that of a header in the static table.
            let header = unsafe { integer(value, u32::MAX).unwrap().as_ref() };
            assert_eq!(header.encoding(), Encoding::Int);
            assert!(header.refcount.is_immortal());
            // SAFETY: the encoding is `Int`.
            assert_eq!(unsafe { header.value.int }, value);
        }
    }

    #[test]
    fn nothing_else_is_shared() {
        for value in [-1, 10_000, i64::MAX, i64::MIN] {
            assert!(integer(value, u32::MAX).is_none(), "{value}");
        }
        assert!(integer(0, 0).is_none());
        assert!(integer(99, 100).is_some());
        assert!(integer(100, 100).is_none());
    }
}
