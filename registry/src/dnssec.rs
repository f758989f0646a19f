//! Delegation signer records as registrars send them (RFC 5910 dsData): which ones a zone can publish.
//!
//! Accepted algorithms are those that may sign a zone and are not deprecated; digest types likewise: SHA-1 is
//! not to be used for delegation (RFC 8624 section 3.3, RFC 9905).

use serde::{Deserialize, Serialize};
use std::fmt;

/// One DS record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ds {
    pub key_tag: u16,
    pub algorithm: u8,
    pub digest_type: u8,
    pub digest: Box<[u8]>,
}

/// What is wrong with a DS record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DsFault {
    Algorithm { number: u8 },
    DigestType { number: u8 },
    DigestLength { digest: Box<[u8]>, expected: u16 },
}

impl fmt::Display for DsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DsFault::Algorithm { number } => {
                write!(f, "algorithm {number} can't sign a zone or is deprecated")
            }
            DsFault::DigestType { number } => write!(f, "digest type {number} is unassigned or deprecated"),
            DsFault::DigestLength { digest, expected } => {
                write!(f, "the digest has {} octets, its type wants {expected}", digest.len())
            }
        }
    }
}

/// Octets of a digest by type; `None` where the type is not accepted.
fn digest_octets(digest_type: u8) -> Option<u16> {
    match digest_type {
        2 | 5 | 6 => Some(32),
        4 => Some(48),
        _ => None,
    }
}

impl Ds {
    /// # Errors
    /// The first fault met: algorithm, digest type, digest length.
    pub fn check(&self) -> Result<(), DsFault> {
        if !matches!(self.algorithm, 8 | 10 | 13..=17 | 23) {
            return Err(DsFault::Algorithm { number: self.algorithm });
        }
        let expected =
            digest_octets(self.digest_type).ok_or(DsFault::DigestType { number: self.digest_type })?;
        if self.digest.len() == usize::from(expected) {
            return Ok(());
        }
        Err(DsFault::DigestLength { digest: self.digest.clone(), expected })
    }

    /// The digest as upper-case hex.
    pub fn digest_hex(&self) -> String {
        hex(&self.digest)
    }
}

/// Octets as upper-case hex.
pub fn hex(octets: &[u8]) -> String {
    use fmt::Write;
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02X}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ds(algorithm: u8, digest_type: u8, octets: usize) -> Result<(), DsFault> {
        Ds { key_tag: 1, algorithm, digest_type, digest: vec![0xAB; octets].into() }.check()
    }

    #[test]
    fn accepts_what_a_zone_can_publish() {
        for algorithm in [8, 10, 13, 14, 15, 16] {
            assert_eq!(ds(algorithm, 2, 32), Ok(()));
        }
        assert_eq!(ds(13, 4, 48), Ok(()));
        assert_eq!(ds(123, 2, 32), Err(DsFault::Algorithm { number: 123 }));
        assert_eq!(ds(5, 2, 32), Err(DsFault::Algorithm { number: 5 }));
        assert_eq!(ds(13, 1, 20), Err(DsFault::DigestType { number: 1 }));
        assert_eq!(ds(13, 255, 32), Err(DsFault::DigestType { number: 255 }));
        assert_eq!(ds(13, 2, 16), Err(DsFault::DigestLength { digest: [0xAB; 16].into(), expected: 32 }));
        let shown = Ds { key_tag: 1, algorithm: 13, digest_type: 2, digest: vec![0x0A, 0xFF].into() };
        assert_eq!(shown.digest_hex(), "0AFF");
    }
}
