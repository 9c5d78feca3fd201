//! The commands `SLOWLOG` and `LATENCY`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
