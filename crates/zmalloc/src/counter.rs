//! `used_memory`, counted by each thread for itself.
//!
//! One shared counter costs a locked instruction on every call and bounces its cache line between
//! the cores; Redis and Valkey moved to a slot a thread for that reason. Here a thread that
//! allocates for the first time claims a slot of a static array and is from then on its only
//! writer, so an update is a plain load, add and store:
//!
//! ```text
//!  SLOTS  [ used | low high ] [ used | low high ] ...   one cache line pair each
//!            ^ thread A          ^ thread B
//!  SHARED [ used ]                threads beyond the slots, and threads that are being torn down
//! ```
//!
//! - **Exact.** A slot is signed: a block freed by another thread than its allocator's makes one
//!   slot go down that never went up, and the sum is right all the same. A slot keeps its value
//!   when its thread ends and the next owner goes on counting from there.
//! - **Peak.** A thread adds up all slots and raises the peak when its own slot has climbed by
//!   [`PEAK_STEP`] since it last looked. Between two looks no thread can climb by more than twice
//!   the step, so the peak is at most `2 * PEAK_STEP * threads` too low; but a sum is not taken at one
//!   instant, and threads that allocate and free while it is taken can make it, and so the peak, wrong by
//!   what they move meanwhile.
//!
//! Invariant: `used`, `low` and `high` of a claimed slot are written by its owner alone.
//! Learned from: Redis' `zmalloc.c` (`used_memory[]` by thread), Valkey's `used_memory_thread`.

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use crossbeam_utils::CachePadded;

/// How many threads count without sharing. More threads than this are right, only slower.
const SLOT_COUNT: usize = 128;

/// How far a thread's own count climbs before it looks whether there is a new peak, in bytes.
pub(crate) const PEAK_STEP: isize = 16 * 1024;

struct Slot {
    /// Bytes allocated minus bytes freed by the slot's owners so far.
    used: AtomicIsize,
    /// The peak is looked at when `used` passes `high`; below `low` the window moves down.
    high: AtomicIsize,
    low: AtomicIsize,
    claimed: AtomicBool,
}

impl Slot {
    const fn new() -> Self {
        Self {
            used: AtomicIsize::new(0),
            high: AtomicIsize::new(PEAK_STEP),
            low: AtomicIsize::new(-PEAK_STEP),
            claimed: AtomicBool::new(false),
        }
    }
}

static SLOTS: [CachePadded<Slot>; SLOT_COUNT] = [const { CachePadded::new(Slot::new()) }; SLOT_COUNT];

/// One past the highest slot ever claimed: the sum stops there.
static SLOTS_SEEN: AtomicUsize = AtomicUsize::new(0);

/// The count of the threads that have no slot of their own.
static SHARED: CachePadded<AtomicIsize> = CachePadded::new(AtomicIsize::new(0));

static PEAK: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The slot that this thread owns, if it owns one. No destructor, so it can be read as long as
    /// the thread runs, by other thread-locals' destructors too.
    static OWN: Cell<Option<&'static Slot>> = const { Cell::new(None) };
    /// Gives the slot back when the thread ends.
    static RELEASE: Release = const { Release };
    /// Set while a claim is under way (registering a destructor may allocate), and for good once
    /// the slot was given back.
    static NO_CLAIM: Cell<bool> = const { Cell::new(false) };
}

struct Release;

impl Drop for Release {
    fn drop(&mut self) {
        NO_CLAIM.set(true);
        if let Some(slot) = OWN.take() {
            // Release: the next owner, which acquires, sees all that this one counted.
            slot.claimed.store(false, Ordering::Release);
        }
    }
}

/// Counts `bytes` as allocated by this thread.
#[inline]
pub(crate) fn add(bytes: usize) {
    let Some(slot) = OWN.get() else { return change_unowned(bytes as isize) };
    let used = slot.used.load(Ordering::Relaxed).wrapping_add(bytes as isize);
    slot.used.store(used, Ordering::Relaxed);
    if used > slot.high.load(Ordering::Relaxed) {
        climb(slot, used);
    }
}

