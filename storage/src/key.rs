//! Keys whose bytes sort as their values do, so that a range of values is a range of bytes.
//!
//! Integers are big endian, signed ones with the sign bit flipped. Text and byte strings escape 0x00 as
//! `00 FF` and end with `00 00`, so that they may stand anywhere in a tuple: a shorter string sorts
//! before its extensions whatever follows it. Here is no table and no value encoding.

use crate::Fault;
use std::slice;

/// A value usable as a key: `a < b` exactly when the bytes of `a` sort before those of `b`.
pub trait Key: Ord + Clone {
    /// Appends the bytes.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes one value from the front of `b`.
    ///
    /// # Errors
    /// `Fault::Corrupt` if the bytes are not what `put` writes.
    fn take(b: &mut &[u8]) -> Result<Self, Fault>;
}

/// Something that has the bytes of a `K` without being one, such as a borrowed name: a look-up by it copies no parts.
pub trait KeyLike<K: Key> {
    /// Appends the bytes that the key would.
    fn put(&self, out: &mut Vec<u8>);
}

/// The octets of a text.
impl KeyLike<String> for &[u8] {
    fn put(&self, out: &mut Vec<u8>) {
        put_escaped(self, out);
    }
}

impl<A: Key, K: Key, B: KeyLike<K>> KeyLike<(A, K)> for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
}

/// The bytes of one key.
pub(crate) fn bytes<K: Key>(k: &K) -> Vec<u8> {
    let mut out = Vec::with_capacity(32);
    k.put(&mut out);
    out
}

/// The key that fills `b` exactly.
pub(crate) fn whole<K: Key>(mut b: &[u8]) -> Result<K, Fault> {
    let k = K::take(&mut b)?;
    if b.is_empty() { Ok(k) } else { Err(Fault::corrupt(format!("{} bytes follow the key", b.len()))) }
}

fn array<const N: usize>(b: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (head, rest) = b
        .split_first_chunk::<N>()
        .ok_or_else(|| Fault::corrupt(format!("a key of {} bytes where {N} are needed", b.len())))?;
    *b = rest;
    Ok(*head)
}

macro_rules! unsigned {
    ($($t:ty),*) => { $(
        impl Key for $t {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn take(b: &mut &[u8]) -> Result<Self, Fault> {
                array(b).map(Self::from_be_bytes)
            }
        }
    )* };
}
unsigned!(u8, u16, u32, u64, u128);

const SIGN: u64 = 1 << 63;

impl Key for i64 {
    fn put(&self, out: &mut Vec<u8>) {
        (self.cast_unsigned() ^ SIGN).put(out);
    }
    fn take(b: &mut &[u8]) -> Result<Self, Fault> {
        u64::take(b).map(|u| (u ^ SIGN).cast_signed())
    }
}

impl<const N: usize> Key for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn take(b: &mut &[u8]) -> Result<Self, Fault> {
        array(b)
    }
}

/// The key of a table with a single row.
impl Key for () {
    fn put(&self, _: &mut Vec<u8>) {}
    fn take(_: &mut &[u8]) -> Result<Self, Fault> {
        Ok(())
    }
}

fn put_escaped(s: &[u8], out: &mut Vec<u8>) {
    // hardly any text has a zero in it
    if s.contains(&0) {
        s.iter().for_each(|b| out.extend_from_slice(if *b == 0 { &[0, 0xff] } else { slice::from_ref(b) }));
    } else {
        out.extend_from_slice(s);
    }
    out.extend_from_slice(&[0, 0]);
}

fn take_escaped(b: &mut &[u8]) -> Result<Vec<u8>, Fault> {
    let mut s = Vec::new();
    loop {
        let zero =
            b.iter().position(|&x| x == 0).ok_or_else(|| Fault::corrupt("a key's text has no terminator"))?;
        s.extend_from_slice(&b[..zero]);
        let mark = b.get(zero + 1).copied();
        *b = b.get(zero + 2..).unwrap_or_default();
        match mark {
            Some(0) => return Ok(s),
            Some(0xff) => s.push(0),
            _ => return Err(Fault::corrupt("a zero in a key's text is neither escaped nor its end")),
        }
    }
}

impl Key for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        put_escaped(self, out);
    }
    fn take(b: &mut &[u8]) -> Result<Self, Fault> {
        take_escaped(b)
    }
}

impl Key for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_escaped(self.as_bytes(), out);
    }
    fn take(b: &mut &[u8]) -> Result<Self, Fault> {
        String::from_utf8(take_escaped(b)?).map_err(|e| Fault::corrupt(e.to_string()))
    }
}

impl Key for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_escaped(self.as_bytes(), out);
    }
    fn take(b: &mut &[u8]) -> Result<Self, Fault> {
        String::take(b).map(String::into_boxed_str)
    }
}

macro_rules! tuple {
    ($($t:ident $n:tt),*) => {
        impl<$($t: Key),*> Key for ($($t,)*) {
            fn put(&self, out: &mut Vec<u8>) {
                $( self.$n.put(out); )*
            }
            fn take(b: &mut &[u8]) -> Result<Self, Fault> {
                Ok(($( $t::take(b)?, )*))
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Debug;

    fn agrees<K: Key + Debug>(a: &K, b: &K) -> Result<(), TestCaseError> {
        let (x, y) = (bytes(a), bytes(b));
        prop_assert_eq!(x.cmp(&y), a.cmp(b), "{:?} {:?}", a, b);
        prop_assert_eq!(&whole::<K>(&x).unwrap(), a);
        prop_assert_eq!(&whole::<K>(&y).unwrap(), b);
        Ok(())
    }

    /// Strings of few letters, so that prefixes and zeros meet often.
    fn text() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop_oneof![Just('\0'), Just('\u{1}'), Just('a'), Just('ÿ')], 0..4)
            .prop_map(|v| v.into_iter().collect())
    }

    fn blob() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xff)], 0..4)
    }

    proptest! {
        #[test]
        fn integers(a: (u8, u16, u32, u64), b: (u8, u16, u32, u64), x: (u128, i64), y: (u128, i64)) {
            agrees(&a, &b)?;
            agrees(&x, &y)?;
        }

        #[test]
        fn signs(a: i64, b: i64) {
            agrees(&a, &b)?;
        }

        #[test]
        fn text_in_tuples(a in (text(), any::<u8>()), b in (text(), any::<u8>())) {
            agrees(&a, &b)?;
            agrees(&(a.1, a.0.into_boxed_str()), &(b.1, b.0.into_boxed_str()))?;
        }

        #[test]
        fn bytes_in_tuples(a in (blob(), blob(), any::<[u8; 2]>()), b in (blob(), blob(), any::<[u8; 2]>())) {
            agrees(&a, &b)?;
        }

        #[test]
        fn noise_never_panics(b: Vec<u8>) {
            let _ = whole::<(String, Vec<u8>, i64, [u8; 3])>(&b);
        }
    }

    #[test]
    fn malformed_text_is_a_fault() {
        for b in [&b"a"[..], b"a\0", b"a\0\x01", b"\xff\0\0", b"a\0\0b"] {
            assert!(whole::<String>(b).is_err(), "{b:?}");
        }
        assert!(whole::<u32>(&[1, 2, 3]).is_err());
        assert!(whole::<u32>(&[1, 2, 3, 4, 5]).is_err());
    }
}
