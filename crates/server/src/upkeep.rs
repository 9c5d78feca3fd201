//! What the server does between requests: it looks after keys, clients and the snapshot.

use crate::client::Client;
use crate::log::{notice, warning};
use crate::reply::Reply;
use crate::request::QueryBuffer;
use crate::rewrite;
use crate::snapshot::Purpose;
use crate::state::State;
use std::time::{Duration, Instant};

/// The least time that a turn of the loop spends on a kind of work that is due. Requests that arrive meanwhile wait
/// for the end of it, so it is about as long as a turn with a few requests.
const SLICE_MIN: Duration = Duration::from_micros(50);

/// The most time that a turn of the loop spends on a kind of work.
const SLICE_MAX: Duration = Duration::from_micros(500);

/// The time that the requests of a turn took, divided by this, is the time for work of each kind. So the work goes
/// on under any load, and the requests wait for little more than for each other.
const SHARE_DIVISOR: u32 = 4;

/// The longest time between two looks at the keys of a database.
const PERIOD_MAX: Duration = Duration::from_millis(100);

/// A client with a part of a request may have so many bytes of room that it does not use.
const QUERY_SPARE: usize = 64 * 1_024;

/// Returns the time for each kind of work after requests that took `busy`.
fn slice_after(busy: Duration) -> Duration {
    (busy / SHARE_DIVISOR).clamp(SLICE_MIN, SLICE_MAX)
}

/// Does what is due. The requests of this turn began at `turn_start`.
pub(crate) fn run(state: &mut State, turn_start: Instant) {
    let now = Instant::now();
    let slice = slice_after(now.duration_since(turn_start));
    work_on_snapshot(state, slice);
    let drop_start = Instant::now();
    let mut has_garbage = state.tracking.drop_some();
    while has_garbage && drop_start.elapsed() < slice {
        has_garbage = state.tracking.drop_some();
    }
    if now < state.upkeep_at {
        if has_garbage {
            state.upkeep_at = now;
        }
        return;
    }
    maintain(state, slice);
    let period = Duration::from_secs(1) / state.config.hz;
    if now.duration_since(state.cron_at) >= period {
        state.cron_at = now;
        if !state.is_cron_paused {
            cron(state);
        }
    }
    let due = state.dbs.iter().map(|db| db.upkeep_at).min();
    let due = due.unwrap_or(now + period).min(state.cron_at + period);
    state.upkeep_at = if has_garbage { now } else { due };
    state.stats.eventloop.cron_micros += now.elapsed().as_micros() as u64;
}

/// Expires, frees, resizes and defragments, in the databases that are due. Ends after `slice`. The next turn goes on
/// with the next database.
fn maintain(state: &mut State, slice: Duration) {
    let start = Instant::now();
    state.update_other_bytes();
    // Keys neither expire nor are evicted during a pause.
    let removes = state.is_active_expire && state.pause().is_none();
    for _ in 0..state.dbs.len() {
        let left = slice.saturating_sub(start.elapsed());
        if left.is_zero() {
            break;
        }
        let number = state.upkeep_db % state.dbs.len();
        state.upkeep_db = number + 1;
        let db = &mut state.dbs[number];
        if start < db.upkeep_at {
            continue;
        }
        let next = if removes {
            db.keys.maintain(state.now, left, || start.elapsed()).next
        } else {
            let is_complete = db.keys.free_for(left, || start.elapsed()).is_complete;
            if is_complete { PERIOD_MAX } else { Duration::ZERO }
        };
        db.upkeep_at = start + next.min(PERIOD_MAX);
    }
    state.publish_removed();
}

fn work_on_snapshot(state: &mut State, slice: Duration) {
    let Some(ended) = state.snapshots.work(&mut state.dbs, state.now, slice) else { return };
    match ended.result {
        _ if ended.purpose == Purpose::Rewrite => rewrite::end(state, ended),
        Ok(bytes) => {
            state.stats.dirty = state.stats.dirty.saturating_sub(ended.dirty);
            notice!("Background saving terminated with success, {bytes} bytes");
        }
        Err(error) => warning!("Background saving error: {error}"),
    }
}

/// Looks after clients and counters.
fn cron(state: &mut State) {
    state.stats.peak_memory = state.stats.peak_memory.max(zmalloc::used_memory());
    state.sample_rates(state.cron_at);
    close_idle(state);
    state.relax_removed_log();
    state.limit_tracked_keys();
    rewrite::cron(state);
    save_if_due(state);
}

