//! Requests and answers as they travel, one struct per operation.

mod cluster;
mod domain;
mod failure;
mod journal;
mod keys;
mod nodes;
mod registrar;
mod secret;
mod tld;

pub use cluster::{
    ClockAccept, ClockNow, ClusterQuery, ClusterStatus, DigestQuery, DigestReport, LeaderTransfer, Member,
    MemberDigest, NewLeader,
};
pub use domain::{ContactLink, ContactRole, DomainCreate, DomainCreated, DomainShow, DomainView, Ds};
pub(crate) use failure::superseded;
pub use failure::{Failure, Kind};
pub use journal::{Change, JournalTail, JournalView, OutcomeQuery, OutcomeView, Placed, Row, Since};
pub use keys::{EpochView, KeyRetire, KeyRotate, KeyRotated, KeysQuery, KeysView, SilentNode};
pub use nodes::{NodeAllocate, NodeAllocated, NodeRemove, NodeRemoved, Role};
pub use registrar::{
    RegistrarCreate, RegistrarList, RegistrarPassword, RegistrarResume, RegistrarShow, RegistrarSuspend,
    RegistrarUpdate, RegistrarView, Seat, Suspension,
};
pub use secret::Secret;
pub use tld::{
    DataModel, Mark, MarkKind, MarkList, MarkPage, Marked, Rejected, TldCreate, TldList, TldMark, TldShow,
    TldUnmark, TldView,
};

use registry::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A question to a node. The struct is the body of the request, [`Operation::Reply`] that of the answer.
pub trait Operation: Serialize + DeserializeOwned + Send + 'static {
    /// `tld/create`: the path below `/v1/`.
    const NAME: &'static str;
    type Reply: Serialize + DeserializeOwned + Send;
}

/// A write that has nothing to say but which command it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    pub svtrid: String,
}

/// An instant as RFC 3339 text in UTC, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub Timestamp);

impl Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Instant, D::Error> {
        let text = String::deserialize(d)?;
        Timestamp::parse(&text)
            .map(Instant)
            .ok_or_else(|| serde::de::Error::custom(format_args!("{text:?} is not an RFC 3339 instant")))
    }
}

impl std::str::FromStr for Instant {
    type Err = String;

    /// An RFC 3339 instant, or a date: its first instant in UTC.
    fn from_str(text: &str) -> Result<Instant, String> {
        Timestamp::parse(text)
            .map(Instant)
            .ok_or_else(|| format!("{text:?} is neither a date nor an RFC 3339 instant"))
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
