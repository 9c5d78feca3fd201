//! [`Process`]: a server program that runs as long as this value lives, and listens on a socket in its own
//! folder.
//!
//! Invariants:
//!
//! - The program listens on a socket in its folder, and saves nothing without a command. The folder holds the
//!   socket, the log of the program, and its dump file.
//! - When the `Process` is dropped, the program is killed and its folder is removed. The same happens after
//!   an error, and before SIGINT (Ctrl-C), SIGTERM or SIGQUIT ends this process. A second signal ends this
//!   process at once.
//! - Starting a program and waiting for a reply have time limits.
//!
//! The path of a socket has at most about 100 bytes. If the path of the temporary folder is longer, the
//! program listens on the loopback interface instead, on a port that the system chooses.
//!
//! Limits: SIGKILL and SIGHUP leave the program running. SIGHUP has no handler, because programs under
//! `nohup` must ignore it. Shells make the background programs of a script ignore SIGINT and SIGQUIT. On
//! Linux, signals that are ignored stay ignored. Other systems do not tell which signals are ignored, so
//! there SIGINT and SIGQUIT end such a process too.

mod running;

use crate::known::Family;
use redis::{Client, Connection, ConnectionAddr, RedisError, RedisResult};
use running::Handle;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};
use std::{fmt, fs, io};

/// The time limit for the start of a server that has no data to load.
pub const START_TIME_MAX: Duration = Duration::from_secs(10);

/// The time limit for a reply.
const REPLY_TIME_MAX: Duration = Duration::from_secs(60);

/// The name of the dump file in the folder.
const DUMP: &str = "dump.rdb";

/// The pause between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(10);

/// Why a server could not be started. Each message is one line that begins with a verb. The caller prints the
/// name of the program in front of it.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// A file or the folder itself cannot be created.
    Folder(io::Error),
    /// The path of the folder is too long for a socket, and the loopback interface has no free port.
    Port(io::Error),
    /// The signals that end this process cannot be handled.
    Signals(io::Error),
    /// The program cannot be started, or its state cannot be read.
    Program(io::Error),
    /// The program ended before it answered.
    Ended {
        /// The exit status.
        status: ExitStatus,
        /// The last line that the program wrote, or an empty string if it wrote nothing.
        last_output: String,
    },
    /// The program runs, but does not answer `PING`.
    NoAnswer {
        /// The time limit.
        time_limit: Duration,
        /// The error of the last attempt, or `None` if there was no time for an attempt.
        last: Option<Box<RedisError>>,
    },
    /// The program runs, but another program answers on its port of the loopback interface.
    PortTaken {
        /// The time limit.
        time_limit: Duration,
    },
    /// The program answers, but is neither Redis nor Valkey.
    Unknown,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(err) => write!(f, "has no folder for its socket: {err}"),
            Self::Port(err) => write!(f, "has no port on the loopback: {err}"),
            Self::Signals(err) => write!(f, "is not started, because signals cannot be handled: {err}"),
            Self::Program(err) => write!(f, "cannot be started: {err}"),
            Self::Ended { status, last_output } if last_output.is_empty() => {
                write!(f, "ended before it answered, {status}")
            }
            Self::Ended { status, last_output } => {
                write!(f, "ended before it answered, {status}: {last_output}")
            }
            Self::NoAnswer { time_limit, last } => {
                write!(f, "does not answer PING within {} s", time_limit.as_secs_f64())?;
                last.as_ref().map_or(Ok(()), |err| write!(f, ": {err}"))
            }
            Self::PortTaken { time_limit } => write!(
                f,
                "does not answer PING within {} s: another program answers on its port",
                time_limit.as_secs_f64()
            ),
            Self::Unknown => f.write_str("answers, and INFO does not say a version of Redis or Valkey"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(err) | Self::Port(err) | Self::Signals(err) | Self::Program(err) => Some(err),
            Self::NoAnswer { last: Some(err), .. } => Some(err),
            _ => None,
        }
    }
}

/// The options of a start.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartOptions<'a> {
    /// A dump file. The program loads a copy of it before it answers.
    pub dump: Option<&'a Path>,
    /// Settings of redis.conf, as pairs of name and value.
    pub settings: &'a [(&'a str, &'a str)],
    /// Whether the program takes each setting as `--set 'NAME "VALUE"'`, as `redcore-server` does. The other
    /// servers take `--NAME VALUE`.
    pub takes_lines: bool,
}

