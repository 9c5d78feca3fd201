//! The command `LCS`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
