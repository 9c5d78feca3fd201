//! A server in a thread, and a client that shows replies as text.

use server::{Config, Server, StopHandle};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// A server that ends with the test.
pub(crate) struct TestServer {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    stop: StopHandle,
    thread: Option<JoinHandle<()>>,
}

impl TestServer {
    /// Starts a server on a free port, with these lines of redis.conf. It saves nothing at the end.
    pub(crate) fn with(lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("port 0\nbind 127.0.0.1\nsave \"\"\ndir {}\n{lines}", folder.path().display());
        let text = format!("enable-debug-command local\n{text}");
        let mut config = Config::default();
        assert_eq!(config.read(text.as_bytes()).unwrap(), []);
        let server = Server::new(config).unwrap();
        let (port, stop) = (server.port().unwrap(), server.stop_handle());
        let thread = std::thread::spawn(move || server.run().unwrap());
        Self { port, folder, stop, thread: Some(thread) }
    }

    pub(crate) fn new() -> Self {
        Self::with("")
    }

    pub(crate) fn client(&self) -> TestClient {
        TestClient::new(TcpStream::connect(("127.0.0.1", self.port)).unwrap())
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server has panicked");
        }
    }
}

/// A client that shows replies as text: `OK`, `5`, `"text"`, `nil`, `[1, 2]`, `{"a": 1}`, `!ERR ...`.
pub(crate) struct TestClient {
    from: BufReader<Box<dyn Stream>>,
    local_port: u16,
}

/// A connection of either kind.
trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl TestClient {
    pub(crate) fn new(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.set_nodelay(true).unwrap();
        let local_port = socket.local_addr().unwrap().port();
        Self { from: BufReader::new(Box::new(socket)), local_port }
    }

    /// Returns the port of this side of the connection.
    pub(crate) fn local_port(&self) -> u16 {
        self.local_port
    }

    /// Returns a client over a socket in the file system.
    #[cfg(unix)]
    pub(crate) fn over(socket: std::os::unix::net::UnixStream) -> Self {
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Self { from: BufReader::new(Box::new(socket)), local_port: 0 }
    }

    /// Sends bytes as they are. If the server has closed the connection, the next read says so.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.from.get_mut().write_all(bytes) {
            let is_closed = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&error.kind());
            assert!(is_closed, "{error}");
        }
    }

    /// Sends a command, whose arguments are separated by spaces, and returns the reply.
    pub(crate) fn run(&mut self, command: &str) -> String {
        let arguments: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        self.run_args(&arguments)
    }

    /// Sends a command and returns the reply.
    pub(crate) fn run_args(&mut self, arguments: &[&[u8]]) -> String {
        self.send(&encode(arguments));
        self.reply()
    }

    /// Reads a reply.
    pub(crate) fn reply(&mut self) -> String {
        let line = self.line();
        let (kind, rest) = line.split_at(1);
        let mut parts = |len: i64| (0..len).map(|_| self.reply()).collect::<Vec<_>>();
        match kind {
            "+" | ":" | "," | "#" => rest.into(),
            "-" => format!("!{rest}"),
            "_" => "nil".into(),
            "$" | "=" => match rest.parse::<i64>().unwrap() {
                -1 => "nil".into(),
                len => format!("\"{}\"", String::from_utf8_lossy(&self.bytes(len as usize))),
            },
            "*" | "~" | ">" => match rest.parse::<i64>().unwrap() {
                -1 => "nil".into(),
                len => format!("[{}]", parts(len).join(", ")),
            },
            "%" => {
                let len = rest.parse::<i64>().unwrap();
                let pairs: Vec<String> = parts(2 * len).chunks(2).map(|pair| pair.join(": ")).collect();
                format!("{{{}}}", pairs.join(", "))
            }
            _ => panic!("{line}"),
        }
    }

    /// Reads to the end of the stream. A server that closes a connection before it has read all bytes resets it.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        if let Err(error) = self.from.read_to_end(&mut rest) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
        String::from_utf8_lossy(&rest).into_owned()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n"), "the connection was closed after {line:?}");
        line.truncate(line.len() - 2);
        line
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len + 2];
        self.from.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes[len..], b"\r\n");
        bytes.truncate(len);
        bytes
    }
}

/// Returns a command as an array of bulk strings.
pub(crate) fn encode(arguments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Starts the program in this folder. Returns a client and the lines that it has printed when it is ready.
#[cfg(unix)]
pub(crate) fn start_program(folder: &Path) -> (Child, TestClient, Vec<String>) {
    start_program_with(folder, &[])
}

/// Like [`start_program`], with some lines of redis.conf.
#[cfg(unix)]
pub(crate) fn start_program_with(folder: &Path, directives: &[&str]) -> (Child, TestClient, Vec<String>) {
    start_command(Command::new(env!("CARGO_BIN_EXE_redcore-server")), folder, directives)
}

/// Like [`start_program`], with at most this number of open files.
#[cfg(unix)]
pub(crate) fn start_with_open_files(folder: &Path, limit: u32) -> (Child, TestClient, Vec<String>) {
    let mut command = Command::new("sh");
    let script = format!("ulimit -n {limit} && exec \"$0\" \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_redcore-server")]);
    start_command(command, folder, &[])
}

#[cfg(unix)]
fn start_command(
    mut command: Command,
    folder: &Path,
    directives: &[&str],
) -> (Child, TestClient, Vec<String>) {
    let mut child = command
        .current_dir(folder)
        .args([
            "--set",
            "unixsocket server.sock",
            "--port",
            "0",
            "--set",
            "bind 127.0.0.1",
            "--set",
            "save \"\"",
        ])
        .args(directives.iter().flat_map(|line| ["--set", line]))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        lines.push(line.unwrap());
        if lines.last().unwrap().contains("Ready to accept connections") {
            break;
        }
    }
    let socket = std::os::unix::net::UnixStream::connect(folder.join("server.sock")).unwrap();
    (child, TestClient::over(socket), lines)
}
