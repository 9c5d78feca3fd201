#![doc = include_str!("../README.md")]

mod edit;
mod item;
mod iter;
mod limit;
mod list;
mod lzf;
mod node;
mod nodes;
mod storage;
#[cfg(test)]
mod tests;

pub use item::Item;
pub use iter::Iter;
pub use limit::NodeLimit;
pub use list::QuickList;
pub use nodes::Side;

/// How the property tests run: Miri is a hundred times slower, and has no files to keep failures in.
#[cfg(test)]
fn test_config() -> proptest::prelude::ProptestConfig {
    let cases = if cfg!(miri) { 2 } else { 256 };
    proptest::prelude::ProptestConfig { cases, failure_persistence: None, ..Default::default() }
}
