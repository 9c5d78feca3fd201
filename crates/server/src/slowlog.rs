//! [`Slowlog`]: the commands that took long.

use crate::args::Args;
use crate::config::Directive;
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
        let shown = if is_long { ARGS_MAX - 1 } else { args.len() };
        let mut texts: Vec<Vec<u8>> = args.first(shown).iter().map(shorten).collect();
        let secrets = (0..shown).filter(|index| is_secret(args, *index));
        secrets.for_each(|index| texts[index] = b"(redacted)".to_vec());
        if is_long {
            texts.push(format!("... ({} more arguments)", args.len() - shown).into_bytes());
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

/// Returns whether an argument is a password, or the name of the user that it belongs to. In C:
/// `redactClientCommandArgument`.
fn is_secret(args: Args<'_>, index: usize) -> bool {
    match index {
        0 => false,
        _ if args.is(0, "auth") => true,
        _ if args.is(0, "hello") => {
            (1..=2).any(|before| index > before + 1 && args.is(index - before, "auth"))
        }
        _ if args.is(0, "config") && args.is(1, "set") => {
            index % 2 == 1 && Directive::find(args.at(index - 1)).is_some_and(Directive::is_secret)
        }
        _ => false,
    }
}

fn shorten(argument: &[u8]) -> Vec<u8> {
    match argument.len().checked_sub(ARG_LEN_MAX) {
        None | Some(0) => argument.to_vec(),
        Some(more) => [&argument[..ARG_LEN_MAX], format!("... ({more} more bytes)").as_bytes()].concat(),
    }
}
