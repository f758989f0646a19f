//! The pool on which passwords are hashed: argon2id takes 19 MiB and some 20 ms of a core, so that at most half of
//! the cores work on it and a limited number of logins is before it, few of them from one source, half of them at most
//! from one neighbourhood. Who finds no place waits a moment for one, behind those who waited before; its session reads nothing meanwhile.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use net::{block_of, neighbourhood_of};
use registry::password::{SALT, seal, verify, verify_nobody};
use registry::seal::{Keys, NONCE, SealFault, Sealed};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::secret::Secret;
use crate::shares::{Here, Shares};

/// Logins that may wait for a worker.
const QUEUE: usize = 64;
/// Logins of one source that may wait or be at work.
const QUEUE_OF_SOURCE: usize = QUEUE / 4;

/// How long a login waits for a place.
const PATIENCE: Duration = Duration::from_secs(5);

/// The workers. Clones share them.
#[derive(Clone, Debug)]
pub struct Passwords {
    /// Places for logins at work or waiting.
    places: Arc<Semaphore>,
    shares: Shares<IpAddr>,
    neighbourhoods: Shares<IpAddr>,
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
    _shares: [OwnedSemaphorePermit; 2],
    _here: [Here<IpAddr>; 2],
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
            shares: Shares::new(QUEUE_OF_SOURCE),
            neighbourhoods: Shares::new((workers + QUEUE) / 2),
            workers: Arc::new(Semaphore::new(workers)),
        }
    }

    /// A place for a login from `source`, as soon as there is one: first come, first served, where a source that has
    /// its share of them lets others pass.
    ///
    /// # Errors
    /// [`Unchecked::Busy`] after some seconds.
    pub async fn place(&self, source: IpAddr) -> Result<Place, Unchecked> {
        let place = async {
            // in the narrower queue first: who waits there takes nothing of the wider ones
            let here =
                [self.shares.enter(block_of(source)), self.neighbourhoods.enter(neighbourhood_of(source))];
            let shares = [here[0].take(1).await?, here[1].take(1).await?];
            let place = Arc::clone(&self.places).acquire_owned().await?;
            Ok::<_, AcquireError>(Place { _shares: shares, _here: here, _place: place })
        };
        match timeout(PATIENCE, place).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(Unchecked::Busy),
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
    use tokio::sync::mpsc;
    use tokio::time::sleep;

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

    /// Asks for a place in a task of its own, which tells its number when it has one and keeps it.
    fn ask(pool: &Passwords, source: IpAddr, nth: u8, told: &mpsc::UnboundedSender<u8>) {
        let (pool, told) = (pool.clone(), told.clone());
        tokio::spawn(async move {
            let _place = pool.place(source).await.unwrap();
            told.send(nth).unwrap();
            sleep(Duration::from_secs(60)).await;
        });
    }

    #[tokio::test(start_paused = true)]
    async fn who_came_first_has_a_place_first() {
        let pool = Passwords::new(1);
        let mut taken = Arc::clone(&pool.places).acquire_many_owned(65).await.unwrap();
        let (told, mut served) = mpsc::unbounded_channel();
        for nth in 0..4 {
            ask(&pool, IpAddr::V4(Ipv4Addr::new(192, 0, 2, nth)), nth, &told);
            sleep(Duration::from_millis(1)).await;
            // each time one is free, somebody asks who did not wait
            if nth > 1 {
                drop(taken.split(1));
            }
        }
        assert_eq!((served.recv().await, served.recv().await), (Some(0), Some(1)));
        drop(taken);
        assert_eq!((served.recv().await, served.recv().await), (Some(2), Some(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_has_a_share_of_the_queue_and_leaves_the_rest_to_others() {
        let pool = Passwords::new(1);
        let mut taken = Vec::new();
        for _ in 0..QUEUE_OF_SOURCE {
            taken.push(pool.place(SOURCE).await.unwrap());
        }
        assert!(matches!(pool.place(SOURCE).await, Err(Unchecked::Busy)));
        let (told, mut served) = mpsc::unbounded_channel();
        ask(&pool, SOURCE, 0, &told);
        sleep(Duration::from_millis(1)).await;
        ask(&pool, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8)), 1, &told);
        assert_eq!(served.recv().await, Some(1));
        taken.pop();
        assert_eq!(served.recv().await, Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_of_one_neighbourhood_leaves_half_of_the_queue_to_others() {
        let pool = Passwords::new(1);
        let of = |site: u16, n: u16| IpAddr::V6(format!("2001:db8:{site:x}:{n:x}::1").parse().unwrap());
        let mut taken = Vec::new();
        for n in 0..32 {
            taken.push(pool.place(of(1, n)).await.unwrap());
        }
        assert!(matches!(pool.place(of(1, 99)).await, Err(Unchecked::Busy)));
        assert!(pool.place(of(2, 99)).await.is_ok());
        taken.pop();
        assert!(pool.place(of(1, 99)).await.is_ok());
    }
}
