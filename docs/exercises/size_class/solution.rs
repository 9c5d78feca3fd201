//! The class of a size.

/// Returns the size of the block that jemalloc gives for `size` bytes. The quantum is a power of two from 4 to 16.
pub(crate) fn size_class(size: usize, quantum: usize) -> Option<usize> {
    let size = size.max(1);
    // The class is above 2^exponent, and at most 2^(exponent + 1). There are four classes in between.
    let exponent = (size - 1).checked_ilog2().unwrap_or(0);
    let distance = (1_usize << exponent) / 4;
    size.checked_next_multiple_of(distance.max(quantum))
}
