//! How replication is wired: openraft over the log and the state of `storage`, and the port
//! [`registry::Backend`] on top. The only crate that names openraft.
//!
//! ```text
//!   submit ──► leader ──► openraft ──► log (fsync on a majority) ──► Machine ──► registry::apply_batch
//!   view   ──► read index at the leader ──► wait until applied here ──► a new View
//! ```
//! Everything is generic over [`Cx`] (openraft's configuration, with its runtime) and over [`net::Net`], so that a
//! simulation can replace time and network. Not here: domain names, EPP, which jobs a leader runs.

mod backend;
mod clock;
mod cluster;
mod confirm;
mod digest;
mod drain;
mod errand;
mod fitness;
pub mod founding;
mod gathering;
mod join;
mod leading;
mod log;
mod machine;
mod membership;
pub mod net;
mod peer;
mod progress;
mod reads;
mod retention;
mod room;
mod sending;
mod service;
mod snapshot;
mod start;
pub mod transport;
mod types;
mod wire;

pub use clock::{ClockState, Jumps};
pub use cluster::{Cluster, Profile, RaftConfig, Status};
pub use digest::{Comparison, Said};
pub use drain::{Drain, OnDrain, OnFault};
pub use errand::{Clerk, Errand};
pub use log::LogStore;
pub use machine::{Batch, Machine, OnApply, Snap};
pub use progress::Progress;
pub use room::{Bounds, Refused, Writes};
pub use snapshot::Work;
pub use start::StartError;
pub use types::{Cx, Live, NodeInfo, Role};

/// What a log filter should add so that the consensus library tells only what needs attention.
pub const LOG_FILTER: &str = "openraft=error";
