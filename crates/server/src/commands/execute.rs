//! How a request becomes a call of a command: it is looked up, checked, queued or run, and counted.

use super::appending::append_changes;
use super::command::keys_of;
use super::table::{Command, find, find_with_subcommand};
use super::unsupported;
use crate::args::Args;
use crate::call::Call;
use crate::client::{Blocked, Client, ClientId, ReplyMode, TimeoutReply};
use crate::error::{CommandError, Outcome};
use crate::log::warning;
use crate::notify;
use crate::spec::{Keys, Spec, flags};
use crate::state::State;
use crate::stats::Stats;
use crate::upkeep::evict_clients;
use std::time::Instant;
use values::ObjectType;

/// After how many milliseconds an attack is logged again.
const ATTACK_LINE_PERIOD: u64 = 60_000;

/// Runs a request of a client, and writes its reply. In C: `processCommand`, `call`.
pub(crate) fn execute(state: &mut State, client: &mut Client, args: Args<'_>) {
    client.last_used_at = state.now;
    let checked = check(state, client, args);
    if matches!(checked, Ok(Admission::Held)) {
        state.hold(client, args.to_owned());
        return;
    }
    client.commands += 1;
    let mark = client.reply.mark();
    match checked {
        Ok(Admission::Run(command)) => run(state, client, args, command, false),
        Ok(Admission::Queued) => client.reply.simple("QUEUED"),
        Ok(Admission::Held) => {}
        Err(error) if client.transaction.is_some() && args.is(0, "exec") => {
            client.transaction = None;
            state.unwatch(client);
            let reason = error.0.strip_prefix("ERR ").unwrap_or(&error.0);
            let text = format!("EXECABORT Transaction discarded because of: {reason}");
            write_error(&mut state.stats, client, &CommandError::of(text));
            if !state.monitors.is_empty() {
                state.monitors.feed(client, args, &mut state.clients);
            }
        }
        Err(error) => {
            if let Some(transaction) = &mut client.transaction {
                transaction.is_aborted = true;
            }
            write_error(&mut state.stats, client, &error);
        }
    }
    // A command that waits has its reply later.
    if client.reply_mode != ReplyMode::On && client.blocked.is_none() {
        client.end_reply(mark, writes_messages(args));
    }
    state.publish_removed();
    if !state.tracking.is_empty() && client.transaction.is_none() && !args.is(0, "client") {
        state.tracking.end_caching(client.id);
    }
    state.clients.deliver_own(client);
}

/// Runs the commands that were held back, when the pause is over. A client that waits for a key is served before
/// the next of these commands can take it.
pub(crate) fn release_held(state: &mut State) {
    if state.held.is_empty() || state.pause().is_some() {
        return;
    }
    for id in std::mem::take(&mut state.held) {
        let Some(slot) = state.clients.slot_of(id) else { continue };
        let Some(mut client) = state.clients.take(slot) else { continue };
        if let Some(blocked) = state.unblock(&mut client)
            && !client.is_closed
            && !state.is_stopping
        {
            state.clock = Instant::now();
            execute(state, &mut client, blocked.request.as_args());
            state.resumed.push(id);
        }
        state.clients.put_back(slot, client);
        if !state.is_stopping {
            retry_ready(state);
        }
    }
}