impl StartOptions<'_> {
    /// Adds a setting to the arguments of the program.
    fn add(&self, command: &mut Command, name: &str, value: &str) {
        if self.takes_lines {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            command.arg("--set").arg(format!("{name} \"{value}\""));
        } else {
            command.arg(format!("--{name}")).arg(value);
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
    started: Started,
}

impl Process {
    /// Starts the program without persistence, and waits until it answers, but at most for `time_limit`. A
    /// relative path starts at the caller's working directory. A bare name is looked up on `PATH`.
    ///
    /// # Errors
    /// If the program does not start, ends, does not answer in time, or is neither Redis nor Valkey.
    pub fn start(program: &Path, time_limit: Duration) -> Result<Self, StartError> {
        Self::start_with(program, time_limit, &StartOptions::default())
    }

    /// Like [`start`](Self::start), but with options.
    pub fn start_with(
        program: &Path,
        time_limit: Duration,
        options: &StartOptions<'_>,
    ) -> Result<Self, StartError> {
        Self::start_in(&std::env::temp_dir(), program, options, time_limit)
    }

    /// Like [`start_with`](Self::start_with), but creates the folder in `parent`.
    fn start_in(
        parent: &Path,
        program: &Path,
        options: &StartOptions<'_>,
        time_limit: Duration,
    ) -> Result<Self, StartError> {
        let started = Started::new(parent, program, options)?;
        let info = started.first_answer(time_limit)?;
        let (family, version) = info.family_and_version().ok_or(StartError::Unknown)?;
        Ok(Self { family, version: version.to_owned(), started })
    }

    /// Returns a new connection. A reply that takes longer than a minute is an error.
    pub fn connect(&self) -> RedisResult<Connection> {
        connect(&self.started.client, REPLY_TIME_MAX)
    }

    /// Returns where the program listens.
    pub fn address(&self) -> &ConnectionAddr {
        self.started.client.get_connection_info().addr()
    }

    /// Returns the id of the process.
    pub fn id(&self) -> u32 {
        self.started.handle.with(|child| child.id())
    }

    /// Returns the major and the minor number of the version.
    pub fn version_numbers(&self) -> (u32, u32) {
        let mut numbers = self.version.split('.').map_while(|number| number.parse().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    /// Makes the server write its dump file (`SAVE`), and returns the path of the file.
    pub fn save(&self) -> RedisResult<PathBuf> {
        redis::cmd("SAVE").exec(&mut self.connect()?)?;
        Ok(self.started.log.with_file_name(DUMP))
    }
}

/// A program that was started. It may not answer yet.
#[derive(Debug)]
struct Started {
    handle: Handle,
    client: Client,
    /// The file with the output of the program.
    log: PathBuf,
}

impl Started {
    fn new(parent: &Path, program: &Path, options: &StartOptions<'_>) -> Result<Self, StartError> {
        let is_name = program.components().count() == 1;
        let program = if is_name { Ok(program.to_owned()) } else { std::path::absolute(program) };
        let program = program.map_err(StartError::Program)?;
        let (handle, (address, log)) = Handle::start(parent, |folder| {
            let (address, log) = (address(folder)?, folder.join("log"));
            if let Some(dump) = options.dump {
                fs::copy(dump, folder.join(DUMP)).map_err(StartError::Folder)?;
            }
            let mut command = Command::new(program);
            command.current_dir(folder).stdin(Stdio::null());
            let own = [("save", ""), ("appendonly", "no"), ("dbfilename", DUMP), ("dir", ".")];
            for (name, value) in own.iter().chain(options.settings) {
                options.add(&mut command, name, value);
            }
            let mut add = |name, value: &str| options.add(&mut command, name, value);
            match &address {
                ConnectionAddr::Unix(socket) => {
                    add("port", "0");
                    add("unixsocket", &socket.display().to_string());
                }
                ConnectionAddr::Tcp(host, port) => {
                    add("bind", host);
                    add("port", &port.to_string());
                }
                other => unreachable!("{other} is of another kind"),
            };
            // If the server inherited the output of this process, a caller that reads that output to its end
            // would also wait for the server.
            let output = File::create(&log).map_err(StartError::Folder)?;
            command.stdout(output.try_clone().map_err(StartError::Folder)?).stderr(output);
            Ok((command, (address, log)))
        })?;
        Ok(Self { handle, client: client(address), log })
    }

    /// Waits until the server answers PING, and returns its INFO.
    fn first_answer(&self, time_limit: Duration) -> Result<Info, StartError> {
        let start = Instant::now();
        let mut failure = StartError::NoAnswer { time_limit, last: None };
        loop {
            let ended = self.handle.with(|child| child.try_wait()).map_err(StartError::Program)?;
            if let Some(status) = ended {
                return Err(StartError::Ended { status, last_output: last_line(&self.log) });
            }
            let left = time_limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(failure);
            }
            let answer = connect(&self.client, left).and_then(|mut connection| {
                redis::cmd("PING").query::<()>(&mut connection)?;
                Info::fetch(&mut connection, "server")
            });
            match answer {
                Ok(info) if self.answers(&info) => return Ok(info),
                // Another program has taken the port first. A server then ends, but other programs may not.
                Ok(_) => failure = StartError::PortTaken { time_limit },
                Err(err) => {
                    // The answer of another program says more than a last attempt that ran out of time.
                    if let StartError::NoAnswer { last, .. } = &mut failure {
                        *last = Some(Box::new(err));
                    }
                }
            }
            std::thread::sleep(PAUSE.min(left));
        }
    }

    /// Returns `true` if the answer comes from the program. On a socket in its folder, no other program
    /// listens. On a port, the process ids are compared.
    fn answers(&self, info: &Info) -> bool {
        let is_socket = matches!(self.client.get_connection_info().addr(), ConnectionAddr::Unix(_));
        is_socket || info.number("process_id") == Some(self.handle.with(|child| child.id()))
    }
}

/// Returns the address of a server with this folder: a socket in it, or a port of the loopback interface if
/// the path of the socket is too long.
fn address(folder: &Path) -> Result<ConnectionAddr, StartError> {
    let socket = folder.join("socket");
    if fits_in_socket_address(&socket) {
        return Ok(ConnectionAddr::Unix(socket));
    }
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(ConnectionAddr::Tcp(Ipv4Addr::LOCALHOST.to_string(), free.map_err(StartError::Port)?.port()))
}

/// Returns `true` if the path is short enough for the address of a socket.
#[cfg(unix)]
fn fits_in_socket_address(path: &Path) -> bool {
    std::os::unix::net::SocketAddr::from_pathname(path).is_ok()
}

#[cfg(not(unix))]
fn fits_in_socket_address(_: &Path) -> bool {
    false
}

/// Returns the names of the servers on `PATH`. If no server is there, prints that the parts that
/// need one are not run.
pub fn servers_on_path() -> Vec<&'static str> {
    let works =
        |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success());
    let found: Vec<_> = ["valkey-server", "redis-server"].into_iter().filter(works).collect();
    if found.is_empty() {
        eprintln!(
            "!! NOT RUN: what needs a real server. To have it, put a redis-server or valkey-server on the path"
        );
    }
    found
}

