//! What every server of a node shares below its protocol: listeners with limits, TLS, graceful shutdown, a line
//! reader, HTTP connections with limits, and the metrics of the services.
//!
//! Absent here: every byte of EPP, WHOIS, RDAP and DAS (the sibling crates own them), the transport between the
//! nodes of a cluster (mutual TLS of the `raft` crate), and configuration files (the node reads them).

mod client_cert;
pub mod http;
mod line;
mod listen;
pub mod metrics;
mod patient;
mod shutdown;
mod source;

mod timing;
pub mod tls;
mod waiting;

pub use client_cert::Fingerprint;
pub use line::{LineError, Lines};
pub use listen::{BindError, Limits, Listener, Patience, Peer, Plain, Tls, Transport};
pub use metrics::{Answers, Commands, Cut, Metrics, Service};
pub use patient::Patient;
pub use shutdown::{Shutdown, Trigger, shutdown};
pub use source::{Admitted, Sources, block_of, neighbourhood_of};
pub use waiting::{Over, Waiting};
