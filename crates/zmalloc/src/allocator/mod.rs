//! What only the allocator can say or do: its statistics, its arenas, its caches.
//!
//! jemalloc can; the others cannot, or tell too little to be worth a word. Nothing here asks which one is
//! underneath: all goes through [`ctl`], where every question to another allocator is answered by `None`.

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
