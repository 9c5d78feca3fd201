//! [`Client`]: a connection, and what the server knows about it.

use crate::args::OwnedArgs;
use crate::config::OutputLimit;
use crate::reply::{Mark, Reply};
use crate::request::QueryBuffer;
use crate::socket::Socket;
use std::collections::BTreeSet;

/// The number of a client. Numbers are never used again. In C: `client->id`.
pub(crate) type ClientId = u64;

/// A connection, and what the server knows about it. In C: `client`.
#[derive(Debug)]
pub(crate) struct Client {
    /// The number that `CLIENT ID` answers.
    pub(crate) id: ClientId,
    /// The connection.
    pub(crate) socket: Socket,
    /// The address of the other side, as `CLIENT LIST` prints it.
    pub(crate) addr: String,
    /// The address of this side.
    pub(crate) laddr: String,
    /// The bytes that the client has sent.
    pub(crate) query: QueryBuffer,
    /// While commands of the client run, so that `query` is elsewhere: its bytes, and the room for more.
    pub(crate) running_query: (usize, usize),
    /// The bytes that it will be sent.
    pub(crate) reply: Reply,
    /// The number of its database.
    pub(crate) db: usize,
    /// The name of `CLIENT SETNAME`.
    pub(crate) name: Vec<u8>,
    /// The name and version of the library, by `CLIENT SETINFO`.
    pub(crate) lib: (Vec<u8>, Vec<u8>),
    /// Whether it is on the same machine.
    pub(crate) is_local: bool,
    /// Whether it has given the password, or none is needed.
    pub(crate) is_authenticated: bool,
    /// When it connected and when it last sent a command, in milliseconds since 1970.
    pub(crate) connected_at: u64,
    /// See `connected_at`.
    pub(crate) last_used_at: u64,
    /// The name of the last command, in lower case.
    pub(crate) last_command: &'static str,
    /// The commands after `MULTI`.
    pub(crate) transaction: Option<Transaction>,
    /// The keys of `WATCH`, with their databases.
    pub(crate) watched: Vec<WatchedKey>,
    /// The bytes that `watched` takes, with the names.
    pub(crate) watched_bytes: usize,
    /// Whether a watched key has changed.
    pub(crate) is_dirty: bool,
    /// The channels of `SUBSCRIBE`, the patterns of `PSUBSCRIBE`, and the channels of `SSUBSCRIBE`.
    pub(crate) subscriptions: Subscriptions,
    /// The command that waits for a key.
    pub(crate) blocked: Option<Blocked>,
    /// Whether its commands have run since it was last sent something.
    pub(crate) was_served: bool,
    /// Which replies are sent.
    pub(crate) reply_mode: ReplyMode,
    /// Whether the client is exempt from `maxmemory-clients`, by `CLIENT NO-EVICT`.
    pub(crate) is_no_evict: bool,
    /// Whether its commands leave the access times as they are, by `CLIENT NO-TOUCH`.
    pub(crate) is_no_touch: bool,
    /// Whether the connection is closed when the reply has been sent.
    pub(crate) closes_after_reply: bool,
    /// Whether the connection is closed at once.
    pub(crate) is_closed: bool,
    /// Whether it is among the clients that are read next.
    pub(crate) is_readable: bool,
    /// Whether the other side sends nothing more. There may be bytes to read before the end.
    pub(crate) is_read_closed: bool,
    /// When the reply began to exceed the soft limit, in milliseconds since 1970.
    pub(crate) over_soft_limit_since: Option<u64>,
    /// What the client adds to the sum of [`Clients`](crate::clients::Clients).
    pub(crate) counted_bytes: usize,
    /// The number of commands that the client has run.
    pub(crate) commands: u64,
    /// The bytes that were read and written.
    pub(crate) net_bytes: (u64, u64),
}

/// The commands after `MULTI`. In C: `multiState`.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    /// The commands, in order.
    commands: Vec<OwnedArgs>,
    /// The flags that at least one of the commands has.
    flags: u32,
    /// The bytes of the commands.
    bytes: usize,
    /// Whether a command could not be queued, so that `EXEC` fails.
    pub(crate) is_aborted: bool,
}

impl Transaction {
    /// Returns the commands, in order.
    pub(crate) fn commands(&self) -> &[OwnedArgs] {
        &self.commands
    }

    /// Returns the flags that at least one of the commands has.
    pub(crate) fn flags(&self) -> u32 {
        self.flags
    }

    /// Adds a command with its flags.
    pub(crate) fn push(&mut self, command: OwnedArgs, flags: u32) {
        self.bytes += command.size();
        self.flags |= flags;
        self.commands.push(command);
    }
}

/// A key of `WATCH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WatchedKey {
    /// The number of the database.
    pub(crate) db: usize,
    /// The key.
    pub(crate) key: Vec<u8>,
    /// Whether there was no such key when it was watched, or it had expired.
    pub(crate) was_absent: bool,
}

