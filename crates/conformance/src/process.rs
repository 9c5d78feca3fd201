//! A server's program that runs as long as a [`Process`] lives, and answers on a socket in a folder of its own.
//!
//! Invariants: the program listens on a socket of its folder and saves nothing. In the folder are its socket
//! and what it prints. It is ended and its folder is removed when the `Process` is dropped, after an error or
//! a panic too, and when SIGINT (Ctrl-C), SIGTERM or SIGQUIT ends this process. No call waits for it without
//! a limit.
//!
//! A path of a socket has about 100 bytes at most. If that of the temporary folder is longer, the program
//! listens on the loopback instead, on a port that the system chooses.
//!
//! Limit: SIGKILL leaves the program running, and so does SIGHUP, which is not handled because `nohup` has it
//! ignored.

mod running;

use crate::known::Family;
use redis::{Client, Connection, ConnectionAddr, RedisError, RedisResult};
use running::Handle;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};
use std::{fmt, fs, io};

/// How long a server may take to start. It has no data to load.
pub const START_PATIENCE: Duration = Duration::from_secs(10);

/// How long a reply may take.
const REPLY_PATIENCE: Duration = Duration::from_secs(60);

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(10);

/// Why there is no server. Each message is one line that begins with a verb; the program's name belongs before it.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The folder or the log in it cannot be created.
    Folder(io::Error),
    /// The path of the folder is too long for a socket, and the loopback has no free port.
    Port(io::Error),
    /// The signals that end this process cannot be handled.
    Signals(io::Error),
    /// The system does not start the program, or loses sight of it.
    Program(io::Error),
    /// The program ended before it answered.
    Ended {
        /// How.
        status: ExitStatus,
        /// The last line that it wrote. Empty if it wrote nothing.
        said: String,
    },
    /// The program runs and does not answer `PING`.
    Silent {
        /// How long it had time.
        patience: Duration,
        /// Why the last attempt failed. `None` if there was no time for one.
        last: Option<Box<RedisError>>,
    },
    /// What answers is not a server that is known.
    Unknown,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(err) => write!(f, "has no folder for its socket: {err}"),
            Self::Port(err) => write!(f, "has no port on the loopback: {err}"),
            Self::Signals(err) => write!(f, "is not started, because signals cannot be handled: {err}"),
            Self::Program(err) => write!(f, "cannot be started: {err}"),
            Self::Ended { status, said } if said.is_empty() => {
                write!(f, "ended before it answered, {status}")
            }
            Self::Ended { status, said } => write!(f, "ended before it answered, {status}: {said}"),
            Self::Silent { patience, last } => {
                write!(f, "does not answer PING within {} s", patience.as_secs_f64())?;
                last.as_ref().map_or(Ok(()), |err| write!(f, ": {err}"))
            }
            Self::Unknown => f.write_str("answers, and INFO does not say a version of Redis or Valkey"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(err) | Self::Port(err) | Self::Signals(err) | Self::Program(err) => Some(err),
            Self::Silent { last: Some(err), .. } => Some(err),
            _ => None,
        }
    }
}

/// A running server.
#[derive(Debug)]
pub struct Process {
    /// Redis or Valkey.
    pub family: Family,
    /// The version, such as `9.1.2`.
    pub version: String,
    client: Client,
    _handle: Handle,
}

impl Process {
    /// Starts the program without persistence and waits until it answers, at most for `patience`. A relative path starts at the
    /// caller's working directory. A bare name is looked up on `PATH`.
    pub fn start(program: &Path, patience: Duration) -> Result<Self, StartError> {
        Self::start_in(&std::env::temp_dir(), program, patience)
    }

    /// The same with a folder in `parent`.
    fn start_in(parent: &Path, program: &Path, patience: Duration) -> Result<Self, StartError> {
        let mut builder = tempfile::Builder::new();
        let folder = builder.prefix("redcore-server-").tempdir_in(parent).map_err(StartError::Folder)?;
        let (address, log) = (address(folder.path())?, folder.path().join("log"));
        let is_name = program.components().count() == 1;
        let program = if is_name { Ok(program.to_owned()) } else { std::path::absolute(program) };
        let mut command = Command::new(program.map_err(StartError::Program)?);
        command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.arg("--dir").arg(folder.path()).current_dir(folder.path()).stdin(Stdio::null());
        match &address {
            ConnectionAddr::Unix(socket) => command.args(["--port", "0", "--unixsocket"]).arg(socket),
            ConnectionAddr::Tcp(host, port) => command.args(["--bind", host, "--port", &port.to_string()]),
            other => unreachable!("{other} is of another kind"),
        };
        // A file and not our output: whoever waits for the end of our output would wait for the server.
        let output = File::create(&log).map_err(StartError::Folder)?;
        command.stdout(output.try_clone().map_err(StartError::Folder)?).stderr(output);
        let handle = Handle::start(&mut command, folder)?;
        let client = client(address);
        let info = first_answer(&handle, &client, &log, patience)?;
        let (family, version) = info.family_and_version().ok_or(StartError::Unknown)?;
        let version = version.to_owned();
        Ok(Self { family, version, client, _handle: handle })
    }

