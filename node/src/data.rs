//! A node's files: `DIR/node-N/REPOSITORY/` with the log and the state, locked while the node runs.

use crate::{failure::Failure, metrics::NodeMetrics};
use cluster::{Bundle, ClusterFile};
use raft::Drain;
use registry::tables;
use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::Arc,
};
use storage::{DirDisk, Fingerprinted, Log, LogOptions, LogWriter, OnFault, Options, Rest, Space, Store};
use tokio::sync::mpsc;

/// Beside log and state: whose they are.
const OWNER_FILE: &str = "owner";

/// Opened and running: the log with its writer, the state with its drain.
pub struct Data {
    pub log: Arc<Log>,
    pub store: Arc<Store>,
    writer: LogWriter,
    drain: Drain,
}

/// What the state may take in memory, beside rows that are not drained yet.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Fingerprints, from which DAS answers.
    pub das_bytes: usize,
    /// Pages of the state file.
    pub cache_bytes: usize,
}

impl Memory {
    pub fn of(file: &ClusterFile) -> Memory {
        let bytes = |mib: u32| (mib as usize) << 20;
        Memory { das_bytes: bytes(file.das_memory_mib), cache_bytes: bytes(file.state_cache_mib) }
    }
}

impl Data {
    /// Opens or creates the files of the bundle's node. `faults` gets the reason when the drain fails.
    ///
    /// # Errors
    /// Locked by another process, of another cluster or node, of another format, damaged, or not writable.
    pub fn open(
        bundle: &Bundle,
        memory: Memory,
        metrics: &NodeMetrics,
        faults: mpsc::UnboundedSender<String>,
    ) -> Result<Data, Failure> {
        let disk = Arc::new(DirDisk::open(bundle.dir.join(&bundle.founding.repository.name))?);
        owned_by(disk.path(), &format!("cluster {}, node {}\n", bundle.cluster_id(), bundle.node))?;
        // what fills the disk for one fills it for the other
        let space = Space::default();
        let synced = metrics.clone();
        let log_options = LogOptions {
            on_commit: Some(Arc::new(move |took| synced.log_committed(took))),
            space: space.clone(),
            ..LogOptions::default()
        };
        let log = Arc::new(Log::open_with(disk.clone(), log_options)?);
        let thread = |e: std::io::Error| Failure::at("a thread could not be started", e);
        let writer = log.spawn_writer().map_err(thread)?;
        let told = faults.clone();
        let on_fault: OnFault = Arc::new(move |fault| drop(told.send(fault.to_string())));
        let fingerprints = Fingerprinted { tables: tables::FINGERPRINTED, bytes_max: memory.das_bytes };
        let rest: Rest = Arc::new(std::thread::sleep);
        let options = Options {
            on_fault: Some(on_fault),
            space,
            fingerprints,
            rest: Some(rest),
            cache_bytes: memory.cache_bytes,
            ..Options::default()
        };
        let store = Arc::new(Store::open(disk, tables::ALL, options)?);
        let drained = metrics.clone();
        let drain = Drain::spawn(
            store.clone(),
            log.clone(),
            Arc::new(move |why| drop(faults.send(why))),
            Arc::new(move |rows, took| drained.drained(rows, took)),
        )
        .map_err(thread)?;
        Ok(Data { log, store, writer, drain })
    }

    /// Makes everything durable and closes the files.
    ///
    /// # Errors
    /// A fault of the disk.
    pub fn close(self) -> Result<(), Failure> {
        self.drain.finish()?;
        self.writer.stop().map_err(|e| Failure::at("the log", e))
    }
}

/// Sees to it that files never serve another cluster or node than the one that began them: a log that was copied
/// beside another bundle would vote with a memory that is not its own.
fn owned_by(dir: &Path, owner: &str) -> Result<(), Failure> {
    let path = dir.join(OWNER_FILE);
    match fs::read_to_string(&path) {
        Ok(found) if found == owner => Ok(()),
        Ok(found) => Err(Failure::at(
            dir.display(),
            format!(
                "holds the data of {}, this is {}; use the directory that belongs to it",
                found.trim_end(),
                owner.trim_end()
            ),
        )),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            write_durably(dir, &path, owner).map_err(|e| Failure::at(path.display(), e))
        }
        Err(e) => Err(Failure::at(path.display(), e)),
    }
}

/// Writes a file of `dir` whole or not at all, whenever the machine stops.
pub fn write_durably(dir: &Path, path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("new");
    fs::write(&draft, text)?;
    File::open(&draft)?.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stay_with_whom_they_began() {
        let dir = std::env::temp_dir().join(format!("namingo-owner-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        owned_by(&dir, "cluster a, node 1\n").unwrap();
        owned_by(&dir, "cluster a, node 1\n").unwrap();
        let refused = owned_by(&dir, "cluster b, node 1\n").unwrap_err().to_string();
        assert!(
            refused.contains("holds the data of cluster a, node 1, this is cluster b, node 1;"),
            "{refused}"
        );
        assert_eq!(refused.lines().count(), 1);
        fs::remove_dir_all(&dir).unwrap();
    }
}
