//! Why an operation was not done: for programs a kind and a word, for people a sentence.

use registry::{Refusal, Unavailable};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of failure, and so what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request makes no sense as it stands.
    BadRequest,
    /// Who asks may not.
    Forbidden,
    /// The registry's rules say no.
    Refused,
    /// Nothing was done; the same request may succeed later or at another node.
    Unavailable,
    /// It may or may not have been done: ask for the outcome of the svTRID.
    Unknown,
    /// A defect or a broken disk.
    Internal,
}

/// The body of every answer that is not a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: Kind,
    /// A stable word: that of the refusal, or `no_leader`, `unknown_outcome` and the like.
    pub reason: String,
    pub message: String,
    /// The command whose outcome is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub svtrid: Option<String>,
}

impl Failure {
    pub fn new(kind: Kind, reason: &str, message: impl Into<String>) -> Failure {
        Failure { kind, reason: reason.to_owned(), message: message.into(), svtrid: None }
    }

    pub fn bad_request(reason: &str, message: impl Into<String>) -> Failure {
        Failure::new(Kind::BadRequest, reason, message)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::new(Kind::Refused, refusal.reason(), refusal.to_string())
    }
}

impl From<Unavailable> for Failure {
    fn from(why: Unavailable) -> Failure {
        let message = why.to_string();
        match why {
            Unavailable::NoLeader => Failure::new(Kind::Unavailable, "no_leader", message),
            Unavailable::ClockDiffers { .. } => Failure::new(Kind::Unavailable, "clock_differs", message),
            Unavailable::ClockHeld => Failure::new(Kind::Unavailable, "clock_held", message),
            Unavailable::Busy => Failure::new(Kind::Unavailable, "busy", message),
            Unavailable::Fault(_) => Failure::new(Kind::Internal, "fault", message),
            Unavailable::Unknown { svtrid } => Failure {
                svtrid: Some(svtrid.to_string()),
                ..Failure::new(
                    Kind::Unknown,
                    "unknown_outcome",
                    format!(
                        "whether {svtrid} was carried out is not known yet; in a minute `namingo-admin outcome \
                         {svtrid}` answers for certain"
                    ),
                )
            },
        }
    }
}

impl From<storage::Fault> for Failure {
    fn from(fault: storage::Fault) -> Failure {
        Unavailable::from(fault).into()
    }
}

impl From<registry::Stop> for Failure {
    fn from(stop: registry::Stop) -> Failure {
        match stop {
            registry::Stop::Refused(refusal) => refusal.into(),
            registry::Stop::Fault(fault) => fault.into(),
            registry::Stop::Superseded => superseded(),
        }
    }
}

/// The state moved under a command that was built on it; the operator's commands are not, so this is unusual.
pub(crate) fn superseded() -> Failure {
    Failure::new(Kind::Unavailable, "superseded", "the object changed meanwhile; nothing was done, try again")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.reason)
    }
}

impl std::error::Error for Failure {}
