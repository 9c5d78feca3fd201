//! The table behind `used_memory`: one slot for each thread. A reader adds up all slots.
//!
//! ```text
//!  state     own[0]                own[1]              live
//!  [ l i ]   [ allocated | freed ] [ allocated | freed ] [ -> allocated | -> freed ]
//!
//!  total of a slot  =  own[i]  +  (if l is set) the counters that the two live pointers lead to
//! ```
//!
//! A thread that counts by hand writes to `own[i]`. If the allocator counts for a thread, `live` points to
//! the allocator's own counters. Those are part of the thread's memory and are freed with it.
//!
//! # Invariants
//!
//! - Only the owner of a claimed slot writes its `own[i]`, pointers and `state`.
//! - The pointers of a slot change only after all readers that may have seen `l` set have left.
//! - Each step below leaves the slot's total unchanged, as seen by a reader at any moment.
//!
//! # Steps
//!
//! - **claim**: `claimed` goes from false to true. The total starts from the counts that the previous owner
//!   left.
//! - **attach**: the owner stores the pointers and then sets `l`. Both counters must be equal at this point,
//!   or the sum would jump.
//! - **release**: the owner stores the total of `own[i]` and the live counters to `own[1 - i]`. One store to
//!   `state` then clears `l` and flips `i`, so that no reader adds the live counters twice or misses them.
//!   Then the owner waits until all readers that may have seen `l` have left. Only then may the slot be
//!   claimed again and the thread end.
//!
//! # Readers
//!
//! Readers never wait. A reader enters by one of two *doors*: it increments that door's count, and decrements
//! it when it leaves. A thread that releases a slot closes one door after the other, and waits each time
//! until the readers inside have left. The wait is short, because a reader only adds up the slots.
//!
//! A releasing thread does not wait for readers on its own stack. Such a reader exists if a signal handler
//! interrupted it and calls `exit`, which runs the thread's destructors. So each thread records in [`Inside`]
//! how many of its own readers are inside, by door.
//!
//! A reader takes the two counts of a thread as of one instant (see [`pair`]). Otherwise a reader that is
//! stopped between the two loads would miss everything that was allocated meanwhile, and subtract everything
//! that was freed. That error has no bound.
//!
//! Learned from: SRCU in the Linux kernel (the two doors). `tests/interleavings.rs` checks all of this with
//! loom, except forks.

use crate::sync::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, const_fn, fence, yield_now};
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::compiler_fence;
use crossbeam_utils::CachePadded;

/// How many times a thread is inside [`Slots::read`], by door. Each thread has one such value.
pub(crate) type Inside = Cell<[usize; 2]>;

/// Loads both counts as of one instant.
///
/// `allocated` only grows. So if it has the same value before and after `freed` is loaded, it had that value
/// at the load of `freed`. A thread that allocates all the time may prevent this for every attempt. Then the
/// attempt during which the thread allocated least is returned, with the larger value of `allocated`.
#[inline(always)]
fn pair(allocated: &AtomicUsize, freed: &AtomicUsize) -> (usize, usize) {
    #[cold]
    #[inline(never)]
    fn again(allocated: &AtomicUsize, freed: &AtomicUsize) -> (usize, usize) {
        const TRIES: usize = 16;
        let (mut best, mut least) = ((0, 0), usize::MAX);
        for _ in 0..TRIES {
            let before = allocated.load(Ordering::Acquire);
            let freed = freed.load(Ordering::Acquire);
            let after = allocated.load(Ordering::Relaxed);
            let meanwhile = after.wrapping_sub(before);
            if meanwhile <= least {
                (best, least) = ((after, freed), meanwhile);
            }
            if meanwhile == 0 {
                break;
            }
        }
        best
    }
    // Acquire keeps the three loads in this order. A reader that sees a free in `freed` also sees the
    // allocation of that block in its later loads.
    let before = allocated.load(Ordering::Acquire);
    let both = (before, freed.load(Ordering::Acquire));
    if allocated.load(Ordering::Relaxed) == before { both } else { again(allocated, freed) }
}

/// Bytes allocated and bytes freed. Both only grow, and the difference is the number of bytes in use. On
/// 32-bit machines both wrap around, and the difference is still right.
pub(crate) struct Counts {
    pub(crate) allocated: AtomicUsize,
    pub(crate) freed: AtomicUsize,
}

