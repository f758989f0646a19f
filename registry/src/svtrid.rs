//! The server transaction identifier: the only deduplication key of a command (client identifiers repeat legally).

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    str::FromStr,
    sync::atomic::{AtomicU64, Ordering},
};
use storage::{Fault, Key};

/// Node, boot (64 bits drawn at every process start) and sequence; written `1-00c0ffee00c0ffee-42`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SvTrid {
    pub node: u64,
    pub boot: u64,
    pub seq: u64,
}

impl fmt::Display for SvTrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // formatting sixteen digits by a width takes longer than all the rest
        let mut boot = *b"0000000000000000";
        for (digit, nibble) in boot.iter_mut().zip((0..16).rev()) {
            *digit = b"0123456789abcdef"[usize::try_from(self.boot >> (4 * nibble) & 0xF).unwrap_or(0)];
        }
        let boot = std::str::from_utf8(&boot).unwrap_or_default();
        write!(f, "{}-{boot}-{}", self.node, self.seq)
    }
}

impl FromStr for SvTrid {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "an svTRID is NODE-BOOT-SEQUENCE, for example 1-00c0ffee00c0ffee-42";
        let mut parts = s.trim().split('-');
        let (Some(node), Some(boot), Some(seq), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(FORM);
        };
        Ok(SvTrid {
            node: node.parse().map_err(|_| FORM)?,
            boot: u64::from_str_radix(boot, 16).map_err(|_| FORM)?,
            seq: seq.parse().map_err(|_| FORM)?,
        })
    }
}

impl Key for SvTrid {
    fn put(&self, out: &mut Vec<u8>) {
        (self.node, self.boot, self.seq).put(out);
    }

    fn take(b: &mut &[u8]) -> Result<Self, Fault> {
        let (node, boot, seq) = <(u64, u64, u64)>::take(b)?;
        Ok(SvTrid { node, boot, seq })
    }
}

/// Gives out this process's identifiers, each once.
#[derive(Debug)]
pub struct SvTrids {
    node: u64,
    boot: u64,
    seq: AtomicU64,
}

impl SvTrids {
    /// `boot` must be drawn anew at every process start.
    pub fn new(node: u64, boot: u64) -> SvTrids {
        SvTrids { node, boot, seq: AtomicU64::new(1) }
    }

    pub fn next(&self) -> SvTrid {
        SvTrid { node: self.node, boot: self.boot, seq: self.seq.fetch_add(1, Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_shows() {
        let ids = SvTrids::new(3, 0xdead_beef);
        let (a, b) = (ids.next(), ids.next());
        assert_ne!(a, b);
        assert_eq!(a.to_string().parse(), Ok(a));
        assert_eq!(a.to_string(), "3-00000000deadbeef-1");
        for bad in ["", "1", "1-2", "x-0-1", "1-0-1-2", "1-zz-1"] {
            assert!(bad.parse::<SvTrid>().is_err(), "{bad}");
        }
    }
}
