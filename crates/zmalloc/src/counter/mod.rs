//! `used_memory`, counted by each thread for itself, or by jemalloc for it.
//!
//! One shared counter costs a locked instruction on every call and bounces its cache line between
//! the cores; Redis and Valkey moved to a slot a thread for that reason. Here a thread that
//! allocates for the first time claims a slot of a static table ([`slots`]) and is from then on its only
//! writer. How it counts is settled in the same moment:
//!
//! - **By the allocator.** jemalloc adds up the bytes that a thread allocated and freed, exactly and in any case:
//!   its own thread events hang on those two counters. The slot then only says where they are, and a call costs one
//!   comparison more than without accounting.
//! - **By hand**, where the allocator has no such counters, or where others use the same allocator past this crate (it
//!   serves the program's global allocator, or has served this thread before): a plain load, add and store for each
//!   call.
//!
//! Bytes of threads beyond the table, and of threads that are being torn down, go to one shared count.
//!
//! - **Exact.** Each slot has a count of bytes allocated and one of bytes freed; a block freed by another thread than
//!   its allocator's makes one slot go down that never went up, and the sum is right all the same. A slot keeps its
//!   counts when its thread ends.
//! - **Peak.** Each time a thread has allocated another [`LOOK_STEP`] it compares what it holds (allocated less
//!   freed) with what it held at its last look, and adds up all slots if that is more. Between two sums it can
//!   therefore climb by at most two steps, and the peak is at most `2 * LOOK_STEP * threads` too low; but a sum is
//!   not taken at one instant, and threads that allocate and free while it is taken can make it, and so the peak,
//!   wrong by what they move meanwhile.
//!
//! Learned from: Redis' `zmalloc.c` (`used_memory[]` by thread), Valkey's `used_memory_thread`, jemalloc's
//! `thread.allocatedp`.

mod allocator;
mod flag;
mod fork;
pub(crate) mod slots;

use crate::backend;
use core::cell::Cell;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;
use slots::{Counts, Inside, Slot, Slots};

/// How many threads count without sharing. More threads than this are right, only slower.
const SLOT_COUNT: usize = 128;

/// How many bytes a thread allocates between two looks whether there is a new peak.
const LOOK_STEP: usize = 256 * 1024;

static SLOTS: Slots<SLOT_COUNT> = Slots::new();

/// The count of the threads that have no slot of their own.
static SHARED: CachePadded<Counts> = CachePadded::new(Counts::new());

static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Whether the program's global allocator is known to come here.
static SERVES_THE_PROGRAM: AtomicBool = AtomicBool::new(false);

thread_local! {
    // None of these has a destructor, so they can be used as long as the thread runs, by other thread-locals'
    // destructors too.

    /// Whether it is settled how this thread counts; if it is by the allocator, `flag` says so.
    static SETTLED: Cell<bool> = const { Cell::new(false) };
    /// The slot that this thread owns, if it owns one.
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
    /// The counts in it that this thread writes when it counts by hand.
    static BY_HAND: Cell<Option<&'static Counts>> = const { Cell::new(None) };
    /// What this thread has added to `SHARED`, and to a slot that it gave back.
    static ELSEWHERE: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    /// `allocated` at the last look for a new peak, and what was held then.
    static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// Set while a claim is under way (registering a destructor may allocate), and whether this crate was called meanwhile.
    static CLAIMING: Cell<bool> = const { Cell::new(false) };
    static CALLED_WITHIN: Cell<bool> = const { Cell::new(false) };
    /// Set while a large block is resized, and whether a look for a new peak was put off for it.
    static RESIZING: Cell<bool> = const { Cell::new(false) };
    static PUT_OFF: Cell<bool> = const { Cell::new(false) };
    /// By which doors this thread is reading the table.
    static INSIDE: Inside = const { Cell::new([0; 2]) };
    /// Gives the slot back when the thread ends. This one has a destructor.
    static RELEASE: Release = const { Release };
}

struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        flag::set_by_allocator(false);
        BY_HAND.set(None); // from now on by hand, and without a slot: in the shared count
        if let Some(slot) = SLOT.get() {
            ELSEWHERE.set(thread_totals());
            SLOT.set(None);
            INSIDE.with(|inside| SLOTS.release(slot, inside));
        }
    }
}

/// Whether the allocator counts what this thread does: the question before each call, so it is one comparison. A
/// thread that has not settled yet is told no, and finds out by [`hand`].
#[inline(always)]
pub(crate) fn by_allocator() -> bool {
    backend::COUNTS && flag::by_allocator()
}

