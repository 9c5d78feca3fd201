//! [`Server`]: the loop that accepts connections, reads requests, runs commands and sends replies.
//!
//! One thread does everything. A turn of the loop has four steps:
//!
//! ```text
//!  wait    until a socket is ready, a client has waited long enough, or upkeep is due
//!  read    requests of the sockets that are ready, and run them
//!  send    replies to all clients that have some
//!  upkeep  expire, evict, free, resize and save, in short slices, and send what follows from it
//! ```
//!
//! Requests of one client that have arrived together are found before the first of them runs, and their keys are
//! prefetched, as Valkey does.
//!
//! Follow `GET` from here: `serve` reads into the client's [`QueryBuffer`](crate::request), and
//! [`execute`](crate::commands::execute) finds the command in the table and calls it. The command asks the
//! [`Keyspace`](keyspace::Keyspace), and writes into the client's [`Reply`](crate::reply).

use crate::client::Client;
use crate::commands::{execute, find, release_held, retry_ready, run_blocked_timeout, start_append_only};
use crate::config::Config;
use crate::database::Database;
use crate::listen::{Accepted, Listener, accept, bind};
use crate::log::{notice, warning};
use crate::open_files::clients_within_limit;
use crate::request::{AHEAD, QueryBuffer, RequestLimits};
use crate::shutdown::Shutdown;
use crate::state::State;
use crate::{reply, snapshot, upkeep};
use anyhow::{Context, Result};
use keyspace::Key;
use mio::{Events, Poll, Token};
use rdb::LoadOptions;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// After about how many bytes a client waits for the next turn to be sent more. In C: `NET_MAX_WRITES_PER_EVENT`.
const WRITE_PER_TURN: usize = 256 << 10;

/// How often one client is read in a turn. Then others have their turn.
const READS_PER_TURN: usize = 4;

/// The most bytes that the buffer for the requests of all clients keeps.
const QUERY_CAPACITY: usize = 64 * 1_024;

/// The most bytes that a client keeps for replies after it was sent messages only. Messages about evicted keys take
/// memory for each client that is told, and must not evict more keys.
const LISTENER_CAPACITY: usize = 1_024;

/// The most bytes that a client without the password may have sent and the server has not run.
const UNAUTHENTICATED_QUERY: usize = 1 << 20;

/// After how many milliseconds connections are accepted again if the system has refused one, as when the process has
/// too many open files.
const ACCEPT_PAUSE: u64 = 100;

/// A server that listens.
///
/// Taught in the chapter `docs/src/requests.md`.
pub struct Server {
    poll: Poll,
    listeners: Vec<Listener>,
    state: State,
    /// Set by a signal, or by [`StopHandle`].
    stop: Arc<AtomicBool>,
    /// The clients that may have more to read.
    readable: Vec<usize>,
    /// When the connections that were not accepted in a turn are accepted, in milliseconds since 1970.
    accept_at: Option<u64>,
    /// Whether a client takes more of its reply at once than one turn sends.
    has_unsent: bool,
}

/// Stops a [`Server`] from another thread.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<AtomicBool>);

impl StopHandle {
    /// Lets the server save its keys, if it is configured to, and return from [`Server::run`]. It begins
    /// within a tenth of a second, or when the first append-only file is complete. If the keys cannot be saved,
    /// the server goes on.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Server {
    /// Loads the append-only file, or the snapshot, if there is one, and listens.
    ///
    /// # Errors
    /// If the file cannot be read, or an address or a port cannot be used.
    pub fn new(mut config: Config) -> Result<Self> {
        notice!("redcore-server started, PID: {}", std::process::id());
        let clients = clients_within_limit(config.maxclients);
        if clients < config.maxclients {
            warning!(
                "maxclients is {clients} instead of {}, because of the limit of open files. Raise it with ulimit -n.",
                config.maxclients
            );
            config.maxclients = clients;
        }
        let poll = Poll::new().context("the operating system has no event queue for this process")?;
        let mut state = State::new(config);
        state.apply_options()?;
        load(&mut state)?;
        let listeners = bind(&state.config, poll.registry())?;
        Ok(Self {
            poll,
            listeners,
            state,
            stop: Arc::default(),
            readable: Vec::new(),
            accept_at: None,
            has_unsent: false,
        })
    }

