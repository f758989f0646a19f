//! What happens while the disk is full: a write waits and is tried again until there is room. redb gives a file up
//! for good after one failed write, readers included, so the error must not reach it; and waiting is safe, since a
//! write that was refused has changed nothing that a second attempt would not write again. Meanwhile nothing is
//! acknowledged, reads go on, and no restart is needed afterwards.
//!
//! Only writes and lengths wait. A failed sync is final: what the system then still holds of earlier writes is
//! unknown.

use crate::sync::lock;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How often a write that found no room is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// The room on the disk, as the files of one node see it; clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Space {
    shared: Arc<Inner>,
    /// Writes of this file fail where they find no room.
    hasty: Option<Arc<AtomicBool>>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Writes that found no room and wait.
    waiting: AtomicUsize,
    given_up: AtomicBool,
    bell: Condvar,
    pause: Mutex<()>,
}

impl Space {
    /// Whether some write waits for room now.
    pub fn is_full(&self) -> bool {
        self.shared.waiting.load(Ordering::Acquire) > 0
    }

    /// The same room for a file that can be given up: its writes fail at once where they find none, until
    /// [`Space::be_patient`]. Whoever fills the disk with it must not wait for others to make room.
    pub(crate) fn hasty(&self) -> Space {
        Space { shared: self.shared.clone(), hasty: Some(Arc::new(AtomicBool::new(true))) }
    }

    /// From now on this file waits for room as others do.
    pub(crate) fn be_patient(&self) {
        if let Some(hasty) = &self.hasty {
            hasty.store(false, Ordering::Release);
        }
    }

    fn waits(&self) -> bool {
        let hasty = self.hasty.as_ref().is_some_and(|hasty| hasty.load(Ordering::Acquire));
        !hasty && !self.has_given_up()
    }

    /// Ends the waiting: without room, writes fail from here on. For a node that stops: what it can't write now, its
    /// log or its peers have.
    pub fn give_up(&self) {
        self.shared.given_up.store(true, Ordering::Release);
        let _ringing = lock(&self.shared.pause);
        self.shared.bell.notify_all();
    }

    /// Takes [`Space::give_up`] back.
    pub fn resume(&self) {
        self.shared.given_up.store(false, Ordering::Release);
    }

    /// Carries out a write, as often as it takes until there is room.
    pub(crate) fn wait_for<T>(&self, mut write: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        match write() {
            Err(e) if is_full(&e) && self.waits() => {}
            other => return other,
        }
        tracing::error!("the disk is full: nothing is acknowledged until there is room");
        self.shared.waiting.fetch_add(1, Ordering::AcqRel);
        let written = loop {
            self.sleep();
            match write() {
                Err(e) if is_full(&e) && self.waits() => {}
                other => break other,
            }
        };
        self.shared.waiting.fetch_sub(1, Ordering::AcqRel);
        if written.is_ok() {
            tracing::warn!("there is room on the disk again");
        }
        written
    }

    fn has_given_up(&self) -> bool {
        self.shared.given_up.load(Ordering::Acquire)
    }

    fn sleep(&self) {
        let pause = lock(&self.shared.pause);
        if !self.has_given_up() {
            drop(self.shared.bell.wait_timeout(pause, RETRY).unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// A disk, or a quota, that has no room left.
pub(crate) fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    #[test]
    fn a_write_waits_until_there_is_room() {
        let space = Space::default();
        let mut attempts = 0;
        let written = space.wait_for(|| {
            attempts += 1;
            assert_eq!(space.is_full(), attempts > 1);
            if attempts < 3 { full() } else { Ok(()) }
        });
        assert!(written.is_ok() && attempts == 3 && !space.is_full());
    }

    #[test]
    fn other_failures_are_not_waited_for() {
        let space = Space::default();
        let failed = space.wait_for::<()>(|| Err(io::ErrorKind::PermissionDenied.into()));
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_file_that_can_be_given_up_does_not_wait_and_does_later() {
        let space = Space::default();
        let hasty = space.hasty();
        assert!(hasty.wait_for(full).is_err() && !space.is_full());
        hasty.be_patient();
        let mut attempts = 0;
        let written = hasty.wait_for(|| {
            attempts += 1;
            if attempts < 2 { full() } else { Ok(()) }
        });
        assert!(written.is_ok() && attempts == 2);
    }

    #[test]
    fn a_stop_ends_the_waiting() {
        let space = Space::default();
        let waiting = space.clone();
        let writer = std::thread::spawn(move || waiting.wait_for(full));
        while !space.is_full() {
            std::thread::yield_now();
        }
        space.give_up();
        assert_eq!(writer.join().unwrap().unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(!space.is_full() && space.wait_for(full).is_err());
        space.resume();
        assert!(space.wait_for(|| Ok(())).is_ok());
    }
}
