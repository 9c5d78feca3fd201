//! Commands for sorted sets: ranges.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
