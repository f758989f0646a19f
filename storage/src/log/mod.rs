//! The log: index → bytes, made durable before an append is acknowledged. It knows entries, truncation,
//! purging and a few metadata records; what an entry means belongs to the consensus layer.
//!
//! One queue orders every write (an entry, the vote, the commit index, truncation and purging all depend
//! on their order), and one writer turns what is queued into one durable write. Memory shows each
//! write at once; the acknowledgement (`Done`) comes after the sync. After a failed write nothing can be
//! promised any more: every later operation fails until the process starts again. A full disk is no
//! failure: the writer waits for room.

mod file;
mod frame;
mod recover;
mod segment;
mod state;
mod volume;
mod writer;

use crate::disk::{Disk, Space};
use crate::store::Monotonic;
use crate::sync::lock;
use crate::{Fault, Options};
use file::LogFile;
use serde::{Deserialize, Serialize};
use state::{Job, State};
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

pub use writer::LogWriter;

/// Called once, on the writer's thread, when a write is durable or has failed; it must not write or flush itself. If one
/// panics the log fails, and others of its batch are not called.
pub type Done = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Called with the time that one durable commit took.
pub type CommitObserver = Arc<dyn Fn(Duration) + Send + Sync>;

/// The metadata records of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MetaKey {
    /// The vote of this node: durable before it is used.
    Vote,
    /// The commit index known last: a hint that shortens a start.
    Committed,
    /// Drawn when the log was made: a node without its log is another node.
    Incarnation,
}

/// What may be set; the defaults are the measured ones.
#[derive(Clone)]
pub struct LogOptions {
    /// Entries are served from memory up to this many bytes; older ones come from the file. Entries that
    /// are not yet durable always stay, whatever their size.
    pub tail_bytes: usize,
    /// Bytes waiting for the writer beyond which an append is refused: the disk has stopped.
    pub queue_bytes: usize,
    /// Octets after which a segment is full. What a purge forgets is given back a segment at a time.
    pub segment_bytes: u64,
    pub clock: Monotonic,
    /// Shared with the state of the same node.
    pub space: Space,
    pub on_commit: Option<CommitObserver>,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions {
            tail_bytes: 64 << 20,
            queue_bytes: 128 << 20,
            segment_bytes: 32 << 20,
            clock: Options::default().clock,
            space: Space::default(),
            on_commit: None,
        }
    }
}

/// Entries that were found, some of them in files.
struct Located {
    old: Option<file::Reader>,
    recent: Vec<Arc<[u8]>>,
}

impl Located {
    fn entries(self) -> io::Result<Vec<Arc<[u8]>>> {
        let mut entries = self.old.map_or_else(|| Ok(Vec::new()), file::Reader::entries)?;
        entries.extend(self.recent);
        Ok(entries)
    }
}

/// The log of one repository on one node. Shared as `Arc<Log>`; all methods but `write_step`, `flush` and
/// reads of old entries return at once.
pub struct Log {
    state: Mutex<State>,
    work: Condvar,
    /// Readers find their places in it under the lock of `state`.
    file: LogFile,
    options: LogOptions,
}

impl Log {
    /// Opens the log in `disk` or makes an empty one.
    ///
    /// # Errors
    /// `Fault::Format` for files of another version, `Fault::Corrupt` where something is lost that was promised to be
    /// kept, and `Fault::Io` for what the disk does.
    pub fn open(disk: Arc<dyn Disk>) -> Result<Log, Fault> {
        Log::open_with(disk, LogOptions::default())
    }

