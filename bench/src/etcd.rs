//! Three members of etcd on this machine, as a measure of what a durable, replicated write costs that checks,
//! indexes and journals nothing.

use crate::{
    commands::Outcome,
    drive::etcd::Etcd,
    http,
    load::{self, Plan},
    process::Processes,
    program::Program,
    report::{self, Row, Table},
};
use std::{
    error::Error,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

const MEMBERS: usize = 3;
const READY_LIMIT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// Octets of a value: about a domain's command in the log.
pub const VALUE_BYTES: usize = 500;

#[derive(Debug, clap::Args)]
pub struct Settings {
    #[command(flatten)]
    plan: Plan,
    /// Octets of a value
    #[arg(long, default_value_t = VALUE_BYTES)]
    value_bytes: usize,
    /// Where the members' temporary folder is made: the disk that is measured
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Settings {
    /// Starts the members, puts values, ends the members.
    ///
    /// # Errors
    /// etcd is not installed or does not start.
    pub async fn run(self) -> Outcome {
        let members = Members::start(self.dir).await?;
        let target = Arc::new(Etcd::new(members.clients.clone(), self.value_bytes));
        let measured = load::run(target, &self.plan, &members.processes()).await?;
        let title = format!(
            "etcd, {MEMBERS} members, puts of {} bytes by {} clients, {} s",
            self.value_bytes, self.plan.connections, self.plan.seconds
        );
        Ok(report::print(&[Table::plain(title, vec![Row::new("etcd put", &measured)])], self.json)?)
    }
}

/// Members that run; they end when this is dropped.
pub struct Members {
    programs: Vec<Program>,
    /// Where clients connect.
    pub clients: Vec<SocketAddr>,
    _dir: TempDir,
}

impl Members {
    /// Starts them in a temporary folder, below `dir` if it is given, and waits until they serve.
    ///
    /// # Errors
    /// etcd is not installed or does not start.
    pub async fn start(dir: Option<PathBuf>) -> Result<Members, Box<dyn Error>> {
        let installed = Command::new("etcd").arg("--version").output();
        installed.map_err(|e| format!("etcd can't be run ({e}): apt-get install etcd-server"))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix("namingo-bench-etcd");
        let dir = dir.map_or_else(|| builder.tempdir(), |parent| builder.tempdir_in(parent))?;
        let (peers, clients) = (free_addresses()?, free_addresses()?);
        let cluster: Vec<String> =
            peers.iter().enumerate().map(|(n, peer)| format!("m{n}=http://{peer}")).collect();
        let mut programs = Vec::new();
        for (n, (peer, client)) in peers.iter().zip(&clients).enumerate() {
            let mut command = Command::new("etcd");
            command
                .args(["--name", &format!("m{n}"), "--logger", "zap", "--log-level", "error"])
                .args(["--initial-cluster", &cluster.join(","), "--initial-cluster-state", "new"])
                .args(["--listen-peer-urls", &format!("http://{peer}")])
                .args(["--initial-advertise-peer-urls", &format!("http://{peer}")])
                .args(["--listen-client-urls", &format!("http://{client}")])
                .args(["--advertise-client-urls", &format!("http://{client}")])
                .arg("--data-dir")
                .arg(dir.path().join(format!("m{n}")));
            programs.push(Program::start(&mut command, &dir.path().join(format!("m{n}.log")))?);
        }
        let mut members = Members { programs, clients, _dir: dir };
        members.ready().await?;
        Ok(members)
    }

    async fn ready(&mut self) -> Result<(), Box<dyn Error>> {
        let begun = Instant::now();
        for client in &self.clients {
            let healthy = r#""health":"true""#;
            while !http::get(*client, "/health").await.is_ok_and(|(_, body)| body.contains(healthy)) {
                self.programs.iter_mut().try_for_each(Program::must_run)?;
                if begun.elapsed() > READY_LIMIT {
                    return Err(format!("etcd at {client} is not healthy").into());
                }
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    pub fn processes(&self) -> Processes {
        Processes::of(self.programs.iter().map(Program::id))
    }
}

/// As many addresses on loopback as there are members, with ports that nobody uses at the moment.
fn free_addresses() -> std::io::Result<Vec<SocketAddr>> {
    let held = (0..MEMBERS).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
    held.iter().map(TcpListener::local_addr).collect()
}
