//! Prints the figures for an operator, as `INFO memory` does, and the time that each function takes.
//!
//! ```text
//! cargo run --release -p zmalloc --example info
//! ```

use std::fmt::Display;
use std::hint::black_box;
use std::time::{Duration, Instant};
use zmalloc::defrag::Survey;
use zmalloc::*;

#[global_allocator]
static ALLOC: Zmalloc = Zmalloc;

fn main() {
    // Every fourth value stays, so that there is fragmentation to report.
    let mut values: Vec<Vec<u8>> = (0..400_000).map(|n| vec![n as u8; n % 500]).collect();
    let mut n = 0;
    values.retain(|_| {
        n += 1;
        n % 4 == 0
    });

    println!("# Memory");
    field("used_memory", Some(used_memory()));
    field("used_memory_peak", Some(peak_memory()));
    field("used_memory_rss", rss());
    field("total_system_memory", memory_size());
    field("mem_fragmentation_ratio", fragmentation_ratio().map(two_places));
    field("mem_allocator", Some(ALLOCATOR));
    field("allocator_quantum", quantum());
    field("allocator_page", page_size());
    let info = allocator_info();
    field("allocator_allocated", info.map(|info| info.allocated));
    field("allocator_active", info.map(|info| info.active));
    field("allocator_resident", info.map(|info| info.resident));
    field("allocator_muzzy", info.map(|info| info.muzzy));
    field("allocator_retained", info.map(|info| info.retained));
    field("allocator_frag_ratio", info.and_then(|info| info.frag_ratio()).map(two_places));
    field("allocator_frag_bytes", info.map(|info| info.frag_smallbins_bytes));
    field("allocator_rss_ratio", info.and_then(|info| info.rss_ratio()).map(two_places));
    field("allocator_rss_bytes", info.map(|info| info.rss_bytes()));
    let rss = rss();
    field("rss_overhead_ratio", info.zip(rss).and_then(|(i, rss)| i.rss_overhead_ratio(rss)).map(two_places));
    field("rss_overhead_bytes", info.zip(rss).map(|(i, rss)| i.rss_overhead_bytes(rss)));
    field("private_dirty", private_dirty(None));

    println!("\n# What a question takes, in microseconds: the median of 51 readings");
    let block = zmalloc(100);
    let survey = Survey::take();
    let hint = |survey: &Survey| {
        // SAFETY: the block is live.
        unsafe { survey.hint(block) }
    };
    let blocks = [block; 64];
    cost("used_memory", used_memory);
    cost("peak_memory", peak_memory);
    cost("rss", crate::rss);
    cost("private_dirty", || private_dirty(None));
    cost("smap_bytes_by_field, from smaps", || smap_bytes_by_field("Size", None));
    cost("memory_size", memory_size);
    cost("allocator_info", allocator_info);
    cost("arena_info", || arena_info(0));
    cost("defrag::Survey::take", Survey::take);
    if let Some(survey) = &survey {
        cost("Survey::hint", || hint(survey));
        cost("Survey::hints, of 64", || {
            // SAFETY: all elements are the same live block.
            unsafe { survey.hints(&blocks, &mut [false; 64]) }
        });
    }
    cost("zmalloc and zfree", || {
        // SAFETY: the block is live.
        unsafe { zfree(zmalloc(100)) }
    });
    cost("zmalloc_no_tcache and zfree_no_tcache", || {
        // SAFETY: the block is live.
        unsafe { zfree_no_tcache(zmalloc_no_tcache(100)) }
    });
    cost("Arena::new and destroy", || Arena::new().map(Arena::destroy));
    cost("purge, nothing to give", purge);
    cost("decay, nothing to give", decay);
    // SAFETY: the block is live.
    unsafe { zfree(block) };
    println!("\n{} values of {} bytes", values.len(), values.iter().map(Vec::len).sum::<usize>());
}

/// Prints a field. A value that the platform or the allocator does not know is skipped.
fn field(name: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        println!("{name}:{value}");
    }
}

fn two_places(ratio: f64) -> String {
    format!("{ratio:.2}")
}

fn cost<T>(name: &str, question: impl Fn() -> T) {
    let time = |calls: u32| {
        let start = Instant::now();
        for _ in 0..calls {
            black_box(question());
        }
        start.elapsed() / calls
    };
    // One call may be too short for the clock, or may take milliseconds.
    let calls = if time(1) < Duration::from_micros(100) { 100 } else { 1 };
    let mut times: Vec<Duration> = (0..51).map(|_| time(calls)).collect();
    times.sort_unstable();
    println!("{name}: {:.3}", times[times.len() / 2].as_nanos() as f64 / 1000.0);
}
