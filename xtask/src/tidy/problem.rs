//! [`Problem`]: a violation of a rule.

use std::fmt;

/// A violation of a rule, with its place. A line of 0 stands for the whole file.
#[derive(Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) text: String,
    /// Whether the problem is printed but does not fail the command.
    pub(super) only_warns: bool,
}

impl Problem {
    pub(super) fn new(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.into(), line, text: text.into(), only_warns: false }
    }

    pub(super) fn warning(path: &str, text: impl Into<String>) -> Self {
        Self { only_warns: true, ..Self::new(path, 0, text) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.only_warns { "warning" } else { "error" };
        match self.line {
            0 => write!(f, "{word}: {}: {}", self.path, self.text),
            line => write!(f, "{word}: {}:{line}: {}", self.path, self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_prints_where_it_is() {
        assert_eq!(Problem::new("a/b.rs", 3, "bad").to_string(), "error: a/b.rs:3: bad");
        assert_eq!(Problem::warning("a/b.rs", "long").to_string(), "warning: a/b.rs: long");
    }
}
