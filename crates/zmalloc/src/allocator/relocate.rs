//! Moves a block to another address, for a defragmenter. The structures move their blocks only with these
//! functions. (A block that must live until its owner knows the new address is moved in two steps, with the
//! calls of [`no_tcache`](super::no_tcache).)
//!
//! A move neither takes the new block from the thread's cache nor puts the old one there (see
//! [`no_tcache`](super::no_tcache)). Otherwise the cache would hand out the old block for the next request of
//! that size, and the slab that is to be emptied would be filled again.
//!
//! If there is no memory for the new block, the old block stays where it is.

use super::no_tcache::{free, zfree_no_tcache, ztrymalloc_no_tcache};
use crate::{ReserveError, Zmalloc};
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use core::alloc::Layout;
use core::ptr::NonNull;

/// Moves the first `size` bytes of a raw block to a new block of that size and returns the new address.
/// Returns `None` if there is no memory, and leaves the block where it is. Use it for a block that
/// [`defrag`](crate::defrag) finds worth moving. In C: the second half of `activeDefragAlloc`.
///
/// ```
/// let old = zmalloc::zmalloc(100);
/// // SAFETY: a live raw block of 100 bytes. The old address is not used again.
/// let new = unsafe { zmalloc::ztryrelocate(old, 100) }.unwrap_or(old);
/// # // SAFETY: as above.
/// # unsafe { zmalloc::zfree(new) };
/// ```
///
/// # Safety
/// As for [`zfree`](crate::zfree). In addition, `size` must be at most the usable size. If the block was
/// moved, the old one must not be used afterwards.
pub unsafe fn ztryrelocate(ptr: NonNull<u8>, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: the contract is the same.
    unsafe { ztryrelocate_if(ptr, size, |_| true) }
}

/// [`ztryrelocate`] to an address that `fits`, for an owner whose pointers cannot hold every address. Returns
/// `None` also if the new address does not fit.
///
/// # Safety
/// As for [`ztryrelocate`].
pub unsafe fn ztryrelocate_if(
    ptr: NonNull<u8>,
    size: usize,
    fits: impl FnOnce(NonNull<u8>) -> bool,
) -> Option<NonNull<u8>> {
    let new = ztrymalloc_no_tcache(size)?;
    // SAFETY: both are live raw blocks of at least `size` bytes, by contract. One of them is freed and not
    // used again.
    unsafe {
        if !fits(new) {
            zfree_no_tcache(new);
            return None;
        }
        new.copy_from_nonoverlapping(ptr, size);
        free(ptr);
    }
    Some(new)
}

impl Zmalloc {
    /// [`ztryrelocate_if`] for a block of the two allocator traits.
    ///
    /// # Safety
    /// As for `Allocator::deallocate`. In addition, the layout must not be empty. If the block was moved, the
    /// old one must not be used afterwards.
    pub unsafe fn try_relocate_if(
        &self,
        ptr: NonNull<u8>,
        layout: Layout,
        fits: impl FnOnce(NonNull<u8>) -> bool,
    ) -> Option<NonNull<u8>> {
        debug_assert!(layout.size() > 0);
        let new = self.allocate_no_tcache(layout).ok()?;
        // SAFETY: both are live blocks of this layout, by contract. One of them is freed and not used again.
        unsafe {
            if !fits(new) {
                self.deallocate_no_tcache(new, layout);
                return None;
            }
            new.copy_from_nonoverlapping(ptr, layout.size());
            self.deallocate_no_tcache(ptr, layout);
        }
        Some(new)
    }
}

/// Puts a value into a box that the accounting allocator allocates.
pub fn try_box<T>(value: T) -> Result<Box<T, Zmalloc>, ReserveError> {
    Box::try_new_in(value, Zmalloc).map_err(|_| ReserveError::OutOfMemory { size: size_of::<T>() })
}

/// Returns the bytes that a box adds to [`used_memory`](crate::used_memory). A value of size 0 adds none.
///
/// ```
/// let boxed = zmalloc::try_box([0_u8; 100])?;
/// assert!(zmalloc::box_size(&boxed) >= 100);
/// # Ok::<(), zmalloc::ReserveError>(())
/// ```
pub fn box_size<T: ?Sized>(boxed: &Box<T, Zmalloc>) -> usize {
    let value: &T = boxed;
    let layout = Layout::for_value(value);
    if layout.size() == 0 {
        return 0;
    }
    // SAFETY: the box allocated its block here, with this layout.
    unsafe { Zmalloc.block_size(NonNull::from(value).cast(), layout) }
}

/// Returns the bytes that a vector's own block adds to [`used_memory`](crate::used_memory).
pub fn vec_size<T>(vec: &Vec<T, Zmalloc>) -> usize {
    let block = NonNull::from(vec.as_slice()).cast();
    // SAFETY: the vector allocated its block here, with this layout.
    block_layout(vec).map_or(0, |layout| unsafe { Zmalloc.block_size(block, layout) })
}

