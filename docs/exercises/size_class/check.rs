//! Checks the class of a size.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::size_class;

#[test]
fn a_quantum_of_8_gives_the_classes_of_the_chapter() {
    let classes = [0, 1, 8, 9, 49, 64, 65, 129, 1_000].map(|size| size_class(size, 8));
    assert_eq!(classes, [8, 8, 8, 16, 56, 64, 80, 160, 1_024].map(Some));
}

#[test]
fn a_quantum_of_16_has_no_classes_of_24_40_and_56() {
    let classes = [1, 17, 33, 49, 65, 129, 257].map(|size| size_class(size, 16));
    assert_eq!(classes, [16, 32, 48, 64, 80, 160, 320].map(Some));
}

#[test]
fn the_classes_are_those_of_the_allocator() {
    let Some(quantum) = zmalloc::quantum() else { return };
    for size in 1..=14 * 1_024 {
        assert_eq!(size_class(size, quantum), Some(zmalloc::good_size(size)), "{size} bytes");
    }
}

#[test]
fn a_class_is_never_smaller_than_the_size_nor_than_the_class_before() {
    for quantum in [4, 8, 16] {
        let mut before = 0;
        for size in 1..20_000 {
            let class = size_class(size, quantum).unwrap();
            assert!(class >= size && class >= before, "{size} bytes, quantum {quantum}");
            before = class;
        }
    }
}

#[test]
fn a_size_without_a_class_has_none() {
    assert_eq!(size_class(usize::MAX, 8), None);
    assert_eq!(size_class(isize::MAX as usize, 8), Some(1 << (usize::BITS - 1)));
}
