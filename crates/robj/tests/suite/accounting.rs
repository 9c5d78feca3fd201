//! Tests that `allocation_size` is what the allocator counts.

use robj::{EncodingLimits, Robj};
use sds::Sds;
use zmalloc::Region;

#[test]
fn an_object_says_what_it_has_allocated() {
    let limits = EncodingLimits { embstr_size_limit: 255, ..EncodingLimits::DEFAULT };
    let all_of_them = Region::start();
    let mut all = Vec::new();
    let mut add = |make: &dyn Fn() -> Robj| {
        let region = Region::start();
        let object = make();
        assert_eq!(object.allocation_size(), region.held() as usize, "{object:?}");
        let again = object.clone();
        assert_eq!(again.allocation_size(), object.allocation_size());
        all.push(object);
    };
    for value in [0, 9_999, 10_000, -1, i64::MIN] {
        add(&|| Robj::from(value));
    }
    let step = if cfg!(miri) { 23 } else { 1 };
    for len in (0..600).step_by(step).chain([5_000, 70_000]) {
        let bytes = vec![b'x'; len];
        add(&|| Robj::from(bytes.as_slice()));
        add(&|| Robj::from_bytes(&bytes, &limits));
        add(&|| Robj::raw(Sds::from_bytes(&bytes)));
        add(&|| {
            let mut object = Robj::from(bytes.as_slice());
            object.make_mut().unwrap().push_bytes(b"grows beyond its block");
            object
        });
        add(&|| {
            let mut object = Robj::from(bytes.as_slice());
            object.make_mut().unwrap().truncate(len / 2);
            object.encode(&limits)
        });
    }
    let sum: usize = all.iter().map(|object| object.allocation_size()).sum();
    assert_eq!(all_of_them.held() as usize, sum);
    drop(all);
    assert_eq!(all_of_them.held(), 0);
}
