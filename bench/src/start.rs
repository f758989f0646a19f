//! How long a registry takes to be ready again, after a clean stop and after its processes were killed under load,
//! and how much disk a name takes.

use crate::{
    commands::Outcome,
    dev::{Dev, Home},
    drive::epp::{Accounts, Epp, Work},
    load::{self, Plan},
    place::EPP,
    process::Processes,
    registrars,
    report::grouped,
    seed::{Seeds, seed},
};
use serde::Serialize;
use std::{error::Error, fs, path::Path, sync::Arc};

#[derive(Debug, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    home: Home,
    #[command(flatten)]
    seeds: Seeds,
    #[command(flatten)]
    accounts: Accounts,
    /// Voters
    #[arg(long, default_value_t = 1)]
    nodes: u16,
    /// Starts of each kind
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// Seconds of creates before each kill, at full speed
    #[arg(long, default_value_t = 5.0)]
    load_seconds: f64,
    #[arg(long)]
    json: bool,
}

/// Seconds from the start of the processes to `/readyz` 200 on all nodes, and the files of the first node.
#[derive(Debug, Serialize)]
struct Report {
    names: u64,
    nodes: u16,
    ready_after_stop_s: Vec<f64>,
    ready_after_kill_s: Vec<f64>,
    /// After the seed and a clean stop.
    state_bytes: u64,
    log_bytes: u64,
    /// Of the state file, journal included; in the blocks that the file system gave.
    state_bytes_per_name: f64,
}

impl Settings {
    /// Seeds, stops, starts, kills, starts.
    ///
    /// # Errors
    /// The registry does not start or can't be seeded.
    pub async fn run(self) -> Outcome {
        let (folder, _temporary) = self.home.folder()?;
        let start = || Dev::start(&folder, self.nodes, self.home.port_offset);
        let dev = start().await?;
        let accounts = registrars::ensure(&self.accounts, &folder)?;
        seed(&dev.place, self.seeds, accounts.clone()).await?;
        dev.stop()?;
        let (state, log) = (on_disk(&folder, "state.redb")?, on_disk(&folder, "log.redb")?);
        let mut report = Report {
            names: self.seeds.names,
            nodes: self.nodes,
            ready_after_stop_s: Vec::new(),
            ready_after_kill_s: Vec::new(),
            state_bytes: state,
            log_bytes: log,
            state_bytes_per_name: state as f64 / self.seeds.names as f64,
        };
        for _ in 0..self.rounds {
            let dev = start().await?;
            report.ready_after_stop_s.push(dev.took.as_secs_f64());
            dev.stop()?;
        }
        for _ in 0..self.rounds {
            let dev = start().await?;
            let creates =
                Epp::new(dev.place.addresses(EPP).await?, accounts.clone(), self.seeds.thick, &Work::Create)?;
            let plan =
                Plan { connections: 32, seconds: self.load_seconds, warm_up: 0.0, rate: None, threads: None };
            load::run(Arc::new(creates), &plan, &Processes::default()).await?;
            dev.kill();
            let dev = start().await?;
            report.ready_after_kill_s.push(dev.took.as_secs_f64());
            dev.stop()?;
        }
        report.print(self.json)
    }
}

impl Report {
    fn print(&self, json: bool) -> Outcome {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        let list = |seconds: &[f64]| seconds.iter().map(|s| format!("{s:.2}")).collect::<Vec<_>>().join(", ");
        println!("{} names, {} nodes; seconds until all are ready", grouped(self.names), self.nodes);
        println!("  after a clean stop        {}", list(&self.ready_after_stop_s));
        println!("  after a kill under load   {}", list(&self.ready_after_kill_s));
        println!("Disk of the first node after the seed");
        println!(
            "  state {:>14}   {:.0} bytes for each name, journal included",
            grouped(self.state_bytes),
            self.state_bytes_per_name
        );
        println!("  log   {:>14}", grouped(self.log_bytes));
        Ok(())
    }
}

/// What a file of the first node takes on the disk, in bytes.
fn on_disk(data_dir: &Path, file: &str) -> Result<u64, Box<dyn Error>> {
    use std::os::unix::fs::MetadataExt;
    let path = data_dir.join("node-1/main").join(file);
    let metadata = fs::metadata(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(metadata.blocks() * 512)
}
