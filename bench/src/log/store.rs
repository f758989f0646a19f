//! The log stores that are compared, behind one face.

use redb::{Database, TableDefinition};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{DirDisk, Log};

/// The product's write-ahead log, and redb with commits of one phase and of two.
pub const KINDS: [&str; 3] = ["write-ahead log", "redb", "redb, quick repair"];

/// A log that is durable when `put` returns.
pub trait LogStore: Send {
    fn put(&mut self, entries: &[Arc<[u8]>]) -> Result<(), Box<dyn Error>>;

    /// Leaves the files as a killed process would and opens them again: the time that takes.
    fn killed_and_reopened(self: Box<Self>) -> Result<Duration, Box<dyn Error>>;
}

/// Opens a store of one of [`KINDS`] in a new directory.
pub fn open(kind: &str, path: &Path) -> Result<Box<dyn LogStore>, Box<dyn Error>> {
    Ok(match kind {
        "write-ahead log" => Box::new(Product::open(path)?),
        "redb" => Box::new(Redb::open(path, false)?),
        "redb, quick repair" => Box::new(Redb::open(path, true)?),
        other => return Err(format!("no log store is called \"{other}\"").into()),
    })
}

/// Copies the files as a kill leaves them (they were never closed), so that the copies are on the disk: or the first
/// fsync of the reopening would pay for them.
fn leave_copies(from: &Path) -> std::io::Result<PathBuf> {
    let to = from.with_extension("killed");
    std::fs::create_dir(&to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
        std::fs::File::open(to.join(file.file_name()))?.sync_all()?;
    }
    Ok(to)
}

/// The product's log, written on the caller's thread so that no hand-over is measured.
struct Product {
    disk: Arc<DirDisk>,
    log: Log,
    next: u64,
}

impl Product {
    fn open(path: &Path) -> Result<Product, Box<dyn Error>> {
        let disk = Arc::new(DirDisk::open(path)?);
        Ok(Product { log: Log::open(disk.clone())?, disk, next: 0 })
    }
}

impl LogStore for Product {
    fn put(&mut self, entries: &[Arc<[u8]>]) -> Result<(), Box<dyn Error>> {
        let first = self.next;
        self.next += entries.len() as u64;
        let (tell, told) = std::sync::mpsc::channel();
        let done = Box::new(move |r| tell.send(r).unwrap_or_default());
        self.log.append((first..).zip(entries.iter().cloned()).collect(), done);
        while self.log.write_step() {}
        Ok(told.recv()??)
    }

    fn killed_and_reopened(self: Box<Self>) -> Result<Duration, Box<dyn Error>> {
        let left = leave_copies(self.disk.path())?;
        drop(self);
        let start = Instant::now();
        Log::open(Arc::new(DirDisk::open(&left)?))?.bounds()?;
        Ok(start.elapsed())
    }
}

/// What the product's log was before: a table of entries, committed at once.
struct Redb {
    directory: PathBuf,
    database: Database,
    quick_repair: bool,
    next: u64,
}

const FILE: &str = "log.redb";
const ENTRIES: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("entries");

impl Redb {
    fn open(path: &Path, quick_repair: bool) -> Result<Redb, Box<dyn Error>> {
        std::fs::create_dir(path)?;
        let database = Database::create(path.join(FILE))?;
        Ok(Redb { directory: path.to_owned(), database, quick_repair, next: 0 })
    }
}

impl LogStore for Redb {
    fn put(&mut self, entries: &[Arc<[u8]>]) -> Result<(), Box<dyn Error>> {
        let mut commit = self.database.begin_write()?;
        commit.set_quick_repair(self.quick_repair);
        {
            let mut table = commit.open_table(ENTRIES)?;
            for entry in entries {
                table.insert(self.next, &**entry)?;
                self.next += 1;
            }
        }
        Ok(commit.commit()?)
    }

    fn killed_and_reopened(self: Box<Self>) -> Result<Duration, Box<dyn Error>> {
        let left = leave_copies(&self.directory)?;
        drop(self);
        let start = Instant::now();
        Database::open(left.join(FILE))?;
        Ok(start.elapsed())
    }
}
