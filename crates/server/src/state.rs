//! [`State`]: everything that the commands of all clients share. In C: `redisServer`.

use crate::append_only::AppendOnly;
use crate::client::{Client, ClientId, WatchedKey};
use crate::clients::Clients;
use crate::config::Config;
use crate::database::{Database, Removed};
use crate::latency::Latency;
use crate::monitor::Monitors;
use crate::notify;
use crate::pubsub::Channels;
use crate::rates::{Rates, Sample};
use crate::request::QueryBuffer;
use crate::slowlog::Slowlog;
use crate::snapshot::{Purpose, Snapshots};
use crate::stats::{KeyspaceCounts, Stats};
use crate::tracking::Tracking;
use rand::RngExt;
use rand::rngs::SmallRng;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use values::ReserveError;

/// Everything that the commands of all clients share.
pub(crate) struct State {
    /// The settings.
    pub(crate) config: Config,
    /// The databases.
    pub(crate) dbs: Vec<Database>,
    /// The connections.
    pub(crate) clients: Clients,
    /// A buffer for requests, which serves the clients in turn. A client with a part of a request keeps it.
    pub(crate) query: QueryBuffer,
    /// Who listens to which channel.
    pub(crate) channels: Channels,
    /// The clients of `MONITOR`.
    pub(crate) monitors: Monitors,
    /// The clients that keep copies of keys.
    pub(crate) tracking: Tracking,
    /// The counters of `INFO`.
    pub(crate) stats: Stats,
    /// How fast the counters grow.
    pub(crate) rates: Rates,
    /// The commands that took long.
    pub(crate) slowlog: Slowlog,
    /// The events that took long.
    pub(crate) latency: Latency,
    /// The snapshot that is being written, and the last one.
    pub(crate) snapshots: Snapshots,
    /// The append-only file.
    pub(crate) append_only: AppendOnly,
    /// The source of random choices.
    pub(crate) rng: SmallRng,
    /// The time at the start of this turn, in milliseconds since 1970. It does not go backwards.
    pub(crate) now: u64,
    /// When the last command ended, or the bytes of the next one were read.
    pub(crate) clock: Instant,
    /// When the server started.
    pub(crate) started: Instant,
    /// How the process names itself in `INFO`: forty hexadecimal digits.
    pub(crate) run_id: String,
    /// The number of clients that wait for a key.
    pub(crate) blocked_clients: usize,
    /// The keys that clients wait for and that have changed, with their databases.
    pub(crate) ready: Vec<(usize, Vec<u8>)>,
    /// The clients that have waited, and whose further commands can run now.
    pub(crate) resumed: Vec<ClientId>,
    /// When blocked clients stop to wait, in milliseconds since 1970.
    pub(crate) deadlines: BTreeSet<(u64, ClientId)>,
    /// While a blocked command is run again: the deadline that it had.
    pub(crate) retried_deadline: Option<Option<u64>>,
    /// While `DEBUG SET-ACTIVE-EXPIRE 0` holds, expired keys are not looked for.
    pub(crate) is_active_expire: bool,
    /// While `DEBUG PAUSE-CRON 1` holds, upkeep leaves out what is done `hz` times a second.
    pub(crate) is_cron_paused: bool,
    /// When upkeep is next due.
    pub(crate) upkeep_at: Instant,
    /// The database that upkeep looks after next.
    pub(crate) upkeep_db: usize,
    /// When upkeep last looked after clients and counters.
    pub(crate) cron_at: Instant,
    /// When an attack over HTTP is logged next, in milliseconds since 1970.
    pub(crate) next_attack_line: u64,
    /// Whether removed keys are noted.
    logs_removed: bool,
    /// The removed keys that are published, and whose removal is not yet in the append-only file.
    unappended: Vec<(usize, Removed)>,
    /// Whether the server stops, and runs no further command.
    pub(crate) is_stopping: bool,
    /// Why the server ends, if this is a failure.
    pub(crate) fatal: Option<anyhow::Error>,
    /// Writes are held back until this time, by `CLIENT PAUSE`; all commands if the flag is set.
    pub(crate) paused_until: Option<(u64, bool)>,
    /// The clients whose command is held back by a pause.
    pub(crate) held: Vec<ClientId>,
}

