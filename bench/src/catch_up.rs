//! A follower that comes back from behind the purge point of the log, by snapshot and under load: what it takes from the
//! writes, and from the leader's memory.
//!
//! One load runs all the time. The follower's process is stopped (SIGSTOP) until the leader's log no longer holds what it
//! lacks, and is then continued.

use crate::{
    commands::Outcome,
    dev::{Dev, Home},
    drive::epp::{Accounts, Epp, Work},
    http,
    load::{self, Plan, Record},
    place::{At, EPP, METRICS, Place},
    process::{self, Processes},
    program::signal,
    registrars,
    report::grouped,
    seed::{Seeds, seed},
};
use rustix::process::Signal;
use serde::Serialize;
use std::{
    error::Error,
    fs,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Voters.
const NODES: u16 = 3;
/// Between two looks at the nodes.
const LOOK: Duration = Duration::from_millis(200);
/// The follower is back when it lacks fewer entries than this: with writes going on it always lacks some.
const NEAR: u64 = 5000;

#[derive(Debug, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    home: Home,
    #[command(flatten)]
    seeds: Seeds,
    #[command(flatten)]
    accounts: Accounts,
    /// Sessions that create, all at the leader
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Creates a second; as many as come without it
    #[arg(long)]
    rate: Option<f64>,
    /// Seconds of the load in all; the follower must be back by then
    #[arg(long, default_value_t = 120.0)]
    seconds: f64,
    /// Log that is kept, in MiB: small, so that the follower falls behind it soon
    #[arg(long, default_value_t = 16)]
    log_keep_mib: u32,
    /// Page cache of the state file, in MiB: small, so that it is full before, and what a transfer takes shows
    #[arg(long, default_value_t = 128)]
    state_cache_mib: u32,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// What came of it; rates are creates a second.
#[derive(Debug, Serialize)]
struct Report {
    all_nodes_per_s: f64,
    one_stopped_per_s: f64,
    coming_back_per_s: f64,
    all_again_per_s: f64,
    failures: u64,
    /// The last entry that the follower had, and the last one that the leader's log had no more when it went on.
    had: u64,
    purged: u64,
    came_back_after_s: f64,
    leader_memory_before_bytes: u64,
    leader_memory_most_bytes: u64,
    elections: u64,
}

/// What happened when.
struct Course {
    stopped: Instant,
    continued: Instant,
    back: Instant,
    had: u64,
    purged: u64,
    memory_before: u64,
    memory_most: u64,
}

impl Settings {
    /// Seeds, stops the follower, continues it.
    ///
    /// # Errors
    /// The registry does not start, or the follower is not back in time.
    pub async fn run(self) -> Outcome {
        let (folder, _temporary) = self.home.folder()?;
        let start = || Dev::start(&folder, NODES, self.home.port_offset);
        let dev = start().await?;
        let accounts = registrars::ensure(&self.accounts, &folder)?;
        seed(&dev.place, self.seeds, accounts.clone()).await?;
        dev.stop()?;
        let file = folder.join("cluster.toml");
        set(&file, "log_keep_mib", self.log_keep_mib)?;
        set(&file, "state_cache_mib", self.state_cache_mib)?;
        let dev = start().await?;
        let term = dev.place.term().await?;
        let epp = dev.at(At::Leader).addresses(EPP).await?;
        let epp = Arc::new(Epp::new(epp, accounts, self.seeds.thick, &Work::Create)?);
        epp.furnish().await?;
        let plan = Plan {
            connections: self.connections,
            seconds: self.seconds,
            warm_up: 0.0,
            rate: self.rate,
            threads: None,
        };
        let unwatched = Processes::default();
        let load = load::run(epp, &plan, &unwatched);
        let (measured, course) = tokio::join!(load, self.conduct(&dev));
        let (record, course) = (measured?.record, course?);
        let elections = dev.place.term().await?.saturating_sub(term);
        dev.stop()?;
        Report::new(&record, &course, elections).print(self.json)
    }

    /// Stops the follower and continues it, a sixth of the time for each part at least.
    async fn conduct(&self, dev: &Dev) -> Result<Course, Box<dyn Error>> {
        let until = Instant::now() + Duration::from_secs_f64(self.seconds);
        let part = Duration::from_secs_f64(self.seconds / 6.0);
        let [leader, follower] = [At::Leader, At::Follower].map(|at| dev.at(at));
        let (leader, follower) = (Node::of(&leader).await?, Node::of(&follower).await?);
        sleep(part).await;
        let had = follower.figure("namingo_raft_applied_index").await?;
        let paused = Paused::new(follower.process);
        let stopped = Instant::now();
        sleep(part).await;
        let mut purged = leader.figure("namingo_raft_purged_index").await?;
        while purged <= had {
            if Instant::now() > until {
                return Err("the log still holds what the follower lacks: say more --seconds".into());
            }
            sleep(LOOK).await;
            purged = leader.figure("namingo_raft_purged_index").await?;
        }
        let memory_before = process::memory(leader.process);
        drop(paused);
        let (continued, mut memory_most) = (Instant::now(), memory_before);
        loop {
            sleep(LOOK).await;
            memory_most = memory_most.max(process::memory(leader.process));
            let applied = follower.figure("namingo_raft_applied_index").await.unwrap_or(0);
            if applied + NEAR > leader.figure("namingo_raft_applied_index").await? {
                break;
            }
            if Instant::now() > until {
                return Err("the follower is not back: say more --seconds".into());
            }
        }
        let back = Instant::now();
        Ok(Course { stopped, continued, back, had, purged, memory_before, memory_most })
    }
}

/// A node that runs.
struct Node {
    metrics: SocketAddr,
    process: u32,
}

impl Node {
    /// The only one of a place.
    async fn of(place: &Place) -> Result<Node, Box<dyn Error>> {
        let metrics = place.addresses(METRICS).await?[0];
        let process = process::listener(metrics.port()).ok_or("a node's process can't be found")?;
        Ok(Node { metrics, process })
    }

    async fn figure(&self, name: &str) -> Result<u64, Box<dyn Error>> {
        let (_, metrics) = http::get(self.metrics, "/metrics").await?;
        let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        Ok(value.ok_or_else(|| format!("a node does not tell its {name}"))?)
    }
}

/// A process that stands still until this is dropped.
struct Paused(u32);

impl Paused {
    fn new(process: u32) -> Paused {
        signal(process, Signal::STOP);
        Paused(process)
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        signal(self.0, Signal::CONT);
    }
}

/// Sets a number in a cluster file that has it.
fn set(file: &Path, key: &str, number: u32) -> Outcome {
    let text = fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let line = format!("{key} = {number}");
    let lines: Vec<&str> =
        text.lines().map(|old| if old.trim_start().starts_with(key) { &line } else { old }).collect();
    Ok(fs::write(file, lines.join("\n") + "\n")?)
}

impl Report {
    fn new(record: &Record, course: &Course, elections: u64) -> Report {
        Report {
            all_nodes_per_s: record.rate_between(None, Some(course.stopped)),
            one_stopped_per_s: record.rate_between(Some(course.stopped), Some(course.continued)),
            coming_back_per_s: record.rate_between(Some(course.continued), Some(course.back)),
            all_again_per_s: record.rate_between(Some(course.back), None),
            failures: record.failures(),
            had: course.had,
            purged: course.purged,
            came_back_after_s: (course.back - course.continued).as_secs_f64(),
            leader_memory_before_bytes: course.memory_before,
            leader_memory_most_bytes: course.memory_most,
            elections,
        }
    }

    fn print(&self, json: bool) -> Outcome {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        let mib = |bytes: u64| bytes >> 20;
        println!("A follower behind the purge point comes back by snapshot, under load");
        println!("  creates a second, all nodes up       {:.0}", self.all_nodes_per_s);
        println!("  the same, the follower stopped       {:.0}", self.one_stopped_per_s);
        println!("  the same, while it comes back        {:.0}", self.coming_back_per_s);
        println!("  the same, all nodes up again         {:.0}", self.all_again_per_s);
        println!("  failures, elections                  {}, {}", self.failures, self.elections);
        println!(
            "  it had entries up to {}, and the log of the leader began after {}",
            grouped(self.had),
            grouped(self.purged)
        );
        println!("  back after                           {:.1} s", self.came_back_after_s);
        println!(
            "  memory of the leader                 {} MiB before, {} MiB at most while it sent",
            mib(self.leader_memory_before_bytes),
            mib(self.leader_memory_most_bytes)
        );
        Ok(())
    }
}