/// The duty of a thread to count its blocks by hand. To be asked for before the back end is called.
#[derive(Clone, Copy)]
pub(crate) struct Hand(());

/// `None` if the allocator counts what this thread does, so that there is nothing left to do.
#[inline]
pub(crate) fn hand() -> Option<Hand> {
    if backend::COUNTS && !SETTLED.get() {
        settle();
    }
    if by_allocator() { None } else { Some(Hand(())) }
}

impl Hand {
    /// Counts `bytes` as allocated by this thread.
    #[inline]
    pub(crate) fn add(self, bytes: usize) {
        let Some(own) = BY_HAND.get() else { return without_a_slot(bytes, 0) };
        let allocated = own.allocated.load(Ordering::Relaxed).wrapping_add(bytes);
        own.allocated.store(allocated, Ordering::Relaxed);
        if allocated.wrapping_sub(LOOKED_AT.get()) >= LOOK_STEP {
            look(allocated, own.freed.load(Ordering::Relaxed));
        }
    }

    /// Counts `bytes` as freed by this thread.
    #[inline]
    pub(crate) fn sub(self, bytes: usize) {
        let Some(own) = BY_HAND.get() else { return without_a_slot(0, bytes) };
        // Release: who sees the free sees the allocation that it undoes.
        own.freed.store(own.freed.load(Ordering::Relaxed).wrapping_add(bytes), Ordering::Release);
    }

    /// Counts one block that became another size.
    #[inline]
    pub(crate) fn replace(self, old: usize, new: usize) {
        self.sub(old); // first, or the peak would have both
        self.add(new);
    }
}

/// Notes that the program's global allocator comes here. Called by the methods of `GlobalAlloc` on threads that count by hand.
#[inline]
pub(crate) fn serves_the_program() {
    if backend::COUNTS && !SERVES_THE_PROGRAM.load(Ordering::Relaxed) {
        SERVES_THE_PROGRAM.store(true, Ordering::Relaxed);
    }
}

/// Whether [`serves_the_program`] was called.
fn is_known_to_serve_the_program() -> bool {
    SERVES_THE_PROGRAM.load(Ordering::Relaxed)
}

/// A thread's first call: claims a slot and settles how it counts.
#[cold]
#[inline(never)]
fn settle() {
    if CLAIMING.replace(true) {
        CALLED_WITHIN.set(true);
        return; // this block goes to the shared count
    }
    let forks_are_seen = fork::watch();
    // Fails when this thread's destructors have run: then it may not own a slot any more.
    if RELEASE.try_with(|_| ()).is_ok()
        && let Some(slot) = SLOTS.claim()
    {
        SLOT.set(Some(slot));
        match forks_are_seen.then(allocator::thread_counters).flatten() {
            Some((allocated, freed)) => {
                // SAFETY: `allocator` vouches for the counters: one number, this thread's own, and as long-lived as
                // the thread, which releases the slot when it ends.
                unsafe { slot.attach(allocated, freed) };
                flag::set_by_allocator(true);
            }
            None => BY_HAND.set(Some(slot.own())),
        }
        let (allocated, freed) = thread_totals();
        LOOKED_AT.set(allocated);
        HELD.set(allocated.wrapping_sub(freed) as isize);
    }
    // With no slot free the thread stays with the shared count: asking again on every call would cost more than a
    // slot saves.
    SETTLED.set(true);
    CLAIMING.set(false);
}

/// Whether `call`, which the claim under way makes, comes back to this crate.
fn comes_back(call: impl FnOnce()) -> bool {
    CALLED_WITHIN.set(false);
    call();
    CALLED_WITHIN.get()
}

/// Counts what was allocated or what was freed; one of the two is 0.
#[cold]
#[inline(never)]
fn without_a_slot(allocated: usize, freed: usize) {
    if !SETTLED.get() && !CLAIMING.get() {
        settle();
        if BY_HAND.get().is_some() {
            return if freed > 0 { Hand(()).sub(freed) } else { Hand(()).add(allocated) };
        }
    }
    let (all_allocated, all_freed) = ELSEWHERE.get();
    ELSEWHERE.set((all_allocated.wrapping_add(allocated), all_freed.wrapping_add(freed)));
    if freed > 0 {
        SHARED.freed.fetch_add(freed, Ordering::Release); // as in `Hand::sub`
        return;
    }
    let before = SHARED.allocated.fetch_add(allocated, Ordering::Relaxed);
    if before / LOOK_STEP != before.wrapping_add(allocated) / LOOK_STEP {
        raise_peak();
    }
}

