//! A registry made by `namingo-node dev`, for the commands that start what they measure.

use crate::{
    place::{At, Place},
    process::Processes,
    program::{self, Program},
};
use std::{
    error::Error,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// How long it may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(5);

/// Where the registries of these commands live.
#[derive(Clone, Debug, clap::Args)]
pub struct Home {
    /// The registry's data; kept, so that it is seeded once. A temporary folder without it
    #[arg(long)]
    pub data_dir: Option<PathBuf>,
    /// Added to every port
    #[arg(long, default_value_t = 20_000)]
    pub port_offset: u16,
}

impl Home {
    /// The folder for the data, and what removes it at the end if it is a temporary one.
    ///
    /// # Errors
    /// No temporary folder can be made.
    pub fn folder(&self) -> Result<(PathBuf, Option<TempDir>), Box<dyn Error>> {
        if let Some(dir) = &self.data_dir {
            std::fs::create_dir_all(dir.parent().unwrap_or(dir))?;
            return Ok((dir.clone(), None));
        }
        let temporary = tempfile::Builder::new().prefix("namingo-bench").tempdir()?;
        Ok((temporary.path().join("dev"), Some(temporary)))
    }
}

/// A registry that runs.
pub struct Dev {
    program: Program,
    pub place: Place,
    pub data_dir: PathBuf,
    /// From the start of the process to the moment all nodes were ready.
    pub took: Duration,
}

impl Dev {
    /// Starts so many voters and waits until all are ready.
    ///
    /// # Errors
    /// They do not become ready.
    pub async fn start(data_dir: &Path, nodes: u16, port_offset: u16) -> Result<Dev, Box<dyn Error>> {
        let mut command = Command::new(program::ours("namingo-node")?);
        command
            .args(["dev", "--nodes", &nodes.to_string(), "--port-offset", &port_offset.to_string()])
            .arg("--data-dir")
            .arg(data_dir);
        let begun = Instant::now();
        let mut program = Program::start(&mut command, &data_dir.with_extension("log"))?;
        let place = Place::new(port_offset, nodes, At::All);
        while !place.is_ready().await {
            program.must_run()?;
            if begun.elapsed() > READY_LIMIT {
                return Err(format!("the registry in {} is not ready", data_dir.display()).into());
            }
            sleep(LOOK).await;
        }
        let took = begun.elapsed();
        Ok(Dev { program, place, data_dir: data_dir.to_owned(), took })
    }

    /// The nodes' processes.
    pub fn processes(&self) -> Processes {
        Processes::family(self.program.id())
    }

    /// The same registry, with the load put elsewhere.
    pub fn at(&self, at: At) -> Place {
        let mut place = self.place.clone();
        place.at = at;
        place
    }

    /// Stops it as an operator does.
    ///
    /// # Errors
    /// It does not stop in time.
    pub fn stop(self) -> Result<(), Box<dyn Error>> {
        self.program.stop()
    }

    /// Kills all nodes at once.
    pub fn kill(self) {
        self.program.kill();
    }
}
