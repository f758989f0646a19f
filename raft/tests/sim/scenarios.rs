//! Long stretches of time and wrong clocks, played through on purpose; `torment` meets them only by chance.

use super::{
    client,
    machine::Node,
    mutant::Mutant,
    number,
    runtime::Sim,
    stage,
    world::{NODES, VOTERS, World},
};
use openraft::type_config::TypeConfigExt;
use raft::{ClockState, net::Service};
use registry::{Actor, Outcome, Refusal, Reply, Verb, domain, name::DomainName};
use std::{sync::Arc, time::Duration};
use storage::Read;

const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR_MS: i64 = 365 * 24 * 3_600_000;
/// More than an election and the first exchange of times take.
const MOMENT: Duration = Duration::from_secs(4);

fn play(scene: impl AsyncFnOnce(&Arc<World>) -> Result<(), String>) {
    let played = stage(1, Mutant::None, async |world: &Arc<World>| {
        world.found().await?;
        Sim::sleep(MOMENT).await;
        scene(world).await
    });
    if let Err(failure) = played {
        panic!("{failure}");
    }
}

/// All machines are off for that long.
async fn sleep_through(world: &Arc<World>, time: Duration) {
    NODES.iter().for_each(|id| world.crash(*id));
    Sim::sleep(time).await;
    NODES.iter().for_each(|id| world.boot(*id));
}

async fn create(world: &World, name: &str) -> Option<Outcome> {
    let sponsor = world.lock().history.registrars[0];
    client::submit(world, 1, Actor::Registrar(sponsor), client::create(name)).await
}

async fn mark(world: &World) -> Option<Outcome> {
    client::submit(world, 2, Actor::Operator("simulation".into()), Verb::Mark).await
}

/// Waits until `condition` holds of the node.
async fn wait_until(world: &World, id: u64, condition: impl Fn(&Node) -> bool) -> Result<Node, String> {
    for _ in 0..1000 {
        if let Some((node, _)) = world.node(id)
            && condition(&node)
        {
            return Ok(node);
        }
        Sim::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("node {id} does not come to what is waited for within 20 s"))
}

/// Three days with `NAMINGO_IDLE_HOURS=72`: nobody asks for anything, and the leader's job lets time pass.
#[test]
fn after_idle_days_the_next_command_is_taken_at_once() {
    play(async |world: &Arc<World>| {
        assert!(matches!(create(world, "early.example").await, Some(Outcome::Done(_))));
        let leader = world.leader().ok_or("no leader")?;
        let term = leader.status().term;
        let seconds = number("NAMINGO_IDLE_HOURS").map_or(600, |hours| 3600 * hours);
        for _ in 0..seconds {
            Sim::sleep(Duration::from_secs(1)).await;
            let beat = client::submit(world, leader.id(), Actor::System, Verb::Beat).await;
            assert!(matches!(beat, Some(Outcome::Done(_))), "{beat:?}");
            world.stop_at_violation()?;
        }
        let began = world.elapsed();
        let taken = create(world, "late.example").await;
        let Some(Outcome::Done(Reply::DomainCreated { created, .. })) = taken else {
            return Err(format!("not taken: {taken:?}"));
        };
        assert!(world.elapsed() - began < Duration::from_millis(200), "at once");
        assert!((created.0 - world.true_ms()).abs() < 2_000, "and it has today's date");
        assert_eq!((leader.is_leader(), leader.status().term), (true, term), "no election in all that time");
        Ok(())
    });
}

#[test]
fn after_ten_days_of_downtime_the_first_command_is_taken() {
    play(async |world: &Arc<World>| {
        assert!(matches!(create(world, "early.example").await, Some(Outcome::Done(_))));
        sleep_through(world, 10 * DAY).await;
        let began = world.elapsed();
        let Some(Outcome::Done(Reply::DomainCreated { created, .. })) = create(world, "late.example").await
        else {
            return Err("not taken".into());
        };
        assert!(world.elapsed() - began < MOMENT, "after an election, and nothing more");
        assert!((created.0 - world.true_ms()).abs() < 2 * 60_000, "and it has today's date");
        Ok(())
    });
}