impl State {
    /// Returns the state of a server without clients and keys.
    pub(crate) fn new(config: Config) -> Self {
        let mut rng: SmallRng = rand::make_rng();
        let run_id = (0..40).filter_map(|_| char::from_digit(rng.random_range(0..16), 16));
        let run_id = run_id.collect();
        let dbs = (0..config.databases).map(|_| Database::new(config.options)).collect();
        let mut state = Self {
            config,
            dbs,
            clients: Clients::default(),
            query: QueryBuffer::default(),
            channels: Channels::default(),
            monitors: Monitors::default(),
            tracking: Tracking::default(),
            stats: Stats::default(),
            rates: Rates::default(),
            slowlog: Slowlog::default(),
            latency: Latency::default(),
            snapshots: Snapshots::default(),
            append_only: AppendOnly::default(),
            rng,
            now: 0,
            clock: Instant::now(),
            started: Instant::now(),
            run_id,
            blocked_clients: 0,
            ready: Vec::new(),
            resumed: Vec::new(),
            deadlines: BTreeSet::new(),
            retried_deadline: None,
            is_active_expire: true,
            is_cron_paused: false,
            upkeep_at: Instant::now(),
            upkeep_db: 0,
            cron_at: Instant::now(),
            next_attack_line: 0,
            logs_removed: false,
            unappended: Vec::new(),
            is_stopping: false,
            fatal: None,
            paused_until: None,
            held: Vec::new(),
        };
        state.update_now();
        state.snapshots.last_save = state.now / 1_000;
        state
    }

    /// Reads the clock.
    pub(crate) fn update_now(&mut self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.now = self.now.max(now.as_millis() as u64);
    }

    /// Passes the options of keys to all databases, and starts or stops noting removed keys.
    pub(crate) fn apply_options(&mut self) -> Result<(), ReserveError> {
        for db in &mut self.dbs {
            db.keys.set_options(self.config.options);
        }
        self.update_removed_log()
    }

    /// Starts noting removed keys if [`needs_removed`](Self::needs_removed) says so, and stops otherwise.
    pub(crate) fn update_removed_log(&mut self) -> Result<(), ReserveError> {
        self.log_removed(self.needs_removed())
    }

    /// Returns whether removed keys have to be known: for the events `x` and `e`, the
    /// append-only file, tracking, or `WATCH`.
    fn needs_removed(&self) -> bool {
        let is_published = self.config.notify_keyspace_events & (notify::EXPIRED | notify::EVICTED) != 0;
        is_published
            || self.append_only.is_on()
            || !self.tracking.is_empty()
            || self.dbs.iter().any(|db| !db.watching.is_empty())
    }

    /// Starts or stops noting removed keys. Does nothing if this is already so.
    pub(crate) fn log_removed(&mut self, is_on: bool) -> Result<(), ReserveError> {
        if is_on == self.logs_removed {
            return Ok(());
        }
        // If one of the databases has no memory for it, those before it note keys that nobody takes, so all of
        // them are switched off.
        let result = self.dbs.iter_mut().try_for_each(|db| db.log_removed(is_on));
        if result.is_err() {
            self.stop_removed_log();
        }
        self.logs_removed = is_on && result.is_ok();
        result
    }

    /// Stops noting removed keys if they need not be known any more. The end of a `WATCH` does not stop it,
    /// because the next `WATCH` is often near.
    pub(crate) fn relax_removed_log(&mut self) {
        if self.logs_removed && !self.needs_removed() {
            self.publish_removed();
            self.stop_removed_log();
            self.logs_removed = false;
        }
    }

    fn stop_removed_log(&mut self) {
        self.dbs.iter_mut().for_each(|db| db.keys.clear_on_event());
    }

    /// Lets a client watch a key of its database. In C: `watchForKey`.
    pub(crate) fn watch(&mut self, client: &mut Client, key: &[u8]) -> Result<(), ReserveError> {
        if client.watched.iter().any(|watched| watched.db == client.db && watched.key == key) {
            return Ok(());
        }
        self.log_removed(true)?;
        let database = &mut self.dbs[client.db];
        let was_absent = !database.keys.contains_key(key, self.now);
        database.add_watching(key, client.id);
        client.watched.push(WatchedKey { db: client.db, key: key.to_vec(), was_absent });
        client.watched_bytes += size_of::<WatchedKey>() + key.len();
        Ok(())
    }

    /// Notes that a key has changed. `running` is the client whose command has changed it. In C:
    /// `signalModifiedKey`.
    pub(crate) fn key_changed(&mut self, db: usize, key: &[u8], running: Option<&mut Client>) {
        if !self.tracking.is_empty() {
            let by = running.as_deref().map(|client| client.id);
            self.tracking.invalidate(key, by, &mut self.clients);
        }
        let database = &mut self.dbs[db];
        if !database.blocked.is_empty()
            && database.blocked.contains_key(key)
            && database.ready.insert(key.to_vec())
        {
            self.ready.push((db, key.to_vec()));
        }
        if !database.watching.is_empty() {
            self.touch_watched(db, key, running);
        }
    }

