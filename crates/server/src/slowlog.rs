//! [`Slowlog`]: the commands that took long.

use crate::args::Args;
use crate::redact::shown;
use std::collections::VecDeque;

/// The most arguments of a command that are kept, and the most bytes of one.
const ARGS_MAX: usize = 32;
const ARG_LEN_MAX: usize = 128;

/// The commands that took long, the last one first.
#[derive(Debug, Default)]
pub(crate) struct Slowlog {
    entries: VecDeque<SlowCommand>,
    next_id: u64,
}

/// A command that took long.
#[derive(Clone, Debug)]
pub(crate) struct SlowCommand {
    /// Its number.
    pub(crate) id: u64,
    /// When it ran, in seconds since 1970.
    pub(crate) at: u64,
    /// How long it took, in microseconds.
    pub(crate) micros: u64,
    /// The first arguments, shortened.
    pub(crate) args: Vec<Vec<u8>>,
    /// The address and the name of the client.
    pub(crate) client: (String, Vec<u8>),
}

impl Slowlog {
    /// Adds a command, and drops the oldest ones beyond `max_len`. Passwords are left out.
    pub(crate) fn push(
        &mut self,
        args: Args<'_>,
        at: u64,
        micros: u64,
        client: (String, Vec<u8>),
        max_len: usize,
    ) {
        let is_long = args.len() > ARGS_MAX;
        let kept = if is_long { ARGS_MAX - 1 } else { args.len() };
        let mut texts: Vec<Vec<u8>> = (0..kept).map(|index| shorten(shown(args, index))).collect();
        if is_long {
            texts.push(format!("... ({} more arguments)", args.len() - kept).into_bytes());
        }
        self.entries.push_front(SlowCommand { id: self.next_id, at, micros, args: texts, client });
        self.next_id += 1;
        self.entries.truncate(max_len);
    }

    /// Returns the commands, the last one first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &SlowCommand> {
        self.entries.iter()
    }

    /// Removes all commands.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

fn shorten(argument: &[u8]) -> Vec<u8> {
    match argument.len().checked_sub(ARG_LEN_MAX) {
        None | Some(0) => argument.to_vec(),
        Some(more) => [&argument[..ARG_LEN_MAX], format!("... ({more} more bytes)").as_bytes()].concat(),
    }
}
