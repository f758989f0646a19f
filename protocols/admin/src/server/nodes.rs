//! Nodes that come and go: numbers for new ones, and the end of old ones.

use super::{Context, Control, Handle};
use crate::wire::{Failure, Kind, NodeAllocate, NodeAllocated, NodeRemove, NodeRemoved};
use registry::{
    About, Backend, Refusal, Reply, Verb,
    node::{self, NodeRole},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

/// The cluster as far as adding and removing nodes goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    pub cluster_id: String,
    /// Of the founders and the members.
    pub highest: u64,
    pub roles: BTreeMap<u64, NodeRole>,
    /// Where their peers reach the voters, whom a new node asks.
    pub contacts: BTreeMap<u64, SocketAddr>,
    pub voters: BTreeSet<u64>,
    pub leader: Option<u64>,
}

impl<B: Backend, C: Control> Handle<B, C> for NodeAllocate {
    async fn handle(self, context: &Context<B, C>) -> Result<NodeAllocated, Failure> {
        let known = context.site().control.membership();
        if self.cluster_id != known.cluster_id {
            return Err(Failure::bad_request(
                "other_cluster",
                format!(
                    "this is cluster {}, not {}; ask a node of that one",
                    known.cluster_id, self.cluster_id
                ),
            ));
        }
        let at_least = self.at_least.max(known.highest);
        let allocate = node::NodeAllocate { role: self.role.into(), at_least };
        match context.write(Verb::NodeAllocate(allocate)).await? {
            (_, Reply::NodeAllocated { id }) => Ok(NodeAllocated { id, contacts: known.contacts }),
            (svtrid, _) => Err(Failure::new(
                Kind::Internal,
                "internal",
                format!("{svtrid} was answered with something else"),
            )),
        }
    }
}

impl<B: Backend, C: Control> Handle<B, C> for NodeRemove {
    async fn handle(self, context: &Context<B, C>) -> Result<NodeRemoved, Failure> {
        let (id, known) = (self.id, context.site().control.membership());
        admissible(&known, id, self.accept)?;
        let member = known.roles.get(&id).copied();
        let role = match member {
            Some(role) => role,
            None => {
                let row = node::find(&context.view().await?, id)?;
                row.ok_or_else(|| Refusal::NotFound { about: About::Object, object: format!("node {id}") })?
                    .role
            }
        };
        let marked = context.write(Verb::NodeRemove(node::NodeRemove { id, role })).await;
        match marked {
            // begun before, and not completed
            Err(failure) if member.is_some() && failure.reason == "node_invalid" => {}
            other => drop(other?),
        }
        if member.is_some() {
            context.site().control.remove(id).await.map_err(|why| {
                let message =
                    format!("node {id} is marked as removed and still a member: {why}; repeat the command");
                Failure::new(Kind::Unavailable, "not_removed_yet", message)
            })?;
        }
        Ok(NodeRemoved { id, voters: known.voters.into_iter().filter(|voter| *voter != id).collect() })
    }
}

/// Whether the cluster can do without the node, or, with `accept`, survives its removal at all.
fn admissible(known: &Membership, id: u64, accept: bool) -> Result<(), Failure> {
    let refused = |reason: &str, message: String| Err(Failure::new(Kind::Refused, reason, message));
    if !known.voters.contains(&id) {
        return Ok(());
    }
    let left = known.voters.len() - 1;
    if left == 0 {
        return refused("last_voter", format!("node {id} is the last voter; a cluster can't do without one"));
    }
    if known.leader == Some(id) {
        let message =
            format!("node {id} leads; hand leadership over first: `namingo-admin cluster transfer-leader`");
        return refused("node_leads", message);
    }
    if accept || (left > 1 && left % 2 == 1) {
        return Ok(());
    }
    let why = match left {
        1 => "one voter: its disk is then the only one that counts".to_owned(),
        even => format!("{even} voters, of which {} must run for anything to be written", even / 2 + 1),
    };
    refused(
        "needs_yes",
        format!("that leaves {why}. Say it with --yes if it is meant, and add another voter soon"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(voters: u64) -> Membership {
        Membership { voters: (1..=voters).collect(), leader: Some(1), ..Membership::default() }
    }

    fn reason(voters: u64, id: u64, accept: bool) -> Option<String> {
        admissible(&of(voters), id, accept).err().map(|failure| failure.reason)
    }

    #[test]
    fn what_the_cluster_loses_is_weighed() {
        assert_eq!(reason(1, 1, true).as_deref(), Some("last_voter"));
        assert_eq!(reason(3, 1, true).as_deref(), Some("node_leads"));
        assert_eq!(reason(2, 2, false).as_deref(), Some("needs_yes"));
        assert_eq!(reason(3, 2, false).as_deref(), Some("needs_yes"));
        assert_eq!(reason(5, 2, false).as_deref(), Some("needs_yes"));
        assert_eq!(reason(4, 2, false), None, "three are as good as four");
        assert_eq!(reason(3, 7, false), None, "a learner");
        for voters in 2..=5 {
            assert_eq!(reason(voters, 2, true), None);
        }
        let said = admissible(&of(3), 2, false).unwrap_err().message;
        assert!(
            said.starts_with("that leaves 2 voters, of which 2 must run") && said.contains("--yes"),
            "{said}"
        );
    }
}
