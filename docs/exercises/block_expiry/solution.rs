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

/// The bit of the form that says whether there is an expiry.
const EXPIRES: u8 = 1 << 6;
/// The offset of the key's header.
const HEADER_AT: usize = 4;

/// Sets or removes the expiry of a block, in milliseconds. `class` returns the size class of a number of bytes.
pub(crate) fn set_expiry(block: &mut Vec<u8>, expiry: Option<u64>, class: impl Fn(usize) -> usize) -> Change {
    let header_len = match block[HEADER_AT] {
        0..254 => 1,
        254 => 2,
        255 => 5,
    };
    let expiry_at = HEADER_AT + header_len;
    let old_len = if block[0] & EXPIRES != 0 { 8 } else { 0 };
    let old = expiry_at..expiry_at + old_len;
    let new: Vec<u8> = expiry.into_iter().flat_map(u64::to_le_bytes).collect();
    if block[old.clone()] == new {
        return Change::Nothing;
    }
    let class_before = class(block.len());
    // The key and the value move by 8 bytes, unless the old expiry is replaced by a new one.
    block.splice(old, new);
    block[0] &= !EXPIRES;
    if expiry.is_some() {
        block[0] |= EXPIRES;
    }
    if class(block.len()) == class_before { Change::SameBlock } else { Change::NewBlock }
}
