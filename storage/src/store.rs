//! The store: published layers, the one writer's batches, generations. Draining, snapshots and installs
//! are in modules of their own. Here is no redb and no consensus.

use crate::base::{self, Base, FileLimits, NEW_FILE, STATE_FILE};
use crate::disk::{Disk, Space};
use crate::drain::DrainState;
use crate::generation::Generation;
use crate::layers::{Frozen, Layers};
use crate::pace::Pace;
use crate::presence::{Fingerprinted, Held};
use crate::sync::lock;
use crate::table::{Catalogue, Meta};
use crate::{Fault, Header, SimDisk, Tx, View};
use arc_swap::ArcSwap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A monotonic clock: time since some fixed instant. A parameter, so that simulations bring their own.
pub type Monotonic = Arc<dyn Fn() -> Duration + Send + Sync>;

/// What may be set; the defaults are the measured ones.
#[derive(Clone)]
pub struct Options {
    /// Check, at the price of a read per write, that `insert` and `add` meet no row and that `replace`,
    /// `remove` and `drop_key` are told the row's true value. For tests.
    pub assert_fresh: bool,
    /// A generation is frozen when it has this many rows,
    pub freeze_rows: usize,
    /// or this much memory,
    pub freeze_bytes: usize,
    /// or this age.
    pub freeze_age: Duration,
    /// The state file is synced whenever this many bytes were written.
    pub sync_every_bytes: u64,
    /// Page cache of the state file.
    pub cache_bytes: usize,
    /// Tables whose keys are found in memory, and how much that may take.
    pub fingerprints: Fingerprinted,
    pub clock: Monotonic,
    /// How a drain rests between its rows; it never does without it.
    pub rest: Option<Rest>,
    /// Shared with the log of the same node.
    pub space: Space,
    /// Told of every fault that a reader meets: the node must stop.
    pub on_fault: Option<OnFault>,
}

/// Waits for so long, on the thread that calls it.
pub type Rest = Arc<dyn Fn(Duration) + Send + Sync>;

/// Called with a fault, on the thread that met it.
pub type OnFault = Arc<dyn Fn(&Fault) + Send + Sync>;

impl Default for Options {
    fn default() -> Options {
        let start = Instant::now();
        Options {
            assert_fresh: false,
            freeze_rows: 200_000,
            freeze_bytes: 128 << 20,
            freeze_age: Duration::from_secs(60),
            sync_every_bytes: 4 << 20,
            cache_bytes: 1 << 30,
            fingerprints: Fingerprinted::default(),
            clock: Arc::new(move || start.elapsed()),
            rest: None,
            space: Space::default(),
            on_fault: None,
        }
    }
}

impl Options {
    fn file_limits(&self, pace: &Arc<Pace>) -> FileLimits {
        FileLimits {
            cache_bytes: self.cache_bytes,
            sync_every_bytes: self.sync_every_bytes,
            pace: pace.clone(),
            space: self.space.clone(),
        }
    }
}

/// How full memory is while a drain runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    Free,
    /// More than half full, and more than the drain's progress leaves room for, or the disk is full: the leader takes no
    /// more proposals.
    StopProposing,
    /// Full and still draining: apply waits.
    Full,
}

/// Figures for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    pub active_rows: usize,
    pub active_bytes: usize,
    pub draining_rows: usize,
    /// Rows of volatile tables, as counted: they stay until they are taken away.
    pub volatile_bytes: usize,
    /// Drained generations that a reader still keeps in memory.
    pub retired_generations: usize,
    /// Age of the oldest snapshot handle: what it pins can't be reused in the file.
    pub oldest_snapshot: Option<Duration>,
    /// `None` while they are loaded, beyond their limit, or where there are none.
    pub fingerprints: Option<Held>,
}

/// The state of one repository. Shared as `Arc<Store>`: any thread reads, one applies, one drains.
pub struct Store {
    pub(crate) layers: ArcSwap<Layers>,
    /// Every store into `layers` happens under this lock, on the newest value.
    publishing: Mutex<()>,
    /// Held by whoever works on the state file: a drain or an install.
    pub(crate) drain_state: Mutex<DrainState>,
    pub(crate) cancel_drain: AtomicBool,
    /// A snapshot is being received: see `import`.
    pub(crate) staging: Arc<AtomicBool>,
    batch_open: AtomicBool,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) options: Options,
    pub(crate) pace: Arc<Pace>,
    pub(crate) snapshots: crate::snapshot::Register,
}

