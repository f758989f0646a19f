//! What every generation ends with. It is committed in the same file transaction as the rows, so rows and
//! log position can't disagree.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The state's own facts, as of one log index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Index of the last log entry whose effects are in the state.
    pub index: u64,
    /// State time: seconds or finer, as the owner counts it. Never decreases.
    pub state_time: i64,
    /// The number that the next new object gets; the first is 1.
    pub next_id: u64,
    /// Sum of the keyed hashes of all replicated rows; see [`crate::digest_of`].
    pub digest: u128,
    /// Opaque to storage: the consensus layer's log id and membership. Empty in a new store.
    pub meta: Arc<[u8]>,
}

impl Default for Header {
    fn default() -> Header {
        Header { index: 0, state_time: 0, next_id: 1, digest: 0, meta: Arc::default() }
    }
}

impl Header {
    /// Whether nothing was ever applied. Index 0 alone does not say so: a log may begin there.
    pub fn is_new(&self) -> bool {
        self.index == 0 && self.meta.is_empty()
    }
}
