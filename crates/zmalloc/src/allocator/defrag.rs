//! Which blocks are worth moving.
//!
//! A slab of a small size class is given back when its last block is. When blocks are freed at random, many
//! slabs are left with a few blocks each, and their memory serves nobody: it is in no block that could be
//! handed out to another class, and it is not the system's. A defragmenter visits the blocks that it knows
//! and moves some of them ([`zmalloc_no_tcache`](crate::zmalloc_no_tcache), copy,
//! [`zfree_no_tcache`](crate::zfree_no_tcache)); the allocator puts a moved block into the oldest slab with
//! room. Blocks of an [`Arena`](crate::Arena) are moved within it, by its own [`allocate`](crate::Arena::allocate) and
//! [`free`](crate::Arena::free). Which ones to move, the *hint* says:
//!
//! ```text
//!                             blocks in use, of 32
//!    [################]       32   no: full. Moving a block leaves a hole behind, and wins nothing.
//!    [#############...]       26   no: fuller than the average. It will be filled.
//!    [######..........]       12   yes: emptier than the average. Its blocks go, and then its pages.
//!    [#...............]        2   yes
//! ```
//!
//! The rule, for a block in a slab with `live` blocks in use, in a bin with `n` slabs that are not full:
//!
//! 1. A full slab, or a block so large that it has pages of its own: **no**.
//! 2. `n < 2`: **no**. There is no other slab to go to; the block would return to its own.
//! 3. Otherwise **yes** if `live <= average * 9/8`, where `average` is over the `n` slabs only.
//!
//! Why the *average*: nothing is won until a slab is empty, so the blocks of the emptier ones have to go
//! where there is room, to the fuller ones; and the blocks of those, more than half of all, need not be
//! copied. Full slabs take no part, neither giving nor taking, so they do not count: with them the average of a
//! large heap with little to win would be near full, and nearly every block in a slab that is not full would
//! be moved. Why *9/8*: slabs that are all alike are none below the average, and would stay half empty for
//! ever. What the rule cannot see is which slab is the current one, into which moved blocks go; a block of that
//! slab, if it is among the emptier ones, is moved within it, one copy for nothing. As the current slab is
//! the one that fills, it does not stay among them for long.
//!
//! Each pass moves the average, so a survey is to be taken again for each pass, say every tenth of a second
//! of work. Where allocations come from several arenas, the average is over all of them.
//!
//! Learned from: Redis' `je_get_defrag_hint`, which looks into a jemalloc patched for it; Valkey's
//! `allocator_defrag.c`, which asks a jemalloc as it is, as this does
//! (`experimental.utilization.batch_query`).

use super::bins::{Bin, bins};
use super::ctl::{ALL_ARENAS, Key};
use super::info::refresh;
use core::ptr::NonNull;

/// How full the slabs of each size class are, as of when it was taken.
///
/// ```
/// use zmalloc::defrag::Survey;
///
/// let block = zmalloc::zmalloc(100);
/// if let Some(survey) = Survey::take() {
///     // SAFETY: a live block.
///     let _worth_moving: bool = unsafe { survey.hint(block) }.unwrap();
/// }
/// # unsafe { zmalloc::zfree(block) };
/// ```
#[derive(Clone, Debug)]
pub struct Survey {
    /// By size.
    bins: Vec<Bin>,
}

/// What jemalloc answers for one block.
#[repr(C)]
#[derive(Clone, Copy)]
struct Utilization {
    free_blocks: usize,
    blocks: usize,
    slab_bytes: usize,
}

const _: () = assert!(size_of::<Utilization>() == 3 * size_of::<usize>());

/// Blocks asked about in one call, so that the answers fit on the stack.
const BATCH_MAX: usize = 64;

impl Survey {
    /// Looks at all bins; `None` unless the allocator is jemalloc with statistics (feature `stats`). Costs what
    /// [`allocator_info`](crate::allocator_info) does, and a small allocation.
    pub fn take() -> Option<Self> {
        refresh()?;
        Some(Self { bins: bins(ALL_ARENAS)?.collect::<Option<_>>()? })
    }

    /// Whether moving the block would help; `None` if the allocator does not say. In C:
    /// `je_get_defrag_hint` (Redis), `allocatorShouldDefrag` (Valkey).
    ///
    /// # Safety
    /// `ptr` is a live block of any of zmalloc's faces.
    pub unsafe fn hint(&self, ptr: NonNull<u8>) -> Option<bool> {
        let mut answer = [false];
        // SAFETY: passed on unchanged.
        unsafe { self.hints(&[ptr], &mut answer)? };
        Some(answer[0])
    }

    /// [`hint`](Self::hint) for many blocks, cheaper by the piece: the answer for `blocks[i]` is put in
    /// `answers[i]`. If one is shorter than the other, the rest of the other is left alone. `None`, and some
    /// answers not given, if the allocator does not say.
    ///
    /// # Safety
    /// All of `blocks` are live blocks of any of zmalloc's faces.
    pub unsafe fn hints(&self, blocks: &[NonNull<u8>], answers: &mut [bool]) -> Option<()> {
        for (blocks, answers) in blocks.chunks(BATCH_MAX).zip(answers.chunks_mut(BATCH_MAX)) {
            let mut slabs = [Utilization { free_blocks: 0, blocks: 0, slab_bytes: 0 }; BATCH_MAX];
            let count = blocks.len().min(answers.len());
            // SAFETY: live blocks, by contract.
            unsafe { utilization(&blocks[..count], &mut slabs)? };
            for (answer, slab) in answers.iter_mut().zip(&slabs[..count]) {
                *answer = self.worth_moving(slab);
            }
        }
        Some(())
    }