impl Store {
    /// Opens the state file in `disk`, or makes a new one. `tables` must be the list it was made with.
    ///
    /// # Errors
    /// `Fault::Format` for a file of another version or other tables, `Fault::Misuse` for a list with
    /// doubles, `Fault::Io` and `Fault::Corrupt` for what the disk does.
    pub fn open(disk: Arc<dyn Disk>, tables: &[Meta], options: Options) -> Result<Store, Fault> {
        let catalogue = Arc::new(Catalogue::new(tables)?.telling(options.on_fault.clone()));
        let pace = Arc::new(Pace::new(options.rest.clone(), options.clock.clone()));
        let limits = options.file_limits(&pace);
        let io = |e: std::io::Error| Fault::io("open the state file", &e);
        if disk.exists(NEW_FILE).map_err(io)? {
            // Left by a crash while a file was being built: it was never the state.
            disk.remove(NEW_FILE).map_err(io)?;
        }
        if !disk.exists(STATE_FILE).map_err(io)? {
            let db = base::database(&*disk, NEW_FILE, &limits)?;
            let w = db.begin_write()?;
            base::found(&w, &catalogue, &Header::default())?;
            w.commit()?;
            drop(db);
            disk.rename(NEW_FILE, STATE_FILE).and_then(|()| disk.sync_dir()).map_err(io)?;
        }
        let db = Arc::new(base::database(&*disk, STATE_FILE, &limits)?);
        let base = Arc::new(Base::read(db, catalogue.clone())?);
        Store::over(disk, catalogue, options, pace, base)
    }

    /// A store in memory with all assertions on: for tests and for running without a cluster.
    ///
    /// # Panics
    /// If the list of tables has doubles.
    pub fn memory(tables: &[Meta]) -> Store {
        let options = Options { assert_fresh: true, cache_bytes: 16 << 20, ..Options::default() };
        Store::open(Arc::new(SimDisk::new()), tables, options).expect("a store in memory meets no disk fault")
    }

    fn over(
        disk: Arc<dyn Disk>,
        catalogue: Arc<Catalogue>,
        options: Options,
        pace: Arc<Pace>,
        base: Arc<Base>,
    ) -> Result<Store, Fault> {
        let (header, active) = (base.header.clone(), Generation::new(&catalogue));
        let layers = Layers { header, active, draining: None, base, fingerprints: None };
        let store = Store {
            layers: ArcSwap::from_pointee(layers.clone()),
            publishing: Mutex::new(()),
            drain_state: Mutex::new(DrainState::default()),
            cancel_drain: AtomicBool::new(false),
            staging: Arc::default(),
            batch_open: AtomicBool::new(false),
            disk,
            catalogue,
            snapshots: crate::snapshot::Register::new(options.clock.clone()),
            options,
            pace,
        };
        let fingerprints = store.fingerprints_of_empty(&layers.base)?;
        store.publish_with(|_| Some(Layers { fingerprints, ..layers }));
        Ok(store)
    }

    /// The state as published last.
    pub fn view(&self) -> View {
        View { layers: self.layers.load_full() }
    }

