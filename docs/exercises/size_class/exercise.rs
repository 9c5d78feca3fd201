//! The class of a size.

/// Returns the size of the block that jemalloc gives for `size` bytes. The quantum is a power of two from 4 to 16.
pub(crate) fn size_class(size: usize, quantum: usize) -> Option<usize> {
    todo!("the class of {size} bytes with a quantum of {quantum}")
}
