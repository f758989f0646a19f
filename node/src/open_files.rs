//! How many files the system lets the process have: every connection is one.

use cluster::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For peers, operators, metrics, and the files of log and state.
const OTHERS: u64 = 1000;

/// Raises the process's own limit to what all connections need, as far as the system allows; says so where that is
/// not enough. Beyond it connections are not accepted until others close, so a node runs in any case.
pub fn allow(limits: &Limits) {
    let needed = limits.connections() + OTHERS;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let allowed = maximum.map_or(needed, |maximum| maximum.min(needed));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), maximum });
    if let Err(cause) = raised {
        return tracing::warn!(%cause, needed, ?current, "the limit on open files can't be raised");
    }
    if allowed < needed {
        tracing::warn!(
            allowed,
            needed,
            "fewer open files are allowed than [limits] has connections: raise the limit (ulimit -n, or \
             LimitNOFILE of systemd), or lower the connections"
        );
    }
}
