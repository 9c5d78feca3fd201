//! The command `CLIENT`.

use super::admin::{container, help};
use super::connection::valid_name;
use super::execute::end_wait;
use super::tracking::{caching, getredir, redirect, tracking, trackinginfo};
use crate::call::Call;
use crate::client::{Client, ClientId, ReplyMode};
use crate::error::{CommandError, Outcome};
use crate::numbers::integer;
use crate::reply::Protocol;
use crate::spec::flags::{ADMIN, LOADING, NOSCRIPT, STALE};
use crate::spec::{Spec, keyless};
use crate::state::State;
use crate::tracking::Mode;
use std::fmt::Write;

pub(super) const COMMANDS: &[Spec] = &[keyless("client", -2, 0, container)
    .with(CLIENT)
    .doc("2.4.0", "Reads and changes what the server knows about connections.")];

const ALWAYS: u32 = NOSCRIPT | LOADING | STALE;

const CLIENT: &[Spec] = &[
    keyless("caching", 3, ALWAYS, caching).doc("6.0.0", "Lets copies of the next keys be tracked, or not."),
    keyless("getname", 2, ALWAYS, getname).doc("2.6.9", "Returns the name of the connection."),
    keyless("getredir", 2, ALWAYS, getredir)
        .doc("6.0.0", "Returns the connection that is sent what changes."),
    keyless("help", 2, LOADING | STALE, client_help).doc("5.0.0", "Returns what the subcommands do."),
    keyless("id", 2, ALWAYS, id).doc("5.0.0", "Returns the number of the connection."),
    keyless("info", 2, ALWAYS, info).doc("6.2.0", "Returns a line about the connection."),
    keyless("kill", -3, ADMIN | ALWAYS, kill).doc("2.4.0", "Closes connections."),
    keyless("list", -2, ADMIN | ALWAYS, list).doc("2.4.0", "Returns a line about each connection."),
    keyless("no-evict", 3, ADMIN | ALWAYS, no_evict)
        .doc("7.0.0", "Protects the connection from being closed."),
    keyless("no-touch", 3, ALWAYS, no_touch)
        .doc("7.2.0", "Lets commands leave the access times as they are."),
    keyless("pause", -3, ADMIN | ALWAYS, pause).doc("3.0.0", "Holds commands back for a time."),
    keyless("reply", 3, ALWAYS, reply).doc("3.2.0", "Chooses which replies are sent."),
    keyless("setinfo", 4, ALWAYS, setinfo).doc("7.2.0", "Sets the name or the version of the library."),
    keyless("setname", 3, ALWAYS, setname).doc("2.6.9", "Sets the name of the connection."),
    keyless("tracking", -3, ALWAYS, tracking).doc("6.0.0", "Chooses whether changes of keys are sent."),
    keyless("trackinginfo", 2, ALWAYS, trackinginfo).doc("6.2.0", "Returns what is tracked."),
    keyless("unblock", -3, ADMIN | ALWAYS, unblock).doc("5.0.0", "Ends the wait of a connection."),
    keyless("unpause", 2, ADMIN | ALWAYS, unpause).doc("6.2.0", "Ends a pause."),
];

fn id(call: &mut Call<'_>) -> Outcome {
    let id = call.client.id;
    call.reply().integer(id as i64);
    Ok(())
}

fn getname(call: &mut Call<'_>) -> Outcome {
    let client = &mut *call.client;
    if client.name.is_empty() {
        client.reply.null()
    } else {
        client.reply.bulk(&client.name)
    }
    Ok(())
}

fn setname(call: &mut Call<'_>) -> Outcome {
    call.client.name = valid_name(call.args.at(2))?;
    call.reply().ok();
    Ok(())
}

fn setinfo(call: &mut Call<'_>) -> Outcome {
    let (option, value) = (call.args.at(2), call.args.at(3));
    let shown = String::from_utf8_lossy(option);
    let (is_name, is_version) = (call.args.is(2, "lib-name"), call.args.is(2, "lib-ver"));
    if !is_name && !is_version {
        return Err(CommandError::of(format!("ERR Unrecognized option '{shown}'")));
    }
    let value = valid_name(value).map_err(|_| {
        CommandError::of(format!("ERR {shown} cannot contain spaces, newlines or special characters."))
    })?;
    let (name, version) = &mut call.client.lib;
    *(if is_name { name } else { version }) = value;
    call.reply().ok();
    Ok(())
}

