//! A node that lost its log is another node: it has no voice, does not come back as itself, and is replaced under a
//! number of its own. Who was removed is heard no more.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

mod support;

use raft::{Role, StartError, net::CallError};
use registry::{
    Backend, Freshness, Outcome,
    node::NodeRole,
    view::{DasStatus, das},
};
use std::{sync::Arc, time::Duration};
use storage::{Log, MetaKey, SimDisk, codec};
use support::{Asked, Lab, Node};

const VOTERS: [Role; 3] = [Role::Voter, Role::Voter, Role::Voter];

async fn write(lab: &Lab, node: &Node, label: &str) {
    let outcome = lab.submit(node, Lab::reserve(label)).await;
    assert!(matches!(outcome, Ok(Outcome::Done(_))), "{label}: {outcome:?}");
}

async fn holds(node: &Node, label: &str) {
    let view = node.view(Freshness::Linearizable).await.unwrap();
    assert_eq!(das(&view, &format!("{label}.example")).unwrap(), DasStatus::Reserved, "{label}");
}

/// Waits until a node says that it was removed.
async fn leaves(node: &Node) {
    let said = tokio::time::timeout(Duration::from_secs(60), node.removed()).await;
    assert!(said.unwrap().contains("was removed from the cluster"));
}

fn at(lab: &Lab, id: u64) -> usize {
    lab.machines.iter().position(|m| m.id == id).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_voter_has_no_voice_and_does_not_come_back_as_itself() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await.id();
    let emptied = (1..=3).find(|id| *id != leader).unwrap();
    // the leader and the emptied one acknowledged this; the third does not know it
    let third = (1..=3).find(|id| *id != leader && *id != emptied).unwrap();
    lab.cut(third);
    write(&lab, &lab.node(leader), "kept").await;
    lab.lose(at(&lab, emptied)).await;
    lab.crash(at(&lab, leader)).await;
    lab.heal();
    lab.start(at(&lab, emptied)).await;
    // with the vote of the emptied one the third would lead, and the name would be lost
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        lab.nodes().iter().all(|node| !node.is_leader()),
        "a leader was elected by a voter without memory"
    );
    assert_eq!(lab.node(emptied).status().last_log, 0, "a node that has no voice took entries");
    let refused = lab.found(emptied).await.unwrap_err();
    assert!(matches!(refused, StartError::Forgotten { .. }), "{refused}");
    let said = refused.to_string();
    for command in ["remove-node", "add-node"] {
        assert!(said.contains(&format!("`namingo-admin cluster {command} ")), "{said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
    lab.start(at(&lab, leader)).await;
    lab.leader().await;
    write(&lab, &lab.node(third), "after").await;
    holds(&lab.node(third), "kept").await;
    assert_eq!(lab.node(emptied).status().last_log, 0, "a node that has no voice took entries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_learner_does_not_come_back_as_itself() {
    let mut lab = Lab::new(&[Role::Voter, Role::Edge]).await;
    lab.seed().await;
    write(&lab, &lab.node(1), "before").await;
    holds(&lab.node(2), "before").await;
    lab.lose(1).await;
    lab.start(1).await;
    let refused = lab.found(2).await.unwrap_err();
    assert!(matches!(refused, StartError::Forgotten { id: 2, .. }), "{refused}");
    write(&lab, &lab.node(1), "after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_joins_who_was_not_allocated_or_as_something_else() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    lab.boot_new(9).await;
    let refused = lab.join(9, Role::Edge).await.unwrap_err();
    assert!(matches!(refused, StartError::NotAdmitted { id: 9, .. }), "{refused}");
    let id = lab.add(NodeRole::Edge).await;
    assert_eq!(id, 10, "every number that is known is in use");
    let refused = lab.join(id, Role::Voter).await.unwrap_err();
    assert!(refused.to_string().contains("allocated as edge, not as voter"), "{refused}");
    lab.join(id, Role::Edge).await.unwrap();
    write(&lab, &lab.node(1), "seen-at-the-edge").await;
    holds(&lab.node(id), "seen-at-the-edge").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_removed_is_heard_no_more() {
    let mut lab = Lab::new(&[Role::Voter, Role::Voter, Role::Voter, Role::Standby]).await;
    lab.seed().await;
    write(&lab, &lab.node(4), "while-a-member").await;
    lab.remove(4, NodeRole::Standby).await;
    leaves(&lab.node(4)).await;
    assert!(!lab.leader().await.status().members.contains_key(&4));
    let leader = lab.leader().await.id();
    let asked = lab.node(4).status_of(leader, Duration::from_secs(5)).await;
    assert!(matches!(asked, Err(CallError::Refused(_))), "{asked:?}");
    assert!(lab.node(4).view(Freshness::Linearizable).await.is_err());

    // a voter that is away while it is removed comes back with its log, and disturbs nobody
    let leader = lab.leader().await.id();
    let away = (1..=3).find(|id| *id != leader).unwrap();
    lab.crash(at(&lab, away)).await;
    lab.remove(away, NodeRole::Voter).await;
    let term = lab.leader().await.status().term;
    lab.start(at(&lab, away)).await;
    leaves(&lab.node(away)).await;
    assert_eq!(lab.leader().await.status().term, term, "a removed node forced an election");
    // without its log it is not taken for new
    lab.lose(at(&lab, away)).await;
    lab.start(at(&lab, away)).await;
    let refused = lab.found(away).await.unwrap_err();
    assert!(matches!(refused, StartError::Removed { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replacement_joins_by_snapshot_votes_and_carries_the_cluster() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await.id();
    let dead = (1..=3).find(|id| *id != leader).unwrap();
    lab.lose(at(&lab, dead)).await;
    for n in 0..1_500 {
        write(&lab, &lab.node(leader), &format!("n{n}")).await;
    }
    lab.purge(0).await;
    lab.remove(dead, NodeRole::Voter).await;
    let new = lab.add(NodeRole::Voter).await;
    assert_eq!(new, 4);
    lab.join(new, Role::Voter).await.unwrap();
    let voters = lab.leader().await.voters();
    assert!(voters.contains(&new) && !voters.contains(&dead) && voters.len() == 3, "{voters:?}");
    let node = lab.node(new);
    holds(&node, "n0").await;
    holds(&node, "n1499").await;

    // two of the three are the new one and one of the old: together they are a majority
    let leader = lab.leader().await.id();
    let second = (1..=4).find(|id| ![dead, new, leader].contains(id)).unwrap_or(leader);
    lab.crash(at(&lab, second)).await;
    lab.leader().await;
    write(&lab, &node, "after-another-loss").await;
    holds(&node, "after-another-loss").await;

    // and the new one, too, comes back by its log
    lab.crash(at(&lab, new)).await;
    lab.start(at(&lab, new)).await;
    lab.join(new, Role::Voter).await.unwrap();
    holds(&lab.node(new), "after-another-loss").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_away_listens_to_a_leader_that_joined_meanwhile() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await.id();
    let away = (1..=3).find(|id| *id != leader).unwrap();
    lab.crash(at(&lab, away)).await;
    let new = lab.add(NodeRole::Voter).await;
    lab.join(new, Role::Voter).await.unwrap();
    let mut tries = 0;
    while !lab.node(new).is_leader() {
        // a voter whose clock is not compared yet does not take over
        let handed = lab.node(leader).transfer(new).await;
        tries += 1;
        assert!(tries < 100, "{handed:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    write(&lab, &lab.node(new), "by-the-new-leader").await;
    lab.start(at(&lab, away)).await;
    holds(&lab.node(away), "by-the-new-leader").await;
    assert!(lab.node(away).status().voters.contains(&new));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_the_leader_nor_the_last_voter_is_removed() {
    let lab = Lab::new(&[Role::Voter, Role::Standby]).await;
    lab.seed().await;
    write(&lab, &lab.node(2), "so-it-knows-the-leader").await;
    let leads = lab.node(2).remove(1).await.unwrap_err();
    assert!(leads.contains("transfer-leader"), "{leads}");
    lab.node(2).remove(7).await.unwrap();
    write(&lab, &lab.node(2), "as-before").await;
}

/// Waits for a start to be refused, with the commands that replace the node.
async fn starts_not(lab: &mut Lab, i: usize) {
    let refused = lab.try_start(i).await.expect_err("it started");
    assert!(matches!(refused, StartError::Forgotten { .. }), "{refused}");
    says_how_to_replace(&refused);
}

fn says_how_to_replace(refused: &StartError) {
    let said = refused.to_string();
    for command in ["remove-node", "add-node"] {
        assert!(said.contains(&format!("`namingo-admin cluster {command} ")), "{said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voter_that_lost_its_log_and_kept_its_state_does_not_come_back_as_itself() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let (leader, lost) = leader_and_other(&lab).await;
    lab.drain(lost).await;
    let i = at(&lab, lost);
    lab.crash(i).await;
    lab.machines[i].log_disk = SimDisk::new();
    starts_not(&mut lab, i).await;
    starts_not(&mut lab, i).await;
    // a log that began anew beside the state is not the one that the cluster knows
    let log = Arc::new(Log::open(Arc::new(lab.machines[i].log_disk.clone())).unwrap());
    log.put_meta(MetaKey::Incarnation, codec::encode_record(&77_u128).into(), true, Box::new(drop));
    log.flush().unwrap();
    drop(log);
    starts_not(&mut lab, i).await;
    write(&lab, &lab.node(leader), "after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voter_that_lost_its_state_and_kept_its_log_does_not_start_with_a_gap() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let (leader, lost) = leader_and_other(&lab).await;
    let i = at(&lab, lost);
    // nothing is purged yet: the log alone gives the state back
    lab.crash(i).await;
    lab.machines[i].state_disk = SimDisk::new();
    lab.start(i).await;
    holds(&lab.node(lost), "kept").await;
    lab.drain(lost).await;
    lab.purge(0).await;
    lab.crash(i).await;
    lab.machines[i].state_disk = SimDisk::new();
    let refused = lab.try_start(i).await.expect_err("it started");
    assert!(matches!(refused, StartError::StateLost { state: 0, .. }), "{refused}");
    says_how_to_replace(&refused);
    write(&lab, &lab.node(leader), "after").await;
}

/// Who leads, and another voter that holds `kept`.
async fn leader_and_other(lab: &Lab) -> (u64, u64) {
    let leader = lab.leader().await.id();
    let other = (1..=3).find(|id| *id != leader).unwrap();
    holds_after_write(lab, other, "kept").await;
    (leader, other)
}

async fn holds_after_write(lab: &Lab, id: u64, label: &str) {
    write(lab, &lab.node(id), label).await;
    holds(&lab.node(id), label).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_says_that_others_are_gone_ends_nobody() {
    let lab = Lab::new(&[Role::Voter, Role::Voter, Role::Voter, Role::Edge]).await;
    lab.seed().await;
    holds_after_write(&lab, 1, "before").await;
    lab.forge(4, |hello| hello.gone = true);
    let nodes: Vec<Node> = (1..=3).map(|id| lab.node(id)).collect();
    let ended = nodes.iter().map(|node| tokio::time::timeout(Duration::from_secs(9), node.removed()));
    for (said, node) in futures_util::future::join_all(ended).await.into_iter().zip(&nodes) {
        assert!(said.is_err(), "node {} believed an edge: {said:?}", node.id());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_vouches_for_no_stranger() {
    let lab = Lab::new(&[Role::Voter, Role::Voter, Role::Voter, Role::Edge]).await;
    lab.seed().await;
    lab.forge(4, |hello| {
        hello.index = 1 << 40;
        hello.members.insert(9, raft::NodeInfo::default());
    });
    for _ in 0..30 {
        assert!(!lab.is_answered(9, 1, &Asked::Status).await, "a stranger is heard at an edge's word");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_lets_nobody_hash_all_rows() {
    let lab = Lab::new(&[Role::Voter, Role::Edge]).await;
    lab.seed().await;
    let index = lab.node(1).store().applied();
    let digest = |recompute| Asked::Digest { index, recompute };
    assert!(lab.is_answered(2, 1, &digest(false)).await, "what an edge that is to withdraw asks");
    assert!(!lab.is_answered(2, 1, &digest(true)).await, "a full scan at an edge's word");
}
