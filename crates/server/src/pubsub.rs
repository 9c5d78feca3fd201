//! [`Channels`]: who listens to which channel.

use crate::client::{Client, ClientId};
use crate::clients::Clients;
use keyspace::glob_match;
use std::collections::{BTreeMap, BTreeSet};

/// The clients of each channel, so that one of many clients leaves in logarithmic time.
type Listeners = BTreeMap<Vec<u8>, BTreeSet<ClientId>>;

/// Who listens to which channel.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    channels: Listeners,
    patterns: Listeners,
    shard_channels: Listeners,
}

/// The kinds of subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `SUBSCRIBE`.
    Channel,
    /// `PSUBSCRIBE`.
    Pattern,
    /// `SSUBSCRIBE`.
    Shard,
}

/// Returns the bytes that a name takes among the subscriptions of a client.
fn name_bytes(name: &[u8]) -> usize {
    size_of::<Vec<u8>>() + name.len()
}

impl Channels {
    fn listeners(&mut self, kind: Kind) -> &mut Listeners {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shard_channels,
        }
    }

    /// Adds a listener. Returns `false` if the client listens already.
    pub(crate) fn subscribe(&mut self, kind: Kind, name: &[u8], client: &mut Client) -> bool {
        let is_new = client.subscriptions.of(kind).insert(name.to_vec());
        if is_new {
            client.subscriptions.bytes += name_bytes(name);
            self.listeners(kind).entry(name.to_vec()).or_default().insert(client.id);
        }
        is_new
    }

    /// Removes a listener. Returns `false` if the client does not listen.
    pub(crate) fn unsubscribe(&mut self, kind: Kind, name: &[u8], client: &mut Client) -> bool {
        let is_there = client.subscriptions.of(kind).remove(name);
        if is_there {
            client.subscriptions.bytes -= name_bytes(name);
        }
        let listeners = self.listeners(kind);
        if let Some(ids) = listeners.get_mut(name) {
            ids.remove(&client.id);
            if ids.is_empty() {
                listeners.remove(name);
            }
        }
        is_there
    }

    /// Removes a client from all channels.
    pub(crate) fn remove_client(&mut self, client: &mut Client) {
        for kind in [Kind::Channel, Kind::Pattern, Kind::Shard] {
            while let Some(name) = client.subscriptions.of(kind).first().cloned() {
                self.unsubscribe(kind, &name, client);
            }
        }
    }

    /// Sends a message to all clients that listen to the channel, or to a pattern that matches it. Returns
    /// their number.
    pub(crate) fn publish(&self, channel: &[u8], message: &[u8], clients: &mut Clients) -> usize {
        let mut receivers = 0;
        for id in self.channels.get(channel).into_iter().flatten() {
            clients.send(*id, |reply| {
                reply.push(3);
                [b"message", channel, message].iter().for_each(|part| reply.bulk(part));
            });
            receivers += 1;
        }
        for (pattern, ids) in self.patterns.iter().filter(|(pattern, _)| glob_match(pattern, channel)) {
            for id in ids {
                clients.send(*id, |reply| {
                    reply.push(4);
                    [b"pmessage", &pattern[..], channel, message].iter().for_each(|part| reply.bulk(part));
                });
                receivers += 1;
            }
        }
        receivers
    }

    /// Sends a message to all clients that listen to the channel by `SSUBSCRIBE`. Returns their number.
    pub(crate) fn publish_to_shard(&self, channel: &[u8], message: &[u8], clients: &mut Clients) -> usize {
        let ids = self.shard_channels.get(channel);
        for id in ids.into_iter().flatten() {
            clients.send(*id, |reply| {
                reply.push(3);
                [b"smessage", channel, message].iter().for_each(|part| reply.bulk(part));
            });
        }
        ids.map_or(0, BTreeSet::len)
    }

    /// Returns the names of a kind that match, in order.
    pub(crate) fn names<'a>(
        &'a self,
        kind: Kind,
        pattern: Option<&'a [u8]>,
    ) -> impl Iterator<Item = &'a [u8]> {
        let listeners = match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
            Kind::Shard => &self.shard_channels,
        };
        let matches = move |name: &&[u8]| pattern.is_none_or(|pattern| glob_match(pattern, name));
        listeners.keys().map(Vec::as_slice).filter(matches)
    }

    /// Returns the number of listeners of a channel.
    pub(crate) fn count(&mut self, kind: Kind, name: &[u8]) -> usize {
        self.listeners(kind).get(name).map_or(0, BTreeSet::len)
    }
}

impl crate::client::Subscriptions {
    /// Returns the names of a kind.
    pub(crate) fn of(&mut self, kind: Kind) -> &mut std::collections::BTreeSet<Vec<u8>> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shard_channels,
        }
    }
}