    /// Returns a handle that stops the server from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Returns the port of TCP. It was chosen by the system if the configuration says 0 and there is no
    /// socket in the file system.
    pub fn port(&self) -> Option<u16> {
        self.listeners.iter().find_map(Listener::port)
    }

    /// Serves clients until the server is stopped.
    ///
    /// # Errors
    /// If the operating system refuses to wait for sockets, or the append-only file cannot be written under
    /// `appendfsync always`, or `DEBUG LOADAOF` has failed. If the last snapshot cannot be written, the server goes on.
    pub fn run(mut self) -> Result<()> {
        #[cfg(unix)]
        for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
            signal_hook::flag::register(signal, self.stop.clone())?;
        }
        notice!("Server initialized");
        notice!("Ready to accept connections");
        let mut events = Events::with_capacity(1_024);
        loop {
            self.turn(&mut events)?;
            // A signal waits for the first append-only file, without which the next start would find no keys.
            if !self.state.append_only.is_waiting && self.stop.swap(false, Ordering::Relaxed) {
                notice!("Received a signal, scheduling shutdown...");
                self.state.shut_down(Shutdown::default());
            }
            if self.state.is_stopping {
                self.listeners.iter().for_each(Listener::remove_file);
                notice!("Redcore is now ready to exit, bye bye...");
                return self.state.fatal.take().map_or(Ok(()), Err);
            }
        }
    }

    fn turn(&mut self, events: &mut Events) -> Result<()> {
        let is_idle = self.readable.is_empty() && !self.has_unsent && !self.accepts_now();
        let timeout = if is_idle { self.state.wait() } else { Duration::ZERO };
        match self.poll.poll(events, Some(timeout)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error).context("waiting for sockets failed"),
        }
        let (start, commands) = (Instant::now(), self.state.stats.commands);
        self.state.update_now();
        let first_token = self.listeners.len();
        for event in events.iter() {
            let Token(token) = event.token();
            match token.checked_sub(first_token) {
                None => self.accept_at = Some(self.state.now),
                Some(slot) => {
                    // The end of the stream may arrive together with the last bytes, and has no event of its own.
                    if event.is_read_closed()
                        && let Some(client) = self.state.clients.in_slot(slot)
                    {
                        client.is_read_closed = true;
                    }
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        self.note_readable(slot);
                    }
                    if event.is_writable() {
                        self.state.clients.touch_slot(slot);
                    }
                }
            }
        }
        if self.accepts_now() {
            self.accept_at = None;
            (0..first_token).for_each(|token| self.accept(token));
        }
        for slot in std::mem::take(&mut self.readable) {
            if let Some(client) = self.state.clients.in_slot(slot) {
                client.is_readable = false;
            }
            if serve(&mut self.state, slot) {
                self.note_readable(slot);
            }
        }
        if self.state.is_stopping {
            // Nothing changes after the last snapshot.
            return self.send();
        }
        retry_ready(&mut self.state);
        run_blocked_timeout(&mut self.state);
        release_held(&mut self.state);
        self.resume();
        if self.state.is_stopping {
            // `SHUTDOWN` was held by a pause, or was sent behind a command that waited.
            return self.send();
        }
        self.send()?;
        upkeep::run(&mut self.state, start);
        // Upkeep publishes the keys that have expired, and closes clients.
        self.send()?;
        self.state.stats.count_turn(start.elapsed(), commands);
        Ok(())
    }

    /// Lets a client be read in this turn, or in the next one. Each client is read once a turn, however many events
    /// it has.
    fn note_readable(&mut self, slot: usize) {
        if let Some(client) = self.state.clients.in_slot(slot)
            && !std::mem::replace(&mut client.is_readable, true)
        {
            self.readable.push(slot);
        }
    }

    /// Returns whether connections may wait that this turn accepts.
    fn accepts_now(&self) -> bool {
        self.accept_at.is_some_and(|at| at <= self.state.now)
    }

    /// Accepts connections of a listener. The next turn accepts more, or a later one if the system refuses.
    fn accept(&mut self, token: usize) {
        let first_token = self.listeners.len();
        let listener = &mut self.listeners[token];
        let next = match accept(listener, &mut self.state, self.poll.registry(), first_token) {
            Accepted::All => return,
            Accepted::Some => self.state.now,
            Accepted::Refused => self.state.now + ACCEPT_PAUSE,
        };
        self.accept_at = Some(self.accept_at.map_or(next, |at| at.min(next)));
    }

    /// Runs the requests that clients have sent while they waited.
    fn resume(&mut self) {
        while let Some(id) = self.state.resumed.pop() {
            if let Some(slot) = self.state.clients.slot_of(id)
                && let Some(mut client) = self.state.clients.take(slot)
            {
                run_requests(&mut self.state, &mut client);
                give_buffer_back(&mut self.state, &mut client);
                self.state.clients.put_back(slot, client);
            }
            retry_ready(&mut self.state);
        }
    }

    /// Sends replies, and closes the clients that are to be closed. What the replies confirm is written to the
    /// append-only file first.
    fn send(&mut self) -> Result<()> {
        self.state
            .flush_append_only()
            .context("the append-only file cannot be written, by appendfsync always")?;
        if !self.state.tracking.is_empty() {
            self.state.tracking.broadcast(&mut self.state.clients);
        }
        self.has_unsent = false;
        // There is no next turn for the rest after a shutdown.
        let limit = if self.state.is_stopping { usize::MAX } else { WRITE_PER_TURN };
        for slot in self.state.clients.take_touched() {
            upkeep::check_output(&mut self.state, slot, reply::CHUNK);
            let Some(client) = self.state.clients.in_slot(slot) else { continue };
            let was_sent =
                if client.is_closed { Ok(0) } else { client.reply.write_to(&mut client.socket, limit) };
            let mut is_unsent = false;
            let is_broken = match was_sent {
                Ok(bytes) => {
                    is_unsent = bytes >= limit && !client.reply.is_empty();
                    client.net_bytes.1 += bytes as u64;
                    client.last_used_at = if bytes > 0 { self.state.now } else { client.last_used_at };
                    self.state.stats.net_output += bytes as u64;
                    if !std::mem::take(&mut client.was_served) {
                        client.reply.shrink(LISTENER_CAPACITY);
                    }
                    false
                }
                Err(error) => error.kind() != ErrorKind::WouldBlock,
            };
            let Some(client) = self.state.clients.in_slot(slot) else { continue };
            if is_broken || client.is_closed || client.closes_after_reply && client.reply.is_empty() {
                self.close(slot);
            } else {
                self.state.clients.recount(slot);
                if is_unsent {
                    self.state.clients.touch_slot(slot);
                    self.has_unsent = true;
                }
                upkeep::check_output(&mut self.state, slot, 0);
            }
        }
        upkeep::evict_clients(&mut self.state, None);
        Ok(())
    }

    fn close(&mut self, slot: usize) {
        if let Some(mut client) = self.state.clients.remove(slot) {
            self.state.forget(&mut client);
            let _gone = self.poll.registry().deregister(&mut client.socket);
        }
    }
}

