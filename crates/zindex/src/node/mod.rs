//! The nodes of the tree: leaves and inner nodes.
//!
//! ```text
//!  Inner, 1024 bytes   len | first block 6 B ... | key 8 B ... | count 8 B ... | child 8 B ...  34 children
//!                                                                                     |
//!  Leaf, 640 bytes     reference 8 B | code 4 B ... | len | common | block 6 B ...  <-+          63 entries
//!                                                                      |
//!  member block        score | len | member  <-------------------------+
//! ```

mod child;
mod inner;
mod leaf;

pub(crate) use child::{Child, NodeMut, NodeRef};
pub(crate) use inner::{First, Inner};
pub(crate) use leaf::Leaf;

#[cfg(not(test))]
use crate::block::BlockPtr;

/// The number of entries of a full leaf. With the head they fill 640 bytes, a size class. Unit tests use 4,
/// so that their trees are deep and small.
pub(crate) const LEAF: usize = if cfg!(test) { 4 } else { 63 };
/// The number of children of a full inner node, which takes 1024 bytes.
pub(crate) const FAN: usize = if cfg!(test) { 4 } else { 34 };

// The sizes hold if a block pointer has six bytes and a `usize` has eight.
#[cfg(not(test))]
const _: () = assert!(
    size_of::<BlockPtr>() != 6
        || size_of::<usize>() != 8
        || (size_of::<Leaf>() == 640 && size_of::<Inner>() == 1024)
);

/// Returns whether a node that has lost an entry or a child should look for a neighbour to join.
pub(crate) fn is_underfull(len: usize, capacity: usize) -> bool {
    len < capacity / 2
}

/// Returns whether two neighbours should be joined. The limit leaves a quarter free, so a node that was
/// just joined is never full. The next insert does not split it again. `Order::try_update_score` relies on
/// this. It allocates the nodes for an insert before a removal, and they must be enough after the removal.
pub(crate) fn can_merge(len: usize, other: usize, capacity: usize) -> bool {
    len + other <= capacity * 3 / 4
}

/// Returns the number of elements for which `passes` is true. Those elements must come first.
///
/// The simple version is std's `partition_point`. The test below checks the result for all slices of fewer
/// than 70 elements. This version makes the same number of steps, whatever `passes` returns. If `passes`
/// compares integers, the compiler needs no branch for a step, so none is mispredicted.
#[inline]
pub(crate) fn partition_point<T: Copy>(elements: &[T], mut passes: impl FnMut(T) -> bool) -> usize {
    let (mut base, mut size) = (0, elements.len());
    while size > 0 {
        let half = size.div_ceil(2);
        // The first `half` elements from `base` all pass if the last of them passes.
        base = if passes(elements[base + half - 1]) { base + half } else { base };
        size -= half;
    }
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_point_is_that_of_std_for_all_small_slices() {
        for len in 0..70 {
            let elements: Vec<usize> = (0..len).collect();
            for cut in 0..=len {
                let expected = elements.partition_point(|n| *n < cut);
                assert_eq!(partition_point(&elements, |n| n < cut), expected);
            }
        }
    }
}
