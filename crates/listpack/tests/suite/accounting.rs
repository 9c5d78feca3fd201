//! What lists allocate and free.

use listpack::{ListPack, Value};
use zmalloc::{Region, fault};

#[test]
fn a_list_allocates_what_it_says_and_frees_all_of_it() {
    let region = Region::start();
    let mut list = ListPack::new();
    let used = |list: &ListPack| assert_eq!(region.held() as usize, list.allocation_size());
    used(&list);
    for value in 0..300 {
        list.push_back(value * 1_000);
        used(&list);
    }
    // If there is no memory for a smaller block, the list keeps its block and marks it as too large.
    let large = list.allocation_size();
    let plan = fault::fail_from(1);
    list.remove_range(1, 250);
    used(&list);
    assert_eq!(list.allocation_size(), large);
    list.try_push_back(1).unwrap(); // the block has room
    assert!(list.try_push_back(Value::raw(&[b'x'; 5_000])).is_err());
    used(&list);
    assert!(!list.relocate(&mut |_, size| size == large)); // `moves` returns true, but there is no memory
    drop(plan);
    let mut asked_size = None;
    assert!(!list.relocate(&mut |_, size| {
        asked_size = Some(size);
        false
    }));
    assert_eq!(asked_size, Some(large));
    list.push_back(2);
    used(&list);
    list.shrink_to_fit();
    used(&list);
    assert!(list.allocation_size() < large);
    // Again there is no memory for a smaller block. Once there is memory, an insert makes the block smaller.
    let many = if cfg!(miri) { 500 } else { 10_000 };
    list.extend((0..many).map(|_| i64::MAX));
    let plan = fault::fail_from(1);
    list.truncate(1);
    drop(plan);
    assert!(list.allocation_size() > 10 * many);
    list.extend(0..30);
    used(&list);
    assert!(list.allocation_size() < 200);
    // Values are removed one by one. At most half of the block is empty then, and the block seldom moves.
    list.extend(0..if cfg!(miri) { 60 } else { 300 });
    let (mut moved, mut size) = (0, list.allocation_size());
    while list.len() > 20 {
        list.remove(list.first().unwrap());
        used(&list);
        // The 16 bytes are for what an allocator adds to a block.
        assert!(list.allocation_size() <= 2 * zmalloc::good_size(list.byte_len()) + 16, "{list:?}");
        moved += usize::from(list.allocation_size() != size);
        size = list.allocation_size();
    }
    assert!(moved <= 5, "{moved}");
    // The block does not change until it is full again.
    while list.byte_len() + 16 + 11 < size {
        list.push_front(i64::MAX);
        assert_eq!(list.allocation_size(), size);
    }
    let clone = list.clone();
    assert_eq!(region.held() as usize, list.allocation_size() + clone.allocation_size());
    drop(clone);
    assert!(list.relocate(&mut |_, _| true));
    used(&list);
    let plan = fault::fail_from(1);
    list.remove_range(1, 20);
    drop(plan);
    used(&list);
    list.remove_range(0, 1_000);
    assert!(list.is_empty());
    assert_eq!((region.held(), list.allocation_size()), (0, 0));
    list.push_back("the last");
    let plan = fault::fail_from(1);
    let _ = list.try_push_back(1);
    drop(plan);
    drop(list);
    assert_eq!(region.held(), 0);
}
