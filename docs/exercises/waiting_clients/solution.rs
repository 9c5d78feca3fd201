//! Lists, and clients that wait for them.

use std::collections::{HashMap, VecDeque};

/// The number of a client.
pub(crate) type ClientId = u32;

/// A client, the key of a list, and the element that the client has taken.
pub(crate) type Reply = (ClientId, String, String);

/// The lists of a store.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// The lists, which are not empty.
    pub(crate) lists: HashMap<String, VecDeque<String>>,
    /// The clients that wait for each key, beginning with the one that has waited longest.
    pub(crate) waiting: HashMap<String, VecDeque<ClientId>>,
    /// What clients have taken.
    pub(crate) replies: Vec<Reply>,
    /// The keys that each client waits for.
    keys_of: HashMap<ClientId, Vec<String>>,
}

impl Store {
    /// Takes an element of the first key that has one, or lets the client wait for all of the keys.
    pub(crate) fn blpop(&mut self, client: ClientId, keys: &[&str]) {
        if let Some((key, element)) = keys.iter().find_map(|key| Some((*key, self.take(key)?))) {
            self.replies.push((client, key.to_owned(), element));
            return;
        }
        let mut waits_for: Vec<String> = Vec::new();
        for &key in keys {
            if !waits_for.iter().any(|other| other == key) {
                waits_for.push(key.to_owned());
                self.waiting.entry(key.to_owned()).or_default().push_back(client);
            }
        }
        self.keys_of.insert(client, waits_for);
    }

    /// Appends elements to a list, and serves the clients that wait for it.
    pub(crate) fn rpush(&mut self, key: &str, elements: &[&str]) {
        if !elements.is_empty() {
            let list = self.lists.entry(key.to_owned()).or_default();
            list.extend(elements.iter().copied().map(str::to_owned));
        }
        while let Some(&client) = self.waiting.get(key).and_then(VecDeque::front)
            && let Some(element) = self.take(key)
        {
            self.disconnect(client);
            self.replies.push((client, key.to_owned(), element));
        }
    }

    /// Forgets a client.
    pub(crate) fn disconnect(&mut self, client: ClientId) {
        for key in self.keys_of.remove(&client).unwrap_or_default() {
            if let Some(queue) = self.waiting.get_mut(&key) {
                queue.retain(|other| *other != client);
                if queue.is_empty() {
                    self.waiting.remove(&key);
                }
            }
        }
    }

    /// Takes the first element of a list.
    fn take(&mut self, key: &str) -> Option<String> {
        let list = self.lists.get_mut(key)?;
        let element = list.pop_front()?;
        if list.is_empty() {
            self.lists.remove(key);
        }
        Some(element)
    }
}
