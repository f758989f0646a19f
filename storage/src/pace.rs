//! How a drain rests, and how far it is: writes go on beside it, and shall not come to half their rate for a second and then
//! recover. It rests twice as long as it works, between rows and between the syncs of its commit, while the active generation
//! has room for what comes meanwhile; then it hurries, and the other half of that room is given away as it gets on, so that
//! writes that come faster than it drains become slower, and do not stop.

use crate::store::{Monotonic, Rest};
use crate::sync::lock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// So many times as long as it works a drain rests.
const RESTS: u32 = 2;

/// More at a time is no work: the disk stood still, or had no room. Between two rests there are a thousand rows, or a sync of
/// a few mebibytes.
const WORK_MAX: Duration = Duration::from_millis(200);

/// A drain hurries from the moment when the active generation is as full as this.
const HURRIES_FROM: f64 = 0.5;

pub(crate) struct Pace {
    rest: Option<Rest>,
    clock: Monotonic,
    hurries: AtomicBool,
    /// The node stops: nothing comes meanwhile that a drain could be in the way of.
    ends: AtomicBool,
    /// When a drain began to work, or went on after its last rest.
    since: Mutex<Option<Duration>>,
    this: Extent,
    /// What the drain before wrote.
    last: Extent,
    rows_done: AtomicU64,
}

/// How large a drain is: its rows, the octets that it has written, and the microseconds at which it was begun, or that it
/// took.
struct Extent {
    rows: AtomicU64,
    octets: AtomicU64,
    micros: AtomicU64,
}

impl Extent {
    fn new([rows, octets, micros]: [u64; 3]) -> Extent {
        let [rows, octets, micros] = [rows, octets, micros].map(AtomicU64::new);
        Extent { rows, octets, micros }
    }

    fn set(&self, [rows, octets, micros]: [u64; 3]) {
        self.rows.store(rows, Ordering::Relaxed);
        self.octets.store(octets, Ordering::Relaxed);
        self.micros.store(micros, Ordering::Relaxed);
    }

    fn get(&self) -> [u64; 3] {
        [&self.rows, &self.octets, &self.micros].map(|part| part.load(Ordering::Relaxed))
    }
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pace")
    }
}

/// What the first drain is taken for, before any other tells: what one of a million names does.
const FIRST: [u64; 3] = [200_000, 300_000_000, 2_000_000];

/// A drain that works until this is dropped.
pub(crate) struct Working<'a>(&'a Pace);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        *lock(&self.0.since) = None;
        let [rows, octets, begun] = self.0.this.get();
        self.0.last.set([rows, octets, self.0.micros().saturating_sub(begun)]);
    }
}

impl Pace {
    /// Without a `rest` it never does.
    pub(crate) fn new(rest: Option<Rest>, clock: Monotonic) -> Pace {
        Pace {
            rest,
            clock,
            hurries: AtomicBool::new(false),
            ends: AtomicBool::new(false),
            since: Mutex::default(),
            this: Extent::new([0; 3]),
            last: Extent::new(FIRST),
            rows_done: AtomicU64::new(0),
        }
    }

    /// So many rows wait for a drain from now on.
    pub(crate) fn frozen(&self, rows: usize) {
        self.this.set([rows as u64, 0, self.micros()]);
        self.rows_done.store(0, Ordering::Relaxed);
    }

    /// The drain has handed one more row to the file.
    pub(crate) fn did_row(&self) {
        self.rows_done.fetch_add(1, Ordering::Relaxed);
    }

    /// The file was written to.
    pub(crate) fn wrote(&self, octets: u64) {
        self.this.octets.fetch_add(octets, Ordering::Relaxed);
    }

