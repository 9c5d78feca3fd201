//! [`Connections`]: connections to a server that do not block, in one thread.
//!
//! A connection sends packed commands, and counts the replies. The socket reports once when bytes arrive, so a
//! connection is read until it has all replies or nothing more is there.

use super::replies::Replies;
use crate::server::Server;
use anyhow::{Context, Result, bail, ensure};
use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};
use redis::ConnectionAddr;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

/// The number of bytes of the buffer for replies.
const BUFFER_BYTES: usize = 64 * 1_024;

/// The time limit for a reply.
pub(super) const REPLY_TIME_MAX: Duration = Duration::from_secs(60);

struct Connection {
    socket: UnixStream,
    replies: Replies,
    /// The bytes that the socket has not taken yet.
    unsent: Vec<u8>,
    /// The number of replies that have not arrived.
    pending: usize,
}

impl Connection {
    fn flush(&mut self) -> Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the server takes no request"),
            }
        }
        Ok(())
    }

    /// Reads what has arrived. Returns the number of replies that are now complete.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut complete = 0;
        while self.pending > 0 {
            match self.socket.read(buffer) {
                Ok(0) => bail!("the server has closed a connection"),
                Ok(len) => {
                    let count = self.replies.feed(&buffer[..len])?;
                    self.pending =
                        self.pending.checked_sub(count).context("the server sends too many replies")?;
                    complete += count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the server sends no reply"),
            }
        }
        Ok(complete)
    }
}

/// Some connections to a server.
pub(super) struct Connections {
    poll: Poll,
    events: Events,
    all: Vec<Connection>,
    buffer: Vec<u8>,
}

impl Connections {
    /// Opens connections.
    pub(super) fn open(server: &Server, count: usize) -> Result<Self> {
        let ConnectionAddr::Unix(path) = server.address() else {
            bail!("the path of the temporary folder is too long for a socket; set TMPDIR to a shorter one");
        };
        let poll = Poll::new()?;
        let connect = |i| -> Result<Connection> {
            let mut socket = UnixStream::connect(path)?;
            poll.registry().register(&mut socket, Token(i), Interest::READABLE | Interest::WRITABLE)?;
            Ok(Connection { socket, replies: Replies::default(), unsent: Vec::new(), pending: 0 })
        };
        let all = (0..count).map(connect).collect::<Result<_>>()?;
        Ok(Self { poll, events: Events::with_capacity(2 * count), all, buffer: vec![0; BUFFER_BYTES] })
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Sends packed commands on a connection.
    pub(super) fn send(&mut self, connection: usize, packed: &[u8], commands: usize) -> Result<()> {
        let connection = &mut self.all[connection];
        connection.pending += commands;
        connection.unsent.extend_from_slice(packed);
        connection.flush()
    }

    /// Returns the number of replies to a connection that have not arrived.
    pub(super) fn pending(&self, connection: usize) -> usize {
        self.all[connection].pending
    }

    /// Waits for replies. Sets `received` to the connections that have got some, with their numbers. Returns
    /// after `timeout` at the latest.
    pub(super) fn wait(&mut self, timeout: Duration, received: &mut Vec<(usize, usize)>) -> Result<()> {
        received.clear();
        match self.poll.poll(&mut self.events, Some(timeout)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            outcome => outcome.context("waiting for replies failed")?,
        }
        for event in &self.events {
            let Token(i) = event.token();
            if event.is_writable() {
                self.all[i].flush()?;
            }
            let complete = self.all[i].receive(&mut self.buffer)?;
            if complete > 0 {
                received.push((i, complete));
            }
        }
        Ok(())
    }
}

/// Packed commands, in batches that are sent together.
#[derive(Default)]
pub(super) struct Batches {
    pub(super) bytes: Vec<u8>,
    /// The end of each batch in the bytes, and the number of its commands.
    pub(super) ends: Vec<(usize, usize)>,
}

impl Batches {
    /// Sends all batches. Each connection sends its next one when it has all replies to the last one. Appends
    /// the time of each batch, from its sending to its last reply, in nanoseconds.
    pub(super) fn send(&self, connections: &mut Connections, times: &mut Vec<u32>) -> Result<()> {
        let mut next = 0;
        let mut send_next = |connections: &mut Connections, i| -> Result<Option<Instant>> {
            let Some(&(end, commands)) = self.ends.get(next) else { return Ok(None) };
            let start = next.checked_sub(1).map_or(0, |before| self.ends[before].0);
            next += 1;
            let now = Instant::now();
            connections.send(i, &self.bytes[start..end], commands)?;
            Ok(Some(now))
        };
        let mut sent = Vec::new();
        for i in 0..connections.len() {
            sent.push(send_next(connections, i)?);
        }
        let mut received = Vec::new();
        let mut last = Instant::now();
        while connections.all.iter().any(|connection| connection.pending > 0) {
            connections.wait(REPLY_TIME_MAX, &mut received)?;
            ensure!(!received.is_empty() || last.elapsed() < REPLY_TIME_MAX, "the server does not reply");
            for &(i, _) in &received {
                if connections.pending(i) == 0 {
                    let start = sent[i].take().context("the server replies to no request")?;
                    last = Instant::now();
                    times.push(nanoseconds(last - start));
                    sent[i] = send_next(connections, i)?;
                }
            }
        }
        ensure!(
            times.len() >= self.ends.len(),
            "{} of {} batches are answered",
            times.len(),
            self.ends.len()
        );
        Ok(())
    }
}

/// Returns a time in nanoseconds. Four seconds and more are the largest number.
pub(super) fn nanoseconds(time: Duration) -> u32 {
    u32::try_from(time.as_nanos()).unwrap_or(u32::MAX)
}
