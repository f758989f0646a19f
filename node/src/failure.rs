//! Why the process ends: one line that says what was wrong, where, and what to do.

use std::{fmt, io, net::SocketAddr};

/// A reason to end, already worded for the operator.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    pub fn new(why: impl fmt::Display) -> Failure {
        Failure(why.to_string())
    }

    /// `what: why`.
    pub fn at(what: impl fmt::Display, why: impl fmt::Display) -> Failure {
        Failure(format!("{what}: {why}"))
    }

    /// A port that can't be listened on; `what` is the service.
    pub fn port(what: &str, address: SocketAddr, cause: &io::Error) -> Failure {
        let why = match cause.kind() {
            io::ErrorKind::AddrInUse => "another process already uses that port".to_owned(),
            io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
            io::ErrorKind::PermissionDenied => "not permitted (ports below 1024 need a privilege)".to_owned(),
            _ => cause.to_string(),
        };
        Failure(format!("{what} cannot listen on {address}: {why}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! worded {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Failure {
                Failure::new(error)
            }
        })*
    };
}

worded!(
    admin::BindError,
    cluster::ConfigError,
    cluster::BundleError,
    cluster::InitError,
    raft::StartError,
    storage::Fault,
    net::BindError,
    net::tls::TlsError,
    rustls::Error,
);
