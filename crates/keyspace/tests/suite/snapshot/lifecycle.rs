//! The beginning, the progress and the end of snapshots.

use super::*;

#[test]
fn without_writes_a_snapshot_has_every_key_once_and_a_step_is_short() {
    let region = Region::start();
    let mut keyspace = filled();
    let expected = state_of(&keyspace, NOW);
    let before = keyspace.allocation_size();
    for slice in [1, 7, usize::MAX] {
        let (sink, got) = Collector::new(slice);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        assert!(keyspace.is_snapshot_running() && keyspace.snapshot_bytes() > 0);
        assert_eq!(keyspace.snapshot_keys_total(), expected.len());
        assert_eq!(keyspace.allocation_size() as isize, region.held());
        assert_eq!(keyspace.counted_bytes(), before);
        let mut keys = 0;
        loop {
            let calls = got.lock().unwrap().calls;
            let done = step(&mut keyspace);
            assert!(got.lock().unwrap().calls - calls < 200, "a step is short");
            keys += done.keys;
            if done.is_complete {
                assert_eq!(done.end, Some(SnapshotEnd::Saved));
                break;
            }
            assert_eq!(keyspace.snapshot_keys_processed(), keys);
        }
        let got = got.lock().unwrap();
        assert_eq!((keys, &got.state), (expected.len(), &expected));
        assert!(got.is_finished && got.is_dropped && !keyspace.is_snapshot_running());
        assert_eq!(keyspace.allocation_size(), before);
        keyspace.check();
    }
}

#[test]
fn a_snapshot_of_nothing_is_complete_at_once() {
    let mut keyspace = empty();
    assert!(step(&mut keyspace).is_complete, "there is none");
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    keyspace.set("new", 1, NOW).unwrap();
    assert_eq!(to_the_end(&mut keyspace), 0);
    assert!(got.lock().unwrap().is_finished && got.lock().unwrap().state.is_empty());
}

#[test]
fn one_snapshot_runs_at_a_time_and_the_next_waits_until_an_abandoned_one_is_cleared_up() {
    let mut keyspace = filled();
    let expected = state_of(&keyspace, NOW);
    let (sink, got) = Collector::new(2);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    assert_eq!(keyspace.begin_snapshot(Collector::new(1).0, NOW), Err(SnapshotError::InProgress));
    step(&mut keyspace);
    assert!(keyspace.abandon_snapshot() && !keyspace.abandon_snapshot());
    assert!(got.lock().unwrap().is_dropped && !got.lock().unwrap().is_finished);
    assert!(!keyspace.is_snapshot_running());
    assert_eq!(keyspace.begin_snapshot(Collector::new(1).0, NOW), Err(SnapshotError::ClearingUp));
    keyspace.remove("text 1", NOW);
    keyspace.set("text 1", &[b'x'; 1], NOW).unwrap();
    let mut calls = 0;
    while keyspace.begin_snapshot(Collector::new(1).0, NOW).is_err() {
        // The clock stands still, so that a call ends when no work is left.
        keyspace.maintain(NOW, Duration::from_secs(1), || Duration::ZERO);
        calls += 1;
        assert!(calls < 3);
    }
    assert!(keyspace.abandon_snapshot());
    to_the_end(&mut keyspace);
    let (sink, got) = Collector::new(2);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    to_the_end(&mut keyspace);
    assert_eq!(got.lock().unwrap().state, expected);
}

#[test]
fn a_sink_that_fails_ends_the_snapshot_and_the_next_one_is_whole() {
    for fails_at in [0, 1, KEYS / 2, 2 * KEYS + 3, 2 * KEYS + 20] {
        let region = Region::start();
        let mut keyspace = filled();
        let (sink, got) = Collector::failing(fails_at);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        keyspace.remove("set large", NOW);
        loop {
            let done = step(&mut keyspace);
            keyspace.check();
            assert_eq!(keyspace.allocation_size() as isize, region.held());
            if done.is_complete {
                assert_eq!((done.end, keyspace.last_snapshot_end()), (Some(SnapshotEnd::Failed), done.end));
                break;
            }
        }
        assert!(got.lock().unwrap().is_dropped && !got.lock().unwrap().is_finished);
        let expected = state_of(&keyspace, NOW);
        let (sink, got) = Collector::new(5);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        assert_eq!(
            (step(&mut keyspace).end, keyspace.last_snapshot_end()),
            (None, Some(SnapshotEnd::Failed))
        );
        to_the_end(&mut keyspace);
        assert_eq!(got.lock().unwrap().state, expected);
    }
}

