//! Tests that a sorted set uses exactly the memory that `allocation_size` returns, and no more than was
//! calculated for a member.

use zindex::{Cursor, ZIndex, ZTable};
use zmalloc::Region;

#[test]
fn allocation_size_is_what_the_allocator_counts() {
    let region = Region::start();
    let (mut table, mut index) = (ZTable::new(), ZIndex::new());
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        state >> 11
    };
    let n = if cfg!(miri) { 66 } else { 30_000 };
    let check_sizes = |table: &ZTable, index: &ZIndex| {
        assert_eq!(region.held() as usize, table.allocation_size() + index.allocation_size());
    };
    check_sizes(&table, &index);
    for i in 0..n {
        let member = format!("member:{i:012}");
        table.insert(member.as_bytes(), random() as f64).unwrap();
        index.insert(member.as_bytes(), i as f64).unwrap();
        check_sizes(&table, &index);
    }
    if zmalloc::ALLOCATOR.starts_with("jemalloc") && cfg!(target_pointer_width = "64") {
        // The block of a member takes 32 bytes. Its entry in a leaf takes 10 bytes if the leaf is full, and
        // about 14 if the leaf is seven tenths full. Its slot in the table takes 11.6 bytes.
        let (table, index) = (table.allocation_size() as f64, index.allocation_size() as f64);
        assert!(table / f64::from(n) < 61.0, "{} a member", table / f64::from(n));
        assert!(index / f64::from(n) < 43.5, "{} a member, in ascending order", index / f64::from(n));
    }
    for i in 0..n {
        let member = format!("member:{:012}", i * 7919 % n);
        match random() % 4 {
            0 => assert!(table.remove(member.as_bytes()).is_some()),
            1 => assert!(table.insert(member.as_bytes(), random() as f64).unwrap().is_some()),
            2 => assert!(index.remove(member.as_bytes(), f64::from(i * 7919 % n))),
            _ => assert_eq!(index.update_score(member.as_bytes(), f64::from(i * 7919 % n), -1.0), Ok(true)),
        }
        check_sizes(&table, &index);
    }
    for one_in in [1, 3] {
        let mut asked = 0_usize;
        let mut moves = |_, _| {
            asked += 1;
            asked.is_multiple_of(one_in)
        };
        let (mut of_table, mut of_index) = (Some(Cursor::START), Some(Cursor::START));
        while of_table.is_some() || of_index.is_some() {
            let unfinished = |cursor: Cursor| (!cursor.is_start()).then_some(cursor);
            of_table = of_table.and_then(|cursor| unfinished(table.relocate(cursor, &mut moves)));
            of_index = of_index.and_then(|cursor| unfinished(index.relocate(cursor, &mut moves)));
            check_sizes(&table, &index);
        }
    }
    table = table.try_clone().unwrap();
    check_sizes(&table, &index);
    let step = if cfg!(miri) { 10 } else { 100 };
    let mut of_table = table.drop_in_steps(step);
    while let Some(remains) = of_table {
        of_table = remains.drop_in_steps(step);
    }
    let mut of_index = index.drop_in_steps(step);
    while let Some(left) = of_index {
        check_sizes(&ZTable::new(), &left);
        of_index = left.drop_in_steps(step);
    }
    assert_eq!(region.held(), 0, "all memory has been freed");
}
