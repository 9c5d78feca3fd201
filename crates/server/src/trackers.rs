//! What the [`State`] does for clients that keep copies of keys, beyond the table of [`tracking`](crate::tracking).

use crate::client::{Client, ClientId};
use crate::state::State;
use crate::tracking::Tracker;
use rand::RngExt;
use values::ReserveError;

impl State {
    /// Starts to tell a client which of its copies of keys are old.
    pub(crate) fn track(&mut self, id: ClientId, tracker: Tracker) -> Result<(), ReserveError> {
        self.log_removed(true)?;
        self.tracking.enable(id, tracker);
        Ok(())
    }

    /// Tells clients about the keys for which the table of tracked keys has no room. `client` is told about them, and
    /// about those that were evicted for its command, before its command has a reply.
    pub(crate) fn tell_trackers(&mut self, client: &mut Client) {
        self.limit_tracked_keys();
        self.clients.deliver_own(client);
    }

    /// Removes tracked keys beyond `tracking-table-max-keys`.
    pub(crate) fn limit_tracked_keys(&mut self) {
        let (max_keys, rng) = (self.config.tracking_table_max_keys, &mut self.rng);
        self.tracking.limit(max_keys, || rng.random(), &mut self.clients);
    }
}
