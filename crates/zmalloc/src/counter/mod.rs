//! Counts the bytes in live blocks: [`used_memory`], the peak, and the totals of one thread.
//!
//! Each thread has a *slot*, which counts the bytes that the thread allocates and frees. Threads without a
//! slot use one shared count. The *charge* of a block is the number of bytes that it adds to `used_memory`.
//!
//! # Invariants
//!
//! - **Exact.** The sum over all slots and the shared count is the total charge of all live blocks. If a
//!   thread frees blocks that another thread allocated, its slot may have freed more than it allocated, but
//!   the sum is still right. A slot keeps its counts when its thread ends.
//! - **One writer.** Only the thread that owns a slot writes the counts of the slot.
//! - **Peak.** The peak is at most `2 * PEAK_STEP * threads` bytes too low. The bytes that a thread *holds*
//!   are those that it allocated minus those that it freed. Each time a thread has allocated another
//!   [`PEAK_STEP`] bytes, it checks whether it holds more than at its previous check. If it does, it adds up
//!   all slots.
//!
//!   Between two sums, a thread can grow by at most two steps. If it freed bytes shortly before the first
//!   sum, its next check may find no growth, because it compares with the time before those frees. The check
//!   after that finds it.
//!
//!   A sum is not taken at one instant. If threads allocate and free during it, the sum can be wrong by that
//!   many bytes, and so can the peak.
//!
//! # The simple version
//!
//! One counter for the whole process is correct:
//!
//! ```text
//!  static USED: atomic integer
//!
//!  alloc(layout):    ptr = backend.alloc(layout);  USED.fetch_add(charge(ptr));  return ptr
//!  free(ptr):        USED.fetch_sub(charge(ptr));  backend.free(ptr)
//!  used_memory():    return USED.load()
//! ```
//!
//! Each call costs a locked instruction, and the counter's cache line moves between the cores. `charge` asks
//! the allocator for the size of the block, which is often a cache miss. `tests/accounting.rs` keeps such a
//! sum of charges and compares [`used_memory`] with it.
//!
//! # The fast version
//!
//! ```text
//!  static SLOTS: [slot; 128]        slot = { allocated, freed, addresses of jemalloc's counters }
//!  static SHARED: { allocated, freed }
//!
//!  alloc(layout):
//!      if this thread's flag is set: return backend.alloc(layout)     jemalloc counts
//!      ptr = backend.alloc(layout)
//!      slot.allocated = slot.allocated + charge(layout)               plain load, add and store
//!      if slot.allocated has grown by PEAK_STEP: check for a new peak
//!      return ptr
//!
//!  free(ptr, layout):
//!      if this thread's flag is set: return backend.free(ptr, layout)
//!      slot.freed = slot.freed + charge(layout)
//!      backend.free(ptr, layout)
//!
//!  used_memory():
//!      return the sum of allocated - freed over all slots and SHARED
//! ```
//!
//! It differs from the simple version as follows:
//!
//! 1. **A slot for each thread.** A thread claims a slot of a static table ([`slots`]) with its first call.
//!    No other thread writes to the slot, so a plain load, add and store replace the locked instruction.
//!    Redis and Valkey do the same.
//! 2. **Two counts instead of one difference.** Both only grow. So a reader can tell whether a count changed
//!    while it was reading, and [`Region`](crate::Region) can subtract two readings.
//! 3. **jemalloc counts where it can.** jemalloc keeps the exact number of bytes that each thread allocated
//!    and freed, because its own thread events depend on these numbers. The slot then only holds the
//!    addresses of jemalloc's two counters. A call costs one comparison of a thread-local byte ([`flag`]).
//! 4. **Otherwise the thread counts by hand**: each call updates the slot. This is so if the allocator has no
//!    such counters. It is also so if other code uses the allocator without this crate: the program's global
//!    allocator, or code that ran on this thread before.
//! 5. **The charge is computed from the layout** if the allocator is jemalloc, as `backend/jemalloc.rs`
//!    explains. The allocator's records of the block are not read.
//! 6. **The peak is checked once in [`PEAK_STEP`] bytes**, not on each call.
//! 7. **Reading costs more.** `used_memory` reads two or three cache lines for each slot.
//! 8. **Some threads share a count.** Threads that find no free slot, and threads whose destructors have run,
//!    add to the shared count with locked instructions.
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