#[test]
fn after_a_year_time_waits_for_the_operator_and_names_were_renewed() {
    play(async |world: &Arc<World>| {
        assert!(matches!(create(world, "old.example").await, Some(Outcome::Done(_))));
        sleep_through(world, 400 * DAY).await;
        let patience = world.elapsed() + MOMENT;
        let gap = |node: &Node| matches!(node.clock_state(), ClockState::Gap { .. });
        let held = async {
            while !world.nodes().iter().any(gap) {
                Sim::sleep(Duration::from_millis(20)).await;
            }
        };
        // the command waits meanwhile
        let waiting = Sim::select2(create(world, "new.example"), held).await;
        assert!(matches!(waiting, openraft::async_runtime::Select2::Second(())), "taken after a year");
        assert!(world.elapsed() < patience);
        let leader = world.nodes().into_iter().find(gap).ok_or("nobody waits")?;
        leader.accept_clock().await.map_err(|e| e.to_string())?;
        // the one that waited may be taken now too
        let taken = create(world, "newer.example").await;
        assert!(matches!(taken, Some(Outcome::Done(_))), "{taken:?}");
        let taken = create(world, "old.example").await;
        assert!(matches!(taken, Some(Outcome::Refused(Refusal::Exists { .. }))), "{taken:?}");
        let (node, _) = world.node(1).ok_or("node 1 is down")?;
        let name = DomainName::parse("old.example").unwrap();
        let old = domain::settled(&node.store().view(), &name).unwrap().unwrap();
        assert!(old.expiry.0 > world.true_ms(), "renewed at its expiry, not lost: {:?}", old.expiry);
        Ok(())
    });
}

#[test]
fn a_node_a_year_ahead_neither_leads_nor_moves_state_time() {
    play(async |world: &Arc<World>| {
        let leader = world.leader().ok_or("no leader")?.id();
        let wrong = VOTERS.into_iter().find(|id| *id != leader).unwrap();
        world.set_clock(wrong, YEAR_MS);
        wait_until(world, wrong, |node| node.clock_state() != ClockState::Agrees).await?;
        // it is restarted with its wrong clock, the leader dies, and somebody wants it to lead
        world.crash(wrong);
        world.boot(wrong);
        wait_until(world, wrong, |node| node.clock_state() == ClockState::Off).await?;
        world.crash(leader);
        Sim::sleep(MOMENT).await;
        let heir = world.leader().ok_or("nobody leads after the leader's death")?;
        assert_ne!(heir.id(), wrong, "a clock that is a year ahead must not lead");
        let asked = heir.transfer(wrong).await;
        assert!(asked.is_err(), "leadership to the wrong clock");
        // what it is told and accepts itself, as long as it might lead, is looked at by `applied`
        for n in 0..20 {
            let by = Actor::Registrar(world.lock().history.registrars[0]);
            let told = client::submit(world, wrong, by, client::create(&format!("name{n}.example"))).await;
            let led = world.leader().map(|node| node.id());
            world.lock().note(format_args!("name{n} {told:?}, led by {led:?}"));
        }
        mark(world).await.ok_or("a node with a wrong clock stops the cluster")?;
        let state_time = heir.store().view().header().state_time;
        assert!((state_time - world.true_ms()).abs() < 2_000, "{}", state_time - world.true_ms());
        // right again, it may lead
        world.set_clock(wrong, 0);
        let node = wait_until(world, wrong, |node| {
            !matches!(node.clock_state(), ClockState::Off | ClockState::Unknown)
        })
        .await?;
        node.accept_clock().await.map_err(|e| e.to_string())?;
        wait_until(world, wrong, |node| node.clock_state() == ClockState::Agrees).await?;
        Ok(())
    });
}

