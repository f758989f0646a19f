//! The pool on which passwords are hashed: argon2id takes 19 MiB and some 20 ms of a core, so that at most half of
//! the cores work on it and a limited number of logins is before it, few of them from one source. Who finds no place
//! waits a moment for one; its session reads nothing meanwhile.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use net::{Admitted, Sources};
use registry::password::{SALT, seal, verify, verify_nobody};
use registry::seal::{Keys, NONCE, SealFault, Sealed};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::secret::Secret;

/// Logins that may wait for a worker.
const QUEUE: usize = 64;
/// Logins of one source that may wait or be at work.
const QUEUE_OF_SOURCE: usize = QUEUE / 4;

/// How long a login waits for a place.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(50);

/// The workers. Clones share them.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// Places for logins at work or waiting.
    places: Arc<Semaphore>,
    sources: Sources,
    workers: Arc<Semaphore>,
}

/// Why a password was neither accepted nor refused.
#[derive(Debug)]
pub enum Unchecked {
    /// The queue, or the share of it that the source has, stayed full.
    Busy,
    /// The stored hash can't be opened on this node.
    Sealed(SealFault),
}

impl From<SealFault> for Unchecked {
    fn from(fault: SealFault) -> Unchecked {
        Unchecked::Sealed(fault)
    }
}

/// A place in the queue and at the workers, for as long as it is kept.
#[derive(Debug)]
pub struct Place {
    _share: Admitted,
    _place: OwnedSemaphorePermit,
}

/// Whose password it is: the repository and the folded clID.
#[derive(Clone, Debug)]
pub struct Owner {
    pub repository: String,
    pub handle: String,
}

impl Passwords {
    /// With `workers` hashes computed at a time, half the number of cores as a rule.
    pub fn new(workers: usize) -> Passwords {
        let workers = workers.max(1);
        Passwords {
            places: Arc::new(Semaphore::new(workers + QUEUE)),
            sources: Sources::new(QUEUE_OF_SOURCE),
            workers: Arc::new(Semaphore::new(workers)),
        }
    }

    /// A place for a login from `source`, as soon as there is one.
    ///
    /// # Errors
    /// [`Unchecked::Busy`] after some seconds.
    pub async fn place(&self, source: IpAddr) -> Result<Place, Unchecked> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(share) = self.sources.admit(source)
                && let Ok(place) = Arc::clone(&self.places).try_acquire_owned()
            {
                return Ok(Place { _share: share, _place: place });
            }
            if Instant::now() >= until {
                return Err(Unchecked::Busy);
            }
            sleep(LOOK).await;
        }
    }

    /// Whether `given` is the password that `sealed` was made from. Without `sealed` the answer is no, and takes as
    /// long.
    ///
    /// # Errors
    /// [`Unchecked`].
    pub async fn check(
        &self,
        place: Place,
        keys: Arc<Keys>,
        owner: Owner,
        sealed: Option<Sealed>,
        given: Secret,
    ) -> Result<bool, Unchecked> {
        self.run(place, move || match sealed {
            Some(sealed) => verify(&keys, &owner.repository, &owner.handle, &sealed, given.reveal()),
            None => {
                verify_nobody(given.reveal());
                Ok(false)
            }
        })
        .await
    }

    /// The stored form of a new password.
    ///
    /// # Errors
    /// [`Unchecked`].
    pub async fn seal(
        &self,
        place: Place,
        keys: Arc<Keys>,
        owner: Owner,
        random: ([u8; SALT], [u8; NONCE]),
        given: Secret,
    ) -> Result<Sealed, Unchecked> {
        self.run(place, move || seal(&keys, &owner.repository, &owner.handle, random, given.reveal())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        _place: Place,
        work: impl FnOnce() -> Result<T, SealFault> + Send + 'static,
    ) -> Result<T, Unchecked> {
        let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| Unchecked::Busy)?;
        // The worker stays taken if the session goes away meanwhile: the hash is still being computed.
        let done = spawn_blocking(move || {
            let _worker = worker;
            work()
        });
        match done.await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Unchecked::Busy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::net::Ipv4Addr;

    const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    fn keys() -> Arc<Keys> {
        Arc::new(Keys::new(&BTreeMap::from([(1, [1; 64])])))
    }

    fn owner() -> Owner {
        Owner { repository: "main".to_owned(), handle: "alpha".to_owned() }
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_checked_against_its_hash_and_nobody_has_one() {
        let pool = Passwords::new(1);
        let place = async || pool.place(SOURCE).await.unwrap();
        let random = ([1; SALT], [2; NONCE]);
        let sealed = pool.seal(place().await, keys(), owner(), random, secret("alpha-secret")).await.unwrap();
        let check =
            async |given, of| pool.check(place().await, keys(), owner(), of, secret(given)).await.unwrap();
        assert!(check("alpha-secret", Some(sealed.clone())).await);
        assert!(!check("beta-secret", Some(sealed)).await);
        assert!(!check("alpha-secret", None).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_waited_for_and_then_told() {
        let pool = Passwords::new(1);
        let taken = Arc::clone(&pool.places).acquire_many_owned(65).await.unwrap();
        assert!(matches!(pool.place(SOURCE).await, Err(Unchecked::Busy)));
        tokio::spawn(async move {
            sleep(PATIENCE / 2).await;
            drop(taken);
        });
        assert!(pool.place(SOURCE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_has_a_share_of_the_queue_and_leaves_the_rest_to_others() {
        let pool = Passwords::new(1);
        let _waiting: Vec<_> = (0..QUEUE_OF_SOURCE).map(|_| pool.sources.admit(SOURCE).unwrap()).collect();
        assert!(matches!(pool.place(SOURCE).await, Err(Unchecked::Busy)));
        assert!(pool.place(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8))).await.is_ok());
    }
}
