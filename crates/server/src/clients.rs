//! [`Clients`]: all connections.
//!
//! A client is taken out while one of its commands runs, so that the command can change the client and the
//! server at once. Messages for other clients are written to them directly. A message for the client itself
//! waits until its command has written its reply.

use crate::client::{Client, ClientId};
use crate::reply::{Protocol, Reply};
use std::collections::BTreeMap;

/// All connections.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// The clients. A slot is empty if it is free, or while a command of its client runs.
    slots: Vec<Option<Box<Client>>>,
    free: Vec<usize>,
    by_id: BTreeMap<ClientId, usize>,
    next_id: ClientId,
    /// The slots of clients with bytes to send, or to be closed. A slot may be there twice.
    touched: Vec<usize>,
    /// The client whose command runs.
    running: Option<Running>,
    /// The bytes of all clients, as of the last [`recount`](Self::recount) of each.
    bytes: usize,
}

/// The client whose command runs.
#[derive(Debug)]
struct Running {
    id: ClientId,
    /// The messages that it will be sent after its reply.
    messages: Reply,
    /// Whether it listens to channels.
    is_listening: bool,
}

/// The form of a push message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushForm {
    /// As a push of RESP3.
    Push,
    /// As a message of a channel: it has RESP2, and listens to channels.
    Message,
    /// Not at all: it has RESP2, and waits only for replies.
    Nothing,
}

impl Clients {
    /// Returns the number of clients.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns the number of the next client, and the slot that it will have.
    pub(crate) fn next(&self) -> (ClientId, usize) {
        (self.next_id + 1, self.free.last().copied().unwrap_or(self.slots.len()))
    }

    /// Adds a client, in the slot of [`next`](Self::next).
    pub(crate) fn insert(&mut self, client: Client) {
        let (id, slot) = self.next();
        debug_assert_eq!(id, client.id);
        self.next_id = id;
        self.by_id.insert(id, slot);
        if self.free.pop().is_none() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(Box::new(client));
    }

    /// Takes the client of a slot out, to run a command of it.
    pub(crate) fn take(&mut self, slot: usize) -> Option<Box<Client>> {
        let client = self.slots.get_mut(slot)?.take()?;
        let is_listening = !client.subscriptions.is_empty();
        self.running = Some(Running { id: client.id, messages: client.reply.next(), is_listening });
        Some(client)
    }

    /// Puts the client back, and appends the messages for it. Notes whether it has something to send.
    pub(crate) fn put_back(&mut self, slot: usize, mut client: Box<Client>) {
        if let Some(running) = self.running.take() {
            client.reply.append(running.messages);
        }
        client.was_served = true;
        if !client.reply.is_empty() || client.is_closed || client.closes_after_reply {
            self.touched.push(slot);
        }
        self.slots[slot] = Some(client);
        self.recount(slot);
    }

    /// Counts the memory of a client again, when its buffers may have changed.
    pub(crate) fn recount(&mut self, slot: usize) {
        if let Some(client) = self.slots.get_mut(slot).and_then(Option::as_deref_mut) {
            let bytes = client.memory();
            self.bytes = self.bytes - client.counted_bytes + bytes;
            client.counted_bytes = bytes;
        }
    }

    /// Returns the bytes of memory that all clients take. The client whose command runs counts with what it took
    /// before.
    pub(crate) fn memory(&self) -> usize {
        self.bytes
    }

    /// Appends the messages that have arrived for the client that is taken out, after a command of it.
    pub(crate) fn deliver_own(&mut self, client: &mut Client) {
        if let Some(Running { messages, is_listening, .. }) = &mut self.running {
            if !messages.is_empty() {
                client.reply.append(std::mem::take(messages));
            }
            // The command may have been `HELLO` or `SUBSCRIBE`.
            *messages = client.reply.next();
            *is_listening = !client.subscriptions.is_empty();
        }
    }

    /// Removes the client of a slot.
    pub(crate) fn remove(&mut self, slot: usize) -> Option<Box<Client>> {
        let client = self.slots.get_mut(slot)?.take()?;
        self.by_id.remove(&client.id);
        self.bytes -= client.counted_bytes;
        self.free.push(slot);
        Some(client)
    }

    /// Returns the slot of a client.
    pub(crate) fn slot_of(&self, id: ClientId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }

    /// Returns the client of a slot.
    pub(crate) fn in_slot(&mut self, slot: usize) -> Option<&mut Client> {
        self.slots.get_mut(slot)?.as_deref_mut()
    }

    /// Returns a client for changing it. The client whose command runs is not found.
    pub(crate) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        let slot = self.slot_of(id)?;
        self.slots[slot].as_deref_mut()
    }

    /// Returns a client. The client whose command runs is not found.
    pub(crate) fn get(&self, id: ClientId) -> Option<&Client> {
        self.slots[self.slot_of(id)?].as_deref()
    }

    /// Returns an iterator over the clients, in the order in which they connected. The client whose command
    /// runs is not among them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Client> {
        self.by_id.values().filter_map(|slot| self.slots[*slot].as_deref())
    }

    /// Returns an iterator over the clients, for changing them. The client whose command runs is not among them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Client> {
        self.slots.iter_mut().filter_map(Option::as_deref_mut)
    }

    /// Returns the numbers of all clients, in the order in which they connected.
    pub(crate) fn ids(&self) -> Vec<ClientId> {
        self.by_id.keys().copied().collect()
    }

    /// Returns how a client is sent what it has not asked for. Returns `None` if it is closed.
    pub(crate) fn push_form(&self, id: ClientId) -> Option<PushForm> {
        let slot = self.slot_of(id)?;
        let (protocol, is_listening) = match (&self.slots[slot], &self.running) {
            (Some(client), _) if client.is_closed => return None,
            (Some(client), _) => (client.reply.protocol(), !client.subscriptions.is_empty()),
            (None, Some(running)) => (running.messages.protocol(), running.is_listening),
            (None, None) => return None,
        };
        Some(match protocol {
            Protocol::Resp3 => PushForm::Push,
            Protocol::Resp2 if is_listening => PushForm::Message,
            Protocol::Resp2 => PushForm::Nothing,
        })
    }

    /// Sends a message to a client.
    pub(crate) fn send(&mut self, id: ClientId, write: impl FnOnce(&mut Reply)) {
        if let Some(running) = &mut self.running
            && running.id == id
        {
            write(&mut running.messages);
            return;
        }
        let Some(slot) = self.slot_of(id) else { return };
        if let Some(client) = self.slots[slot].as_deref_mut() {
            write(&mut client.reply);
            self.touched.push(slot);
        }
    }

    /// Notes that a client has something to send, or is to be closed.
    pub(crate) fn touch(&mut self, id: ClientId) {
        self.touched.extend(self.slot_of(id));
    }

    /// Notes that the socket of a slot takes bytes again.
    pub(crate) fn touch_slot(&mut self, slot: usize) {
        self.touched.push(slot);
    }

    /// Returns the slots that were noted since the last call.
    pub(crate) fn take_touched(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.touched)
    }
}
