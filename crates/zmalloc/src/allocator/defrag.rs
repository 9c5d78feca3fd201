//! Finds the blocks that are worth moving.
//!
//! A slab of a small size class is given back when its last block is freed. When blocks are freed at random,
//! many slabs keep a few blocks each. The memory of such slabs is wasted: no other size class can use it, and
//! the system does not have it.
//!
//! A defragmenter visits the blocks that it knows and moves some of them
//! ([`zmalloc_no_tcache`](crate::zmalloc_no_tcache), copy, [`zfree_no_tcache`](crate::zfree_no_tcache)). The
//! allocator puts a moved block into the oldest slab with room. Blocks of an [`Arena`](crate::Arena) are
//! moved within it, by its own [`allocate`](crate::Arena::allocate) and [`free`](crate::Arena::free). The
//! *hint* says which blocks to move:
//!
//! ```text
//!                             blocks in use, of 32
//!    [################]       32   no: full. Moving a block leaves a gap and wins nothing.
//!    [#############...]       26   no: fuller than the average. It will be filled.
//!    [######..........]       12   yes: emptier than the average. It will be emptied and given back.
//!    [#...............]        2   yes
//! ```
//!
//! The rule, for a block in a slab of `size` blocks of which `live` are in use:
//!
//! 1. The slab is full, or the block is so large that it has pages of its own: **no**.
//! 2. All slabs of the bin together have fewer than `size` free blocks: **no**. No slab can be emptied.
//! 3. The slab is a *current* slab, which serves the next requests: **no**. The block would be moved within
//!    it.
//! 4. Otherwise: **yes** if `live <= average * 9/8`. The `average` is taken over the slabs that are not full.
//!    It is what each of them would hold if all blocks of these slabs and of the current slabs were spread
//!    over them.
//!
//! Why the *average*: nothing is won until a slab is empty. So the blocks of the emptier slabs have to move
//! to the fuller slabs, where there is room. The blocks of the fuller slabs, which are more than half of all,
//! need not be copied.
//!
//! Full slabs neither give nor take blocks, so they do not count. If they did, the average of a large heap
//! with little to win would be near full. Nearly every block in a slab that is not full would then be moved.
//!
//! Why *9/8*: if all slabs are equally full, none is below the average. They would stay half empty for ever.
//!
//! jemalloc does not count a current slab as one that is not full, and does not report how many of its blocks
//! are in use. If the survey took it for a full slab, its free blocks would be subtracted from the blocks in
//! use of the other slabs. With few slabs, the average would then be much too low, and no slab would be
//! emptied.
//!
//! Each pass changes the average, so each pass needs a new survey, say for every tenth of a second of work.
//! If several arenas serve allocations, the average is over all of them.
//!
//! Learned from: Redis' `je_get_defrag_hint`, which needs a patched jemalloc; Valkey's
//! `allocator_defrag.c`, which asks an unpatched jemalloc, as this module does
//! (`experimental.utilization.batch_query`).

use super::bins::{Bin, bins};
use super::controls::flush_tcache;
use super::ctl::Control;
use super::info::{arenas, refresh};
use core::ptr::NonNull;
use core::slice;

/// How full the slabs of each size class were when the survey was taken.
///
/// ```
/// use zmalloc::defrag::Survey;
///
/// let block = zmalloc::zmalloc(100);
/// if let Some(survey) = Survey::take() {
///     // SAFETY: the block is live.
///     let _worth_moving: bool = unsafe { survey.hint(block) }.unwrap();
/// }
/// # unsafe { zmalloc::zfree(block) };
/// ```
#[derive(Clone, Debug)]
pub struct Survey {
    /// The size classes, by size.
    classes: Vec<Class>,
}

/// The slabs of a size class in all arenas together.
#[derive(Clone, Copy, Debug)]
struct Class {
    /// The size of its blocks, in bytes.
    size: usize,
    /// Blocks in a full slab.
    slab_blocks: usize,
    /// Slabs that are not full, except the current ones.
    nonfull_slabs: usize,
    /// Blocks in use in those slabs and in the current ones.
    live: usize,
    /// Free blocks in all slabs.
    free: usize,
}

impl Class {
    /// Adds the bin of one arena.
    fn add(&mut self, bin: &Bin) {
        if bin.live == 0 {
            return; // no block to move from here; at most an empty current slab
        }
        // jemalloc counts the current slab in `slabs` and not in `nonfull_slabs`.
        let full_slabs = bin.slabs.saturating_sub(bin.nonfull_slabs.saturating_add(1));
        self.nonfull_slabs += bin.nonfull_slabs;
        self.live += bin.live.saturating_sub(full_slabs.saturating_mul(bin.slab_blocks));
        self.free += bin.slabs.saturating_mul(bin.slab_blocks).saturating_sub(bin.live);
    }
}

/// jemalloc's answer for one block.
#[repr(C)]
#[derive(Clone, Copy)]
struct Utilization {
    free_blocks: usize,
    blocks: usize,
    slab_bytes: usize,
}

