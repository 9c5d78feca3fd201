//! Allocates and frees one block at a time, for measurements that need a process of their own. The first call
//! of this crate asks jemalloc for a callback (see `src/counter`). The times of `raw` and `watched` show what
//! the callback costs allocations that do not use this crate. The mode `zmalloc` under callgrind shows how
//! many instructions a pair takes with this crate.
//!
//! The arguments are the mode, the size of the block in bytes, and the number of pairs. A pair is one
//! allocation and one free.
//!
//! ```text
//! cargo build --release -p zmalloc --example pairs
//! target/release/examples/pairs raw 4096 4000000        jemalloc alone: this crate is never called
//! target/release/examples/pairs watched 4096 4000000    the same after one call of this crate, which
//!                                                      asks jemalloc for the callback
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null \
//!     target/release/examples/pairs zmalloc 320 110000
//! ```
//!
//! The pairs are divided into 20 parts of equal length. Prints the time of the fastest part, in nanoseconds a
//! pair.

#[cfg(feature = "jemalloc")]
fn main() {
    use std::hint::black_box;
    use std::time::Instant;
    use tikv_jemalloc_sys as je;

    const PARTS: usize = 20;
    let args: Vec<String> = std::env::args().collect();
    let (who, size, pairs) = match args.as_slice() {
        [_, who, size, pairs] => (who.as_str(), size.parse::<usize>(), pairs.parse::<usize>()),
        _ => ("", Ok(0), Ok(0)),
    };
    let (Ok(size), Ok(pairs), "raw" | "watched" | "zmalloc") = (size, pairs, who) else {
        eprintln!("usage: pairs raw|watched|zmalloc SIZE PAIRS");
        std::process::exit(2);
    };
    if who == "watched" {
        let block = zmalloc::zmalloc(1);
        // SAFETY: the block was just allocated.
        unsafe { zmalloc::zfree(block) };
    }
    let mut best = f64::INFINITY;
    for _ in 0..PARTS {
        let start = Instant::now();
        for _ in 0..pairs / PARTS {
            // SAFETY: each block is freed at once, with its requested size.
            unsafe {
                if who == "zmalloc" {
                    let block = black_box(zmalloc::zmalloc(black_box(size)));
                    zmalloc::zfree_sized(block, black_box(size));
                } else {
                    let block = black_box(je::malloc(black_box(size.max(1))));
                    je::sdallocx(block, black_box(size.max(1)), 0);
                }
            }
        }
        best = best.min(start.elapsed().as_nanos() as f64 / (pairs / PARTS) as f64);
    }
    println!("{who} {size}: {best:.2} ns");
}

#[cfg(not(feature = "jemalloc"))]
fn main() {
    eprintln!("pairs: for jemalloc alone");
}
