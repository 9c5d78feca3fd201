//! Tests of snapshots of coded keys, while a pass changes the forms of keys.

use super::*;

/// Returns the name of a key. It begins with the type of the value, and is long enough to be coded.
fn name(number: usize) -> String {
    format!("{} number {number} of the coded keys", TYPES[number % 4])
}

fn table(symbols: [&str; 3]) -> Option<Arc<SymbolTable>> {
    Some(Arc::new(SymbolTable::from_symbols(symbols).unwrap()))
}

/// What happens to the keys in the middle of the snapshot, before the pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    RemovesSome,
    ReplacesSome,
    ClearsAll,
}

/// The pass may begin while a value is half saved, and while the snapshot still needs removed values.
#[test]
fn a_pass_beside_a_snapshot_changes_no_key_that_is_saved() {
    let count = 12;
    let changes = [Change::Nothing, Change::RemovesSome, Change::ReplacesSome, Change::ClearsAll];
    for (change, has_table) in changes.into_iter().flat_map(|change| [(change, true), (change, false)]) {
        let mut was_half_saved = false;
        for at in (0..400).step_by(3) {
            let mut keyspace = Keyspace::with_options(options());
            let old = table([" number ", " of the ", "coded ke"]);
            keyspace.set_symbols(old.clone()).unwrap();
            for number in 0..count {
                add_many(&mut keyspace, &name(number), MANY + number);
                keyspace.set(format!("text number {number} of the coded keys").as_bytes(), 7, NOW).unwrap();
            }
            assert!(keyspace.iter(NOW).all(|(key, _value)| key.plain().is_none()));
            let expected = state_of(&keyspace, NOW);
            let (sink, got) = Collector::new(3);
            keyspace.begin_snapshot(sink, NOW).unwrap();
            let mut steps = 0;
            loop {
                if steps == at {
                    was_half_saved |= got.lock().unwrap().half.is_some();
                    for name in (0..count).step_by(3).map(name) {
                        match change {
                            Change::Nothing | Change::ClearsAll => break,
                            Change::RemovesSome => assert!(keyspace.remove(&name, NOW)),
                            Change::ReplacesSome => keyspace.set(&name, 8, NOW).unwrap(),
                        }
                    }
                    if change == Change::ClearsAll {
                        keyspace.clear();
                    }
                    let new = if has_table { table(["number ", "of the c", "oded key"]) } else { None };
                    keyspace.set_symbols(new).unwrap();
                }
                // After the change, the pass takes a step for each step of the snapshot.
                if steps >= at {
                    keyspace.recode_for(Duration::ZERO, || Duration::ZERO);
                }
                keyspace.check();
                let done = keyspace.snapshot_for(Duration::ZERO, || Duration::ZERO);
                if done.is_complete {
                    assert_eq!(done.end, Some(SnapshotEnd::Saved));
                    break;
                }
                steps += 1;
            }
            assert_eq!(got.lock().unwrap().state, expected, "{change:?} at step {at}");
            if at > steps {
                assert!(was_half_saved && at > 100, "{at} steps");
                break;
            }
            for _pass in 0..2 {
                while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
            }
            assert_eq!(Arc::strong_count(&old.unwrap()), 1, "{change:?} at step {at}");
        }
    }
}
