//! Commands for several sorted sets.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