/// What a client listens to.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    /// The channels of `SUBSCRIBE`.
    pub(crate) channels: BTreeSet<Vec<u8>>,
    /// The patterns of `PSUBSCRIBE`.
    pub(crate) patterns: BTreeSet<Vec<u8>>,
    /// The channels of `SSUBSCRIBE`.
    pub(crate) shard_channels: BTreeSet<Vec<u8>>,
    /// The bytes that the names take.
    pub(crate) bytes: usize,
}

impl Subscriptions {
    /// Returns whether the client listens to nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }
}

/// A command that waits for a key. In C: `blockingState`.
#[derive(Debug)]
pub(crate) struct Blocked {
    /// The keys that it waits for, in the client's database. It is run again when one of them has changed.
    pub(crate) keys: Vec<Vec<u8>>,
    /// The type of value that the command takes. Other values do not wake it.
    pub(crate) wanted: values::ObjectType,
    /// When it stops waiting, in milliseconds since 1970.
    pub(crate) deadline: Option<u64>,
    /// The command, which runs again when a key has changed.
    pub(crate) request: OwnedArgs,
    /// What the client is sent when the time is over.
    pub(crate) timeout_reply: TimeoutReply,
}

/// What a blocked client is sent when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeoutReply {
    /// The absence of a value.
    Null,
    /// The absence of an array.
    NullArray,
}

/// Which replies are sent, by `CLIENT REPLY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReplyMode {
    /// All of them.
    #[default]
    On,
    /// None.
    Off,
    /// Not that of the next command.
    SkipNext,
    /// Not that of the present command.
    Skip,
}

impl Client {
    /// Returns a client that has just connected.
    pub(crate) fn new(id: ClientId, socket: Socket, addr: String, laddr: String, now: u64) -> Self {
        Self {
            id,
            socket,
            addr,
            laddr,
            query: QueryBuffer::default(),
            running_query: (0, 0),
            reply: Reply::default(),
            db: 0,
            name: Vec::new(),
            lib: (Vec::new(), Vec::new()),
            is_local: false,
            is_authenticated: false,
            connected_at: now,
            last_used_at: now,
            last_command: "NULL",
            transaction: None,
            watched: Vec::new(),
            watched_bytes: 0,
            is_dirty: false,
            subscriptions: Subscriptions::default(),
            blocked: None,
            was_served: false,
            reply_mode: ReplyMode::On,
            is_no_evict: false,
            is_no_touch: false,
            closes_after_reply: false,
            is_closed: false,
            is_readable: false,
            is_read_closed: false,
            over_soft_limit_since: None,
            counted_bytes: 0,
            commands: 0,
            net_bytes: (0, 0),
        }
    }

    /// Ends the reply of a command, which began at `mark`: drops it if `CLIENT REPLY` says so. `is_message` is
    /// whether the command writes messages, which are sent in any case.
    pub(crate) fn end_reply(&mut self, mark: Mark, is_message: bool) {
        let is_dropped = matches!(self.reply_mode, ReplyMode::Off | ReplyMode::Skip);
        if is_dropped && !is_message {
            self.reply.truncate(mark);
        }
        self.reply_mode = match self.reply_mode {
            ReplyMode::SkipNext => ReplyMode::Skip,
            ReplyMode::Skip => ReplyMode::On,
            other => other,
        };
    }

    /// Returns whether the next request of the client can run.
    pub(crate) fn takes_requests(&self) -> bool {
        self.blocked.is_none() && !self.is_closed && !self.closes_after_reply && !self.reply.is_over_limit()
    }

    /// Returns the bytes of memory that the client takes. A value that its reply shares with a key is part of it.
    pub(crate) fn memory(&self) -> usize {
        let waiting = self.blocked.as_ref().map_or(0, |blocked| blocked.request.size());
        size_of::<Self>()
            + self.query.capacity()
            + self.reply.allocation_size()
            + self.transaction_bytes()
            + self.subscriptions.bytes
            + waiting
    }

    /// Returns the bytes of the commands after `MULTI` and of the watched keys. In C: `multiStateMemOverhead`.
    pub(crate) fn transaction_bytes(&self) -> usize {
        self.queued_bytes() + self.watched_bytes
    }

    /// Returns the bytes of the commands after `MULTI`.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.transaction.as_ref().map_or(0, |transaction| transaction.bytes)
    }

    /// Returns the limits of the reply, out of those of all classes.
    pub(crate) fn output_limit(&self, of_classes: &[OutputLimit; 3]) -> OutputLimit {
        of_classes[if self.subscriptions.is_empty() { 0 } else { 2 }]
    }

    /// Returns whether only the commands of a subscriber are allowed. RESP3 has no such mode.
    pub(crate) fn is_subscriber(&self) -> bool {
        !self.subscriptions.is_empty() && self.reply.protocol() == crate::reply::Protocol::Resp2
    }
}
