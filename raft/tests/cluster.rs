//! Three nodes in one process: forwarding, linearizable views, exactly once, a dead leader, a power cut.

mod support;

use raft::Role;
use registry::{
    Backend, Freshness, Outcome, Unavailable,
    view::{DasStatus, das},
};
use std::time::Duration;
use storage::Read;
use support::Lab;

const VOTERS: [Role; 3] = [Role::Voter, Role::Voter, Role::Voter];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_writes_and_reads_what_the_others_wrote() {
    let lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let nodes = lab.nodes();
    for round in 0..150_usize {
        let (writer, reader) = (&nodes[round % 3], &nodes[(round + 1) % 3]);
        let outcome = lab.submit(writer, Lab::reserve(&format!("name{round}"))).await.unwrap();
        assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
        let view = reader.view(Freshness::Linearizable).await.unwrap();
        assert_eq!(
            das(&view, &format!("name{round}.example")).unwrap(),
            DasStatus::Reserved,
            "round {round}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resent_command_is_carried_out_once() {
    let lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let (a, b) = (lab.node(1), lab.node(2));
    let id = lab.svtrid(1);
    let by = || registry::Actor::Operator("lab".into());
    let first = a.submit(Lab::reserve("once"), by(), id).await.unwrap();
    let unmark =
        registry::Verb::UnmarkName(registry::tld::UnmarkName { tld: "example".into(), label: "once".into() });
    lab.submit(&b, unmark).await.unwrap();
    // the same command again, through another node: its outcome is remembered, its effect is not repeated
    let again = b.submit(Lab::reserve("once"), by(), id).await.unwrap();
    assert_eq!(first, again);
    let view = b.view(Freshness::Linearizable).await.unwrap();
    assert_eq!(das(&view, "once.example").unwrap(), DasStatus::Free);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_leader_is_replaced_and_nothing_acknowledged_is_lost() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let mut written = Vec::new();
    for cycle in 0..4 {
        for n in 0..60 {
            let nodes = lab.nodes();
            let label = format!("c{cycle}n{n}");
            match lab.submit(&nodes[n % nodes.len()], Lab::reserve(&label)).await {
                Ok(Outcome::Done(_)) => written.push(label),
                other => panic!("{label}: {other:?}"),
            }
        }
        let leader = lab.leader().await.id();
        let i = lab.machines.iter().position(|m| m.id == leader).unwrap();
        lab.crash(i).await;
        let survivor = lab.nodes().remove(0);
        let label = format!("c{cycle}after");
        assert!(matches!(lab.submit(&survivor, Lab::reserve(&label)).await, Ok(Outcome::Done(_))));
        written.push(label);
        lab.start(i).await;
    }
    for node in lab.nodes() {
        let view = node.view(Freshness::Linearizable).await.unwrap();
        for label in &written {
            assert_eq!(das(&view, &format!("{label}.example")).unwrap(), DasStatus::Reserved, "{label}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_lost_everywhere_loses_nothing_acknowledged() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await;
    for n in 0..300 {
        assert!(matches!(lab.submit(&leader, Lab::reserve(&format!("n{n}"))).await, Ok(Outcome::Done(_))));
    }
    for i in 0..3 {
        lab.crash(i).await;
    }
    for i in 0..3 {
        lab.start(i).await;
    }
    for node in lab.nodes() {
        let view = node.view(Freshness::Linearizable).await.unwrap();
        for n in 0..300 {
            assert_eq!(das(&view, &format!("n{n}.example")).unwrap(), DasStatus::Reserved, "n{n}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_majority_reads_and_writes_say_so() {
    let lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await;
    lab.cut(leader.id());
    // cut off from the others, the old leader must not answer from what may be old
    assert_eq!(leader.view(Freshness::Linearizable).await.err(), Some(Unavailable::NoLeader));
    lab.heal();
    let leader = lab.leader().await;
    assert!(matches!(lab.submit(&leader, Lab::reserve("healed")).await, Ok(Outcome::Done(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn learners_follow_and_leadership_can_be_handed_over() {
    let lab = Lab::new(&[Role::Voter, Role::Voter, Role::Voter, Role::Standby, Role::Edge]).await;
    lab.seed().await;
    let edge = lab.node(5);
    assert!(matches!(lab.submit(&lab.node(4), Lab::reserve("far")).await, Ok(Outcome::Done(_))));
    let view = edge.view(Freshness::Linearizable).await.unwrap();
    assert_eq!(das(&view, "far.example").unwrap(), DasStatus::Reserved);
    assert_eq!(edge.status().members[&5].role, Role::Edge);

    let old = lab.leader().await.id();
    let to = (1..=3).find(|id| *id != old).unwrap();
    lab.node(4).transfer(to).await.unwrap();
    assert_eq!(lab.leader().await.id(), to);
    assert!(lab.node(4).transfer(5).await.is_err(), "an edge can't lead");
    assert!(matches!(lab.submit(&edge, Lab::reserve("led")).await, Ok(Outcome::Done(_))));
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(edge.view(Freshness::Local).await.unwrap().header().index > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_behind_the_purge_point_comes_back_by_snapshot_while_writing_goes_on() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await.id();
    let away = (0..3).find(|i| lab.machines[*i].id != leader).unwrap();
    lab.crash(away).await;
    for n in 0..3_000 {
        assert!(matches!(
            lab.submit(&lab.node(leader), Lab::reserve(&format!("n{n}"))).await,
            Ok(Outcome::Done(_))
        ));
    }
    lab.purge(0).await;
    assert!(lab.node(leader).status().purged > 1_000);
    lab.start(away).await;
    let back = lab.machines[away].id;
    for n in 3_000..3_200 {
        assert!(matches!(
            lab.submit(&lab.node(leader), Lab::reserve(&format!("n{n}"))).await,
            Ok(Outcome::Done(_))
        ));
    }
    let view = lab.node(back).view(Freshness::Linearizable).await.unwrap();
    for n in 0..3_200 {
        assert_eq!(das(&view, &format!("n{n}.example")).unwrap(), DasStatus::Reserved, "n{n}");
    }
    storage::verify_digest(&view).unwrap();
    // and it survives a power cut right after
    lab.crash(away).await;
    lab.start(away).await;
    let view = lab.node(back).view(Freshness::Linearizable).await.unwrap();
    assert_eq!(das(&view, "n3199.example").unwrap(), DasStatus::Reserved);
}
