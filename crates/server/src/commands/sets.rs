//! Commands for sets.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
