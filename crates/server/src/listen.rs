//! [`Listener`]: the addresses that the server listens on, and the connections that come in.

use crate::client::Client;
use crate::config::Config;
use crate::log::{notice, warning};
use crate::socket::Socket;
use crate::state::State;
use anyhow::{Context, Result, bail};
use mio::net::{TcpListener, TcpStream, UnixListener};
use mio::{Interest, Registry, Token};
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, TcpKeepalive, Type};
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

/// An address that the server listens on.
#[derive(Debug)]
pub(crate) enum Listener {
    /// Over TCP.
    Tcp(TcpListener),
    /// A socket in the file system.
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Returns the port of TCP.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(|addr| addr.port()),
            Self::Unix(..) => None,
        }
    }

    /// Removes the file of the socket.
    pub(crate) fn remove_file(&self) {
        if let Self::Unix(_, path) = self {
            let _gone = std::fs::remove_file(path);
        }
    }
}

/// Listens on the addresses of the configuration. Skips addresses of a family that the machine lacks, and absent
/// addresses that begin with `-`. Port 0 lets the system choose one, unless there is a socket
/// in the file system.
pub(crate) fn bind(config: &Config, registry: &Registry) -> Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    let mut port = config.port;
    let addresses = if port == 0 && config.unixsocket.is_some() { &[][..] } else { &config.bind };
    for address in addresses {
        let (address, is_optional) = match address.strip_prefix('-') {
            Some(address) => (address, true),
            None => (&address[..], false),
        };
        let host = match address {
            "*" => "0.0.0.0",
            "::*" => "::",
            address => address,
        };
        let bound = (host, port).to_socket_addrs().and_then(|mut addrs| {
            // A host that has both kinds of addresses, such as `localhost`, means the one of IPv4.
            let addr = addrs.find(|addr| addr.is_ipv4() != host.contains(':'));
            let addr = addr.ok_or(ErrorKind::AddrNotAvailable)?;
            listen(addr, config.tcp_backlog)
        });
        match bound {
            Ok(listener) => {
                port = listener.local_addr()?.port();
                listeners.push(Listener::Tcp(listener));
            }
            Err(error) if is_optional && error.kind() == ErrorKind::AddrNotAvailable => {}
            Err(error) if is_unsupported(&error) => {
                warning!("Cannot listen on {address}: {error}");
            }
            Err(error) => {
                let text = format!("cannot listen on {address}, port {port}");
                let hint =
                    if error.kind() == ErrorKind::AddrInUse { ": another program uses it" } else { "" };
                return Err(error).context(format!("{text}{hint}"));
            }
        }
    }
    if let Some(path) = &config.unixsocket {
        // A file of a server that was killed is in the way.
        let _gone = std::fs::remove_file(path);
        let bound = UnixListener::bind(path);
        let listener = bound.with_context(|| format!("cannot listen on the socket {}", path.display()))?;
        #[cfg(unix)]
        if config.unixsocketperm != 0 {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(config.unixsocketperm))?;
        }
        listeners.push(Listener::Unix(listener, path.clone()));
    }
    if listeners.is_empty() {
        bail!("there is no address to listen on: set port and bind, or unixsocket");
    }
    for (token, listener) in listeners.iter_mut().enumerate() {
        match listener {
            Listener::Tcp(listener) => registry.register(listener, Token(token), Interest::READABLE)?,
            Listener::Unix(listener, _) => registry.register(listener, Token(token), Interest::READABLE)?,
        }
    }
    Ok(listeners)
}

/// Returns whether the machine has no such kind of address, as without IPv6.
fn is_unsupported(error: &io::Error) -> bool {
    let unsupported = [
        Errno::AFNOSUPPORT,
        Errno::PFNOSUPPORT,
        Errno::PROTONOSUPPORT,
        Errno::SOCKTNOSUPPORT,
        Errno::NOPROTOOPT,
    ];
    error.raw_os_error().is_some_and(|error| unsupported.iter().any(|code| code.raw_os_error() == error))
}

/// Listens on an address. A listener of IPv6 does not take the port of IPv4.
fn listen(addr: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// Lets the system probe a connection that is idle for `secs` seconds, and end it after three probes without an
/// answer. In C: `anetKeepAlive`.
fn keep_alive(socket: &TcpStream, secs: u64) -> io::Result<()> {
    let probes = TcpKeepalive::new()
        .with_time(Duration::from_secs(secs))
        .with_interval(Duration::from_secs((secs / 3).max(1)))
        .with_retries(3);
    SockRef::from(socket).set_tcp_keepalive(&probes)
}

/// The most connections of one listener that are accepted in a turn, so that a flood of them does not hold up the
/// clients. In C: `max-new-connections-per-cycle`.
const ACCEPTS_PER_TURN: usize = 10;

/// Why [`accept`] has stopped. A listener has no event for connections that wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// No connection waits.
    All,
    /// Enough were accepted for this turn, and more may wait.
    Some,
    /// The system has refused a connection, which still waits.
    Refused,
}

