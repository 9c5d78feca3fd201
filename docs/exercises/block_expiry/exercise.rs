//! The expiry of a block.

/// What happens to a block when its expiry is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// No byte changes.
    Nothing,
    /// Bytes change within the block.
    SameBlock,
    /// All parts are copied to a block of another size class.
    NewBlock,
}

/// Sets or removes the expiry of a block, in milliseconds. `class` returns the size class of a number of bytes.
pub(crate) fn set_expiry(block: &mut Vec<u8>, expiry: Option<u64>, class: impl Fn(usize) -> usize) -> Change {
    todo!("set the expiry of {block:?} to {expiry:?}; its class is {}", class(block.len()))
}
