//! The commands `SORT` and `SORT_RO`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
