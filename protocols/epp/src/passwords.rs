//! The pool on which passwords are hashed: argon2id takes 19 MiB and some 20 ms of a core, so that at most half of
//! the cores work on it and a limited number of logins waits, few of them from one source.

use std::net::IpAddr;
use std::sync::Arc;

use net::Sources;
use registry::password::{SALT, seal, verify, verify_nobody};
use registry::seal::{Keys, NONCE, SealFault, Sealed};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::secret::Secret;

/// Logins that may wait for a worker.
const QUEUE: usize = 64;
/// Logins of one source that may wait or be at work.
const QUEUE_OF_SOURCE: usize = QUEUE / 4;

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
    /// The queue, or the share of it that the source has, is full.
    Busy,
    /// The stored hash can't be opened on this node.
    Sealed(SealFault),
}

impl From<SealFault> for Unchecked {
    fn from(fault: SealFault) -> Unchecked {
        Unchecked::Sealed(fault)
    }
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

    /// Whether `given` is the password that `sealed` was made from. Without `sealed` the answer is no, and takes as
    /// long.
    ///
    /// # Errors
    /// [`Unchecked`].
    pub async fn check(
        &self,
        source: IpAddr,
        keys: Arc<Keys>,
        owner: Owner,
        sealed: Option<Sealed>,
        given: Secret,
    ) -> Result<bool, Unchecked> {
        self.run(source, move || match sealed {
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
        source: IpAddr,
        keys: Arc<Keys>,
        owner: Owner,
        random: ([u8; SALT], [u8; NONCE]),
        given: Secret,
    ) -> Result<Sealed, Unchecked> {
        self.run(source, move || seal(&keys, &owner.repository, &owner.handle, random, given.reveal())).await
    }

    async fn run<T: Send + 'static>(
        &self,
        source: IpAddr,
        work: impl FnOnce() -> Result<T, SealFault> + Send + 'static,
    ) -> Result<T, Unchecked> {
        let _share = self.sources.admit(source).ok_or(Unchecked::Busy)?;
        let _place = self.places.try_acquire().map_err(|_| Unchecked::Busy)?;
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
        let sealed = pool
            .seal(SOURCE, keys(), owner(), ([1; SALT], [2; NONCE]), secret("alpha-secret"))
            .await
            .unwrap();
        let check = |given, of| pool.check(SOURCE, keys(), owner(), of, secret(given));
        assert!(check("alpha-secret", Some(sealed.clone())).await.unwrap());
        assert!(!check("beta-secret", Some(sealed)).await.unwrap());
        assert!(!check("alpha-secret", None).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_is_told_at_once() {
        let pool = Passwords::new(1);
        let _taken = pool.places.acquire_many(65).await.unwrap();
        let check = pool.check(SOURCE, keys(), owner(), None, secret("alpha-secret"));
        assert!(matches!(check.await, Err(Unchecked::Busy)));
    }

    #[tokio::test]
    async fn a_source_has_a_share_of_the_queue_and_leaves_the_rest_to_others() {
        let pool = Passwords::new(1);
        let _waiting: Vec<_> = (0..QUEUE_OF_SOURCE).map(|_| pool.sources.admit(SOURCE).unwrap()).collect();
        let check = |source| pool.check(source, keys(), owner(), None, secret("alpha-secret"));
        assert!(matches!(check(SOURCE).await, Err(Unchecked::Busy)));
        assert!(matches!(check(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8))).await, Ok(false)));
    }
}
