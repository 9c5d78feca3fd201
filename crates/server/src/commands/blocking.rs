//! Commands that wait for a list or a sorted set.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
