//! Suite `alloc`: measures the cost of accounting.
//!
//! Each allocator is called in the way that a program calls its global allocator: by a function that is not
//! inlined, and takes the size and the alignment ([`Calls`]). The loops are compiled once, and get the
//! functions as values. Loops that are compiled for each allocator would differ in more than the allocator,
//! for example in the values that stay in registers. `Zmalloc`, tikv-jemallocator and `cap` use the same
//! jemalloc of this process, so they differ only in what they do around it. The layout is hidden from the
//! optimizer on every call. Otherwise the size class would be computed once before the loop, and its cost
//! would not be measured.
//!
//! - *pair*: one block is allocated and freed again. This is the tightest possible loop. It shows the cost of
//!   accounting most clearly, because jemalloc itself takes few instructions.
//! - *256 live*: 256 blocks are allocated, and then freed in another order.
//! - *size mix*: there are 4,096 live blocks. Each operation replaces a random one by a block of another
//!   size, like a store that overwrites its values.
//! - With two threads, each of them does all of the work, and the time of the slower one counts.
//!
//! One cost is not visible, because it is the same for all callers of this jemalloc: the callback every 256
//! KiB that records the peak. `crates/zmalloc/examples/pairs.rs` measures it in separate processes.
//!
//! All blocks are aligned to 8 bytes. If jemalloc has a quantum of 8 bytes (`lg-quantum` 3),
//! tikv-jemallocator is not correct for a larger alignment.

use crate::measure::{Subject, paired};
use crate::suite::{Ctx, Headline};
use cap::Cap;
use mimalloc::MiMalloc;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, LogNormal};
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::ptr::NonNull;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use tikv_jemallocator::Jemalloc;
use zmalloc::Zmalloc;

const LIVE: usize = 256;
const MIX_LIVE: usize = 4096;

static CAP: Cap<Jemalloc> = Cap::new(Jemalloc, usize::MAX);

/// The functions with the names of C. A block is freed with its size, which the caller knows.
struct CNamedSized;

/// The functions with the names of C. A block is freed without its size, as in C, so the allocator must look
/// the size up.
struct CNamed;

// SAFETY: `zmalloc` returns blocks of at least this size with an alignment of 8, and this module asks for no
// larger one. The blocks are freed by the same functions.
unsafe impl GlobalAlloc for CNamedSized {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        zmalloc::zmalloc(layout.size()).as_ptr()
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: by the contract of the trait, this is a live block of `alloc` with its size.
        unsafe { zmalloc::zfree_sized(NonNull::new_unchecked(ptr), layout.size()) }
    }
}

// SAFETY: the same as for `CNamedSized`.
unsafe impl GlobalAlloc for CNamed {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        zmalloc::zmalloc(layout.size()).as_ptr()
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, _layout: Layout) {
        // SAFETY: by the contract of the trait, this is a live block of `alloc`.
        unsafe { zmalloc::zfree(NonNull::new_unchecked(ptr)) }
    }
}

/// Returns the layout of a block of `size` bytes in this suite.
///
/// # Panics
/// If `size` is too large for a layout.
pub fn layout_of(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("sizes here are small")
}

/// The functions of an allocator, which are called in the way that `std::alloc` calls the global allocator.
#[derive(Clone, Copy, Debug)]
pub struct Calls {
    alloc: unsafe fn(usize, usize) -> *mut u8,
    dealloc: unsafe fn(*mut u8, usize, usize),
}

impl Calls {
    /// # Safety
    /// The same as for `GlobalAlloc::alloc`.
    #[inline(always)]
    unsafe fn alloc(self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller guarantees the contract of the function.
        unsafe { (self.alloc)(layout.size(), layout.align()) }
    }

    /// # Safety
    /// The same as for `GlobalAlloc::dealloc`.
    #[inline(always)]
    unsafe fn dealloc(self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller guarantees the contract of the function.
        unsafe { (self.dealloc)(block, layout.size(), layout.align()) }
    }
}

/// Makes the [`Calls`] of the allocator at this path.
macro_rules! calls {
    ($allocator:path) => {{
        /// # Safety
        /// The same as for `GlobalAlloc::alloc`.
        unsafe fn alloc(size: usize, align: usize) -> *mut u8 {
            // SAFETY: the arguments are the parts of a valid layout, and the caller guarantees the rest of
            // the contract.
            unsafe { $allocator.alloc(Layout::from_size_align_unchecked(size, align)) }
        }
        /// # Safety
        /// The same as for `GlobalAlloc::dealloc`.
        unsafe fn dealloc(block: *mut u8, size: usize, align: usize) {
            // SAFETY: the arguments are the parts of a valid layout, and the caller guarantees the rest of
            // the contract.
            unsafe { $allocator.dealloc(block, Layout::from_size_align_unchecked(size, align)) }
        }
        Calls { alloc, dealloc }
    }};
}