    /// Fails the transactions that watch a key.
    fn touch_watched(&mut self, db: usize, key: &[u8], mut running: Option<&mut Client>) {
        let Some(watching) = self.dbs[db].watching.get(key) else { return };
        for id in watching {
            match &mut running {
                Some(client) if client.id == *id => client.is_dirty = true,
                _ => self.clients.get_mut(*id).into_iter().for_each(|client| client.is_dirty = true),
            }
        }
    }

    /// Fails the transactions that watch a removed key, unless it was already expired when they began to watch it.
    /// Tells the clients that have copies of it.
    fn key_removed(&mut self, db: usize, key: &[u8]) {
        if !self.tracking.is_empty() {
            self.tracking.invalidate(key, None, &mut self.clients);
        }
        for id in self.dbs[db].watching.get(key).into_iter().flatten() {
            let Some(client) = self.clients.get_mut(*id) else { continue };
            let is_it = |watched: &&WatchedKey| watched.db == db && watched.key == key;
            client.is_dirty |= client.watched.iter().find(is_it).is_some_and(|watched| !watched.was_absent);
        }
    }

    /// Publishes an event about a key, if `notify-keyspace-events` asks for it.
    pub(crate) fn notify(&mut self, db: usize, class: u32, event: &str, key: &[u8]) {
        let classes = self.config.notify_keyspace_events;
        if classes & class == 0 {
            return;
        }
        if classes & notify::KEYSPACE != 0 {
            let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
            self.channels.publish(&channel, event.as_bytes(), &mut self.clients);
        }
        if classes & notify::KEYEVENT != 0 {
            let channel = format!("__keyevent@{db}__:{event}");
            self.channels.publish(channel.as_bytes(), key, &mut self.clients);
        }
    }

    /// Publishes the removed keys of one database: sends their events, fails the transactions that watch them, and
    /// tells the clients that have copies of them. Does nothing while removed keys are not noted.
    pub(crate) fn publish_removed_of(&mut self, db: usize) {
        if !self.logs_removed {
            return;
        }
        for removed in self.dbs[db].take_removed() {
            let (class, event) = match &removed {
                Removed::Expired(_) => (notify::EXPIRED, "expired"),
                Removed::Evicted(_) => (notify::EVICTED, "evicted"),
            };
            self.key_removed(db, removed.key());
            self.notify(db, class, event, removed.key());
            if self.append_only.is_on() {
                self.unappended.push((db, removed));
            }
        }
    }

    /// Publishes the removed keys of all databases. If there is an append-only file, returns those whose removal it
    /// does not have yet, with their databases.
    pub(crate) fn take_removed(&mut self) -> Vec<(usize, Removed)> {
        if self.logs_removed {
            (0..self.dbs.len()).for_each(|db| self.publish_removed_of(db));
        }
        std::mem::take(&mut self.unappended)
    }

    /// Publishes the removed keys of all databases, and appends their removals to the append-only file.
    pub(crate) fn publish_removed(&mut self) {
        for (db, removed) in self.take_removed() {
            self.append_only.buffer.push_del(db, removed.key());
            self.append_only.buffer.end_unit();
        }
    }

    /// Removes a key if it has expired, and publishes that at once: before the event of the command that has
    /// looked the key up. In C: `expireIfNeeded`.
    pub(crate) fn remove_expired(&mut self, db: usize, key: &[u8]) {
        if self.pause().is_none() && self.dbs[db].keys.remove_expired(key, self.now) {
            self.publish_removed_of(db);
        }
    }

    /// Ends the watch of all keys of a client.
    pub(crate) fn unwatch(&mut self, client: &mut Client) {
        for watched in client.watched.drain(..) {
            self.dbs[watched.db].remove_watching(&watched.key, client.id);
        }
        client.watched_bytes = 0;
        client.is_dirty = false;
    }

    /// Swaps the keys of two databases. Clients that watch or wait for a key see those of the other one. Clients that
    /// have copies of keys are told that none is valid, which Redis leaves out.
    pub(crate) fn swap(&mut self, one: usize, other: usize, running: &mut Client) {
        self.stats.dirty += 1;
        if one == other {
            return;
        }
        let changed = |dbs: &[Database]| -> Vec<(usize, Vec<u8>)> {
            let keys_of = |db: usize| {
                dbs[db].watching.keys().chain(dbs[db].blocked.keys()).map(move |key| (db, key.clone()))
            };
            keys_of(one).chain(keys_of(other)).collect()
        };
        let now = self.now;
        let exists = |dbs: &[Database], db: usize, key: &[u8]| dbs[db].keys.contains_key(key, now);
        let before: Vec<_> =
            changed(&self.dbs).into_iter().map(|(db, key)| (exists(&self.dbs, db, &key), db, key)).collect();
        let (low, high) = (one.min(other), one.max(other));
        let (left, right) = self.dbs.split_at_mut(high);
        std::mem::swap(&mut left[low].keys, &mut right[0].keys);
        self.snapshots.swap(one, other);
        std::mem::swap(&mut left[low].removed, &mut right[0].removed);
        self.tracking.flush(&mut self.clients);
        for (existed, db, key) in before {
            if existed || exists(&self.dbs, db, &key) {
                self.key_changed(db, &key, Some(running));
            }
        }
    }

