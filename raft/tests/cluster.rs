//! Three nodes in one process: forwarding, linearizable views, exactly once, a dead leader, a power cut.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

mod support;

use raft::{ClockState, Role};
use registry::{
    Backend, Freshness, Outcome, Unavailable,
    view::{DasStatus, das},
};
use std::{sync::atomic::Ordering, time::Duration};
use storage::Read;
use support::{Asked, Lab};

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
    let unmark = registry::Verb::UnmarkName(registry::tld::UnmarkName {
        tld: "example".into(),
        label: "once".into(),
        kind: registry::tld::MarkKind::Reserved,
    });
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
    assert!(matches!(lab.submit(&lab.node(4), Lab::reserve("led")).await, Ok(Outcome::Done(_))));
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_a_year_ahead_neither_leads_nor_poisons_state_time() {
    const YEAR_MS: i64 = 365 * 24 * 3_600_000;
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    // node 1 comes back with a wrong clock, and the leader, if it was another, is taken away
    lab.crash(0).await;
    lab.machines[0].ahead_ms.store(YEAR_MS, Ordering::Relaxed);
    lab.start(0).await;
    for round in 0..3 {
        let leader = lab.leader().await.id();
        assert_ne!(leader, 1, "a node with a wrong clock leads");
        assert!(matches!(
            lab.submit(&lab.node(2), Lab::reserve(&format!("r{round}"))).await,
            Ok(Outcome::Done(_))
        ));
        let i = lab.machines.iter().position(|m| m.id == leader).unwrap();
        lab.crash(i).await;
        // two are left, one of them with a wrong clock: that one stays out whatever happens
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(lab.nodes().iter().all(|n| !n.is_leader() || n.id() != 1));
        lab.start(i).await;
    }
    lab.leader().await;
    let view = lab.node(2).view(Freshness::Linearizable).await.unwrap();
    let ahead = view.header().state_time - support::now().0;
    assert!(ahead < 5_000, "state time is {ahead} ms ahead");
    assert_eq!(lab.node(1).clock_state(), ClockState::Off);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_or_a_long_gap_waits_for_the_operator() {
    const MONTH_MS: i64 = 31 * 24 * 3_600_000;
    let mut lab = Lab::new(&[Role::Voter]).await;
    lab.seed().await;
    let node = lab.node(1);
    lab.machines[0].ahead_ms.store(60_000, Ordering::Relaxed);
    let mut waited = 0;
    while !matches!(node.clock_state(), ClockState::Jumped { .. }) {
        assert!(waited < 500, "the jump was not seen within 10 s");
        waited += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    node.accept_clock().await.unwrap();
    assert!(matches!(lab.submit(&node, Lab::reserve("jumped")).await, Ok(Outcome::Done(_))));

    // the node was off for more than a month
    drop(node);
    lab.crash(0).await;
    lab.machines[0].ahead_ms.store(MONTH_MS, Ordering::Relaxed);
    lab.start(0).await;
    let node = lab.leader().await;
    assert_eq!(lab.submit(&node, Lab::reserve("late")).await, Err(Unavailable::ClockHeld));
    node.accept_clock().await.unwrap();
    assert!(matches!(lab.submit(&node, Lab::reserve("late")).await, Ok(Outcome::Done(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_state_differs_is_found_and_withdrawn() {
    let lab = Lab::new(&[Role::Voter, Role::Voter, Role::Voter, Role::Edge]).await;
    lab.seed().await;
    for n in 0..50 {
        assert!(matches!(
            lab.submit(&lab.node(1), Lab::reserve(&format!("n{n}"))).await,
            Ok(Outcome::Done(_))
        ));
    }
    let equal = lab.node(2).compare_digests(lab.svtrid(2), true).await.unwrap();
    assert_eq!(equal.differing(), [0_u64; 0], "{equal:?}");
    assert!(equal.majority.is_some() && equal.members.len() == 4, "{equal:?}");

    // one node's memory is changed behind the back of the log
    let odd = lab.node(4);
    let mut tx = odd.store().begin();
    tx.insert(&registry::tables::REGISTRAR_IANA, &7, &7).unwrap();
    let header = tx.header().clone();
    tx.commit(header.index, header.meta);
    let found = lab.node(1).compare_digests(lab.svtrid(1), false).await.unwrap();
    assert_eq!(found.differing(), [4], "{found:?}");
    let why = tokio::time::timeout(Duration::from_secs(5), odd.withdrawn()).await.unwrap();
    assert!(why.contains("majority"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_may_read_and_nothing_else() {
    let lab = Lab::new(&[Role::Voter, Role::Edge]).await;
    lab.seed().await;
    let edge = lab.node(2);
    let refused = lab.submit(&edge, Lab::reserve("stolen")).await;
    assert!(refused.is_err(), "{refused:?}");
    assert!(edge.transfer(1).await.is_ok(), "node 1 leads already");
    let view = edge.view(Freshness::Linearizable).await.unwrap();
    assert_eq!(das(&view, "stolen.example").unwrap(), DasStatus::Free);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_digest_has_a_majority_nobody_is_withdrawn_and_all_are_shown() {
    let lab = Lab::new(&[Role::Voter, Role::Voter]).await;
    lab.seed().await;
    let odd = lab.node(2);
    odd.view(Freshness::Linearizable).await.unwrap();
    let mut tx = odd.store().begin();
    tx.insert(&registry::tables::REGISTRAR_IANA, &7, &7).unwrap();
    let header = tx.header().clone();
    tx.commit(header.index, header.meta);
    let found = lab.node(1).compare_digests(lab.svtrid(1), false).await.unwrap();
    assert_eq!((found.majority, found.differing()), (None, vec![1, 2]), "{found:?}");
    assert!(found.is_undecided() && found.to_withdraw().is_empty(), "{found:?}");
    for node in lab.nodes() {
        let withdrawn = tokio::time::timeout(Duration::from_secs(1), node.withdrawn()).await;
        assert!(withdrawn.is_err(), "{withdrawn:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_stepped_down_purges_what_it_kept_for_a_transfer() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let old = lab.leader().await.id();
    let (away, third) = if old == 1 { (1, 3) } else { (0, if old == 2 { 3 } else { 2 }) };
    lab.crash(away).await;
    let fill = async |lab: &Lab, prefix: &str| {
        for n in 0..2_500 {
            let label = format!("{prefix}{n}");
            let outcome = lab.submit(&lab.node(third), Lab::reserve(&label)).await;
            assert!(matches!(outcome, Ok(Outcome::Done(_))), "{label}: {outcome:?}");
        }
        lab.drain(old).await;
    };
    fill(&lab, "a").await;
    lab.purge(0).await;
    // the leader tries to send a snapshot to the one that is away, and keeps the log behind it
    tokio::time::sleep(Duration::from_secs(1)).await;
    let kept = lab.node(old).status().purged;
    lab.node(third).transfer(third).await.unwrap();
    fill(&lab, "b").await;
    let mut tries = 0;
    while lab.node(old).status().purged < kept + 2_000 {
        lab.node(old).retain(0).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        tries += 1;
        assert!(tries < 300, "purged up to {}, before {kept}", lab.node(old).status().purged);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_is_not_handed_to_a_silent_voter_and_the_leader_goes_on() {
    let lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await;
    let silent = (1..=3).find(|id| *id != leader.id()).unwrap();
    lab.cut(silent);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let term = leader.status().term;
    assert_ne!(leader.status().heir(), Some(silent), "a silent voter inherits");
    let handed = leader.transfer(silent).await;
    assert!(handed.is_err(), "handed to a voter that is not there");
    let written = tokio::time::timeout(Duration::from_secs(5), lab.submit(&leader, Lab::reserve("on"))).await;
    assert!(matches!(written, Ok(Ok(Outcome::Done(_)))), "{written:?}");
    assert_eq!((leader.is_leader(), leader.status().term), (true, term), "it had to be elected again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_an_heir_dies_before_it_hears_of_it_writes_go_on() {
    let lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await;
    let heir = (1..=3).find(|id| *id != leader.id()).unwrap();
    lab.cut_when_offered(heir);
    // whoever leads in the end
    drop(leader.transfer(heir).await);
    let written = tokio::time::timeout(Duration::from_secs(5), lab.submit(&leader, Lab::reserve("on"))).await;
    assert!(matches!(written, Ok(Ok(Outcome::Done(_)))), "{written:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voter_that_may_not_lead_does_not_take_leadership_over() {
    let lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await;
    let wrong = (1..=3).find(|id| *id != leader.id()).unwrap();
    let i = lab.machines.iter().position(|m| m.id == wrong).unwrap();
    lab.machines[i].ahead_ms.store(3_600_000, Ordering::Relaxed);
    let mut waited = 0;
    while lab.node(wrong).clock_state() != ClockState::Off {
        waited += 1;
        assert!(waited < 500, "the wrong clock was not seen within 10 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let vote = openraft::impls::Vote::new_committed(leader.status().term, leader.id());
    let request = Asked::TransferLeader(openraft::raft::TransferLeaderRequest::new(vote, wrong, None));
    assert!(!lab.is_answered(leader.id(), wrong, &request).await, "it takes over with a wrong clock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_voter_that_is_going_to_stop_is_given_no_leadership() {
    let lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let leader = lab.leader().await;
    let [first, second] = (1..=3).filter(|id| *id != leader.id()).collect::<Vec<_>>()[..] else {
        panic!("three voters")
    };
    lab.node(first).retire();
    let told = leader.transfer(first).await.unwrap_err();
    assert!(told.contains("it is stopping"), "{told}");
    // whoever looks for an heir finds the other one
    let mut waited = 0;
    while leader.status().heir() != Some(second) {
        waited += 1;
        assert!(waited < 500, "the leader did not hear of it within 10 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // it may not know its own clock yet
    while let Err(why) = leader.transfer(second).await {
        waited += 1;
        assert!(waited < 500, "{why}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(matches!(lab.submit(&leader, Lab::reserve("on")).await, Ok(Outcome::Done(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_disk_stands_still_hands_over_and_may_lead_again() {
    let mut lab = Lab::new(&VOTERS).await;
    lab.seed().await;
    let stalled = lab.leader().await;
    let i = lab.machines.iter().position(|m| m.id == stalled.id()).unwrap();
    lab.stall(i);
    // the disks of the others take what is written; it can't write down whom it follows then, and learns nothing
    let via = lab.node(stalled.id() % 3 + 1);
    let mut written = 0;
    while via.leader().is_none_or(|leader| leader == stalled.id()) {
        assert!(written < 400, "it leads 20 s after its disk took the last entry");
        let verb = Lab::reserve(&format!("n{written}"));
        assert!(matches!(lab.submit(&via, verb).await, Ok(Outcome::Done(_))));
        written += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(matches!(lab.submit(&via, Lab::reserve("on")).await, Ok(Outcome::Done(_))));
    assert!(via.transfer(stalled.id()).await.is_err(), "leadership to a disk that stands still");
    lab.resume(i);
    let mut waited = 0;
    while via.transfer(stalled.id()).await.is_err() {
        waited += 1;
        assert!(waited < 100, "it may not lead again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_never_purged_past_what_the_state_file_holds() {
    let lab = Lab::new(&[Role::Voter]).await;
    lab.seed().await;
    let node = lab.node(1);
    for n in 0..3_000 {
        assert!(matches!(lab.submit(&node, Lab::reserve(&format!("n{n}"))).await, Ok(Outcome::Done(_))));
        if n % 10 == 0 {
            node.retain(0).await.unwrap();
            // what is purged is read first: the state file only gains
            let purged = node.status().purged;
            let drained = node.store().drained_index();
            assert!(purged <= drained, "purged up to {purged}, drained up to {drained}");
        }
    }
    assert!(node.status().purged > 1_000, "a purge that does not come about proves nothing");
}
