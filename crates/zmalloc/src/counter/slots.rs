//! The table behind `used_memory`: a slot for each thread, added up by whoever asks.
//!
//! ```text
//!  state     own[0]                own[1]              live
//!  [ l i ]   [ allocated | freed ] [ allocated | freed ] [ -> allocated | -> freed ]
//!
//!  a slot comes to   own[i]  +  what the two live pointers lead to, if l is set
//! ```
//!
//! A thread that counts by hand writes into `own[i]`. For a thread whose allocator counts, `live` leads to the
//! allocator's own counters, which are part of that thread and die with it. So a slot changes hands in steps that
//! leave its sum what it was at each of them, for a reader at any moment:
//!
//! - **claim**: `claimed` goes from false to true; the sum starts from what the last owner left.
//! - **attach**: the pointers are set, then `l`. Both counters are the same at this point, or the sum would jump.
//! - **release**: `own[1 - i]` becomes `own[i]` and the live counters together; then one store to `state` clears
//!   `l` and turns `i`, so that no reader adds them twice or not at all. Then it waits until the readers that may have
//!   seen `l` are gone; only then the slot may be claimed and the thread may end.
//!
//! Readers never wait. They enter by one of two doors (a count each); who releases closes one door after the
//! other and waits for the readers inside: each of them looks at a few hundred words and leaves. Readers that are below it
//! on its own stack (a signal handler that interrupted one and ends the thread) are not waited for; each thread
//! notes in a cell of its own by which door it is inside how often.
//!
//! A reader takes the two counts of a thread as of one instant ([`pair`]). Half of a change would be an error without
//! bound: a reader that is stopped between the two loads would miss all that was allocated since, and subtract
//! all of it that was freed.
//!
//! Invariants: `own[i]`, the pointers and `state` of a claimed slot are written by its owner alone; pointers of a
//! slot change only when no reader can have seen the `l` that went before.
//!
//! Learned from: SRCU in the Linux kernel (the two doors). The whole is model-checked in `tests/interleavings.rs`.

use crate::sync::{AtomicBool, AtomicPtr, AtomicUsize, Ordering, const_fn, fence, yield_now};
use core::cell::Cell;
use core::ptr;
use core::sync::atomic::compiler_fence;
use crossbeam_utils::CachePadded;

/// How often this thread is inside, by door. One a thread.
pub(crate) type Inside = Cell<[usize; 2]>;

/// Both counts as of one instant. `allocated` only grows, so if it is the same before and after `freed` is read, that was
/// its value when `freed` was. A thread that allocates all the time may not let that happen; then the attempt is
/// taken during which it allocated least, and counts as if that had been before.
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
    // Acquire, so that the three loads stay in this order; with a free comes the allocation that it undoes.
    let before = allocated.load(Ordering::Acquire);
    let both = (before, freed.load(Ordering::Acquire));
    if allocated.load(Ordering::Relaxed) == before { both } else { again(allocated, freed) }
}

/// Bytes allocated and bytes freed, both ever growing: what is in use is the difference. Both wrap around on
/// 32-bit machines, and the difference is right all the same.
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

    /// Both as of one instant.
    #[inline]
    pub(crate) fn load(&self) -> (usize, usize) {
        pair(&self.allocated, &self.freed)
    }

    fn store(&self, (allocated, freed): (usize, usize)) {
        self.allocated.store(allocated, Ordering::Relaxed);
        self.freed.store(freed, Ordering::Relaxed);
    }
}

/// Which of the `own` counts is in force: the lowest bit of `state`.
const TURN: usize = 1;
/// Set in `state` while the live pointers lead to a running thread's counters.
const LIVE: usize = 2;

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

    /// The counts that the owner writes when it counts by hand: the same until it releases the slot.
    pub(crate) fn own(&self) -> &Counts {
        &self.own[self.state.load(Ordering::Relaxed) & TURN]
    }

    /// Adds the counters at the two addresses to the slot from now on. Only its owner may call it, once.
    ///
    /// # Safety
    /// Both lead to the same number, which this thread alone changes, and are valid until it has released the slot.
    /// They are read by other threads while it writes them: it does so by whole words.
    pub(crate) unsafe fn attach(&self, allocated: *mut AtomicUsize, freed: *mut AtomicUsize) {
        let state = self.state.load(Ordering::Relaxed);
        debug_assert_eq!(state & LIVE, 0);
        self.live_allocated.store(allocated, Ordering::Relaxed);
        self.live_freed.store(freed, Ordering::Relaxed);
        // Release: who sees `LIVE` sees the pointers.
        self.state.store(state | LIVE, Ordering::Release);
    }

    /// What the slot comes to: bytes allocated and bytes freed.
    ///
    /// # Safety
    /// The caller owns the slot, or is inside [`Slots::read`].
    #[inline]
    pub(crate) unsafe fn totals(&self) -> (usize, usize) {
        // Acquire: with the state come the counts that a release stored before it, and the pointers.
        let state = self.state.load(Ordering::Acquire);
        let (allocated, freed) = self.own[state & TURN].load();
        if state & LIVE == 0 {
            return (allocated, freed);
        }
        // SAFETY: `LIVE` was set, so the pointers lead to counters of a thread that cannot end before the caller
        // is done: it is the caller's own, or its release waits for the reader that the caller is.
        let live = unsafe {
            pair(&*self.live_allocated.load(Ordering::Relaxed), &*self.live_freed.load(Ordering::Relaxed))
        };
        (allocated.wrapping_add(live.0), freed.wrapping_add(live.1))
    }

    /// Takes over what the live counters say and forgets where they are, in one step for any reader.
    fn detach(&self) {
        let state = self.state.load(Ordering::Relaxed);
        if state & LIVE != 0 {
            let turned = (state & TURN) ^ TURN;
            // SAFETY: the caller owns the slot.
            self.own[turned].store(unsafe { self.totals() });
            // Release: who sees the new turn sees its counts.
            self.state.store(turned, Ordering::Release);
        }
    }
}

