//! Room for writes: what waits, what is refused, and that nothing of what was refused was proposed.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

mod support;

use raft::{Bounds, Role};
use registry::{Actor, Backend, Freshness, Outcome, Unavailable};
use std::time::Duration;
use storage::{Pressure, Read};
use support::{Lab, Node};
use tokio::task::JoinHandle;

const VOTERS: [Role; 3] = [Role::Voter, Role::Voter, Role::Voter];

/// A write of a registrar, under way. Its outcome is a refusal, which travels through the log as any other.
fn write(lab: &Lab, node: &Node, n: usize) -> JoinHandle<Result<Outcome, Unavailable>> {
    let (node, svtrid) = (node.clone(), lab.svtrid(node.id()));
    tokio::spawn(
        async move { node.submit(Lab::reserve(&format!("n{n}")), Actor::Registrar(9), svtrid).await },
    )
}

fn is_decided(outcome: &Result<Outcome, Unavailable>) -> bool {
    matches!(outcome, Ok(Outcome::Refused(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_bound_a_write_waits_for_room_and_is_then_refused() {
    const BOUND: usize = 4;
    let lab = Lab::with_bounds(&VOTERS, Bounds { writes: BOUND, ..Bounds::default() }).await;
    lab.seed().await;
    let leader = lab.leader().await;
    (1..=3).filter(|id| *id != leader.id()).for_each(|id| lab.cut(id));
    // without a majority nothing ends
    let held: Vec<_> = (0..BOUND).map(|n| write(&lab, &leader, n)).collect();
    while leader.writes().under_way < BOUND as u64 {
        tokio::task::yield_now().await;
    }
    let late = write(&lab, &leader, BOUND);
    while leader.writes().waiting == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(late.await.unwrap(), Err(Unavailable::Busy));
    assert_eq!(leader.writes().refused.node, 1);
    lab.heal();
    for one in held {
        let outcome = one.await.unwrap();
        assert!(is_decided(&outcome) || matches!(outcome, Err(Unavailable::Unknown { .. })), "{outcome:?}");
    }
    let leader = lab.leader().await;
    assert!(is_decided(&write(&lab, &leader, 99).await.unwrap()));
    assert_eq!(leader.writes().under_way, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_of_all_nodes_pass_through_the_leaders_bound_one_after_the_other() {
    let lab = Lab::with_bounds(&VOTERS, Bounds { writes: 8, proposals: 1 }).await;
    lab.seed().await;
    let nodes = lab.nodes();
    let all: Vec<_> = (0..120).map(|n| write(&lab, &nodes[n % 3], n)).collect();
    for one in all {
        let outcome = one.await.unwrap();
        assert!(is_decided(&outcome), "{outcome:?}");
    }
    for node in nodes {
        let writes = node.writes();
        assert_eq!((writes.under_way, writes.waiting, writes.proposals), (0, 0, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_leader_has_no_room_for_is_not_proposed() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    lab.bounds = Bounds { proposals: 0, ..Bounds::default() };
    for i in 0..VOTERS.len() {
        lab.crash(i).await;
        lab.start(i).await;
    }
    let leader = lab.leader().await;
    let other = lab.nodes().into_iter().find(|node| node.id() != leader.id()).unwrap();
    other.view(Freshness::Linearizable).await.unwrap();
    let asked = [write(&lab, &other, 1), write(&lab, &leader, 2)];
    for one in asked {
        assert_eq!(one.await.unwrap(), Err(Unavailable::Busy));
    }
    assert_eq!((other.writes().refused.leader, leader.writes().refused.leader), (1, 1));
    let view = other.view(Freshness::Linearizable).await.unwrap();
    let journal = view
        .range(&registry::tables::JOURNAL, ..)
        .filter(|row| row.as_ref().is_ok_and(|(_, row)| row.by == Actor::Registrar(9)));
    assert_eq!(journal.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_whose_memory_is_full_takes_no_more_entries_and_can_be_stopped() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await;
    let i = lab.machines.iter().position(|m| m.id != leader.id()).unwrap();
    let full = lab.node(lab.machines[i].id);
    lab.stop_draining(i);
    // more than consensus hands to apply before it waits for it
    for n in 0..2_000 {
        let done = lab.submit(&leader, Lab::reserve(&format!("n{n}"))).await;
        assert!(matches!(done, Ok(Outcome::Done(_))), "the others go on: {done:?}");
    }
    assert_eq!(full.store().pressure(), Pressure::Full);
    let (its, all) = (full.status().last_log, leader.status().last_log);
    assert!(its + 500 < all, "it took {its} of {all} entries");
    tokio::time::timeout(Duration::from_secs(10), full.stop())
        .await
        .expect("a stop does not wait for its disk");
}
