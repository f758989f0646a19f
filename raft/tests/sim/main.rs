//! The cluster in one thread and in virtual time, from a seed: three voters and a standby on disks that lose what
//! was not synced, a network that loses, repeats and delays, machines that lose power, and clients that never stop
//! asking. The same seed gives the same run, event by event.
//!
//! `NAMINGO_SEED=s` runs one seed and prints its end; `NAMINGO_SEEDS=n` runs that many. Not here: real time, real
//! files, threads, processes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod judge;
mod machine;
mod mutant;
mod nemesis;
mod net;
mod rng;
mod runtime;
mod scenarios;
mod trace;
mod truth;
mod watch;
mod world;

use mutant::Mutant;
use openraft::{async_runtime::AsyncRuntime, type_config::TypeConfigExt};
use runtime::Seeded;
use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use storage::Read;
use world::{NODES, World};

/// How long things go wrong, after the founding.
const TORMENT: Duration = Duration::from_secs(12);
/// How long a mended cluster may take until all nodes are equal.
const RECOVERY: Duration = Duration::from_secs(40);
/// Clients of each node.
const CLIENTS: u64 = 4;
/// Seeds of a run without instructions: about half a minute with optimization, and without it.
const SEEDS: u64 = if cfg!(debug_assertions) { 4 } else { 25 };
/// The rarest bug shows in about one run of ten.
const SEEDS_FOR_A_MUTANT: u64 = 120;

thread_local! {
    static PANICKED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic in a task is swallowed by the runtime: this makes it end the run. Those of verbs are caught and belong
/// to the rules.
fn notice_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !registry::apply::inside_verb() {
                PANICKED.with_borrow_mut(|p| {
                    p.get_or_insert_with(|| info.to_string());
                });
            }
            before(info);
        }));
    });
    PANICKED.set(None);
}

struct Report {
    hash: (u64, u64),
    commands: usize,
    acknowledged: usize,
    reads: usize,
    /// Calls that carried snapshots.
    parts: u64,
    last_index: u64,
    lives: usize,
}

impl Report {
    fn of(inner: &world::Inner) -> Report {
        let history = &inner.history;
        Report {
            hash: inner.trace.hash(),
            commands: history.sent.len(),
            acknowledged: history.sent.values().filter(|sent| sent.ended.is_some()).count(),
            reads: history.seen.len(),
            parts: inner.weather.snapshot_calls,
            last_index: inner.truth.last(),
            lives: usize::try_from(inner.machines.values().map(|m| m.lives).sum::<u64>()).unwrap(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { commands, acknowledged, reads, parts, last_index, lives, .. } = self;
        write!(
            f,
            "{acknowledged} of {commands} commands acknowledged, {reads} reads, {last_index} entries, \
             {parts} snapshot calls, {lives} lives"
        )
    }
}

struct Failure {
    seed: u64,
    what: String,
    last: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.last {
            writeln!(f, "{line}")?;
        }
        write!(f, "NAMINGO_SEED={}: {}", self.seed, self.what)
    }
}

fn run(seed: u64, mutant: Mutant) -> Result<Report, Failure> {
    stage(seed, mutant, async |world| play(world).await)
}

/// Sets the stage for `scene`: a world of its own in virtual time.
fn stage(
    seed: u64,
    mutant: Mutant,
    scene: impl AsyncFnOnce(&Arc<World>) -> Result<(), String>,
) -> Result<Report, Failure> {
    notice_panics();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(Seeded::scope(seed, async {
        let world = World::new(seed, mutant);
        let played = scene(&world).await.and_then(|()| world.stop_at_violation());
        let panicked = PANICKED.take().map_or(Ok(()), |p| Err(format!("a task panicked: {p}")));
        let result = panicked.and(played);
        let inner = world.lock();
        let report = Report::of(&inner);
        result.map(|()| report).map_err(|what| Failure { seed, what, last: inner.trace.last() })
    }))
}

async fn play(world: &Arc<World>) -> Result<(), String> {
    under_load(world, async |world| {
        let until = world.elapsed() + TORMENT;
        world.torment(until).await
    })
    .await
}

/// Founds a cluster, lets clients ask all its nodes while `torment` goes on, mends what is broken, and compares.
async fn under_load(
    world: &Arc<World>,
    torment: impl AsyncFnOnce(&Arc<World>) -> Result<(), String>,
) -> Result<(), String> {
    world.found().await?;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS * NODES.len() as u64)
        .map(|n| (n, NODES[usize::try_from(n).unwrap() % NODES.len()]))
        .map(|(n, node)| Seeded::spawn(client::run(world.clone(), node, n, stop.clone())))
        .collect();
    let tormented = torment(world).await;
    stop.store(true, Ordering::Relaxed);
    tormented?;
    world.mend(RECOVERY).await?;
    for client in clients {
        client.await.map_err(|e| e.to_string())?;
    }
    // what clients sent last has come through meanwhile
    world.mend(RECOVERY).await?;
    compare(world)
}

