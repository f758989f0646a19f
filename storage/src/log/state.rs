//! What memory knows of the log: its bounds, the recent entries, the queue to the writer. Everything here
//! is decided under one lock and touches no file.

use super::file::Found;
use super::{Done, MetaKey};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// The most bytes of entries that one commit takes, so that one sync never waits for a flood.
const BATCH_BYTES: usize = 8 << 20;

/// What a queued job costs beside its payload.
const JOB_OVERHEAD: usize = 64;

pub(super) enum Job {
    Append {
        entries: Vec<(u64, Arc<[u8]>)>,
        done: Done,
    },
    Truncate {
        last: Option<u64>,
        done: Done,
    },
    Purge {
        upto: u64,
        id: Arc<[u8]>,
        done: Done,
    },
    /// Without `done` it rides along with the next durable write.
    Meta {
        key: MetaKey,
        v: Arc<[u8]>,
        done: Option<Done>,
    },
}

impl Job {
    pub(super) fn into_done(self) -> Option<Done> {
        match self {
            Job::Append { done, .. } | Job::Truncate { done, .. } | Job::Purge { done, .. } => Some(done),
            Job::Meta { done, .. } => done,
        }
    }

    fn is_durable(&self) -> bool {
        !matches!(self, Job::Meta { done: None, .. })
    }

    fn cost(&self) -> usize {
        JOB_OVERHEAD
            + match self {
                Job::Append { entries, .. } => entries.iter().map(|(_, b)| b.len() + JOB_OVERHEAD).sum(),
                Job::Purge { id, .. } => id.len(),
                Job::Meta { v, .. } => v.len(),
                Job::Truncate { .. } => 0,
            }
    }
}

/// The error of a log that has failed.
pub(super) fn failed(why: &str) -> io::Error {
    io::Error::other(format!("the log failed and takes nothing more until the node is restarted: {why}"))
}

pub(super) struct State {
    /// First readable index; equal to `tail_start` with an empty tail when the log is empty.
    first: u64,
    /// Entries before this index are read from the file, those from it on are in `tail`.
    tail_start: u64,
    tail: VecDeque<Arc<[u8]>>,
    tail_bytes: usize,
    purged: Option<(u64, Arc<[u8]>)>,
    meta: BTreeMap<MetaKey, Arc<[u8]>>,
    queue: VecDeque<Job>,
    queued_bytes: usize,
    /// Number of jobs in the queue that somebody waits for.
    durable_jobs: usize,
    synced: Option<u64>,
    pub(super) stopping: bool,
    failed: Option<String>,
}

impl State {
    pub(super) fn new(found: Found) -> State {
        let after_purge = found.purged.as_ref().map_or(0, |(upto, _)| upto + 1);
        let entries = found.entries.unwrap_or(after_purge..after_purge);
        State {
            first: entries.start,
            tail_start: entries.end,
            tail: VecDeque::new(),
            tail_bytes: 0,
            synced: entries.end.checked_sub(1),
            purged: found.purged,
            meta: found.meta,
            queue: VecDeque::new(),
            queued_bytes: 0,
            durable_jobs: 0,
            stopping: false,
            failed: None,
        }
    }

    pub(super) fn check(&self) -> io::Result<()> {
        self.failed.as_ref().map_or(Ok(()), |why| Err(failed(why)))
    }

    fn end(&self) -> u64 {
        self.tail_start + self.tail.len() as u64
    }

    pub(super) fn last(&self) -> Option<u64> {
        if self.end() > self.first { Some(self.end() - 1) } else { None }
    }

    pub(super) fn purged_id(&self) -> Option<Arc<[u8]>> {
        self.purged.as_ref().map(|(_, id)| id.clone())
    }

    pub(super) fn meta(&self, key: MetaKey) -> Option<Arc<[u8]>> {
        self.meta.get(&key).cloned()
    }

    pub(super) fn synced(&self) -> Option<u64> {
        self.synced
    }

    pub(super) fn queued(&self) -> (usize, usize) {
        (self.queue.len(), self.queued_bytes)
    }

    pub(super) fn has_work(&self) -> bool {
        self.failed.is_none() && self.durable_jobs > 0
    }

    /// Parts a range in what the file has to give and the entries that memory holds.
    pub(super) fn locate(&self, r: &Range<u64>) -> (Range<u64>, Vec<Arc<[u8]>>) {
        let from = r.start.max(self.first);
        let to = r.end.min(self.end());
        if from >= to {
            return (from..from, Vec::new());
        }
        let memory_from = from.max(self.tail_start);
        let skip = (memory_from - self.tail_start) as usize;
        let count = to.saturating_sub(memory_from) as usize;
        let recent = self.tail.iter().skip(skip).take(count).cloned().collect();
        (from..to.min(self.tail_start).max(from), recent)
    }

