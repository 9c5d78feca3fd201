//! `Zmalloc` as the global allocator: std's collections and the blocks of the C-named functions are counted
//! once.

use std::hint::black_box;

use zmalloc::{Region, Zmalloc, used_memory};

#[global_allocator]
static GLOBAL: Zmalloc = Zmalloc;

#[repr(align(256))]
struct Aligned(#[expect(dead_code, reason = "only its address matters")] [u8; 300]);

// There is only one test, because the harness itself allocates.
#[test]
fn everything_in_the_process_is_counted_once() {
    // The harness's own thread allocates at the same time, so the count of the whole process is not exact.
    let growth = |work: &mut dyn FnMut()| {
        let region = Region::start();
        work();
        region.held()
    };

    let mut bytes = Vec::new();
    let grown = growth(&mut || bytes = black_box(Vec::<u8>::with_capacity(100_000)));
    assert!((100_000..=131_072).contains(&grown), "{grown}");
    let regrown = growth(&mut || bytes.reserve_exact(1_000_000));
    assert!((868_500..=1_000_500).contains(&regrown), "{regrown}");
    assert_eq!(growth(&mut || bytes = Vec::new()), -(grown + regrown));

    // The global allocator does not count a raw block a second time.
    let mut block = None;
    let one = growth(&mut || block = Some(zmalloc::zmalloc(1_000)));
    assert!((1_000..=1_040).contains(&one), "{one}");
    // SAFETY: the block was just allocated.
    assert_eq!(growth(&mut || unsafe { zmalloc::zfree(block.take().unwrap()) }), -one);

    let mut boxes = Vec::with_capacity(100);
    let aligned = growth(&mut || boxes.extend((0..100).map(|n| Box::new(Aligned([n; 300])))));
    assert!(boxes.iter().all(|one| (&raw const **one).addr().is_multiple_of(256)));
    assert_eq!(growth(&mut || boxes.clear()), -aligned);

    assert!(vec![0_u64; 50_000].iter().all(|&zero| zero == 0));

    // Threads start and end, each with its own thread-locals.
    let before = used_memory() as isize;
    for _ in 0..if cfg!(miri) { 2 } else { 200 } {
        std::thread::spawn(|| black_box(String::from("from another thread"))).join().unwrap();
    }
    let left = used_memory() as isize - before;
    assert!(left.abs() < 10_000, "{left} bytes left behind by threads");
}
