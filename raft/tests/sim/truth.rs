//! What must hold at every step: committed entries never change and are durable on a majority, every node has the
//! same state at the same index, and state time never runs backwards.

use super::{
    runtime::Sim,
    world::{VOTERS, World},
};
use openraft::{EntryPayload, RaftTypeConfig};
use registry::{
    apply::{Step, apply_batch},
    tables,
};
use std::{collections::BTreeMap, sync::Arc};
use storage::{Header, Log, Read, Store, codec};

/// A leader's clock may jump by 10 s before it is held back; beside that, clocks are a second apart at most.
const AHEAD_MAX_MS: i64 = 11_000;

type LogEntry = <Sim as RaftTypeConfig>::Entry;

/// A state without its replication part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    digest: u128,
    state_time: i64,
    next_id: u64,
}

impl Fingerprint {
    fn of(header: &Header) -> Fingerprint {
        Fingerprint { digest: header.digest, state_time: header.state_time, next_id: header.next_id }
    }
}

#[derive(Default)]
pub struct Truth {
    /// Every committed entry, as the first node that applied it had it.
    committed: BTreeMap<u64, Arc<[u8]>>,
    states: BTreeMap<u64, Fingerprint>,
}

impl Truth {
    fn entry(&mut self, id: u64, index: u64, bytes: &Arc<[u8]>) -> Result<bool, String> {
        match self.committed.get(&index) {
            Some(known) if known != bytes => {
                Err(format!("node {id} applies another entry at index {index} than was committed there"))
            }
            Some(_) => Ok(false),
            None => {
                self.committed.insert(index, bytes.clone());
                Ok(true)
            }
        }
    }

    fn state(&mut self, who: &str, index: u64, found: Fingerprint) -> Result<(), String> {
        let known = *self.states.entry(index).or_insert(found);
        if known != found {
            return Err(format!("at index {index} {who} has {found:?}, another has {known:?}"));
        }
        let before = self.states.range(..index).next_back();
        if before.is_some_and(|(_, b)| b.state_time > found.state_time) {
            return Err(format!("state time runs backwards before index {index}"));
        }
        Ok(())
    }

    pub fn digest(&mut self, index: u64, digest: u128) -> Result<(), String> {
        match self.states.get(&index) {
            Some(known) if known.digest != digest => Err(format!(
                "Mark answered digest {digest:032x} at index {index}, nodes have {:032x}",
                known.digest
            )),
            _ => Ok(()),
        }
    }

    pub fn last(&self) -> u64 {
        self.committed.last_key_value().map_or(0, |(index, _)| *index)
    }

    /// Applies the whole log once more in one store, in batches that `size` chooses and with drains between some:
    /// the digests are those that the nodes had.
    pub fn replay(&mut self, mut size: impl FnMut() -> u64) -> Result<Arc<Store>, String> {
        let store = Arc::new(Store::memory(tables::ALL));
        let mut steps = Vec::new();
        for (index, bytes) in &self.committed {
            steps.push(step(*index, bytes)?);
        }
        let mut rest = steps.as_slice();
        while !rest.is_empty() {
            let n = size();
            let (batch, after) = rest.split_at(usize::try_from(n).unwrap().clamp(1, rest.len()));
            apply_batch(&store, batch).map_err(|fault| format!("replay: {fault}"))?;
            let header = store.view().header().clone();
            self.state("a replay with other batches", header.index, Fingerprint::of(&header))?;
            if n.is_multiple_of(5) {
                store.freeze();
                store.drain(Some(u64::MAX)).map_err(|fault| format!("replay: {fault}"))?;
            }
            rest = after;
        }
        Ok(store)
    }
}

fn step(index: u64, bytes: &[u8]) -> Result<Step, String> {
    let entry: LogEntry = codec::decode_record(bytes).map_err(|e| format!("entry {index}: {e}"))?;
    let entry = match entry.payload {
        EntryPayload::Normal(entry) => Some(entry),
        EntryPayload::Blank | EntryPayload::Membership(_) => None,
    };
    // consensus keeps its own log id here; any bytes will do
    Ok(Step { index, meta: index.to_be_bytes().to_vec().into(), entry })
}

impl World {
    /// Called after each batch of a node, before anything else happens.
    pub fn applied(&self, id: u64, count: usize, log: &Log, store: &Store) {
        let header = store.view().header().clone();
        let first = (header.index + 1).saturating_sub(count as u64);
        let entries = log.read(first..header.index + 1);
        let durable = self.durable();
        let ahead_ms = header.state_time - self.true_ms();
        let mut inner = self.lock();
        inner.note(format_args!("{id} applied {first}..={} {:032x}", header.index, header.digest));
        let entries = match entries {
            Ok(entries) if entries.len() == count => entries,
            other => {
                return inner.violation(format!("node {id} applied {count} entries, its log has {other:?}"));
            }
        };
        for (index, bytes) in (first..).zip(&entries) {
            match inner.truth.entry(id, index, bytes) {
                Ok(true) => {
                    let copies = durable.values().filter(|last| **last >= Some(index)).count();
                    if 2 * copies <= VOTERS.len() {
                        inner.violation(format!("index {index} is applied and durable only at {durable:?}"));
                    }
                }
                Ok(false) => {}
                Err(what) => inner.violation(what),
            }
        }
        if ahead_ms > AHEAD_MAX_MS {
            inner.violation(format!("state time is {ahead_ms} ms ahead of every good clock"));
        }
        let checked = inner.truth.state(&format!("node {id}"), header.index, Fingerprint::of(&header));
        inner.check(checked);
    }
}
