//! The command `INFO`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
