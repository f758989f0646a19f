//! The one place that turns values into bytes: rows, log entries and peer frames all pass here.
//!
//! The encoding is bincode 2 (variable-length integers, little endian). It describes nothing: fields have
//! no names, so types that need to see what they read (`untagged`, `flatten`, `skip_serializing_if`) do
//! not survive it, and the order of enum variants is part of the format. Until version 0.1.0 formats
//! change freely; every record begins with a version byte so that later ones can tell.

use crate::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version byte that stands in front of every record and log entry.
pub const VERSION: u8 = 1;

/// The most memory, in bytes, that decoding one value may claim.
pub const DECODE_LIMIT: usize = 16 << 20;

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<DECODE_LIMIT>()
}

/// Encodes a value. No limit applies: what may be written is the caller's rule.
///
/// # Panics
/// If the type can't be described to serde without a self-describing format (a programming error).
pub fn encode<T: Serialize + ?Sized>(v: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(v, bincode::config::standard())
        .expect("the type has a fixed shape and can be encoded")
}

/// Decodes a value that fills `b` exactly.
///
/// # Errors
/// `Fault::Corrupt` if the bytes end early, go on after the value, mean nothing, or claim more memory
/// than [`DECODE_LIMIT`].
pub fn decode<T: DeserializeOwned>(b: &[u8]) -> Result<T, Fault> {
    let (v, used) =
        bincode::serde::decode_from_slice(b, config()).map_err(|e| Fault::corrupt(e.to_string()))?;
    if used != b.len() {
        return Err(Fault::corrupt(format!("{} bytes follow the value", b.len() - used)));
    }
    Ok(v)
}

/// [`encode`] with the version byte in front.
///
/// # Panics
/// As [`encode`].
pub fn encode_record<T: Serialize + ?Sized>(v: &T) -> Vec<u8> {
    let mut out = vec![VERSION];
    bincode::serde::encode_into_std_write(v, &mut out, bincode::config::standard())
        .expect("the type has a fixed shape and can be encoded");
    out
}

/// [`decode`] of what [`encode_record`] wrote.
///
/// # Errors
/// As [`decode`], and if the version byte is missing or unknown.
pub fn decode_record<T: DeserializeOwned>(b: &[u8]) -> Result<T, Fault> {
    match b.split_first() {
        Some((&VERSION, rest)) => decode(rest),
        Some((other, _)) => Err(Fault::corrupt(format!("record version {other}, expected {VERSION}"))),
        None => Err(Fault::corrupt("an empty record")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn trailing_bytes_are_rejected() {
        let mut b = encode(&7u32);
        b.push(0);
        assert!(matches!(decode::<u32>(&b), Err(Fault::Corrupt { why, .. }) if why.contains("1 bytes")));
    }

    #[test]
    fn a_huge_length_is_refused_before_memory_is_taken() {
        let claim = encode(&(u64::MAX >> 8));
        assert!(decode::<Vec<u8>>(&claim).is_err());
        assert!(decode::<Vec<u64>>(&claim).is_err());
        assert!(decode::<String>(&claim).is_err());
    }

    #[test]
    fn the_version_byte_is_checked() {
        let mut b = encode_record("x");
        assert_eq!(decode_record::<String>(&b).unwrap(), "x");
        b[0] = 9;
        assert!(decode_record::<String>(&b).unwrap_err().to_string().contains("version 9"));
        assert!(decode_record::<String>(&[]).is_err());
    }

    proptest! {
        #[test]
        fn round_trip(v: (u64, i64, u128, Option<String>, Vec<(bool, Vec<u8>)>)) {
            prop_assert_eq!(decode::<(u64, i64, u128, Option<String>, Vec<(bool, Vec<u8>)>)>(&encode(&v)).unwrap(), v.clone());
            prop_assert_eq!(decode_record::<(u64, i64, u128, Option<String>, Vec<(bool, Vec<u8>)>)>(&encode_record(&v)).unwrap(), v);
        }

        #[test]
        fn noise_never_panics(b: Vec<u8>) {
            let _ = decode::<(Vec<String>, Option<u128>)>(&b);
        }
    }
}
