//! The command `CLIENT`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