    /// Shows a job to readers and queues it for the writer, or gives it back with the reason.
    pub(super) fn push(&mut self, job: Job, limit: usize) -> Result<(), (Job, io::Error)> {
        if let Err(e) = self.check() {
            return Err((job, e));
        }
        let cost = job.cost();
        if self.queued_bytes + cost > limit && !self.queue.is_empty() {
            let text = format!("{} bytes wait for the log's disk, the limit is {limit}", self.queued_bytes);
            return Err((job, io::Error::new(io::ErrorKind::StorageFull, text)));
        }
        match &job {
            Job::Append { entries, .. } => {
                if let Err(e) = self.show_append(entries) {
                    return Err((job, e));
                }
            }
            Job::Truncate { last, .. } => self.show_truncate(*last),
            Job::Purge { upto, id, .. } => self.show_purge(*upto, id),
            Job::Meta { key, v, .. } => {
                self.meta.insert(*key, v.clone());
                self.drop_superseded(*key, &job);
            }
        }
        self.durable_jobs += usize::from(job.is_durable());
        self.queued_bytes += cost;
        self.queue.push_back(job);
        Ok(())
    }

    /// Of records that nobody waits for, only the newest of a run at the queue's end has to be written.
    fn drop_superseded(&mut self, key: MetaKey, job: &Job) {
        let same = matches!(self.queue.back(), Some(Job::Meta { key: k, done: None, .. }) if *k == key);
        if same && !job.is_durable() {
            self.queued_bytes -= self.queue.pop_back().map_or(0, |old| old.cost());
        }
    }

    fn show_append(&mut self, entries: &[(u64, Arc<[u8]>)]) -> io::Result<()> {
        let Some(&(first, _)) = entries.first() else { return Ok(()) };
        let expected = match self.last() {
            Some(last) => last + 1,
            None => first.max(self.purged.as_ref().map_or(0, |(upto, _)| upto + 1)),
        };
        for (n, (index, _)) in entries.iter().enumerate() {
            if *index != expected + n as u64 {
                let text = format!("append of log index {index} where {} is next", expected + n as u64);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        }
        if self.last().is_none() {
            (self.first, self.tail_start) = (first, first);
            self.limit_synced(first);
        }
        for (_, bytes) in entries {
            self.tail_bytes += bytes.len();
            self.tail.push_back(bytes.clone());
        }
        Ok(())
    }

    fn show_truncate(&mut self, last: Option<u64>) {
        let end = last.map_or(0, |l| l.saturating_add(1)).max(self.first);
        while self.end() > end {
            match self.tail.pop_back() {
                Some(bytes) => self.tail_bytes -= bytes.len(),
                None => self.tail_start = end,
            }
        }
        self.limit_synced(end);
    }

    /// Entries from `end` on are gone or will be others: they are not durable.
    fn limit_synced(&mut self, end: u64) {
        self.synced = self.synced.and_then(|s| end.checked_sub(1).map(|e| s.min(e)));
    }

    fn show_purge(&mut self, upto: u64, id: &Arc<[u8]>) {
        if self.purged.as_ref().is_some_and(|(p, _)| *p >= upto) {
            return;
        }
        self.purged = Some((upto, id.clone()));
        self.first = self.first.max(upto + 1);
        while self.tail_start < self.first {
            match self.tail.pop_front() {
                Some(bytes) => {
                    self.tail_bytes -= bytes.len();
                    self.tail_start += 1;
                }
                None => self.tail_start = self.first,
            }
        }
    }

    /// The next jobs to write; `None` if the disk is not needed.
    pub(super) fn take_batch(&mut self, everything: bool) -> Option<Vec<Job>> {
        if self.failed.is_some() || !(self.has_work() || everything && !self.queue.is_empty()) {
            return None;
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES {
            let Some(job) = self.queue.pop_front() else { break };
            bytes += job.cost();
            self.queued_bytes -= job.cost();
            self.durable_jobs -= usize::from(job.is_durable());
            batch.push(job);
        }
        Some(batch)
    }

    /// Takes note of a durable write, after which `last` is the last durable index.
    pub(super) fn committed(&mut self, last: Option<u64>, tail_limit: usize) {
        self.synced = last;
        let truncated = self.queue.iter().filter_map(|j| match j {
            Job::Truncate { last, .. } => Some(last.map_or(0, |l| l.saturating_add(1))),
            _ => None,
        });
        if let Some(end) = truncated.min() {
            self.limit_synced(end);
        }
        let durable_end = self.synced.map_or(0, |s| s + 1);
        while self.tail_bytes > tail_limit && self.tail_start < durable_end {
            let Some(bytes) = self.tail.pop_front() else { break };
            self.tail_bytes -= bytes.len();
            self.tail_start += 1;
        }
    }

    /// Marks the log as failed and gives up the queue.
    pub(super) fn fail(&mut self, why: &str) -> VecDeque<Job> {
        self.failed = Some(why.to_owned());
        (self.queued_bytes, self.durable_jobs) = (0, 0);
        std::mem::take(&mut self.queue)
    }
}