/// Loads the append-only file, if it is on. Otherwise loads the snapshot that the configuration names, if it exists.
fn load(state: &mut State) -> Result<()> {
    if state.config.appendonly {
        return start_append_only(state).inspect_err(|error| warning!("{error:#}"));
    }
    let path = state.config.snapshot_path();
    if !path.exists() {
        return Ok(());
    }
    let start = Instant::now();
    let mut options = LoadOptions::DEFAULT;
    options.checks_checksum = state.config.rdbchecksum;
    let stats = snapshot::load(&mut state.dbs, &path, options, state.now)
        .with_context(|| format!("the snapshot {} cannot be loaded", path.display()))?;
    state.snapshots.loaded = (stats.keys, stats.expired);
    notice!(
        "Done loading RDB {}, keys loaded: {}, keys expired: {}, in {:.3} seconds",
        path.display(),
        stats.keys,
        stats.expired,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Reads from a client, and runs its requests. Returns whether there may be more to read.
fn serve(state: &mut State, slot: usize) -> bool {
    let Some(mut client) = state.clients.take(slot) else { return false };
    // Nearly all clients have no half of a request here, so one buffer serves them all.
    if client.query.capacity() == 0 {
        std::mem::swap(&mut client.query, &mut state.query);
    }
    let mut has_more = true;
    let mut reads = 0;
    while has_more && reads < READS_PER_TURN && !client.is_closed {
        reads += 1;
        match client.query.read_from(&mut client.socket) {
            Ok((0, _)) => {
                client.is_closed = true;
                has_more = false;
            }
            Ok((bytes, more)) => {
                client.last_used_at = state.now;
                client.net_bytes.0 += bytes as u64;
                state.stats.net_input += bytes as u64;
                has_more = more || client.is_read_closed;
                run_requests(state, &mut client);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                client.is_closed |= error.kind() != ErrorKind::WouldBlock;
                has_more = false;
            }
        }
    }
    give_buffer_back(state, &mut client);
    let is_open = !client.is_closed;
    state.clients.put_back(slot, client);
    retry_ready(state);
    has_more && is_open
}

/// Takes the buffer of a client that has no part of a request. It becomes that of all clients, unless they have
/// one.
fn give_buffer_back(state: &mut State, client: &mut Client) {
    if client.query.len() == 0 && client.query.capacity() > 0 {
        let mut query = std::mem::take(&mut client.query);
        if state.query.capacity() == 0 {
            query.shrink(QUERY_CAPACITY);
            state.query = query;
        }
    }
}

/// Runs the requests that have arrived completely, until one of them has to wait.
fn run_requests(state: &mut State, client: &mut Client) {
    state.clock = Instant::now();
    close_if_too_long(state, client);
    let mut query = std::mem::take(&mut client.query);
    client.running_query = (query.len(), query.spare());
    // A key that a client waits for goes to that client before the next command, which might take it.
    while state.takes_commands() && client.takes_requests() {
        let limits = RequestLimits {
            proto_max_bulk_len: state.config.options.encoding_limits().proto_max_bulk_len,
            is_authenticated: client.is_authenticated || state.config.requirepass.is_empty(),
        };
        match query.find(limits) {
            Ok(false) => break,
            Ok(true) => {
                prefetch(&state.dbs[client.db], &query);
                while state.takes_commands() && client.takes_requests() && query.take() {
                    if query.args().len() > 0 {
                        execute(state, client, query.args());
                    }
                }
            }
            Err(error) => {
                client.reply.error(format!("ERR {error}").as_bytes());
                client.closes_after_reply = true;
            }
        }
    }
    if !state.ready.is_empty() {
        state.resumed.push(client.id);
    }
    query.compact();
    client.running_query = (0, 0);
    client.query = query;
}

/// Closes a client that has sent more bytes than `client-query-buffer-limit` allows and the server has not run.
/// The commands after `MULTI` are among them.
fn close_if_too_long(state: &mut State, client: &mut Client) {
    let has_access = client.is_authenticated || state.config.requirepass.is_empty();
    let limit = state.config.client_query_buffer_limit;
    let limit = if has_access { limit } else { limit.min(UNAUTHENTICATED_QUERY) };
    if client.query.len() + client.queued_bytes() > limit {
        warning!("Closing client {} that reached the limit of its query buffer", client.addr);
        state.stats.query_limit_disconnections += 1;
        client.is_closed = true;
    }
}

/// Prefetches the keys of the requests that run next, and their members and fields, if there are several requests, so
/// that their cache misses overlap. A request that selects another database makes this useless, and nothing else.
fn prefetch(db: &Database, query: &QueryBuffer) {
    if query.ahead().len() == 1 {
        return;
    }
    let (mut keys, mut members) = ([Key::new(b""); AHEAD], [None; AHEAD]);
    let mut len = 0;
    for args in query.ahead() {
        let Some(spec) = args.get(0).and_then(find).map(|command| command.spec) else { continue };
        if let Some((first, key)) = spec.keys.first().and_then(|first| Some((first, args.get(first)?))) {
            keys[len] = Key::new(key);
            members[len] = args.get(first + 1).filter(|_| spec.names_member);
            len += 1;
        }
    }
    db.keys.prefetch(&mut keys[..len]);
    let mut pairs = [(Key::new(b""), &b""[..]); AHEAD];
    let mut found = 0;
    for (key, member) in keys.into_iter().zip(members.into_iter().take(len)) {
        if let Some(member) = member {
            pairs[found] = (key, member);
            found += 1;
        }
    }
    db.keys.prefetch_members(&pairs[..found]);
}
