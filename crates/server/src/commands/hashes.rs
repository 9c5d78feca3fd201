//! Commands for hashes.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
