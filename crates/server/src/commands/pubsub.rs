//! Commands for publish and subscribe.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
