//! Nodes that come and go, through the operator's API.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod support;

use admin::{
    CallError,
    wire::{Failure, Kind, NodeAllocate, NodeRemove, Role},
};
use support::Node;

const CLUSTER: &str = "00112233445566778899aabbccddeeff";

fn failure<T: std::fmt::Debug>(result: Result<T, CallError>) -> Failure {
    match result {
        Err(CallError::Failed(failure)) => failure,
        other => panic!("expected a failure of the operation, got {other:?}"),
    }
}

fn allocate(cluster_id: &str, at_least: u64) -> NodeAllocate {
    NodeAllocate { role: Role::Voter, cluster_id: cluster_id.into(), at_least }
}

#[tokio::test]
async fn numbers_are_given_by_the_cluster_that_is_meant_and_once() {
    let node = Node::start().await;
    let first = node.client.call(&allocate(CLUSTER, 0)).await.unwrap();
    assert_eq!((first.id, first.contacts.len()), (4, 3), "after the members that are known");
    assert_eq!(node.client.call(&allocate(CLUSTER, 9)).await.unwrap().id, 10);
    assert_eq!(node.client.call(&allocate(CLUSTER, 0)).await.unwrap().id, 11);
    let other = failure(node.client.call(&allocate("ff", 0)).await);
    assert_eq!((other.kind, other.reason.as_str()), (Kind::BadRequest, "other_cluster"));
}

#[tokio::test]
async fn a_removal_is_weighed_marked_and_completed() {
    let node = Node::start().await;
    let remove = |id, accept| {
        let client = node.client.clone();
        async move { client.call(&NodeRemove { id, accept }).await }
    };
    assert_eq!(failure(remove(1, true).await).reason, "node_leads");
    assert_eq!(failure(remove(2, false).await).reason, "needs_yes");
    assert_eq!(failure(remove(7, false).await).reason, "not_found");
    assert_eq!(remove(2, true).await.unwrap().voters, [1]);
    // marked before, and a member still: the command completes it, as often as it is said
    assert_eq!(remove(2, true).await.unwrap().voters, [1]);
    let left = failure(remove(3, false).await);
    assert_eq!((left.kind, left.reason.as_str()), (Kind::Unavailable, "not_removed_yet"));
    assert!(left.message.contains("repeat the command"), "{}", left.message);
    // one that was allocated and never joined
    let id = node.client.call(&allocate(CLUSTER, 0)).await.unwrap().id;
    assert_eq!(remove(id, false).await.unwrap().id, id);
    assert_eq!(failure(remove(id, false).await).reason, "node_invalid");
}
