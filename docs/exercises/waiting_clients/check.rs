//! Checks that clients which wait are served in the right order.

#[cfg_attr(feature = "solutions", path = "solution.rs")]
mod exercise;

use exercise::{ClientId, Reply, Store};

fn reply(client: ClientId, key: &str, element: &str) -> Reply {
    (client, key.to_owned(), element.to_owned())
}

#[test]
fn a_client_takes_from_its_first_key_that_has_elements() {
    let mut store = Store::default();
    store.rpush("b", &["1", "2"]);
    store.rpush("c", &["3"]);
    store.blpop(7, &["a", "b", "c"]);
    store.blpop(7, &["c", "b"]);
    assert_eq!(store.replies, [reply(7, "b", "1"), reply(7, "c", "3")]);
    assert_eq!((store.lists.len(), store.lists["b"].len(), store.waiting.len()), (1, 1, 0));
}

#[test]
fn the_client_that_has_waited_longest_is_served_first() {
    let mut store = Store::default();
    (1..=3).for_each(|client| store.blpop(client, &["queue"]));
    assert!(store.replies.is_empty());
    store.rpush("queue", &["a", "b"]);
    assert_eq!(store.replies, [reply(1, "queue", "a"), reply(2, "queue", "b")]);
    assert_eq!((store.lists.len(), store.waiting["queue"].len()), (0, 1));
    store.rpush("queue", &["c", "d"]);
    assert_eq!(store.replies[2..], [reply(3, "queue", "c")]);
    assert_eq!((store.lists["queue"].len(), store.waiting.len()), (1, 0));
}

#[test]
fn a_client_that_was_served_waits_for_no_other_key() {
    let mut store = Store::default();
    store.blpop(1, &["a", "b"]);
    store.rpush("b", &["x"]);
    store.rpush("a", &["y"]);
    assert_eq!(store.replies, [reply(1, "b", "x")]);
    assert_eq!((store.lists.len(), store.waiting.len()), (1, 0));
}

#[test]
fn a_client_that_has_left_takes_nothing() {
    let mut store = Store::default();
    store.blpop(1, &["a", "b"]);
    store.blpop(2, &["b"]);
    store.disconnect(1);
    store.disconnect(1);
    store.disconnect(99);
    store.rpush("b", &["x"]);
    store.rpush("a", &["y"]);
    assert_eq!(store.replies, [reply(2, "b", "x")]);
    assert!(store.waiting.is_empty());
}

#[test]
fn a_key_that_is_named_twice_counts_once() {
    let mut store = Store::default();
    store.blpop(1, &["a", "a"]);
    assert_eq!(store.waiting["a"].len(), 1);
    store.rpush("a", &["x", "y"]);
    assert_eq!(store.replies, [reply(1, "a", "x")]);
    assert_eq!((store.lists["a"].len(), store.waiting.len()), (1, 0));
}

#[test]
fn nothing_is_appended_if_there_are_no_elements() {
    let mut store = Store::default();
    store.rpush("a", &[]);
    store.blpop(1, &["a"]);
    store.rpush("a", &[]);
    assert!(store.lists.is_empty() && store.replies.is_empty());
    assert_eq!(store.waiting["a"], [1]);
}

/// A store that searches all clients for each element.
#[derive(Default)]
struct Slow {
    elements: Vec<(usize, String)>,
    waiting: Vec<(ClientId, Vec<usize>)>,
    replies: Vec<(ClientId, usize, String)>,
}

impl Slow {
    fn take(&mut self, key: usize) -> Option<String> {
        let at = self.elements.iter().position(|element| element.0 == key)?;
        Some(self.elements.remove(at).1)
    }

    fn serve(&mut self) {
        while let Some((at, key)) = self.waiting.iter().enumerate().find_map(|(at, (_, keys))| {
            let has_element = |key: &&usize| self.elements.iter().any(|element| element.0 == **key);
            Some((at, *keys.iter().find(has_element)?))
        }) {
            let element = self.take(key).unwrap();
            self.replies.push((self.waiting.remove(at).0, key, element));
        }
    }
}

#[test]
fn long_series_of_commands_do_the_same_as_a_slow_store() {
    const KEYS: [&str; 4] = ["a", "b", "c", "d"];
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut store, mut slow) = (Store::default(), Slow::default());
    for n in 0..20_000 {
        let key = random(4) as usize;
        match random(9) {
            0..4 => {
                let elements: Vec<String> = (0..random(3)).map(|part| format!("{n}.{part}")).collect();
                store.rpush(KEYS[key], &elements.iter().map(String::as_str).collect::<Vec<_>>());
                slow.elements.extend(elements.into_iter().map(|element| (key, element)));
                slow.serve();
            }
            4..8 => {
                let client = random(20) as ClientId;
                if !slow.waiting.iter().any(|(other, _)| *other == client) {
                    let keys: Vec<usize> = (0..=random(2)).map(|_| random(4) as usize).collect();
                    store.blpop(client, &keys.iter().map(|key| KEYS[*key]).collect::<Vec<_>>());
                    slow.waiting.push((client, keys));
                    slow.serve();
                }
            }
            _ => {
                let client = random(20) as ClientId;
                store.disconnect(client);
                slow.waiting.retain(|(other, _)| *other != client);
            }
        }
        let replies: Vec<Reply> =
            slow.replies.drain(..).map(|(client, key, element)| reply(client, KEYS[key], &element)).collect();
        assert_eq!(std::mem::take(&mut store.replies), replies, "command {n}");
        for (key, name) in KEYS.into_iter().enumerate() {
            let list: Vec<&String> =
                slow.elements.iter().filter(|element| element.0 == key).map(|element| &element.1).collect();
            assert!(store.lists.get(name).into_iter().flatten().eq(list.iter().copied()), "{name}");
            let waits = |waiting: &&(ClientId, Vec<usize>)| waiting.1.contains(&key);
            let waiting: Vec<ClientId> = slow.waiting.iter().filter(waits).map(|waiting| waiting.0).collect();
            assert!(store.waiting.get(name).into_iter().flatten().eq(&waiting), "{name}");
        }
        assert!(store.lists.values().all(|list| !list.is_empty()));
        assert!(store.waiting.values().all(|queue| !queue.is_empty()));
    }
}
