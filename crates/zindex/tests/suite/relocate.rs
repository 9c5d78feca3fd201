//! Tests that `allocation_size` stays exact when a block moves to a block of another size. The allocator of a
//! C library may give such a block.

use zindex::{Cursor, ZIndex};
use zmalloc::Region;

#[test]
fn the_accounting_stays_exact_if_a_node_moves_to_a_block_of_another_size() {
    let n = if cfg!(miri) { 70 } else { 20_000 };
    let region = Region::start();
    let mut index = ZIndex::new();
    for i in 0..n {
        index.insert(format!("member:{i:012}").as_bytes(), f64::from(i * 7919 % n)).unwrap();
    }
    // Every other block is freed. This leaves holes that are a little larger than a leaf or an inner node. A
    // node that moves to a hole gets the whole hole from the allocator of a C library.
    let blocks: Vec<_> = (0..n / 5).map(|i| zmalloc::zmalloc(if i % 4 == 0 { 1040 } else { 656 })).collect();
    let (holes, guards): (Vec<_>, Vec<_>) = blocks.into_iter().enumerate().partition(|(i, _)| i % 2 == 0);
    // SAFETY: the blocks are live, and each is freed once.
    holes.into_iter().for_each(|(_, hole)| unsafe { zmalloc::zfree(hole) });
    let others = region.held() as usize - index.allocation_size();
    let mut cursor = Cursor::START;
    loop {
        cursor = index.relocate(cursor, &mut |_, size| size > 500);
        assert_eq!(region.held() as usize - others, index.allocation_size());
        if cursor.is_start() {
            break;
        }
    }
    while index.pop_first().is_some() {}
    assert_eq!(index.allocation_size(), 0);
    // SAFETY: as above.
    guards.into_iter().for_each(|(_, guard)| unsafe { zmalloc::zfree(guard) });
}
