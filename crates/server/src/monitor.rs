//! [`Monitors`]: the clients of `MONITOR`, and the lines that they are sent.
//!
//! A line is written once for all of them, when a command has ended:
//!
//! ```text
//! +1700000000.123456 [0 127.0.0.1:50412] "set" "greeting" "hello"
//! ```
//!
//! The caller decides which commands have lines. Passwords are not shown: see [`redact`](crate::redact).

use crate::args::Args;
use crate::client::{Client, ClientId};
use crate::clients::Clients;
use crate::redact::shown;
use crate::socket::Socket;
use sds::Sds;
use std::time::{SystemTime, UNIX_EPOCH};

/// The clients of `MONITOR`. In C: `server.monitors`.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    ids: Vec<ClientId>,
}

impl Monitors {
    /// Returns whether nobody monitors.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Returns whether a client monitors. In C: `CLIENT_MONITOR`.
    pub(crate) fn contains(&self, id: ClientId) -> bool {
        self.ids.contains(&id)
    }

    /// Adds a client. Returns `false` if it monitors already.
    pub(crate) fn insert(&mut self, id: ClientId) -> bool {
        let is_new = !self.contains(id);
        self.ids.extend(is_new.then_some(id));
        is_new
    }

    /// Removes a client.
    pub(crate) fn remove(&mut self, id: ClientId) {
        self.ids.retain(|monitor| *monitor != id);
    }

    /// Sends a line about a command of `client` to all monitors. In C: `replicationFeedMonitors`.
    #[cold]
    pub(crate) fn feed(&self, client: &Client, args: Args<'_>, clients: &mut Clients) {
        let line = line(client, args);
        for id in &self.ids {
            clients.send(*id, |reply| reply.raw(&line));
        }
    }
}

/// Returns the line about a command.
fn line(client: &Client, args: Args<'_>) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (secs, micros) = (now.as_secs(), now.subsec_micros());
    let addr = match &client.socket {
        Socket::Tcp(_) => client.addr.clone(),
        Socket::Unix(_) => format!("unix:{}", client.addr.strip_suffix(":0").unwrap_or(&client.addr)),
    };
    let mut line = Sds::from(format!("+{secs}.{micros:06} [{} {addr}]", client.db).as_bytes());
    for index in 0..args.len() {
        line.push(b' ');
        line.push_repr(shown(args, index));
    }
    line.extend_from_slice(b"\r\n");
    line.to_vec()
}
