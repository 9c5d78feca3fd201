//! The shell: reads lines, executes commands, writes replies.

mod collections;
mod inspect;
mod keys;
mod reply;
mod strings;

use keyspace::{Error, Keyspace};
use reply::{Refusal, Reply};
use std::io::{self, BufRead, Write};
use std::ops::RangeInclusive;
use values::Element;
use values::string::StringError;

/// What a command answers.
type Answer = Result<Reply, Refusal>;

/// A command: its name, how many arguments it takes, the names of the arguments, and the function that
/// executes it. The function gets the arguments without the name, and the time in milliseconds.
type Command =
    (&'static str, RangeInclusive<usize>, &'static str, fn(&mut Keyspace, &[&[u8]], u64) -> Answer);

/// The largest number of arguments, for a command that takes any number.
const ANY: usize = usize::MAX;

/// The commands of the shell itself.
const SHELL: &[Command] = &[("help", 0..=0, "", help), ("quit", 0..=0, "", quit)];

/// All commands, by group.
const GROUPS: [&[Command]; 5] =
    [strings::COMMANDS, collections::COMMANDS, keys::COMMANDS, inspect::COMMANDS, SHELL];

/// Executes lines until the input ends or a line says `quit`. `clock` returns the time in milliseconds. It is
/// called once for each command.
///
/// A line may contain any bytes. Only reading and writing can fail. If a command refuses something, the
/// refusal is a reply.
pub(crate) fn run(
    keyspace: &mut Keyspace,
    mut input: impl BufRead,
    mut output: impl Write,
    prompt: &str,
    mut clock: impl FnMut() -> u64,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        write!(output, "{prompt}")?;
        output.flush()?;
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let args = match sds::split_args(&line) {
            Ok(args) => args,
            Err(error) => {
                writeln!(output, "Invalid argument(s): {error}")?;
                continue;
            }
        };
        let args: Vec<&[u8]> = args.iter().map(|arg| &arg[..]).collect();
        let Some((name, args)) = args.split_first() else { continue };
        match execute(keyspace, name, args, clock()) {
            Err(refusal) => writeln!(output, "(error) {refusal}")?,
            Ok(reply) => {
                writeln!(output, "{reply}")?;
                if name.eq_ignore_ascii_case(b"quit") {
                    return Ok(());
                }
            }
        }
    }
}

/// Looks a command up by its name, in upper or lower case, and executes it.
fn execute(keyspace: &mut Keyspace, name: &[u8], args: &[&[u8]], now: u64) -> Answer {
    let mut commands = GROUPS.into_iter().flatten();
    match commands.find(|(known, ..)| name.eq_ignore_ascii_case(known.as_bytes())) {
        None => Err(Refusal::new(format!("ERR unknown command '{}'", name.escape_ascii()))),
        Some((_, arity, _, function)) if arity.contains(&args.len()) => function(keyspace, args, now),
        Some((name, ..)) => Err(wrong_arity(name)),
    }
}

fn wrong_arity(name: &str) -> Refusal {
    Refusal::new(format!("ERR wrong number of arguments for '{name}' command"))
}

fn help(_: &mut Keyspace, _: &[&[u8]], _: u64) -> Answer {
    let lines = GROUPS.into_iter().flatten().map(|(name, _, arguments, _)| format!("{name} {arguments}"));
    Ok(Reply::text(lines.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")))
}

/// Does nothing. [`run`] stops after this command.
fn quit(_: &mut Keyspace, _: &[&[u8]], _: u64) -> Answer {
    Ok(Reply::OK)
}

/// Returns the integer that an argument stands for.
fn integer(arg: &[u8]) -> Result<i64, Refusal> {
    Element::from(arg).as_i64().ok_or_else(|| Error::from(StringError::NotAnInteger).into())
}

/// Returns `true` if the only argument is `word`, and `false` if there is no argument.
fn flag(args: &[&[u8]], word: &str) -> Result<bool, Refusal> {
    match args {
        [] => Ok(false),
        [arg] if arg.eq_ignore_ascii_case(word.as_bytes()) => Ok(true),
        _ => Err(syntax_error()),
    }
}

/// The error of an option that is not known or stands in the wrong place.
fn syntax_error() -> Refusal {
    Refusal::new("ERR syntax error")
}
