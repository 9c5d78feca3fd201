//! [`Monitors`]: the clients of `MONITOR`, and the lines that they are sent.
//!
//! A line is written once for all of them, when a command has ended:
//!
//! ```text
//! +1700000000.123456 [0 127.0.0.1:50412] "set" "greeting" "hello"
//! ```
//!
//! The caller decides which commands have lines. Passwords are replaced here.

use crate::args::Args;
use crate::client::{Client, ClientId};
use crate::clients::Clients;
use crate::socket::Socket;
use sds::Sds;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is shown instead of a password.
const REDACTED: &[u8] = b"(redacted)";

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
    for (index, argument) in args.iter().enumerate() {
        line.push(b' ');
        line.push_repr(if is_secret(args, index) { REDACTED } else { argument });
    }
    line.extend_from_slice(b"\r\n");
    line.to_vec()
}

/// Returns whether an argument is a user's name or a password: all those of `AUTH`, and the two after the word
/// `AUTH` of `HELLO`. In C: `redactClientCommandArgument`.
fn is_secret(args: Args<'_>, index: usize) -> bool {
    let follows_auth =
        |distance: usize| index.checked_sub(distance).is_some_and(|at| at > 0 && args.is(at, "AUTH"));
    index > 0 && args.is(0, "auth") || args.is(0, "hello") && (follows_auth(1) || follows_auth(2))
}

#[cfg(test)]
mod tests {
    use super::is_secret;
    use crate::args::OwnedArgs;

    #[test]
    fn the_arguments_of_auth_are_secret_and_others_are_not() {
        for (text, secrets) in [
            ("AUTH password", &[1][..]),
            ("auth user password", &[1, 2]),
            ("HELLO 3 AUTH user password SETNAME me", &[3, 4]),
            ("hello AUTH user password", &[2, 3]),
            ("HELLO 3 AUTH", &[]),
            ("SET auth AUTH", &[]),
        ] {
            let args: OwnedArgs = text.split(' ').map(str::as_bytes).collect();
            let args = args.as_args();
            let found: Vec<usize> = (0..args.len()).filter(|index| is_secret(args, *index)).collect();
            assert_eq!(found, secrets, "{text}");
        }
    }
}
