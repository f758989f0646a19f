//! Authorization information (RFC 5731 `authInfo`, RFC 9154): kept as a salted HMAC or not at all, never returned.

use crate::seal::{Keys, SealFault};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Octets of a salt.
pub const SALT: usize = 16;

/// The stored form.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthInfo {
    pub epoch: u32,
    pub salt: [u8; SALT],
    mac: [u8; 32],
}

impl fmt::Debug for AuthInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthInfo(epoch {})", self.epoch)
    }
}

/// How hard a given value is to guess. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strength {
    /// The empty value: unset.
    Empty,
    Weak,
    /// At least 128 bits if drawn at random (RFC 9154 section 4.1).
    Rfc9154,
}

/// What a command carries when authInfo is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAuthInfo {
    pub strength: Strength,
    pub stored: Option<AuthInfo>,
}

impl NewAuthInfo {
    /// Turns a given value into what is stored; `salt` must be random.
    ///
    /// # Errors
    /// This node holds no keys.
    pub fn make(keys: &Keys, salt: [u8; SALT], given: &str) -> Result<NewAuthInfo, SealFault> {
        let strength = strength(given);
        if strength == Strength::Empty {
            return Ok(NewAuthInfo { strength, stored: None });
        }
        let epoch = keys.current()?;
        let tag = keys.sign(epoch, &salted(&salt, given))?;
        let mut mac = [0; 32];
        mac.copy_from_slice(tag.as_ref());
        Ok(NewAuthInfo { strength, stored: Some(AuthInfo { epoch, salt, mac }) })
    }
}

/// Whether `given` is the value that `stored` was made from; an unset value matches nothing.
///
/// # Errors
/// The key of the stored epoch is missing on this node.
pub fn matches(keys: &Keys, stored: Option<&AuthInfo>, given: &str) -> Result<bool, SealFault> {
    let Some(stored) = stored else { return Ok(false) };
    keys.is_signed(stored.epoch, &salted(&stored.salt, given), &stored.mac)
}

fn salted(salt: &[u8; SALT], given: &str) -> Vec<u8> {
    [salt.as_slice(), given.as_bytes()].concat()
}

/// RFC 9154 wants 128 bits: 20 characters of the 94 printable ones. A value that uses fewer kinds of characters
/// needs more of them.
fn strength(given: &str) -> Strength {
    if given.is_empty() {
        return Strength::Empty;
    }
    let size = |kind: fn(&u8) -> bool, size: u32| if given.bytes().any(|b| kind(&b)) { size } else { 0 };
    let alphabet = size(u8::is_ascii_lowercase, 26)
        + size(u8::is_ascii_uppercase, 26)
        + size(u8::is_ascii_digit, 10)
        + size(|b| !b.is_ascii_alphanumeric(), 32);
    // bits per character, rounded down to hundredths: log2 of the alphabets that can occur
    let centibits = match alphabet {
        0..=10 => 332,
        11..=26 => 470,
        27..=36 => 516,
        37..=52 => 570,
        53..=62 => 595,
        63..=84 => 614,
        _ => 655,
    };
    if given.chars().count() * centibits >= 12_800 { Strength::Rfc9154 } else { Strength::Weak }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn matches_only_what_was_set() {
        let keys = Keys::new(&BTreeMap::from([(1, [9; 64])]));
        let set = NewAuthInfo::make(&keys, [1; SALT], "2fooBAR").unwrap();
        assert_eq!(set.strength, Strength::Weak);
        assert!(matches(&keys, set.stored.as_ref(), "2fooBAR").unwrap());
        assert!(!matches(&keys, set.stored.as_ref(), "2fooBAr").unwrap());
        assert!(!matches(&keys, None, "").unwrap());
        let unset = NewAuthInfo::make(&keys, [1; SALT], "").unwrap();
        assert_eq!(unset, NewAuthInfo { strength: Strength::Empty, stored: None });
    }

    #[test]
    fn strength_by_length_and_alphabet() {
        assert_eq!(strength("aB3$aB3$aB3$aB3$aB3$"), Strength::Rfc9154);
        assert_eq!(strength("aB3$aB3$aB3$aB3$aB3"), Strength::Weak);
        assert_eq!(strength(&"a".repeat(27)), Strength::Weak);
        assert_eq!(strength(&"a1".repeat(14)), Strength::Rfc9154);
    }
}