#[test]
fn a_sink_that_never_completes_a_value_fails() {
    struct Never;
    impl SnapshotSink for Never {
        fn save(&mut self, _record: &Record<'_>, _portion: Portion) -> Result<bool, SinkError> {
            Ok(false)
        }
    }
    let mut keyspace = filled();
    keyspace.begin_snapshot(Never, NOW).unwrap();
    while !step(&mut keyspace).is_complete {}
    assert_eq!(keyspace.last_snapshot_end(), Some(SnapshotEnd::Failed));
    keyspace.check();
}

#[test]
fn keys_that_have_expired_at_the_start_are_left_out_and_those_that_expire_later_are_in() {
    let mut keyspace = empty();
    for (key, at) in [("past", NOW as i64 + 5), ("future", NOW as i64 + 50)] {
        keyspace.set(key, "value", NOW).unwrap();
        assert!(keyspace.expire(key, Expiry::AtMillis(at), ExpireOptions::default(), NOW).unwrap());
    }
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW + 5).unwrap();
    assert_eq!(keyspace.expire_some(NOW + 100, 100).removed, 2);
    to_the_end(&mut keyspace);
    let expected = (vec![b"value".to_vec()], Some(NOW + 50));
    assert_eq!(got.lock().unwrap().state, State::from([(b"future".to_vec(), expected)]));
}

#[test]
fn without_memory_a_snapshot_does_not_begin() {
    let region = Region::start();
    let mut keyspace = filled();
    let before = region.held();
    for nth in 1.. {
        let plan = fault::fail_nth(nth);
        let begun = keyspace.begin_snapshot(Collector::new(1).0, NOW);
        if plan.failures() == 0 {
            assert!(begun.is_ok() && nth > 1);
            break;
        }
        drop(plan);
        assert!(matches!(begun, Err(SnapshotError::Memory(_))));
        assert_eq!(region.held(), before);
        keyspace.check();
    }
}

#[test]
fn a_keyspace_that_is_dropped_in_the_middle_leaks_nothing() {
    for change in [
        |_: &mut Keyspace, _: &Mutex<Got>| {},
        |keyspace: &mut Keyspace, got: &Mutex<Got>| {
            let key = step_into_large(keyspace, got);
            assert!(keyspace.remove(&key, NOW));
        },
        |keyspace: &mut Keyspace, _: &Mutex<Got>| keyspace.clear(),
        |keyspace: &mut Keyspace, _: &Mutex<Got>| {
            assert!(keyspace.remove("set large", NOW) && keyspace.abandon_snapshot());
        },
    ] {
        let region = Region::start();
        let mut keyspace = filled();
        let (sink, got) = Collector::new(1);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        change(&mut keyspace, &got);
        drop(keyspace);
        assert!(got.lock().unwrap().is_dropped && !got.lock().unwrap().is_finished);
        assert_eq!(region.held(), 0);
    }
}

#[test]
fn clocks_that_are_ahead_of_the_start_say_that_a_key_was_used() {
    type IdleAndFreq = (Option<u32>, Option<u8>);
    #[derive(Default)]
    struct Clocks(Arc<Mutex<Vec<IdleAndFreq>>>);
    impl SnapshotSink for Clocks {
        fn save(&mut self, record: &Record<'_>, _portion: Portion) -> Result<bool, SinkError> {
            self.0.lock().unwrap().push((record.idle_time, record.freq));
            Ok(true)
        }
    }
    let start = 100_000_000;
    let clocks = |policy, changed: Option<MaxmemoryPolicy>| {
        let mut keyspace = Keyspace::with_options(Options::new().maxmemory_policy(policy));
        keyspace.set("a", 1, start - 60_000).unwrap();
        let all = Arc::default();
        keyspace.begin_snapshot(Clocks(Arc::clone(&all)), start).unwrap();
        if let Some(policy) = changed {
            keyspace.set_options(Options::new().maxmemory_policy(policy));
        } else {
            // LFU's counter falls from 5 to 3 in two minutes, and rises again by one with each use.
            assert!(keyspace.touch("a", start + 60_000) && keyspace.touch("a", start + 60_000));
        }
        while !step(&mut keyspace).is_complete {}
        Arc::try_unwrap(all).unwrap().into_inner().unwrap()
    };
    use MaxmemoryPolicy::{AllkeysLfu, AllkeysLru, AllkeysS3fifo};
    assert_eq!(clocks(AllkeysLru, None), [(Some(0), None)]);
    assert_eq!(clocks(AllkeysLru, Some(AllkeysLru)), [(Some(60), None)]);
    assert_eq!(clocks(AllkeysLfu, Some(AllkeysLfu)), [(None, Some(4))]);
    assert_eq!(clocks(AllkeysLfu, None), [(None, Some(5))]);
    assert_eq!(clocks(AllkeysLru, Some(AllkeysLfu)), [(None, None)]);
    assert_eq!(clocks(AllkeysS3fifo, None), [(None, None)]);
}