pub(crate) struct Slots<const N: usize> {
    slots: [CachePadded<Slot>; N],
    /// One past the highest slot ever claimed: the sum stops there.
    seen: AtomicUsize,
    /// The door by which readers enter.
    door: AtomicUsize,
    /// How many readers are inside, by door.
    readers: [CachePadded<AtomicUsize>; 2],
}

impl<const N: usize> Slots<N> {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                slots: const_fn!(array CachePadded::new(Slot::new()); N),
                seen: AtomicUsize::new(0),
                door: AtomicUsize::new(0),
                readers: const_fn!(array CachePadded::new(AtomicUsize::new(0)); 2),
            }
        }
    }

    /// A slot that is the caller's own until it [releases](Self::release) it; `None` when all are taken.
    pub(crate) fn claim(&self) -> Option<&Slot> {
        let index = self.slots.iter().position(|slot| {
            // Acquire: what the last owner counted is there before this one adds to it.
            !slot.claimed.load(Ordering::Relaxed)
                && slot.claimed.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
        })?;
        self.seen.fetch_max(index + 1, Ordering::Relaxed);
        Some(&self.slots[index])
    }

    /// Gives a slot back. Afterwards nobody reads the counters that were attached to it, but the caller itself where it is
    /// `inside` further down on its stack. Waits for readers; they do not wait.
    pub(crate) fn release(&self, slot: &Slot, inside: &Inside) {
        if slot.state.load(Ordering::Relaxed) & LIVE != 0 {
            slot.detach();
            self.wait_for_readers(inside.get());
        }
        // Release: the next owner, which acquires, sees all that this one counted.
        slot.claimed.store(false, Ordering::Release);
    }

    /// Returns when every reader that was inside at the time of the call has left, but for the caller's `own`.
    fn wait_for_readers(&self, own: [usize; 2]) {
        // Pairs with the fence in `read`: a reader whose entry is not seen below enters after the state that
        // the caller stored above, and sees it.
        fence(Ordering::SeqCst);
        for (closed, readers) in self.readers.iter().enumerate() {
            loop {
                self.door.store(1 - closed, Ordering::Relaxed); // new readers go the other way
                // Acquire: what the readers did is done. An own one may have been stopped before it was counted.
                if readers.load(Ordering::Acquire) <= own[closed] {
                    break;
                }
                yield_now();
            }
        }
    }

    /// Adds up all slots: bytes allocated and bytes freed. Each thread's share is as of some instant during the
    /// call. Never waits. A signal handler may call it, and may end the process, whatever it interrupted. It must not
    /// fork, end the thread alone or jump out where it interrupted a reader: the reader would stay inside for ever, or be
    /// taken for another.
    pub(crate) fn read(&self, inside: &Inside) -> (usize, usize) {
        let door = self.door.load(Ordering::Relaxed) & 1;
        let outside = inside.get();
        let mut entered = outside;
        entered[door] += 1;
        inside.set(entered);
        compiler_fence(Ordering::SeqCst); // a handler sees the note before the count
        let readers = &self.readers[door];
        readers.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst); // pairs with the one in `wait_for_readers`
        let seen = self.seen.load(Ordering::Relaxed);
        let sum = self.slots[..seen].iter().fold((0_usize, 0_usize), |(allocated, freed), slot| {
            // SAFETY: inside.
            let (more_allocated, more_freed) = unsafe { slot.totals() };
            (allocated.wrapping_add(more_allocated), freed.wrapping_add(more_freed))
        });
        readers.fetch_sub(1, Ordering::Release);
        compiler_fence(Ordering::SeqCst);
        inside.set(outside);
        sum
    }

    /// In the child of a fork: keeps the counts of the threads that the child does not have, and gives their slots
    /// back. `own` is the slot of the one thread that there is, `inside` its readers.
    ///
    /// # Safety
    /// No other thread runs nor has run in this process, so that the memory of the parent's threads is still as it was
    /// there.
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
