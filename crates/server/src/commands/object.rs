//! The commands `OBJECT` and `MEMORY`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
