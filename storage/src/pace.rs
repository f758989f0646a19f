//! How a drain rests: writes go on beside it, and shall not come to half their rate for a second and then recover. It rests
//! twice as long as it works, between rows and between the syncs of its commit, while the active generation has room for what
//! comes meanwhile; then it hurries.

use crate::store::{Monotonic, Rest};
use crate::sync::lock;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// So many times as long as it works a drain rests.
const RESTS: u32 = 2;

/// A drain hurries from the moment when the active generation is as full as this.
const HURRIES_FROM: f64 = 0.5;

pub(crate) struct Pace {
    rest: Option<Rest>,
    clock: Monotonic,
    hurries: AtomicBool,
    /// When a drain began to work, or went on after its last rest.
    since: Mutex<Option<Duration>>,
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pace")
    }
}

/// A drain that works until this is dropped.
pub(crate) struct Working<'a>(&'a Pace);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        *lock(&self.0.since) = None;
    }
}

impl Pace {
    /// Without a `rest` it never does.
    pub(crate) fn new(rest: Option<Rest>, clock: Monotonic) -> Pace {
        Pace { rest, clock, hurries: AtomicBool::new(false), since: Mutex::default() }
    }

    /// Notes how full the active generation is: 1, and the next one should begin.
    pub(crate) fn filled(&self, part: f64) {
        self.hurries.store(part >= HURRIES_FROM, Ordering::Relaxed);
    }

    pub(crate) fn work(&self) -> Working<'_> {
        *lock(&self.since) = Some((self.clock)());
        Working(self)
    }

    /// Rests [`RESTS`] times as long as a drain has worked since its last rest, if one works and has the time.
    pub(crate) fn rest(&self) {
        let Some(rest) = &self.rest else { return };
        let Some(since) = *lock(&self.since) else { return };
        if !self.hurries.load(Ordering::Relaxed) {
            rest((self.clock)().saturating_sub(since) * RESTS);
        }
        *lock(&self.since) = Some((self.clock)());
    }
}
