//! Commands for the bits of strings.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
