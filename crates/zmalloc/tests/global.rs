//! `Zmalloc` as the global allocator: std's collections are counted, and so are the C-named functions, once.

use std::hint::black_box;

use zmalloc::{Zmalloc, used_memory};

#[global_allocator]
static GLOBAL: Zmalloc = Zmalloc;

#[repr(align(256))]
struct Aligned(#[expect(dead_code, reason = "only its address matters")] [u8; 300]);

// One test: the harness itself allocates.
#[test]
fn everything_in_the_process_is_counted_once() {
    let growth = |work: &mut dyn FnMut()| {
        let before = used_memory();
        work();
        used_memory() as isize - before as isize
    };

    // The harness's own thread allocates a little meanwhile.
    let near = |a: isize, b: isize| assert!((a - b).abs() < 500, "{a}, not about {b}");

    let mut bytes = Vec::new();
    let grown = growth(&mut || bytes = black_box(Vec::<u8>::with_capacity(100_000)));
    assert!((99_500..=131_572).contains(&grown), "{grown}");
    let regrown = growth(&mut || bytes.reserve_exact(1_000_000));
    assert!((868_000..=1_000_500).contains(&regrown), "{regrown}");
    near(growth(&mut || bytes = Vec::new()), -(grown + regrown));

    // A block behind the other face is not counted by the global one as well.
    let mut block = None;
    let one = growth(&mut || block = Some(zmalloc::zmalloc(1_000)));
    assert!((500..=1_540).contains(&one), "{one}");
    // SAFETY: the block of just now.
    near(growth(&mut || unsafe { zmalloc::zfree(block.take().unwrap()) }), -one);

    let mut boxes = Vec::with_capacity(100);
    let aligned = growth(&mut || boxes.extend((0..100).map(|n| Box::new(Aligned([n; 300])))));
    assert!(boxes.iter().all(|one| (&raw const **one).addr().is_multiple_of(256)));
    near(growth(&mut || boxes.clear()), -aligned);

    assert!(vec![0_u64; 50_000].iter().all(|&zero| zero == 0));

    // Threads come and go, each with thread-locals of its own.
    let threads = growth(&mut || {
        for _ in 0..if cfg!(miri) { 2 } else { 200 } {
            std::thread::spawn(|| black_box(String::from("from another thread"))).join().unwrap();
        }
    });
    assert!(threads.abs() < 10_000, "{threads} bytes left behind by threads");
}