impl Counts {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self { allocated: AtomicUsize::new(0), freed: AtomicUsize::new(0) }
        }
    }

    /// Loads both counts as of one instant.
    #[inline]
    pub(crate) fn load(&self) -> (usize, usize) {
        pair(&self.allocated, &self.freed)
    }

    fn store(&self, (allocated, freed): (usize, usize)) {
        self.allocated.store(allocated, Ordering::Relaxed);
        self.freed.store(freed, Ordering::Relaxed);
    }
}

/// The lowest bit of `state`: the index of the `own` counts that are in use.
const OWN_INDEX: usize = 1;
/// The bit of `state` that is set while the live pointers lead to a running thread's counters.
const LIVE: usize = 2;

/// The counts of one thread, as drawn at the top of this file.
pub(crate) struct Slot {
    state: AtomicUsize,
    own: [Counts; 2],
    live_allocated: AtomicPtr<AtomicUsize>,
    live_freed: AtomicPtr<AtomicUsize>,
    claimed: AtomicBool,
}

impl Slot {
    const_fn! {
        fn new() -> Self {
            Self {
                state: AtomicUsize::new(0),
                own: [Counts::new(), Counts::new()],
                live_allocated: AtomicPtr::new(ptr::null_mut()),
                live_freed: AtomicPtr::new(ptr::null_mut()),
                claimed: AtomicBool::new(false),
            }
        }
    }

    /// Returns the counts that the owner updates if it counts by hand. The result stays the same until the
    /// owner releases the slot.
    pub(crate) fn own(&self) -> &Counts {
        &self.own[self.state.load(Ordering::Relaxed) & OWN_INDEX]
    }

    /// From now on, adds the counters at the two addresses to the slot's total. Only the slot's owner may
    /// call this, and only once.
    ///
    /// # Safety
    /// Both counters must hold the same number. Only the calling thread may change them, by stores of whole
    /// words, because other threads read them meanwhile. They must be valid until the thread has released the
    /// slot.
    pub(crate) unsafe fn attach(&self, allocated: *mut AtomicUsize, freed: *mut AtomicUsize) {
        let state = self.state.load(Ordering::Relaxed);
        debug_assert_eq!(state & LIVE, 0);
        self.live_allocated.store(allocated, Ordering::Relaxed);
        self.live_freed.store(freed, Ordering::Relaxed);
        // Release: a reader that sees `LIVE` also sees the pointers.
        self.state.store(state | LIVE, Ordering::Release);
    }

    /// Returns the slot's total: bytes allocated and bytes freed.
    ///
    /// # Safety
    /// The caller must own the slot or be inside [`Slots::read`].
    #[inline]
    pub(crate) unsafe fn totals(&self) -> (usize, usize) {
        // Acquire: a reader that sees this state also sees the pointers and the counts that were stored
        // before it, by `attach` and by `detach`.
        let state = self.state.load(Ordering::Acquire);
        let (allocated, freed) = self.own[state & OWN_INDEX].load();
        if state & LIVE == 0 {
            return (allocated, freed);
        }
        // SAFETY: `LIVE` was set, so the pointers lead to counters of a thread that cannot end yet. The
        // caller is that thread, or a reader for which that thread's release waits.
        let live = unsafe {
            pair(&*self.live_allocated.load(Ordering::Relaxed), &*self.live_freed.load(Ordering::Relaxed))
        };
        (allocated.wrapping_add(live.0), freed.wrapping_add(live.1))
    }

    /// Adds the values of the live counters to the slot's own counts and clears `LIVE`. For a reader this is
    /// one step. Only the slot's owner and [`Slots::after_fork`] may call this.
    fn detach(&self) {
        let state = self.state.load(Ordering::Relaxed);
        if state & LIVE != 0 {
            let new_index = (state & OWN_INDEX) ^ OWN_INDEX;
            // SAFETY: the caller owns the slot, or it is `after_fork`, where the owner no longer exists but
            // its memory does.
            self.own[new_index].store(unsafe { self.totals() });
            // Release: a reader that sees the new index also sees its counts.
            self.state.store(new_index, Ordering::Release);
        }
    }
}

/// The table: `N` slots and the counts of the readers.
pub(crate) struct Slots<const N: usize> {
    slots: [CachePadded<Slot>; N],
    /// One past the index of the highest slot that was ever claimed. The sum stops there.
    claimed_end: AtomicUsize,
    /// The door by which new readers enter.
    door: AtomicUsize,
    /// The number of readers inside, by door.
    readers: [CachePadded<AtomicUsize>; 2],
}

