//! The commands `SAVE`, `BGSAVE` and `LASTSAVE`.

use crate::spec::Spec;

pub(super) const COMMANDS: &[Spec] = &[];
