//! Makes each allocation of an operation fail, one after the other. The lists are such that the operations
//! split, merge or decompress nodes.

use super::{check, elements};
use crate::{QuickList, Side};
use listpack::ListPack;
use zmalloc::{Region, ReserveError, fault};

/// A list of several nodes. Some are full, some are plain, and some are compressed if `depth` is not 0.
fn sample(depth: u16) -> QuickList {
    let mut list = QuickList::new(-1, depth);
    for n in 0..900 {
        list.push_back(format!("element:{n:06}").as_bytes());
    }
    list.insert_after(450, &*vec![b'x'; 5_000]);
    list.push_front(&*vec![b'y'; 5_000]);
    list
}

/// Runs `operation` with the first allocation failing, then with the second one, and so on, until none fails.
/// Returns how many allocations failed.
fn each_failure(depth: u16, operation: impl Fn(&mut QuickList) -> Result<(), ReserveError>) -> u64 {
    let fresh = sample(depth);
    let before = elements(&fresh);
    for nth in 1.. {
        let region = Region::start();
        let mut list = fresh.clone();
        let size = list.allocation_size();
        let plan = fault::fail_nth(nth);
        let result = operation(&mut list);
        let failures = plan.failures();
        drop(plan);
        check(&list, false);
        match result {
            Err(_) => {
                assert_eq!((list.allocation_size(), failures), (size, 1));
                assert!(elements(&list) == before);
            }
            // The operation may succeed although an allocation failed: it then leaves out merging or
            // compressing nodes.
            Ok(()) => assert_eq!(list.allocation_size() as isize, region.held()),
        }
        if failures == 0 {
            return nth - 1;
        }
    }
    unreachable!()
}

#[test]
#[cfg_attr(miri, ignore = "long lists; the model fails in small ones")]
fn every_operation_survives_every_failure() {
    let large = vec![b'z'; 6_000];
    for depth in 0..3 {
        let failures = [
            each_failure(depth, |list| list.try_push(Side::Front, "a")),
            each_failure(depth, |list| list.try_push(Side::Back, &*large)),
            each_failure(depth, |list| list.try_insert(Side::Front, 100, &*vec![b'v'; 60]).map(drop)),
            each_failure(depth, |list| list.try_insert(Side::Back, 300, &*large).map(drop)),
            each_failure(depth, |list| list.try_replace(300, &*large).map(drop)),
            each_failure(depth, |list| list.try_rotate(Side::Front, Side::Back)),
            each_failure(depth, |list| list.try_rotate(Side::Back, Side::Front)),
            each_failure(depth, |list| list.try_clone().map(drop)),
        ];
        assert!(failures.iter().all(|&failures| failures > 0), "{failures:?}");
        // The number of failures may be 0 here. These operations find room in existing blocks, or need memory
        // only for compressed nodes.
        each_failure(depth, |list| list.try_insert(Side::Front, 451, "beside").map(drop));
        each_failure(depth, |list| list.try_replace(451, "small").map(drop));
        each_failure(depth, |list| list.try_remove_range(200, 500).map(drop));
        each_failure(depth, |list| list.try_trim(300, 300));
        each_failure(depth, |list| list.try_remove_equal(Side::Back, 1, "element:000200").map(drop));
        each_failure(depth, |list| list.try_pop_with(Side::Front, |_| Ok(())).map(drop));
    }
}

#[test]
fn a_listpack_that_cannot_become_a_list_stays() {
    let mut pack = ListPack::new();
    pack.push_back("a");
    for nth in 1..=3 {
        let _plan = fault::fail_nth(nth);
        assert!(QuickList::try_from_listpack(&mut pack, -2, 0).is_err(), "{nth}");
        assert_eq!(pack.len(), 1);
    }
    assert!(QuickList::try_from_listpack(&mut pack, -2, 0).is_ok() && pack.is_empty());
}

#[test]
fn an_element_that_cannot_be_taken_stays() {
    let mut list = if cfg!(miri) { QuickList::new(-1, 0) } else { sample(0) };
    list.push_back("last");
    let len = list.len();
    let refused = list.try_pop_with(Side::Back, |_| Err::<(), _>(ReserveError::OutOfMemory { size: 1 }));
    assert!(refused.is_err());
    assert_eq!(list.len(), len);
    check(&list, true);
}
