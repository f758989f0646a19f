//! How much one holder may have of what all share: a source of the places of a queue, a registrar of the memory for long
//! frames. Who comes when that is taken waits until some is free, behind those of the same holder who came before.
//!
//! `net::Sources` counts in the same way and never waits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The shares of the holders that have, or wait for, any. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Shares<K> {
    most: usize,
    holders: Arc<Mutex<Holders<K>>>,
}

type Holders<K> = BTreeMap<K, Holder>;

#[derive(Debug)]
struct Holder {
    share: Arc<Semaphore>,
    /// Who takes of it or may; the holder is forgotten with the last.
    here: usize,
}

/// Somebody who takes of a holder's share, until it is dropped: after what was taken, so that what comes later finds
/// that in the same share.
#[derive(Debug)]
pub(crate) struct Here<K: Ord> {
    key: K,
    share: Arc<Semaphore>,
    holders: Arc<Mutex<Holders<K>>>,
}

impl<K: Ord + Copy> Shares<K> {
    /// No holder may have more than `most`.
    pub(crate) fn new(most: usize) -> Shares<K> {
        Shares { most, holders: Arc::new(Mutex::new(BTreeMap::new())) }
    }

    pub(crate) fn enter(&self, key: K) -> Here<K> {
        let mut holders = locked(&self.holders);
        let new = || Holder { share: Arc::new(Semaphore::new(self.most)), here: 0 };
        let holder = holders.entry(key).or_insert_with(new);
        holder.here += 1;
        Here { key, share: Arc::clone(&holder.share), holders: Arc::clone(&self.holders) }
    }
}

impl<K: Ord> Here<K> {
    /// So much of the share, as soon as it has that left.
    ///
    /// # Errors
    /// None as long as nobody closes the share, which nobody does.
    pub(crate) async fn take(&self, much: u32) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.share).acquire_many_owned(much).await
    }
}

impl<K: Ord> Drop for Here<K> {
    fn drop(&mut self) {
        let mut holders = locked(&self.holders);
        if let Some(holder) = holders.get_mut(&self.key) {
            holder.here -= 1;
            if holder.here == 0 {
                holders.remove(&self.key);
            }
        }
    }
}

/// The counts stay right when a holder of the lock panics: each change is one assignment.
fn locked<K>(holders: &Mutex<Holders<K>>) -> MutexGuard<'_, Holders<K>> {
    holders.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::block_of;
    use std::net::IpAddr;
    use std::time::Duration;
    use tokio::time::timeout;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_waits_for_its_own_places_and_is_forgotten_when_it_leaves() {
        let shares = Shares::new(1);
        let one = async |address| {
            let here = shares.enter(block_of(address));
            (here.take(1).await, here)
        };
        let within = Duration::from_millis(1);
        let held = one(ip("2001:db8::1")).await;
        assert!(timeout(within, one(ip("2001:db8::2"))).await.is_err(), "the same /64");
        assert!(timeout(within, one(ip("192.0.2.1"))).await.is_ok());
        drop(held);
        assert!(timeout(within, one(ip("2001:db8::2"))).await.is_ok());
        assert!(locked(&shares.holders).is_empty(), "nothing is kept of who gave up or left");
    }
}
