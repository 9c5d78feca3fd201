//! Tests of objects that lend the collection in them, in all encodings.

use robj::{Encoding, EncodingLimits, Robj};
use values::{Element, List, ZSet};
use zmalloc::Region;

#[test]
fn a_list_in_an_object_is_read_and_written_through_views() {
    let limits = EncodingLimits { list_max_listpack_size: 2, ..EncodingLimits::DEFAULT };
    let mut object = Robj::from(List::new());
    for n in 0..5i64 {
        object.as_list_mut().unwrap().push_back(n.to_string().as_bytes(), &limits);
    }
    assert_eq!(object.encoding(), Encoding::QuickList);
    assert_eq!(object.as_list().unwrap().get(-1).unwrap().element(), Element::Int(4));
    object.as_list_mut().unwrap().trim(0, 0, &limits);
    assert_eq!(object.encoding(), Encoding::ListPack);
    assert!(object.as_set().is_err());
}

#[test]
fn an_object_lends_its_sorted_set() {
    let region = Region::start();
    let limits = EncodingLimits { zset_max_listpack_entries: 8, ..EncodingLimits::DEFAULT };
    let mut object = Robj::from(ZSet::new());
    for n in 0..20_i64 {
        object.as_zset_mut().unwrap().insert(n, n as f64, &limits).unwrap();
        let large = n >= 8;
        assert_eq!(object.encoding(), if large { Encoding::SkipList } else { Encoding::ListPack });
    }
    assert_eq!(object.as_zset().unwrap().rank(7), Some((7, 7.0)));
    assert_eq!(object, object.clone());
    drop(object);
    assert_eq!(region.held(), 0);
}