/// What happens to a request that is not refused.
enum Admission {
    /// Its command runs.
    Run(&'static Command),
    /// It was added to the transaction of its client.
    Queued,
    /// It waits until a pause is over.
    Held,
}

/// Finds the command of a request, and checks whether the client may run it now.
fn check(state: &mut State, client: &mut Client, args: Args<'_>) -> Result<Admission, CommandError> {
    let Some(container) = find(args.at(0)) else {
        close_if_http(state, client, args);
        return Err(unknown(args));
    };
    let command = match args.get(1) {
        Some(name) if !container.subcommands.is_empty() => container
            .subcommand(name)
            .ok_or_else(|| CommandError::subcommand(&container.full_name.to_ascii_uppercase(), name))?,
        _ => container,
    };
    let admitted = admit(state, client, args, container, command);
    if admitted.is_err() {
        state.stats.of_command_mut(command.number).rejected += 1;
    }
    admitted
}

/// Checks whether the client may run a command now, which may be a subcommand of `container`. The pause is
/// checked last, so a command that would be refused is not held.
fn admit(
    state: &mut State,
    client: &mut Client,
    args: Args<'_>,
    container: &Command,
    command: &'static Command,
) -> Result<Admission, CommandError> {
    let spec = command.spec;
    // `EXEC` is refused and held for the commands that it would run.
    let flags = match &client.transaction {
        Some(transaction) if spec.name == "exec" => spec.flags | transaction.flags(),
        _ => spec.flags,
    };
    if !spec.takes(args.len()) {
        return Err(CommandError::arity(&command.full_name));
    }
    if spec.has(flags::ADMIN)
        && spec.name == "debug"
        && !state.config.enable_debug_command.allows(client.is_local)
    {
        return Err(CommandError::new(
            "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it \
             from a local connection, otherwise you need to set this option in the configuration file, and then \
             restart the server.",
        ));
    }
    if !client.is_authenticated && !spec.has(flags::NO_AUTH) {
        if state.config.requirepass.is_empty() {
            client.is_authenticated = true;
        } else {
            return Err(CommandError::new("NOAUTH Authentication required."));
        }
    }
    if state.config.options.get_maxmemory() > 0 {
        evict_clients(state, Some(client));
        if client.is_closed {
            // The client would not learn what its command has done. This error is not sent.
            return Err(CommandError::OOM);
        }
        // Nothing is evicted during a pause, so memory may be above its limit.
        if state.pause().is_none() && !state.make_room() && flags & flags::DENYOOM != 0 {
            return Err(CommandError::OOM);
        }
    }
    if !state.tracking.is_empty() {
        state.tell_trackers(client);
    }
    if (state.snapshots.last_failed || state.append_only.is_failing)
        && (flags & flags::WRITE != 0 || spec.name == "ping")
    {
        check_disk(state)?;
    }
    if client.is_subscriber() && !is_for_subscribers(container.spec.name) {
        return Err(CommandError::of(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
             this context",
            command.full_name
        )));
    }
    if let Some((_, is_all)) = state.pause()
        && (is_all || flags & (flags::WRITE | flags::MAY_REPLICATE) != 0)
    {
        return Ok(Admission::Held);
    }
    if client.transaction.is_some()
        && !["exec", "discard", "multi", "watch", "quit", "reset"].contains(&container.spec.name)
    {
        if spec.has(flags::NO_MULTI) {
            return Err(CommandError::new("ERR Command not allowed inside a transaction"));
        }
        if let Some(transaction) = &mut client.transaction {
            transaction.push(args.to_owned(), spec.flags);
        }
        return Ok(Admission::Queued);
    }
    Ok(Admission::Run(command))
}

/// Refuses writes while changes cannot be saved. In C: `writeCommandsDeniedByDiskError`.
fn check_disk(state: &State) -> Outcome {
    if state.config.stop_writes_on_bgsave_error
        && state.snapshots.last_failed
        && !state.config.save.is_empty()
    {
        return Err(CommandError::new(
            "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. \
             Commands that may modify the data set are disabled, because this instance is configured to report \
             errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check \
             the Redis logs for details about the RDB error.",
        ));
    }
    match state.append_only.write_error() {
        Some(error) => Err(CommandError::of(format!("MISCONF Errors writing to the AOF file: {error}"))),
        None => Ok(()),
    }
}

/// Closes a client that sends the first line or the header of a request over HTTP: a browser may have been led to
/// send commands in its body. In C: `securityWarningCommand`.
fn close_if_http(state: &mut State, client: &mut Client, args: Args<'_>) {
    if !args.is(0, "POST") && !args.is(0, "Host:") {
        return;
    }
    client.is_closed = true;
    if state.now >= state.next_attack_line {
        state.next_attack_line = state.now + ATTACK_LINE_PERIOD;
        warning!(
            "Possible SECURITY ATTACK detected: {} sends POST or Host:, which are no commands but parts of a \
             request over HTTP. A page in a browser may have made it. The connection is closed.",
            client.addr
        );
    }
}

/// Returns whether a command begins or ends subscriptions.
fn writes_messages(args: Args<'_>) -> bool {
    find(args.at(0)).is_some_and(|command| command.spec.has(flags::PUBSUB | flags::NOSCRIPT))
}

fn is_for_subscribers(name: &str) -> bool {
    [
        "subscribe",
        "unsubscribe",
        "psubscribe",
        "punsubscribe",
        "ssubscribe",
        "sunsubscribe",
        "ping",
        "quit",
        "reset",
    ]
    .contains(&name)
}

