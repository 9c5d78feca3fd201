//! [`Outcome`]: how a command ended. It distinguishes a failure from a missing tool.

use std::fmt;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Outcome {
    Passed,
    /// All parts that ran have passed. The named parts did not run, because this machine lacks a tool.
    Partly(Vec<String>),
    Failed,
    WrongArguments,
    /// This machine lacks a tool.
    Unavailable,
}

impl Outcome {
    /// Returns the exit code. `main.rs` lists the codes.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Passed | Self::Partly(_) => 0,
            Self::Failed => 1,
            Self::WrongArguments => 2,
            Self::Unavailable => 3,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Partly(left_out) => write!(f, "passed, without {}", left_out.join(", ")),
            Self::Failed | Self::WrongArguments => f.write_str("FAILED"),
            Self::Unavailable => f.write_str("NOT RUN"),
        }
    }
}

/// Prints a large banner, which says that `what` did not run. Returns [`Outcome::Unavailable`].
pub(crate) fn unavailable(what: &str, advice: &str) -> Outcome {
    let line = "!".repeat(88);
    eprintln!("{line}\n!! NOT RUN: {what}\n!! {}\n{line}", advice.replace('\n', "\n!! "));
    Outcome::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_named_and_is_not_a_failure() {
        let partly = Outcome::Partly(vec!["a".into(), "b".into()]);
        assert_eq!((partly.code(), partly.to_string()), (0, "passed, without a, b".into()));
        assert_eq!((Outcome::Failed.code(), Outcome::WrongArguments.code()), (1, 2));
        assert_eq!(unavailable("a tool", "install it").code(), 3);
    }
}
