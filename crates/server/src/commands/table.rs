//! The commands that the server has, found by name: [`find`].
//!
//! Each request looks its command up, so a look-up costs some forty instructions: a name is padded to sixteen
//! bytes and compared as one number. Each command and each subcommand also has a number, which is its place
//! among the counters of [`Stats`](crate::stats::Stats).

use super::GROUPS;
use crate::args::Args;
use crate::spec::Spec;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The longest name of a command, in bytes.
const NAME_MAX: usize = 16;

/// A command or a subcommand of the table.
#[derive(Debug)]
pub(crate) struct Command {
    /// Its row.
    pub(crate) spec: &'static Spec,
    /// The name, after that of the command if this is a subcommand, as in `config|get`.
    pub(crate) full_name: String,
    /// The group in the manual.
    pub(crate) group: &'static str,
    /// Its place among the counters.
    pub(crate) number: usize,
    /// The subcommands.
    pub(crate) subcommands: Vec<Self>,
}

static COMMANDS: LazyLock<Vec<Command>> = LazyLock::new(|| {
    let mut number = 0..;
    let rows = GROUPS.iter().flat_map(|(group, specs)| specs.iter().map(move |spec| (*group, spec)));
    rows.map(|(group, spec)| Command::new(group, spec, None, &mut number)).collect()
});

static BY_NAME: LazyLock<HashMap<u128, &Command, foldhash::fast::RandomState>> = LazyLock::new(|| {
    let named = |command: &'static Command| Some((word(command.spec.name.as_bytes())?, command));
    COMMANDS.iter().filter_map(named).collect()
});

impl Command {
    fn new(
        group: &'static str,
        spec: &'static Spec,
        container: Option<&Spec>,
        numbers: &mut impl Iterator<Item = usize>,
    ) -> Self {
        let full_name = match container {
            Some(container) => format!("{}|{}", container.name, spec.name),
            None => spec.name.to_owned(),
        };
        let number = numbers.next().unwrap_or_default();
        let subcommands =
            spec.subcommands.iter().map(|sub| Self::new(group, sub, Some(spec), numbers)).collect();
        Self { spec, full_name, group, number, subcommands }
    }

    /// Returns the subcommand with this name, in upper or lower case.
    pub(crate) fn subcommand(&self, name: &[u8]) -> Option<&Self> {
        self.subcommands.iter().find(|sub| sub.spec.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

/// Returns the name in lower case, padded with zeros. Returns `None` if no command has so long a name.
fn word(name: &[u8]) -> Option<u128> {
    let mut word = [0; NAME_MAX];
    word.get_mut(..name.len())?.copy_from_slice(name);
    word.make_ascii_lowercase();
    Some(u128::from_le_bytes(word))
}

/// Returns all commands. Subcommands are in their commands.
pub(crate) fn all() -> &'static [Command] {
    &COMMANDS
}

/// Returns all commands, each of them before its subcommands.
pub(crate) fn with_subcommands() -> impl Iterator<Item = &'static Command> {
    all().iter().flat_map(|command| [command].into_iter().chain(&command.subcommands))
}

/// Returns the command with this name, in upper or lower case.
#[inline]
pub(crate) fn find(name: &[u8]) -> Option<&'static Command> {
    // Zeros at the end of a name look like its padding.
    BY_NAME.get(&word(name)?).copied().filter(|command| command.spec.name.len() == name.len())
}

/// Returns the command, or the subcommand, of a request.
pub(crate) fn find_with_subcommand(args: Args<'_>) -> Option<&'static Command> {
    let command = find(args.get(0)?)?;
    match args.get(1) {
        Some(name) if !command.subcommands.is_empty() => command.subcommand(name),
        _ => Some(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_in_upper_and_lower_case() {
        for command in all() {
            let name = command.spec.name;
            for name in [name.to_owned(), name.to_ascii_uppercase()] {
                assert!(find(name.as_bytes()).is_some_and(|found| std::ptr::eq(found, command)), "{name}");
            }
        }
        assert!(find(b"").is_none() && find(b"ge").is_none() && find(b"get\0").is_none());
        assert!(find(&[b'x'; 17]).is_none());
    }

    #[test]
    fn every_command_and_subcommand_has_its_own_number() {
        let mut numbers: Vec<usize> = with_subcommands().map(|command| command.number).collect();
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(0..numbers.len()));
    }
}
