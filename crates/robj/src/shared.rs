//! The integers that exist once: 0 to 9999, ready at compile time.
//!
//! ```text
//!  INTEGERS  [ header of 0 ][ header of 1 ] ... [ header of 9999 ]     160,000 bytes of the data segment
//! ```
//!
//! Small integers are the commonest values (counters, flags, scores), and every object that holds one is
//! like the other, so all of them may be one. The table is a `static` that the compiler fills in: nothing is
//! allocated, nothing is set up at the start, and pages of it that nobody uses are never read in.
//!
//! The headers are immortal: their count says so and is never changed, so that threads that pass them
//! around do not fight for their cache lines. For the same reason their clock is never written, which is
//! why a caller whose eviction policy looks at each object's clock has to do without them
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

/// The immortal object of `value`, if `value` is below `limit` and in the table.
#[inline]
pub(crate) fn integer(value: i64, limit: u32) -> Option<NonNull<Header>> {
    // A negative value becomes a huge one.
    if value as u64 >= u64::from(limit.min(OBJ_SHARED_INTEGERS)) {
        return None;
    }
    // By raw pointer: a reference to the whole table on the way would make Miri look at all of it.
    // SAFETY: the slot is one of the table's.
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
            // SAFETY: a reference to the static table.
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