const _: () = assert!(size_of::<Utilization>() == 3 * size_of::<usize>());

/// The number of blocks that one call asks about, so that the answers fit on the stack.
const BATCH_MAX: usize = 64;

impl Survey {
    /// Empties this thread's cache and reads all bins. Returns `None` unless the allocator is jemalloc with
    /// statistics (feature `stats`). The cost is that of [`arena_infos`](crate::arena_infos) plus a small
    /// allocation.
    ///
    /// The cache is emptied because jemalloc counts the free blocks in it as in use. A slab with such a block
    /// looks fuller than it is and cannot be given back.
    pub fn take() -> Option<Self> {
        // Without statistics there is no survey, so the cache is kept.
        if cfg!(feature = "stats") {
            flush_tcache();
        }
        refresh()?;
        let mut classes = Vec::new();
        for arena in arenas()? {
            for (index, bin) in bins(arena)?.enumerate() {
                let bin = bin?;
                if index == classes.len() {
                    classes.push(Class {
                        size: bin.size,
                        slab_blocks: bin.slab_blocks,
                        nonfull_slabs: 0,
                        live: 0,
                        free: 0,
                    });
                }
                classes.get_mut(index)?.add(&bin);
            }
        }
        Some(Self { classes })
    }

    /// Returns whether moving the block would help, or `None` if the allocator does not report it. In C:
    /// `je_get_defrag_hint` (Redis), `allocatorShouldDefrag` (Valkey).
    ///
    /// # Safety
    /// `ptr` must be a live block that this crate allocated by any of its functions or traits.
    pub unsafe fn hint(&self, ptr: NonNull<u8>) -> Option<bool> {
        let mut answer = [false];
        // SAFETY: the contract is the same.
        unsafe { self.hints(&[ptr], &mut answer)? };
        Some(answer[0])
    }

    /// [`hint`](Self::hint) for many blocks, which is cheaper for each block. Writes the answer for
    /// `blocks[i]` to `answers[i]`. If one slice is shorter than the other, the rest of the longer one is
    /// ignored. Returns `None` if the allocator does not report it; some answers are then missing.
    ///
    /// # Safety
    /// All of `blocks` must be live blocks that this crate allocated by any of its functions or traits.
    pub unsafe fn hints(&self, blocks: &[NonNull<u8>], answers: &mut [bool]) -> Option<()> {
        for (blocks, answers) in blocks.chunks(BATCH_MAX).zip(answers.chunks_mut(BATCH_MAX)) {
            let mut slabs = [Utilization { free_blocks: 0, blocks: 0, slab_bytes: 0 }; BATCH_MAX];
            let count = blocks.len().min(answers.len());
            // SAFETY: the blocks are live, by contract.
            unsafe { utilization(&blocks[..count], &mut slabs)? };
            for ((answer, slab), block) in answers.iter_mut().zip(&slabs[..count]).zip(blocks) {
                // SAFETY: the block is live, by contract.
                *answer = self.worth_moving(slab) && !unsafe { is_in_current_slab(*block) };
            }
        }
        Some(())
    }

    /// Applies rules 1, 2 and 4 of the module's documentation.
    fn worth_moving(&self, slab: &Utilization) -> bool {
        if slab.free_blocks == 0 {
            return false; // also for blocks with pages of their own, and for addresses that are not blocks
        }
        // A slab is exactly as large as its blocks, unless `slab_sizes` in MALLOC_CONF leaves some room at
        // its end.
        let size_max = slab.slab_bytes / slab.blocks.max(1);
        let classes = &self.classes[..self.classes.partition_point(|class| class.size <= size_max)];
        let Some(class) = classes.iter().rfind(|class| class.slab_blocks == slab.blocks) else {
            return false;
        };
        let live = slab.blocks.saturating_sub(slab.free_blocks);
        class.nonfull_slabs > 0
            && class.free >= class.slab_blocks
            && live.saturating_mul(class.nonfull_slabs) <= class.live.saturating_add(class.live / 8)
    }
}

/// Returns whether a block lies in the slab that serves the next requests of its size.
///
/// # Safety
/// `block` must be live.
unsafe fn is_in_current_slab(block: NonNull<u8>) -> bool {
    /// jemalloc's answer.
    #[repr(C)]
    struct Answer {
        current_slab: usize,
        free_blocks: usize,
        blocks: usize,
        slab_bytes: usize,
        bin_free_blocks: usize,
        bin_blocks: usize,
    }
    static QUERY: Control<3> = Control::new(c"experimental.utilization.query");
    let mut answer = Answer {
        current_slab: 0,
        free_blocks: 0,
        blocks: 0,
        slab_bytes: 0,
        bin_free_blocks: 0,
        bin_blocks: 0,
    };
    // SAFETY: the control reads one pointer and writes six words.
    let answered = unsafe { QUERY.query(&[block], slice::from_mut(&mut answer)) };
    answered.is_some() && block.addr().get().wrapping_sub(answer.current_slab) < answer.slab_bytes
}

