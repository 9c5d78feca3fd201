//! The command `MONITOR`. What it sends is written in [`monitor`](crate::monitor).

use crate::call::Call;
use crate::error::{CommandError, Outcome};
use crate::spec::flags::{ADMIN, LOADING, NOSCRIPT, STALE};
use crate::spec::{Spec, keyless};

pub(super) const COMMANDS: &[Spec] = &[keyless("monitor", 1, ADMIN | NOSCRIPT | LOADING | STALE, monitor)
    .doc("1.0.0", "Sends a line about each command that runs.")];

/// The second `MONITOR` of a client has no reply, as in Redis.
fn monitor(call: &mut Call<'_>) -> Outcome {
    if call.is_in_exec {
        return Err(CommandError::new("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    if call.state.monitors.insert(call.client.id) {
        call.reply().ok();
    }
    Ok(())
}