fn info(call: &mut Call<'_>) -> Outcome {
    let line = line(call.state, call.client) + "\n";
    call.reply().verbatim(line.as_bytes());
    Ok(())
}

/// Returns the line of `CLIENT LIST` about a client. In C: `catClientInfoString`.
fn line(state: &State, client: &Client) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut flags = String::new();
    let is_listening = !client.subscriptions.is_empty();
    let tracker = state.tracking.get(client.id);
    for (is_set, letter) in [
        (state.monitors.contains(client.id), 'O'),
        (is_listening, 'P'),
        (client.transaction.is_some(), 'x'),
        (client.blocked.is_some(), 'b'),
        (tracker.is_some(), 't'),
        (tracker.is_some_and(|tracker| tracker.is_redirect_broken), 'R'),
        (tracker.is_some_and(|tracker| tracker.mode == Mode::Broadcast), 'B'),
        (client.is_dirty, 'd'),
        (client.closes_after_reply, 'c'),
        (client.is_closed, 'A'),
        (client.is_no_evict, 'e'),
        (client.is_no_touch, 'T'),
    ] {
        flags.extend(is_set.then_some(letter));
    }
    if flags.is_empty() {
        flags.push('N');
    }
    let secs_since = |at: u64| state.now.saturating_sub(at) / 1_000;
    let queued = client.transaction.as_ref().map_or(-1, |transaction| transaction.commands().len() as i64);
    let transaction_bytes = client.transaction_bytes();
    let output = client.reply.allocation_size();
    let total = client.memory();
    let subscriptions = &client.subscriptions;
    format!(
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={flags} db={} sub={} psub={} ssub={} \
         multi={queued} watch={} qbuf={} qbuf-free={} argv-mem={} multi-mem={transaction_bytes} rbs={output} \
         rbp={output} obl={} oll=0 omem=0 tot-mem={total} events=r cmd={} user=default redir={} resp={} \
         lib-name={} lib-ver={}",
        client.id,
        client.addr,
        client.laddr,
        client.socket.number(),
        text(&client.name),
        secs_since(client.connected_at),
        secs_since(client.last_used_at),
        client.db,
        subscriptions.channels.len(),
        subscriptions.patterns.len(),
        subscriptions.shard_channels.len(),
        client.watched.len(),
        client.query.len() + client.running_query.0,
        client.query.spare() + client.running_query.1,
        client.query.pending_args().1,
        client.reply.len(),
        client.last_command,
        redirect(tracker),
        if client.reply.protocol() == Protocol::Resp3 { 3 } else { 2 },
        text(&client.lib.0),
        text(&client.lib.1),
    )
}

/// The classes of clients. This server has no replicas and no masters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Normal,
    PubSub,
    None,
}

fn class(text: &[u8]) -> Result<Class, CommandError> {
    Ok(match &*text.to_ascii_lowercase() {
        b"normal" => Class::Normal,
        b"pubsub" => Class::PubSub,
        b"master" | b"slave" | b"replica" => Class::None,
        _ => {
            let shown = String::from_utf8_lossy(text);
            return Err(CommandError::of(format!("ERR Unknown client type '{shown}'")));
        }
    })
}

fn class_of(client: &Client) -> Class {
    if client.subscriptions.is_empty() { Class::Normal } else { Class::PubSub }
}

fn client_id(text: &[u8], error: &'static str) -> Result<ClientId, CommandError> {
    let number = integer(text).ok().filter(|number| *number > 0);
    number.map(i64::unsigned_abs).ok_or(CommandError::new(error))
}

fn list(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let mut wanted_class = None;
    let mut wanted_ids = None;
    if args.len() == 4 && args.is(2, "TYPE") {
        wanted_class = Some(class(args.at(3))?);
    } else if args.len() > 3 && args.is(2, "ID") {
        let ids = args.from(3).iter().map(|text| client_id(text, "ERR Invalid client ID"));
        wanted_ids = Some(ids.collect::<Result<Vec<_>, _>>()?);
    } else if args.len() != 2 {
        return Err(CommandError::SYNTAX);
    }
    let mut text = String::new();
    // The client that asks is not in its slot.
    let own = &*call.client;
    let clients: Vec<&Client> = match wanted_ids {
        Some(ids) => {
            let client = |id| if id == own.id { Some(own) } else { call.state.clients.get(id) };
            ids.into_iter().filter_map(client).collect()
        }
        None => {
            let is_wanted = |client: &&Client| wanted_class.is_none_or(|class| class == class_of(client));
            let mut clients: Vec<_> = call.state.clients.iter().chain([own]).filter(is_wanted).collect();
            clients.sort_unstable_by_key(|client| client.id);
            clients
        }
    };
    for client in clients {
        let _always = writeln!(text, "{}", line(call.state, client));
    }
    call.reply().verbatim(text.as_bytes());
    Ok(())
}

