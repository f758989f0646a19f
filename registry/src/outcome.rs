//! What a command came to: the same on every node, kept in the journal, returned to resends.

use crate::{refusal::Refusal, time::Timestamp};
use serde::{Deserialize, Serialize};

/// The result of one command. The order is replicated: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Done(Reply),
    Refused(Refusal),
    /// The verb failed in a way that is a defect of the registry: deterministic, 2400 on the wire.
    Internal,
    /// The command came more than 60 s after it was issued and had no outcome: nothing was done.
    Expired,
    /// The command was built on a state that changed meanwhile; never stored, never on the wire.
    Superseded,
}

/// What a successful command says. The order is replicated: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Nothing to say but success.
    Ok,
    DomainCreated {
        name: String,
        created: Timestamp,
        expiry: Timestamp,
    },
    HostCreated {
        name: String,
        created: Timestamp,
    },
    ContactCreated {
        handle: String,
        created: Timestamp,
    },
    /// `more`: due work is left, another tick is wanted.
    Ticked {
        done: u32,
        more: bool,
    },
    /// Acknowledged; `left` messages remain, the next one is `next`.
    Acknowledged {
        left: u64,
        next: Option<u64>,
    },
    RegistrarCreated {
        id: u64,
    },
    TldCreated {
        id: u64,
    },
    /// The digest of the replicated state right after the entry.
    Marked {
        index: u64,
        digest: u128,
    },
    NodeAllocated {
        id: u64,
    },
    /// Whether the name that was reserved or blocked is registered.
    NameMarked {
        registered: bool,
    },
}
