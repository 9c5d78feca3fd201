//! [`CommandBuffer`]: the commands that are not yet in the append-only file, as bytes of the protocol.
//!
//! A *unit* is what one request has changed. If it takes several commands to repeat it, they stand between `MULTI`
//! and `EXEC`, so a file that ends in the middle of them is cut in front of them:
//!
//! ```text
//!  *2 SELECT 0  *3 SET a 1  *1 MULTI  *2 SELECT 3  *2 DEL b  *3 RPUSH b x  *1 EXEC
//!  |<-  unit of one  ->|    |<-            unit of two commands            ->|
//! ```

use crate::args::OwnedArgs;

/// The commands that are not yet in the append-only file. In C: `server.aof_buf`, `server.also_propagate`.
#[derive(Debug, Default)]
pub(crate) struct CommandBuffer {
    bytes: Vec<u8>,
    /// Where the present unit begins.
    unit: usize,
    /// The commands of the present unit. `SELECT` does not count.
    commands: usize,
    /// The database of the last command, or `None` at the start of a file.
    selected: Option<usize>,
    /// What is appended instead of the command that runs, if there is something.
    instead: Vec<OwnedArgs>,
}

impl CommandBuffer {
    /// Returns the bytes of all commands.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes of memory that are in use.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Removes the first bytes, which have been written.
    pub(super) fn remove_front(&mut self, len: usize) {
        /// The most bytes that an empty buffer keeps.
        const KEPT: usize = 1 << 20;
        self.bytes.drain(..len);
        self.unit = self.unit.saturating_sub(len);
        if self.bytes.is_empty() {
            self.bytes.shrink_to(KEPT);
        }
    }

    /// Begins a file: the next command names its database.
    pub(super) fn begin_file(&mut self) {
        self.selected = None;
    }

    /// Adds a command that changes keys of a database. In C: `feedAppendOnlyFile`.
    pub(crate) fn push<'b>(&mut self, db: usize, command: impl ExactSizeIterator<Item = &'b [u8]>) {
        if self.selected.replace(db) != Some(db) {
            let mut number = itoa::Buffer::new();
            encode(&mut self.bytes, [b"SELECT", number.format(db).as_bytes()].into_iter());
        }
        encode(&mut self.bytes, command);
        self.commands += 1;
    }

    /// Adds the removal of a key.
    pub(crate) fn push_del(&mut self, db: usize, key: &[u8]) {
        self.push(db, [b"DEL", key].into_iter());
    }

    /// Ends a unit. In C: `propagatePendingCommands`.
    pub(crate) fn end_unit(&mut self) {
        if self.commands > 1 {
            let mut multi = Vec::new();
            encode(&mut multi, [&b"MULTI"[..]].into_iter());
            self.bytes.splice(self.unit..self.unit, multi);
            encode(&mut self.bytes, [&b"EXEC"[..]].into_iter());
        }
        self.commands = 0;
        self.unit = self.bytes.len();
    }

    /// Notes what is appended instead of the command that runs.
    pub(crate) fn replace(&mut self, command: OwnedArgs) {
        self.instead.push(command);
    }

    /// Returns what is appended instead of the command that has run. If the result is empty, the command itself
    /// is appended.
    pub(crate) fn take_instead(&mut self) -> Vec<OwnedArgs> {
        std::mem::take(&mut self.instead)
    }
}

/// Appends a command as an array of bulk strings.
fn encode<'b>(to: &mut Vec<u8>, command: impl ExactSizeIterator<Item = &'b [u8]>) {
    let mut number = itoa::Buffer::new();
    let mut line = |to: &mut Vec<u8>, kind, len: usize| {
        to.push(kind);
        to.extend_from_slice(number.format(len).as_bytes());
        to.extend_from_slice(b"\r\n");
    };
    line(to, b'*', command.len());
    for argument in command {
        line(to, b'$', argument.len());
        to.extend_from_slice(argument);
        to.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(buffer: &mut CommandBuffer, db: usize, command: &str) {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        buffer.push(db, words.into_iter());
    }

    /// Returns the words of the commands, one command in a line.
    fn shown(buffer: &CommandBuffer) -> String {
        let text = String::from_utf8(buffer.bytes().to_vec()).unwrap();
        let commands = text.split('*').skip(1);
        let words = |command: &str| command.lines().skip(2).step_by(2).collect::<Vec<_>>().join(" ");
        commands.map(words).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_unit_of_several_commands_is_a_transaction_and_a_database_is_selected_once() {
        let mut buffer = CommandBuffer::default();
        push(&mut buffer, 0, "SET a 1");
        buffer.end_unit();
        push(&mut buffer, 0, "SET b 1");
        buffer.end_unit();
        buffer.end_unit();
        push(&mut buffer, 3, "DEL b");
        push(&mut buffer, 3, "RPUSH b x");
        buffer.end_unit();
        assert_eq!(shown(&buffer), "SELECT 0, SET a 1, SET b 1, MULTI, SELECT 3, DEL b, RPUSH b x, EXEC");
        let len = buffer.bytes().len();
        buffer.remove_front(len);
        buffer.begin_file();
        push(&mut buffer, 3, "DEL c");
        buffer.end_unit();
        assert_eq!(buffer.bytes(), b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*2\r\n$3\r\nDEL\r\n$1\r\nc\r\n");
    }
}