    /// [`Log::open`] with other settings.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn open_with(disk: Arc<dyn Disk>, options: LogOptions) -> Result<Log, Fault> {
        let (file, found) = LogFile::open(disk, &options)?;
        let state = State::new(found);
        Ok(Log { state: Mutex::new(state), work: Condvar::new(), file, options })
    }

    /// The entries of `r` that exist, in order. Appended entries are readable before they are durable.
    ///
    /// # Errors
    /// A read error, `InvalidData` if the file lacks an entry that it should have, or the earlier failure.
    pub fn read(&self, r: Range<u64>) -> io::Result<Vec<Arc<[u8]>>> {
        let found = self.find(&lock(&self.state), r)?;
        found.entries()
    }

    /// Under the lock: later a purge might have removed what is wanted.
    fn find(&self, s: &State, r: Range<u64>) -> io::Result<Located> {
        s.check()?;
        let (from_file, recent) = s.locate(&r);
        let old = (!from_file.is_empty()).then(|| self.file.reader(from_file));
        Ok(Located { old, recent })
    }

    /// Where the log begins and ends: the id given to the last purge, and the last entry with its index.
    ///
    /// # Errors
    /// As [`Log::read`].
    #[expect(clippy::type_complexity, reason = "two optional facts that are always wanted together")]
    pub fn bounds(&self) -> io::Result<(Option<Arc<[u8]>>, Option<(u64, Arc<[u8]>)>)> {
        let (purged, last, found) = {
            let s = lock(&self.state);
            let last = s.last();
            let r = last.map_or(0..0, |index| index..index + 1);
            (s.purged_id(), last, self.find(&s, r)?)
        };
        Ok((purged, last.zip(found.entries()?.pop())))
    }

    /// Appends entries. The first index follows the last entry; an empty log takes any index that was not
    /// purged.
    pub fn append(&self, entries: Vec<(u64, Arc<[u8]>)>, done: Done) {
        self.submit(Job::Append { entries, done });
    }

    /// Removes the entries after `last` (all with `None`); nothing if there are none.
    pub fn truncate_after(&self, last: Option<u64>, done: Done) {
        self.submit(Job::Truncate { last, done });
    }

    /// Forgets the entries up to and including `upto`, which may lie past the end; `id` is what `bounds`
    /// tells of it afterwards.
    pub fn purge(&self, upto: u64, id: Arc<[u8]>, done: Done) {
        self.submit(Job::Purge { upto, id, done });
    }

    /// Sets a metadata record. `durable`: `done` is called after the sync. Otherwise `done` is called at
    /// once, and the record travels in the queue, behind the entries queued before, with the next durable
    /// write.
    pub fn put_meta(&self, key: MetaKey, v: Arc<[u8]>, durable: bool, done: Done) {
        if durable {
            self.submit(Job::Meta { key, v, done: Some(done) });
        } else {
            let queued = lock(&self.state).push(Job::Meta { key, v, done: None }, self.options.queue_bytes);
            done(queued.map_err(|(_, e)| e));
        }
    }

    /// The metadata record as set last.
    pub fn get_meta(&self, key: MetaKey) -> Option<Arc<[u8]>> {
        lock(&self.state).meta(key)
    }

    /// The last index up to which the log is durable; a purge counts for what it forgot.
    pub fn synced(&self) -> Option<u64> {
        lock(&self.state).synced()
    }

    /// Jobs and bytes that wait for the writer.
    pub fn queued(&self) -> (usize, usize) {
        lock(&self.state).queued()
    }

    /// Whether [`Log::write_step`] has something to do.
    pub fn has_work(&self) -> bool {
        lock(&self.state).has_work()
    }

    /// Waits until there is work, the writer is told to stop, or `timeout` has passed; says whether there
    /// is work.
    pub fn wait(&self, timeout: Duration) -> bool {
        let s = lock(&self.state);
        let idle = |s: &mut State| !s.has_work() && !s.stopping;
        let waited = self.work.wait_timeout_while(s, timeout, idle);
        waited.unwrap_or_else(std::sync::PoisonError::into_inner).0.has_work()
    }

    /// Turns what is queued into one durable write and then tells the callers. `false` if there was
    /// nothing that needs the disk.
    pub fn write_step(&self) -> bool {
        self.write(false)
    }

    /// Writes everything that is queued, also records that would have waited for the next durable write.
    ///
    /// # Errors
    /// The failure of this or of an earlier write.
    pub fn flush(&self) -> io::Result<()> {
        while self.write(true) {}
        lock(&self.state).check()
    }

    fn write(&self, everything: bool) -> bool {
        let mut writer = self.file.writer();
        let Some(batch) = lock(&self.state).take_batch(everything) else { return false };
        let started = (self.options.clock)();
        let written = catch_unwind(AssertUnwindSafe(|| writer.commit(&batch)))
            .unwrap_or_else(|panic| Err(Fault::panicked(&*panic)));
        match written {
            Ok(last) => {
                if let Some(observe) = &self.options.on_commit {
                    observe((self.options.clock)().saturating_sub(started));
                }
                lock(&self.state).committed(last, self.options.tail_bytes);
                batch.into_iter().filter_map(Job::into_done).for_each(|done| done(Ok(())));
            }
            Err(fault) => self.fail(&fault, batch),
        }
        true
    }

    /// Nobody is told that anything succeeded after a failed sync: what the disk holds is unknown.
    fn fail(&self, fault: &Fault, batch: Vec<Job>) {
        tracing::error!(%fault, "the log can't be written: this node must stop");
        let (queued, why) = {
            let mut s = lock(&self.state);
            (s.fail(&fault.to_string()), fault.to_string())
        };
        for done in batch.into_iter().chain(queued).filter_map(Job::into_done) {
            done(Err(state::failed(&why)));
        }
    }

    fn submit(&self, job: Job) {
        let refused = lock(&self.state).push(job, self.options.queue_bytes);
        match refused {
            Ok(()) => self.work.notify_all(),
            Err((job, e)) => {
                if let Some(done) = job.into_done() {
                    done(Err(e));
                }
            }
        }
    }
}
