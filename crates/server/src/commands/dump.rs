//! Commands that copy keys: `DUMP`, `RESTORE`, `COPY` and `MOVE`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