/// The allocators of this suite. Ours come first.
pub const SUBJECTS: [(&str, Calls); 7] = [
    ("Zmalloc", calls!(Zmalloc)),
    ("zmalloc+zfree_sized", calls!(CNamedSized)),
    ("zmalloc+zfree", calls!(CNamed)),
    ("tikv-jemallocator", calls!(Jemalloc)),
    ("System", calls!(System)),
    ("mimalloc", calls!(MiMalloc)),
    ("cap", calls!(CAP)),
];

/// Allocates and frees one block, `ops` times.
#[inline(never)]
pub fn pairs(calls: Calls, layout: Layout, ops: usize) -> Duration {
    let calls = black_box(calls);
    let start = Instant::now();
    for _ in 0..ops {
        let layout = black_box(layout);
        // SAFETY: the layout is not empty, and the block is freed once with the layout that it was allocated
        // with.
        unsafe {
            let block = black_box(calls.alloc(layout));
            calls.dealloc(block, layout);
        }
    }
    start.elapsed()
}

/// Makes `ops` allocations and frees in batches of 256 live blocks, which are freed from the middle outwards.
#[inline(never)]
pub fn batches(calls: Calls, layout: Layout, ops: usize) -> Duration {
    let calls = black_box(calls);
    let mut live = [std::ptr::null_mut(); LIVE];
    let start = Instant::now();
    for _ in 0..ops / LIVE {
        for slot in &mut live {
            // SAFETY: the layout is not empty.
            *slot = unsafe { calls.alloc(black_box(layout)) };
        }
        black_box(&mut live);
        let (low, high) = live.split_at(LIVE / 2);
        for (&a, &b) in low.iter().rev().zip(high) {
            // SAFETY: each block of the batch is freed once, with the layout that it was allocated with.
            unsafe {
                calls.dealloc(a, black_box(layout));
                calls.dealloc(b, black_box(layout));
            }
        }
    }
    start.elapsed()
}

/// The steps of *size mix*. They are drawn before anything is timed, and are the same for every allocator.
#[derive(Debug)]
pub struct Mix {
    first: Vec<Layout>,
    steps: Vec<(u16, Layout)>,
}

impl Mix {
    /// Draws the steps. Half of the blocks have the small fixed sizes of a store (object headers, table
    /// entries and short keys). The other half are values, whose sizes are log-normal with a median of 100
    /// bytes, and at most 8 KiB.
    pub fn new(seed: u64) -> Self {
        const FIXED: [usize; 5] = [16, 24, 32, 48, 64];
        let mut rng = SmallRng::seed_from_u64(seed);
        let values = LogNormal::new(100f64.ln(), 1.2).expect("a finite standard deviation");
        let layout = |rng: &mut SmallRng| {
            layout_of(if rng.random() {
                FIXED[rng.random_range(0..FIXED.len())]
            } else {
                (values.sample(rng) as usize).clamp(8, 8192)
            })
        };
        Self {
            first: (0..MIX_LIVE).map(|_| layout(&mut rng)).collect(),
            steps: (0..1 << 16).map(|_| (rng.random_range(0..MIX_LIVE as u16), layout(&mut rng))).collect(),
        }
    }
}

/// Replaces one of 4,096 live blocks by one of another size, `ops` times. The new block is allocated before
/// the old one is freed. The first byte of every block is written.
#[inline(never)]
pub fn mixed(calls: Calls, mix: &Mix, ops: usize) -> Duration {
    let calls = black_box(calls);
    let new_block = |layout: Layout| {
        // SAFETY: the layouts are not empty, so a block has a first byte. The suite assumes that no
        // allocation fails.
        unsafe {
            let block = calls.alloc(layout);
            assert!(!block.is_null(), "out of memory");
            block.write(1);
            (block, layout)
        }
    };
    // SAFETY: this is called once for each block, with the layout that it was allocated with.
    let free = |(block, layout): (*mut u8, Layout)| unsafe { calls.dealloc(block, layout) };
    let mut live: Vec<_> = mix.first.iter().map(|&layout| new_block(layout)).collect();
    let start = Instant::now();
    for &(slot, layout) in mix.steps.iter().cycle().take(ops) {
        free(std::mem::replace(&mut live[usize::from(slot)], new_block(layout)));
    }
    let time = start.elapsed();
    live.into_iter().for_each(free);
    time
}

/// The work of a round.
#[derive(Clone, Copy)]
enum Work<'a> {
    Pairs(Layout),
    Batches(Layout),
    Mixed(&'a Mix),
}

impl Work<'_> {
    fn run(self, calls: Calls, ops: usize) -> Duration {
        match self {
            Self::Pairs(layout) => pairs(calls, layout, ops),
            Self::Batches(layout) => batches(calls, layout, ops),
            Self::Mixed(mix) => mixed(calls, mix, ops),
        }
    }
}

