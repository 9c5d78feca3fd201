//! The allocator's own figures and controls: its statistics, arenas and caches.
//!
//! Only jemalloc offers them. The other allocators offer nothing, or too little to be useful. No file here
//! checks which allocator is in use. All calls go through [`ctl`], which returns `None` over another
//! allocator.

mod arena;
mod bins;
mod controls;
mod ctl;
pub mod defrag;
mod info;
mod no_tcache;
mod relocate;

pub use arena::Arena;
pub use controls::{background_thread, decay, flush_tcache, purge};
pub use info::{AllocatorInfo, allocator_info, arena_info, arena_infos, page_size, quantum};
pub use no_tcache::{drop_no_tcache, zfree_no_tcache, zmalloc_no_tcache, ztrymalloc_no_tcache};
pub use relocate::{box_size, relocate_box, relocate_vec, try_box, vec_size, ztryrelocate, ztryrelocate_if};
