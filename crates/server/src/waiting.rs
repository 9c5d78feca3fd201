//! The commands that wait: for a key, or until `CLIENT PAUSE` is over.

use crate::args::OwnedArgs;
use crate::client::{Blocked, Client, ClientId, TimeoutReply};
use crate::database::remove_waiting;
use crate::state::State;
use std::collections::BTreeSet;
use values::ObjectType;

/// Takes the command that a client waits with, and forgets that it waits.
fn take_blocked(
    client: &mut Client,
    blocked_clients: &mut usize,
    deadlines: &mut BTreeSet<(u64, ClientId)>,
) -> Option<Blocked> {
    let blocked = client.blocked.take()?;
    *blocked_clients -= 1;
    if let Some(deadline) = blocked.deadline {
        deadlines.remove(&(deadline, client.id));
    }
    Some(blocked)
}

impl State {
    /// Ends the wait of a client.
    pub(crate) fn unblock(&mut self, client: &mut Client) -> Option<Blocked> {
        let blocked = self.interrupt_wait(client)?;
        self.leave_queues(&blocked, client.db, client.id);
        Some(blocked)
    }

    /// Ends the wait of a client, but leaves it its place among those that wait for the same keys.
    pub(crate) fn interrupt_wait(&mut self, client: &mut Client) -> Option<Blocked> {
        take_blocked(client, &mut self.blocked_clients, &mut self.deadlines)
    }

    /// Ends the wait for a key of another client than the one whose command runs.
    pub(crate) fn unblock_other(&mut self, id: ClientId) -> Option<Blocked> {
        // A command without keys does not wait for one: it is held back by `CLIENT PAUSE`.
        let client = self.clients.get_mut(id)?;
        client.blocked.as_ref().filter(|blocked| !blocked.keys.is_empty())?;
        let db = client.db;
        let blocked = take_blocked(client, &mut self.blocked_clients, &mut self.deadlines)?;
        self.leave_queues(&blocked, db, id);
        self.resumed.push(id);
        Some(blocked)
    }

    /// Removes a client from those that wait for the keys of its command.
    pub(crate) fn leave_queues(&mut self, blocked: &Blocked, db: usize, id: ClientId) {
        for key in &blocked.keys {
            remove_waiting(&mut self.dbs[db].blocked, key, id);
        }
    }

    /// Returns until when commands are held back, and whether reads are too.
    pub(crate) fn pause(&self) -> Option<(u64, bool)> {
        self.paused_until.filter(|(until, _)| *until > self.now)
    }

    /// Holds a command back until the pause is over. In C: `blockPostponeClient`.
    pub(crate) fn hold(&mut self, client: &mut Client, request: OwnedArgs) {
        client.blocked = Some(Blocked {
            keys: Vec::new(),
            wanted: ObjectType::String,
            deadline: None,
            request,
            timeout_reply: TimeoutReply::Null,
        });
        self.blocked_clients += 1;
        self.held.push(client.id);
    }
}
