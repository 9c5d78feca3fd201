//! Commands about the time at which keys expire.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
