//! The end of a node: its number may never belong to the cluster again.

use super::{Node, NodeRole, NodeState, find, invalid};
use crate::{actor::Actor, outcome::Reply, refusal::Stop, tables::NODE};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// Removes a node for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRemove {
    pub id: u64,
    /// As membership knows it; a founder has no row that could tell.
    pub role: NodeRole,
}

/// The row that it has, if it has one.
///
/// # Errors
/// Not the operator or the registry itself, not the number of a node, or removed already.
pub fn check(db: &impl Read, by: &Actor, c: &NodeRemove) -> Result<Option<Node>, Stop> {
    by.must_operate()?;
    if c.id == 0 {
        return Err(invalid(c.id, "is not the number of a node"));
    }
    match find(db, c.id)? {
        Some(Node { state: NodeState::Removed, .. }) => Err(invalid(c.id, "is removed already")),
        known => Ok(known),
    }
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, c: &NodeRemove) -> Result<Reply, Stop> {
    match check(tx, by, c)? {
        Some(old) => {
            tx.replace(&NODE, &c.id, &old, &Node { state: NodeState::Removed, ..old })?;
        }
        None => tx.insert(&NODE, &c.id, &Node { role: c.role, state: NodeState::Removed })?,
    }
    Ok(Reply::Ok)
}
