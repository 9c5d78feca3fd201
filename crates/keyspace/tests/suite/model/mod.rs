//! Two keyspaces are compared with a model of two std maps: answers, contents, events and times must be the
//! same, and every byte must be accounted for.
//!
//! The encoding limits are small, so that values change their encoding often. The model has no encodings.

mod apply;
mod ops;
mod oracle;

use apply::{apply, content_of};
use keyspace::{Event, Keyspace, MaxmemoryPolicy, Options, Ttl};
use ops::{Bytes, op};
use oracle::{Answer, Db, LEN_MAX, OwnedEvent, TOO_LONG};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, LazyLock, Mutex};
use symbols::SymbolTable;
use testing::integer;
use values::Encoding;
use zmalloc::Region;

/// The longest string that Redis keeps in its header's block.
const EMBSTR_SIZE_LIMIT: usize = 44;

/// A keyspace, the events that it has reported, and its model.
pub(crate) struct Pair {
    keyspace: Keyspace,
    events: Arc<Mutex<Vec<OwnedEvent>>>,
    db: Db,
}

/// Both keyspaces.
pub(crate) struct World {
    pairs: [Pair; 2],
    now: u64,
    /// The replies that are held, the bytes that they must have, and whether they share the string.
    replies: Vec<(bytes::Bytes, Bytes, bool)>,
}

fn options(limit: usize) -> Options {
    Options::new()
        .hash_max_listpack_entries(limit)
        .hash_max_listpack_value(12 * limit)
        .list_max_listpack_size(if limit == 8 { -1 } else { limit as i32 })
        .set_max_intset_entries(limit)
        .set_max_listpack_entries(limit / 2)
        .set_max_listpack_value(12 * limit)
        .zset_max_listpack_entries(limit)
        .zset_max_listpack_value(12 * limit)
        .proto_max_bulk_len(LEN_MAX)
}

fn owned_event(event: Event<'_>) -> OwnedEvent {
    match event {
        Event::Set(key) => OwnedEvent::Set(key.to_vec()),
        Event::Changed(key) => OwnedEvent::Changed(key.to_vec()),
        Event::Expired(key) => OwnedEvent::Expired(key.to_vec()),
        Event::Removed(key) => OwnedEvent::Removed(key.to_vec()),
        Event::Renamed { from, to } => OwnedEvent::Renamed(from.to_vec(), to.to_vec()),
        Event::Cleared => OwnedEvent::Cleared,
        _ => panic!("another event"),
    }
}

impl Pair {
    /// `has_callback` says whether the keyspace has a callback for events.
    fn new(has_callback: bool) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let mut keyspace = Keyspace::with_options(options(4));
        let to = events.clone();
        if has_callback {
            keyspace.on_event(move |event| to.lock().unwrap().push(owned_event(event))).unwrap();
        }
        Self { keyspace, events, db: Db::default() }
    }

    /// Finds the expired keys that are still there, by a look-up at an earlier time. It is called if there is
    /// no callback.
    fn find_stale_keys(&mut self) {
        let Self { keyspace, db, .. } = self;
        db.expected_events.clear();
        db.stale.retain(|key| !db.keys.contains_key(key) && keyspace.contains_key(key, 0));
    }

    /// Compares the events with the expected ones. Any operation may remove an expired key. Its event must
    /// occur once, and before the event of a key that takes its place.
    fn check_events(&mut self, answer: &Answer) {
        let mut events = mem::take(&mut *self.events.lock().unwrap());
        events.retain(|event| match event {
            OwnedEvent::Expired(key) => {
                assert!(self.db.stale.remove(key), "{key:?} has not expired, or has been told about");
                false
            }
            OwnedEvent::Set(key) | OwnedEvent::Renamed(_, key) => {
                assert!(!self.db.stale.contains(key), "{key:?} was still there");
                true
            }
            OwnedEvent::Changed(_) | OwnedEvent::Removed(_) | OwnedEvent::Cleared => true,
        });
        if *answer == Answer::Error(TOO_LONG) {
            events.retain(|event| !matches!(event, OwnedEvent::Changed(_))); // The edit may have done a part.
        }
        if events.iter().all(|event| matches!(event, OwnedEvent::Removed(_))) {
            events.sort(); // `retain` visits keys in the order of the table.
        }
        assert_eq!(events, mem::take(&mut self.db.expected_events));
    }

    fn check(&self, now: u64) {
        let Self { keyspace, db, .. } = self;
        keyspace.check();
        assert_eq!(keyspace.len(), db.keys.len() + db.stale.len());
        let expires = db.keys.values().filter(|held| held.expiry.is_some()).count();
        assert_eq!(keyspace.expires(), expires + db.stale.len());
        let contents: BTreeMap<_, _> =
            keyspace.iter(now).map(|(key, value)| (key.to_vec(), content_of(value))).collect();
        assert_eq!(contents.len(), db.keys.len());
        let mut bytes = 0;
        for (key, held) in &db.keys {
            assert_eq!(contents.get(&key[..]), Some(&held.content), "{key:?}");
            assert_eq!(keyspace.expire_time(key, now), held.expiry.map_or(Ttl::Persistent, Ttl::Millis));
            let left = held.expiry.map_or(Ttl::Persistent, |at| Ttl::Millis(at - now));
            assert_eq!(keyspace.ttl(key, now), left);
            assert_eq!(keyspace.object_type(key, now), Some(held.content.object_type()));
            if let oracle::Content::String(text) = &held.content {
                assert_eq!(keyspace.strlen(key, now), Ok(text.len()));
                let by_length = if text.len() > EMBSTR_SIZE_LIMIT { Encoding::Raw } else { Encoding::EmbStr };
                let encoding = keyspace.encoding(key, now).unwrap();
                match encoding {
                    Encoding::Raw if held.is_edited => {}
                    // Coding a string makes it one that was not edited.
                    encoding if held.is_edited => {
                        assert!(encoding == by_length && db.had_symbols, "{encoding}")
                    }
                    Encoding::Int => assert!(integer(text).is_some()),
                    encoding => assert_eq!(encoding, by_length),
                }
            }
            bytes += keyspace.memory_usage(key, now).unwrap();
        }
        if db.stale.is_empty() {
            assert!(bytes <= keyspace.allocation_size() && (bytes == 0) == db.keys.is_empty());
        }
        for key in &db.stale {
            assert!(keyspace.get(key, now).is_none() && !keyspace.contains_key(key, now));
            assert_eq!((keyspace.ttl(key, now), keyspace.memory_usage(key, now)), (Ttl::Absent, None));
        }
    }
}