/// The number of threads that can have a slot of their own. Further threads use the shared count, which is
/// correct but slower.
const SLOT_COUNT: usize = 128;

/// The number of bytes that a thread allocates between two checks for a new peak.
const PEAK_STEP: usize = 256 * 1024;

static SLOTS: Slots<SLOT_COUNT> = Slots::new();

/// The counts of the threads that have no slot of their own.
static SHARED: CachePadded<Counts> = CachePadded::new(Counts::new());

static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Whether the program's global allocator is known to call this crate.
static IS_GLOBAL_ALLOCATOR: AtomicBool = AtomicBool::new(false);

thread_local! {
    // Only `RELEASE` has a destructor. The others can be used as long as the thread runs, also by the
    // destructors of other thread-locals.

    /// Whether this thread has decided how it counts. [`flag`] says whether the allocator counts for it.
    static REGISTERED: Cell<bool> = const { Cell::new(false) };
    /// The slot that this thread owns, if it owns one.
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
    /// The counts in `SLOT` that this thread updates, if it counts by hand.
    static OWN_COUNTS: Cell<Option<&'static Counts>> = const { Cell::new(None) };
    /// The bytes (allocated, freed) of this thread that are not in `SLOT`: those in `SHARED`, and the totals
    /// of a slot that it gave back.
    static OUTSIDE_SLOTS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    /// The bytes that this thread had allocated at its last check for a new peak.
    static CHECKED_AT: Cell<usize> = const { Cell::new(0) };
    /// The bytes that this thread held at that check: those allocated minus those freed.
    static HELD: Cell<isize> = const { Cell::new(0) };
    /// Whether this thread is claiming a slot. The claim may allocate, because it registers a destructor.
    static CLAIMING: Cell<bool> = const { Cell::new(false) };
    /// Whether this crate was called during the claim.
    static REENTERED: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread is resizing a large block: see [`resizing`].
    static RESIZING: Cell<bool> = const { Cell::new(false) };
    /// Whether a check for a new peak was postponed until the resize ends.
    static CHECK_POSTPONED: Cell<bool> = const { Cell::new(false) };
    /// How often this thread is inside [`Slots::read`], by door: see `slots.rs`.
    static INSIDE: Inside = const { Cell::new([0; 2]) };
    /// Gives the slot back when the thread ends.
    static RELEASE: Release = const { Release };
}

struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        flag::set_by_allocator(false);
        OWN_COUNTS.set(None); // from now on this thread uses the shared count
        if let Some(slot) = SLOT.get() {
            OUTSIDE_SLOTS.set(thread_totals());
            SLOT.set(None);
            INSIDE.with(|inside| SLOTS.release(slot, inside));
        }
    }
}

/// Returns whether the allocator counts for this thread. Every allocation and every free asks this first, so
/// it is one comparison.
///
/// Returns `false` on a thread that has not decided yet; [`manual_count`] then decides.
#[inline(always)]
pub(crate) fn by_allocator() -> bool {
    backend::COUNTS && flag::by_allocator()
}

/// Permission to count by hand on this thread. It must be obtained before the back end is called, so that the
/// decision comes before the thread's first block.
#[derive(Clone, Copy)]
pub(crate) struct ManualCount(());

/// Returns the permission to count by hand, or `None` if the allocator counts for this thread. The first call
/// on a thread decides which it is.
#[inline]
pub(crate) fn manual_count() -> Option<ManualCount> {
    if backend::COUNTS && !REGISTERED.get() {
        register_thread();
    }
    if by_allocator() { None } else { Some(ManualCount(())) }
}

impl ManualCount {
    /// Counts `bytes` as allocated by this thread.
    #[inline]
    pub(crate) fn add(self, bytes: usize) {
        let Some(own) = OWN_COUNTS.get() else { return count_without_slot(bytes, 0) };
        let allocated = own.allocated.load(Ordering::Relaxed).wrapping_add(bytes);
        own.allocated.store(allocated, Ordering::Relaxed);
        if allocated.wrapping_sub(CHECKED_AT.get()) >= PEAK_STEP {
            check_peak(allocated, own.freed.load(Ordering::Relaxed));
        }
    }

