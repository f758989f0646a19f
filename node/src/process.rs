//! What the process asks of the system: open files, of which every connection is one, and small pages of memory.

use cluster::Limits;
use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    thread::disable_transparent_huge_pages,
};

/// For peers, operators, metrics, and the files of log and state.
const OTHERS: u64 = 1000;

/// Asks for all of it; a node runs in any case.
pub fn prepare(limits: &Limits) {
    use_small_pages();
    allow_files(limits);
}

/// Raises the process's own limit to what all connections need, as far as the system allows; says so where that is
/// not enough. Beyond it connections are not accepted until others close.
fn allow_files(limits: &Limits) {
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

/// Memory comes in small pages: a write must not wait until two megabytes are cleared for it. Where the system does not
/// know them, there are no others.
fn use_small_pages() {
    if let Err(cause) = disable_transparent_huge_pages(true) {
        tracing::debug!(%cause, "huge pages can't be switched off");
    }
}