/// Symbol tables for the texts and keys of the operations.
static TABLES: LazyLock<[Arc<SymbolTable>; 2]> = LazyLock::new(|| {
    let table = |symbols: &[&str]| Arc::new(SymbolTable::from_symbols(symbols).unwrap());
    [
        table(&["kkkkkkkk", "xxxxxxxx", "x", "yyyyyyyy", "000", "1", "\0"]),
        table(&["kkkk", "xxxx", "yy", "y", "zzzzzzzz", "zzz", "-1"]),
    ]
});

/// One policy for each way to read and set clocks.
const POLICIES: [MaxmemoryPolicy; 4] = [
    MaxmemoryPolicy::Noeviction,
    MaxmemoryPolicy::AllkeysLrm,
    MaxmemoryPolicy::AllkeysLfu,
    MaxmemoryPolicy::AllkeysS3fifo,
];

proptest! {
    #![proptest_config(testing::config(600, 2))]

    #[test]
    fn a_keyspace_does_what_the_commands_say(
        ops in prop::collection::vec((op(), prop::bool::weighted(0.2)), 0..80),
        policy in prop::sample::select(&POLICIES[..]),
        has_callback in any::<bool>(),
    ) {
        LazyLock::force(&TABLES);
        let region = Region::start();
        let mut world = World { pairs: [Pair::new(has_callback), Pair::new(has_callback)], now: 1_000_000, replies: vec![] };
        let callbacks = region.held() as usize;
        for Pair { keyspace, .. } in &mut world.pairs {
            keyspace.set_options(options(3).maxmemory_policy(policy));
        }
        for (op, second) in &ops {
            let answer = apply(&mut world, op, usize::from(*second));
            for pair in &mut world.pairs {
                if has_callback {
                    pair.check_events(&answer);
                } else {
                    pair.find_stale_keys();
                }
                pair.check(world.now);
            }
            prop_assert!(world.replies.iter().all(|(reply, text, _)| reply == text));
            let lent: usize = world.pairs.iter().map(|pair| pair.keyspace.lent_bytes()).sum();
            let long = world.replies.iter().filter(|(.., is_lent)| *is_lent).map(|(_, text, _)| text.len());
            prop_assert!(lent >= long.clone().sum() && (lent > 0) == (long.count() > 0));
            if world.replies.is_empty() {
                let bytes: usize = world.pairs.iter().map(|pair| pair.keyspace.allocation_size()).sum();
                prop_assert_eq!(region.held() as usize, bytes + callbacks);
            }
        }
        drop(world);
        prop_assert_eq!(region.held(), 0);
    }
}
