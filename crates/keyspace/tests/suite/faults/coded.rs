//! Tests that let every allocation fail once while strings are coded and decoded, and while a table is trained.

use super::*;

const CODED_KEY: &str = "coded by a table, other int";

fn is_coded(keyspace: &Keyspace, key: &str) -> bool {
    keyspace.get_record(key, NOW).unwrap().key.plain().is_none()
}

/// If there is no memory for its new form, a string or a key keeps the old one, and another pass follows.
#[test]
fn strings_and_keys_are_coded_and_decoded_or_stay() {
    // The second pass changes the strings for which the first one had no memory.
    let recode = |keyspace: &mut Keyspace| {
        for _pass in 0..2 {
            while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
        }
    };
    failures("decode", &["coded", "short"], |keyspace| {
        keyspace.set_symbols(None)?;
        recode(keyspace);
        assert!(keyspace.get_string("coded", NOW)?.unwrap().plain().is_some());
        assert!(!is_coded(keyspace, CODED_KEY));
        Ok(())
    });
    let other = SymbolTable::from_symbols(["coded b", "y a tabl"]).map(Arc::new).unwrap();
    failures("code", &["coded", "short"], |keyspace| {
        keyspace.set_symbols(Some(other.clone()))?;
        recode(keyspace);
        assert!(keyspace.get_string("coded", NOW)?.unwrap().plain().is_none());
        assert!(keyspace.contains_key(CODED_KEY, NOW));
        keyspace.set_symbols(Some(TABLE.clone()))?;
        recode(keyspace);
        assert_eq!(Arc::strong_count(&other), 1);
        Ok(())
    });
}

/// If there is no memory for the codes of a key, the key stays plain.
#[test]
fn new_keys_are_coded_or_stored_as_they_are() {
    let name = "coded by a table, another member of it";
    type Add = fn(&mut Keyspace, &str) -> Result<(), Error>;
    let add: [Add; 5] = [
        |keyspace, key| keyspace.set(key, 7, NOW),
        |keyspace, key| keyspace.hset(key, "field", "value", NOW).map(drop),
        |keyspace, key| keyspace.append(key, b"text", NOW).map(drop),
        |keyspace, key| keyspace.rename(CODED_KEY, key, NOW),
        |keyspace, key| keyspace.copy(CODED_KEY, key, false, NOW).map(drop),
    ];
    for add in add {
        let refused = failures("a new key", &["coded"], |keyspace| {
            assert!(is_coded(keyspace, CODED_KEY));
            add(keyspace, name)?;
            assert!(keyspace.contains_key(name, NOW));
            Ok(())
        });
        assert!(refused >= 1, "the block");
        let mut keyspace = filled(false, &["coded"]);
        add(&mut keyspace, name).unwrap();
        assert!(is_coded(&keyspace, name));
    }
}

#[test]
fn a_pass_over_many_long_strings_ends_without_memory() {
    let mut keyspace = Keyspace::with_options_and_hasher(options(), Default::default());
    keyspace.set_symbols(Some(TABLE.clone())).unwrap();
    let text = "coded by a table".repeat(50);
    for n in 0..100 {
        keyspace.set(format!("coded {n}").as_bytes(), text.as_bytes(), NOW).unwrap();
    }
    let before = contents(&keyspace);
    keyspace.set_symbols(None).unwrap();
    let plan = fault::fail_from(1);
    while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
    drop(plan);
    assert_eq!(contents(&keyspace), before);
    while !keyspace.recode_for(Duration::MAX, || Duration::ZERO).is_complete {}
    assert_eq!(keyspace.set_symbols(Some(TABLE.clone())), Ok(()), "no string is coded any more");
    keyspace.check();
}

#[test]
fn a_coded_string_is_decoded_for_a_keyspace_without_the_table_or_stays() {
    for moves in [false, true] {
        let refused = failures("MOVE", &["coded"], |keyspace| {
            let mut other = Keyspace::default();
            let result = if moves {
                keyspace.move_to("coded", &mut other, NOW)
            } else {
                keyspace.copy_to("coded", &mut other, "copy", false, NOW)
            };
            assert_eq!(other.len(), usize::from(result.is_ok()));
            result.map(drop)
        });
        assert!(refused >= 2, "the table, and the entry");
    }
}

#[test]
fn without_memory_for_a_table_strings_stay_as_they_are() {
    for nth in 1.. {
        let mut keyspace = filled(false, &["coded"]);
        let before = contents(&keyspace);
        let plan = fault::fail_nth(nth);
        let trained = keyspace.train_symbols(1 << 10, keyspace::random_source(), NOW);
        let failed = plan.failures() > 0;
        drop(plan);
        assert_eq!(contents(&keyspace), before);
        assert_eq!(trained.is_err(), failed);
        if !failed {
            assert!(nth > 2);
            break;
        }
        assert!(Arc::ptr_eq(keyspace.symbols().unwrap(), &TABLE));
    }
}

#[test]
fn a_report_of_symbols_needs_memory_for_the_tables_that_it_trains() {
    let keyspace = filled(false, &["coded"]);
    let failures = (1..).map(|nth| {
        let plan = fault::fail_nth(nth);
        let report = keyspace.symbols_report(1 << 10, keyspace::random_source(), NOW);
        assert_eq!(report.is_err(), plan.failures() > 0);
        plan.failures() > 0
    });
    assert!(failures.take_while(|has_failed| *has_failed).count() > 4);
}
