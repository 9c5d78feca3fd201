//! Tests of the memory that tables allocate, and of failed allocations.

use symbols::{FromBytesError, FromSymbolsError, SymbolTable};
use zmalloc::{Region, fault};

#[test]
fn a_table_counts_its_bytes_and_gives_them_back() {
    // The first allocation of a thread may allocate more, for the thread itself.
    drop(SymbolTable::from_symbols(["warm up"]));
    let region = Region::start();
    let table = SymbolTable::from_symbols(["user:", "e"]).unwrap();
    assert_eq!(region.held() as usize, table.allocation_size());
    assert!(size_of::<SymbolTable>() < 4_700, "what README.md says");
    drop(table);
    assert_eq!(region.held(), 0);
}

#[test]
fn failing_allocation_is_an_error() {
    drop(SymbolTable::from_symbols(["warm up"]));
    let fails = |make: &dyn Fn() -> bool| {
        for nth in 1..=2 {
            let region = Region::start();
            let plan = fault::fail_nth(nth);
            assert!(make(), "allocation {nth}");
            assert_eq!(plan.failures(), 1);
            drop(plan);
            assert_eq!(region.held(), 0);
        }
    };
    fails(&|| matches!(SymbolTable::from_symbols(["user:"]), Err(FromSymbolsError::Reserve(_))));
    fails(&|| matches!(SymbolTable::from_bytes(b"\x01\x00"), Err(FromBytesError::Reserve(_))));
    fails(&|| SymbolTable::train(&["user:1", "user:2"]).is_err());
}