/// Which clients `CLIENT KILL` closes.
#[derive(Debug, Default)]
struct Filter<'a> {
    id: Option<ClientId>,
    class: Option<Class>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    is_nobody: bool,
    max_age: Option<u64>,
    skips_me: bool,
}

impl Filter<'_> {
    fn matches(&self, client: &Client, now: u64) -> bool {
        !self.is_nobody
            && self.id.is_none_or(|id| id == client.id)
            && self.class.is_none_or(|class| class == class_of(client))
            && self.addr.is_none_or(|addr| addr == client.addr.as_bytes())
            && self.laddr.is_none_or(|addr| addr == client.laddr.as_bytes())
            && self.max_age.is_none_or(|age| now.saturating_sub(client.connected_at) / 1_000 >= age)
    }
}

fn kill_filter<'a>(call: &Call<'a>) -> Result<Filter<'a>, CommandError> {
    let args = call.args;
    let mut filter = Filter { skips_me: true, ..Filter::default() };
    if args.len().is_multiple_of(2) {
        for index in (2..args.len()).step_by(2) {
            let value = args.at(index + 1);
            match &*args.at(index).to_ascii_lowercase() {
                b"id" => {
                    filter.id = Some(client_id(value, "ERR client-id should be greater than 0")?);
                }
                b"maxage" => {
                    let age = integer(value)
                        .map_err(|_| CommandError::new("ERR maxage is not an integer or out of range"))?;
                    let age = u64::try_from(age).ok().filter(|age| *age > 0);
                    filter.max_age =
                        Some(age.ok_or(CommandError::new("ERR maxage should be greater than 0"))?);
                }
                b"type" => filter.class = Some(class(value)?),
                b"addr" => filter.addr = Some(value),
                b"laddr" => filter.laddr = Some(value),
                b"user" if value == b"default" => {}
                b"user" => {
                    let shown = String::from_utf8_lossy(value);
                    return Err(CommandError::of(format!("ERR No such user '{shown}'")));
                }
                b"skipme" if value.eq_ignore_ascii_case(b"yes") => filter.skips_me = true,
                b"skipme" if value.eq_ignore_ascii_case(b"no") => filter.skips_me = false,
                _ => return Err(CommandError::SYNTAX),
            }
        }
        filter.is_nobody = filter.class == Some(Class::None);
        return Ok(filter);
    }
    Err(CommandError::SYNTAX)
}

fn kill(call: &mut Call<'_>) -> Outcome {
    let now = call.now;
    let is_old_form = call.args.len() == 3;
    let filter = if is_old_form {
        Filter { addr: Some(call.args.at(2)), ..Filter::default() }
    } else {
        kill_filter(call)?
    };
    let matching = call.state.clients.iter().filter(|client| filter.matches(client, now));
    let mut ids: Vec<ClientId> = matching.map(|client| client.id).collect();
    let kills_own = !filter.skips_me && filter.matches(call.client, now);
    if is_old_form && ids.is_empty() && !kills_own {
        return Err(CommandError::new("ERR No such client"));
    }
    let killed = ids.len() + usize::from(kills_own);
    for id in ids.drain(..) {
        call.state.close(id);
    }
    // The client that asks is still sent the answer.
    call.client.closes_after_reply |= kills_own;
    if is_old_form {
        call.reply().ok()
    } else {
        call.reply().count(killed)
    }
    Ok(())
}

fn on_off(call: &Call<'_>) -> Result<bool, CommandError> {
    match () {
        () if call.args.is(2, "ON") => Ok(true),
        () if call.args.is(2, "OFF") => Ok(false),
        () => Err(CommandError::SYNTAX),
    }
}

fn no_evict(call: &mut Call<'_>) -> Outcome {
    call.client.is_no_evict = on_off(call)?;
    call.reply().ok();
    Ok(())
}

