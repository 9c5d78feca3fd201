//! The commands `SCAN`, `SSCAN`, `HSCAN` and `ZSCAN`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