    /// A new connection. A reply that takes longer than a minute is an error.
    pub fn connect(&self) -> RedisResult<Connection> {
        connect(&self.client, REPLY_PATIENCE)
    }
}

/// Where a server with this folder listens: on a socket in it, or on the loopback if the socket's path is too
/// long.
fn address(folder: &Path) -> Result<ConnectionAddr, StartError> {
    let socket = folder.join("socket");
    if is_address(&socket) {
        return Ok(ConnectionAddr::Unix(socket));
    }
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(ConnectionAddr::Tcp(Ipv4Addr::LOCALHOST.to_string(), free.map_err(StartError::Port)?.port()))
}

/// Whether a path is short enough for the address of a socket.
#[cfg(unix)]
fn is_address(path: &Path) -> bool {
    std::os::unix::net::SocketAddr::from_pathname(path).is_ok()
}

#[cfg(not(unix))]
fn is_address(_: &Path) -> bool {
    false
}

/// The name of the first server on the path, for tests. Says loudly that they do not run if there is none.
/// Those that look for one name the same two (`cargo xtask conformance`).
pub fn server_on_path() -> Option<&'static str> {
    let works =
        |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let found = ["valkey-server", "redis-server"].into_iter().find(works);
    if found.is_none() {
        eprintln!(
            "!! NOT RUN: a test with a real server. To have it, put a redis-server or valkey-server on the path"
        );
    }
    found
}

fn client(address: ConnectionAddr) -> Client {
    Client::open(address).expect("an address is not parsed, and sockets and the loopback need no feature")
}

/// A connection on which nothing takes longer than `patience`.
fn connect(client: &Client, patience: Duration) -> RedisResult<Connection> {
    let connection = client.get_connection_with_timeout(patience)?;
    connection.set_read_timeout(Some(patience))?;
    connection.set_write_timeout(Some(patience))?;
    Ok(connection)
}

/// What INFO says of the server, once it answers PING.
fn first_answer(
    handle: &Handle,
    client: &Client,
    log: &Path,
    patience: Duration,
) -> Result<Info, StartError> {
    let start = Instant::now();
    let mut last = None;
    loop {
        if let Some(status) = handle.with(|child| child.try_wait()).map_err(StartError::Program)? {
            return Err(StartError::Ended { status, said: last_line(log) });
        }
        let left = patience.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(StartError::Silent { patience, last });
        }
        let answer = connect(client, left).and_then(|mut connection| {
            redis::cmd("PING").query::<()>(&mut connection)?;
            Info::ask(&mut connection, "server")
        });
        match answer {
            // Another program may have been faster to take the port. Ours then ends.
            Ok(info) if is_of(handle, client, &info) => return Ok(info),
            Ok(_) => {}
            Err(err) => last = Some(Box::new(err)),
        }
        std::thread::sleep(PAUSE.min(left));
    }
}

/// Whether the program is the one that answers. A socket in its folder belongs to no other.
fn is_of(handle: &Handle, client: &Client, info: &Info) -> bool {
    let is_socket = matches!(client.get_connection_info().addr(), ConnectionAddr::Unix(_));
    is_socket || info.number("process_id") == Some(handle.with(|child| child.id()))
}

