//! The command `INFO`.

use super::{VERSION, table};
use crate::call::Call;
use crate::error::Outcome;
use crate::snapshot::Purpose;
use crate::spec::flags::{LOADING, STALE};
use crate::spec::{Spec, keyless};
use crate::state::State;
use std::collections::BTreeSet;
use std::fmt::Write;

pub(super) const COMMANDS: &[Spec] = &[keyless("info", -1, LOADING | STALE, info)
    .doc("1.0.0", "Returns the state and the counters of the server.")];

/// Which requests print a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// All requests that name no section, and those of `all`.
    Default,
    /// Those of `all`.
    All,
    /// Only those with its name.
    Named,
}

/// A section: its name, who sees it, and what writes it.
type Section = (&'static str, Shown, fn(&mut String, &State));

const SECTIONS: [Section; 13] = [
    ("Server", Shown::Default, server),
    ("Clients", Shown::Default, clients),
    ("Memory", Shown::Default, memory),
    ("Persistence", Shown::Default, persistence),
    ("Stats", Shown::Default, stats),
    ("Replication", Shown::Default, replication),
    ("CPU", Shown::Default, cpu),
    ("Commandstats", Shown::All, commandstats),
    ("Errorstats", Shown::Default, errorstats),
    ("Latencystats", Shown::All, latencystats),
    ("Cluster", Shown::Default, cluster),
    ("Keyspace", Shown::Default, keyspace),
    ("Debug", Shown::Named, debug),
];

fn info(call: &mut Call<'_>) -> Outcome {
    let wanted = call.args.from(1);
    let names = |name: &str| wanted.iter().any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let has_all = names("all") || names("everything");
    let has_default = wanted.len() == 0 || names("default");
    let mut text = String::new();
    for (name, shown, write) in SECTIONS {
        let is_general = has_all && shown != Shown::Named || has_default && shown == Shown::Default;
        if is_general || names(name) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            let _always = write!(text, "# {name}\r\n");
            write(&mut text, call.state);
        }
    }
    call.reply().verbatim(text.as_bytes());
    Ok(())
}

/// Appends a line `name:value`.
macro_rules! lines {
    ($to:ident, $($name:literal: $value:expr),* $(,)?) => { $(
        let _always = write!($to, concat!($name, ":{}\r\n"), $value);
    )* };
}

fn server(to: &mut String, state: &State) {
    let uptime = state.started.elapsed().as_secs();
    let file = state.config.file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    lines!(to,
        "redis_version": VERSION,
        "redis_git_sha1": "00000000",
        "redis_git_dirty": 0,
        "redis_build_id": "0",
        "redis_mode": "standalone",
        "os": std::env::consts::OS,
        "arch_bits": usize::BITS,
        "monotonic_clock": "std",
        "multiplexing_api": "mio",
        "process_id": std::process::id(),
        "process_supervised": "no",
        "run_id": state.run_id,
        "tcp_port": state.config.port,
        "server_time_usec": state.now * 1_000,
        "uptime_in_seconds": uptime,
        "uptime_in_days": uptime / 86_400,
        "hz": state.config.hz,
        "configured_hz": state.config.hz,
        "config_file": file,
        "io_threads_active": 0,
    );
}

fn clients(to: &mut String, state: &State) {
    let listening = state.clients.iter().filter(|client| !client.subscriptions.is_empty()).count();
    // The client that asks may watch keys too, and is not among the clients now.
    let watching: BTreeSet<_> =
        state.dbs.iter().flat_map(|db| db.watching.values().flatten().copied()).collect();
    let blocking_keys: usize = state.dbs.iter().map(|db| db.blocked.len()).sum();
    let watched_keys: usize = state.dbs.iter().map(|db| db.watching.len()).sum();
    lines!(to,
        "connected_clients": state.clients.len(),
        "cluster_connections": 0,
        "maxclients": state.config.maxclients,
        "blocked_clients": state.blocked_clients,
        "tracking_clients": state.tracking.counts()[0],
        "pubsub_clients": listening,
        "watching_clients": watching.len(),
        "clients_in_timeout_table": state.deadlines.len(),
        "total_watched_keys": watched_keys,
        "total_blocking_keys": blocking_keys,
    );
}

