//! A server's program that runs as long as a [`Process`] lives, and answers on a socket in a folder of its own.
//!
//! Invariants: the program listens on no network and saves nothing. It is ended and its folder is removed when the `Process` is
//! dropped, after an error or a panic too. No call waits for it without a limit.
//!
//! Limit: a signal that ends this process leaves the program running, unless the program gets the signal too, as it does from a
//! terminal.

use crate::known::Family;
use redis::{Client, Connection, ConnectionAddr, RedisResult};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::str::FromStr;
use std::time::{Duration, Instant};
use std::{fmt, fs, io};
use tempfile::TempDir;

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
    },
    /// What answers is not a server that is known.
    Unknown,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(err) => write!(f, "has no folder for its socket: {err}"),
            Self::Program(err) => write!(f, "cannot be started: {err}"),
            Self::Ended { status, said } if said.is_empty() => {
                write!(f, "ended before it answered, {status}")
            }
            Self::Ended { status, said } => write!(f, "ended before it answered, {status}: {said}"),
            Self::Silent { patience } => {
                write!(f, "does not answer PING within {} s", patience.as_secs_f64())
            }
            Self::Unknown => f.write_str("answers, and INFO does not say a version of Redis or Valkey"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Folder(err) | Self::Program(err) => Some(err),
            _ => None,
        }
    }
}

/// A child that is ended when it is dropped.
#[derive(Debug)]
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
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
    // Dropped in this order: the folder goes after the program that writes to it.
    _running: Running,
    _folder: TempDir,
}

impl Process {
    /// Starts the program without persistence and waits until it answers, at most for `patience`. A relative path starts at the
    /// caller's working directory. A bare name is looked up on `PATH`.
    pub fn start(program: &Path, patience: Duration) -> Result<Self, StartError> {
        let folder =
            tempfile::Builder::new().prefix("redcore-server-").tempdir().map_err(StartError::Folder)?;
        let (socket, log) = (folder.path().join("socket"), folder.path().join("log"));
        let is_name = program.components().count() == 1;
        let program = if is_name { Ok(program.to_owned()) } else { std::path::absolute(program) };
        let mut command = Command::new(program.map_err(StartError::Program)?);
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--daemonize", "no"]);
        command.arg("--unixsocket").arg(&socket).current_dir(folder.path()).stdin(Stdio::null());
        // A file and not our output: whoever waits for the end of our output would wait for the server.
        let output = File::create(&log).map_err(StartError::Folder)?;
        command.stdout(output.try_clone().map_err(StartError::Folder)?).stderr(output);
        let mut running = Running(command.spawn().map_err(StartError::Program)?);
        let client = client(socket);
        let info = first_answer(&mut running.0, &client, &log, patience)?;
        let (family, version) = info.family_and_version().ok_or(StartError::Unknown)?;
        let version = version.to_owned();
        Ok(Self { family, version, client, _running: running, _folder: folder })
    }

    /// A new connection. A reply that takes longer than a minute is an error.
    pub fn connect(&self) -> RedisResult<Connection> {
        connect(&self.client, REPLY_PATIENCE)
    }
}

fn client(socket: PathBuf) -> Client {
    Client::open(ConnectionAddr::Unix(socket))
        .expect("an address is not parsed, and a socket needs no feature")
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
    child: &mut Child,
    client: &Client,
    log: &Path,
    patience: Duration,
) -> Result<Info, StartError> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(StartError::Program)? {
            return Err(StartError::Ended { status, said: last_line(log) });
        }
        let left = patience.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(StartError::Silent { patience });
        }
        let answer = connect(client, left).and_then(|mut connection| {
            redis::cmd("PING").query::<()>(&mut connection)?;
            Info::ask(&mut connection, "server")
        });
        match answer {
            Ok(info) => return Ok(info),
            Err(_) => std::thread::sleep(PAUSE.min(left)),
        }
    }
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

    /// Waits for an answer on `socket` while another program runs.
    #[cfg(unix)]
    fn waits_in_vain(socket: &Path) -> Duration {
        let mut sleeper = Running(Command::new("sleep").arg("60").spawn().unwrap());
        let start = Instant::now();
        let err =
            first_answer(&mut sleeper.0, &client(socket.into()), Path::new("no/log"), SOON).unwrap_err();
        assert_eq!(err.to_string(), "does not answer PING within 0.2 s");
        start.elapsed()
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_never_listens_is_an_error_in_time() {
        let folder = TempDir::new().unwrap();
        let waited = waits_in_vain(&folder.path().join("socket"));
        assert!(waited >= SOON && waited < 50 * SOON, "{waited:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_takes_connections_and_never_answers_is_an_error_in_time() {
        let folder = TempDir::new().unwrap();
        let socket = folder.path().join("socket");
        // The system completes connections for a listener that accepts none.
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let waited = waits_in_vain(&socket);
        assert!(waited >= SOON && waited < 50 * SOON, "{waited:?}");
    }
}
