//! The append-only file: what a server writes, what the next one loads, and what remains after a crash.

mod forms;
mod limits;
mod random;
mod rewrites;
mod starts;

use crate::harness::{TestClient, TestServer};
use server::{Config, Server};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Starts a server whose files are in this folder.
fn serve(folder: &Path, lines: &str) -> TestServer {
    TestServer::with(&format!("dir {}\nappendonly yes\n{lines}", folder.display()))
}

/// Returns why a server with these files does not start.
fn refused(folder: &Path, lines: &str) -> String {
    let mut config = Config::default();
    let text = format!("port 0\nbind 127.0.0.1\ndir {}\nappendonly yes\n{lines}", folder.display());
    config.read(text.as_bytes()).unwrap();
    let error = Server::new(config).err().expect("the server starts");
    format!("{error:#}")
}

/// The path of a file of the append-only file.
fn file(folder: &Path, name: &str) -> std::path::PathBuf {
    folder.join("appendonlydir").join(format!("appendonly.aof.{name}"))
}

/// Returns the commands of the first incremental file, one in a line.
fn appended(folder: &Path) -> Vec<String> {
    let text = fs::read(file(folder, "1.incr.aof")).unwrap();
    let text = String::from_utf8_lossy(&text);
    let words = |command: &str| command.lines().skip(2).step_by(2).collect::<Vec<_>>().join(" ");
    text.split("\r\n*").map(words).collect()
}

/// Writes a manifest with one incremental file of these bytes.
fn write_files(folder: &Path, incr: &[u8]) {
    fs::create_dir_all(folder.join("appendonlydir")).unwrap();
    fs::write(file(folder, "manifest"), "file appendonly.aof.1.incr.aof seq 1 type i\n").unwrap();
    fs::write(file(folder, "1.incr.aof"), incr).unwrap();
}

fn wait_for(client: &mut TestClient, section: &str, line: &str) {
    let start = Instant::now();
    while !client.run(&format!("INFO {section}")).contains(line) {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", client.run(&format!("INFO {section}")));
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn wait_for_rewrite(client: &mut TestClient) {
    wait_for(client, "persistence", "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0");
}
