//! How long a log put (some entries, one fsync) takes, alone and while the state file drains a generation
//! on the same disk: the figure that decides what the log is stored in.

mod drain;
mod store;

use crate::{
    latency::{Percentiles, Samples},
    names::spread,
};
use drain::StateFile;
use serde::Serialize;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::LogStore;

#[derive(clap::Args)]
pub struct Settings {
    /// Directory for the files; must be on the disk that is to be measured, not in memory
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    dir: PathBuf,
    /// Entries of one put
    #[arg(long, default_value_t = 32)]
    entries: usize,
    /// Bytes of one entry
    #[arg(long, default_value_t = 450)]
    entry_bytes: usize,
    /// Rows in the state file before the measurement
    #[arg(long, default_value_t = 1_000_000)]
    base_rows: u64,
    /// Rows of each drain
    #[arg(long, default_value_t = 200_000)]
    drain_rows: u64,
    /// Drains measured for each log store and each way of syncing
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Megabytes of log for the reopening after a kill
    #[arg(long, default_value_t = 256)]
    reopen_mb: usize,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// One line of the result.
#[derive(Serialize)]
struct Row {
    log: &'static str,
    /// `alone`, `drain synced every 4 MiB` or `drain synced once`.
    beside: &'static str,
    #[serde(flatten)]
    put: Percentiles,
}

#[derive(Serialize)]
struct Reopen {
    log: &'static str,
    megabytes: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Report {
    entries: usize,
    entry_bytes: usize,
    drain_rows: u64,
    drain_s: Vec<(&'static str, f64)>,
    puts: Vec<Row>,
    reopen_after_kill: Vec<Reopen>,
}

const SYNCS: [(&str, u64); 2] = [("drain synced every 4 MiB", 4 << 20), ("drain synced once", u64::MAX)];

/// Puts without a drain, per log store.
const ALONE: Duration = Duration::from_secs(3);

/// Runs everything and prints it.
pub fn run(s: &Settings) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::Builder::new().prefix("bench-log").tempdir_in(&s.dir)?;
    let batch: Vec<Arc<[u8]>> = (0..s.entries).map(|i| noise(i as u64, s.entry_bytes).into()).collect();
    let mut report = Report {
        entries: s.entries,
        entry_bytes: s.entry_bytes,
        drain_rows: s.drain_rows,
        drain_s: Vec::new(),
        puts: Vec::new(),
        reopen_after_kill: Vec::new(),
    };
    alone(&dir, &batch, &mut report)?;
    for (name, sync_every) in SYNCS {
        eprintln!("{name}: loading {} rows", s.base_rows);
        let mut state = StateFile::new(&dir.path().join(format!("state-{sync_every}")), sync_every)?;
        state.load(s.base_rows)?;
        beside_drains(&dir, s, name, &mut state, &batch, &mut report)?;
    }
    for kind in store::KINDS {
        report.reopen_after_kill.push(reopen(&dir, kind, s.reopen_mb, &batch)?);
    }
    if s.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(())
}

fn alone(dir: &tempfile::TempDir, batch: &[Arc<[u8]>], report: &mut Report) -> Result<(), Box<dyn Error>> {
    for kind in store::KINDS {
        let mut log = store::open(kind, &dir.path().join(format!("alone-{kind}")))?;
        let (mut samples, start) = (Samples::default(), Instant::now());
        while start.elapsed() < ALONE {
            samples.push(timed_put(&mut *log, batch)?);
        }
        report.puts.push(Row { log: kind, beside: "alone", put: samples.percentiles() });
    }
    Ok(())
}

/// The log stores take turns, so that a disturbance of the machine meets all of them.
fn beside_drains(
    dir: &tempfile::TempDir,
    s: &Settings,
    name: &'static str,
    state: &mut StateFile,
    batch: &[Arc<[u8]>],
    report: &mut Report,
) -> Result<(), Box<dyn Error>> {
    let mut logs = Vec::new();
    for kind in store::KINDS {
        let path = dir.path().join(format!("{}-{kind}", name.replace(' ', "-")));
        logs.push((kind, store::open(kind, &path)?, Samples::default()));
    }
    let mut drains = Duration::ZERO;
    for round in 0..s.rounds {
        for (kind, log, samples) in &mut logs {
            eprintln!("{name}: round {} of {}, {kind}", round + 1, s.rounds);
            state.fill(s.drain_rows)?;
            drains += std::thread::scope(|scope| -> Result<Duration, Box<dyn Error>> {
                let drain = scope.spawn(|| state.drain());
                while !drain.is_finished() {
                    samples.push(timed_put(&mut **log, batch)?);
                }
                Ok(drain.join().map_err(|_| "the drain panicked")??)
            })?;
        }
    }
    let count = f64::from(s.rounds.max(1)) * logs.len() as f64;
    report.drain_s.push((name, drains.as_secs_f64() / count));
    for (kind, _, samples) in logs {
        report.puts.push(Row { log: kind, beside: name, put: samples.percentiles() });
    }
    Ok(())
}

fn timed_put(log: &mut dyn LogStore, batch: &[Arc<[u8]>]) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    log.put(batch)?;
    Ok(start.elapsed())
}

/// Opens a log that was left as a killed process leaves it.
fn reopen(
    dir: &tempfile::TempDir,
    kind: &'static str,
    megabytes: usize,
    batch: &[Arc<[u8]>],
) -> Result<Reopen, Box<dyn Error>> {
    let path = dir.path().join(format!("reopen-{kind}"));
    let mut log = store::open(kind, &path)?;
    let put_bytes: usize = batch.iter().map(|b| b.len()).sum();
    for _ in 0..(megabytes << 20) / put_bytes.max(1) {
        log.put(batch)?;
    }
    Ok(Reopen { log: kind, megabytes, seconds: log.killed_and_reopened()?.as_secs_f64() })
}

/// Bytes that do not compress and do not repeat.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    (0..len.div_ceil(8) as u64)
        .flat_map(|i| spread(seed.wrapping_mul(1 << 20).wrapping_add(i)).to_le_bytes())
        .take(len)
        .collect()
}

fn print(r: &Report) {
    println!("One put: {} entries of {} bytes, one fsync. Milliseconds.", r.entries, r.entry_bytes);
    println!("One drain: {} rows; mean duration:", r.drain_rows);
    for (name, seconds) in &r.drain_s {
        println!("  {name:<26} {seconds:.2} s");
    }
    println!(
        "\n{:<18} {:<26} {:>7} {:>8} {:>8} {:>8} {:>8}",
        "log", "beside", "puts", "p50", "p99", "p99.9", "worst"
    );
    for row in &r.puts {
        let p = &row.put;
        println!(
            "{:<18} {:<26} {:>7} {:>8.2} {:>8.2} {:>8.2} {:>8.2}",
            row.log, row.beside, p.count, p.p50_ms, p.p99_ms, p.p999_ms, p.worst_ms
        );
    }
    println!("\nReopening after a kill:");
    for row in &r.reopen_after_kill {
        println!("  {:<18} {} MB: {:.3} s", row.log, row.megabytes, row.seconds);
    }
}
