//! A node's machine: two disks that outlive it, and what runs while it is up: consensus, the log's writer, the
//! drain, the purge. All of them are tasks whose steps interleave by seed.

use super::{
    mutant::{LyingDisk, Mutant, forget_outcomes},
    net::SimNet,
    runtime::{Group, Sim},
    world::World,
};
use openraft::type_config::TypeConfigExt;
use raft::{Bounds, Cluster, Jumps, Profile, RaftConfig, StartError, Work};
use registry::tables;
use std::{sync::Arc, time::Duration};
use storage::{Disk, Drained, Fault, Log, LogOptions, Monotonic, Options, Read, SimDisk, Store};

pub type Node = Cluster<Sim, SimNet>;

/// How often the log's writer looks for work.
const WRITER_LOOK: Duration = Duration::from_millis(1);

pub struct Machine {
    pub log_disk: SimDisk,
    pub state_disk: SimDisk,
    pub running: Option<Running>,
    /// What its log held durably when it went down.
    durable_at_crash: Option<u64>,
    /// Where the last generation ended that the drain wrote; an installed snapshot is none.
    drained: Option<u64>,
    /// The longest time of a sync.
    pub sync_ms: u64,
    /// Nothing can be written.
    pub full: bool,
    pub lives: u64,
}

pub struct Running {
    pub group: Group,
    pub log: Arc<Log>,
    pub store: Arc<Store>,
    /// Consensus, once it has started.
    pub node: Option<Node>,
    lying: Option<LyingDisk>,
}

impl Machine {
    pub fn new(id: u64) -> Machine {
        Machine {
            log_disk: SimDisk::new(),
            state_disk: SimDisk::new(),
            running: None,
            durable_at_crash: None,
            drained: None,
            sync_ms: 2 + id % 2,
            full: false,
            lives: 0,
        }
    }

    pub fn durable(&self) -> Option<u64> {
        self.running.as_ref().map_or(self.durable_at_crash, |running| running.log.synced())
    }

    fn open(&self, mutant: Mutant, clock: &Monotonic) -> Result<Running, Fault> {
        let lying = (mutant == Mutant::AckBeforeSync).then(|| LyingDisk::new(self.log_disk.clone()));
        let disk: Arc<dyn Disk> = match &lying {
            Some(lying) => Arc::new(lying.clone()),
            None => Arc::new(self.log_disk.clone()),
        };
        let options = LogOptions {
            tail_bytes: 16 << 10,
            segment_bytes: if self.lives.is_multiple_of(2) { 16 << 10 } else { 256 << 10 },
            clock: clock.clone(),
            ..LogOptions::default()
        };
        let log = Arc::new(Log::open_with(disk, options)?);
        if let Some(lying) = &lying {
            lying.settle();
            lying.lie();
        }
        let options = Options {
            assert_fresh: true,
            freeze_rows: 60,
            freeze_age: Duration::from_secs(2),
            sync_every_bytes: 64 << 10,
            cache_bytes: 1 << 20,
            clock: clock.clone(),
            ..Options::default()
        };
        let store = Arc::new(Store::open(Arc::new(self.state_disk.clone()), tables::ALL, options)?);
        Ok(Running { group: Group::default(), log, store, node: None, lying })
    }
}

/// What was drained must be in the log, or be purged from it. (A snapshot is installed before the log is purged.)
fn fits(drained: Option<u64>, log: &Log, store: &Store) -> Result<(), String> {
    let index = store.view().header().index;
    let covered = log.synced();
    if drained != Some(index) || covered.is_some_and(|last| last >= index) {
        return Ok(());
    }
    Err(format!("the state was drained up to {index}, its log is durable only up to {covered:?}"))
}

impl World {
    /// Switches a machine on; consensus starts in a task of the new life.
    pub fn boot(self: &Arc<Self>, id: u64) {
        let world = self.clone();
        let clock: Monotonic = Arc::new(move || world.elapsed());
        let mut inner = self.lock();
        let machine = inner.machines.get_mut(&id).unwrap();
        machine.lives += 1;
        let lives = machine.lives;
        let (before, drained) = (machine.durable_at_crash, machine.drained);
        let running = match machine.open(self.mutant, &clock) {
            Ok(running) => running,
            Err(fault) => return inner.violation(format!("node {id} can't open its files: {fault}")),
        };
        let (group, log, store, lying) =
            (running.group.clone(), running.log.clone(), running.store.clone(), running.lying.clone());
        machine.running = Some(running);
        inner.note(format_args!("{id} boots, life {lives}, log durable {:?}", log.synced()));
        inner.check(fits(drained, &log, &store).map_err(|e| format!("node {id}: {e}")));
        // the mutant must be found by what clients see
        if self.mutant != Mutant::AckBeforeSync && log.synced() < before {
            inner.violation(format!(
                "node {id}: {before:?} was durable before the crash, now {:?}",
                log.synced()
            ));
        }
        drop(inner);
        drop(group.spawn(write_log(self.clone(), id, log.clone(), lying)));
        drop(group.spawn(drain(self.clone(), id, log.clone(), store.clone())));
        drop(group.spawn(run(self.clone(), id, log, store)));
    }

    fn drained(&self, id: u64, index: u64, rows: usize) {
        let mut inner = self.lock();
        inner.note(format_args!("{id} drained {rows} rows up to {index}"));
        inner.machines.get_mut(&id).unwrap().drained = Some(index);
    }