    /// Counts `bytes` as freed by this thread.
    #[inline]
    pub(crate) fn sub(self, bytes: usize) {
        let Some(own) = OWN_COUNTS.get() else { return count_without_slot(0, bytes) };
        // Release: after a reader has loaded this count, its later loads see the allocation of the block.
        own.freed.store(own.freed.load(Ordering::Relaxed).wrapping_add(bytes), Ordering::Release);
    }

    /// Counts one block whose charge changed from `old` to `new`.
    #[inline]
    pub(crate) fn replace(self, old: usize, new: usize) {
        self.sub(old); // first, so that the peak never includes both sizes
        self.add(new);
    }
}

/// Records that the program's global allocator calls this crate. The methods of `GlobalAlloc` call this on
/// threads that count by hand.
#[inline]
pub(crate) fn note_global_allocator() {
    if backend::COUNTS && !IS_GLOBAL_ALLOCATOR.load(Ordering::Relaxed) {
        IS_GLOBAL_ALLOCATOR.store(true, Ordering::Relaxed);
    }
}

/// Whether [`note_global_allocator`] was called.
fn is_global_allocator() -> bool {
    IS_GLOBAL_ALLOCATOR.load(Ordering::Relaxed)
}

/// Runs on a thread's first call: claims a slot and decides how the thread counts.
#[cold]
#[inline(never)]
fn register_thread() {
    if CLAIMING.replace(true) {
        REENTERED.set(true);
        return; // the block of this nested call goes to the shared count
    }
    let fork_handler_registered = fork::register_fork_handler();
    // Registers the destructor. This fails if the thread's destructors have run. The thread must not claim a
    // slot then, because nothing would release it.
    if RELEASE.try_with(|_| ()).is_ok()
        && let Some(slot) = SLOTS.claim()
    {
        SLOT.set(Some(slot));
        match fork_handler_registered.then(allocator::thread_counters).flatten() {
            Some((allocated, freed)) => {
                // SAFETY: `allocator::thread_counters` returns the calling thread's own counters, which are
                // equal and live as long as the thread. `Release` releases the slot before the thread ends.
                unsafe { slot.attach(allocated, freed) };
                flag::set_by_allocator(true);
            }
            None => OWN_COUNTS.set(Some(slot.own())),
        }
        let (allocated, freed) = thread_totals();
        CHECKED_AT.set(allocated);
        HELD.set(allocated.wrapping_sub(freed) as isize);
    }
    // A thread that found no free slot keeps to the shared count. Trying again on every call would cost more
    // than a slot saves.
    REGISTERED.set(true);
    CLAIMING.set(false);
}

/// Runs `call` during a claim, and returns whether `call` called this crate.
fn reenters(call: impl FnOnce()) -> bool {
    REENTERED.set(false);
    call();
    REENTERED.get()
}

/// Counts bytes by hand on a thread without a slot. Tries to claim a slot if the thread has not tried yet.
/// Without a slot, adds the bytes to the shared count. One of the two arguments is 0.
#[cold]
#[inline(never)]
fn count_without_slot(allocated: usize, freed: usize) {
    if !REGISTERED.get() && !CLAIMING.get() {
        register_thread();
        if OWN_COUNTS.get().is_some() {
            return if freed > 0 { ManualCount(()).sub(freed) } else { ManualCount(()).add(allocated) };
        }
    }
    let (all_allocated, all_freed) = OUTSIDE_SLOTS.get();
    OUTSIDE_SLOTS.set((all_allocated.wrapping_add(allocated), all_freed.wrapping_add(freed)));
    if freed > 0 {
        SHARED.freed.fetch_add(freed, Ordering::Release); // as in `ManualCount::sub`
        return;
    }
    let before = SHARED.allocated.fetch_add(allocated, Ordering::Relaxed);
    if before / PEAK_STEP != before.wrapping_add(allocated) / PEAK_STEP {
        raise_peak();
    }
}

