//! How long a registry takes to be ready again, after a clean stop and after its processes were killed under load,
//! and how much disk a name takes.

use crate::{
    commands::Outcome,
    dev::{Dev, Home},
    disk::Disk,
    drive::epp::{Accounts, Epp, Work},
    load::{self, Plan},
    place::EPP,
    process::Processes,
    registrars,
    report::grouped,
    seed::{Seeds, seed},
};
use serde::Serialize;
use std::sync::Arc;

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
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Seconds from the start of the processes to `/readyz` 200 on all nodes, memory and files.
#[derive(Debug, Serialize)]
struct Report {
    nodes: u16,
    ready_after_stop_s: Vec<f64>,
    ready_after_kill_s: Vec<f64>,
    /// The most that one process held at a time, under the loads before the kills.
    peak_memory_bytes: u64,
    /// Of the first node, after the seed and a clean stop.
    disk: Disk,
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
        let mut report = Report {
            nodes: self.nodes,
            ready_after_stop_s: Vec::new(),
            ready_after_kill_s: Vec::new(),
            peak_memory_bytes: 0,
            disk: Disk::of(&folder.join("node-1/main"))?,
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
            report.peak_memory_bytes = report.peak_memory_bytes.max(dev.processes().peak_memory());
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
        let domains = grouped(self.disk.domains);
        println!("{domains} domains; seconds until all of {} nodes are ready", self.nodes);
        println!("  after a clean stop        {}", list(&self.ready_after_stop_s));
        println!("  after a kill under load   {}", list(&self.ready_after_kill_s));
        println!("Memory of a process at most  {} MiB", self.peak_memory_bytes >> 20);
        let disk = &self.disk;
        println!("Disk of the first node");
        println!("  each, without journal     {:.0} bytes", disk.bytes_per_domain);
        println!("  each, its journal         {:.0} bytes", disk.journal_bytes_per_domain);
        println!("  state file {:>18}", grouped(disk.state_file));
        println!("  log file   {:>18}", grouped(disk.log_file));
        for table in disk.tables.iter().filter(|table| table.rows > 0) {
            println!(
                "  {:<20} {:>12} rows {:>15} bytes",
                table.name,
                grouped(table.rows),
                grouped(table.bytes)
            );
        }
        Ok(())
    }
}