fn no_touch(call: &mut Call<'_>) -> Outcome {
    call.client.is_no_touch = on_off(call)?;
    call.reply().ok();
    Ok(())
}

fn reply(call: &mut Call<'_>) -> Outcome {
    match () {
        () if call.args.is(2, "ON") => {
            call.client.reply_mode = ReplyMode::On;
            call.reply().ok();
        }
        () if call.args.is(2, "OFF") => call.client.reply_mode = ReplyMode::Off,
        () if call.args.is(2, "SKIP") => {
            if call.client.reply_mode != ReplyMode::Off {
                call.client.reply_mode = ReplyMode::SkipNext;
            }
        }
        () => return Err(CommandError::SYNTAX),
    }
    Ok(())
}

fn pause(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let is_all = match args.len() {
        3 => true,
        4 if args.is(3, "ALL") => true,
        4 if args.is(3, "WRITE") => false,
        4 => return Err(CommandError::new("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(CommandError::subcommand_syntax("CLIENT", args.at(1))),
    };
    let millis = integer(args.at(2))
        .map_err(|_| CommandError::new("ERR timeout is not an integer or out of range"))?;
    let millis = u64::try_from(millis).map_err(|_| CommandError::new("ERR timeout is negative"))?;
    let until = call.now.checked_add(millis).ok_or(CommandError::new("ERR timeout is out of range"))?;
    // A pause does not become shorter or weaker by another one.
    let before = call.state.paused_until.filter(|(at, _)| *at > call.now).unwrap_or_default();
    call.state.paused_until = Some((until.max(before.0), is_all || before.1));
    call.reply().ok();
    Ok(())
}

fn unpause(call: &mut Call<'_>) -> Outcome {
    call.state.paused_until = None;
    call.reply().ok();
    Ok(())
}

/// The error of a command that `CLIENT UNBLOCK` ends.
const UNBLOCKED: CommandError = CommandError::new("UNBLOCKED client unblocked via CLIENT UNBLOCK");

fn unblock(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let is_error = match args.len() {
        3 => false,
        4 if args.is(3, "TIMEOUT") => false,
        4 if args.is(3, "ERROR") => true,
        4 => return Err(CommandError::new("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        _ => return Err(CommandError::subcommand_syntax("CLIENT", args.at(1))),
    };
    let id = integer(args.at(2))?;
    let was_waiting = u64::try_from(id).is_ok_and(|id| unblock_other(call.state, id, is_error));
    call.reply().flag(was_waiting);
    Ok(())
}

/// Ends the wait of another client for a key. Returns whether it has waited.
fn unblock_other(state: &mut State, id: ClientId, is_error: bool) -> bool {
    let Some(blocked) = state.unblock_other(id) else { return false };
    if let Some(client) = state.clients.get_mut(id) {
        end_wait(&mut state.stats, client, &blocked, is_error.then_some(&UNBLOCKED));
    }
    state.clients.touch(id);
    true
}

fn client_help(call: &mut Call<'_>) -> Outcome {
    let lines = [
        "CACHING (YES|NO)",
        "    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
        "GETNAME",
        "    Return the name of the current connection.",
        "GETREDIR",
        "    Return the client ID we are redirecting to when tracking is enabled.",
        "ID",
        "    Return the ID of the current connection.",
        "INFO",
        "    Return information about the current client connection.",
        "KILL <ip:port>",
        "    Kill connection made from <ip:port>.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Kill connections. Options are: ADDR, LADDR, TYPE, USER, SKIPME, ID, MAXAGE.",
        "LIST [options ...]",
        "    Return information about client connections. Options: TYPE, ID.",
        "NO-EVICT (ON|OFF)",
        "    Protect current client connection from eviction.",
        "NO-TOUCH (ON|OFF)",
        "    Will not touch LRU/LFU stats when this mode is on.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Suspend all, or just write, clients for <timeout> milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Control the replies sent to the current connection.",
        "SETINFO <option> <value>",
        "    Set client meta attr. Options are: LIB-NAME, LIB-VER.",
        "SETNAME <name>",
        "    Assign the name <name> to the current connection.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Control server assisted client side caching.",
        "TRACKINGINFO",
        "    Report tracking status for the current connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    Unblock the specified blocked client.",
        "UNPAUSE",
        "    Stop the current client pause, resuming traffic.",
    ];
    help(call, "CLIENT", &lines)
}
