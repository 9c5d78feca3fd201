//! Checks the room of a string.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{MAX_LEN, Room, TooLong};

#[test]
fn an_append_that_does_not_fit_leaves_a_quarter_of_spare_room() {
    let mut room = Room::default();
    assert_eq!(room.append(100), Ok(()));
    assert_eq!(room, Room { len: 100, capacity: 125, copied: 0 });
    assert_eq!(room.append(25), Ok(()));
    assert_eq!(room, Room { len: 125, capacity: 125, copied: 0 });
    assert_eq!(room.append(1), Ok(()));
    assert_eq!(room, Room { len: 126, capacity: 157, copied: 125 });
}

#[test]
fn a_cut_moves_the_string_only_below_half_of_the_capacity() {
    let mut room = Room { len: 200, capacity: 200, copied: 0 };
    room.truncate(300);
    room.truncate(100);
    assert_eq!(room, Room { len: 100, capacity: 200, copied: 0 });
    room.truncate(99);
    assert_eq!(room, Room { len: 99, capacity: 123, copied: 99 });
    room.truncate(0);
    assert_eq!(room, Room { len: 0, capacity: 0, copied: 99 });
}

#[test]
fn a_string_of_the_greatest_length_has_no_spare_room() {
    let mut room = Room::default();
    assert_eq!(room.append(MAX_LEN - 1), Ok(()));
    assert_eq!(room.capacity, MAX_LEN);
    let before = room;
    for count in [2, MAX_LEN, u64::MAX] {
        assert_eq!((room.append(count), room), (Err(TooLong), before), "{count} more bytes");
    }
    assert_eq!(room.append(1), Ok(()));
    assert_eq!(room, Room { len: MAX_LEN, ..before });
}

#[test]
fn an_append_and_a_cut_in_turn_do_not_move_the_string_each_time() {
    for len in 10..2_000 {
        let mut room = Room::default();
        room.append(len).unwrap();
        let copied = room.copied;
        for _ in 0..10 {
            room.append(1).unwrap();
            room.truncate(len);
        }
        assert!(room.copied - copied <= len, "{len} bytes: {room:?}");
    }
}

#[test]
fn each_appended_or_cut_byte_copies_at_most_five_bytes() {
    let (mut room, mut changed, mut state) = (Room::default(), 0, 1_u64);
    for _ in 0..20_000 {
        // Knuth's generator. Its upper bits are the better ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let count = (state >> 40) % 50;
        let len = room.len;
        // Two appends for each cut, until a long cut now and then.
        match (state >> 33) % 100 {
            0 => room.truncate(len / 8),
            1..34 => room.truncate(len.saturating_sub(count)),
            _ => room.append(count).unwrap(),
        }
        changed += room.len.abs_diff(len);
        assert!(room.len <= room.capacity && room.capacity <= 2 * room.len, "{room:?}");
        assert!(room.copied <= 5 * changed, "{changed} bytes changed: {room:?}");
    }
}
