#![doc = include_str!("../README.md")]

mod clock;
mod collection;
mod distinct;
mod element;
mod encodings;
mod error;
mod handle;
pub mod hash;
mod hashtable;
mod limits;
pub mod list;
mod packed;
mod remains;
mod sample;
pub mod set;
mod sort;
pub mod string;
mod types;
pub mod zset;

pub use clock::{LFU_INIT_VAL, LRU_BITS, LRU_CLOCK_MAX, Lfu, LfuParams, idle_time, lru_clock};
pub use collection::{Collection, CollectionView, Edited};
pub use common::{Cursor, NoRoom, Room};
pub use element::{Element, OwnedElement, StrView};
pub use error::{Error, SortError, WrongType};
pub use hash::{Hash, HashView};
pub use hashtable::AheadLookup;
pub use limits::{EncodingLimits, OBJ_SHARED_INTEGERS};
pub use list::{List, ListView};
pub use packed::PackedShape;
pub use remains::Remains;
pub use set::{Set, SetView};
pub use sort::{SortOptions, sort, try_sort};
pub use types::{Encoding, ObjectType};
pub use zmalloc::ReserveError;
pub use zset::{ZSet, ZSetView};