/// Checks for a new peak: takes the sum if this thread holds more than at its previous check. The arguments
/// are this thread's totals.
#[cold]
#[inline(never)]
fn check_peak(allocated: usize, freed: usize) {
    CHECKED_AT.set(allocated);
    let held = allocated.wrapping_sub(freed) as isize;
    if held > HELD.replace(held) {
        raise_peak();
    }
}

/// Checks for a new peak. The allocator calls this each time a thread has allocated another [`PEAK_STEP`]
/// bytes.
fn check_peak_by_allocator() {
    if RESIZING.get() {
        CHECK_POSTPONED.set(true);
    } else if by_allocator() {
        let (allocated, freed) = thread_totals();
        check_peak(allocated, freed);
    }
}

/// The size in bytes from which a resize goes through [`resizing`]. The larger one of the old and the new
/// size decides.
pub(crate) const LARGE: usize = 16 * 1024;

/// Runs `call`, which resizes a block that the allocator counts, and postpones the check for a new peak until
/// it returns.
///
/// jemalloc adds the new size, calls back, and subtracts the old size only then. A check in between would
/// include both sizes.
#[cold]
#[inline(never)]
pub(crate) fn resizing<R>(call: impl FnOnce() -> R) -> R {
    RESIZING.set(true);
    let result = call();
    RESIZING.set(false);
    if CHECK_POSTPONED.replace(false) {
        let (allocated, freed) = thread_totals();
        check_peak(allocated, freed);
    }
    result
}

/// Returns the bytes that this thread has allocated and the bytes that it has freed. Both include the counts
/// that the slot's previous owners left, and both wrap around. So only the difference of two calls has a
/// meaning.
pub(crate) fn thread_totals() -> (usize, usize) {
    if !REGISTERED.get() {
        register_thread();
    }
    // SAFETY: this thread owns the slot.
    let (allocated, freed) = SLOT.get().map_or((0, 0), |slot| unsafe { slot.totals() });
    let (more_allocated, more_freed) = OUTSIDE_SLOTS.get();
    (allocated.wrapping_add(more_allocated), freed.wrapping_add(more_freed))
}

/// Takes the sum and raises the peak to it. Returns the sum.
fn raise_peak() -> usize {
    let used = used_memory();
    PEAK.fetch_max(used, Ordering::Relaxed);
    used
}

/// Returns the bytes in live blocks: the sum of the charges of all blocks that were allocated and not yet
/// freed.
///
/// The sum is exact if no other thread allocates or frees during the call. Otherwise each thread's share is
/// as of some instant during the call. The call reads two or three cache lines for each slot that was ever
/// claimed, at most 385 in all.
///
/// The call never waits. A thread that ends waits until all calls that have begun are over, usually a few
/// hundred nanoseconds. If a debugger or the scheduler stops such a call, the ending thread waits until the
/// call goes on and returns.
///
/// A signal handler may call this function, and may end the process. If the handler has interrupted a call of
/// this function, it must not fork, must not jump out (`siglongjmp`), and must not end its thread without the
/// process.
///
/// In C: `zmalloc_used_memory`; in INFO: `used_memory`.
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
    // The slots are read one after the other. So the sum may include a free on one thread without the
    // allocation of the block on another thread, and may be negative.
    sum.max(0) as usize
}

/// Returns the largest value that [`used_memory`] has had, in bytes.
///
/// Each thread checks for a new peak when it has allocated another 256 KiB. That costs one [`used_memory`]
/// for every 256 KiB of growth, and nothing in between. The allocation of a block of that size or more is
/// followed by a check at once.
///
/// The result is never below the present [`used_memory`]. It is at most `512 KiB * threads` below the true
/// peak, if no other thread allocates or frees during a check. It is at most 16 KiB above the true peak,
/// because a smaller block that is resized counts twice for an instant.
///
/// In INFO: `used_memory_peak`.
pub fn peak_memory() -> usize {
    let used = raise_peak();
    PEAK.load(Ordering::Relaxed).max(used)
}

/// Resets the peak: [`peak_memory`] starts again from the bytes that are in use now. Redis has no such
/// command: its `CONFIG RESETSTAT` keeps `used_memory_peak`.
pub fn reset_peak_memory() {
    PEAK.store(used_memory(), Ordering::Relaxed);
}