/// Counts `bytes` as freed by this thread.
#[inline]
pub(crate) fn sub(bytes: usize) {
    let Some(slot) = OWN.get() else { return change_unowned((bytes as isize).wrapping_neg()) };
    let used = slot.used.load(Ordering::Relaxed).wrapping_sub(bytes as isize);
    slot.used.store(used, Ordering::Relaxed);
    if used < slot.low.load(Ordering::Relaxed) {
        center_window(slot, used);
    }
}

/// Counts one block that became another size.
#[inline]
pub(crate) fn replace(old: usize, new: usize) {
    if new >= old { add(new - old) } else { sub(old - new) }
}

#[cold]
#[inline(never)]
fn change_unowned(delta: isize) {
    if !NO_CLAIM.get() {
        NO_CLAIM.set(true);
        // Fails when this thread's destructors have run: then it may not own a slot any more.
        let will_be_released = RELEASE.try_with(|_| ()).is_ok();
        if will_be_released && let Some(slot) = claim() {
            OWN.set(Some(slot));
            NO_CLAIM.set(false);
            return if delta >= 0 { add(delta as usize) } else { sub(delta.unsigned_abs()) };
        }
        // No slot is free. The thread stays with the shared count: asking again on every call
        // would cost more than a slot saves.
    }
    let before = SHARED.fetch_add(delta, Ordering::Relaxed);
    if before.div_euclid(PEAK_STEP) < before.wrapping_add(delta).div_euclid(PEAK_STEP) {
        raise_peak();
    }
}

fn claim() -> Option<&'static Slot> {
    let index = SLOTS.iter().position(|slot| {
        // Acquire: what the last owner counted is there before this one adds to it.
        slot.claimed.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    })?;
    SLOTS_SEEN.fetch_max(index + 1, Ordering::Relaxed);
    Some(&SLOTS[index])
}

/// The count went over its window: time to look for a new peak.
#[cold]
#[inline(never)]
fn climb(slot: &Slot, used: isize) {
    center_window(slot, used);
    raise_peak();
}

#[cold]
#[inline(never)]
fn center_window(slot: &Slot, used: isize) {
    slot.high.store(used.saturating_add(PEAK_STEP), Ordering::Relaxed);
    slot.low.store(used.saturating_sub(PEAK_STEP), Ordering::Relaxed);
}

fn raise_peak() -> usize {
    let used = used_memory();
    PEAK.fetch_max(used, Ordering::Relaxed);
    used
}

/// Bytes in live blocks: the sum of the charges of all that was allocated and not yet freed.
///
/// Exact whenever no other thread is allocating or freeing at the moment of the call; otherwise each
/// thread's share is as of some instant during the call. Reads one cache line for each thread that
/// ever ran at once (at most 129). In C: `zmalloc_used_memory`; in INFO: `used_memory`.
///
/// ```
/// let before = zmalloc::used_memory();
/// let block = zmalloc::zmalloc(100);
/// assert_eq!(zmalloc::used_memory() - before, unsafe { zmalloc::zmalloc_size(block) });
/// unsafe { zmalloc::zfree(block) };
/// assert_eq!(zmalloc::used_memory(), before);
/// ```
pub fn used_memory() -> usize {
    let seen = SLOTS_SEEN.load(Ordering::Relaxed);
    let owned = SLOTS[..seen].iter().map(|slot| slot.used.load(Ordering::Relaxed));
    let sum = owned.fold(SHARED.load(Ordering::Relaxed), isize::wrapping_add);
    // A free may be seen before the allocation that it undoes, on another thread.
    sum.max(0) as usize
}

/// The most that [`used_memory`] has been, in bytes: at most `32 KiB * threads` below the true peak as long as
/// no other thread allocates or frees at the moment somebody looks, and never below what [`used_memory`] says now.
/// In INFO: `used_memory_peak`.
///
/// Each thread looks for a new peak when it has allocated 16 KiB more than it freed since it last
/// looked; that is one comparison an operation, and one [`used_memory`] for every 16 KiB of growth.
pub fn peak_memory() -> usize {
    let used = raise_peak();
    PEAK.load(Ordering::Relaxed).max(used)
}

/// Forgets the peak: [`peak_memory`] starts again from what is used now. In Redis: `CONFIG RESETSTAT`
/// and `MEMORY` tests do the same with `server.stat_peak_memory`.
pub fn reset_peak_memory() {
    PEAK.store(used_memory(), Ordering::Relaxed);
}
