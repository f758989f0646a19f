//! `cluster.toml` and what `namingo-admin cluster init` makes of it: the certificate authority of a cluster, and
//! for each node a bundle (certificate, key, sealing keys, list of founders) in a directory of its own.
//!
//! [`Bundle::load`] reads a bundle back and checks it; [`tls`] turns it into the mutual TLS that nodes speak to each
//! other and to administrators.
//!
//! Not here: sockets, consensus, storage. After founding, the replicated membership is the truth about who belongs
//! to the cluster; what is read here says only who founds it and where this machine listens.

mod admission;
mod authority;
mod bundle;
mod credentials;
mod file;
mod founding;
mod identity;
mod init;
mod joining;
mod key_file;
mod keys;
pub mod layout;
mod limits;
mod pem;
mod role;
pub mod tls;
mod workshop;

pub use admission::{Admission, AdmissionError, Admitted};
pub use bundle::{Bundle, BundleError};
pub use credentials::Credentials;
pub use file::{
    ClusterFile, ConfigError, DEFAULT_DAS_MEMORY_MIB, DEFAULT_LOG_KEEP_MIB, DEFAULT_STATE_CACHE_MIB,
    NodeSection, Terms,
};
pub use founding::{Addresses, Founder, Founding, RepositoryPolicy};
pub use identity::{Identity, Subject};
pub use init::{InitError, Initialized, init};
pub use joining::Joining;
pub use key_file::{Imported, export_keys, import_keys};
pub use keys::{SealingKeys, fingerprint};
pub use limits::{EppLimits, Limits, ServiceLimits};
pub use role::{Profile, Role};