/// Accepts connections that wait.
pub(crate) fn accept(
    listener: &mut Listener,
    state: &mut State,
    registry: &Registry,
    first_token: usize,
) -> Accepted {
    let keepalive = state.config.tcp_keepalive;
    for _ in 0..ACCEPTS_PER_TURN {
        let accepted = match listener {
            Listener::Tcp(listener) => listener.accept().map(|(socket, addr)| {
                let _delayed = socket.set_nodelay(true);
                if keepalive > 0 {
                    let _unprobed = keep_alive(&socket, keepalive);
                }
                let laddr = socket.local_addr().map_or_else(|_| String::new(), |addr| addr.to_string());
                (Socket::Tcp(socket), addr.to_string(), laddr, Some(addr))
            }),
            Listener::Unix(listener, path) => listener.accept().map(|(socket, _)| {
                let addr = format!("{}:0", path.display());
                (Socket::Unix(socket), addr.clone(), addr, None)
            }),
        };
        match accepted {
            Ok((socket, addr, laddr, ip)) => {
                if let Err(error) = admit(state, socket, addr, laddr, ip, registry, first_token) {
                    warning!("Error registering a client: {error}");
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Accepted::All,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                warning!("Accepting client connection: {error}");
                return Accepted::Refused;
            }
        }
    }
    Accepted::Some
}

/// Adds a client, or refuses it.
fn admit(
    state: &mut State,
    mut socket: Socket,
    addr: String,
    laddr: String,
    ip: Option<SocketAddr>,
    registry: &Registry,
    first_token: usize,
) -> io::Result<()> {
    let refuse = |socket: &mut Socket, text: &str| {
        // The socket is new, so its buffer has room for the line.
        socket.write_all(text.as_bytes())
    };
    if state.clients.len() >= state.config.maxclients {
        state.stats.rejected_connections += 1;
        return refuse(&mut socket, "-ERR max number of clients reached\r\n");
    }
    let is_local = ip.is_none_or(|addr| addr.ip().to_canonical().is_loopback());
    if state.config.protected_mode && state.config.requirepass.is_empty() && !is_local {
        state.stats.rejected_connections += 1;
        notice!("Refused a connection from {addr}: protected mode is on and there is no password");
        return refuse(
            &mut socket,
            "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set \
             for the default user. Connect from the loopback, set a password with requirepass, or turn protected \
             mode off with 'CONFIG SET protected-mode no'.\r\n",
        );
    }
    let (id, slot) = state.clients.next();
    let mut client = Client::new(id, socket, addr, laddr, state.now);
    client.is_local = is_local;
    client.is_authenticated = state.config.requirepass.is_empty();
    client.reply.set_limit(client.output_limit(&state.config.client_output_buffer_limit).hard);
    registry.register(
        &mut client.socket,
        Token(first_token + slot),
        Interest::READABLE | Interest::WRITABLE,
    )?;
    state.clients.insert(client);
    state.stats.connections += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::Poll;
    use std::net::TcpStream;

    #[test]
    fn a_turn_accepts_some_of_many_connections_and_later_turns_the_rest() {
        let mut config = Config::default();
        config.read(b"port 0\nbind 127.0.0.1").unwrap();
        let poll = Poll::new().unwrap();
        let mut listeners = bind(&config, poll.registry()).unwrap();
        let mut state = State::new(config);
        let addr = ("127.0.0.1", listeners[0].port().unwrap());
        let _sockets: Vec<_> =
            (0..ACCEPTS_PER_TURN * 2 + 1).map(|_| TcpStream::connect(addr).unwrap()).collect();
        let mut turn = || {
            let accepted = accept(&mut listeners[0], &mut state, poll.registry(), 1);
            (accepted, state.clients.len())
        };
        assert_eq!(turn(), (Accepted::Some, ACCEPTS_PER_TURN));
        assert_eq!(turn(), (Accepted::Some, ACCEPTS_PER_TURN * 2));
        assert_eq!(turn(), (Accepted::All, ACCEPTS_PER_TURN * 2 + 1));
    }
}
