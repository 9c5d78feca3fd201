//! Commands for lists, except those that wait.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
