//! A set of fingerprints: sorted, in chunks by their leading bits, immutable. A change copies the chunks that it
//! touches and shares the others, so that a reader's set stays as it is and a drain pays for what it changed.
//!
//! It is a multiset: of two keys with one fingerprint either may go without the other one being lost.

use std::iter::repeat_n;
use std::sync::Arc;

/// A chunk holds this many fingerprints at most on average; with fewer than half of them a set has fewer chunks.
const CHUNK_MAX: usize = 512;
/// What a chunk costs beside its fingerprints: the pointer to it with its length, and the two counts before them.
const CHUNK_OVERHEAD: usize = 32;

/// How often a fingerprint comes (positive) or goes.
pub(crate) type Change = (u64, i64);

#[derive(Clone)]
pub(crate) struct Set {
    /// Those of one chunk have the chunk's number as their leading `bits`.
    chunks: Vec<Arc<[u64]>>,
    bits: u32,
    len: usize,
}

/// The leading bits that make chunks of the right size; at least one, since a shift by 64 is none.
fn bits_for(len: usize) -> u32 {
    (len / CHUNK_MAX + 1).next_power_of_two().ilog2().max(1)
}

fn chunk_of(fingerprint: u64, bits: u32) -> usize {
    (fingerprint >> (64 - bits)) as usize
}

/// The memory of a set of `len` fingerprints, in bytes.
pub(crate) fn bytes_for(len: usize) -> usize {
    len * size_of::<u64>() + CHUNK_OVERHEAD * (1 << bits_for(len))
}

/// A set in the making, of which the size is known beforehand.
pub(crate) struct Gathering {
    chunks: Vec<Vec<u64>>,
    bits: u32,
}

impl Gathering {
    pub(crate) fn of(len: usize) -> Gathering {
        let bits = bits_for(len);
        let room = (len >> bits) + (len >> bits) / 4;
        Gathering { chunks: (0..1 << bits).map(|_| Vec::with_capacity(room)).collect(), bits }
    }

    pub(crate) fn push(&mut self, fingerprint: u64) {
        self.chunks[chunk_of(fingerprint, self.bits)].push(fingerprint);
    }

    pub(crate) fn finish(self) -> Set {
        let mut len = 0;
        let sorted = self.chunks.into_iter().map(|mut chunk| {
            chunk.sort_unstable();
            len += chunk.len();
            Arc::from(chunk)
        });
        Set { chunks: sorted.collect(), bits: self.bits, len }
    }
}

impl Set {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn bytes(&self) -> usize {
        self.len * size_of::<u64>() + CHUNK_OVERHEAD * self.chunks.len()
    }

    /// Fingerprints are spread evenly: what follows the leading bits says where in the chunk to look, give or take
    /// a few places.
    pub(crate) fn contains(&self, fingerprint: u64) -> bool {
        let chunk = &*self.chunks[chunk_of(fingerprint, self.bits)];
        let rest = u128::from(fingerprint << self.bits);
        let guess = ((rest * chunk.len() as u128) >> 64) as usize;
        let (below, above) = chunk.split_at(guess);
        match above.first() {
            Some(first) if *first <= fingerprint => {
                above.iter().find(|f| **f >= fingerprint) == Some(&fingerprint)
            }
            _ => below.iter().rev().find(|f| **f <= fingerprint) == Some(&fingerprint),
        }
    }

    /// The set after some changes, in any order.
    pub(crate) fn changed(&self, mut changes: Vec<Change>) -> Set {
        changes.sort_unstable();
        changes.dedup_by(|next, sum| {
            let same = next.0 == sum.0;
            sum.1 += if same { next.1 } else { 0 };
            same
        });
        let mut set = self.clone();
        for of_chunk in changes.chunk_by(|a, b| chunk_of(a.0, self.bits) == chunk_of(b.0, self.bits)) {
            let chunk = &mut set.chunks[chunk_of(of_chunk[0].0, self.bits)];
            let merged = merge(chunk, of_chunk);
            set.len = set.len - chunk.len() + merged.len();
            *chunk = merged;
        }
        while set.bits < bits_for(set.len) {
            set = set.split();
        }
        set
    }

