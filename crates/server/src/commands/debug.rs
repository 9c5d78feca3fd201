//! The command `DEBUG`, as far as tests use it.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
