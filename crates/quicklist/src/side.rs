//! [`Side`]: which end of a list.

/// One of the two ends of a list. In C: `LIST_HEAD` and `LIST_TAIL`, `QUICKLIST_HEAD` and `QUICKLIST_TAIL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where index 0 is; what `LPUSH` and `LEFT` mean.
    Front,
    /// Where the last index is; what `RPUSH` and `RIGHT` mean.
    Back,
}
