//! The series of drawings for the book, one file each.

mod chunk_split;
mod classic_rehash;
mod entry_ttl;
mod intset_upgrade;
mod listpack_entries;
mod scan_split;
mod sds_growth;

use crate::drawing::Series;

/// Returns all series.
pub fn all() -> Vec<Series> {
    vec![
        sds_growth::series(),
        intset_upgrade::series(),
        listpack_entries::series(),
        classic_rehash::series(),
        chunk_split::series(),
        scan_split::series(),
        entry_ttl::series(),
    ]
}
