//! Why the process ends: one line that says what was wrong, where, and what to do.

use std::fmt;

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
