//! [`Words`]: the arguments of a command.

use sds::Sds;
use std::str::FromStr;

/// The words of a command that have not been read yet.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    words: &'a [Sds],
}

impl<'a> Words<'a> {
    pub(crate) fn new(words: &'a [Sds]) -> Self {
        Self { words }
    }

    /// Returns the number of words that are left.
    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }

    /// Returns the next word. `what` names it in the error.
    pub(crate) fn next(&mut self, what: &str) -> Result<&'a [u8], String> {
        let (first, rest) = self.words.split_first().ok_or_else(|| format!("{what} is missing"))?;
        self.words = rest;
        Ok(first.as_bytes())
    }

    /// Returns the next word in lower case, as the name of a command.
    pub(crate) fn command(&mut self) -> Result<String, String> {
        let name = self.next("a command")?;
        Ok(String::from_utf8_lossy(name).to_lowercase())
    }

    /// Returns the next word as a number. `what` names it in the error.
    pub(crate) fn number<N: FromStr>(&mut self, what: &str) -> Result<N, String> {
        let word = self.next(what)?;
        let number = str::from_utf8(word).ok().and_then(|word| word.parse().ok());
        number.ok_or_else(|| format!("`{}` is not valid as {what}", word.escape_ascii()))
    }

    /// Returns an error if there is another word.
    pub(crate) fn end(self) -> Result<(), String> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(format!("`{}` is one word too many", word.as_bytes().escape_ascii())),
        }
    }
}

/// Returns the error for a command that does not exist.
pub(crate) fn unknown<T>(command: &str) -> Result<T, String> {
    Err(format!("there is no command `{}`", command.escape_default()))
}
