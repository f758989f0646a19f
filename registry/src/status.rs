//! Status values of domains, hosts and contacts (RFC 5731 2.3, 5732 2.3, 5733 2.2) as one set of bits.
//!
//! Only statuses that somebody set are stored. `ok`, `inactive` and `linked` follow from the object and its
//! links, so they are computed when an object is shown.

use serde::{Deserialize, Serialize};

/// A stored status. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Status {
    ClientDeleteProhibited,
    ClientHold,
    ClientRenewProhibited,
    ClientTransferProhibited,
    ClientUpdateProhibited,
    ServerDeleteProhibited,
    ServerHold,
    ServerRenewProhibited,
    ServerTransferProhibited,
    ServerUpdateProhibited,
}

const ALL: [Status; 10] = [
    Status::ClientDeleteProhibited,
    Status::ClientHold,
    Status::ClientRenewProhibited,
    Status::ClientTransferProhibited,
    Status::ClientUpdateProhibited,
    Status::ServerDeleteProhibited,
    Status::ServerHold,
    Status::ServerRenewProhibited,
    Status::ServerTransferProhibited,
    Status::ServerUpdateProhibited,
];

impl Status {
    /// The EPP word.
    pub fn word(self) -> &'static str {
        match self {
            Status::ClientDeleteProhibited => "clientDeleteProhibited",
            Status::ClientHold => "clientHold",
            Status::ClientRenewProhibited => "clientRenewProhibited",
            Status::ClientTransferProhibited => "clientTransferProhibited",
            Status::ClientUpdateProhibited => "clientUpdateProhibited",
            Status::ServerDeleteProhibited => "serverDeleteProhibited",
            Status::ServerHold => "serverHold",
            Status::ServerRenewProhibited => "serverRenewProhibited",
            Status::ServerTransferProhibited => "serverTransferProhibited",
            Status::ServerUpdateProhibited => "serverUpdateProhibited",
        }
    }
}

/// The set of stored statuses of one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statuses(u32);

impl Statuses {
    pub fn has(self, s: Status) -> bool {
        self.0 & (1 << s as u32) != 0
    }

    #[must_use]
    pub fn with(self, s: Status) -> Statuses {
        Statuses(self.0 | (1 << s as u32))
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Status> {
        ALL.into_iter().filter(move |s| self.has(*s))
    }

    /// The words to show: the stored ones, `inactive` and `linked` as asked, `ok` where RFC 5731–5733 want it
    /// (nothing else but `linked`).
    pub fn words(self, inactive: bool, linked: bool) -> Vec<&'static str> {
        let mut words: Vec<&'static str> = self.iter().map(Status::word).collect();
        if inactive {
            words.push("inactive");
        }
        if words.is_empty() {
            words.push("ok");
        }
        if linked {
            words.push("linked");
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_the_set() {
        let none = Statuses::default();
        assert_eq!(none.words(false, false), ["ok"]);
        assert_eq!(none.words(false, true), ["ok", "linked"]);
        assert_eq!(none.words(true, false), ["inactive"]);
        let held = none.with(Status::ClientHold);
        assert_eq!(held.words(false, true), ["clientHold", "linked"]);
        assert!(held.has(Status::ClientHold) && !held.has(Status::ServerHold) && !held.is_empty());
    }

    #[test]
    fn the_order_is_pinned() {
        for (i, s) in ALL.into_iter().enumerate() {
            assert_eq!(s as usize, i);
        }
    }
}