/// Looks for a new peak, this thread having allocated and freed so much in all.
#[cold]
#[inline(never)]
fn look(allocated: usize, freed: usize) {
    LOOKED_AT.set(allocated);
    let held = allocated.wrapping_sub(freed) as isize;
    if held > HELD.replace(held) {
        raise_peak();
    }
}

/// What the allocator calls each time a thread has allocated another [`LOOK_STEP`].
fn allocator_looks() {
    if RESIZING.get() {
        PUT_OFF.set(true);
    } else if by_allocator() {
        let (allocated, freed) = thread_totals();
        look(allocated, freed);
    }
}

/// Resizing a block of this many bytes or more, before or after, goes through [`resizing`].
pub(crate) const LARGE: usize = 16 * 1024;

/// Makes a call that resizes a block that the allocator counts. jemalloc adds the new size, calls back, and takes the old size
/// off only then: a look in between would see both.
#[cold]
#[inline(never)]
pub(crate) fn resizing<R>(call: impl FnOnce() -> R) -> R {
    RESIZING.set(true);
    let result = call();
    RESIZING.set(false);
    if PUT_OFF.replace(false) {
        let (allocated, freed) = thread_totals();
        look(allocated, freed);
    }
    result
}

/// Bytes that this thread has allocated and freed, and what was in its slot before. Both wrap around; it is the
/// differences that mean something.
pub(crate) fn thread_totals() -> (usize, usize) {
    if !SETTLED.get() {
        settle();
    }
    // SAFETY: the thread's own slot.
    let (allocated, freed) = SLOT.get().map_or((0, 0), |slot| unsafe { slot.totals() });
    let (more_allocated, more_freed) = ELSEWHERE.get();
    (allocated.wrapping_add(more_allocated), freed.wrapping_add(more_freed))
}

fn raise_peak() -> usize {
    let used = used_memory();
    PEAK.fetch_max(used, Ordering::Relaxed);
    used
}

/// Bytes in live blocks: the sum of the charges of all that was allocated and not yet freed.
///
/// Exact whenever no other thread is allocating or freeing at the moment of the call; otherwise each
/// thread's share is as of some instant during the call. Never waits. A thread that ends waits until all calls that have begun are over,
/// usually some hundred nanoseconds. If a debugger or the scheduler stops such a call, the ending thread waits as long. A signal handler may call
/// it, and may end the process; where it has interrupted a call of it, it must not fork, end the thread alone, or jump out
/// (`siglongjmp`). Reads two or three cache lines for each thread that ever ran at once (at most 385). In C: `zmalloc_used_memory`; in INFO:
/// `used_memory`.
///
/// ```
/// let before = zmalloc::used_memory();
/// let block = zmalloc::zmalloc(100);
/// assert_eq!(zmalloc::used_memory() - before, unsafe { zmalloc::zmalloc_size(block) });
/// unsafe { zmalloc::zfree(block) };
/// assert_eq!(zmalloc::used_memory(), before);
/// ```
pub fn used_memory() -> usize {
    let (allocated, freed) = INSIDE.with(|inside| SLOTS.read(inside));
    let (shared_allocated, shared_freed) = SHARED.load();
    let sum =
        allocated.wrapping_add(shared_allocated).wrapping_sub(freed.wrapping_add(shared_freed)) as isize;
    // A free may be seen before the allocation that it undoes, on another thread.
    sum.max(0) as usize
}

/// The most that [`used_memory`] has been, in bytes: at most `512 KiB * threads` below the true peak as long as
/// no other thread allocates or frees at the moment somebody looks, at most 16 KiB above it (a block that is resized
/// counts twice for an instant), and never below what [`used_memory`] says now. In INFO: `used_memory_peak`.
///
/// Each thread looks for a new peak when it has allocated another 256 KiB; that is one [`used_memory`] for every 256 KiB
/// of growth, and nothing in between. A single block of that size or more is looked at as soon as it is there.
pub fn peak_memory() -> usize {
    let used = raise_peak();
    PEAK.load(Ordering::Relaxed).max(used)
}

/// Forgets the peak: [`peak_memory`] starts again from what is used now. In Redis: `CONFIG RESETSTAT`
/// and `MEMORY` tests do the same with `server.stat_peak_memory`.
pub fn reset_peak_memory() {
    PEAK.store(used_memory(), Ordering::Relaxed);
}
