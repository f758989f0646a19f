//! The digest: a 128-bit sum of keyed hashes of every replicated row. Sums do not care about order, so
//! each write adjusts it without a read, and two nodes with the same rows have the same digest however
//! their batches fell. It finds divergence and damage; it is no defence against an attacker.

use crate::read::{Direction, Rows, Source};
use crate::{Fault, Kind, Read, View};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use std::ops::Bound;

/// Fixed, since all nodes must agree: it only keeps the hash apart from others over the same bytes.
const KEY: [u8; 16] = *b"registry rows v1";

/// The contribution of one row. Index rows have an empty value.
pub(crate) fn row(table: u8, key: &[u8], value: &[u8]) -> u128 {
    let mut h = SipHasher13::new_with_key(&KEY);
    h.write(&[table]);
    h.write(&(key.len() as u64).to_le_bytes());
    h.write(key);
    h.write(value);
    h.finish128().as_u128()
}

/// Recomputes the digest from the rows a view shows; equal to `view.header().digest` on a sound node.
/// Reads everything: minutes on a large registry.
///
/// # Errors
/// Any fault met while reading.
pub fn digest_of(view: &View) -> Result<u128, Fault> {
    let source: Source<'_> = crate::read::Sealed::source(view);
    let mut sum = 0u128;
    for &meta in source.catalogue().metas() {
        if meta.kind == Kind::Replicated {
            let all = (Bound::Unbounded, Bound::Unbounded);
            for r in Rows::new(&source, meta, all, Direction::Up)? {
                let (key, value) = r?;
                sum = sum.wrapping_add(row(meta.id, key.bytes(), value.bytes()));
            }
        }
    }
    Ok(sum)
}

/// Whether the running digest of a view equals its recomputation.
///
/// # Errors
/// `Fault::Corrupt` if it does not, and any fault met while reading.
pub fn verify_digest(view: &View) -> Result<(), Fault> {
    let (have, want) = (digest_of(view)?, view.header().digest);
    if have == want {
        return Ok(());
    }
    Err(Fault::corrupt(format!("rows hash to {have:032x}, the header says {want:032x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_row_counts() {
        let base = row(1, b"key", b"value");
        for other in [
            row(2, b"key", b"value"),
            row(1, b"keyv", b"alue"),
            row(1, b"key", b"valuf"),
            row(1, b"kez", b"value"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn the_hash_is_pinned() {
        assert_eq!(format!("{:032x}", row(0, b"", b"")), PINNED);
    }

    /// Other nodes compute the same: a change of the hash is a change of format.
    const PINNED: &str = "662ffee5ad18f6b6311e35ae92288674";
}
