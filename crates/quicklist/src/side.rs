//! [`Side`]: the two ends of a list.

/// One of the two ends of a list. In C: `LIST_HEAD` and `LIST_TAIL`, `QUICKLIST_HEAD` and `QUICKLIST_TAIL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The end with the index 0. In commands: `LPUSH` and `LEFT`.
    Front,
    /// The end with the last index. In commands: `RPUSH` and `RIGHT`.
    Back,
}