    /// Power off: all tasks end, of what was not synced some or nothing is left.
    pub fn crash(&self, id: u64) {
        let mut inner = self.lock();
        let how = inner.rng.below(4);
        let (after, seed) = (inner.rng.below(12), inner.rng.next());
        let machine = inner.machines.get_mut(&id).unwrap();
        let Some(running) = machine.running.take() else { return };
        running.group.abort();
        match how {
            0 => {
                machine.log_disk.fail_writes_after(after);
                running.log.write_step();
            }
            1 => {
                machine.log_disk.fail_syncs_after(after % 2);
                running.log.write_step();
            }
            2 => {
                machine.state_disk.fail_writes_after(after);
                running.store.freeze();
                drop(running.store.drain_commit(running.log.synced()));
            }
            _ => {}
        }
        machine.durable_at_crash = running.log.synced();
        machine.full = false;
        // torn, a log that was not synced in time can't be opened: another way to be found out
        if seed.is_multiple_of(3) || self.mutant == Mutant::AckBeforeSync {
            machine.log_disk.crash();
            machine.state_disk.crash();
        } else {
            machine.log_disk.crash_torn(seed);
            machine.state_disk.crash_torn(seed.rotate_left(32));
        }
        let durable = machine.durable_at_crash;
        inner.note(format_args!("{id} loses power ({how}), log durable {durable:?}"));
    }
}

/// The log's writer: each step is one durable commit and takes the time of a sync.
async fn write_log(world: Arc<World>, id: u64, log: Arc<Log>, lying: Option<LyingDisk>) {
    loop {
        let sync = {
            let mut inner = world.lock();
            let machine = &inner.machines[&id];
            let (full, sync_ms) = (machine.full, machine.sync_ms);
            (!full && log.has_work()).then(|| Duration::from_millis(inner.rng.between(0, sync_ms)))
        };
        let Some(sync) = sync else {
            Sim::sleep(WRITER_LOOK).await;
            continue;
        };
        if let Some(lying) = &lying {
            log.write_step();
            Sim::sleep(2 * sync).await;
            lying.settle();
            continue;
        }
        Sim::sleep(sync).await;
        log.write_step();
    }
}

/// Freezes at odd moments too; commit and adoption are steps of their own.
async fn drain(world: Arc<World>, id: u64, log: Arc<Log>, store: Arc<Store>) {
    loop {
        let pause = world.lock().rng.between(1, 120);
        Sim::sleep(Duration::from_millis(pause)).await;
        let (full, early, slow_ms) = {
            let mut inner = world.lock();
            let slow = inner.machines[&id].sync_ms >= 60;
            let early = inner.rng.permille(if slow { 500 } else { 150 });
            (inner.machines[&id].full, early, inner.rng.below(90))
        };
        if full {
            continue;
        }
        if early {
            store.freeze();
        }
        let synced = if world.mutant == Mutant::DrainPastLog { Some(u64::MAX) } else { log.synced() };
        match store.drain_commit(synced) {
            Ok(Drained::Done { header, rows }) => {
                world.drained(id, header.index, rows);
                Sim::sleep(Duration::from_millis(slow_ms)).await;
                store.adopt();
            }
            Ok(_) => {}
            Err(fault) => return world.lock().violation(format!("node {id} can't drain: {fault}")),
        }
    }
}

/// Consensus itself, and the purge of its log.
async fn run(world: Arc<World>, id: u64, log: Arc<Log>, store: Arc<Store>) {
    let node = match start(&world, id, &log, &store).await {
        Ok(node) => node,
        Err(e) => return world.lock().violation(format!("node {id} can't start: {e}")),
    };
    if world.mutant == Mutant::OutcomesForgotten {
        forget_outcomes(&store);
    }
    world.lock().machines.get_mut(&id).unwrap().running.as_mut().unwrap().node = Some(node.clone());
    let watched = node.clone();
    let purging = async {
        loop {
            Sim::sleep(Duration::from_millis(700)).await;
            if let Err(e) = node.retain(KEEP_OCTETS).await {
                return e.to_string();
            }
        }
    };
    let why = Sim::select2(watched.failed(), purging).await;
    world.lock().violation(format!("consensus failed on node {id}: {why:?}"));
}

/// Little, so that a node that was away is behind the purge point.
const KEEP_OCTETS: u64 = 12 << 10;

async fn start(world: &Arc<World>, id: u64, log: &Arc<Log>, store: &Arc<Store>) -> Result<Node, StartError> {
    let (clock, seen) = (world.clone(), world.clone());
    let (l, s) = (Arc::downgrade(log), Arc::downgrade(store));
    let config = RaftConfig {
        id,
        cluster: "simulation".into(),
        profile: Profile::REGION,
        incarnation: u128::from(id) + 100,
        clock: Arc::new(move || clock.clock(id)),
        on_apply: Arc::new(move |batch| {
            if let (Some(log), Some(store)) = (l.upgrade(), s.upgrade()) {
                seen.applied(id, batch.entries, &log, &store);
            }
        }),
        work: Work::Inline,
        jumps: Jumps::Small,
        bounds: Bounds::default(),
    };
    let net = SimNet { from: id, world: world.clone() };
    let node = Cluster::start(config, store.clone(), log.clone(), net).await?;
    drop(Sim::spawn(node.serve_reads()));
    Ok(node)
}