impl<const N: usize> Slots<N> {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                slots: const_fn!(array CachePadded::new(Slot::new()); N),
                claimed_end: AtomicUsize::new(0),
                door: AtomicUsize::new(0),
                readers: const_fn!(array CachePadded::new(AtomicUsize::new(0)); 2),
            }
        }
    }

    /// Claims a slot for the caller, until the caller [releases](Self::release) it. Returns `None` if all
    /// slots are taken.
    pub(crate) fn claim(&self) -> Option<&Slot> {
        let index = self.slots.iter().position(|slot| {
            // Acquire: the counts of the previous owner are visible before this one adds to them.
            !slot.claimed.load(Ordering::Relaxed)
                && slot.claimed.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
        })?;
        self.claimed_end.fetch_max(index + 1, Ordering::Relaxed);
        Some(&self.slots[index])
    }

    /// Gives a slot back. Waits for readers, which never wait themselves.
    ///
    /// Afterwards no reader uses the counters that were attached to the slot. The exception is a reader on
    /// the caller's own stack, which `inside` counts.
    pub(crate) fn release(&self, slot: &Slot, inside: &Inside) {
        if slot.state.load(Ordering::Relaxed) & LIVE != 0 {
            slot.detach();
            self.wait_for_readers(inside.get());
        }
        // Release: the next owner, which acquires, sees everything that this one counted.
        slot.claimed.store(false, Ordering::Release);
    }

    /// Waits until every reader has left that was inside at the time of the call, except the caller's `own`
    /// ones.
    fn wait_for_readers(&self, own: [usize; 2]) {
        // Pairs with the fence in `read`. A reader whose entry is not seen below enters after the caller
        // stored the new state, and therefore sees that state.
        fence(Ordering::SeqCst);
        for (closed, readers) in self.readers.iter().enumerate() {
            loop {
                self.door.store(1 - closed, Ordering::Relaxed); // new readers use the other door
                // Acquire: the loads of the readers are done. `<=`, because one of the caller's own readers
                // may have been interrupted before it was added to the count.
                if readers.load(Ordering::Acquire) <= own[closed] {
                    break;
                }
                yield_now();
            }
        }
    }

    /// Adds up all slots: bytes allocated and bytes freed. Each thread's share is as of some instant during
    /// the call. Never waits.
    ///
    /// A signal handler may call this, and may end the process, whatever it interrupted. A handler that
    /// interrupted a reader must not fork, end only the thread, or jump out. Otherwise the reader would count
    /// as inside for ever, or a release would take another thread's reader for it.
    pub(crate) fn read(&self, inside: &Inside) -> (usize, usize) {
        let door = self.door.load(Ordering::Relaxed) & 1;
        let outside = inside.get();
        let mut entered = outside;
        entered[door] += 1;
        inside.set(entered);
        compiler_fence(Ordering::SeqCst); // a handler sees `inside` before the count
        let readers = &self.readers[door];
        readers.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst); // pairs with the one in `wait_for_readers`
        let claimed_end = self.claimed_end.load(Ordering::Relaxed);
        let sum = self.slots[..claimed_end].iter().fold((0_usize, 0_usize), |(allocated, freed), slot| {
            // SAFETY: this reader is inside.
            let (more_allocated, more_freed) = unsafe { slot.totals() };
            (allocated.wrapping_add(more_allocated), freed.wrapping_add(more_freed))
        });
        readers.fetch_sub(1, Ordering::Release);
        compiler_fence(Ordering::SeqCst);
        inside.set(outside);
        sum
    }

    /// Repairs the table in the child of a fork: keeps the counts of the threads that the child does not
    /// have, and gives their slots back. `own` is the slot of the child's only thread, and `inside` counts
    /// that thread's readers.
    ///
    /// # Safety
    /// No other thread may run, or have run, in this process. Otherwise the memory of the parent's threads
    /// could already be in use again.
    #[allow(dead_code, reason = "there are platforms without fork")]
    pub(crate) unsafe fn after_fork(&self, own: Option<&Slot>, inside: &Inside) {
        for (readers, own) in self.readers.iter().zip(inside.get()) {
            readers.store(own, Ordering::Relaxed); // the parent's other readers are not in this process
        }
        for slot in &self.slots {
            if !own.is_some_and(|own| ptr::eq(own, &**slot)) {
                slot.detach();
                slot.claimed.store(false, Ordering::Relaxed);
            }
        }
    }
}
