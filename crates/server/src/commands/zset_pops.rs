//! Commands for sorted sets: pops.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
