//! Commands for sorted sets: members and scores.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
