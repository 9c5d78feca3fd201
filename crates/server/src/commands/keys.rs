//! Commands for keys of any type.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