/// Runs one round on `threads` threads at once, and returns the time of the slowest one. Each thread warms
/// its caches up before all threads start together.
fn on_threads(threads: usize, ops: usize, run: impl Fn(usize) -> Duration + Sync) -> Duration {
    if threads == 1 {
        return run(ops);
    }
    let start = Barrier::new(threads);
    thread::scope(|scope| {
        let one = || {
            run(ops / 8);
            start.wait();
            run(ops)
        };
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let times = all.into_iter().map(|thread| thread.join().expect("a round does not panic"));
        times.max().unwrap_or_default()
    })
}

/// The cost of counting on the path that all code takes.
pub const HEADLINE: Headline = Headline {
    what: "allocate and free 48 B, beside raw jemalloc",
    rows: |row| {
        row.case == "pair, 1 thread"
            && row.n == 48
            && row.subject == "Zmalloc"
            && row.peer == "tikv-jemallocator"
    },
};

/// Runs the suite.
pub fn run(ctx: &mut Ctx) -> anyhow::Result<()> {
    used_memory_cost(ctx);
    let mix = Mix::new(ctx.settings.seed);
    for threads in [1, 2] {
        let s = if threads == 1 { "" } else { "s" };
        for size in [16, 48, 320, 4096] {
            let work = Work::Pairs(layout_of(size));
            compare(ctx, &format!("pair, {threads} thread{s}"), size, threads, work);
        }
        for size in [48, 320] {
            let work = Work::Batches(layout_of(size));
            compare(ctx, &format!("256 live, {threads} thread{s}"), size, threads, work);
        }
        compare(ctx, &format!("size mix, {threads} thread{s}"), MIX_LIVE, threads, Work::Mixed(&mix));
    }
    ctx.report.note(
        ctx.suite,
        "A pair is one allocation and its free. n: block size in bytes, live blocks for the size mix, live \
         threads for used_memory(). cap counts in one atomic that all threads share.",
    );
    Ok(())
}

fn compare(ctx: &mut Ctx, case: &str, n: usize, threads: usize, work: Work) {
    let ops = ctx.settings.pick(1 << 10, 1 << 16, 1 << 17);
    let rounds = ctx.settings.pick(2, 31, 101);
    let mut subjects = SUBJECTS.map(|(name, calls)| {
        Subject::new(name, move || on_threads(threads, ops, |ops| work.run(calls, ops)))
    });
    ctx.progress.start(&format!("{case}, {n}"), rounds + 1);
    let samples = paired(&mut subjects, rounds, ctx.settings.seed, ctx.progress);
    let (ours, peers) = samples.split_at(3);
    // The functions with the names of C are compared only with raw jemalloc. A comparison with another
    // allocator would say nothing about their accounting.
    ctx.report.compare_many(ctx.suite, case, n as u64, ops as u64, &ours[..1], peers);
    ctx.report.compare_many(ctx.suite, case, n as u64, ops as u64, &ours[1..], &peers[..1]);
}

/// Measures the cost of `used_memory()`. It adds up one cache line for each thread slot that was ever used,
/// so its cost grows with the number of threads. This runs first, because a slot that was used once is read
/// from then on.
fn used_memory_cost(ctx: &mut Ctx) {
    const ASKS: usize = 1000;
    let rounds = ctx.settings.pick(2, 31, 101);
    for threads in [1, 64] {
        let (started, done) = (Barrier::new(threads), Barrier::new(threads));
        let samples = thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| {
                    drop(black_box(Box::new(1u64))); // the first allocation claims the slot
                    started.wait();
                    done.wait();
                });
            }
            started.wait();
            let mut ask = [Subject::new("used_memory()", || {
                let start = Instant::now();
                for _ in 0..ASKS {
                    black_box(zmalloc::used_memory());
                }
                start.elapsed()
            })];
            ctx.progress.start("used_memory()", rounds + 1);
            let samples = paired(&mut ask, rounds, ctx.settings.seed, ctx.progress);
            done.wait();
            samples
        });
        ctx.report.compare(ctx.suite, "price of asking", threads as u64, ASKS as u64, &samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_frees_what_it_allocates() {
        let (_, cap) = SUBJECTS[6];
        let mix = Mix::new(1);
        for work in [Work::Pairs(layout_of(48)), Work::Batches(layout_of(320)), Work::Mixed(&mix)] {
            work.run(cap, 3 * LIVE);
            assert_eq!(CAP.allocated(), 0);
        }
    }

    #[test]
    fn the_mix_is_that_of_its_seed() {
        let sizes = |seed| Mix::new(seed).steps.iter().map(|(slot, l)| (*slot, l.size())).collect::<Vec<_>>();
        assert_eq!(sizes(1), sizes(1));
        assert_ne!(sizes(1), sizes(2));
    }
}
