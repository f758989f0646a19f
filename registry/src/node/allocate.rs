//! A number for a new node.

use super::{ID_MAX, Node, NodeRole, NodeState, invalid};
use crate::{actor::Actor, outcome::Reply, refusal::Stop, tables::NODE};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// Allocates the number after all that were ever in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAllocate {
    pub role: NodeRole,
    /// The highest number in use that has no row here: founders are known by their list and by membership alone.
    pub at_least: u64,
}

/// The number that is allocated.
///
/// # Errors
/// Not the operator or the registry itself, or no number is left.
pub fn check(db: &impl Read, by: &Actor, c: &NodeAllocate) -> Result<u64, Stop> {
    by.must_operate()?;
    let last = db.range_rev(&NODE, ..).next().transpose()?.map_or(0, |(id, _)| id);
    let id = last.max(c.at_least).saturating_add(1);
    if id > ID_MAX {
        return Err(invalid(id, format!("is beyond {ID_MAX}, the highest number of a node")));
    }
    Ok(id)
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, c: &NodeAllocate) -> Result<Reply, Stop> {
    let id = check(tx, by, c)?;
    tx.insert(&NODE, &id, &Node { role: c.role, state: NodeState::Allocated })?;
    Ok(Reply::NodeAllocated { id })
}
