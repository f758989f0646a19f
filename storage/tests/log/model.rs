//! The log beside a list, with crashes in the middle of its writes.

use crate::{unheard, write_all};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::{Log, LogOptions, MetaKey, SimDisk};

#[derive(Debug, Clone)]
enum Step {
    Append(u8, u8),
    TruncateTo(u8),
    Purge(u8),
    Vote(u8),
    Committed(u8),
    Write,
    Restart {
        crash: bool,
    },
    /// The disk fails within a commit, then the power goes (some of what was written is there) or the process is killed.
    Torn {
        writes: u8,
        seed: u64,
    },
    Read(u64, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..5u8, any::<u8>()).prop_map(|(n, b)| Step::Append(n, b)),
        2 => (0..6u8).prop_map(Step::TruncateTo),
        1 => (0..12u8).prop_map(Step::Purge),
        1 => any::<u8>().prop_map(Step::Vote),
        1 => any::<u8>().prop_map(Step::Committed),
        4 => Just(Step::Write),
        1 => any::<bool>().prop_map(|crash| Step::Restart { crash }),
        2 => (0..12u8, any::<u64>()).prop_map(|(writes, seed)| Step::Torn { writes, seed }),
        4 => (0..60u64, 0..60u64).prop_map(|(a, b)| Step::Read(a, b)),
    ]
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    entries: BTreeMap<u64, Vec<u8>>,
    purged: Option<u64>,
    vote: Option<u8>,
    committed: Option<u8>,
}

impl Model {
    fn read(&self, a: u64, b: u64) -> Vec<Vec<u8>> {
        if a < b { self.entries.range(a..b).map(|(_, v)| v.clone()).collect() } else { Vec::new() }
    }

    fn next(&self) -> u64 {
        self.entries.keys().next_back().copied().or(self.purged).map_or(0, |i| i + 1)
    }
}

/// Whether the log is what the model says, by everything that can be read of it.
fn matches(log: &Log, m: &Model) -> bool {
    let (purged, last) = log.bounds().unwrap();
    let entries: Vec<Vec<u8>> = log.read(0..u64::MAX).unwrap().iter().map(|b| b.to_vec()).collect();
    purged.map(|b| u64::from_be_bytes((*b).try_into().unwrap())) == m.purged
        && last.map(|(i, _)| i) == m.entries.keys().next_back().copied()
        && entries == m.entries.values().cloned().collect::<Vec<_>>()
        && log.get_meta(MetaKey::Vote).map(|b| b[0]) == m.vote
        && log.get_meta(MetaKey::Committed).map(|b| b[0]) == m.committed
}

fn check(log: &Log, m: &Model) {
    let (purged, last) = log.bounds().unwrap();
    assert_eq!(purged.map(|b| u64::from_be_bytes((*b).try_into().unwrap())), m.purged);
    let wanted = m.entries.last_key_value().map(|(i, b)| (*i, b.clone()));
    assert_eq!(last.map(|(i, b)| (i, b.to_vec())), wanted);
    assert_eq!(log.get_meta(MetaKey::Vote).map(|b| b[0]), m.vote);
    assert_eq!(log.get_meta(MetaKey::Committed).map(|b| b[0]), m.committed);
}

/// Equal entries of up to 3 kB, some of them of many sectors.
fn entries(first: u64, n: u8, b: u8) -> Vec<(u64, Arc<[u8]>)> {
    let octets = vec![b; usize::from(b) * usize::from(b % 5) * 3];
    (first..first + u64::from(n)).map(|i| (i, octets.as_slice().into())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn the_log_is_a_list(
        steps in proptest::collection::vec(step(), 1..60),
        tail_bytes in 0..40usize,
        segment_bytes in prop_oneof![1..8_000u64, Just(1 << 20)],
    ) {
        let disk = SimDisk::new();
        let options = LogOptions { tail_bytes, segment_bytes, ..LogOptions::default() };
        let mut log = Log::open_with(Arc::new(disk.clone()), options.clone()).unwrap();
        let (mut now, mut durable) = (Model::default(), Model::default());
        for s in steps {
            match s {
                Step::Append(n, b) => {
                    let new = entries(now.next(), n, b);
                    now.entries.extend(new.iter().map(|(i, b)| (*i, b.to_vec())));
                    log.append(new, unheard());
                }
                Step::TruncateTo(back) => {
                    let last = now.next().checked_sub(u64::from(back) + 1);
                    log.truncate_after(last, unheard());
                    now.entries.retain(|i, _| last.is_some_and(|l| *i <= l));
                }
                Step::Purge(ahead) => {
                    let upto = now.entries.keys().next().copied().unwrap_or(now.next()) + u64::from(ahead);
                    log.purge(upto, upto.to_be_bytes().to_vec().into(), unheard());
                    now.purged = now.purged.max(Some(upto));
                    now.entries.retain(|i, _| *i > upto);
                }
                Step::Vote(v) => {
                    log.put_meta(MetaKey::Vote, vec![v].into(), true, unheard());
                    now.vote = Some(v);
                }
                Step::Committed(v) => {
                    log.put_meta(MetaKey::Committed, vec![v].into(), false, unheard());
                    now.committed = Some(v);
                }
                Step::Write => {
                    if log.write_step() {
                        write_all(&log);
                        prop_assert_eq!(log.queued(), (0, 0));
                        durable = now.clone();
                        let last = durable.entries.keys().next_back().copied();
                        prop_assert_eq!(log.synced(), last.max(durable.purged));
                    }
                }
                Step::Restart { crash } => {
                    if crash {
                        disk.crash();
                    } else {
                        log.flush().unwrap();
                        durable = now.clone();
                    }
                    drop(log);
                    log = Log::open_with(Arc::new(disk.clone()), options.clone()).unwrap();
                    now = durable.clone();
                }
                Step::Torn { writes, seed } => {
                    if seed % 2 == 0 {
                        disk.fail_writes_after(u64::from(writes));
                    } else {
                        disk.fail_syncs_after(u64::from(writes % 3));
                    }
                    let acknowledged = log.flush().is_ok();
                    match seed % 5 {
                        // the process is killed, and what it wrote is in the memory of the system
                        0 => disk.heal(),
                        _ => disk.crash_torn(seed),
                    }
                    drop(log);
                    log = Log::open_with(Arc::new(disk.clone()), options.clone()).unwrap();
                    if acknowledged || matches(&log, &now) {
                        durable = now.clone();
                    } else {
                        now = durable.clone();
                    }
                }
                Step::Read(a, b) => {
                    let found: Vec<Vec<u8>> = log.read(a..b).unwrap().iter().map(|b| b.to_vec()).collect();
                    prop_assert_eq!(found, now.read(a, b));
                }
            }
            check(&log, &now);
            if let Some(synced) = log.synced() {
                // What is called durable is what a crash would leave.
                for (i, b) in now.entries.range(..=synced) {
                    prop_assert_eq!(durable.entries.get(i), Some(b));
                }
            }
        }
    }
}
