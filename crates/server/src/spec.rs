//! [`Spec`]: the properties of a command, such as its arity, flags and keys.

use crate::call::Call;
use crate::error::Outcome;

/// A row of the table of commands.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The name in lower case. Subcommands have only their own name.
    pub(crate) name: &'static str,
    /// The number of arguments, including the name. A negative number `-n` stands for at least `n`.
    pub(crate) arity: i32,
    /// See [`flags`].
    pub(crate) flags: u32,
    /// Which arguments are keys.
    pub(crate) keys: Keys,
    /// Whether a member of a set or a field of a hash follows the first key.
    pub(crate) names_member: bool,
    /// A short description of the command.
    pub(crate) summary: &'static str,
    /// The first version of Redis that has the command.
    pub(crate) since: &'static str,
    /// The subcommands, if this is a command such as `CONFIG`.
    pub(crate) subcommands: &'static [Self],
    /// Runs the command.
    pub(crate) run: fn(&mut Call<'_>) -> Outcome,
}

/// The flags of a command, as `COMMAND` names them.
pub(crate) mod flags {
    /// It may change keys.
    pub(crate) const WRITE: u32 = 1;
    /// It reads keys.
    pub(crate) const READONLY: u32 = 1 << 1;
    /// It is refused when memory is at its limit.
    pub(crate) const DENYOOM: u32 = 1 << 2;
    /// It is an administrative command.
    pub(crate) const ADMIN: u32 = 1 << 3;
    /// It is a command for publishing or subscribing.
    pub(crate) const PUBSUB: u32 = 1 << 4;
    /// It cannot be part of a script.
    pub(crate) const NOSCRIPT: u32 = 1 << 5;
    /// It may wait for a key.
    pub(crate) const BLOCKING: u32 = 1 << 6;
    /// It is allowed while a file is loaded.
    pub(crate) const LOADING: u32 = 1 << 7;
    /// It is allowed on a replica with old data.
    pub(crate) const STALE: u32 = 1 << 8;
    /// The slow log never contains it.
    pub(crate) const SKIP_SLOWLOG: u32 = 1 << 9;
    /// It takes constant or logarithmic time.
    pub(crate) const FAST: u32 = 1 << 10;
    /// It needs no password.
    pub(crate) const NO_AUTH: u32 = 1 << 11;
    /// It cannot be queued by `MULTI`.
    pub(crate) const NO_MULTI: u32 = 1 << 12;
    /// The positions of its keys depend on its arguments.
    pub(crate) const MOVABLEKEYS: u32 = 1 << 13;

    /// Redis may send it to replicas, although it does not change keys.
    pub(crate) const MAY_REPLICATE: u32 = 1 << 14;

    /// The names of the flags, in the order of their bits.
    pub(crate) const NAMES: [&str; 15] = [
        "write",
        "readonly",
        "denyoom",
        "admin",
        "pubsub",
        "noscript",
        "blocking",
        "loading",
        "stale",
        "skip_slowlog",
        "fast",
        "no_auth",
        "no_multi",
        "movablekeys",
        "may_replicate",
    ];
}

/// Which arguments of a command are keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// No argument is a key.
    None,
    /// Every `step`-th argument from `first` to `last` is a key. A negative `last` counts from the end.
    Range {
        /// The index of the first key. The name has index 0.
        first: i32,
        /// The index of the last key.
        last: i32,
        /// The distance between two keys.
        step: i32,
    },
    /// The argument at index `at` is the number of keys that follow it. `destination` is one more key.
    Counted {
        /// The index of the number.
        at: usize,
        /// The index of one more key, which is before the number, or 0 if there is none.
        destination: usize,
    },
    /// The first argument is a key. The argument after the last word `STORE`, if any, is another.
    FirstAndStore,
}

impl Keys {
    /// The first argument.
    pub(crate) const FIRST: Self = Self::Range { first: 1, last: 1, step: 1 };
    /// All arguments.
    pub(crate) const ALL: Self = Self::Range { first: 1, last: -1, step: 1 };
    /// The first two arguments.
    pub(crate) const TWO: Self = Self::Range { first: 1, last: 2, step: 1 };

    /// Returns the index of the first key, or `None` if there is none. If the arguments are wrong, none of them may be
    /// a key.
    pub(crate) const fn first(self) -> Option<usize> {
        match self {
            Self::Range { first, .. } if first > 0 => Some(first as usize),
            Self::Counted { at, destination: 0 } => Some(at + 1),
            Self::Counted { destination, .. } => Some(destination),
            Self::FirstAndStore => Some(1),
            Self::None | Self::Range { .. } => None,
        }
    }
}

/// Returns a row without subcommands and documentation. [`with`](Spec::with) and [`doc`](Spec::doc) add these.
pub(crate) const fn row(
    name: &'static str,
    arity: i32,
    flags: u32,
    keys: Keys,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    Spec { name, arity, flags, keys, names_member: false, summary: "", since: "1.0.0", subcommands: &[], run }
}

/// Returns the row of a command without keys.
pub(crate) const fn keyless(
    name: &'static str,
    arity: i32,
    flags: u32,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    row(name, arity, flags, Keys::None, run)
}

/// Returns the row of a command whose first argument is its only key.
pub(crate) const fn on_key(
    name: &'static str,
    arity: i32,
    flags: u32,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    row(name, arity, flags, Keys::FIRST, run)
}

/// Returns the row of a command whose first argument is its only key, and whose second one is a member of a set or a
/// field of a hash.
pub(crate) const fn on_member(
    name: &'static str,
    arity: i32,
    flags: u32,
    run: fn(&mut Call<'_>) -> Outcome,
) -> Spec {
    Spec { names_member: true, ..on_key(name, arity, flags, run) }
}

impl Spec {
    /// Adds subcommands.
    pub(crate) const fn with(self, subcommands: &'static [Self]) -> Self {
        Self { subcommands, ..self }
    }

    /// Adds the texts for `COMMAND DOCS`.
    pub(crate) const fn doc(self, since: &'static str, summary: &'static str) -> Self {
        Self { since, summary, ..self }
    }

    /// Returns whether all of these flags are set.
    pub(crate) const fn has(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    /// Returns whether the command can have this number of arguments, including the name.
    pub(crate) fn takes(&self, arguments: usize) -> bool {
        let arity = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { arguments >= arity } else { arguments == arity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_is_known_without_the_arguments() {
        assert_eq!([Keys::FIRST, Keys::ALL, Keys::TWO, Keys::FirstAndStore].map(Keys::first), [Some(1); 4]);
        assert_eq!(Keys::Counted { at: 1, destination: 0 }.first(), Some(2), "ZUNION 2 a b");
        assert_eq!(Keys::Counted { at: 2, destination: 1 }.first(), Some(1), "ZUNIONSTORE target 2 a b");
        assert_eq!(Keys::None.first(), None);
    }
}
