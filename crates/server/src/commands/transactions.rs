//! The commands `MULTI`, `EXEC`, `DISCARD`, `WATCH` and `UNWATCH`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
