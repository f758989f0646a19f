//! Hashing and sealing of passwords, on a bounded number of blocking threads.

use crate::wire::{Failure, Kind, Secret};
use registry::{
    password,
    registrar::fold,
    seal::{Keys, NONCE, Sealed},
};
use ring::rand::{SecureRandom, SystemRandom};
use std::{ops::RangeInclusive, sync::Arc};
use tokio::sync::Semaphore;

/// argon2id takes 19 MiB and a core; operators set passwords rarely.
const AT_A_TIME: usize = 2;
/// Characters of a password that EPP can carry (RFC 5730, `pwType`).
const LENGTH: RangeInclusive<usize> = 6..=16;

pub(super) struct Hashing {
    keys: Arc<Keys>,
    repository: String,
    seats: Semaphore,
}

impl Hashing {
    pub fn new(keys: Arc<Keys>, repository: String) -> Hashing {
        Hashing { keys, repository, seats: Semaphore::new(AT_A_TIME) }
    }

    /// Checks that a registrar could log in with the password, then hashes and seals it.
    pub async fn seal(&self, handle: &str, password: Secret) -> Result<Sealed, Failure> {
        usable(password.expose())?;
        // Never closed.
        let _seat = self.seats.acquire().await.map_err(|_| broken())?;
        let (keys, repository, handle) = (self.keys.clone(), self.repository.clone(), fold(handle));
        let fresh = (random()?, random::<NONCE>()?);
        tokio::task::spawn_blocking(move || {
            password::seal(&keys, &repository, &handle, fresh, password.expose())
        })
        .await
        .map_err(|_| broken())?
        .map_err(|_| keyless())
    }
}

/// What a node without keys answers.
pub(super) fn keyless() -> Failure {
    Failure::new(
        Kind::Unavailable,
        "no_keys",
        "this node is an edge and holds no keys; ask a voter or a standby",
    )
}

fn broken() -> Failure {
    Failure::new(Kind::Internal, "internal", "the password could not be hashed; the node's log tells more")
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut octets = [0; N];
    SystemRandom::new()
        .fill(&mut octets)
        .map_err(|_| Failure::new(Kind::Internal, "no_randomness", "the system's random source failed"))?;
    Ok(octets)
}

/// `pwType` is a token: its length counts after white space was collapsed, so none is taken at the ends or twice.
fn usable(password: &str) -> Result<(), Failure> {
    let collapsed = !password.starts_with(' ') && !password.ends_with(' ') && !password.contains("  ");
    if LENGTH.contains(&password.chars().count()) && collapsed && !password.contains(char::is_control) {
        return Ok(());
    }
    Err(Failure::bad_request(
        "password_unusable",
        "a password has 6 to 16 characters, no spaces at its ends or side by side (RFC 5730, pwType)",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_epp_can_carry() {
        for good in ["123456", "alpha-secret", "pass word äöü!", "1234567890123456"] {
            assert!(usable(good).is_ok(), "{good}");
        }
        for bad in
            ["", "12345", "12345678901234567", " 123456", "123456 ", "123  456", "123\t456", "123\n456"]
        {
            assert!(usable(bad).is_err(), "{bad}");
        }
    }
}
