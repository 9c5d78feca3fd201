//! What tables allocate, and what they do when there is no more memory.

use symbols::{FromBytesError, SymbolTable};
use zmalloc::{Region, fault};

#[test]
fn a_table_counts_its_bytes_and_gives_them_back() {
    drop(SymbolTable::from_symbols(["warm up"])); // the thread's first allocation may allocate for itself
    let region = Region::start();
    let table = SymbolTable::from_symbols(["user:", "e"]).unwrap();
    assert_eq!(region.held() as usize, table.allocation_size());
    drop(table);
    assert_eq!(region.held(), 0);
}

#[test]
fn a_table_that_finds_no_memory_is_an_error() {
    for allowed in 0..2 {
        let _plan = fault::fail_from(allowed + 1);
        assert!(matches!(SymbolTable::from_symbols(["user:"]), Err(FromBytesError::Reserve(_))), "{allowed}");
        assert!(matches!(SymbolTable::from_bytes(b"\x01\x00"), Err(FromBytesError::Reserve(_))));
        assert!(SymbolTable::train(&["user:1", "user:2"]).is_err());
    }
}
