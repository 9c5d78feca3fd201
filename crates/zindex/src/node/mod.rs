//! The nodes of the tree.
//!
//! ```text
//!  Inner, 1024 bytes         len | first block 6 B ... | key 8 B ... | count 8 B ... | child 8 B ...      34 children
//!                                                                                       |
//!  Leaf, 640 bytes           reference 8 B | code 4 B ... | len | common | block 6 B ...  <--+            63 entries
//!                                                                           |
//!  member block              score | len | member  <------------------------+
//! ```

mod child;
mod inner;
mod leaf;

pub(crate) use child::{Child, NodeMut, NodeRef};
pub(crate) use inner::{First, Inner};
pub(crate) use leaf::Leaf;

#[cfg(not(test))]
use crate::block::BlockPtr;

/// Entries of a leaf: with its head they fill 640 bytes, a size class. Unit tests take trees apart that are deep and small.
pub(crate) const LEAF: usize = if cfg!(test) { 4 } else { 63 };
/// Children of an inner node, in 1024 bytes.
pub(crate) const FAN: usize = if cfg!(test) { 4 } else { 34 };

// Where pointers of blocks have six bytes.
#[cfg(not(test))]
const _: () = assert!(
    size_of::<BlockPtr>() != 6
        || size_of::<usize>() != 8
        || (size_of::<Leaf>() == 640 && size_of::<Inner>() == 1024)
);

/// Whether a node of which a part has been taken should look for a neighbour to join.
pub(crate) fn is_low(len: usize, capacity: usize) -> bool {
    len < capacity / 2
}

/// Whether two neighbours should be one. The sum leaves room, so that a node that has just been joined is never full: the next
/// insert does not split it again, and what `Order::update_score` made ready stays enough.
pub(crate) fn fit_together(len: usize, other: usize, capacity: usize) -> bool {
    len + other <= capacity * 3 / 4
}

/// The number of elements for which `passes` is true, which stand in front: the same halvings whatever it answers, so that no
/// branch has to be guessed where the comparison is of integers.
#[inline]
pub(crate) fn partition_point<T: Copy>(elements: &[T], mut passes: impl FnMut(T) -> bool) -> usize {
    let (mut base, mut size) = (0, elements.len());
    while size > 0 {
        let half = size.div_ceil(2);
        // The first `half` elements from `base` pass if the last of them does.
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
                assert_eq!(partition_point(&elements, |n| n < cut), cut);
            }
        }
    }
}
