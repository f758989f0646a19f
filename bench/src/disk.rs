//! What the state file of a node that does not run holds: rows and octets of each table.

use redb::{ReadOnlyDatabase, ReadableDatabase, ReadableTableMetadata, TableHandle};
use serde::Serialize;
use std::{error::Error, fs, os::unix::fs::MetadataExt, path::Path};

/// The table that grows with commands and not with names.
const JOURNAL: &str = "journal";
const DOMAIN: &str = "domain";

/// Octets on the disk.
#[derive(Debug, Serialize)]
pub struct Disk {
    /// Domains in the state file.
    pub domains: u64,
    /// Of each domain: all tables but the journal, with the room that their pages leave free.
    pub bytes_per_domain: f64,
    /// Of each domain: the journal of what happened to it.
    pub journal_bytes_per_domain: f64,
    /// The files as the file system holds them; the state file with its free pages.
    pub state_file: u64,
    pub log_file: u64,
    pub tables: Vec<TableSize>,
}

#[derive(Debug, Serialize)]
pub struct TableSize {
    pub name: String,
    pub rows: u64,
    /// Rows, the pages' own records, and what their pages leave free.
    pub bytes: u64,
}

impl Disk {
    /// Reads the files in `dir`; the node was stopped in order.
    ///
    /// # Errors
    /// A file is missing, locked or was not closed.
    pub fn of(dir: &Path) -> Result<Disk, Box<dyn Error>> {
        let state = dir.join("state.redb");
        let failed = |e: &dyn Error| format!("{}: {e}", state.display());
        let database = ReadOnlyDatabase::open(&state).map_err(|e| failed(&e))?;
        let read = database.begin_read()?;
        let mut tables = Vec::new();
        for handle in read.list_tables()? {
            let name = handle.name().to_owned();
            let table = read.open_untyped_table(handle)?;
            let stats = table.stats()?;
            let bytes = stats.stored_bytes() + stats.metadata_bytes() + stats.fragmented_bytes();
            tables.push(TableSize { name, rows: table.len()?, bytes });
        }
        tables.sort_by_key(|table| std::cmp::Reverse(table.bytes));
        let (state_file, log_file) = (blocks(&state)?, log_blocks(dir)?);
        Ok(Disk::new(tables, state_file, log_file))
    }

    fn new(tables: Vec<TableSize>, state_file: u64, log_file: u64) -> Disk {
        let domains = tables.iter().find(|table| table.name == DOMAIN).map_or(0, |table| table.rows);
        let sum = |journal: bool| -> u64 {
            tables.iter().filter(|table| (table.name == JOURNAL) == journal).map(|table| table.bytes).sum()
        };
        let each = |bytes: u64| bytes as f64 / domains.max(1) as f64;
        Disk {
            domains,
            bytes_per_domain: each(sum(false)),
            journal_bytes_per_domain: each(sum(true)),
            state_file,
            log_file,
            tables,
        }
    }
}

/// What a file takes of the disk.
fn blocks(path: &Path) -> Result<u64, Box<dyn Error>> {
    let metadata = fs::metadata(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(metadata.blocks() * 512)
}

/// What the files of the log take.
fn log_blocks(dir: &Path) -> Result<u64, Box<dyn Error>> {
    let mut sum = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("log-") {
            sum += blocks(&entry.path())?;
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_told_apart() {
        let table = |name: &str, rows, bytes| TableSize { name: name.into(), rows, bytes };
        let tables = vec![table("domain", 10, 1000), table("due", 10, 500), table("journal", 30, 3000)];
        let disk = Disk::new(tables, 8000, 0);
        assert_eq!((disk.domains, disk.bytes_per_domain, disk.journal_bytes_per_domain), (10, 150.0, 300.0));
        assert_eq!(Disk::new(Vec::new(), 0, 0).bytes_per_domain, 0.0);
    }

    #[test]
    fn a_state_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let definition = redb::TableDefinition::<&[u8], &[u8]>::new("domain");
        let database = redb::Database::create(dir.path().join("state.redb")).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(definition).unwrap().insert(b"a.test".as_slice(), b"row".as_slice()).unwrap();
        write.commit().unwrap();
        drop(database);
        fs::write(dir.path().join("log-000"), b"a log").unwrap();
        let disk = Disk::of(dir.path()).unwrap();
        assert_eq!((disk.domains, disk.tables[0].name.as_str()), (1, "domain"));
        assert!(disk.bytes_per_domain >= 9.0 && disk.state_file >= 9);
    }
}