    /// Rules 1 to 3 of the module's text.
    fn worth_moving(&self, slab: &Utilization) -> bool {
        if slab.free_blocks == 0 {
            return false; // which includes blocks with pages of their own, and what is no block at all
        }
        // A slab is as large as its blocks; but with `slab_sizes` in MALLOC_CONF there may be some room left over.
        let size_max = slab.slab_bytes / slab.blocks.max(1);
        let bins = &self.bins[..self.bins.partition_point(|bin| bin.size <= size_max)];
        let Some(bin) = bins.iter().rfind(|bin| bin.slab_blocks == slab.blocks) else { return false };
        let live = slab.blocks.saturating_sub(slab.free_blocks);
        let in_full_slabs = bin.slabs.saturating_sub(bin.nonfull_slabs).saturating_mul(bin.slab_blocks);
        let in_nonfull_slabs = bin.live.saturating_sub(in_full_slabs);
        bin.nonfull_slabs >= 2
            && live.saturating_mul(bin.nonfull_slabs) <= in_nonfull_slabs.saturating_add(in_nonfull_slabs / 8)
    }
}

/// Asks about as many blocks as there are, which is no more than there are places for answers.
///
/// # Safety
/// All of `blocks` are live.
unsafe fn utilization(blocks: &[NonNull<u8>], slabs: &mut [Utilization; BATCH_MAX]) -> Option<()> {
    static QUERY: Key = Key::new(c"experimental.utilization.batch_query");
    let blocks = blocks.get(..blocks.len().min(BATCH_MAX))?;
    let mut answer_len = size_of::<Utilization>() * blocks.len();
    // SAFETY: jemalloc reads one pointer for each three words that it writes, and there is room for those. It
    // does not write to the pointers, though it takes them by a mutable one.
    unsafe {
        QUERY.call(
            &[],
            slabs.as_mut_ptr().cast(),
            &mut answer_len,
            blocks.as_ptr().cast_mut().cast(),
            size_of_val(blocks),
        )
    }
}

/// Takes a [`Survey`] and asks it about one block: for a look now and then. Who asks about many takes the survey
/// once.
///
/// # Safety
/// `ptr` is a live block of any of zmalloc's faces.
pub unsafe fn hint(ptr: NonNull<u8>) -> Option<bool> {
    // SAFETY: passed on unchanged.
    unsafe { Survey::take()?.hint(ptr) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bin of slabs of ten blocks of 100 bytes: so many blocks are in use in each.
    fn survey(slabs: &[usize]) -> Survey {
        Survey {
            bins: vec![Bin {
                size: 100,
                slab_blocks: 10,
                slabs: slabs.len(),
                nonfull_slabs: slabs.iter().filter(|&&live| live < 10).count(),
                live: slabs.iter().sum(),
            }],
        }
    }

    fn hints(slabs: &[usize]) -> Vec<bool> {
        let survey = survey(slabs);
        let slab = |&live: &usize| Utilization { free_blocks: 10 - live, blocks: 10, slab_bytes: 1000 };
        slabs.iter().map(|live| survey.worth_moving(&slab(live))).collect()
    }

    #[test]
    fn blocks_move_from_the_emptier_slabs_to_the_fuller() {
        assert_eq!(hints(&[10, 9, 5, 1]), [false, false, true, true]);
    }

    #[test]
    fn nothing_moves_when_there_is_nowhere_to_go() {
        assert_eq!(hints(&[10, 10, 10]), [false; 3]);
        assert_eq!(hints(&[10, 10, 1]), [false; 3]);
    }

    #[test]
    fn slabs_that_are_alike_do_not_stay_so() {
        assert_eq!(hints(&[5, 5, 5, 10]), [true, true, true, false]);
    }

    #[test]
    fn full_slabs_do_not_lift_the_average() {
        let mut slabs = [10; 100];
        slabs[..3].copy_from_slice(&[9, 8, 1]);
        assert_eq!(hints(&slabs)[..4], [false, false, true, false]);
    }

    #[test]
    fn a_slab_may_have_room_left_over_behind_its_blocks() {
        let mut survey = survey(&[9, 1]);
        let bin = survey.bins[0];
        let smaller = Bin { size: 80, nonfull_slabs: 0, ..bin };
        let larger = Bin { size: 105, slab_blocks: 9, nonfull_slabs: 0, ..bin };
        survey.bins = vec![smaller, bin, larger];
        for slab_bytes in [1000, 1001, 1010, 1049, 1050, 1099] {
            let hint = |live: usize| {
                survey.worth_moving(&Utilization { free_blocks: 10 - live, blocks: 10, slab_bytes })
            };
            assert_eq!([hint(9), hint(1)], [false, true], "slabs of {slab_bytes} bytes");
        }
    }

    #[test]
    fn a_block_smaller_than_all_bins_is_not_moved() {
        let slab = Utilization { free_blocks: 9, blocks: 10, slab_bytes: 500 };
        assert!(!survey(&[1, 1]).worth_moving(&slab));
    }

    #[test]
    fn figures_that_contradict_each_other_are_no_panic() {
        let survey = survey(&[1, 1]);
        for (free_blocks, blocks, slab_bytes) in [(0, 0, 0), (5, 0, 7), (20, 10, 1000), (1, 1, usize::MAX)] {
            survey.worth_moving(&Utilization { free_blocks, blocks, slab_bytes });
        }
    }
}