/// All nodes are equal, equal to a replay, and tell one history.
fn compare(world: &Arc<World>) -> Result<(), String> {
    let mut inner = world.lock();
    let world::Inner { rng, truth, history, machines, .. } = &mut *inner;
    let replayed = truth.replay(|| rng.between(1, 40))?;
    let wanted = replayed.view().header().clone();
    for (id, machine) in machines {
        let Some(running) = &machine.running else { return Err(format!("node {id} is down")) };
        let view = running.store.view();
        let header = view.header();
        if (header.index, header.digest) != (wanted.index, wanted.digest) {
            return Err(format!("node {id} ends at {header:?}, the log at {wanted:?}"));
        }
        storage::verify_digest(&view).map_err(|fault| format!("node {id}: {fault}"))?;
        judge::judge(history, &view).map_err(|what| format!("node {id}: {what}"))?;
    }
    Ok(())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

#[test]
fn whatever_goes_wrong_nothing_acknowledged_is_lost_and_all_nodes_stay_equal() {
    let seeds = match (number("NAMINGO_SEED"), number("NAMINGO_SEEDS")) {
        (Some(seed), _) => seed..seed + 1,
        (None, n) => 0..n.unwrap_or(SEEDS),
    };
    let (mut runs, mut commands, mut lives, mut parts) = (0, 0, 0, 0);
    for seed in seeds {
        let report = run(seed, Mutant::None).unwrap_or_else(|failure| panic!("{failure}"));
        println!("seed {seed}: {report}");
        runs += 1;
        commands += report.acknowledged;
        lives += report.lives;
        parts += report.parts;
    }
    println!("{runs} runs: {commands} commands acknowledged through {lives} lives");
    assert!(
        commands > 100 * runs && lives > 5 * runs && parts > 0,
        "runs in which little happens prove little"
    );
}

/// `NAMINGO_CYCLES` times, or a dozen: all machines lose power under load, at any instant, and come back.
#[test]
fn power_lost_on_all_nodes_again_and_again_loses_nothing() {
    let cycles = number("NAMINGO_CYCLES").unwrap_or(12);
    let report = stage(1, Mutant::None, async |world: &Arc<World>| {
        under_load(world, async |world| {
            for _ in 0..cycles {
                let pause = world.lock().rng.between(200, 3_000);
                runtime::Sim::sleep(Duration::from_millis(pause)).await;
                NODES.iter().for_each(|id| world.crash(*id));
                NODES.iter().for_each(|id| world.boot(*id));
                world.stop_at_violation()?;
            }
            Ok(())
        })
        .await
    });
    let report = report.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{cycles} cycles: {report}");
    assert!(report.acknowledged as u64 > 20 * cycles, "cycles in which nothing happens prove nothing");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [3, 1_000_003] {
        let runs: Vec<_> =
            (0..2).map(|_| run(seed, Mutant::None).unwrap_or_else(|f| panic!("{f}")).hash).collect();
        assert_eq!(runs[0], runs[1], "seed {seed}");
    }
}

/// One of the first seeds must find the bug, and for the right reason.
fn is_caught(mutant: Mutant, reasons: &[&str]) {
    for seed in 0..SEEDS_FOR_A_MUTANT {
        if let Err(failure) = run(seed, mutant) {
            println!("{mutant:?} is caught by seed {seed}: {}", failure.what);
            assert!(
                reasons.iter().any(|reason| failure.what.contains(reason)),
                "for another reason: {failure}"
            );
            return;
        }
    }
    panic!("{mutant:?} lives through {SEEDS_FOR_A_MUTANT} seeds");
}

#[test]
fn an_acknowledgement_before_the_sync_is_caught() {
    let reasons = [
        "another entry at index",
        "the journal has None",
        "was over before",
        // whoever relies on an acknowledgement drains what is not durable
        "the state was drained up to",
        // what openraft itself asserts, without optimization
        "log reversion is not allowed",
    ];
    is_caught(Mutant::AckBeforeSync, &reasons);
}

#[test]
fn a_drain_past_the_synced_log_is_caught() {
    is_caught(Mutant::DrainPastLog, &["the state was drained up to"]);
}

#[test]
fn a_forgotten_outcome_is_caught() {
    is_caught(Mutant::OutcomesForgotten, &["was carried out twice", "another has Fingerprint"]);
}

#[test]
fn a_read_of_the_local_view_is_caught() {
    is_caught(Mutant::LocalReads, &["was over before"]);
}