    /// How full the active generation may become before the drain is over. How far that is, is guessed: a quarter of it are its
    /// rows, a quarter what the commit writes, and half of it is its time, since nothing is seen of it between its last row
    /// and the first octets of its commit. What it will write and how long it will take, the drain before tells.
    pub(crate) fn ceiling(&self) -> f64 {
        let ([rows, octets, begun], [rows_last, octets_last, micros_last]) =
            (self.this.get(), self.last.get());
        let part = |done: u64, of: f64| if of > 0.0 { (done as f64 / of).min(1.0) } else { 0.0 };
        let expected = |last: u64| last as f64 * rows as f64 / rows_last.max(1) as f64;
        let done = part(self.rows_done.load(Ordering::Relaxed), rows as f64) / 4.0
            + part(octets, expected(octets_last)) / 4.0
            + part(self.micros().saturating_sub(begun), expected(micros_last)) / 2.0;
        HURRIES_FROM + (1.0 - HURRIES_FROM) * done
    }

    fn micros(&self) -> u64 {
        u64::try_from((self.clock)().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes how full the active generation is: 1, and the next one should begin.
    pub(crate) fn filled(&self, part: f64) {
        self.hurries.store(part >= HURRIES_FROM, Ordering::Relaxed);
    }

    pub(crate) fn work(&self) -> Working<'_> {
        *lock(&self.since) = Some((self.clock)());
        Working(self)
    }

    /// Whether drains have no time to rest from now on, whatever comes.
    pub(crate) fn ends(&self, ends: bool) {
        self.ends.store(ends, Ordering::Relaxed);
    }

    /// Rests [`RESTS`] times as long as a drain has worked since its last rest, if one works and has the time. Never
    /// long: who stops the node waits for it.
    pub(crate) fn rest(&self) {
        let Some(rest) = &self.rest else { return };
        let Some(since) = *lock(&self.since) else { return };
        if !self.hurries.load(Ordering::Relaxed) && !self.ends.load(Ordering::Relaxed) {
            rest((self.clock)().saturating_sub(since).min(WORK_MAX) * RESTS);
        }
        *lock(&self.since) = Some((self.clock)());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_drain_rests_for_its_work_and_never_long() {
        let (now, rested) = (Arc::new(Mutex::new(Duration::ZERO)), Arc::new(Mutex::new(Vec::new())));
        let (clock, rests) = (now.clone(), rested.clone());
        let clock: Monotonic = Arc::new(move || *lock(&clock));
        let pace = Pace::new(Some(Arc::new(move |time| lock(&rests).push(time.as_millis()))), clock);
        let works = |ms: u64| {
            *lock(&now) += Duration::from_millis(ms);
            pace.rest();
        };
        works(10);
        let working = pace.work();
        works(10);
        works(3_600_000);
        pace.filled(0.5);
        works(10);
        pace.filled(0.0);
        pace.ends(true);
        works(10);
        drop(working);
        assert_eq!(*lock(&rested), [20, 400]);
    }

    #[test]
    fn the_room_for_writes_grows_as_a_drain_gets_on() {
        let now = Arc::new(Mutex::new(Duration::ZERO));
        let clock = now.clone();
        let pace = Pace::new(None, Arc::new(move || *lock(&clock)));
        let passes = |micros: u64| *lock(&now) += Duration::from_micros(micros);
        pace.frozen(2);
        let first = pace.work();
        assert_eq!(pace.ceiling(), 0.5);
        pace.did_row();
        assert_eq!(pace.ceiling(), 0.5625);
        pace.did_row();
        pace.wrote(1500);
        assert_eq!(pace.ceiling(), 0.6875, "half of what a first one is expected to write");
        passes(10);
        assert_eq!(pace.ceiling(), 0.8125, "and half of its time");
        drop(first);
        pace.frozen(4);
        assert_eq!(pace.ceiling(), 0.5);
        pace.wrote(1500);
        assert_eq!(pace.ceiling(), 0.5625, "of 3,000 octets that were to be expected");
        pace.wrote(9000);
        assert_eq!(pace.ceiling(), 0.625);
        passes(10);
        assert_eq!(pace.ceiling(), 0.75, "half of the time, of which nothing else is seen");
        (0..4).for_each(|_| pace.did_row());
        assert_eq!(pace.ceiling(), 0.875);
        passes(1_000_000);
        assert_eq!(pace.ceiling(), 1.0);
    }
}