    /// Begins a batch.
    ///
    /// # Panics
    /// If one is open: batches belong to one thread and follow each other.
    pub fn begin(&self) -> Tx<'_> {
        assert!(!self.batch_open.swap(true, Ordering::AcqRel), "a batch is open already");
        Tx::new(self, self.layers.load_full())
    }

    /// Index of the last log entry in the published state.
    pub fn applied(&self) -> u64 {
        self.layers.load().header.index
    }

    /// Index of the last log entry that is durable in the state file; the log may be purged up to it.
    pub fn drained_index(&self) -> u64 {
        self.layers.load().base.header.index
    }

    /// Header of what is durable in the state file: where a start after a crash begins.
    pub fn drained_header(&self) -> Header {
        self.layers.load().base.header.clone()
    }

    /// Whether the active generation has reached a limit and nothing is draining.
    pub fn should_freeze(&self) -> bool {
        let l = self.layers.load();
        let old = l
            .active
            .since
            .is_some_and(|s| (self.options.clock)().saturating_sub(s) >= self.options.freeze_age);
        l.draining.is_none() && (old || self.fill(&l.active) >= 1.0)
    }

    /// Hands the active generation to the drain and begins a new one. Between batches only; does nothing
    /// (and says so with `false`) while one is draining or when nothing was committed since the last.
    ///
    /// # Panics
    /// If a batch is open: its commit would bring the frozen rows back.
    pub fn freeze(&self) -> bool {
        assert!(!self.batch_open.load(Ordering::Acquire), "freeze inside a batch");
        self.publish_with(|l| {
            if l.draining.is_some() || l.active.since.is_none() {
                return None;
            }
            self.pace.filled(0.0);
            self.pace.frozen(l.active.rows);
            let (rows, active) = l.active.split(&self.catalogue);
            let frozen = Frozen { rows: Arc::new(rows), header: l.header.clone() };
            Some(Layers { active, draining: Some(frozen), ..l.clone() })
        })
    }

    /// Whether apply and the leader must hold back because the drain is behind, or because the disk is full.
    pub fn pressure(&self) -> Pressure {
        let l = self.layers.load();
        let memory = match self.fill(&l.active) {
            _ if l.draining.is_none() => Pressure::Free,
            full if full >= 1.0 => Pressure::Full,
            full if full >= self.pace.ceiling() => Pressure::StopProposing,
            _ => Pressure::Free,
        };
        if self.options.space.is_full() { memory.max(Pressure::StopProposing) } else { memory }
    }

    /// Memory of the rows of volatile tables, as counted.
    pub fn volatile_bytes(&self) -> usize {
        self.layers.load().active.volatile_bytes
    }

    /// Whether drains shall not rest: the node stops.
    pub fn hurry(&self, ends: bool) {
        self.pace.ends(ends);
    }

    /// The room on the disk.
    pub fn space(&self) -> &Space {
        &self.options.space
    }

    pub fn stats(&self) -> Stats {
        let retired_generations = self.drain_state.try_lock().map_or(0, |d| d.retired());
        let l = self.layers.load();
        Stats {
            active_rows: l.active.rows,
            active_bytes: l.active.bytes,
            volatile_bytes: l.active.volatile_bytes,
            draining_rows: l.draining.as_ref().map_or(0, |d| d.rows.rows),
            retired_generations,
            oldest_snapshot: self.snapshots.oldest(),
            fingerprints: l.fingerprints.as_ref().map(|f| f.held()),
        }
    }

    /// The greater of the two fractions of a generation's limits.
    fn fill(&self, g: &Generation) -> f64 {
        let part = |n: usize, of: usize| n as f64 / of.max(1) as f64;
        part(g.rows, self.options.freeze_rows).max(part(g.bytes, self.options.freeze_bytes))
    }

    pub(crate) fn asserts_old_values(&self) -> bool {
        self.options.assert_fresh
    }

    pub(crate) fn file_limits(&self) -> FileLimits {
        self.options.file_limits(&self.pace)
    }

    pub(crate) fn batch_is_open(&self) -> bool {
        self.batch_open.load(Ordering::Acquire)
    }

    pub(crate) fn end_batch(&self) {
        self.batch_open.store(false, Ordering::Release);
    }

    /// Publishes a batch over whatever draining and base are now: the drain may have moved on meanwhile.
    pub(crate) fn publish(&self, header: Header, mut active: Generation) {
        self.pace.filled(self.fill(&active));
        active.since.get_or_insert_with(|| (self.options.clock)());
        self.publish_with(|l| Some(Layers { header, active, ..l.clone() }));
    }

    /// Replaces the layers by what `next` makes of the newest ones; `None` leaves them.
    pub(crate) fn publish_with(&self, next: impl FnOnce(&Layers) -> Option<Layers>) -> bool {
        let _one_at_a_time = lock(&self.publishing);
        let newest = self.layers.load_full();
        match next(&newest) {
            Some(layers) => {
                self.layers.store(Arc::new(layers));
                true
            }
            None => false,
        }
    }
}