#[test]
fn a_leader_whose_clock_jumps_hands_over_before_it_stamps_anything() {
    play(async |world: &Arc<World>| {
        let leader = world.leader().ok_or("no leader")?.id();
        world.set_clock(leader, 3_600_000);
        for n in 0..20 {
            let by = Actor::Registrar(world.lock().history.registrars[0]);
            let told = client::submit(world, leader, by, client::create(&format!("name{n}.example"))).await;
            assert!(told.is_some(), "another leader takes it");
        }
        assert_ne!(world.leader().ok_or("no leader")?.id(), leader);
        Ok(())
    });
}

/// A node that just started knows of no jump of its own: what agrees with it must have been right before.
#[test]
fn two_clocks_that_are_wrong_by_the_same_are_no_majority() {
    play(async |world: &Arc<World>| {
        let leader = world.leader().ok_or("no leader")?.id();
        let others: Vec<u64> = VOTERS.into_iter().filter(|id| *id != leader).collect();
        let [jumped, restarted] = others[..] else { panic!("three voters") };
        world.crash(restarted);
        world.set_clock(restarted, 45_000);
        world.set_clock(jumped, 45_000);
        world.boot(restarted);
        wait_until(world, jumped, |node| matches!(node.clock_state(), ClockState::Jumped { .. })).await?;
        world.crash(leader);
        Sim::sleep(MOMENT).await;
        for id in [jumped, restarted] {
            let (node, _) = world.node(id).ok_or("it is down")?;
            assert_ne!(node.clock_state(), ClockState::Agrees, "node {id}");
            let limited = Sim::timeout(MOMENT, client::submit(world, id, Actor::System, Verb::Beat)).await;
            assert!(!matches!(limited, Ok(Some(Outcome::Done(_)))), "stamped by a clock that is wrong");
            world.stop_at_violation()?;
        }
        // the third one comes back; the operator sets the others right, and says so
        world.boot(leader);
        for id in [jumped, restarted] {
            world.set_clock(id, 0);
            let moved = |node: &Node| matches!(node.clock_state(), ClockState::Jumped { .. });
            let node = wait_until(world, id, moved).await?;
            node.accept_clock().await.map_err(|e| e.to_string())?;
        }
        mark(world).await.ok_or("right clocks, and no command is taken")?;
        Ok(())
    });
}

/// What was half received is as large as a state: a sender that falls silent must not make it stay for ever.
#[test]
fn a_snapshot_whose_sender_falls_silent_is_dropped() {
    play(async |world: &Arc<World>| {
        let leader = world.leader().ok_or("no leader")?;
        let away = VOTERS.into_iter().find(|id| *id != leader.id()).unwrap();
        let had = world.node(away).ok_or("it is down")?.0.status().last_log;
        world.crash(away);
        for n in 0.. {
            create(world, &format!("name{n}.example")).await;
            if leader.status().purged > had {
                break;
            }
            if n > 1000 {
                return Err("nothing is purged".into());
            }
        }
        // the transfer is announced, its first part does not come, and nothing after it
        world.lock().weather.snapshot_calls_left = Some(1);
        world.boot(away);
        let node = wait_until(world, away, |_| world.lock().weather.withheld.is_some()).await?;
        let Some((sender, part)) = world.lock().weather.withheld.clone() else {
            return Err("no part".into());
        };
        let told = async || String::from_utf8_lossy(&node.answer(sender, part.clone()).await).into_owned();
        let taken = told().await;
        assert!(!taken.contains("part"), "the first part: {taken}");
        let again = told().await;
        assert!(again.contains("expected"), "the same once more: {again}");
        Sim::sleep(Duration::from_secs(200)).await;
        let late = told().await;
        assert!(late.contains("transfer was"), "after a long silence: {late}");
        // the next one is taken as if nothing had been
        world.lock().weather.snapshot_calls_left = None;
        let goal = leader.status().committed;
        for _ in 0..100 {
            if world.node(away).is_some_and(|(node, _)| node.status().applied >= goal) {
                return Ok(());
            }
            Sim::sleep(Duration::from_secs(1)).await;
        }
        Err("no snapshot came afterwards".into())
    });
}