    /// The same with twice as many chunks.
    fn split(&self) -> Set {
        let bits = self.bits + 1;
        let halves = self.chunks.iter().zip(0..).flat_map(|(chunk, number)| {
            let (low, high) = chunk.split_at(chunk.partition_point(|f| chunk_of(*f, bits) == 2 * number));
            [Arc::from(low), Arc::from(high)]
        });
        Set { chunks: halves.collect(), bits, len: self.len }
    }
}

fn merge(chunk: &[u64], changes: &[Change]) -> Arc<[u64]> {
    let mut merged = Vec::with_capacity(chunk.len() + changes.len());
    let mut old = chunk;
    for &(fingerprint, by) in changes {
        let (before, rest) = old.split_at(old.partition_point(|f| *f < fingerprint));
        let (same, after) = rest.split_at(rest.partition_point(|f| *f == fingerprint));
        merged.extend_from_slice(before);
        let count = usize::try_from(same.len() as i64 + by);
        debug_assert!(count.is_ok(), "{fingerprint:016x} goes and was never there");
        merged.extend(repeat_n(fingerprint, count.unwrap_or(0)));
        old = after;
    }
    merged.extend_from_slice(old);
    merged.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn gathered(fingerprints: &[u64]) -> Set {
        let mut set = Gathering::of(fingerprints.len());
        fingerprints.iter().for_each(|f| set.push(*f));
        set.finish()
    }

    /// Spreads small numbers over all 64 bits, with neighbours among them.
    fn spread(n: u16) -> u64 {
        u64::from(n / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) + u64::from(n % 2)
    }

    #[test]
    fn it_grows_by_more_chunks_and_counts_its_memory() {
        let mut set = gathered(&[]);
        assert!(!set.contains(0) && !set.contains(u64::MAX));
        for step in 0..40u16 {
            set = set.changed((0..500).map(|n| (spread(step * 500 + n), 1)).collect());
            assert_eq!(set.len(), 500 * usize::from(step + 1));
            assert_eq!(set.bytes(), bytes_for(set.len()));
        }
        assert_eq!(set.chunks.len(), 64);
        assert!((0..20_000).all(|n| set.contains(spread(n))));
        assert!(!(20_000..u16::MAX).any(|n| set.contains(spread(n))));
    }

    #[test]
    fn the_ends_and_an_uneven_chunk_are_found() {
        for all in [
            vec![0],
            vec![u64::MAX],
            vec![0, u64::MAX],
            (0..2000).collect(),
            (1..=9).map(|n| n << 55).collect(),
        ] {
            let set = gathered(&all);
            assert!(all.iter().all(|f| set.contains(*f)), "{all:?}");
            assert!(!set.contains(1 << 62) && !set.contains(u64::MAX - 1), "{all:?}");
        }
    }

    proptest! {
        #[test]
        fn it_is_a_multiset(
            first in proptest::collection::vec(0..2000u16, 0..1500),
            steps in proptest::collection::vec(proptest::collection::vec((0..2000u16, any::<bool>()), 0..400), 0..6),
        ) {
            let all: Vec<u64> = first.iter().map(|n| spread(*n)).collect();
            let mut model = BTreeMap::<u64, i64>::new();
            all.iter().for_each(|f| *model.entry(*f).or_default() += 1);
            let mut set = gathered(&all);
            for step in &steps {
                let mut changes = Vec::new();
                for (n, comes) in step {
                    let count = model.entry(spread(*n)).or_default();
                    if *comes || *count > 0 {
                        let by = if *comes { 1 } else { -1 };
                        *count += by;
                        changes.push((spread(*n), by));
                    }
                }
                let before = set.clone();
                set = set.changed(changes);
                prop_assert!(before.len() == before.chunks.iter().map(|c| c.len()).sum::<usize>());
                prop_assert_eq!(set.len() as i64, model.values().sum::<i64>());
                for n in 0..2000 {
                    prop_assert_eq!(set.contains(spread(n)), model.get(&spread(n)).is_some_and(|c| *c > 0));
                }
            }
        }
    }
}
