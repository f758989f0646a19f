//! Registrar passwords: argon2id, then sealed, so that an edge's files hold no credential.
//!
//! Hashing is slow on purpose: callers run it on a bounded pool, never on a thread that serves sessions.

use crate::seal::{Context, Keys, NONCE, SealFault, Sealed};
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::SaltString,
};

/// Octets of a salt.
pub const SALT: usize = 16;

/// 19 MiB, two passes, one lane: OWASP's figure for argon2id.
fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("the parameters are within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn context<'a>(repository: &'a str, handle: &'a str) -> Context<'a> {
    Context { repository, kind: "password", handle }
}

/// Hashes and seals a password. `salt` and `nonce` must be random; `handle` is the folded clID. Takes about
/// 20 ms of one core.
///
/// # Errors
/// This node holds no keys.
pub fn seal(
    keys: &Keys,
    repository: &str,
    handle: &str,
    (salt, nonce): ([u8; SALT], [u8; NONCE]),
    password: &str,
) -> Result<Sealed, SealFault> {
    let salt = SaltString::encode_b64(&salt).expect("16 octets are a valid salt");
    let hash = argon2()
        .hash_password(password.as_bytes(), &salt)
        .expect("argon2 fails only on lengths that are fixed here")
        .to_string();
    keys.seal(&context(repository, handle), nonce, hash.as_bytes())
}

/// Whether `password` is the one that was sealed. Takes about 20 ms of one core.
///
/// # Errors
/// The key is missing on this node or the record does not open.
pub fn verify(
    keys: &Keys,
    repository: &str,
    handle: &str,
    sealed: &Sealed,
    password: &str,
) -> Result<bool, SealFault> {
    let broken = SealFault::Broken { epoch: sealed.epoch };
    let hash = String::from_utf8(keys.open(&context(repository, handle), sealed)?).map_err(|_| broken)?;
    let hash = PasswordHash::new(&hash).map_err(|_| broken)?;
    Ok(argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Seals with the current epoch what an older one sealed; the password itself stays unknown.
///
/// # Errors
/// The key of either epoch is missing on this node, or the record does not open.
pub fn reseal(
    keys: &Keys,
    repository: &str,
    handle: &str,
    nonce: [u8; NONCE],
    sealed: &Sealed,
) -> Result<Sealed, SealFault> {
    let context = context(repository, handle);
    keys.seal(&context, nonce, &keys.open(&context, sealed)?)
}

/// Spends the time of [`verify`] for a registrar that does not exist, so that the answer's time tells nothing.
pub fn verify_nobody(password: &str) {
    let salt = SaltString::encode_b64(&[0; SALT]).expect("16 octets are a valid salt");
    let spent = argon2().hash_password(password.as_bytes(), &salt).is_ok();
    std::hint::black_box(spent);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn verifies_the_right_password_of_the_right_registrar() {
        let keys = Keys::new(&BTreeMap::from([(1, [3; 64])]));
        let sealed = seal(&keys, "main", "alpha", ([1; SALT], [2; NONCE]), "alpha-secret").unwrap();
        assert!(verify(&keys, "main", "alpha", &sealed, "alpha-secret").unwrap());
        assert!(!verify(&keys, "main", "alpha", &sealed, "alpha-secreT").unwrap());
        assert!(verify(&keys, "main", "beta", &sealed, "alpha-secret").is_err());
    }
}