/// Asks jemalloc about at most [`BATCH_MAX`] blocks.
///
/// # Safety
/// All of `blocks` must be live.
unsafe fn utilization(blocks: &[NonNull<u8>], slabs: &mut [Utilization; BATCH_MAX]) -> Option<()> {
    static QUERY: Control<3> = Control::new(c"experimental.utilization.batch_query");
    let blocks = blocks.get(..blocks.len().min(BATCH_MAX))?;
    // SAFETY: the control reads pointers and writes three words for each.
    unsafe { QUERY.query(blocks, &mut slabs[..blocks.len()]) }
}

/// Takes a [`Survey`] and returns its hint for one block. Use it only now and then, because it empties the
/// thread's cache. For many blocks, take the survey once.
///
/// # Safety
/// `ptr` must be a live block that this crate allocated by any of its functions or traits.
pub unsafe fn hint(ptr: NonNull<u8>) -> Option<bool> {
    // SAFETY: the contract is the same.
    unsafe { Survey::take()?.hint(ptr) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds the bin of an arena whose slabs have ten blocks of 100 bytes. `slabs` and `current` say how
    /// many are in use in each.
    fn bin(slabs: &[usize], current: usize) -> Bin {
        Bin {
            size: 100,
            slab_blocks: 10,
            slabs: slabs.len() + 1,
            nonfull_slabs: slabs.iter().filter(|&&live| live < 10).count(),
            live: slabs.iter().sum::<usize>() + current,
        }
    }

    fn survey(slabs: &[usize], current: usize) -> Survey {
        let mut class = Class { size: 100, slab_blocks: 10, nonfull_slabs: 0, live: 0, free: 0 };
        class.add(&bin(slabs, current));
        Survey { classes: vec![class] }
    }

    fn hints(slabs: &[usize], current: usize) -> Vec<bool> {
        let survey = survey(slabs, current);
        let slab = |&live: &usize| Utilization { free_blocks: 10 - live, blocks: 10, slab_bytes: 1000 };
        slabs.iter().map(|live| survey.worth_moving(&slab(live))).collect()
    }

    #[test]
    fn blocks_move_from_the_emptier_slabs_to_the_fuller() {
        assert_eq!(hints(&[10, 9, 5, 1], 5), [false, false, true, true]);
    }

    #[test]
    fn nothing_moves_when_no_slab_can_be_emptied() {
        assert_eq!(hints(&[10, 10, 10], 10), [false; 3]);
        assert_eq!(hints(&[10, 10, 1], 10), [false; 3]);
        assert_eq!(hints(&[9, 8, 8], 6), [false; 3]);
        assert_eq!(hints(&[9, 8, 8], 5), [true; 3], "thirty blocks fill three slabs of four");
    }

    #[test]
    fn slabs_that_are_alike_do_not_stay_so() {
        assert_eq!(hints(&[5, 5, 5, 10], 5), [true, true, true, false]);
    }

    #[test]
    fn full_slabs_do_not_lift_the_average() {
        let mut slabs = [10; 100];
        slabs[..3].copy_from_slice(&[9, 8, 1]);
        assert_eq!(hints(&slabs, 0)[..4], [false, false, true, false]);
    }

    #[test]
    fn what_is_free_in_the_current_slab_does_not_lower_the_average() {
        let mut slabs = [2; 20];
        slabs[0] = 3;
        for current in 0..=10 {
            assert!(hints(&slabs, current)[1..].iter().all(|&moves| moves), "{current} in the current slab");
            assert_eq!(hints(&[6, 6, 6], current), [true; 3], "{current} in the current slab");
        }
        assert_eq!((hints(&[5], 2), hints(&[], 2)), (vec![true], vec![]));
    }

    #[test]
    fn each_arena_has_a_current_slab() {
        let mut survey = survey(&[1, 1], 5);
        survey.classes[0].add(&bin(&[], 3));
        survey.classes[0].add(&bin(&[], 0)); // an empty bin has no effect
        let Class { nonfull_slabs, live, free, .. } = survey.classes[0];
        assert_eq!((nonfull_slabs, live, free), (2, 10, 30));
    }

    #[test]
    fn a_slab_may_have_room_left_over_behind_its_blocks() {
        let mut survey = survey(&[9, 1], 0);
        let class = survey.classes[0];
        let smaller = Class { size: 80, nonfull_slabs: 0, ..class };
        let larger = Class { size: 105, slab_blocks: 9, nonfull_slabs: 0, ..class };
        survey.classes = vec![smaller, class, larger];
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
        assert!(!survey(&[1, 1], 0).worth_moving(&slab));
    }

    #[test]
    fn figures_that_contradict_each_other_are_no_panic() {
        let survey = survey(&[1, 1], 0);
        for (free_blocks, blocks, slab_bytes) in [(0, 0, 0), (5, 0, 7), (20, 10, 1000), (1, 1, usize::MAX)] {
            survey.worth_moving(&Utilization { free_blocks, blocks, slab_bytes });
        }
    }
}
