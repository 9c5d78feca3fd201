//! [`CommandError`]: why a command failed, as a client is told.

use keyspace::Error;
use std::borrow::Cow;

/// The text of an error reply, with its code and without the leading `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandError(pub(crate) Cow<'static, str>);

/// The result of a command. On success, it has written its reply.
pub(crate) type Outcome = Result<(), CommandError>;

impl CommandError {
    /// The arguments make no sense together.
    pub(crate) const SYNTAX: Self = Self::new("ERR syntax error");
    /// An argument is not an integer, or does not fit.
    pub(crate) const NOT_AN_INTEGER: Self = Self::new("ERR value is not an integer or out of range");
    /// An argument is not a number.
    pub(crate) const NOT_A_FLOAT: Self = Self::new("ERR value is not a valid float");
    /// There is no such key.
    pub(crate) const NO_SUCH_KEY: Self = Self::new("ERR no such key");
    /// The index of a list or of a database is too large.
    pub(crate) const OUT_OF_RANGE: Self = Self::new("ERR index out of range");
    /// The value has another type.
    pub(crate) const WRONG_TYPE: Self =
        Self::new("WRONGTYPE Operation against a key holding the wrong kind of value");

    /// Memory is at its limit.
    pub(crate) const OOM: Self = Self::new("OOM command not allowed when used memory > 'maxmemory'.");

    /// Returns an error with a fixed text.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Returns an error with a text that was made for this command.
    pub(crate) fn of(text: String) -> Self {
        Self(Cow::Owned(text))
    }

    /// Returns the error of a command with the wrong number of arguments. The name is in lower case, and that
    /// of a subcommand follows after `|`.
    pub(crate) fn arity(name: &str) -> Self {
        Self::of(format!("ERR wrong number of arguments for '{name}' command"))
    }

    /// Returns the error of an unknown subcommand.
    pub(crate) fn subcommand(container: &str, name: &[u8]) -> Self {
        let shown = shorten(name);
        Self::of(format!("ERR unknown subcommand '{shown}'. Try {container} HELP."))
    }

    /// Returns the error of a subcommand that finds the number of its arguments wrong when it runs. In C:
    /// `addReplySubcommandSyntaxError`.
    pub(crate) fn subcommand_syntax(container: &str, name: &[u8]) -> Self {
        let shown = shorten(name);
        Self::of(format!(
            "ERR unknown subcommand or wrong number of arguments for '{shown}'. Try {container} HELP."
        ))
    }
}

/// Returns as much of a word as an error shows.
fn shorten(word: &[u8]) -> String {
    String::from_utf8_lossy(word).chars().take(128).collect()
}

macro_rules! from_error {
    ($($Error:ty),* $(,)?) => { $(
        impl From<$Error> for CommandError {
            fn from(error: $Error) -> Self {
                Self::new(error.reply())
            }
        }
    )* };
}

from_error!(Error, values::Error);

macro_rules! from_value_error {
    ($($Error:ty),* $(,)?) => { $(
        impl From<$Error> for CommandError {
            fn from(error: $Error) -> Self {
                values::Error::from(error).into()
            }
        }
    )* };
}

from_value_error!(
    values::WrongType,
    values::ReserveError,
    values::SortError,
    values::string::StringError,
    values::hash::HashError,
    values::zset::AddError,
);