/// What a program said last.
fn last_line(log: &Path) -> String {
    let said = fs::read(log).unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// The answer to INFO: lines of names and values.
#[derive(Clone, Debug)]
pub struct Info(String);

impl Info {
    /// Asks for a section, or for `everything`.
    pub fn ask(connection: &mut Connection, section: &str) -> RedisResult<Self> {
        redis::cmd("INFO").arg(section).query(connection).map(Self)
    }

    /// The value of a name, if it is there.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// The value of a name, if it is there and parses.
    pub fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Whose server it is. Valkey also says which version of Redis it stands in for.
    fn family_and_version(&self) -> Option<(Family, &str)> {
        let valkey = self.text("valkey_version").map(|version| (Family::Valkey, version));
        valkey.or_else(|| Some((Family::Redis, self.text("redis_version")?)))
    }
}

impl From<&str> for Info {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const SOON: Duration = Duration::from_millis(200);

    #[test]
    fn info_is_names_and_values() {
        let info =
            Info::from("# Server\r\nredis_version:7.0.15\r\n\r\n# CPU\r\nused_cpu_sys:0.5\r\nused_cpu:x\r\n");
        assert_eq!(info.family_and_version(), Some((Family::Redis, "7.0.15")));
        assert_eq!(info.number("used_cpu_sys"), Some(0.5));
        assert_eq!((info.text("used_cpu"), info.number::<f64>("used_cpu")), (Some("x"), None));
        assert_eq!(info.text("version"), None, "a part of a name is not the name");
        let valkey = Info::from("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n");
        assert_eq!(valkey.family_and_version(), Some((Family::Valkey, "9.1.2")));
        assert_eq!(Info::from("# Server\r\n").family_and_version(), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let err = Process::start(Path::new("no/such/server"), SOON).unwrap_err();
        assert!(matches!(err, StartError::Program(_)), "{err}");
        assert!(err.to_string().starts_with("cannot be started: "), "{err}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_ends_is_an_error_with_its_last_words() {
        let err = Process::start(Path::new("false"), START_PATIENCE).unwrap_err();
        assert_eq!(err.to_string(), "ended before it answered, exit status: 1");
        // It takes our options for its own.
        let err = Process::start(Path::new("sleep"), START_PATIENCE).unwrap_err();
        let StartError::Ended { status, said } = &err else { panic!("{err}") };
        assert!(!status.success() && !said.is_empty(), "{err}");
        assert!(!err.to_string().contains('\n'), "{err}");
    }

    /// Waits for an answer on `socket` while another program runs. Returns the error and how long it took.
    #[cfg(unix)]
    fn waits_in_vain(socket: &Path) -> (String, Duration) {
        let sleeper = Handle::start(Command::new("sleep").arg("60"), TempDir::new().unwrap()).unwrap();
        let client = client(ConnectionAddr::Unix(socket.into()));
        let start = Instant::now();
        let err = first_answer(&sleeper, &client, Path::new("no/log"), SOON).unwrap_err();
        (err.to_string(), start.elapsed())
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_never_listens_is_an_error_in_time_that_says_why() {
        let folder = TempDir::new().unwrap();
        let (err, waited) = waits_in_vain(&folder.path().join("socket"));
        assert!(waited >= SOON && waited < 50 * SOON, "{waited:?}");
        assert!(err.starts_with("does not answer PING within 0.2 s: No such file"), "{err}");
        let (err, _) = waits_in_vain(&folder.path().join("s".repeat(200)));
        assert!(err.starts_with("does not answer PING within 0.2 s: path must be shorter"), "{err}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_takes_connections_and_never_answers_is_an_error_in_time() {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("socket");
        // The system completes connections for a listener that accepts none.
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let (err, waited) = waits_in_vain(&socket);
        assert!(waited >= SOON && waited < 50 * SOON, "{waited:?}");
        assert!(err.starts_with("does not answer PING within 0.2 s: ") && !err.contains('\n'), "{err}");
    }

    #[test]
    fn a_folder_whose_path_is_too_long_for_a_socket_has_a_port() {
        let is_socket = |folder: &str| matches!(address(Path::new(folder)), Ok(ConnectionAddr::Unix(_)));
        assert_eq!((is_socket("/tmp/short"), is_socket(&"/long".repeat(40))), (cfg!(unix), false));
    }

    /// Names of the files in the folders of servers in `parent`.
    fn files(parent: &Path) -> Vec<String> {
        let entries = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let files = entries(parent).flat_map(|folder| entries(&folder).collect::<Vec<_>>());
        let mut names: Vec<_> =
            files.map(|file| file.file_name().unwrap().to_owned().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_server_writes_no_file_and_leaves_no_folder() {
        let Some(program) = server_on_path() else { return };
        let parent = TempDir::new().unwrap();
        let long = parent.path().join("long".repeat(40));
        let short = parent.path().join("short");
        for (parent, expected) in [(short, ["log", "socket"].as_slice()), (long, &["log"])] {
            fs::create_dir(&parent).unwrap();
            let process = Process::start_in(&parent, Path::new(program), START_PATIENCE).unwrap();
            let mut connection = process.connect().unwrap();
            redis::cmd("SET").arg("key").arg("value").exec(&mut connection).unwrap();
            // It ends by itself, and would save now.
            let _ = redis::cmd("SHUTDOWN").exec(&mut connection);
            process._handle.with(|child| child.wait()).unwrap();
            let left = files(&parent);
            assert!(left.iter().all(|name| expected.contains(&name.as_str())), "{left:?}");
            drop(process);
            assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
        }
    }
}
