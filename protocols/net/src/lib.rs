//! What every server of a node shares below its protocol: listeners with limits, TLS, graceful shutdown, a line
//! reader and the metrics of the query services.
//!
//! Absent here: every byte of EPP, WHOIS, RDAP and DAS (the sibling crates own them), the transport between the
//! nodes of a cluster (mutual TLS of the `raft` crate), and configuration files (the node reads them).

mod client_cert;
mod line;
mod listen;
pub mod metrics;
mod shutdown;
mod source;
pub mod tls;

pub use client_cert::Fingerprint;
pub use line::{LineError, Lines};
pub use listen::{BindError, Limits, Listener, Peer, Plain, Tls, Transport};
pub use metrics::{Metrics, Service};
pub use shutdown::{Shutdown, Trigger, shutdown};
pub use source::{Admitted, Sources, block_of};