/// Formats a number of bytes for people. In C: `bytesToHuman`.
fn human(bytes: usize) -> String {
    let (mut number, mut unit) = (bytes as f64, "B");
    for next in ["K", "M", "G", "T", "P"] {
        if number < 1_024.0 {
            break;
        }
        (number, unit) = (number / 1_024.0, next);
    }
    if unit == "B" { format!("{bytes}B") } else { format!("{number:.2}{unit}") }
}

fn memory(to: &mut String, state: &State) {
    let used = zmalloc::used_memory();
    let peak = state.stats.peak_memory.max(used);
    let limit = state.config.options.get_maxmemory();
    let dataset: usize = state.dbs.iter().map(|db| db.keys.allocation_size()).sum();
    // What belongs to the process is the same in the report of each database.
    let report = state.dbs[0].keys.memory_report();
    let rss = report.used_memory_rss.unwrap_or(used);
    let pending: usize = state.dbs.iter().map(|db| db.keys.lazyfree_pending_objects()).sum();
    let policy = crate::config::Directive::find(b"maxmemory-policy")
        .map(|directive| directive.write(&state.config))
        .unwrap_or_default();
    lines!(to,
        "used_memory": used,
        "used_memory_human": human(used),
        "used_memory_peak": peak,
        "used_memory_peak_human": human(peak),
        "used_memory_dataset": dataset,
        "maxmemory": limit,
        "maxmemory_human": human(limit),
        "maxmemory_policy": policy,
        "mem_clients_normal": state.clients.memory(),
        "mem_clients_slaves": 0,
        "mem_aof_buffer": state.append_only.buffer_size(),
        "mem_allocator": report.mem_allocator,
        "used_memory_rss": rss,
        "used_memory_rss_human": human(rss),
        "mem_fragmentation_ratio": format!("{:.2}", rss as f64 / used.max(1) as f64),
        "lazyfree_pending_objects": pending,
        "lazyfreed_objects": state.keyspace_counts().lazyfreed_objects,
        "mem_not_counted_for_evict": used.saturating_sub(state.counted_memory()),
    );
}

fn persistence(to: &mut String, state: &State) {
    let (snapshots, files) = (&state.snapshots, &state.append_only);
    let secs = |secs: Option<u64>| secs.map_or(-1, |secs| secs as i64);
    lines!(to,
        "loading": 0,
        "async_loading": 0,
        "rdb_changes_since_last_save": state.stats.dirty,
        "rdb_bgsave_in_progress": u8::from(snapshots.is_running_for(Purpose::Save)),
        "rdb_last_save_time": snapshots.last_save,
        "rdb_last_bgsave_status": if snapshots.last_failed { "err" } else { "ok" },
        "rdb_last_bgsave_time_sec": secs(snapshots.last_secs),
        "rdb_current_bgsave_time_sec": secs(snapshots.running_secs(Purpose::Save)),
        "rdb_saves": snapshots.saves,
        "rdb_last_load_keys_expired": snapshots.loaded.1,
        "rdb_last_load_keys_loaded": snapshots.loaded.0,
        "aof_enabled": u8::from(files.is_on() || files.is_waiting),
        "aof_rewrite_in_progress": u8::from(snapshots.is_running_for(Purpose::Rewrite)),
        "aof_rewrite_scheduled": u8::from(files.is_scheduled),
        "aof_last_rewrite_time_sec": secs(files.last_secs),
        "aof_current_rewrite_time_sec": secs(snapshots.running_secs(Purpose::Rewrite)),
        "aof_last_bgrewrite_status": if files.failures > 0 { "err" } else { "ok" },
        "aof_rewrites": files.rewrites,
        "aof_last_write_status": if files.write_error().is_some() { "err" } else { "ok" },
    );
    if files.is_on() || files.is_waiting {
        lines!(to,
            "aof_current_size": files.current_size,
            "aof_base_size": files.base_size,
            "aof_pending_rewrite": u8::from(files.is_scheduled),
            "aof_buffer_length": files.buffer_len(),
            "aof_pending_bio_fsync": files.pending_fsync(),
            "aof_delayed_fsync": files.delayed_fsync,
        );
    }
}