/// Begins a snapshot if one is due and nothing else is being written.
fn save_if_due(state: &mut State) {
    let is_due = |(secs, changes): &(u64, u64)| {
        let since_last = (state.now / 1_000).saturating_sub(state.snapshots.last_save);
        state.stats.dirty >= *changes && since_last >= *secs
    };
    let since_try = (state.now / 1_000).saturating_sub(state.snapshots.last_try);
    if state.snapshots.is_running() {
        return;
    }
    if std::mem::take(&mut state.snapshots.is_scheduled) {
        begin_snapshot(state);
    } else if (!state.snapshots.last_failed || since_try > 5)
        && let Some((secs, changes)) = state.config.save.iter().copied().find(is_due)
    {
        notice!("{changes} changes in {secs} seconds. Saving...");
        begin_snapshot(state);
    }
}

fn begin_snapshot(state: &mut State) {
    if let Err(error) = state.begin_snapshot() {
        warning!("Background saving error: {error}");
    }
}

/// Closes the clients that have sent nothing for `timeout` seconds.
fn close_idle(state: &mut State) {
    let timeout = state.config.timeout * 1_000;
    for id in state.clients.ids() {
        let Some(client) = state.clients.get_mut(id) else { continue };
        let is_idle = timeout > 0
            && client.blocked.is_none()
            && client.subscriptions.is_empty()
            && !state.monitors.contains(id)
            && state.now.saturating_sub(client.last_used_at) > timeout;
        client.is_closed |= is_idle;
        if client.query.spare() > client.query.len().max(QUERY_SPARE) {
            client.query.shrink(QUERY_SPARE);
        }
        if client.is_closed || !client.reply.is_empty() {
            state.clients.touch(id);
        }
    }
}

/// Closes the clients that take most memory, until all of them take at most `maxmemory-clients`. `running` is
/// the client whose command is about to run. In C: `evictClients`.
///
/// Clients that `CLIENT NO-EVICT` protects do not count. They are looked at one by one only if all clients
/// together are above the limit.
pub(crate) fn evict_clients(state: &mut State, mut running: Option<&mut Client>) {
    let Some(limit) = state.config.clients_limit() else { return };
    let grown = running.as_deref().map_or(0, |client| client.memory().saturating_sub(client.counted_bytes));
    if state.clients.memory() + grown <= limit {
        return;
    }
    let is_open = |client: &&Client| !client.is_closed && !client.is_no_evict;
    let own = running.as_deref().filter(is_open).map_or(0, Client::memory);
    let mut total = own + state.clients.iter().filter(is_open).map(Client::memory).sum::<usize>();
    while total > limit {
        let others = state.clients.iter().filter(is_open).map(|client| (client.memory(), client.id));
        let largest = others.max().filter(|(bytes, _)| *bytes > own);
        let Some((bytes, id)) = largest else {
            if let Some(client) = running.as_deref_mut().filter(|_| own > 0) {
                warning!("Evicting client: {}", client.addr);
                client.is_closed = true;
                state.stats.evicted_clients += 1;
            }
            return;
        };
        warning!("Evicting client: {id}, {bytes} bytes");
        total -= bytes;
        state.stats.evicted_clients += 1;
        state.close(id);
        // Its memory is free at once, so that no key has to be evicted for it.
        if let Some(client) = state.clients.get_mut(id) {
            client.reply = Reply::default();
            client.query = QueryBuffer::default();
        }
        state.clients.slot_of(id).into_iter().for_each(|slot| state.clients.recount(slot));
    }
}

/// Closes a client that has too many bytes to receive, of which `free` do not count. In C:
/// `checkClientOutputBufferLimits`.
pub(crate) fn check_output(state: &mut State, slot: usize, free: usize) {
    let Some(client) = state.clients.in_slot(slot) else { return };
    let limit = client.output_limit(&state.config.client_output_buffer_limit);
    client.reply.set_limit(limit.hard);
    let len = client.reply.len().saturating_sub(free);
    let is_above = |bytes: usize| bytes > 0 && len > bytes;
    let mut is_closed = client.reply.is_over_limit() || is_above(limit.hard);
    if is_above(limit.soft) {
        let since = *client.over_soft_limit_since.get_or_insert(state.now);
        is_closed |= state.now.saturating_sub(since) > limit.soft_secs * 1_000;
    } else {
        client.over_soft_limit_since = None;
    }
    if is_closed {
        client.is_closed = true;
        warning!("Client {} closed for overcoming of output buffer limits.", client.addr);
        state.stats.output_limit_disconnections += 1;
        state.clients.touch_slot(slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_takes_a_quarter_of_the_time_of_requests_but_no_long_slice() {
        let micros = Duration::from_micros;
        for (busy, slice) in [(0, 50), (199, 50), (400, 100), (2_000, 500), (1_000_000, 500)] {
            assert_eq!(slice_after(micros(busy)), micros(slice), "{busy}");
        }
    }
}
