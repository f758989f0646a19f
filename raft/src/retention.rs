//! How much log is kept: enough that a node that was away comes back by log, and never so little that the log could
//! not carry the state it stands before.
//!
//! The purge goes no further than the drained state, the snapshot's metadata, and at the leader the start of every
//! transfer of the last hour whose receiver has not caught up. Every node purges its own log.

use crate::{
    cluster::Cluster,
    net::Net,
    types::{Cx, LogId},
};
use openraft::{async_runtime::WatchReceiver, type_config::TypeConfigExt};
use std::{collections::BTreeMap, io};
use storage::{Log, codec};

/// Entries looked at to learn how large entries are.
const SAMPLE: u64 = 256;
/// What an entry takes in the log's files at least, where it comes alone.
const FRAME_MIN: u64 = 512;
/// Fewer entries are not worth a purge, unless fewer are kept.
const WORTH: u64 = 1_000;

/// The entries in the log and what they take in its files, estimated from the newest ones.
struct Stored {
    first: u64,
    count: u64,
    octets_each: u64,
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Purges what is older than `keep_octets` of log, as far as it may go. Called now and then; what can't go yet
    /// goes later.
    ///
    /// # Errors
    /// The log can't be read, or consensus has stopped.
    pub async fn retain(&self, keep_octets: u64) -> io::Result<()> {
        let Some(stored) = Stored::of(&self.inner.log)? else { return Ok(()) };
        let kept = keep_octets / stored.octets_each.max(1);
        let surplus = stored.count.saturating_sub(kept);
        if surplus < WORTH.min(kept) {
            return Ok(());
        }
        let wanted = (stored.first + surplus - 1).min(self.inner.store.drained_index());
        let (snapshot, matched) = self.snapshot_and_matched();
        let wanted =
            match self.inner.sending.keep_from(matched.as_ref(), stored.first + stored.count - 1, C::now()) {
                Some(index) => wanted.min(index.saturating_sub(1)),
                None => wanted,
            };
        let stopped = |e| io::Error::other(format!("{e}"));
        if snapshot.is_none_or(|at| at < wanted) {
            // the next call finds its metadata and purges
            return self.inner.raft.trigger().snapshot().await.map_err(stopped);
        }
        if wanted < stored.first {
            return Ok(());
        }
        tracing::debug!(upto = wanted, "purging the log");
        self.inner.raft.trigger().purge_log(wanted).await.map_err(stopped)
    }

    /// What the snapshot's metadata say and, where this node leads, what each peer is known to have.
    fn snapshot_and_matched(&self) -> (Option<u64>, Option<BTreeMap<u64, u64>>) {
        let metrics = self.inner.raft.metrics();
        let m = metrics.borrow_watched();
        let matched = m
            .replication
            .as_ref()
            .map(|all| all.iter().map(|(id, at)| (*id, at.as_ref().map_or(0, |id| id.index))).collect());
        (m.snapshot.as_ref().map(|id| id.index), matched)
    }
}

/// The last entry that is purged from the log.
///
/// # Errors
/// The log can't be read.
pub(crate) fn purged(log: &Log) -> io::Result<Option<LogId>> {
    let (purged, _) = log.bounds()?;
    purged.map(|bytes| codec::decode_record(&bytes).map_err(io::Error::other)).transpose()
}

impl Stored {
    fn of(log: &Log) -> io::Result<Option<Stored>> {
        let (_, last) = log.bounds()?;
        let Some((last, _)) = last else { return Ok(None) };
        let first = purged(log)?.map_or(0, |id| id.index + 1);
        let sample = log.read(last.saturating_sub(SAMPLE - 1).max(first)..last + 1)?;
        let octets: usize = sample.iter().map(|entry| entry.len()).sum();
        // those of a registry where little happens come one by one: nobody's disk shall fill with them
        let octets_each = ((octets / sample.len().max(1)) as u64).max(FRAME_MIN);
        Ok(Some(Stored { first, count: (last + 1).saturating_sub(first), octets_each }))
    }
}
