//! openraft's log over `storage::Log`: one queue orders append, vote, committed, truncate and purge, and an append
//! is acknowledged after its fsync.

use crate::types::{Cx, LogEntry, LogId, Vote};
use openraft::{
    LogState, OptionalSend, RaftLogReader,
    storage::{IOFlushed, RaftLogStorage},
};
use std::{
    fmt::Debug,
    io,
    marker::PhantomData,
    ops::{Bound, RangeBounds},
    sync::Arc,
};
use storage::{Log, MetaKey, codec};
use tokio::sync::oneshot;

/// Octets of entries in one message at most, unless a single entry has more: well below what a peer decodes.
const PAYLOAD_MAX: usize = 8 << 20;
/// Entries read at a time.
const READ_STEP: usize = 64;

/// A handle on the log of one repository.
pub struct LogStore<C> {
    log: Arc<Log>,
    _cx: PhantomData<fn() -> C>,
}

impl<C> Clone for LogStore<C> {
    fn clone(&self) -> Self {
        LogStore::new(self.log.clone())
    }
}

impl<C> LogStore<C> {
    pub fn new(log: Arc<Log>) -> LogStore<C> {
        LogStore { log, _cx: PhantomData }
    }

    /// Queues a write that is over when it is durable, and waits for it.
    async fn durably(&self, queue: impl FnOnce(&Log, storage::Done)) -> io::Result<()> {
        let (tell, told) = oneshot::channel();
        queue(&self.log, Box::new(move |result| drop(tell.send(result))));
        told.await.unwrap_or_else(|_| Err(io::Error::other("the log writer has stopped")))
    }
}

fn read_record<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    codec::decode_record(bytes).map_err(|fault| io::Error::new(io::ErrorKind::InvalidData, fault))
}

fn record<T: serde::Serialize>(value: &T) -> Arc<[u8]> {
    codec::encode_record(value).into()
}

impl<C: Cx> RaftLogReader<C> for LogStore<C> {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> io::Result<Vec<LogEntry>> {
        let start = match range.start_bound() {
            Bound::Included(i) => *i,
            Bound::Excluded(i) => i + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(i) => i.saturating_add(1),
            Bound::Excluded(i) => *i,
            Bound::Unbounded => u64::MAX,
        };
        self.log.read(start..end)?.iter().map(|bytes| read_record(bytes)).collect()
    }

    /// For replication: as many entries as fit into one message, at least one.
    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<LogEntry>> {
        let mut octets = 0;
        let mut entries = Vec::new();
        for from in (start..end).step_by(READ_STEP) {
            for bytes in self.log.read(from..end.min(from + READ_STEP as u64))? {
                octets += bytes.len();
                if octets > PAYLOAD_MAX && !entries.is_empty() {
                    return Ok(entries);
                }
                entries.push(read_record(&bytes)?);
            }
        }
        Ok(entries)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        self.log.get_meta(MetaKey::Vote).map(|bytes| read_record(&bytes)).transpose()
    }
}

impl<C: Cx> RaftLogStorage<C> for LogStore<C> {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<C>> {
        let (purged, last) = self.log.bounds()?;
        let purged: Option<LogId> = purged.map(|bytes| read_record(&bytes)).transpose()?;
        let last = last.map(|(_, bytes)| read_record::<LogEntry>(&bytes)).transpose()?.map(|e| e.log_id);
        Ok(LogState { last_purged_log_id: purged, last_log_id: last.or(purged) })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let bytes = record(vote);
        self.durably(|log, done| log.put_meta(MetaKey::Vote, bytes, true, done)).await
    }

    /// Queued behind the appends, never waits for the disk: openraft awaits this before every apply.
    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        let bytes = record(&committed);
        self.durably(|log, done| log.put_meta(MetaKey::Committed, bytes, false, done)).await
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let committed = self.log.get_meta(MetaKey::Committed);
        committed.map_or(Ok(None), |bytes| read_record(&bytes))
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<C>) -> io::Result<()>
    where
        I: IntoIterator<Item = LogEntry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries.into_iter().map(|e| (e.log_id.index, record(&e))).collect();
        self.log.append(entries, Box::new(move |result| flushed.io_completed(result)));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.durably(|log, done| log.truncate_after(last.map(|id| id.index), done)).await
    }

    /// Queued behind what came before, never waits for the disk: consensus awaits this, and its heartbeats with it. A
    /// purge that a crash loses keeps more log; one that fails has failed the log, which the next write tells.
    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        self.log.purge(upto.index, record(&upto), Box::new(drop));
        Ok(())
    }
}