/// Moves a box's block if `moves` returns `true` for its address and its size in bytes, and if there is
/// memory. Returns whether the block was moved.
pub fn relocate_box<T>(
    boxed: &mut Box<T, Zmalloc>,
    moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
) -> bool {
    let old = NonNull::from(&mut **boxed);
    if !moves(old.cast(), box_size(boxed)) {
        return false;
    }
    // SAFETY: the box allocated its block here, with this layout.
    let Some(new) = (unsafe { Zmalloc.try_relocate_if(old.cast(), Layout::new::<T>(), |_| true) }) else {
        return false;
    };
    // SAFETY: the value is in the new block. The old box, whose block is freed, is overwritten and not
    // dropped.
    unsafe { core::ptr::write(boxed, Box::from_raw_in(new.cast().as_ptr(), Zmalloc)) };
    true
}

/// Moves a vector's block if `moves` returns `true` for its address and its size in bytes, and if there is
/// memory. Returns whether the block was moved. The length and the capacity do not change. `moves` is not
/// called for a vector without a block.
pub fn relocate_vec<T>(
    vec: &mut Vec<T, Zmalloc>,
    moves: &mut impl FnMut(NonNull<u8>, usize) -> bool,
) -> bool {
    let Some(layout) = block_layout(vec) else { return false };
    let (len, capacity) = (vec.len(), vec.capacity());
    // The vector's own pointer is valid for the whole block. A pointer to the slice would be valid only for
    // the elements.
    let Some(block) = NonNull::new(vec.as_mut_ptr().cast::<u8>()) else { return false };
    if !moves(block, vec_size(vec)) {
        return false;
    }
    // SAFETY: the vector allocated its block here, with this layout.
    let Some(new) = (unsafe { Zmalloc.try_relocate_if(block, layout, |_| true) }) else { return false };
    // SAFETY: the elements are in the new block, which has the layout of `capacity` elements. The old vector,
    // whose block is freed, is overwritten and not dropped.
    unsafe { core::ptr::write(vec, Vec::from_raw_parts_in(new.cast().as_ptr(), len, capacity, Zmalloc)) };
    true
}

/// Returns the layout of a vector's block, if it has one.
fn block_layout<T>(vec: &Vec<T, Zmalloc>) -> Option<Layout> {
    const { assert!(size_of::<T>() > 0) };
    Layout::array::<T>(vec.capacity()).ok().filter(|layout| layout.size() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;

    #[test]
    fn a_block_moves_with_its_bytes_unless_its_new_place_does_not_fit() {
        let region = Region::start();
        let old = crate::zmalloc(100);
        // SAFETY: all blocks have 100 bytes, and the old one is not used after it has moved.
        unsafe {
            old.write_bytes(7, 100);
            assert_eq!(
                ztryrelocate_if(old, 100, |new| new == old),
                None,
                "a live block is where no other can be"
            );
            let new = ztryrelocate(old, 100).expect("there is memory");
            assert!(new != old);
            assert_eq!(core::slice::from_raw_parts(new.as_ptr(), 100), [7; 100]);
            crate::zfree(new);
        }
        assert_eq!(region.held(), 0);
    }

    #[test]
    fn a_box_and_a_vector_move_with_what_they_hold() {
        let region = Region::start();
        let mut boxed = Box::new_in(String::from("in a box"), Zmalloc);
        let mut vec = Vec::with_capacity_in(10, Zmalloc);
        vec.extend([String::from("one"), String::from("two")]);
        let places = (NonNull::from(&*boxed).addr(), vec.as_ptr().addr());
        let mut asked = std::vec![];
        let mut moves = |block: NonNull<u8>, size| {
            asked.push((block.addr(), size));
            true
        };
        assert!(relocate_box(&mut boxed, &mut moves) && relocate_vec(&mut vec, &mut moves));
        assert_eq!((asked[0].0, asked[1].0.get()), places);
        assert!(asked[0].1 >= size_of::<String>() && asked[1].1 >= 10 * size_of::<String>());
        assert!(places.0 != NonNull::from(&*boxed).addr() && places.1 != vec.as_ptr().addr());
        assert_eq!((&**boxed, &vec[..], vec.capacity()), ("in a box", &["one".into(), "two".into()][..], 10));
        assert!(!relocate_box(&mut boxed, &mut |_, _| false));
        assert!(!relocate_vec(&mut Vec::<u8, _>::new_in(Zmalloc), &mut |_, _| unreachable!("no block")));
        drop((boxed, vec));
        assert_eq!(region.held(), 0);
    }

    #[test]
    #[cfg(feature = "fault-injection")]
    fn what_finds_no_memory_stays_where_it_is() {
        let mut boxed = Box::new_in(7_u64, Zmalloc);
        let mut vec = Vec::new_in(Zmalloc);
        vec.push(7_u64);
        let plan = crate::fault::fail_from(1);
        assert!(!relocate_box(&mut boxed, &mut |_, _| true));
        assert!(!relocate_vec(&mut vec, &mut |_, _| true));
        drop(plan);
        assert_eq!((*boxed, &vec[..]), (7, &[7][..]));
    }
}
