//! The node's own metrics: consensus, log, state. The services' are in `net::metrics`.
//!
//! Figures of consensus are read when they are scraped, so that nobody keeps them up to date.

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{
        MetricType,
        counter::{ConstCounter, Counter},
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::{Registry, Unit},
};
use raft::{Batch, Refused, Status, Writes};
use std::{fmt, sync::Arc, time::Duration};
use storage::Stats;

/// What the node measures itself. Clones share it.
#[derive(Clone, Debug)]
pub struct NodeMetrics {
    fsync: Histogram,
    apply: Histogram,
    entries: Counter,
    drain: Histogram,
    rows: Counter,
    differing: Gauge,
    internal: Counter,
}

impl NodeMetrics {
    pub fn register(registry: &mut Registry) -> NodeMetrics {
        let seconds =
            || Histogram::new([0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 2.0]);
        let metrics = NodeMetrics {
            fsync: seconds(),
            apply: seconds(),
            entries: Counter::default(),
            drain: Histogram::new([0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0]),
            rows: Counter::default(),
            differing: Gauge::default(),
            internal: Counter::default(),
        };
        let mut timed = |name, help, histogram: &Histogram| {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        };
        timed("namingo_log_fsync", "Time of one durable write of the log", &metrics.fsync);
        timed("namingo_apply", "Time to apply one batch of entries", &metrics.apply);
        timed("namingo_drain", "Time to make one generation of the state durable", &metrics.drain);
        registry.register("namingo_applied_entries", "Log entries applied", metrics.entries.clone());
        registry.register("namingo_drained_rows", "Rows made durable", metrics.rows.clone());
        registry.register(
            "namingo_internal_outcomes",
            "Commands that met a defect of the registry: look into the log",
            metrics.internal.clone(),
        );
        registry.register(
            "namingo_nodes_differing",
            "Nodes whose state differed from the majority's, or without one from each other's, when this leader compared them last; 0 where this node does not lead",
            metrics.differing.clone(),
        );
        metrics
    }

    pub fn nodes_differ(&self, count: usize) {
        self.differing.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// What a leader found counts no longer where it stopped leading: the next one compares for itself.
    pub fn leads(&self, leads: bool) {
        if !leads {
            self.differing.set(0);
        }
    }

    pub fn log_committed(&self, took: Duration) {
        self.fsync.observe(took.as_secs_f64());
    }

    pub fn applied(&self, batch: Batch) {
        self.apply.observe(batch.took.as_secs_f64());
        self.entries.inc_by(batch.entries as u64);
        self.internal.inc_by(batch.internal as u64);
    }

    pub fn drained(&self, rows: usize, took: Duration) {
        self.drain.observe(took.as_secs_f64());
        self.rows.inc_by(rows as u64);
    }
}

/// What is read of consensus and of the state's memory.
#[derive(Clone, Debug)]
pub struct Figures {
    pub status: Status,
    /// Whether a majority follows the leader.
    pub led: bool,
    pub memory: Stats,
    pub writes: Writes,
    pub log_lines_lost: u64,
}

/// Reads them.
pub type ReadFigures = Arc<dyn Fn() -> Figures + Send + Sync>;

/// The figures of consensus and of the state's memory, as they are when scraped.
pub struct RaftCollector(pub ReadFigures);

impl fmt::Debug for RaftCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RaftCollector")
    }
}

impl Collector for RaftCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Figures { status: s, led, memory, writes, log_lines_lost } = (self.0)();
        let held = memory.fingerprints.unwrap_or_default();
        let leads = u64::from(led && s.leader == Some(s.id));
        let figures = [
            ("namingo_raft_is_leader", "Whether this node leads (1) or not (0)", leads),
            (
                "namingo_raft_has_quorum",
                "Whether a leader with a majority is heard of (1) or not (0)",
                u64::from(led),
            ),
            ("namingo_raft_leader_id", "The leader as this node knows it, 0 for none", s.leader.unwrap_or(0)),
            ("namingo_raft_term", "The current term", s.term),
            ("namingo_raft_last_log_index", "The last entry in the log", s.last_log),
            ("namingo_raft_commit_index", "The last entry known to be committed", s.committed),
            ("namingo_raft_applied_index", "The last entry applied", s.applied),
            ("namingo_raft_drained_index", "The last entry whose effect is in the state file", s.drained),
            ("namingo_raft_purged_index", "The last entry that is purged from the log", s.purged),
            (
                "namingo_disk_full",
                "Whether a write of this node waits for room on its disk (1) or not (0)",
                u64::from(s.disk_full),
            ),
            ("namingo_raft_members", "Nodes in the cluster", s.members.len() as u64),
            ("namingo_memory_rows", "Rows in memory that wait to be drained", rows_of(&memory)),
            (
                "namingo_memory_bytes",
                "What the rows of the active generation take",
                memory.active_bytes as u64,
            ),
            (
                "namingo_outcomes_bytes",
                "What the outcomes of commands take that are remembered for three minutes",
                memory.volatile_bytes as u64,
            ),
            (
                "namingo_writes_under_way",
                "Writes of registrars whose outcome is awaited here",
                writes.under_way,
            ),
            ("namingo_writes_waiting", "Writes of registrars that wait here for room", writes.waiting),
            (
                "namingo_proposals_under_way",
                "Proposals that this node has before it as leader",
                writes.proposals,
            ),
            (
                "namingo_das_fingerprints",
                "Names, marked labels and zones that are found in memory, 0 while the state file is read for them",
                held.keys as u64,
            ),
            ("namingo_das_fingerprint_bytes", "The memory that they take", held.bytes as u64),
        ];
        for (name, help, value) in figures {
            gauge(&mut encoder, name, help, value)?;
        }
        refused(&mut encoder, writes.refused)?;
        let help = "Lines of the log that were lost: whoever reads it stood still";
        lost(&mut encoder, help, log_lines_lost)?;
        let help = "State time: how fresh this node's answers are, as Unix time";
        seconds(&mut encoder, "namingo_state_time", help, s.state_time.0 as f64 / 1000.0)?;
        let oldest = memory.oldest_snapshot.map_or(0.0, |age| age.as_secs_f64());
        let help = "Age of the oldest snapshot being read: the pages that it pins can't be used again";
        seconds(&mut encoder, "namingo_oldest_snapshot_age", help, oldest)
    }
}

fn refused(encoder: &mut DescriptorEncoder<'_>, refused: Refused) -> fmt::Result {
    let help = "Writes that found no room in time and were not proposed";
    let mut family = encoder.encode_descriptor("namingo_writes_refused", help, None, MetricType::Counter)?;
    for (reason, count) in [("node", refused.node), ("leader", refused.leader), ("memory", refused.memory)] {
        ConstCounter::new(count).encode(family.encode_family(&[("reason", reason)])?)?;
    }
    Ok(())
}

fn lost(encoder: &mut DescriptorEncoder<'_>, help: &str, lines: u64) -> fmt::Result {
    let family = encoder.encode_descriptor("namingo_log_lines_lost", help, None, MetricType::Counter)?;
    ConstCounter::new(lines).encode(family)
}

fn rows_of(memory: &Stats) -> u64 {
    (memory.active_rows + memory.draining_rows) as u64
}

fn seconds(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, Some(&Unit::Seconds), gauge.metric_type())?)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stops_leading_forgets_what_it_found_to_differ() {
        let metrics = NodeMetrics::register(&mut Registry::default());
        metrics.nodes_differ(2);
        metrics.leads(true);
        assert_eq!(metrics.differing.get(), 2);
        metrics.leads(false);
        assert_eq!(metrics.differing.get(), 0);
    }
}