fn unknown(args: Args<'_>) -> CommandError {
    if let Some(what) = unsupported(args.at(0)) {
        let name = String::from_utf8_lossy(args.at(0)).to_ascii_uppercase();
        return CommandError::of(format!("ERR {name} is not supported: this server has no {what}"));
    }
    let shown = |text: &[u8]| String::from_utf8_lossy(&text[..text.len().min(128)]).into_owned();
    let mut text = format!("ERR unknown command '{}', with args beginning with: ", shown(args.at(0)));
    for argument in args.from(1).iter() {
        if text.len() >= 256 {
            break;
        }
        text.push_str(&format!("'{}' ", shown(argument)));
    }
    CommandError::of(text)
}

/// Runs a command, and counts it.
pub(crate) fn run(
    state: &mut State,
    client: &mut Client,
    args: Args<'_>,
    command: &'static Command,
    is_in_exec: bool,
) {
    let mark = client.reply.mark();
    let spec = command.spec;
    client.last_command = &command.full_name;
    let start = state.clock;
    let now = state.now;
    let publishes_new = state.config.notify_keyspace_events & notify::NEW != 0 && spec.has(flags::WRITE);
    let absent = if publishes_new { absent_keys(state, client.db, args, spec) } else { Vec::new() };
    let leaves_clocks = client.is_no_touch && spec.keys != Keys::None && spec.name != "touch";
    let db = client.db;
    if leaves_clocks {
        state.dbs[db].keys.set_no_touch(true);
    }
    let dirty = state.stats.dirty;
    let outcome = (spec.run)(&mut Call { state, client, args, now, is_in_exec });
    if leaves_clocks {
        state.dbs[db].keys.set_no_touch(false);
    }
    if let Err(error) = &outcome {
        client.reply.truncate(mark);
        write_error(&mut state.stats, client, error);
    }
    publish_new(state, client.db, args, absent);
    if !state.tracking.is_empty() && spec.has(flags::READONLY) {
        remember_keys(state, client, args, spec);
    }
    if state.append_only.is_on() {
        let is_changed = state.stats.dirty != dirty;
        append_changes(state, client.db, args, spec, is_changed, is_in_exec);
    }
    // The end of this command is the start of the next one, so each command reads the clock once.
    state.clock = Instant::now();
    let elapsed = state.clock.saturating_duration_since(start);
    let micros = elapsed.as_micros() as u64;
    // A command that waits is counted when its wait is over.
    let has_ended = client.blocked.is_none();
    state.stats.commands += u64::from(has_ended);
    if !is_in_exec {
        // The time of `EXEC` contains that of its commands.
        state.stats.eventloop.command_micros += micros;
    }
    let stats = state.stats.of_command_mut(command.number);
    stats.calls += u64::from(has_ended);
    stats.micros += micros;
    stats.failed += u64::from(outcome.is_err());
    if has_ended && state.config.latency_tracking {
        stats.latency.record(elapsed.as_nanos() as u64);
    }
    let threshold = state.config.slowlog_log_slower_than;
    if threshold >= 0
        && micros >= threshold.unsigned_abs()
        && !spec.has(flags::SKIP_SLOWLOG)
        && client.blocked.is_none()
    {
        let from = (client.addr.clone(), client.name.clone());
        state.slowlog.push(args, state.now / 1_000, micros, from, state.config.slowlog_max_len);
    }
    let threshold = state.config.latency_monitor_threshold;
    if threshold > 0 && micros / 1_000 >= threshold {
        let event = if spec.has(flags::FAST) { "fast-command" } else { "command" };
        state.latency.add(event, state.now / 1_000, micros / 1_000);
    }
    if !state.monitors.is_empty() {
        feed_monitors(state, client, args, spec);
    }
}

/// Notes the keys that a client has read, if it keeps copies of them.
fn remember_keys(state: &mut State, client: &Client, args: Args<'_>, spec: &Spec) {
    if state.tracking.notes_reads_of(client.id) {
        for place in keys_of(spec.keys, args).unwrap_or_default() {
            state.tracking.remember(client.id, args.at(place));
        }
    }
}

/// Sends a line about a command to the clients of `MONITOR`. Admin commands are not shown, and
/// a command that has waited had its line before.
#[cold]
fn feed_monitors(state: &mut State, client: &Client, args: Args<'_>, spec: &Spec) {
    if !spec.has(flags::ADMIN) && state.retried_deadline.is_none() {
        state.monitors.feed(client, args, &mut state.clients);
        state.clock = Instant::now();
    }
}

fn write_error(stats: &mut Stats, client: &mut Client, error: &CommandError) {
    client.reply.error(error.0.as_bytes());
    stats.count_error(&error.0);
}