#[test]
fn a_sink_that_panics_ends_the_snapshot_as_failed_and_the_next_one_is_whole() {
    struct Panics(usize);
    impl SnapshotSink for Panics {
        fn save(&mut self, _record: &Record<'_>, portion: Portion) -> Result<bool, SinkError> {
            self.0 = self.0.checked_sub(1).expect("a sink that must not panic");
            Ok(portion.elements() == usize::MAX)
        }
    }
    for calls in [0, KEYS / 2, 2 * KEYS + 3] {
        let region = Region::start();
        let mut keyspace = filled();
        keyspace.begin_snapshot(Panics(calls), NOW).unwrap();
        let steps = std::panic::AssertUnwindSafe(|| while !step(&mut keyspace).is_complete {});
        assert!(std::panic::catch_unwind(steps).is_err());
        assert_eq!(keyspace.last_snapshot_end(), Some(SnapshotEnd::Failed));
        keyspace.check();
        to_the_end(&mut keyspace);
        assert_eq!(keyspace.last_snapshot_end(), Some(SnapshotEnd::Failed));
        assert_eq!(keyspace.allocation_size() as isize, region.held());
        let expected = state_of(&keyspace, NOW);
        let (sink, got) = Collector::new(5);
        keyspace.begin_snapshot(sink, NOW).unwrap();
        to_the_end(&mut keyspace);
        assert_eq!(got.lock().unwrap().state, expected);
    }
}

/// A place of the table holds some dozens of keys. With values of 20 KB, it has more bytes than one step
/// saves.
#[test]
fn a_place_with_many_bytes_is_saved_over_several_steps() {
    let mut keyspace = empty();
    for n in 0..KEYS {
        keyspace.set(format!("text {n}").as_bytes(), &[b'x'; 20_000], NOW).unwrap();
    }
    let expected = state_of(&keyspace, NOW);
    let (sink, got) = Collector::new(1);
    keyspace.begin_snapshot(sink, NOW).unwrap();
    loop {
        let calls = got.lock().unwrap().calls;
        let is_complete = step(&mut keyspace).is_complete;
        assert!(got.lock().unwrap().calls - calls <= 2, "32 KiB, and one value more");
        keyspace.check();
        if is_complete {
            break;
        }
    }
    assert_eq!(got.lock().unwrap().state, expected);
}

#[test]
fn a_sink_that_panics_at_the_end_has_failed() {
    struct PanicsAtTheEnd;
    impl SnapshotSink for PanicsAtTheEnd {
        fn save(&mut self, _record: &Record<'_>, _portion: Portion) -> Result<bool, SinkError> {
            Ok(true)
        }

        fn finish(&mut self) -> Result<(), SinkError> {
            panic!("a sink that must not panic");
        }
    }
    let mut keyspace = filled();
    keyspace.begin_snapshot(Collector::new(1).0, NOW).unwrap();
    to_the_end(&mut keyspace);
    assert_eq!(keyspace.last_snapshot_end(), Some(SnapshotEnd::Saved));
    keyspace.begin_snapshot(PanicsAtTheEnd, NOW).unwrap();
    let steps = std::panic::AssertUnwindSafe(|| while !step(&mut keyspace).is_complete {});
    assert!(std::panic::catch_unwind(steps).is_err());
    assert_eq!(keyspace.last_snapshot_end(), Some(SnapshotEnd::Failed));
    keyspace.check();
}
