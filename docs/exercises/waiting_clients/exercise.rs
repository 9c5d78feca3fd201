//! Lists, and clients that wait for them.

use std::collections::{HashMap, VecDeque};

/// The number of a client.
pub(crate) type ClientId = u32;

/// A client, the key of a list, and the element that the client has taken.
pub(crate) type Reply = (ClientId, String, String);

/// The lists of a store. Add fields if you need some.
#[derive(Debug, Default)]
pub(crate) struct Store {
    /// The lists, which are not empty.
    pub(crate) lists: HashMap<String, VecDeque<String>>,
    /// The clients that wait for each key, beginning with the one that has waited longest.
    pub(crate) waiting: HashMap<String, VecDeque<ClientId>>,
    /// What clients have taken.
    pub(crate) replies: Vec<Reply>,
}

impl Store {
    /// Takes an element of the first key that has one, or lets the client wait for all of the keys.
    pub(crate) fn blpop(&mut self, client: ClientId, keys: &[&str]) {
        todo!("client {client} takes an element of {keys:?} from {self:?}")
    }

    /// Appends elements to a list, and serves the clients that wait for it.
    pub(crate) fn rpush(&mut self, key: &str, elements: &[&str]) {
        todo!("append {elements:?} to {key} of {self:?}")
    }

    /// Forgets a client.
    pub(crate) fn disconnect(&mut self, client: ClientId) {
        todo!("client {client} leaves {self:?}")
    }
}