/// Returns the places of the arguments that are names of keys which do not exist, one place for each key.
fn absent_keys(state: &State, db: usize, args: Args<'_>, spec: &Spec) -> Vec<usize> {
    let mut places = keys_of(spec.keys, args).unwrap_or_default();
    places.retain(|place| !state.dbs[db].keys.contains_key(args.at(*place), state.now));
    if places.len() > 1 {
        places.sort_by_key(|place| args.at(*place));
        places.dedup_by_key(|place| args.at(*place));
        places.sort_unstable();
    }
    places
}

/// Publishes `new` for those of these keys that a command has created. Redis publishes it before the event of the
/// command, and this server does so after it. A key that `COPY` or `MOVE` creates in another database has no event.
fn publish_new(state: &mut State, db: usize, args: Args<'_>, absent: Vec<usize>) {
    for place in absent {
        if state.dbs[db].keys.contains_key(args.at(place), state.now) {
            state.notify(db, notify::NEW, "new", args.at(place));
        }
    }
}

/// Runs the commands of blocked clients again whose keys have changed. In C: `handleClientsBlockedOnKeys`.
pub(crate) fn retry_ready(state: &mut State) {
    while !state.ready.is_empty() {
        for (db, key) in std::mem::take(&mut state.ready) {
            state.dbs[db].ready.remove(&key);
            let waiting = |state: &State, place: usize| state.dbs[db].blocked.get(&key)?.get(place).copied();
            let mut place = 0;
            while let Some(id) = waiting(state, place)
                && let Some(kind) = state.dbs[db].keys.object_type(&key, state.now)
            {
                serve_waiting(state, id, kind);
                // A client that was served has left the queue.
                place += usize::from(waiting(state, place) == Some(id));
            }
        }
    }
}

/// Runs the command of a client that waits for a value of type `kind`.
fn serve_waiting(state: &mut State, id: ClientId, kind: ObjectType) {
    let Some(slot) = state.clients.slot_of(id) else { return };
    // A client that was killed takes nothing any more.
    let is_wanted = |client: &Client| {
        !client.is_closed && client.blocked.as_ref().is_some_and(|blocked| blocked.wanted == kind)
    };
    if state.clients.in_slot(slot).is_some_and(|client| is_wanted(client))
        && let Some(mut client) = state.clients.take(slot)
    {
        retry(state, &mut client);
        state.clients.put_back(slot, client);
    }
}

fn retry(state: &mut State, client: &mut Client) {
    // The client keeps its place among those that wait for the same keys, in case it has to wait again.
    let Some(blocked) = state.interrupt_wait(client) else { return };
    client.last_used_at = state.now;
    let mark = client.reply.mark();
    let args = blocked.request.as_args();
    if let Some(command) = find(args.at(0)) {
        state.retried_deadline = Some(blocked.deadline);
        state.clock = Instant::now();
        run(state, client, args, command, false);
        state.retried_deadline = None;
        state.publish_removed();
    }
    if client.blocked.is_none() {
        client.end_reply(mark, false);
        state.leave_queues(&blocked, client.db, client.id);
        state.resumed.push(client.id);
    }
}

/// Answers and counts a command whose wait has ended without a key.
pub(super) fn end_wait(
    stats: &mut Stats,
    client: &mut Client,
    blocked: &Blocked,
    error: Option<&CommandError>,
) {
    stats.commands += 1;
    if let Some(command) = find_with_subcommand(blocked.request.as_args()) {
        let of_command = stats.of_command_mut(command.number);
        of_command.calls += 1;
        of_command.failed += u64::from(error.is_some());
    }
    let mark = client.reply.mark();
    match (error, blocked.timeout_reply) {
        (Some(error), _) => write_error(stats, client, error),
        (None, TimeoutReply::Null) => client.reply.null(),
        (None, TimeoutReply::NullArray) => client.reply.null_array(),
    }
    client.end_reply(mark, false);
}

/// Answers the clients that have waited long enough.
pub(crate) fn run_blocked_timeout(state: &mut State) {
    while let Some((deadline, id)) = state.deadlines.first().copied()
        && deadline <= state.now
    {
        state.deadlines.pop_first();
        let Some(slot) = state.clients.slot_of(id) else { continue };
        let Some(mut client) = state.clients.take(slot) else { continue };
        if let Some(blocked) = state.unblock(&mut client) {
            end_wait(&mut state.stats, &mut client, &blocked, None);
            state.resumed.push(id);
        }
        state.clients.put_back(slot, client);
    }
}
