//! How many files the process may open, and how many clients that allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The files that the server opens itself: listeners, the log, snapshots. In C: `CONFIG_MIN_RESERVED_FDS`.
const RESERVED: u64 = 32;

/// Raises the limit of the process, if that is allowed, so that it can have this number of clients. Returns how many
/// it can have: fewer if the limit cannot be high enough. In C: `adjustOpenFilesLimit`.
pub(crate) fn clients_within_limit(maxclients: usize) -> usize {
    let wanted = (maxclients as u64).saturating_add(RESERVED);
    let limit = getrlimit(Resource::Nofile);
    // `None` is no limit.
    let Some(current) = limit.current.filter(|current| *current < wanted) else { return maxclients };
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let new = Rlimit { current: Some(raised), maximum: limit.maximum };
    let now = if raised > current && setrlimit(Resource::Nofile, new).is_ok() { raised } else { current };
    usize::try_from(now.saturating_sub(RESERVED)).map_or(maxclients, |clients| clients.clamp(1, maxclients))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_allows_all_clients_that_can_be_numbered() {
        assert_eq!(clients_within_limit(1), 1);
        let most = clients_within_limit(usize::MAX);
        assert!(most == usize::MAX || clients_within_limit(most) == most);
    }
}