/// Returns the first of the [`servers_on_path`].
pub fn server_on_path() -> Option<&'static str> {
    servers_on_path().first().copied()
}

fn client(address: ConnectionAddr) -> Client {
    Client::open(address).expect("an address is not parsed, and sockets and the loopback need no feature")
}

/// Returns a connection. Connecting, each read and each write take at most `time_limit`.
fn connect(client: &Client, time_limit: Duration) -> RedisResult<Connection> {
    let connection = client.get_connection_with_timeout(time_limit)?;
    connection.set_read_timeout(Some(time_limit))?;
    connection.set_write_timeout(Some(time_limit))?;
    Ok(connection)
}

/// Returns the last line in the log that is not empty.
fn last_line(log: &Path) -> String {
    let last_output = fs::read(log).unwrap_or_default();
    let last_output = String::from_utf8_lossy(&last_output);
    last_output.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// The answer to INFO. Its lines have names and values.
#[derive(Clone, Debug)]
pub struct Info(String);

impl Info {
    /// Asks the server for a section, or for `everything`.
    pub fn fetch(connection: &mut Connection, section: &str) -> RedisResult<Self> {
        redis::cmd("INFO").arg(section).query(connection).map(Self)
    }

    /// Returns the value of a name, if there is one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    /// Returns the value of a name as a number, if there is one that parses.
    pub fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Returns the family and the version. Valkey has both `valkey_version` and the compatible
    /// `redis_version`.
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
        let err = Process::start(Path::new("false"), START_TIME_MAX).unwrap_err();
        assert_eq!(err.to_string(), "ended before it answered, exit status: 1");
        // `sleep` refuses the options of a server.
        let err = Process::start(Path::new("sleep"), START_TIME_MAX).unwrap_err();
        let StartError::Ended { status, last_output } = &err else { panic!("{err}") };
        assert!(!status.success() && !last_output.is_empty(), "{err}");
        assert!(!err.to_string().contains('\n'), "{err}");
    }

    /// Waits for an answer on `socket` while a program runs that is not a server. Returns the last error and
    /// the waiting time.
    #[cfg(unix)]
    fn wait_for_no_answer(socket: &Path) -> (RedisError, Duration) {
        let start_sleep = start_sleep(client(ConnectionAddr::Unix(socket.into())));
        let start = Instant::now();
        let err = start_sleep.first_answer(SOON).unwrap_err();
        let waited = start.elapsed();
        let text = err.to_string();
        assert!(text.starts_with("does not answer PING within 0.2 s: ") && !text.contains('\n'), "{text}");
        let StartError::NoAnswer { last: Some(last), .. } = err else { panic!("{text}") };
        (*last, waited)
    }

    /// Starts a program that is not a server, as if it were the server of `client`.
    #[cfg(unix)]
    fn start_sleep(client: Client) -> Started {
        let prepare = |_: &Path| {
            let mut command = Command::new("sleep");
            command.arg("60");
            Ok((command, ()))
        };
        let (handle, ()) = Handle::start(&std::env::temp_dir(), prepare).unwrap();
        Started { handle, client, log: "no/log".into() }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_never_listens_is_an_error_in_time_that_says_why() {
        let folder = TempDir::new().unwrap();
        let (err, waited) = wait_for_no_answer(&folder.path().join("socket"));
        assert!(waited >= SOON && waited < 50 * SOON, "{waited:?}");
        assert!(err.is_connection_refusal(), "{err}");
        let (err, _) = wait_for_no_answer(&folder.path().join("s".repeat(200)));
        assert!(err.is_io_error() && !err.is_connection_refusal(), "{err}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_takes_connections_and_never_answers_is_an_error_in_time() {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("socket");
        // The system completes connections for a listener that accepts none.
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let (err, waited) = wait_for_no_answer(&socket);
        assert!(waited >= SOON && waited < 50 * SOON, "{waited:?}");
        assert!(err.is_timeout(), "{err}");
    }

    #[cfg(unix)]
    #[test]
    fn another_program_that_answers_on_the_port_is_an_error_that_says_so() {
        let Some(program) = server_on_path() else { return };
        let parent = TempDir::new().unwrap();
        let long = parent.path().join("long".repeat(40));
        fs::create_dir(&long).unwrap();
        let other =
            Process::start_in(&long, Path::new(program), &StartOptions::default(), START_TIME_MAX).unwrap();
        let err = start_sleep(other.started.client.clone()).first_answer(SOON).unwrap_err();
        let expected = "does not answer PING within 0.2 s: another program answers on its port";
        assert_eq!(err.to_string(), expected);
    }

    #[test]
    fn a_folder_whose_path_is_too_long_for_a_socket_has_a_port() {
        let is_socket = |folder: &str| matches!(address(Path::new(folder)), Ok(ConnectionAddr::Unix(_)));
        assert_eq!((is_socket("/tmp/short"), is_socket(&"/long".repeat(40))), (cfg!(unix), false));
    }

    /// Returns the names of the files in the folders of servers in `parent`.
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
            let process =
                Process::start_in(&parent, Path::new(program), &StartOptions::default(), START_TIME_MAX)
                    .unwrap();
            let mut connection = process.connect().unwrap();
            redis::cmd("SET").arg("key").arg("value").exec(&mut connection).unwrap();
            // SHUTDOWN would save the data, if saving were on.
            let _ = redis::cmd("SHUTDOWN").exec(&mut connection);
            let start = Instant::now();
            while process.started.handle.with(|child| child.try_wait()).unwrap().is_none() {
                assert!(start.elapsed() < START_TIME_MAX, "{program} does not end");
                std::thread::sleep(PAUSE);
            }
            let left = files(&parent);
            assert!(left.iter().all(|name| expected.contains(&name.as_str())), "{left:?}");
            drop(process);
            assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
        }
    }
}