fn stats(to: &mut String, state: &State) {
    let stats = &state.stats;
    let counts = state.keyspace_counts();
    let rate = |counter| state.rates.per_second(counter);
    let [_, tracked_keys, tracked_items, tracked_prefixes] = state.tracking.counts();
    let names = |kind| state.channels.names(kind, None).count();
    lines!(to,
        "total_connections_received": stats.connections,
        "total_commands_processed": stats.commands,
        "instantaneous_ops_per_sec": rate(|sample| sample.commands) as u64,
        "total_net_input_bytes": stats.net_input,
        "total_net_output_bytes": stats.net_output,
        "instantaneous_input_kbps": format!("{:.2}", rate(|sample| sample.net_input) / 1_024.0),
        "instantaneous_output_kbps": format!("{:.2}", rate(|sample| sample.net_output) / 1_024.0),
        "rejected_connections": stats.rejected_connections,
        "expired_keys": counts.expired_keys,
        "evicted_keys": counts.evicted_keys,
        "evicted_clients": stats.evicted_clients,
        "keyspace_hits": stats.keyspace_hits,
        "keyspace_misses": stats.keyspace_misses,
        "pubsub_channels": names(crate::pubsub::Kind::Channel),
        "pubsub_patterns": names(crate::pubsub::Kind::Pattern),
        "pubsubshard_channels": names(crate::pubsub::Kind::Shard),
        "tracking_total_keys": tracked_keys,
        "tracking_total_items": tracked_items,
        "tracking_total_prefixes": tracked_prefixes,
        "latest_fork_usec": 0,
        // Redis forks for each of them. Programs that watch a server look at this counter.
        "total_forks": state.snapshots.begun,
        "total_error_replies": stats.error_replies,
        "client_query_buffer_limit_disconnections": stats.query_limit_disconnections,
        "client_output_buffer_limit_disconnections": stats.output_limit_disconnections,
        "eventloop_cycles": stats.eventloop.cycles,
        "eventloop_duration_sum": stats.eventloop.micros,
        "eventloop_duration_cmd_sum": stats.eventloop.command_micros,
        "instantaneous_eventloop_cycles_per_sec": rate(|sample| sample.cycles) as u64,
        "instantaneous_eventloop_duration_usec": state.rates.cycle_micros() as u64,
    );
}

fn replication(to: &mut String, state: &State) {
    lines!(to,
        "role": "master",
        "connected_slaves": 0,
        "master_failover_state": "no-failover",
        "master_replid": state.run_id,
        "master_repl_offset": 0,
    );
}

/// The server does not ask the operating system for its times.
fn cpu(_to: &mut String, _state: &State) {}

fn commandstats(to: &mut String, state: &State) {
    for command in table::with_subcommands() {
        let Some(stats) = state.stats.of_command(command.number) else { continue };
        if stats.calls + stats.rejected == 0 {
            continue;
        }
        let per_call = if stats.calls == 0 { 0.0 } else { stats.micros as f64 / stats.calls as f64 };
        let _always = write!(
            to,
            "cmdstat_{}:calls={},usec={},usec_per_call={per_call:.2},rejected_calls={},failed_calls={}\r\n",
            command.full_name, stats.calls, stats.micros, stats.rejected, stats.failed
        );
    }
}

fn errorstats(to: &mut String, state: &State) {
    for (code, count) in &state.stats.errors {
        let _always = write!(to, "errorstat_{code}:count={count}\r\n");
    }
}

fn latencystats(to: &mut String, state: &State) {
    for command in table::with_subcommands() {
        let Some(latency) = state.stats.latency(command.number) else { continue };
        let percentiles = state.config.latency_percentiles.iter();
        let fields =
            percentiles.map(|percentage| format!("p{percentage}={:.3}", latency.percentile(*percentage)));
        let fields = fields.collect::<Vec<_>>().join(",");
        let _always = write!(to, "latency_percentiles_usec_{}:{fields}\r\n", command.full_name);
    }
}

/// Details for those who work on the server.
fn debug(to: &mut String, state: &State) {
    let eventloop = &state.stats.eventloop;
    lines!(to,
        "eventloop_duration_aof_sum": eventloop.aof_micros,
        "eventloop_duration_cron_sum": eventloop.cron_micros,
        "eventloop_duration_max": eventloop.micros_max,
        "eventloop_cmd_per_cycle_max": eventloop.commands_max,
    );
}

fn cluster(to: &mut String, _state: &State) {
    lines!(to, "cluster_enabled": 0);
}

fn keyspace(to: &mut String, state: &State) {
    for (number, db) in state.dbs.iter().enumerate().filter(|(_, db)| !db.keys.is_empty()) {
        let (keys, expires) = (db.keys.len(), db.keys.expires());
        let _always = write!(to, "db{number}:keys={keys},expires={expires},avg_ttl=0,subexpiry=0\r\n");
    }
}
