//! The command `COMMAND`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
