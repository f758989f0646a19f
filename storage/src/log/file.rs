//! The log's file: rows of index → entry and a few facts, in a redb file of its own, so that its syncs
//! never wait for a drain's transaction.

use super::state::Job;
use super::{LogOptions, MetaKey};
use crate::base::{self, FileLimits};
use crate::disk::Disk;
use crate::pace::Pace;
use crate::{Fault, codec};
use redb::{Database, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const FILE: &str = "log.redb";
const NEW_FILE: &str = "log.new";
const FORMAT: &str = "namingo log 2";

const ENTRIES: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("entries");
const FACTS: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("facts");
const FORMAT_KEY: &str = "format";
const PURGED_KEY: &str = "purged";

/// Rows that one commit removes behind a purge: a gigabyte of log goes in many small steps, so that no
/// append waits long.
const PURGE_ROWS: usize = 2_000;

fn name(key: MetaKey) -> &'static str {
    match key {
        MetaKey::Vote => "vote",
        MetaKey::Committed => "committed",
        MetaKey::Incarnation => "incarnation",
    }
}

/// What a log file holds when it is opened.
pub(super) struct Found {
    pub(super) purged: Option<(u64, Arc<[u8]>)>,
    /// Readable indexes, if any.
    pub(super) entries: Option<Range<u64>>,
    pub(super) meta: BTreeMap<MetaKey, Arc<[u8]>>,
    pub(super) purge_left: bool,
}

/// What the file holds after a commit.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    /// Last durable index; the purge point if nothing is left.
    pub(super) last: Option<u64>,
    pub(super) purge_left: bool,
}

pub(super) struct LogFile {
    db: Database,
    quick_repair: bool,
    /// One more than the index purged last in the file.
    keep_from: AtomicU64,
}

impl LogFile {
    pub(super) fn open(disk: &dyn Disk, options: &LogOptions) -> Result<LogFile, Fault> {
        let limits = FileLimits {
            cache_bytes: options.cache_bytes,
            sync_every_bytes: u64::MAX,
            pace: Pace::never(),
            space: options.space.clone(),
        };
        let io = |e: io::Error| Fault::io("open the log file", &e);
        if disk.exists(NEW_FILE).map_err(io)? {
            disk.remove(NEW_FILE).map_err(io)?;
        }
        if !disk.exists(FILE).map_err(io)? {
            let db = base::database(disk, NEW_FILE, &limits)?;
            let w = db.begin_write()?;
            w.open_table(ENTRIES)?;
            w.open_table(FACTS)?.insert(FORMAT_KEY, FORMAT.as_bytes())?;
            w.commit()?;
            drop(db);
            disk.rename(NEW_FILE, FILE).and_then(|()| disk.sync_dir()).map_err(io)?;
        }
        let db = base::database(disk, FILE, &limits)?;
        Ok(LogFile { db, quick_repair: options.quick_repair, keep_from: AtomicU64::new(0) })
    }

    /// Reads bounds and metadata; no entry.
    pub(super) fn found(&self) -> Result<Found, Fault> {
        let r = self.db.begin_read()?;
        let facts = r.open_table(FACTS).map_err(|_| wrong_format("no format record"))?;
        let fact =
            |key: &str| -> Result<Option<Vec<u8>>, Fault> { Ok(facts.get(key)?.map(|g| g.value().to_vec())) };
        let format = fact(FORMAT_KEY)?.unwrap_or_default();
        if format != FORMAT.as_bytes() {
            return Err(wrong_format(&String::from_utf8_lossy(&format)));
        }
        let purged: Option<(u64, Arc<[u8]>)> = match fact(PURGED_KEY)? {
            Some(b) => Some(codec::decode_record(&b).map_err(|e| e.at("log facts", PURGED_KEY.as_bytes()))?),
            None => None,
        };
        let mut meta = BTreeMap::new();
        for key in [MetaKey::Vote, MetaKey::Committed, MetaKey::Incarnation] {
            if let Some(v) = fact(name(key))? {
                meta.insert(key, v.into());
            }
        }
        let keep_from = purged.as_ref().map_or(0, |(upto, _)| upto + 1);
        self.keep_from.store(keep_from, Ordering::Relaxed);
        let entries = r.open_table(ENTRIES)?;
        let mut kept = entries.range(keep_from..)?;
        let first = kept.next().transpose()?.map(|(k, _)| k.value());
        let last = entries.last()?.map(|(k, _)| k.value());
        let purge_left = entries.first()?.is_some_and(|(k, _)| k.value() < keep_from);
        Ok(Found { purged, entries: first.zip(last).map(|(f, l)| f..l + 1), meta, purge_left })
    }