    /// Forgets everything about a client that is closed.
    pub(crate) fn forget(&mut self, client: &mut Client) {
        self.unblock(client);
        self.unwatch(client);
        self.channels.remove_client(client);
        self.monitors.remove(client.id);
        self.tracking.disable(client.id);
    }

    /// Closes a client as soon as possible.
    pub(crate) fn close(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.is_closed = true;
            self.clients.touch(id);
        }
    }

    /// Returns whether the next command of a client may run: none does after the last snapshot, or before clients
    /// that wait for a key which has changed.
    pub(crate) fn takes_commands(&self) -> bool {
        self.ready.is_empty() && !self.is_stopping
    }

    /// Returns how long the loop may wait for sockets.
    pub(crate) fn wait(&self) -> Duration {
        if !self.resumed.is_empty() {
            return Duration::ZERO;
        }
        let until_upkeep = self.upkeep_at.saturating_duration_since(Instant::now());
        let until_deadline =
            self.deadlines.first().map(|(at, _)| Duration::from_millis(at.saturating_sub(self.now)));
        let until_release = match self.pause() {
            Some((at, _)) => Duration::from_millis(at.saturating_sub(self.now)),
            None if self.held.is_empty() => Duration::MAX,
            None => Duration::ZERO,
        };
        let until_deadline = until_deadline.unwrap_or(Duration::MAX);
        until_deadline.min(until_upkeep).min(until_release).min(self.snapshots.wait())
    }

    /// Takes a sample of the counters, for the rates of `INFO`.
    pub(crate) fn sample_rates(&mut self, at: Instant) {
        let Stats { commands, net_input, net_output, eventloop, .. } = self.stats;
        let (cycles, micros) = (eventloop.cycles, eventloop.micros);
        self.rates.add(Sample { at, commands, net_input, net_output, cycles, micros });
    }

    /// Returns what the keyspaces have counted since the counters were cleared.
    pub(crate) fn keyspace_counts(&self) -> KeyspaceCounts {
        self.all_keyspace_counts().since(self.stats.cleared)
    }

    /// Returns what the keyspaces have counted since the server started.
    fn all_keyspace_counts(&self) -> KeyspaceCounts {
        let sum = |of: fn(&keyspace::Keyspace) -> u64| self.dbs.iter().map(|db| of(&db.keys)).sum();
        KeyspaceCounts {
            evicted_keys: sum(keyspace::Keyspace::evicted_keys),
            expired_keys: sum(keyspace::Keyspace::expired_keys),
            lazyfreed_objects: sum(keyspace::Keyspace::lazyfreed_objects),
        }
    }

    /// Clears the counters of `INFO`. Those that describe the present stay.
    pub(crate) fn reset_stats(&mut self) {
        let (dirty, peak_memory, cleared) =
            (self.stats.dirty, zmalloc::used_memory(), self.all_keyspace_counts());
        self.stats = Stats { dirty, peak_memory, cleared, ..Default::default() };
        self.rates.clear();
        (self.append_only.rewrites, self.append_only.delayed_fsync, self.snapshots.saves) = (0, 0, 0);
    }

    /// Saves all databases, and returns when the file is complete.
    pub(crate) fn save(&mut self) -> Result<(), rdb::SaveError> {
        let path = self.config.snapshot_path();
        self.snapshots.save(&self.dbs, &path, &self.config.write_options(), self.now)?;
        self.stats.dirty = 0;
        Ok(())
    }

    /// Writes the commands that have changed keys to the append-only file. In C: `flushAppendOnlyFile`.
    ///
    /// # Errors
    /// Only by `appendfsync always`. The replies must not be sent then.
    pub(crate) fn flush_append_only(&mut self) -> std::io::Result<()> {
        if !self.append_only.is_on() {
            return Ok(());
        }
        let start = Instant::now();
        let result = self.append_only.flush(self.config.appendfsync, false);
        self.stats.eventloop.aof_micros += start.elapsed().as_micros() as u64;
        result
    }

    /// Begins to save all databases while clients are served.
    pub(crate) fn begin_snapshot(&mut self) -> Result<(), rdb::SaveError> {
        let (path, options) = (self.config.snapshot_path(), self.config.write_options());
        self.snapshots.begin(Purpose::Save, &mut self.dbs, &path, &options, self.now, self.stats.dirty)
    }
}
