//! [`Recording`]: a structure, the operations that a reader has typed, and the step that is shown.
//!
//! Operations are recorded, and not states: a state of a table can have a megabyte. To go back, a recording
//! builds the structure anew. It runs the first operations again, so the bytes are the same as before.

use crate::words::Words;
use common::Thousands;
use layout::drawing::Frame;
use std::fmt::Display;

/// A structure that can be changed by typed commands.
pub trait Structure: Default {
    /// One operation.
    type Operation: Clone + Display;

    /// The commands, one a line, as a reader types them.
    const COMMANDS: &'static str;

    /// Reads a command. It stands for one or more operations.
    ///
    /// # Errors
    /// What is wrong with the command, as a text for the reader.
    fn parse(&self, words: Words<'_>) -> Result<Vec<Self::Operation>, String>;

    /// Runs an operation and returns its answer. The same operations give the same answers and the same states.
    fn apply(&mut self, operation: &Self::Operation) -> String;

    /// Draws the state.
    fn frame(&self) -> Frame;
}

/// The most operations of a recording.
pub(crate) const STEPS_MAX: usize = 200_000;

/// A structure, the operations that were recorded, and the number of those that have been run.
pub struct Recording<S: Structure> {
    structure: S,
    step: usize,
    operations: Vec<S::Operation>,
    /// The answer of each operation.
    answers: Vec<String>,
}

impl<S: Structure> Default for Recording<S> {
    fn default() -> Self {
        Self { structure: S::default(), step: 0, operations: Vec::new(), answers: Vec::new() }
    }
}

impl<S: Structure> Recording<S> {
    /// Runs a command and goes to its last operation. If the recording shows an earlier step, the later ones are
    /// dropped first.
    ///
    /// # Errors
    /// If the command is not valid. The recording then stays as it was.
    pub fn run(&mut self, line: &str) -> Result<(), String> {
        let more = sds::split_args(line.as_bytes()).map_err(|error| error.to_string())?;
        let more = self.structure.parse(Words::new(&more))?;
        if more.is_empty() {
            return Err("there is nothing to do".into());
        }
        if self.step + more.len() > STEPS_MAX {
            return Err(format!("a recording has at most {} steps", Thousands(STEPS_MAX as u64)));
        }
        self.operations.truncate(self.step);
        self.answers.truncate(self.step);
        for operation in &more {
            self.answers.push(self.structure.apply(operation));
        }
        self.operations.extend(more);
        self.step = self.operations.len();
        Ok(())
    }

    /// Shows the state after the first `step` operations, or after all of them if there are fewer.
    pub fn seek(&mut self, step: usize) {
        let step = step.min(self.operations.len());
        if step < self.step {
            (self.structure, self.step) = (S::default(), 0);
        }
        for operation in &self.operations[self.step..step] {
            self.structure.apply(operation);
        }
        self.step = step;
    }

    /// Returns the number of operations that have been run.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Returns the number of recorded operations.
    pub fn steps(&self) -> usize {
        self.operations.len()
    }

    /// Returns operation number `step` and its answer, or an empty text if there is no such operation. The first
    /// one has the number 1.
    pub fn event(&self, step: usize) -> String {
        let Some(index) = step.checked_sub(1).filter(|index| *index < self.operations.len()) else {
            return String::new();
        };
        format!("{}: {}", self.operations[index], self.answers[index])
    }

    /// Draws the state as SVG. The colours are in `docs/theme/book.css`.
    pub fn draw(&self) -> String {
        layout::svg::draw(&[self.structure.frame()])
    }
}