    pub(super) fn reader(&self) -> io::Result<Reader> {
        let open = || -> Result<Reader, Fault> { Ok(Reader(self.db.begin_read()?.open_table(ENTRIES)?)) };
        open().map_err(into_io)
    }

    /// Writes a batch in one durable transaction, and removes some rows that a purge has forgotten.
    pub(super) fn commit(&self, batch: &[Job], purge: Option<u64>) -> Result<Ends, Fault> {
        let keep_from = purge.map_or(0, |upto| upto + 1).max(self.keep_from.load(Ordering::Relaxed));
        let mut w = self.db.begin_write()?;
        w.set_quick_repair(self.quick_repair);
        let ends = {
            let (mut entries, mut facts) = (w.open_table(ENTRIES)?, w.open_table(FACTS)?);
            for job in batch {
                write(job, &mut entries, &mut facts)?;
            }
            let purge_left = remove_below(&mut entries, keep_from)?;
            let last = entries.last()?.map(|(k, _)| k.value());
            Ends { last: last.max(keep_from.checked_sub(1)), purge_left }
        };
        w.commit()?;
        self.keep_from.store(keep_from, Ordering::Relaxed);
        Ok(ends)
    }
}

type Entries<'t> = Table<'t, u64, &'static [u8]>;
type Facts<'t> = Table<'t, &'static str, &'static [u8]>;

fn write(job: &Job, entries: &mut Entries<'_>, facts: &mut Facts<'_>) -> Result<(), Fault> {
    match job {
        Job::Append { entries: new, .. } => {
            for (index, bytes) in new {
                entries.insert(index, &**bytes)?;
            }
        }
        Job::Truncate { last: None, .. } => entries.retain(|_, _| false)?,
        Job::Truncate { last: Some(last), .. } => {
            entries.retain_in(last.saturating_add(1).., |_, _| false)?;
        }
        Job::Purge { upto, id, .. } => {
            let known: Option<(u64, Arc<[u8]>)> =
                facts.get(PURGED_KEY)?.map(|g| codec::decode_record(g.value())).transpose()?;
            if known.is_none_or(|(p, _)| p < *upto) {
                facts.insert(PURGED_KEY, codec::encode_record(&(*upto, id)).as_slice())?;
            }
        }
        Job::Meta { key, v, .. } => {
            facts.insert(name(*key), &**v)?;
        }
    }
    Ok(())
}

/// Removes at most [`PURGE_ROWS`] rows below `keep_from`; says whether some are left.
fn remove_below(entries: &mut Entries<'_>, keep_from: u64) -> Result<bool, Fault> {
    for _ in 0..PURGE_ROWS {
        if entries.first()?.is_none_or(|(k, _)| k.value() >= keep_from) {
            return Ok(false);
        }
        entries.pop_first()?;
    }
    Ok(entries.first()?.is_some_and(|(k, _)| k.value() < keep_from))
}

/// The file as of one instant.
pub(super) struct Reader(ReadOnlyTable<u64, &'static [u8]>);

impl Reader {
    /// All entries of `r`.
    pub(super) fn entries(&self, r: Range<u64>) -> io::Result<Vec<Arc<[u8]>>> {
        let read = || -> Result<Vec<Arc<[u8]>>, Fault> {
            let mut found = Vec::new();
            for (row, index) in self.0.range(r.clone())?.zip(r.clone()) {
                let (k, v) = row?;
                if k.value() != index {
                    break;
                }
                found.push(v.value().into());
            }
            Ok(found)
        };
        let found = read().map_err(into_io)?;
        let wanted = r.end - r.start;
        if found.len() as u64 != wanted {
            let text = format!("the log file lacks index {} of {r:?}", r.start + found.len() as u64);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(found)
    }
}

fn into_io(f: Fault) -> io::Error {
    match f {
        Fault::Io(e) => e,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}

fn wrong_format(found: &str) -> Fault {
    Fault::Format { file: FILE.to_owned(), found: found.to_owned(), expected: FORMAT.to_owned() }
}
