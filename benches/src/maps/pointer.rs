//! The entries of a table of pointers. A pointer has eight bytes, or six.

use crate::keys::Key;
use dict::CompactPtr;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// A block that contains its key, for tables of pointers.
pub struct Node {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: u64,
}

/// A pointer to a block that outlives the table.
pub trait Pointer<'a>: Copy {
    /// Returns a pointer to `node`.
    fn to(node: &'a Node) -> Self;
    /// Returns the block that the pointer points to.
    fn node(self) -> &'a Node;
}

impl<'a> Pointer<'a> for &'a Node {
    #[inline]
    fn to(node: &'a Node) -> Self {
        node
    }

    #[inline]
    fn node(self) -> &'a Node {
        self
    }
}

/// A [`CompactPtr`] with the lifetime of its block, so that reading the block is safe.
#[derive(Clone, Copy)]
pub struct CompactNode<'a>(CompactPtr<Node>, PhantomData<&'a Node>);

impl<'a> Pointer<'a> for CompactNode<'a> {
    #[inline]
    fn to(node: &'a Node) -> Self {
        let pointer = CompactPtr::new(NonNull::from(node)).expect("blocks lie below 2^48");
        Self(pointer, PhantomData)
    }

    #[inline]
    fn node(self) -> &'a Node {
        // SAFETY: the pointer was made from a reference that is valid for `'a`.
        unsafe { self.0.as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::key;

    #[test]
    fn both_pointers_lead_back_to_the_block_and_one_has_six_bytes() {
        let node = Node { key: key(1), value: 2 };
        assert!(std::ptr::eq(<&Node>::to(&node).node(), &node));
        assert!(std::ptr::eq(CompactNode::to(&node).node(), &node));
        assert_eq!(size_of::<CompactNode>(), 6);
    }
}
