//! How many places of a queue one source may hold. Who comes when they are taken waits until one is free, behind those
//! of the same source who came before.
//!
//! `net::Sources` counts in the same way and never waits.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use net::block_of;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The places of the sources that have, or wait for, any. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    most: usize,
    sources: Arc<Mutex<Sources>>,
}

type Sources = BTreeMap<IpAddr, Source>;

#[derive(Debug)]
struct Source {
    places: Arc<Semaphore>,
    /// Holding a place or waiting for one; the source is forgotten with the last.
    here: usize,
}

/// One place of a source, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    // dropped first: what comes later finds the place in the source's count
    _place: OwnedSemaphorePermit,
    _here: Here,
}

/// Somebody who holds a place or waits for one.
#[derive(Debug)]
struct Here {
    block: IpAddr,
    sources: Arc<Mutex<Sources>>,
}

impl Shares {
    /// No source may hold more than `most` places.
    pub(crate) fn new(most: usize) -> Shares {
        Shares { most, sources: Arc::default() }
    }

    /// A place for `address`, as soon as its source has one left.
    ///
    /// # Errors
    /// None as long as nobody closes the queue, which nobody does.
    pub(crate) async fn one(&self, address: IpAddr) -> Result<Share, AcquireError> {
        let (places, here) = self.enter(address);
        let place = places.acquire_owned().await?;
        Ok(Share { _place: place, _here: here })
    }

    fn enter(&self, address: IpAddr) -> (Arc<Semaphore>, Here) {
        let block = block_of(address);
        let mut sources = locked(&self.sources);
        let new = || Source { places: Arc::new(Semaphore::new(self.most)), here: 0 };
        let source = sources.entry(block).or_insert_with(new);
        source.here += 1;
        (Arc::clone(&source.places), Here { block, sources: Arc::clone(&self.sources) })
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut sources = locked(&self.sources);
        if let Some(source) = sources.get_mut(&self.block) {
            source.here -= 1;
            if source.here == 0 {
                sources.remove(&self.block);
            }
        }
    }
}

/// The counts stay right when a holder of the lock panics: each change is one assignment.
fn locked(sources: &Mutex<Sources>) -> MutexGuard<'_, Sources> {
    sources.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_waits_for_its_own_places_and_is_forgotten_when_it_leaves() {
        let shares = Shares::new(1);
        let within = Duration::from_millis(1);
        let held = shares.one(ip("2001:db8::1")).await;
        assert!(timeout(within, shares.one(ip("2001:db8::2"))).await.is_err(), "the same /64");
        assert!(timeout(within, shares.one(ip("192.0.2.1"))).await.is_ok());
        drop(held);
        assert!(timeout(within, shares.one(ip("2001:db8::2"))).await.is_ok());
        assert!(locked(&shares.sources).is_empty(), "nothing is kept of who gave up or left");
    }
}
